"""What Envoy is told, as values and as the files that it reads; nothing here talks to anybody.

Three files follow the service while it runs: clusters (one a revision), the listeners, the routes with their weights.
The routes are also where weights are remembered: what is served is what is written, and nobody else keeps a copy.

Sources: Envoy API v3 (config.cluster, config.route, config.listener, admin), measured with Envoy 1.40.0.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ...revisions import NoSuchRevision, WrongWeights

PORT, SIDE_PORT, ADMIN_PORT, COPIES_PORT = 8080, 9902, 9901, 9903
"""In Envoy's container: the service, revisions and counters, its own administration, and copies that wait."""

FOLDER = "/etc/aciml"
BOOTSTRAP, START, CLUSTERS, LISTENERS = "envoy.json", "start.sh", "clusters.json", "listeners.json"
ROUTES, SIDE = "routes.json", "side.json"
ROUTE_NAME, SIDE_NAME = "service", "side"
REVISIONS_PATH = "/revisions"
"""On the side port: ``/revisions/<name>/`` is that revision's ``/``."""

COUNTERS = ("/stats", "/stats/prometheus", "/clusters", "/ready")
"""Of the administration only what is read is let through: the rest can stop Envoy, or show its memory."""

KEEPER = f"""
epoch=0
run() {{ /bin/sh {FOLDER}/{START} --restart-epoch $epoch & last=$!; }}
trap 'before=$last; epoch=$((epoch + 1)); run' HUP
trap 'over=1; kill -TERM $last $before' TERM INT
run
while :; do
  wait $last
  code=$?
  kill -0 $last 2>/dev/null && continue
  [ -z "$over" ] && [ -n "$before" ] && kill -0 $before 2>/dev/null || exit $code
  last=$before before= epoch=$((epoch - 1))
done
"""
"""What the container of Envoy runs, a shell's words: by SIGHUP another Envoy is started beside the one that serves,
which hands over its sockets and finishes what it has (Envoy docs, "Hot restart"). One that does not come up changes
nothing. A signal ends a shell's ``wait`` early, so whether a process is gone is asked."""

# who has requests at work for longer is cut when the old one ends, and it takes its memory until then; "immediate":
# each answer of the old one asks its caller to connect anew, where the default asks some at first, and all in the end
_TAKES_OVER = "--drain-strategy immediate --drain-time-s 300 --parent-shutdown-time-s 300"

_COPIES = "copies."
"""Begins the name of the cluster that copies wait in; no revision's name has a dot."""

COPIES_ROOM = 64
"""Copies that may wait or be at work at once; what comes beyond is dropped, and counted by Envoy."""

# a thread more is a wake-up more for each request: on two cores, which the replicas want, one thread needs a fifth less
# of them than two, and alone it passes thousands of requests a second
_WORKERS = '$([ "$(nproc 2>/dev/null || echo 4)" -lt 4 ] && echo 1 || echo 2)'

_API = "type.googleapis.com/envoy"
_TRUE = {"runtime_key": "unused", "default_value": {"numerator": 100, "denominator": "HUNDRED"}}
NOBODY = "no revision serves yet"
# each bound is a tenth above the one below it, from a millisecond to ten minutes: the p99 of two revisions is compared
# by them, and Envoy's own bounds (1, 5, 10, 25, 50, ...) would call 11 and 24 ms equal
_BUCKETS = sorted({round(1.1**step, 1) for step in range(140)})


_SETTINGS = (
    "timeout",
    "keep_alive",
    "port",
    "health_path",
    "certificate",
    "authorities",
    "labels",
    "log",
    "copies_after",
)


@dataclass(frozen=True)
class Mirror:
    """A share of what ``source`` answers that ``to`` gets as well; its answers are dropped."""

    source: str
    to: str
    percent: int


