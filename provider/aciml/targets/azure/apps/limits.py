"""What holds for a container app that says nothing, and what the service would refuse, with its numbers.

Sources: Microsoft, "Containers in Azure Container Apps" (pairs of cores and memory), "Quotas"; texts of the service's
own refusals (ContainerAppInvalidName, ContainerAppInvalidResourceTotal, ContainerAppInvalidEnvVarName).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....core.errors import Finding
from ....model.container import VARIABLES
from ....model.container_app import CONSUMPTION, LONGEST_IDLE, TIMEOUT, ContainerApp
from ....model.declared import read
from ....model.group import Group
from ....model.probe import Probe
from ....model.rollout import Rollout
from ....model.runs_on import APP, RunsOn
from ....model.size import Size
from ....model.volume import known_items
from ..groups.place import Surroundings
from ..groups.probe import LIVENESS, READINESS
from ..groups.variable import RESERVED
from . import environment

DEFAULTS: Group = read(Group, {}).but(
    # half a core is little for a model and its server, and still the smallest that takes 1 GiB
    size=Size(cpu_cores=0.5, memory_gb=1),
    updates=Rollout(startup_timeout=600),
    runs=RunsOn(runs_on=APP),
    # ten failures at most, and a first delay of 60 s
    liveness_probe=LIVENESS,
    readiness_probe=READINESS,
)
LARGEST_IMAGE = 8_000_000_000
"""Bytes. Source: Microsoft, "Containers in Azure Container Apps", limitations."""
_NAME = re.compile(r"(?=.{2,32}$)(?!.*--)[a-z]([a-z0-9-]*[a-z0-9])?")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_STEP, _MOST = 0.25, 4.0
"""Cores go up by a quarter, each with twice as many GiB; 4 cores at most on the profile Consumption."""
_RANGES = {
    "initial_delay_seconds": (0, 60),
    "period_seconds": (1, 240),
    "timeout_seconds": (1, 240),
    "failure_threshold": (1, 10),
    "success_threshold": (1, 10),
}


def judge_app(old: Group | None, new: Group, around: Surroundings) -> list[Finding]:
    """Report what the service would refuse; what is not known yet is passed over."""
    return [*_findings(new), *environment.judge(old, new, around)]


def _findings(declared: Group) -> Iterator[Finding]:
    if declared.name is not None and not _NAME.fullmatch(declared.name):
        form = "use 2 to 32 lower-case letters, digits and single -, a letter first and no - last"
        yield declared.finding("name", f'"{declared.name}" is no name of a container app; {form}')
    yield from _size(declared)
    if declared.port and declared.port != 443:
        why = f"a container app is called at 443, and {declared.at('port')} is {declared.port}"
        yield declared.finding("port", f"{why}; drop it: the server's own port is nobody's concern")
    yield from _tls(declared)
    yield from _variables(declared)
    if declared.sandbox.read_only_root:
        why = "Container Apps cannot make a container's root read-only"
        yield declared.sandbox.finding("read_only_root", f"{why}; drop it: the user writes in its own folders alone")
    for probe in (declared.liveness_probe, declared.readiness_probe):
        if isinstance(probe, Probe):
            yield from _probe(probe)
    yield from _mounts(declared)
    yield from _timeout(declared)
    yield from _of_environment(declared)
    if declared.runs.traffic and declared.runs.traffic.shadow:
        # no word of ingress or of its traffic copies requests (Microsoft.App 2026-01-01), so the server does
        keys = declared.keys
        if not keys.auth_enabled and not keys.is_unsure("auth_enabled"):
            why = "copies are sent by the server of the revision that serves, who knows by two keys that it may"
            yield declared.runs.traffic.finding("shadow", f"{why}; give authEnabled: true, or drop shadow")


def _tls(declared: Group) -> Iterator[Finding]:
    """Files of a certificate are those of a host name of one's own."""
    tls, app = declared.tls, declared.runs.container_app or ContainerApp()
    if not tls.ssl_enabled:
        return
    if not app.custom_domain and not app.is_unsure("custom_domain") and not declared.runs.is_unsure("container_app"):
        why = "the ingress of a container app speaks TLS by itself, with the certificate of its environment"
        advice = "drop tls, or give the host name of your certificate by containerApp.customDomain"
        yield tls.finding("ssl_enabled", f"{why}; {advice}")
    if app.certificate:
        why = "the certificate is named by containerApp.certificate, and its files are given by tls"
        yield tls.finding("ssl_enabled", f"{why}; drop one of the two")
    if tls.ssl_client_ca_pem_file:
        # clientCertificateMode asks for a certificate and judges none (Microsoft, "Client certificate authentication")
        why = "the ingress of a container app hands certificates of clients on, and holds them to no authorities"
        yield tls.finding("ssl_client_ca_pem_file", f"{why}; drop it")
    if tls.ssl_cname and app.custom_domain and tls.ssl_cname.lower() != app.custom_domain.lower():
        why = f"{tls.at('ssl_cname')} is {tls.ssl_cname}, and containerApp.customDomain is {app.custom_domain}"
        yield tls.finding("ssl_cname", f"{why}; drop it")


