"""What Envoy is told, by value; that Envoy takes it is shown where it runs (``test_life.py``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.targets.local.swarm.envoy import (
    CLUSTERS,
    COPIES_PORT,
    COPIES_ROOM,
    LISTENERS,
    ROUTES,
    SIDE,
    Door,
    Mirror,
    Routing,
    bootstrap,
    copies_of,
    read_door,
    routing_of,
    version_of,
)
from aciml.targets.revisions import NoSuchRevision, WrongWeights

A, B, C = "iris--ra", "iris--rb", "iris--rc"


def resources(door: Door, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(door.files()[name])["resources"]
    return found


def shared_route(door: Door) -> dict[str, Any]:
    (routes,) = resources(door, ROUTES)
    found: dict[str, Any] = next(host for host in routes["virtual_hosts"] if host["domains"] == ["*"])["routes"][0]
    return found


@st.composite
def doors(draw: st.DrawFn) -> Door:
    names = draw(st.lists(st.from_regex(r"[a-z]{1,8}--r[0-9a-f]{4}", fullmatch=True), min_size=1, unique=True))
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=len(names) - 1, max_size=len(names) - 1)))
    shares = [after - before for before, after in zip([0, *cuts], [*cuts, 100], strict=True)]
    weights = dict(zip(names, shares, strict=True))
    whole = [name for name, share in weights.items() if share == 100]
    mirror = None
    if whole and (percent := draw(st.integers(0, 100))):
        mirror = Mirror(whole[0], draw(st.sampled_from(names)), percent)
    return Door(
        tuple(names),
        Routing(weights, mirror),
        timeout=draw(st.sampled_from([0.0, 0.5, 240.0])),
        keep_alive=75.0,
        certificate=draw(st.sampled_from(["", "0123456789abcdef"])),
        authorities=draw(st.booleans()),
        labels=draw(st.dictionaries(st.from_regex(r"[a-z]{1,9}", fullmatch=True), st.sampled_from(names), max_size=3)),
        log=draw(st.booleans()),
        copies_after=draw(st.sampled_from([0.005, 2.0])),
    )


@given(doors())
def test_what_is_written_is_read_back(door: Door) -> None:
    files = door.files()

    assert routing_of(files[ROUTES]) == door.routing
    assert read_door(door.settings(), files[CLUSTERS], files[ROUTES]) == door


@given(doors())
def test_each_route_leads_to_a_cluster_that_is_there(door: Door) -> None:
    there = {one["name"] for one in resources(door, CLUSTERS)} | {"administration"}

    def named(value: object) -> set[str]:
        found: set[str] = set()
        if isinstance(value, Mapping):
            if isinstance(cluster := value.get("cluster"), str):
                found.add(cluster)
            if isinstance(weighted := value.get("weighted_clusters"), Mapping):
                found |= {one["name"] for one in weighted["clusters"]}
            for one in value.values():
                found |= named(one)
        elif isinstance(value, list):
            for one in value:
                found |= named(one)
        return found

    assert named(resources(door, ROUTES)) | named(resources(door, SIDE)) <= there


@pytest.mark.parametrize("weights", [{A: 99}, {A: 60, B: 60}, {A: -1, B: 101}, {A: 0}, {A: 101}])
def test_weights_that_do_not_sum_up_are_refused(weights: dict[str, int]) -> None:
    with pytest.raises(WrongWeights, match="do not sum up to 100"):
        Routing(weights)


def test_a_share_for_what_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(NoSuchRevision) as refused:
        Door((A, B), Routing({C: 100}))

    assert "iris--rc" in refused.value.message
    assert A in refused.value.advice


def test_nobody_gets_anything_before_a_revision_serves() -> None:
    assert shared_route(Door((A,)))["direct_response"]["status"] == 503


def test_a_mirror_ends_with_the_share_of_its_source() -> None:
    routing = Routing({A: 100}, Mirror(A, B, 30))

    assert routing.weigh({A: 90, B: 10}).mirror is None
    assert routing.weigh({A: 100}).mirror == Mirror(A, B, 30)
    with pytest.raises(WrongWeights, match="cannot be mirrored"):
        Routing({A: 90, B: 10}, Mirror(A, B, 30))


def test_copies_wait_in_a_bounded_place_until_their_request_is_most_likely_answered() -> None:
    door = Door((A, B), Routing({A: 100}, Mirror(A, B, 30)), copies_after=0.25, timeout=60)

    (policy,) = shared_route(door)["route"]["request_mirror_policies"]
    (waiting,) = [one for one in resources(door, CLUSTERS) if one["name"] == policy["cluster"] == copies_of(B)]
    (listener,) = [one for one in resources(door, LISTENERS) if one["name"] == "copies"]
    (to,) = [one["endpoint"]["address"] for one in waiting["load_assignment"]["endpoints"][0]["lb_endpoints"]]
    manager = listener["filter_chains"][0]["filters"][0]["typed_config"]
    (route,) = manager["route_config"]["virtual_hosts"][0]["routes"]

    assert waiting["circuit_breakers"]["thresholds"] == [{"max_connections": COPIES_ROOM, "max_pending_requests": 1}]
    # nobody outside of Envoy's own container reaches it
    assert to == listener["address"] == {"socket_address": {"address": "127.0.0.1", "port_value": COPIES_PORT}}
    assert [one["name"].rpartition(".")[2] for one in manager["http_filters"]] == ["fault", "router"]
    assert manager["http_filters"][0]["typed_config"]["delay"]["fixed_delay"] == "0.25s"
    # of an edge Envoy would make the id of a request anew, and no copy would be known as one
    assert manager["use_remote_address"] is False
    assert route["route"] == {"cluster": B, "timeout": "60s"}

    ended = door.but(routing=Routing({A: 100}))
    assert copies_of(B) not in {one["name"] for one in resources(ended, CLUSTERS)}
    assert "copies" not in {one["name"] for one in resources(ended, LISTENERS)}


def test_a_revision_that_goes_takes_its_mirror_and_leaves_the_shares_of_the_others() -> None:
    door = Door((A, B), Routing({A: 100}, Mirror(A, B, 30)))

    assert door.without(B) == Door((A,), Routing({A: 100}))
    assert door.without(A) == Door((B,), Routing())
    # with half of the requests gone nobody can tell who gets them
    with pytest.raises(WrongWeights):
        Door((A, B), Routing({A: 50, B: 50})).without(A)


def test_only_what_was_not_begun_is_tried_again_and_nothing_is_cut_by_envoys_own_limit() -> None:
    action = shared_route(Door((A,), Routing({A: 100})))["route"]

    assert action["retry_policy"]["retry_on"] == "connect-failure,refused-stream,reset-before-request"
    assert action["timeout"] == "0s"
    assert shared_route(Door((A,), Routing({A: 100}), timeout=30))["route"]["timeout"] == "30s"


def test_a_script_that_answers_500_to_wrong_requests_switches_no_replica_off() -> None:
    (cluster,) = resources(Door((A,)), CLUSTERS)
    outliers = cluster["outlier_detection"]

    assert outliers["enforcing_consecutive_5xx"] == 0
    assert outliers["consecutive_gateway_failure"] == 5
    assert outliers["max_ejection_percent"] <= 50


def test_an_idle_connection_ends_before_the_server_would_end_it() -> None:
    (cluster,) = resources(Door((A,), keep_alive=10), CLUSTERS)
    (options,) = cluster["typed_extension_protocol_options"].values()

    assert options["common_http_protocol_options"]["idle_timeout"] == "8s"


def test_the_side_lets_nothing_through_that_changes_envoy() -> None:
    (routes,) = resources(Door((A,)), SIDE)
    leading = [one for one in routes["virtual_hosts"][0]["routes"] if one["route"]["cluster"] == "administration"]

    assert {one["match"]["path"] for one in leading} == {"/stats", "/stats/prometheus", "/clusters", "/ready"}
    assert all(one["match"]["headers"][0]["string_match"] == {"exact": "GET"} for one in leading)
    assert json.loads(bootstrap())["admin"]["address"]["socket_address"]["address"] == "127.0.0.1"


def test_another_certificate_is_other_files_of_the_same_listener() -> None:
    first, second = (resources(Door((A,), certificate=one * 16), LISTENERS)[0] for one in "ab")

    assert first["name"] == second["name"]
    assert "aaaaaaaaaaaa-key.pem" in json.dumps(first)
    assert "bbbbbbbbbbbb-key.pem" in json.dumps(second)
    assert "transport_socket" not in json.dumps(resources(Door((A,)), LISTENERS))


def test_a_label_leads_to_one_revision_by_host_and_by_path_and_goes_with_it() -> None:
    door = Door((A, B), Routing({A: 100})).labelled("candidate", B)
    (hosts,) = (one["virtual_hosts"] for one in resources(door, ROUTES))
    (side,) = (one["virtual_hosts"][0]["routes"] for one in resources(door, SIDE))

    assert [one["domains"] for one in hosts] == [
        [f"{A}.localhost"],
        [f"{B}.localhost", "iris---candidate.localhost"],
        ["*"],
    ]
    assert {one["match"]["prefix"]: one["route"]["cluster"] for one in side if "prefix" in one["match"]} == {
        f"/revisions/{A}/": A,
        f"/revisions/{B}/": B,
        "/revisions/candidate/": B,
    }
    # one label leads to one revision, and one revision has one
    moved = door.labelled("candidate", A)
    assert (moved.label_of(A), moved.label_of(B)) == ("candidate", "")
    assert door.labelled("next", B).labels == {"next": B}
    assert door.without(B).labels == {}
    with pytest.raises(NoSuchRevision):
        Door((A,), labels={"candidate": B})


def test_what_an_older_release_has_written_is_read() -> None:
    door = Door((A,), Routing({A: 100}))
    said = json.loads(door.settings())
    before = json.dumps({name: said[name] for name in said if name not in ("labels", "log")}).encode()

    assert read_door(before, door.files()[CLUSTERS], door.files()[ROUTES]) == door


def test_without_a_log_only_what_no_server_has_answered_is_written() -> None:
    def log(door: Door) -> dict[str, Any]:
        listener = resources(door, LISTENERS)[0]
        found: dict[str, Any] = listener["filter_chains"][0]["filters"][0]["typed_config"]["access_log"][0]
        return found

    assert "filter" not in log(Door((A,)))
    assert log(Door((A,), log=False))["filter"] == {"response_flag_filter": {}}


def test_versions_tell_files_apart() -> None:
    door = Door((A, B), Routing({A: 100}))
    other = door.but(routing=Routing({A: 99, B: 1}))

    assert version_of(door.files()[ROUTES]) != version_of(other.files()[ROUTES])
    assert version_of(door.files()[CLUSTERS]) == version_of(other.files()[CLUSTERS])


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b'{"resources": []}', b"no json", b'{"resources": [{}]}'])
def test_a_file_that_is_none_leads_nowhere(content: bytes) -> None:
    assert routing_of(content) == Routing()
    assert read_door(content, content, content) == Door()
