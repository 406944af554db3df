"""Bringing an image into the engine, with a line that tells how far it is."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ..core.errors import OutageError, UserError
from ..core.progress import Progress
from ..core.reference import Reference
from .local_engine import docker_answers

if TYPE_CHECKING:
    import docker

_DONE = frozenset({"Pull complete", "Already exists"})


class PullProgress:
    """Adds up what Docker tells about each layer."""

    def __init__(self) -> None:
        """Start with nothing."""
        self._done: dict[str, bool] = {}
        self._bytes: dict[str, tuple[int, int]] = {}

    def hear(self, event: Mapping[str, Any]) -> str:
        """Take one event of Docker's stream and return the line to show, empty if no layer is known yet."""
        layer, status = event.get("id", ""), event.get("status", "")
        if layer and (layer in self._done or status in _DONE or status == "Pulling fs layer"):
            self._done[layer] = status in _DONE
            detail = event.get("progressDetail") or {}
            if status == "Downloading" and detail.get("total"):
                self._bytes[layer] = (int(detail.get("current", 0)), int(detail["total"]))
            elif status != "Downloading" and layer in self._bytes:
                total = self._bytes[layer][1]
                self._bytes[layer] = (total, total)
        if not self._done:
            return ""
        got, total = (round(sum(column) / 1e6) for column in zip((0, 0), *self._bytes.values(), strict=True))
        return f"pulling {sum(self._done.values())} of {len(self._done)} layers, {got} of {total} MB"


def ensure_image(client: docker.DockerClient, image: str, mirrors: Mapping[str, str], progress: Progress) -> None:
    """Pull ``image`` unless the engine has it. A tag of a registry with a mirror is pulled from there.

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
    if mirror and not wanted.digest:
        repository = f"{mirror}/{wanted.repository}"
        _pull(client, repository, wanted.tag, progress)
        with docker_answers(f"tag image {image}"):
            client.images.get(f"{repository}:{wanted.tag}").tag(f"{wanted.registry}/{wanted.repository}", wanted.tag)
        return
    _pull(client, f"{wanted.registry}/{wanted.repository}", wanted.manifest, progress)


def _pull(client: docker.DockerClient, repository: str, tag: str, progress: Progress) -> None:
    from docker.errors import APIError, NotFound

    layers, image = PullProgress(), f"{repository}{'@' if tag.startswith('sha256:') else ':'}{tag}"
    with docker_answers(f"pull {image}"):
        try:
            events: Iterable[Mapping[str, Any]] = client.api.pull(repository, tag=tag, stream=True, decode=True)
            for event in events:
                progress.checkpoint()
                if "error" in event:
                    raise OutageError(f"Docker could not pull {image}: {event['error']}")
                if line := layers.hear(event):
                    progress.say(line)
        except NotFound as error:
            raise UserError(f"there is no image {image}", "check its name, or push it again") from error
        except APIError as error:
            advice = "check that its registry is running, or load the image into Docker under that name"
            raise OutageError(f"Docker could not pull {image}: {error.explanation}", advice) from error