@dataclass(frozen=True)
class Routing:
    """Who gets which share of the requests: percents by the name of a revision, which sum to 100, or nobody at all."""

    weights: Mapping[str, int] = field(default_factory=dict)
    mirror: Mirror | None = None

    def __post_init__(self) -> None:
        """Refuse what Envoy would refuse, or silently take for something else."""
        wrong = [name for name, weight in self.weights.items() if not 0 <= weight <= 100]
        if wrong or (self.weights and sum(self.weights.values()) != 100):
            told = ", ".join(f"{name} {weight}" for name, weight in self.weights.items())
            raise WrongWeights(f"these weights do not sum up to 100: {told}", "give whole percents from 0 to 100")
        # a mirror belongs to a route, and all revisions are behind the same one: what the others answer would be
        # mirrored too
        if self.mirror and self.weights.get(self.mirror.source) != 100:
            raise WrongWeights(
                f"requests of {self.mirror.source} cannot be mirrored while it does not get all of them",
                "end the canary first",
            )

    @property
    def serving(self) -> dict[str, int]:
        """The revisions that get something."""
        return {name: weight for name, weight in self.weights.items() if weight}

    def weigh(self, weights: Mapping[str, int]) -> Routing:
        """Return the routing with other weights; a mirror ends that cannot go on."""
        mirror = self.mirror if self.mirror and weights.get(self.mirror.source) == 100 else None
        return Routing(dict(weights), mirror)

    def without(self, name: str) -> Routing:
        """Return the routing that does not know a revision any more."""
        kept = {other: weight for other, weight in self.weights.items() if other != name}
        mirror = None if self.mirror and name in (self.mirror.source, self.mirror.to) else self.mirror
        return Routing(kept if sum(kept.values()) else {}, mirror)


