"""The properties of ``aciml:compute:ContainerGroup``: v1's words for what v1 had, ARM's words for the rest.

A group is made of subjects, each in its own file with its fields and with what is judged of it on every target.
"""

from collections.abc import Iterator, Mapping
from dataclasses import field
from typing import Annotated

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .access import Access, access_findings
from .confidential import SecurityContext, confidential_findings
from .container import InitContainer, init_findings, variable_findings
from .declared import SPREAD, Declared, table_of
from .diagnostics import LogAnalytics
from .encryption import Encryption, encryption_findings
from .insights import Insights, insight_findings
from .keys import Keys
from .network import Network, label_findings, network_findings, port_findings
from .place import Place, zone_findings
from .probe import Probe, liveness_findings, probe_findings
from .rollout import Rollout, rollout_findings
from .runs_on import Beside, RunsOn, runs_on_findings
from .sandbox import Sandbox
from .server import Server, server_findings, variables_of
from .service_kind import ServiceKind, spot_findings
from .shape import REFERENCE, Field, Fields
from .size import Size, size_findings
from .tag import Tags, group_tag_findings
from .tls import Tls
from .volume import TLS_FOLDER, Mount, Volume, mount_findings, volume_findings


@lean(frozen=True, kw_only=True)
class Group(Declared):
    """A service, as it is declared. What every target can do comes first, then what only a cloud has."""

    name: Annotated[
        str | None,
        Field(
            "name of the service, unique on the target; made of resource, project and stack without it",
            shown="the id of the service",
            cost=cost.ID,
        ),
    ] = None
    # with its digest: a tag may lead elsewhere by the next start
    image: Annotated[str, Field("image to run, with its digest", shown=REFERENCE, cost=cost.IMAGE)]
    size: Annotated[Size, SPREAD] = field(default_factory=Size)
    port: Annotated[
        int | None,
        Field(
            "port to call; 0 picks one: a free one of 127.0.0.1 (kept), or 80 and 443 in the cloud",
            least=0,
            most=65535,
            default=0,
            cost=cost.PORTS,
        ),
    ] = None
    keys: Annotated[Keys, SPREAD] = field(default_factory=Keys)
    tls: Annotated[Tls, SPREAD] = field(default_factory=Tls)
    # plain and secret ones apart, since the table says for whole maps whether they are shown
    environment_variables: Annotated[
        Mapping[str, str] | None, Field("environment variables of the scoring script", cost=cost.VARIABLE)
    ] = None
    secure_environment_variables: Annotated[
        Mapping[str, str] | None, Field("the same, never shown again", secret=True, cost=cost.VARIABLE)
    ] = None
    updates: Annotated[Rollout, SPREAD] = field(default_factory=Rollout)
    server: Annotated[Server, SPREAD] = field(default_factory=Server)
    sandbox: Annotated[Sandbox, SPREAD] = field(default_factory=Sandbox)
    insights: Annotated[Insights, SPREAD] = field(default_factory=Insights)
    runs: Annotated[RunsOn, SPREAD] = field(default_factory=RunsOn)

    # subjects of the cloud from here on; a local target says which of them are without effect
    place: Annotated[Place, SPREAD] = field(default_factory=Place)
    tagged: Annotated[Tags, SPREAD] = field(default_factory=Tags)
    network: Annotated[Network, SPREAD] = field(default_factory=Network)
    # kept so that v1's declarations pass: there too it had no effect for containers
    collect_model_data: Annotated[
        bool | None,
        Field(
            "v1's data collection; it did nothing for containers, and does nothing", scope="cloud", cost=cost.NOTHING
        ),
    ] = None
    encryption: Annotated[Encryption, SPREAD] = field(default_factory=Encryption)
    # a command of its own would start something else than the server, so it is for images of other servers
    command: Annotated[
        tuple[str, ...],
        Field("program and arguments instead of the image's", scope="cloud", cost=cost.CONTAINER),
    ] = ()
    kind: Annotated[ServiceKind, SPREAD] = field(default_factory=ServiceKind)
    liveness_probe: Annotated[
        Probe | None, Field("restarts the container when it fails", scope="cloud", cost=cost.CONTAINER)
    ] = None
    readiness_probe: Annotated[
        Probe | None, Field("keeps requests away while it fails", scope="cloud", cost=cost.CONTAINER)
    ] = None
    # volumes and mounts are two lists, as in ARM: several containers may see one volume
    volumes: Annotated[tuple[Volume, ...], Field("volumes", scope="cloud", cost=cost.VOLUMES)] = ()
    volume_mounts: Annotated[
        tuple[Mount, ...], Field("volumes that the service sees", scope="cloud", cost=cost.VOLUMES)
    ] = ()
    init_containers: Annotated[
        tuple[InitContainer, ...], Field("containers that run before", scope="cloud", cost=cost.OTHER)
    ] = ()
    access: Annotated[Access, SPREAD] = field(default_factory=Access)
    log_analytics: Annotated[
        LogAnalytics | None, Field("workspace that gets the logs", scope="cloud", cost=cost.LOGS)
    ] = None
    security_context: Annotated[
        SecurityContext | None, Field("rights of the container", scope="cloud", cost=cost.RIGHTS)
    ] = None

    @property
    def own_port(self) -> int:
        """Return the port of the service in the cloud, which has no port mapping: that of its protocol by itself."""
        return self.port or (443 if self.tls.ssl_enabled else 80)

    @property
    def is_app(self) -> bool:
        """Tell whether the service is a container app."""
        return self.runs.is_app

    def environment(self) -> dict[str, str]:
        """Return the plain variables of the service that the user and the properties of the server say."""
        # as texts: numbers and truths in a map of variables are what YAML makes of them
        given = {name: str(value) for name, value in (self.environment_variables or {}).items()}
        return {**given, **variables_of(self.server, secret=False)}

    def secure_environment(self) -> dict[str, str]:
        """Return the secret ones: keys, the user's, the server's, and that of telemetry."""
        given = {name: str(value) for name, value in (self.secure_environment_variables or {}).items()}
        server = variables_of(self.server, secret=True)
        # in no order that matters: a variable of one of these names is a finding (``variable_findings``)
        return {**self.keys.variables(), **given, **server, **self.insights.variables()}


