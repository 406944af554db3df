"""Finding the Docker Engine: the same one the ``docker`` command would speak to, or a socket in a usual place."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.errors import OutageError

if TYPE_CHECKING:
    import docker

_START = "start Docker (systemctl start docker, Docker Desktop, or podman.socket), or set DOCKER_HOST"
_AGAIN = "then run the same command again: what is finished is kept"
_PING_SECONDS = 10.0
_TOO_OLD = "its API is too old"


@dataclass(frozen=True)
class Candidate:
    """An address to try. ``tls`` is a folder with ca.pem, cert.pem and key.pem; ``why`` says who named it."""

    address: str
    why: str
    tls: Path | None = None


def connect(environ: Mapping[str, str] | None = None, patience: float = _PING_SECONDS) -> docker.DockerClient:
    """Return a client of an engine that answers; the caller closes it.

    ``DOCKER_HOST`` or the current Docker context decide alone; without them the usual sockets are tried in turn.

    Args:
        environ: of the process, if it is not given.
        patience: seconds that each may take for its first answers; later calls get what ``docker`` gives them.

    Raises:
        OutageError: none answers; the message lists what was tried.
    """
    env = dict(os.environ) if environ is None else environ
    tried: list[str] = []
    for candidate in candidates(env):
        client, failure = _try(candidate, patience)
        if client is not None:
            _found[:] = [candidate]
            return client
        tried.append(f"{candidate.address} ({failure}{candidate.why})")
    raise OutageError(f"Docker does not answer at {', '.join(tried)}", _advice(tried))


# a process speaks to one engine, by as many clients as it likes; docker's client does not tell where its own is
_found: list[Candidate] = []


def engine_name() -> str:
    """Return how to call the engine in a message: by the address that answered, and by who named that."""
    return f"the Docker Engine at {_found[0].address}{_found[0].why}" if _found else "the Docker Engine"


class EngineLost(OutageError):
    """An engine that answered before does not any more."""


@contextmanager
def engine_for(need: str) -> Iterator[None]:
    """Let an engine that is lost meanwhile say what needs it, such as ``extraSteps need it``.

    Raises:
        EngineLost: it is.
    """
    from docker.errors import APIError, DockerException
    from requests.exceptions import RequestException

    try:
        yield
    except EngineLost as error:
        raise EngineLost(f"{error.message}; {need}", error.advice) from error
    except APIError:
        raise  # an answer
    except (DockerException, RequestException) as error:
        # the package lets what requests raises through when an engine dies between two calls
        lost = lost_engine(error)
        raise EngineLost(f"{lost.message}; {need}", lost.advice) from error


def lost_engine(error: Exception, doing: str = "") -> EngineLost:
    """Describe an engine that answered before and does not any more; ``doing`` is what it had to do."""
    from requests.exceptions import Timeout

    lines = str(error)
    if isinstance(error, Timeout) or "timed out" in lines:
        reason = "said nothing for too long"
    elif any(sign in lines for sign in ("refused", "No such file", "FileNotFound")):
        reason = "is gone"
    else:
        reason = "closed the connection"
    return EngineLost(f"{engine_name()} {reason}{f' (it had to {doing})' if doing else ''}", f"{_START}; {_AGAIN}")


def candidates(env: Mapping[str, str]) -> list[Candidate]:
    """Return where an engine may be, the best guess first."""
    config = Path(env.get("DOCKER_CONFIG") or Path(env.get("HOME") or Path.home()) / ".docker")
    # alone: to go on elsewhere would run things on another machine than the one that was named
    if host := env.get("DOCKER_HOST"):
        tls = Path(env.get("DOCKER_CERT_PATH") or config) if env.get("DOCKER_TLS_VERIFY") else None
        return [Candidate(host, ", named by DOCKER_HOST", tls)]
    if named := _context(env, config):
        return [named]
    home, runtime = config.parent, env.get("XDG_RUNTIME_DIR")
    # Docker before Podman: who has both runs images with the one that the `docker` command means
    sockets = [Path("/var/run/docker.sock"), home / ".docker/run/docker.sock"]
    if runtime:
        sockets += [Path(runtime) / "docker.sock", Path(runtime) / "podman/podman.sock"]
    return [Candidate(f"unix://{path}", "") for path in [*sockets, Path("/run/podman/podman.sock")]]


def _context(env: Mapping[str, str], config: Path) -> Candidate | None:
    """Return the engine of the current Docker context; None if that is the default one."""
    name = env.get("DOCKER_CONTEXT") or str(_read(config / "config.json").get("currentContext") or "")
    # the default context has no file: it stands for the usual sockets
    if name in {"", "default"}:
        return None
    # docker/cli keeps a context in a folder that is named by the hash of its name
    folder = hashlib.sha256(name.encode()).hexdigest()
    facts = _read(config / "contexts/meta" / folder / "meta.json")
    host = (facts.get("Endpoints") or {}).get("docker", {}).get("Host")
    if not host:
        message = f'the Docker context "{name}" does not exist in {config}'
        raise OutageError(message, "run docker context use default, or unset DOCKER_CONTEXT")
    tls = config / "contexts/tls" / folder / "docker"
    return Candidate(str(host), f', of the Docker context "{name}"', tls if tls.is_dir() else None)


def _read(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _try(candidate: Candidate, patience: float) -> tuple[docker.DockerClient | None, str]:
    """Return a client that was answered, or None and why not."""
    import docker
    from docker.constants import DEFAULT_TIMEOUT_SECONDS, MINIMUM_DOCKER_API_VERSION
    from docker.errors import DockerException, InvalidVersion
    from requests.exceptions import RequestException

    path = candidate.address.removeprefix("unix://")
    # told apart from an engine that is there and does not answer: each has another remedy
    if path != candidate.address and not Path(path).exists():
        return None, "no such socket"
    client = None
    try:
        client = docker.DockerClient(
            base_url=candidate.address,
            # an engine refuses a newer API than its own, and the package knows newer ones than many engines
            version="auto",
            tls=_tls(candidate.tls),
            # by the user's own ssh, with his keys, agent and config; the package's own way needs paramiko
            use_ssh_client=candidate.address.startswith("ssh://"),
            timeout=patience,  # type: ignore[arg-type] # it is handed to requests, which takes parts of seconds
        )
        client.ping()
        # patience is for the first answer: a build or a pull is silent for longer
        client.api.timeout = DEFAULT_TIMEOUT_SECONDS
    except InvalidVersion:
        return None, f"{_TOO_OLD}: {MINIMUM_DOCKER_API_VERSION} is the oldest that is spoken here"
    except (DockerException, RequestException, OSError) as error:
        if client is not None:
            client.close()
        return None, "permission denied" if "Permission denied" in str(error) else "no answer"
    return client, ""


def _tls(folder: Path | None) -> Any:
    if folder is None:
        return False
    from docker.tls import TLSConfig

    pair = (str(folder / "cert.pem"), str(folder / "key.pem"))
    return TLSConfig(client_cert=pair if Path(pair[0]).exists() else None, ca_cert=str(folder / "ca.pem"), verify=True)


def _advice(tried: list[str]) -> str:
    if any("permission denied" in line for line in tried):
        return "give yourself access (sudo usermod -aG docker $USER, then log in again)"
    if any(_TOO_OLD in line for line in tried):
        return "update that engine, or set DOCKER_HOST to a newer one"
    return _START