@dataclass(frozen=True)
class Door:
    """All that Envoy is told of one service. ``revisions`` are those that can be reached, with or without a share.

    ``timeout`` is what one request may take, seconds (0: as long as the server lets it); ``keep_alive`` how long the
    server keeps an idle connection, seconds. ``certificate`` is the fingerprint of the certificate to be shown, empty
    for plain HTTP; with ``authorities`` only clients that they certify get in. ``labels`` are other names of revisions.
    Without ``log`` a line is written of those requests alone that no server has seen the end of. ``copies_after``: how
    long a copy waits, seconds.
    """

    revisions: tuple[str, ...] = ()
    routing: Routing = field(default_factory=Routing)
    timeout: float = 0.0
    keep_alive: float = 75.0
    port: int = 5001
    health_path: str = "/"
    certificate: str = ""
    authorities: bool = False
    labels: Mapping[str, str] = field(default_factory=dict)
    log: bool = True
    copies_after: float = 0.05

    def __post_init__(self) -> None:
        """Refuse a route to what is not there: Envoy would answer 503 for its share."""
        mirror = self.routing.mirror
        named = {*self.routing.weights, *((mirror.source, mirror.to) if mirror else ()), *self.labels.values()}
        if unknown := sorted(named - set(self.revisions)):
            known = ", ".join(self.revisions) or "none"
            raise NoSuchRevision(f"there is no revision {', '.join(unknown)}", f"the revisions that run are {known}")

    def but(self, **changes: Any) -> Door:
        """Return another door."""
        return replace(self, **changes)

    def with_all(self, names: Iterable[str]) -> Door:
        """Return the door that knows these revisions too."""
        return replace(self, revisions=tuple(dict.fromkeys((*self.revisions, *names))))

    def without(self, name: str) -> Door:
        """Return the door that does not know a revision any more."""
        names = tuple(one for one in self.revisions if one != name)
        labels = {label: named for label, named in self.labels.items() if named != name}
        return replace(self, revisions=names, routing=self.routing.without(name), labels=labels)

    def labelled(self, label: str, name: str) -> Door:
        """Return the door where that label leads to a revision, and no other one does."""
        others = {said: named for said, named in self.labels.items() if named != name}
        return replace(self, labels={**others, label: name})

    def label_of(self, name: str) -> str:
        """Return the label of a revision; empty if it has none."""
        return next((label for label, named in self.labels.items() if named == name), "")

    def settings(self) -> bytes:
        """Return what the other files do not tell back; Envoy does not read it."""
        return _json({name: getattr(self, name) for name in _SETTINGS})

    def files(self) -> dict[str, bytes]:
        """Return the files by their names, in the order in which they have to be written.

        A new cluster has to be there before a route leads to it; one that goes is told by its absence, after its route
        has gone, by writing the same files again without it.
        """
        return {
            CLUSTERS: _response([*map(self._cluster, self.revisions), *self._copies()]),
            # one a file: of two Envoy takes neither
            ROUTES: _response([self._routes()]),
            SIDE: _response([self._side_routes()]),
            LISTENERS: _response([self._listener(), self._side_listener(), *self._copies_listener()]),
        }

    def _cluster(self, name: str) -> dict[str, Any]:
        return {
            "@type": f"{_API}.config.cluster.v3.Cluster",
            "name": name,
            "connect_timeout": "2s",
            # a task that is gone from DNS is gone, though its health check may pass for two more seconds
            "ignore_health_on_host_removal": True,
            # requests differ much in what they cost, so the shortest queue is the better choice
            "lb_policy": "LEAST_REQUEST",
            "common_lb_config": {
                # with the last healthy replica gone, Envoy's default is to ask the sick ones
                "healthy_panic_threshold": {"value": 0},
                # changes of health are gathered for a second otherwise: so long a new replica would wait, and a sick
                # one be asked
                "update_merge_window": "0s",
            },
            "cluster_type": {
                "name": "envoy.cluster.dns",
                "typed_config": {
                    "@type": f"{_API}.extensions.clusters.dns.v3.DnsCluster",
                    # Docker says a name holds for ten minutes; a task that stops leaves DNS two seconds before its
                    # SIGTERM, so who asks every second sends it nothing in the end
                    "dns_refresh_rate": "1s",
                    "dns_failure_refresh_rate": {"base_interval": "0.5s", "max_interval": "1s"},
                    "respect_dns_ttl": False,
                    "dns_lookup_family": "V4_ONLY",
                },
            },
            "load_assignment": _assignment(name, _address(name, self.port)),
            "health_checks": [
                {
                    "timeout": "5s",
                    "interval": "2s",
                    "unhealthy_interval": "0.5s",
                    # Envoy looks at what gets no requests once a minute; a canary begins with such a revision
                    "no_traffic_interval": "2s",
                    "no_traffic_healthy_interval": "2s",
                    "unhealthy_threshold": 3,
                    "healthy_threshold": 1,
                    "http_health_check": {"path": self.health_path},
                }
            ],
            "outlier_detection": {
                # not by plain 500s: a script answers them to wrong requests, and one caller would switch off a replica
                "enforcing_consecutive_5xx": 0,
                "enforcing_success_rate": 0,
                "consecutive_gateway_failure": 5,
                "enforcing_consecutive_gateway_failure": 100,
                "split_external_local_origin_errors": True,
                "consecutive_local_origin_failure": 5,
                "enforcing_local_origin_success_rate": 0,
                "interval": "2s",
                "base_ejection_time": "5s",
                # of one replica none is put aside: it would be a 503 for all
                "max_ejection_percent": 50,
            },
            # the server bounds itself, and says 503 with a reason; Envoy's own bounds (1024) would come first
            "circuit_breakers": {
                "thresholds": [
                    {
                        "max_connections": 10_000,
                        "max_pending_requests": 100_000,
                        "max_requests": 100_000,
                        "max_retries": 100,
                    }
                ]
            },
            "typed_extension_protocol_options": {
                "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                    "@type": f"{_API}.extensions.upstreams.http.v3.HttpProtocolOptions",
                    "explicit_http_config": {"http_protocol_options": {}},
                    # before the server closes it: a request that meets the end of its connection would be lost
                    "common_http_protocol_options": {"idle_timeout": _seconds(self.keep_alive * 0.8)},
                }
            },
        }

    def _copies(self) -> Iterator[dict[str, Any]]:
        """Give the cluster that copies are sent to: this very Envoy, which lets them wait (``_copies_listener``)."""
        if (mirror := self.routing.mirror) is None:
            return
        name = copies_of(mirror.to)
        yield {
            "@type": f"{_API}.config.cluster.v3.Cluster",
            "name": name,
            "type": "STATIC",
            "load_assignment": _assignment(name, _address("127.0.0.1", COPIES_PORT)),
            # a connection each, since HTTP/1 has one request at a time: a revision that is too slow for all copies
            # gets as many as it can, and neither side's memory fills
            "circuit_breakers": {"thresholds": [{"max_connections": COPIES_ROOM, "max_pending_requests": 1}]},
        }

    def _copies_listener(self) -> Iterator[dict[str, Any]]:
        """Give the listener where copies wait until what they are copies of has most likely been answered.

        Envoy sends a copy together with its request, and then both models compute at the same time: on few cores, or
        over one bus to the memory, the caller pays for it. Envoy's way to let a request wait is its fault filter.
        """
        if (mirror := self.routing.mirror) is None:
            return
        route = {"match": {"prefix": "/"}, "route": {"cluster": mirror.to, "timeout": _seconds(self.timeout)}}
        delay = {
            "fixed_delay": _seconds(self.copies_after),
            "percentage": {"numerator": 100, "denominator": "HUNDRED"},
        }
        wait = {
            "name": "envoy.filters.http.fault",
            "typed_config": {"@type": f"{_API}.extensions.filters.http.fault.v3.HTTPFault", "delay": delay},
        }
        manager = _manager(
            "copies", {"route_config": {"name": "copies", "virtual_hosts": [_everything([route])]}}, None
        )
        config = manager["typed_config"]
        config["http_filters"].insert(0, wait)
        # it comes from ourselves: address and id of the request are those that the first look at it has found, and by
        # the id the two answers are known to belong together
        config.update(use_remote_address=False, skip_xff_append=True)
        yield _listener_of("copies", _address("127.0.0.1", COPIES_PORT), {"filters": [manager]})

    def _routes(self) -> dict[str, Any]:
        hosts = [
            {
                "name": name,
                # as an app in the cloud has a host name for each revision, and one with three dashes for a label;
                # browsers and curl find *.localhost here
                "domains": [f"{name}.localhost", *(label_host(name, label) for label in self._labels(name))],
                "routes": [{"match": {"prefix": "/"}, "route": {"cluster": name, **self._action()}}],
            }
            for name in self.revisions
        ]
        return _route_configuration(ROUTE_NAME, [*hosts, _everything([self._shared()])])

    def _labels(self, name: str) -> list[str]:
        return [label for label, named in self.labels.items() if named == name]

    def _shared(self) -> dict[str, Any]:
        if not self.routing.weights:
            body = {"inline_string": json.dumps({"message": NOBODY})}
            return {"match": {"prefix": "/"}, "direct_response": {"status": 503, "body": body}}
        clusters = [{"name": name, "weight": weight} for name, weight in sorted(self.routing.weights.items())]
        action = {"weighted_clusters": {"clusters": clusters}, **self._action()}
        if mirror := self.routing.mirror:
            share = {"numerator": mirror.percent, "denominator": "HUNDRED"}
            policy = {
                "cluster": copies_of(mirror.to),
                "runtime_fraction": {**_TRUE, "default_value": share},
            }
            action["request_mirror_policies"] = [policy]
        return {"match": {"prefix": "/"}, "route": action}

    def _action(self) -> dict[str, Any]:
        return {
            # Envoy's own limit is 15 s, which is short for a model; 0 leaves it to the server's own limits
            "timeout": _seconds(self.timeout),
            "retry_policy": {
                # only what certainly was not begun: no connection, or one that ended before the request was sent
                "retry_on": "connect-failure,refused-stream,reset-before-request",
                "num_retries": 3,
                "retry_host_predicate": [
                    {
                        "name": "envoy.retry_host_predicates.previous_hosts",
                        "typed_config": {
                            "@type": f"{_API}.extensions.retry.host.previous_hosts.v3.PreviousHostsPredicate"
                        },
                    }
                ],
                "host_selection_retry_max_attempts": 5,
                "retry_back_off": {"base_interval": "0.025s", "max_interval": "0.25s"},
            },
        }

    def _side_routes(self) -> dict[str, Any]:
        routes: list[dict[str, Any]] = [
            {
                "match": {"path": path, "headers": [{"name": ":method", "string_match": {"exact": "GET"}}]},
                "route": {"cluster": "administration"},
            }
            for path in COUNTERS
        ]
        for name in self.revisions:
            action = {"cluster": name, **self._action()}
            for said in (name, *self._labels(name)):
                match = {"prefix": f"{REVISIONS_PATH}/{said}/"}
                routes.append({"match": match, "route": {**action, "prefix_rewrite": "/"}})
        return _route_configuration(SIDE_NAME, [_everything(routes)])

    def _listener(self) -> dict[str, Any]:
        chain: dict[str, Any] = {
            "filters": [_manager(ROUTE_NAME, _rds(ROUTE_NAME, ROUTES), _access_log(whole=self.log))]
        }
        if self.certificate:
            chain["transport_socket"] = self._transport()
        # in its container; the engine publishes it on 127.0.0.1
        return _listener_of(ROUTE_NAME, _address("0.0.0.0", PORT), chain)  # noqa: S104

    def _side_listener(self) -> dict[str, Any]:
        # as above
        chain = {"filters": [_manager(SIDE_NAME, _rds(SIDE_NAME, SIDE), None)]}
        return _listener_of(SIDE_NAME, _address("0.0.0.0", SIDE_PORT), chain)  # noqa: S104

    def _transport(self) -> dict[str, Any]:
        chain, key, authorities = certificate_files(self.certificate)
        pair = {"certificate_chain": _file(chain), "private_key": _file(key)}
        common: dict[str, Any] = {
            "tls_certificates": [pair],
            "tls_params": {"tls_minimum_protocol_version": "TLSv1_2"},
            "alpn_protocols": ["http/1.1"],
        }
        if self.authorities:
            common["validation_context"] = {"trusted_ca": _file(authorities)}
        context = {
            "@type": f"{_API}.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
            "common_tls_context": common,
            "require_client_certificate": self.authorities,
        }
        return {"name": "envoy.transport_sockets.tls", "typed_config": context}


