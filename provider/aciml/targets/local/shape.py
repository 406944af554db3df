"""What a group's container looks like: made from a spec, compared with one, read back as facts."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..image_told import image_variable, oci_labels
from ..protocol import Certificate, GroupFacts, GroupSpec
from .engine import IMAGE, KEPT, NAME, LocalEngine, amend, docker_answers, image_of, owner_of, state_of
from .ports import HOST, published_port
from .sandbox import SANDBOX, Sandbox, runner_of

if TYPE_CHECKING:
    from docker.models.containers import Container

GROUP = "group"
CONTAINER_PORT = 5001
"""Where the server listens in its container if nobody says otherwise, as v1's did."""
VARIABLES = "aciml.variables"
"""Label with the names of the variables that we set, sorted, a space between two; their values are not in labels."""

CERTIFICATE = "aciml.certificate"
"""Label with the sha256 of certificate and key; empty without TLS."""

BEHIND = "aciml.port"
"""Label with the service's port, of a container behind a door: it is the door that has that port."""

TLS = {"ACIML_TLS_CERT": "var/aciml/tls/cert.pem", "ACIML_TLS_KEY": "var/aciml/tls/key.pem"}
AUTHORITIES = {"ACIML_TLS_CLIENT_CA": "var/aciml/tls/clients.pem"}
"""Where the server finds them: variable and path below the root."""
TLS_FOLDER = "/var/aciml/tls"

PERIOD = 100_000
"""Microseconds; a quota of as many is one core. Docker's own ``--cpus`` counts the same way."""

GIB = 2**30


@dataclass(frozen=True)
class Limits:
    """What a container may use: ``quota`` in microseconds per ``PERIOD``, ``memory`` in bytes (and no swap)."""

    quota: int
    memory: int

    @classmethod
    def of(cls, spec: GroupSpec) -> Limits:
        """Return the limits of a spec; the kernel's smallest quota is 1000."""
        return cls(max(round(spec.cpu * PERIOD), 1000), round(spec.memory_gb * GIB))

    @classmethod
    def read(cls, container: Container) -> Limits:
        """Return the limits that a container has now."""
        config = container.attrs["HostConfig"]
        return cls(int(config.get("CpuQuota") or 0), int(config.get("Memory") or 0))

    def set(self, container: Container) -> bool:
        """Set the limits of a container that has served, which may be running; False if the engine cannot.

        The policy is given again because Podman forgets it otherwise (containers/podman issue 29790).
        """
        # both: without the second one Docker allows as much swap
        # again, and refuses a memory above the swap limit of before
        memory = {"mem_limit": self.memory, "memswap_limit": self.memory}
        done = amend(container, cpu_period=PERIOD, cpu_quota=self.quota, restart_policy=KEPT, **memory)
        return done and Limits.read(container) == self


def create_container(
    engine: LocalEngine,
    container: str,
    spec: GroupSpec,
    policy: Mapping[str, str] | None = None,
    network: str = "",
) -> Container:
    """Create a container for ``spec``, not started; without ``policy`` it gets one when it has served.

    With ``network`` it is there, behind a door that has the service's port.
    """
    limits, variables, sandbox = Limits.of(spec), _variables(spec), Sandbox.of(spec)
    labels = engine.labels(GROUP, spec.name, spec.owner, spec.known_as)
    shown = {
        IMAGE: spec.image,
        VARIABLES: " ".join(sorted(variables)),
        CERTIFICATE: _fingerprint(spec),
        SANDBOX: sandbox.label,
        **({BEHIND: str(spec.port)} if network else {}),
    }
    # who it is matters to what only that user may read or write
    runner = runner_of(engine, spec.image) if spec.certificate or sandbox.read_only_root else None
    with docker_answers(f'create container "{container}"'):
        made = engine.client.containers.create(
            spec.image,
            name=container,
            labels={**oci_labels(spec), **labels, **shown},
            environment={**image_variable(spec.image), **variables},
            # this machine alone: Docker's own rules let a published port past
            # most firewalls (docs.docker.com, "Packet filtering and firewalls")
            # behind a door: one that the engine picks at each start, for the gate that asks before the door leads there
            ports={f"{CONTAINER_PORT}/tcp": (HOST, 0 if network else spec.port)},
            network=network or None,
            cpu_period=PERIOD,
            cpu_quota=limits.quota,
            mem_limit=limits.memory,
            # no swap: a model that swaps looks like a slow one, one that is killed says so
            memswap_limit=limits.memory,
            restart_policy=policy,  # type: ignore[arg-type] # the stubs lack unless-stopped
            # a file system that cannot be written takes no archive; a volume does
            volumes=[TLS_FOLDER] if spec.certificate and sandbox.read_only_root else None,
            **sandbox.options(engine, runner),
        )
        if spec.certificate and runner:
            folder = TLS_FOLDER if sandbox.read_only_root else "/"
            # neither mount nor variable: the engine may be on another machine, and `docker inspect` shows variables
            made.put_archive(folder, _tls_files(spec.certificate, runner.ids, folder))
        return made