def _size(declared: Group) -> Iterator[Finding]:
    """A pair that does not exist is answered with ContainerAppInvalidResourceTotal."""
    size, app = declared.size, declared.runs.container_app
    profile = app.workload_profile if app else None
    # machines of one's own take any pair that they have room for
    if size.is_unsure("cpu_cores", "memory_gb") or (profile and profile != CONSUMPTION):
        return
    if app and app.is_unsure("workload_profile"):
        return
    cores, memory = float(size.cpu_cores or 0.5), float(size.memory_gb or 1)
    if not _STEP <= cores <= _MOST or (cores / _STEP) % 1:
        near = min(_MOST, max(_STEP, round(cores / _STEP) * _STEP))
        why = f"{size.at('cpu_cores')} is {cores:g}; a replica has {_STEP:g} to {_MOST:g} cores in steps of {_STEP:g}"
        yield size.finding("cpu_cores", f"{why}: write {near:g}, or a workload profile with machines of your own")
    # both are exact in binary: quarters and halves have no rounding
    elif memory != 2 * cores:
        why = f"{cores:g} cores go with {2 * cores:g} GiB, and {size.at('memory_gb')} is {memory:g}"
        other = memory / 2
        fits = _STEP <= other <= _MOST and not (other / _STEP) % 1
        advice = f"write {2 * cores:g}" + (f", or {size.at('cpu_cores')} {other:g}" if fits else "")
        yield size.finding("memory_gb", f"{why}; {advice}")


def _variables(declared: Group) -> Iterator[Finding]:
    for kind in VARIABLES:
        for name in getattr(declared, kind) or ():
            where = declared.at(kind, name)
            if name in RESERVED:
                yield Finding(where, f"{name} is set by the property {RESERVED[name]}; use that")
            elif not _VARIABLE.fullmatch(name):
                form = "use letters, digits and _, no digit first"
                yield Finding(where, f'"{name}" is no variable name of a container app; {form}')


def _probe(probe: Probe) -> Iterator[Finding]:
    for name, (least, most) in _RANGES.items():
        value = getattr(probe, name)
        if value is not None and not least <= value <= most:
            yield probe.finding(name, f"{probe.at(name)} is {value}; a container app takes {least} to {most}")


def _mounts(declared: Group) -> Iterator[Finding]:
    shares = {one.name: one for one in known_items(declared.volumes)}
    for mount in known_items(declared.volume_mounts):
        volume = shares.get(mount.name)
        # a share can be read-only as a whole (accessMode), and its mounts with it
        if mount.read_only and volume is not None and not (volume.azure_file and volume.azure_file.read_only):
            why = "a container app has no mount that is read-only"
            advice = "say readOnly of the azureFile" if volume.azure_file else "drop it"
            yield mount.finding("read_only", f"{why}; {advice}")


def _timeout(declared: Group) -> Iterator[Finding]:
    """Longer than the ingress waits is possible with an environment of one's own kind alone."""
    said, app = declared.runs.replica_timeout, declared.runs.container_app
    if said is None or said <= TIMEOUT or declared.runs.is_unsure("container_app"):
        return
    where = declared.runs.at("replica_timeout")
    if said > LONGEST_IDLE:
        why = f"{where} is {said}; no ingress of Container Apps waits longer than {LONGEST_IDLE} seconds"
        yield declared.runs.finding("replica_timeout", why)
    # of one that is given by its id nobody here knows how long it waits
    elif app is None or not (app.has_id or app.workload_profiles or app.is_unsure("environment", "workload_profiles")):
        why = f"{where} is {said}, and the ingress of an environment without dedicated machines waits {TIMEOUT} seconds"
        advice = f"write {TIMEOUT} or less, or give the environment workloadProfiles"
        yield declared.runs.finding("replica_timeout", f"{why}; {advice}")


def _of_environment(declared: Group) -> Iterator[Finding]:
    app = declared.runs.container_app or ContainerApp()
    if not app.has_id:
        return
    if declared.log_analytics:
        why = "a container app sends its logs where its environment does, and that is given by its id"
        yield declared.finding("log_analytics", f"{why}; drop it, or name an environment that is made")
    if declared.network.has_subnet:
        name = "subnet_id" if declared.network.subnet_id else "subnet_name"
        why = "a container app is in the subnet of its environment, and that is given by its id"
        yield declared.network.finding(name, f"{why}; drop it")