def bootstrap() -> bytes:
    """Return the file that Envoy is started with; it never changes, so that a start needs nothing but the files."""
    return _json(
        {
            "node": {"id": "aciml", "cluster": "aciml"},
            # in its own network namespace: neither the host nor the tasks of the overlay reach it
            "admin": {"address": _address("127.0.0.1", ADMIN_PORT)},
            "dynamic_resources": {"cds_config": _source(CLUSTERS), "lds_config": _source(LISTENERS)},
            "static_resources": {
                "clusters": [
                    {
                        "name": "administration",
                        "type": "STATIC",
                        "load_assignment": _assignment("administration", _address("127.0.0.1", ADMIN_PORT)),
                    }
                ]
            },
            "stats_config": {
                "histogram_bucket_settings": [{"match": {"suffix": "upstream_rq_time"}, "buckets": list(_BUCKETS)}]
            },
            "overload_manager": {
                "resource_monitors": [
                    {
                        "name": "envoy.resource_monitors.global_downstream_max_connections",
                        "typed_config": {
                            "@type": f"{_API}.extensions.resource_monitors.downstream_connections.v3"
                            ".DownstreamConnectionsConfig",
                            "max_active_downstream_connections": 20_000,
                        },
                    }
                ]
            },
        }
    )


def start_of(program: str) -> bytes:
    """Return the file that says how Envoy is started: ``program`` is a path, or a name that PATH finds."""
    words = f"-c {FOLDER}/{BOOTSTRAP} --log-level warn --concurrency {_WORKERS} {_TAKES_OVER}"
    return f'exec {program} {words} "$@"\n'.encode()


