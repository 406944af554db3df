"""What the replicas of one revision look like: a value, the spec that Docker takes, and what is read back from one.

Sources: Docker Engine API 1.41 (ServiceCreate, ServiceUpdate, Task).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ....core.compose import SERVER_ROOT
from ....core.layer import PREFIX
from ....core.reference import Reference
from ...image_told import image_variable, oci_labels
from ...protocol import GroupSpec
from ...revisions import revision_name
from ..engine import IMAGE, KIND, NAME
from ..sandbox import Runner, Sandbox
from ..shape import CONTAINER_PORT, GIB, Limits

REVISION = "revision"
"""What the label of the kind says of a service of the swarm, and of its secrets."""

ENDED, WORDS = "aciml.ended", "aciml.last-words"
"""Labels of a revision that has failed: why, and what it wrote. Docker forgets both with the last replica."""

SECRETS_FOLDER = "/run/secrets"
VARIABLES = "aciml-variables"
KEYS = "aciml-keys"
FILES = {KEYS: "ACIML_KEYS_FILE", VARIABLES: "ACIML_VARIABLES_FILE"}
"""By the file of a secret the variable that tells the server of it."""

_NANO = 10**9
_HEALTH_PORT = 5000  # the server's own default, a socket of its own that answers while run() holds the lock
_DRAIN_SECONDS = 10.0  # the server's own default
_PROBE = (
    "import socket,sys;s=socket.create_connection(('127.0.0.1',{port}),10);"
    "s.sendall(b'GET /live HTTP/1.0\\r\\n\\r\\n');sys.exit(s.recv(12)[9:12]!=b'200')"
)
_TMPFS = ("/tmp", "/var/tmp")  # noqa: S108 - as `sandbox`, but for /run, where the secrets are


@dataclass(frozen=True)
class Secret:
    """A secret of the swarm: its name ends by ``mark``, a slow hash of what is in it."""

    id: str
    name: str
    file: str

    def to_json(self, runner: Runner) -> dict[str, Any]:
        """Return how a service mounts it: for the user of its containers alone."""
        uid, gid = runner.ids
        file = {"Name": self.file, "UID": str(uid), "GID": str(gid), "Mode": 0o400}
        return {"SecretID": self.id, "SecretName": self.name, "File": file}


@dataclass(frozen=True)
class Probe:
    """How Docker finds out whether a replica lives: ``command`` runs in its container; empty if the image has none."""

    command: tuple[str, ...] = ()

    @classmethod
    def of(cls, config: Mapping[str, Any], environment: Mapping[str, str]) -> Probe:
        """Return that of an image with the scoring server; of any other one nothing is known, and Envoy alone asks.

        Args:
            config: the image's ``Config``.
            environment: of the service.
        """
        begin, command = list(config.get("Entrypoint") or ()), list(config.get("Cmd") or ())
        if not command or not str(command[-1]).startswith(f"{SERVER_ROOT}/"):
            return cls()
        # the Python that starts the server: by its path if there is one, else the one that PATH finds
        paths = [one for one in (command[0], *begin[:1]) if one.startswith("/") and not one.endswith(".sh")]
        own = [f"{PREFIX}/bin/python"] if any(one.startswith(PREFIX) for one in begin) else []
        python = (own or paths or ["python"])[0]
        said = {**_pairs(config.get("Env") or ()), **environment}
        port = said.get("ACIML_HEALTH_PORT") or said.get("HEALTH_PORT") or str(_HEALTH_PORT)
        asked = port if port.isdigit() and int(port) else str(CONTAINER_PORT)
        # without site and the user's variables: a package of the user that is broken must not end healthy replicas
        return cls(("CMD", python, "-I", "-S", "-B", "-c", _PROBE.format(port=asked)))

    def to_json(self, startup: float) -> dict[str, Any]:
        """Return Docker's ``Healthcheck``; ``startup`` in seconds may pass before failures count."""
        if not self.command:
            return {}
        return {
            "Test": list(self.command),
            # a task is in DNS from its first answer on, and before Docker 25 that comes an interval after its start
            "Interval": 2 * _NANO,
            # a Python starts for each: where a replica computes on a tenth of a core, that takes its time
            "Timeout": 20 * _NANO,
            "Retries": 5,
            "StartPeriod": round(startup * _NANO),
        }


