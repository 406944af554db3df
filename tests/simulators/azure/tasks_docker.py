"""What an agent of ACR Tasks does with Docker: pull the bases of its own registries, build, push."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections.abc import Mapping
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any, Self

from aciml.core.errors import AcimlError
from aciml.docker.engine import connect
from aciml.docker.stream import messages
from aciml.docker.transcript import is_parent_lost

from .registries_fronts import Fronts
from .tasks_run import FailedError, Run, Watch
from .tokens import TOKEN_USER

if TYPE_CHECKING:
    import docker

_FROM = re.compile(r"^\s*FROM\s+(?:--\S+\s+)*(\S+)", re.IGNORECASE | re.MULTILINE)
_ARG = re.compile(r"^\s*ARG\s+(\w+)=(\S*)", re.IGNORECASE | re.MULTILINE)
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")
_TRIES = 5


class _LostError(Exception):
    """Another run removed an image that the build looked at; an agent of Azure has a machine of its own."""


class Agent:
    """A Docker Engine for one run; what it pulled and built for it does not stay. A context manager."""

    def __init__(self, run: Run, fronts: Fronts) -> None:
        self._run, self._fronts = run, fronts
        self._engine: docker.DockerClient = connect()
        self._brought: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        from docker.errors import DockerException

        for image in reversed(self._brought):
            with suppress(DockerException):
                self._engine.api.remove_image(image)
        self._engine.close()

    def build(self, context: bytes, options: Mapping[str, Any]) -> None:
        """Build a packed context. ``options`` are ``names``, ``dockerfile`` and, if wanted, the other parameters."""
        dockerfile = _file_of(context, options["dockerfile"])
        arguments = dict(options.get("arguments") or {})
        for base in bases(dockerfile, arguments):
            self._bring(base)
        params = {
            "dockerfile": options["dockerfile"], "rm": "1", "forcerm": "1", "buildargs": json.dumps(arguments),
            "platform": options.get("platform", "linux/amd64"), "target": options.get("target") or "",
            "nocache": "1" if options.get("no_cache") else "", "t": options["names"],
        }  # fmt: skip
        self._run.say(f"Sending build context to Docker daemon  {len(context) / 1000:.4g}kB")
        headers = {"Content-Type": "application/x-tar"}
        for _ in range(_TRIES):
            with suppress(_LostError):
                self._follow("/build", params, headers, io.BytesIO(context))
                break
        else:
            raise FailedError("images of the engine are removed again and again")
        self._brought += options["names"]

    def push(self, name: str) -> dict[str, str]:
        """Push an image and return what a run shows of it."""
        repository, tag = name.rsplit(":", 1)
        host, _, path = repository.partition("/")
        self._run.note(f"Pushing image: {name}, attempt 1")
        self._follow(f"/images/{repository}/push", {"tag": tag}, {"X-Registry-Auth": self._login(host)})
        self._run.note(f"Successfully pushed image: {name}")
        shown = {"registry": host, "repository": path, "tag": tag}
        front = self._fronts.at(host)
        return {**shown, "digest": front.index.known(path).tags[tag].digest} if front else shown

    def _bring(self, base: str) -> None:
        """Pull a base from a registry of the emulator; for others Docker is asked by the build itself."""
        from docker.errors import ImageNotFound

        repository, _, reference = base.partition("@") if "@" in base else base.rpartition(":")
        host = repository.partition("/")[0]
        if self._fronts.at(host) is None:
            return
        try:
            self._engine.images.get(base)
        except ImageNotFound:
            self._brought.append(base)
        params = {"fromImage": repository, "tag": reference}
        self._follow("/images/create", params, {"X-Registry-Auth": self._login(host)}, quiet=True)

    def _follow(
        self,
        path: str,
        params: Mapping[str, Any],
        headers: Mapping[str, str],
        data: io.BytesIO | None = None,
        *,
        quiet: bool = False,
    ) -> None:
        """Post to the engine and write down what it says."""
        from docker.errors import APIError

        stream = messages(self._engine, path, progress=Watch(self._run), params=params, headers=headers, data=data)
        try:
            with closing(stream):
                for message in stream:
                    if "error" in message and is_parent_lost(str(message["error"])):
                        raise _LostError
                    if "error" in message:
                        self._run.say(str(message["error"]))
                        raise FailedError(str(message["error"]))
                    if not quiet:
                        self._run.write(_text(message))
        except APIError as error:
            self._run.say(str(error.explanation or error))
            raise FailedError(str(error.explanation or error)) from error
        except AcimlError as error:
            raise FailedError(str(error)) from error

    def _login(self, host: str) -> str:
        """Return the login header for a registry: our own by token, others as the request says."""
        from docker.auth import encode_header

        if self._fronts.at(host) is not None:
            found = {"username": TOKEN_USER, "password": self._fronts.password(host)}
        else:
            custom = (self._run.request.get("credentials") or {}).get("customRegistries") or {}
            account = custom.get(host) or {}
            found = {"username": _value(account.get("userName")), "password": _value(account.get("password"))}
        return str(encode_header(found).decode())


def bases(dockerfile: str, arguments: Mapping[str, str]) -> list[str]:
    """Return the images that a Dockerfile starts from, build arguments put in."""
    known = {**dict(_ARG.findall(dockerfile)), **arguments}
    return [_VARIABLE.sub(lambda found: known.get(found[1], ""), base) for base in _FROM.findall(dockerfile)]


def _file_of(context: bytes, name: str) -> str:
    try:
        with tarfile.open(fileobj=io.BytesIO(context)) as tar:
            for member in tar:
                if member.name.removeprefix("./") == name.removeprefix("./") and (file := tar.extractfile(member)):
                    return file.read().decode()
    except tarfile.TarError as error:
        raise FailedError(f"the source is no tar: {error}") from error
    raise FailedError(f"unable to prepare context: the source has no {name}")


def _text(message: Mapping[str, Any]) -> str:
    """Return what the docker command would print of a message."""
    if "stream" in message:
        return str(message["stream"])
    status = str(message.get("status") or "")
    if not status or status in {"Preparing", "Waiting", "Pushing", "Downloading", "Extracting"}:
        return ""
    return f"{message['id']}: {status}\n" if message.get("id") else f"{status}\n"


def _value(secret: Mapping[str, Any] | None) -> str:
    return str((secret or {}).get("value") or "")