def runs_as(container: Container, spec: GroupSpec) -> bool:
    """Tell whether only the limits can differ: image, ports and variables are those of ``spec``."""
    config, host = container.attrs["Config"], container.attrs["HostConfig"]
    # it has the image's variables too, so ours are looked for in it; one that was taken away is told by the label
    has = set(config.get("Env") or ())
    variables = _variables(spec)
    return bool(
        image_of(container) == spec.image
        and service_port(container) == spec.port
        and f"{CONTAINER_PORT}/tcp" in (host.get("PortBindings") or {})
        and container.labels.get(VARIABLES) == " ".join(sorted(variables))
        and container.labels.get(CERTIFICATE, "") == _fingerprint(spec)
        and container.labels.get(SANDBOX, "") == Sandbox.of(spec).label
        and all(f"{name}={value}" in has for name, value in variables.items())
    )


def service_port(container: Container) -> int:
    """Return the port on the host where callers find the service, whether this container has it or a door."""
    return int(container.labels.get(BEHIND) or 0) or published_port(container)


def is_behind(container: Container) -> bool:
    """Tell whether a door is meant to be in front."""
    return BEHIND in container.labels


def facts_of(container: Container) -> GroupFacts:
    """Return what is seen of a group; cores and GiB are rounded so that 0.1 comes back as 0.1."""
    limits, port = Limits.read(container), service_port(container)
    return GroupFacts(
        id=str(container.name),
        name=container.labels[NAME],
        image=image_of(container),
        cpu=round(limits.quota / PERIOD, 5),
        memory_gb=round(limits.memory / GIB, 6),
        port=port,
        address=f"{HOST}:{port}",
        state=state_of(container),
        owner=owner_of(container),
    )


def _variables(spec: GroupSpec) -> dict[str, str]:
    tls = {name: f"/{path}" for name, path in _places(spec.certificate).items()} if spec.certificate else {}
    return {**spec.declared.environment(), **spec.declared.secure_environment(), **tls}


def _fingerprint(spec: GroupSpec) -> str:
    return spec.certificate.fingerprint if spec.certificate else ""


def _places(certificate: Certificate) -> dict[str, str]:
    return {**TLS, **(AUTHORITIES if certificate.authorities else {})}


def _tls_files(certificate: Certificate, owner: tuple[int, int], folder: str) -> bytes:
    """Return a tar of the files that ``TLS`` names, below ``folder``: the service's user may read them, nobody else."""
    contents = (certificate.chain, certificate.key, certificate.authorities)
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        # not strict: without authorities there are two places for three contents
        for path, content in zip(_places(certificate).values(), contents, strict=False):
            entry = tarfile.TarInfo(f"/{path}".removeprefix(folder).lstrip("/"))
            # whichever user the image names has to read them, and no user's number is known here
            entry.size, entry.mode = len(content), 0o400
            entry.uid, entry.gid = owner
            tar.addfile(entry, io.BytesIO(content))
    return packed.getvalue()