@dataclass(frozen=True)
class Template:
    """All that makes a revision, and what its replicas are given besides (``replicas``, ``secrets``, ``network``)."""

    spec: GroupSpec
    replicas: int
    network: str
    probe: Probe
    runner: Runner
    secrets: tuple[Secret, ...] = ()
    log_driver: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """Name of the revision, which is that of its service and its host name in the overlay."""
        return name_of(self.spec)

    def to_json(self) -> dict[str, Any]:
        """Return the spec that Docker takes."""
        spec, limits, sandbox = self.spec, Limits.of(self.spec), Sandbox.of(self.spec)
        # a little longer than the server itself needs, or Docker kills what is about to end
        grace = drain_seconds(spec) + 5
        container: dict[str, Any] = {
            # by digest alone: a name with a tag is asked for in its registry at every start of a task, though the
            # image is here
            "Image": str(replace(Reference.parse(spec.image), tag="")) if "@" in spec.image else spec.image,
            "Labels": {**oci_labels(spec), KIND: REVISION, NAME: spec.name},
            "Env": [f"{name}={value}" for name, value in sorted(self._environment().items())],
            "Secrets": [one.to_json(self.runner) for one in self.secrets],
            # requests that are at work when a task has to go
            "StopGracePeriod": round(grace * _NANO),
            "ReadOnly": sandbox.read_only_root,
        }
        if health := self.probe.to_json(spec.startup_timeout):
            container["Healthcheck"] = health
        if not sandbox.run_as_root:
            container["CapabilityDrop"] = ["ALL"]
        if sandbox.read_only_root:
            # a mount of a service cannot say whose it is, so everybody may write
            places = (*_TMPFS, self.runner.home)
            container["Mounts"] = [
                {"Type": "tmpfs", "Target": place, "TmpfsOptions": {"Mode": 0o1777}} for place in places
            ]
        task: dict[str, Any] = {
            "ContainerSpec": container,
            "Resources": {
                "Limits": {
                    "NanoCPUs": round(spec.cpu * _NANO),
                    "MemoryBytes": limits.memory,
                    "Pids": sandbox.processes,
                }
            },
            # also of one that ended with code 0: a server that is over serves nobody
            "RestartPolicy": {"Condition": "any", "Delay": 2 * _NANO},
            "Networks": [{"Target": self.network}],
        }
        if self.log_driver in {"json-file", "local"}:
            sizes = {"max-size": f"{sandbox.log_size_mb}m", "max-file": str(sandbox.log_files)}
            task["LogDriver"] = {"Name": self.log_driver, "Options": sizes}
        return {
            "Name": self.name,
            "Labels": {**self.labels, KIND: REVISION, NAME: spec.name, IMAGE: spec.image},
            "TaskTemplate": task,
            "Mode": {"Replicated": {"Replicas": self.replicas}},
            # the new task first, and back if it does not become healthy: of secrets and restarts, as what makes a
            # revision never changes in one
            "UpdateConfig": {
                "Parallelism": 1,
                "Order": "start-first",
                "FailureAction": "rollback",
                "Monitor": 5 * _NANO,
                "MaxFailureRatio": 0,
            },
            "RollbackConfig": {"Parallelism": 1, "Order": "start-first", "FailureAction": "pause"},
            # no virtual address: that needs IP_VS, which many kernels lack, and Envoy wants the tasks themselves
            "EndpointSpec": {"Mode": "dnsrr"},
        }

    def _environment(self) -> dict[str, str]:
        named = {FILES[one.file]: f"{SECRETS_FOLDER}/{one.file}" for one in self.secrets}
        return {**image_variable(self.spec.image), **self.spec.declared.environment(), **named}


def name_of(spec: GroupSpec) -> str:
    """Return the name of the revision that a spec makes: neither secrets nor replicas make another one."""
    declared = spec.declared
    return revision_name(
        spec.name,
        {
            # the digest: the same image of another registry is the same revision
            "image": spec.image.rpartition("@")[2] or spec.image,
            "environment": declared.environment(),
            "cpu": spec.cpu,
            "memory": spec.memory_gb,
            "sandbox": Sandbox.of(spec).label,
        },
    )


def secret_files(spec: GroupSpec) -> dict[str, bytes]:
    """Return what must not be in a service's spec, by the name of the file that its containers read.

    Keys have a file of their own: servers of older images know that one, and must not serve without keys.
    """
    keys = spec.declared.keys.variables()
    rest = {name: value for name, value in spec.declared.secure_environment().items() if name not in keys}
    files = {}
    if said := "\n".join(value for _, value in sorted(keys.items()) if value):
        files[KEYS] = said.encode()
    if rest:
        files[VARIABLES] = json.dumps(rest, sort_keys=True).encode()
    return files


def secret_name(app: str, file: str, content: bytes) -> str:
    """Return the name of a secret, which tells whether it is the same one.

    The hash is slow and has the service's name in it: a name is shown, and a password is found by trying otherwise.
    """
    mark = hashlib.scrypt(content, salt=f"aciml {app} {file}".encode(), n=2**14, r=8, p=1, dklen=8).hex()
    return f"{app}.{'k' if file == KEYS else 'v'}{mark}"


def file_of(secret: str) -> str:
    """Return which of the two files a secret is, by its name; empty if it is none of ours."""
    return {"k": KEYS, "v": VARIABLES}.get(secret.rpartition(".")[2][:1], "")


def drain_seconds(spec: GroupSpec) -> float:
    """Return how long a server that stops may still work: a call at its longest, within reason, and slow clients."""
    said = spec.declared.environment()
    drain = float(said.get("ACIML_DRAIN_TIMEOUT") or _DRAIN_SECONDS)
    call = float(said.get("SCORING_TIMEOUT_MS") or 0) / 1000
    # v1's limit of a call is an hour: nobody waits so long for a container to end
    return drain + min(call, 60.0)