def label_host(revision: str, label: str) -> str:
    """Return the host name by which a label is reached on the service's own port."""
    return f"{revision.rpartition('--')[0]}---{label}.localhost"


def copies_of(revision: str) -> str:
    """Return the name of the cluster where copies for a revision wait."""
    return _COPIES + revision


def certificate_files(fingerprint: str) -> tuple[str, str, str]:
    """Return the names of chain, key and authorities.

    Another certificate is other files: a listener goes over to them without closing a connection.
    """
    return f"{fingerprint[:12]}-chain.pem", f"{fingerprint[:12]}-key.pem", f"{fingerprint[:12]}-clients.pem"


def version_of(content: bytes) -> str:
    """Return the version that a file of resources says of itself; Envoy repeats it when it has taken the file."""
    return str(json.loads(content)["version_info"])


def read_door(settings: bytes, clusters: bytes, routes: bytes) -> Door:
    """Return the door that these files are of; one that leads nowhere if they are none."""
    routing = routing_of(routes)
    try:
        said = json.loads(settings)
        named = [str(one["name"]) for one in json.loads(clusters)["resources"]]
        names = tuple(one for one in named if not one.startswith(_COPIES))
        return Door(names, routing, **{name: said[name] for name in _SETTINGS if name in said})
    except (ValueError, LookupError, TypeError, NoSuchRevision):
        return Door()


