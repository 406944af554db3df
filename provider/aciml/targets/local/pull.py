"""Bringing an image into the engine, with a line that tells how far it is."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ...core.credentials import Credentials
from ...core.errors import OutageError, UserError
from ...core.progress import Progress
from ...core.reference import Reference
from ...docker.podman import pull_call
from ...docker.stream import messages
from ...docker.transfer import READ_BY, UNREADABLE, is_missing
from .engine import docker_answers

if TYPE_CHECKING:
    import docker

Login = Callable[[str], Credentials]
"""Tells of a registry's host how to log in there; none for a host whose business that is not."""
_DONE = frozenset({"Pull complete", "Already exists"})


class PullProgress:
    """Adds up what Docker tells about each layer."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._done: dict[str, bool] = {}
        self._bytes: dict[str, tuple[int, int]] = {}

    def hear(self, event: Mapping[str, Any]) -> str:
        """Take one event of Docker's stream and return the line to show, empty if no layer is known yet."""
        if "stream" in event:  # Podman's own pull
            return f"pulling: {str(event['stream']).strip()}"
        layer, status = event.get("id", ""), event.get("status", "")
        # the first event has an id as well: the tag, which is no layer
        if layer and (layer in self._done or status in _DONE or status == "Pulling fs layer"):
            self._done[layer] = status in _DONE
            detail = event.get("progressDetail") or {}
            if status == "Downloading" and detail.get("total"):
                self._bytes[layer] = (int(detail.get("current", 0)), int(detail["total"]))
            elif status != "Downloading" and layer in self._bytes:
                # the last bytes come without an event of their own: whatever follows means that all are here
                total = self._bytes[layer][1]
                self._bytes[layer] = (total, total)
        if not self._done:
            return ""
        got, total = (round(sum(column) / 1e6) for column in zip((0, 0), *self._bytes.values(), strict=True))
        return f"pulling {sum(self._done.values())} of {len(self._done)} layers, {got} of {total} MB"


def no_login(host: str) -> Credentials:  # noqa: ARG001 - the same for all
    """Return no credentials, so that those that ``docker login`` has left count."""
    return Credentials()


def ensure_image(
    client: docker.DockerClient, image: str, mirrors: Mapping[str, str], progress: Progress, login: Login = no_login
) -> None:
    """Pull ``image`` unless the engine has it. A tag of a registry with a mirror is pulled from there.

    ``login`` is asked only about the registry that is pulled from, and only when something has to be pulled.

    Raises:
        UserError: the reference is no reference.
        OutageError: Docker or the registry does not answer, or the registry does not have the image.
    """
    from docker.errors import ImageNotFound

    with docker_answers(f"look for image {image}"):
        try:
            client.images.get(image)
        except ImageNotFound:
            progress.say(f"pulling {image}")
        else:
            return
    wanted = Reference.parse(image)
    mirror = mirrors.get(wanted.registry, "").partition("://")[2]
    # an image that came from a mirror gets a tag of the wanted name,
    # but never its digest: an engine notes digests of pulls alone
    if mirror and not wanted.digest:
        repository = f"{mirror}/{wanted.repository}"
        _pull(client, Reference.parse(f"{repository}:{wanted.tag}"), progress, no_login)  # a mirror asks nobody
        with docker_answers(f"tag image {image}"):
            client.images.get(f"{repository}:{wanted.tag}").tag(f"{wanted.registry}/{wanted.repository}", wanted.tag)
        return
    # the call has one place for tag or digest (Docker Engine API,
    # "Create an image"), and the digest is what was asked for
    _pull(client, replace(wanted, tag="") if wanted.digest else wanted, progress, login)


def pulled_name(client: docker.DockerClient, image: str) -> str:
    """Return the name by which an engine removes the image that it pulled by digest; empty if it has it no more."""
    from docker.errors import ImageNotFound

    name = str(replace(Reference.parse(image), tag="")) if "@" in image else image
    with docker_answers(f"look for image {name}"):
        try:
            client.images.get(name)
        except ImageNotFound:
            return ""
    return name


def _pull(client: docker.DockerClient, image: Reference, progress: Progress, login: Login) -> None:
    from docker.errors import APIError, NotFound

    account = login(image.registry)  # outside: what the cloud says of a login is not Docker's to tell
    with docker_answers(f"pull {image}"):
        try:
            _follow(client, image, progress, account)
        except (APIError, OutageError) as error:
            # Docker answers 200 before it begins: what fails later is an event of the stream
            why = str(error.explanation or error) if isinstance(error, APIError) else str(error)
            if isinstance(error, NotFound) or is_missing(why):
                raise UserError(f"there is no image {image}: {why}", "check its name, or push it again") from error
            if UNREADABLE in why:
                raise UserError(f"this Docker cannot unpack {image}: {why}", READ_BY) from error
            advice = "check that its registry is running, or load the image into Docker under that name"
            raise OutageError(f"Docker could not pull {image}: {why}", advice) from error


def login_headers(client: docker.DockerClient, host: str, account: Credentials) -> Mapping[str, str]:
    """Return what tells the engine how to log in: by the target's account, else by what ``docker login`` has left.

    The engine keeps neither. A token goes as a password and not as ``identitytoken``, which the engine would exchange
    by OAuth2 first and Podman does not know. Source: Docker Engine API, "Authentication".
    """
    from docker.auth import get_config_header

    if not account.username:
        kept = get_config_header(client.api, host)
        return {"X-Registry-Auth": kept.decode()} if kept else {}
    said = {"username": account.username, "password": account.password, "serveraddress": host}
    return {"X-Registry-Auth": base64.urlsafe_b64encode(json.dumps(said).encode()).decode()}


def _follow(client: docker.DockerClient, image: Reference, progress: Progress, account: Credentials) -> None:
    headers = login_headers(client, image.registry, account)
    path, params = pull_call(client, image)
    layers = PullProgress()
    with closing(messages(client, path, progress=progress, params=params, headers=headers)) as stream:
        for event in stream:
            if "error" in event:
                raise OutageError(str(event["error"]))
            if line := layers.hear(event):
                progress.say(line)
