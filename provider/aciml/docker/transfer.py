"""The engine's own way to the registry: the base comes down by digest, the raw image goes up under a passing tag."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from ..core.credentials import Credentials
from ..core.errors import OutageError, UserError
from ..core.progress import Progress
from ..core.reference import Reference
from .podman import pull_call, transport
from .stream import messages

if TYPE_CHECKING:
    import docker

    from ..core.image import Layer

_DONE = frozenset({"Pull complete", "Already exists", "Pushed", "Layer already exists"})
UNREADABLE = "invalid tar header"
"""In an engine's reason: it has not seen that a layer is compressed by zstd (Docker 20.10)."""

READ_BY = "layers of zstd need Docker 23 or containerd; write compression: gzip"
# the registry's words, which engines pass on in the stream without a status
_MISSING = ("not found", "manifest unknown", "name unknown", "no such manifest")


def is_missing(why: str) -> bool:
    """Tell whether an engine's reason means that the registry answered and does not have the image."""
    return any(sign in why for sign in _MISSING)


def pull_base(engine: docker.DockerClient, base: str, credentials: Credentials, progress: Progress) -> None:
    """Bring the base into the engine, unless it is there.

    Raises:
        UserError: the registry does not have it.
        OutageError: the engine cannot pull it.
    """
    from docker.errors import APIError, ImageNotFound

    try:
        # by digest: what is there under it is right, and no registry has to be asked
        engine.images.get(base)
    except ImageNotFound:
        pass
    else:
        return
    try:
        path, params = pull_call(engine, Reference.parse(base), "amd64")
        _follow(engine, path, params, credentials, "pulling the base", progress)
    except (APIError, OutageError) as error:
        why = str(error.explanation if isinstance(error, APIError) else error)
        # an answer, and so the user's to mend; all else may pass by itself
        if is_missing(why):
            raise UserError(f"Docker finds no base image {base}: {why}", "check baseImage, then try again") from error
        if UNREADABLE in why:
            raise UserError(f"this Docker cannot unpack {base}: {why}", READ_BY) from error
        raise OutageError(f"Docker cannot pull the base {base}: {why}", "see that it reaches the registry") from error


def push_raw(
    engine: docker.DockerClient, name: str, repository: str, tag: str, credentials: Credentials, progress: Progress
) -> frozenset[str]:
    """Push an image of the engine; layers that the registry has are not sent.

    Returns:
        What the engine calls the layers that it sent: the beginning of their diff_ids, or of their digests.

    Raises:
        OutageError: the engine cannot push.
    """
    from docker.errors import APIError, DockerException

    # an engine pushes by name, and the name says where to; it is taken away again below
    engine.api.tag(name, repository, tag)
    try:
        path = f"/images/{repository}/push"
        params = {"tag": tag, **transport(repository.partition("/")[0])}
        return _follow(engine, path, params, credentials, "pushing the steps", progress)
    except APIError as error:
        advice = "see that the engine reaches the registry, then run the same command again"
        raise OutageError(f"Docker cannot push to {repository}: {error.explanation or error}", advice) from error
    finally:
        with suppress(DockerException):
            engine.api.remove_image(f"{repository}:{tag}")


def _follow(
    engine: docker.DockerClient,
    path: str,
    params: Mapping[str, str],
    credentials: Credentials,
    doing: str,
    progress: Progress,
) -> frozenset[str]:
    """Post, tell how far it is, and return the ids of layers that were pushed."""
    from docker.auth import encode_header

    # An anonymous push needs the header too, with an empty object.
    login = {"username": credentials.username, "password": credentials.password} if credentials.username else {}
    headers = {"X-Registry-Auth": encode_header(login).decode()}
    layers: dict[str, bool] = {}
    pushed = set[str]()
    progress.say(doing)
    with closing(messages(engine, path, progress=progress, params=params, headers=headers)) as stream:
        for message in stream:
            if "error" in message:
                raise OutageError(f"{doing}: {message['error']}")
            # the others are "Layer already exists" or "Mounted from": nothing of them was sent
            if str(message.get("status") or "") == "Pushed":
                pushed.add(str(message.get("id") or ""))
            if line := _layer_line(message, layers):
                progress.say(f"{doing}: {line}")
    return frozenset(pushed - {""})


def sent_of(layers: Iterable[Layer], pushed: Collection[str]) -> list[Layer]:
    """Return those of the layers that an engine said it pushed."""

    def is_sent(layer: Layer) -> bool:
        names = (layer.diff_id.removeprefix("sha256:"), layer.digest.removeprefix("sha256:"))
        return any(name.startswith(one) for one in pushed for name in names)

    return [layer for layer in layers if is_sent(layer)]


def _layer_line(message: Mapping[str, Any], layers: dict[str, bool]) -> str:
    if "stream" in message:  # Podman's own pull
        return str(message["stream"]).strip()
    layer, status = str(message.get("id") or ""), str(message.get("status") or "")
    # its id is the tag, and no layer's
    if not layer or status.startswith("Pulling from"):
        return ""
    layers[layer] = layers.get(layer, False) or status in _DONE
    return f"{sum(layers.values())} of {len(layers)} layers"