def routing_of(content: bytes) -> Routing:
    """Read the routes' file back; nobody gets anything if it is no such file."""
    try:
        hosts = json.loads(content)["resources"][0]["virtual_hosts"]
        action = next(host for host in hosts if host["name"] == "all")["routes"][0].get("route") or {}
        weights = {one["name"]: int(one["weight"]) for one in action["weighted_clusters"]["clusters"]}
        policies = action.get("request_mirror_policies") or ()
        mirrors = [
            Mirror(max(weights, key=lambda name: weights[name]), one["cluster"].removeprefix(_COPIES), _percent(one))
            for one in policies
        ]
        return Routing(weights, mirrors[0] if mirrors else None)
    except (ValueError, LookupError, TypeError, StopIteration, WrongWeights):
        return Routing()


def _percent(policy: Mapping[str, Any]) -> int:
    return int(policy["runtime_fraction"]["default_value"]["numerator"])


def _route_configuration(name: str, hosts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "@type": f"{_API}.config.route.v3.RouteConfiguration",
        "name": name,
        # a route to a cluster that is not there is refused, where Envoy would take it and answer 503
        "validate_clusters": True,
        "ignore_port_in_host_matching": True,
        "virtual_hosts": hosts,
    }


def _manager(name: str, routes: dict[str, Any], log: dict[str, Any] | None) -> dict[str, Any]:
    config: dict[str, Any] = {
        "@type": f"{_API}.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        **routes,
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {
                    "@type": f"{_API}.extensions.filters.http.router.v3.Router",
                    # nobody asked for x-envoy-upstream-service-time and the like
                    "suppress_envoy_headers": True,
                },
            }
        ],
        # the caller's own address, for the server's log
        "use_remote_address": True,
        # answers are the server's, its name too
        "server_header_transformation": "PASS_THROUGH",
        # both are limits of the server, with its own words; a slow model may be silent for longer than five minutes
        "stream_idle_timeout": "0s",
        "max_request_headers_kb": 96,
        "http_protocol_options": {"accept_http_10": True},
        "common_http_protocol_options": {"idle_timeout": "300s"},
    }
    if log:
        config["access_log"] = [log]
    return {"name": "envoy.filters.network.http_connection_manager", "typed_config": config}


def _access_log(*, whole: bool) -> dict[str, Any]:
    # flags are set where the answer is Envoy's own, or somebody went away: nobody else would ever tell
    some: dict[str, Any] = {} if whole else {"filter": {"response_flag_filter": {}}}
    return {
        **some,
        "name": "envoy.access_loggers.stdout",
        "typed_config": {
            "@type": f"{_API}.extensions.access_loggers.stream.v3.StdoutAccessLog",
            "log_format": {
                "text_format_source": {
                    # the path without its query, which is the caller's data
                    "inline_string": '%START_TIME% "%REQ(:METHOD)% %PATH(NQ:ORIG_OR_PATH)% %PROTOCOL%" %RESPONSE_CODE% '
                    "%RESPONSE_FLAGS% %DURATION%ms %UPSTREAM_CLUSTER% %UPSTREAM_HOST%\n"
                }
            },
        },
    }


def _source(name: str) -> dict[str, Any]:
    # the folder is watched for what is moved into it: a file that is written in place would be read half
    watched = {"path": f"{FOLDER}/{name}", "watched_directory": {"path": FOLDER}}
    return {"path_config_source": watched, "resource_api_version": "V3", "initial_fetch_timeout": "5s"}


def _rds(name: str, file: str) -> dict[str, Any]:
    return {"rds": {"route_config_name": name, "config_source": _source(file)}}


def _everything(routes: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": "all", "domains": ["*"], "routes": routes}


def _listener_of(name: str, address: dict[str, Any], chain: dict[str, Any]) -> dict[str, Any]:
    return {
        "@type": f"{_API}.config.listener.v3.Listener",
        "name": name,
        "address": address,
        "filter_chains": [chain],
    }


def _assignment(cluster: str, address: dict[str, Any]) -> dict[str, Any]:
    return {"cluster_name": cluster, "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}]}


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}


def _file(name: str) -> dict[str, str]:
    return {"filename": f"{FOLDER}/{name}"}


def _seconds(count: float) -> str:
    return f"{count:.3f}".rstrip("0").rstrip(".") + "s"


def _response(resources: Iterable[dict[str, Any]]) -> bytes:
    content = list(resources)
    version = hashlib.sha256(_json(content)).hexdigest()[:12]
    return _json({"version_info": version, "resources": content})


def _json(value: Any) -> bytes:
    # not sorted: a cluster's name comes first for who reads it; the order is that of this file, so equal all the same
    return json.dumps(value, indent=1).encode()