@lean(frozen=True, kw_only=True)
class Outputs(Declared):
    """What is known of a group that exists, beside what was declared."""

    scoring_uri: Annotated[str | None, Field("where to POST to")] = None
    swagger_uri: Annotated[str | None, Field("where the OpenAPI document is")] = None
    state: Annotated[str | None, Field("Running, Stopped, Failed or Unknown")] = None
    # an address is in the answer only, and may be another one tomorrow
    fqdn: Annotated[str | None, Field("host name; empty if there is none")] = None
    ip: Annotated[str | None, Field("address; empty if there is none")] = None
    image_digest: Annotated[str | None, Field("digest of the image that runs")] = None
    owner: Annotated[str | None, Field("mark of whose it is, by which it is known again")] = None


FIELDS: Fields = table_of(Group)
OUTPUTS: Fields = table_of(Outputs)


def group_findings(group: Group) -> Iterator[Finding]:
    """Judge how the properties of a group go together, on whatever target; what is not known yet is passed over."""
    kind, network, tls = group.kind, group.network, bool(group.tls.ssl_enabled)
    # a port that is not known yet is not compared with another
    spot, port_known = kind.may_be_spot, not group.is_unsure("port")
    yield from size_findings(group.size)
    yield from port_findings(network, group.own_port, sure=port_known and not group.tls.is_unsure("ssl_enabled"))
    yield from zone_findings(group.place)
    yield from spot_findings(kind, network, group.place)
    yield from label_findings(network, spot=spot)
    yield from variable_findings(group)
    yield from _probes(group, tls=tls)
    yield from volume_findings(group.volumes, tls=tls)
    # a volume that is not known yet may be the one that a mount names
    yield from _mounts(group, tls=tls)
    yield from init_findings(group.init_containers, group.name)
    yield from access_findings(group.access)
    yield from confidential_findings(kind, group.security_context)
    yield from group_tag_findings(group.tagged)
    yield from network_findings(network)
    yield from runs_on_findings(group.runs, _beside(group))
    # of an app it is said that it has no rollout of that kind
    if not group.runs.is_app:
        yield from rollout_findings(group.updates, network, spot=spot)
    yield from encryption_findings(group.encryption)
    # names are enough: whether a variable is set twice is no question of its value
    named = {*(group.environment_variables or {}), *(group.secure_environment_variables or {})}
    sure = not group.is_unsure("environment_variables", "secure_environment_variables")
    yield from insight_findings(group.insights, named, sure=sure)


def told_findings(group: Group) -> Iterator[Finding]:
    """Judge what the scoring server is told."""
    # both maps, each by its own path
    kinds = ("environment_variables", "secure_environment_variables")
    yield from server_findings(group.server, [(group.at(kind), getattr(group, kind) or ()) for kind in kinds])


def _beside(group: Group) -> Beside:
    network = group.network
    return Beside(
        (group, network, group.place, group.kind, group.size, group.encryption, group.updates),
        group.volumes,
        (group.liveness_probe, group.readiness_probe),
        # what is not known yet may turn out to be one
        # of what is not known yet the finding would be a guess
        network.has_subnet or network.is_unsure("subnet_id", "vnet_name", "subnet_name"),
        bool(group.tls.ssl_enabled) or group.tls.is_unsure("ssl_enabled"),
    )


def _probes(group: Group, *, tls: bool) -> Iterator[Finding]:
    # asked only of a service that speaks TLS, whose own port in the cloud is 443
    port = None if group.is_unsure("port") else group.port or 443
    for probe in (group.liveness_probe, group.readiness_probe):
        if probe and not probe.is_silent:
            # probes that nobody asks (is_silent) are words without effect
            yield from probe_findings(probe, port=port, tls=tls)
    if group.liveness_probe:
        yield from liveness_findings(group.liveness_probe)


def _mounts(group: Group, *, tls: bool) -> Iterator[Finding]:
    sure = not group.is_unsure("volumes")
    yield from mount_findings(group.volume_mounts, group.volumes, sure=sure, taken=[TLS_FOLDER] if tls else ())
    for container in group.init_containers:
        # an item of a list may be unknown as a whole, and is no container then
        if isinstance(container, InitContainer):
            yield from mount_findings(container.volume_mounts, group.volumes, sure=sure)