@dataclass(frozen=True)
class Made:
    """A revision's service as Docker has it; ``document`` is its answer."""

    id: str
    name: str
    version: int
    created: str
    updated: str
    document: Mapping[str, Any] = field(repr=False)

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Made:
        """Read what Docker says of a service."""
        return cls(
            str(document["ID"]),
            str(document["Spec"]["Name"]),
            int(document["Version"]["Index"]),
            _moment(document.get("CreatedAt")),
            _moment(document.get("UpdatedAt")),
            document,
        )

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of the service."""
        return self.document["Spec"].get("Labels") or {}

    @property
    def app(self) -> str:
        """The service that it is a revision of."""
        return self.labels.get(NAME, "")

    @property
    def image(self) -> str:
        """The reference that it was asked for."""
        return self.labels.get(IMAGE, "")

    @property
    def replicas(self) -> int:
        """How many shall run."""
        return int((self.document["Spec"].get("Mode") or {}).get("Replicated", {}).get("Replicas") or 0)

    @property
    def cpu(self) -> float:
        """Cores of a replica."""
        return round(int(self._limits.get("NanoCPUs") or 0) / _NANO, 5)

    @property
    def memory_gb(self) -> float:
        """GiB of a replica."""
        return round(int(self._limits.get("MemoryBytes") or 0) / GIB, 6)

    @property
    def secrets(self) -> frozenset[str]:
        """Names of its secrets."""
        container = self.document["Spec"]["TaskTemplate"]["ContainerSpec"]
        return frozenset(str(one["SecretName"]) for one in container.get("Secrets") or ())

    @property
    def failed(self) -> str:
        """Why it failed; empty if it did not."""
        return self.labels.get(ENDED, "")

    @property
    def retired(self) -> bool:
        """Tell whether it runs no more without having failed."""
        return not self.replicas and not self.failed

    @property
    def environment(self) -> dict[str, str]:
        """Its plain variables."""
        return _pairs(self.document["Spec"]["TaskTemplate"]["ContainerSpec"].get("Env") or ())

    @property
    def update_state(self) -> str:
        """Docker's word for how its last update went; empty if there was none."""
        return str((self.document.get("UpdateStatus") or {}).get("State") or "")

    @property
    def update_started(self) -> str:
        """When that began; empty if there was none."""
        return str((self.document.get("UpdateStatus") or {}).get("StartedAt") or "")

    @property
    def update_message(self) -> str:
        """Docker's sentence about it."""
        return str((self.document.get("UpdateStatus") or {}).get("Message") or "")

    @property
    def _limits(self) -> Mapping[str, Any]:
        return (self.document["Spec"]["TaskTemplate"].get("Resources") or {}).get("Limits") or {}


_RUNS, _DONE = "running", frozenset({"complete", "failed", "rejected", "orphaned", "remove", "shutdown"})
_FELL = frozenset({"complete", "failed", "rejected"})


@dataclass(frozen=True)
class Task:
    """One task of a service: a replica, or one of those that were there before it in its slot."""

    id: str
    slot: int
    state: str
    wanted: str
    said: str
    container: str
    exit_code: int | None
    node: str
    created: str
    changed: str

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> Task:
        """Read what Docker says of a task."""
        status = document.get("Status") or {}
        container = status.get("ContainerStatus") or {}
        code = container.get("ExitCode")
        ended = str(status.get("State")) in _DONE
        return cls(
            str(document["ID"]),
            int(document.get("Slot") or 0),
            str(status.get("State") or ""),
            str(document.get("DesiredState") or ""),
            str(status.get("Err") or status.get("Message") or ""),
            str(container.get("ContainerID") or ""),
            int(code) if ended and code is not None else None,
            str(document.get("NodeID") or ""),
            _moment(document.get("CreatedAt")),
            _moment(status.get("Timestamp")),
        )

    @property
    def runs(self) -> bool:
        """Tell whether it runs, and shall: it is healthy then, if its image can be asked."""
        return self.state == _RUNS and self.wanted == _RUNS

    @property
    def fell(self) -> bool:
        """Tell whether it ended by itself, or was not even started."""
        # one that is stopped for an update has ended as it should: "shutdown", or "complete" where that was wanted
        return self.state in _FELL and not (self.state == "complete" and self.wanted == "remove")

    @property
    def stumbled(self) -> bool:
        """Tell whether the engine itself was in its own way: it starts another one, which says nothing of the image."""
        # a busy engine cannot mount a task's secrets now and then (seen in Docker 20.10)
        return self.fell and "device or resource busy" in self.said

    @property
    def ended(self) -> bool:
        """Tell whether it is over."""
        return self.state in _DONE


def _pairs(lines: Any) -> dict[str, str]:
    return dict(str(line).partition("=")[::2] for line in lines)


def _moment(when: object) -> str:
    """Return Docker's time such that times are compared as texts: it leaves out the last zeros of a fraction."""
    day, _, fraction = str(when or "").removesuffix("Z").partition(".")
    return f"{day}.{fraction:0<9}Z" if day else ""
