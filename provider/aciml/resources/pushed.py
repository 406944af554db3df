"""What the two image resources share: outputs, look-up and removal of a pushed image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..core.errors import AcimlError, OutageError
from ..core.place import Place
from ..core.progress import Progress
from ..core.reference import Reference
from ..model.registry import LOGIN_SERVER
from ..model.service import ENVIRONMENT_IMAGE, OUTPUTS
from ..properties import UNKNOWN, Values, reveal
from .protocol import Changes, Existing, keep_state

if TYPE_CHECKING:
    from ..core.image import Image
    from ..images.tools import Tools

NOT_KNOWN_YET: Values = dict.fromkeys(OUTPUTS, UNKNOWN)
_EFFECT = "nothing by itself: a service that runs this image is changed with it, and says what that costs"
_MOST = 5
_LOOPBACK = ("127.", "localhost", "[::1]")


def image_changes(paths: Sequence[str]) -> Changes:
    """Return what differs of an image: it is pushed beside the one before, and nobody who calls a service notices."""
    return Changes(dict.fromkeys(paths, "update"), effect=_EFFECT if paths else "")


def told_if_shut_out(tools: Tools, place: Place | None, progress: Progress) -> None:
    """Warn in a preview that a firewall keeps this machine out: another one may be the one that pushes."""
    if why := _shut_out(tools, place):
        progress.warn(f"nothing can be pushed from this machine: {why}")


def require_way_in(tools: Tools, place: Place) -> None:
    """Make sure that no firewall is in the way, before anything is made for it.

    Raises:
        OutageError: one is.
    """
    if why := _shut_out(tools, place):
        raise OutageError(why)


def _shut_out(tools: Tools, place: Place | None) -> str:
    if place is None:
        return ""
    host = place.login_server
    # once a process: images of one program go to one registry
    return tools.answers.once(f"{host} shut out", lambda: tools.target.shut_out(host))


def image_outputs(place: Place | None, image: Image) -> Values:
    """Return the outputs of an image pushed to a place; where that is not known yet, its reference is not."""
    repository = str(place) if place else ""
    return {
        "image": f"{repository}:{image.tag}@{image.digest}" if place else UNKNOWN,
        "digest": image.digest,
        "layers": len(image.layers),
        "size": sum(layer.size for layer in image.layers),
    }


def size_of(known: Existing) -> int:
    """Return the bytes of all layers of an image that exists; 0 if its state does not say."""
    size = reveal(known.state.get("size"))
    return size if isinstance(size, int) else 0


def reference_of(known: Existing) -> Reference:
    """Return the reference of an image that exists, ``host/repository:tag@digest``; of an import what the user gave."""
    return Reference.parse(str(reveal(known.state.get("image")) or known.id))


def read_pushed(tools: Tools, known: Existing, progress: Progress) -> Existing | None:
    """Ask the registry for the digest; a registry that does not answer keeps the state, with a warning.

    Raises:
        OutageError: on import, where there is no state to keep.
    """
    reference = reference_of(known)
    try:
        digest = tools.client(reference.registry).head_manifest(reference.repository, reference.manifest)
    except AcimlError as error:
        return keep_state(known, error, progress)
    if digest is None:
        return None
    if known.state:
        return known
    return _imported(tools, reference.at(digest))


def _imported(tools: Tools, reference: Reference) -> Existing | None:
    from ..core.compose import inputs_of

    image = tools.load_image(reference)
    if image is None:
        return None
    made_of = inputs_of(image)
    if "environment" in made_of:  # it lies in the same registry, whatever that is called here
        made_of[ENVIRONMENT_IMAGE] = f"{reference.registry}/{made_of.pop('environment')}"
    inputs = {LOGIN_SERVER: reference.registry, "repository": reference.repository, **made_of}
    outputs = image_outputs(Place(reference.registry, reference.repository), image)
    return Existing(outputs["image"], {**inputs, **outputs}, inputs)


def delete_pushed(tools: Tools, known: Existing, progress: Progress) -> None:
    """Remove the manifest from its repository, and its bill of materials; layers stay for others.

    An image that others have too, because it is equal or because they gave it a tag, stays whole. A registry on this
    machine that refuses connections is not running any more, so there is nothing to remove.
    """
    from ..images.remote.holders import let_go, others_with
    from ..images.remote.pushes import holder_of
    from ..registry.referrers import CYCLONEDX, detach

    reference = reference_of(known)
    client = tools.client(reference.registry)
    holder = holder_of(progress.urn)
    try:
        others = others_with(client, reference.repository, reference.digest, holder)
        let_go(client, reference.repository, holder)
        if others:
            told = ", ".join(others[:_MOST]) + " ..." * (len(others) > _MOST)
            progress.note(f"image {reference} stays: others need it, by the tags {told}")
            return
        # first: a bill of materials without its image would be found by nobody
        detach(client, reference.repository, reference.digest, CYCLONEDX)
        client.delete_manifest(reference.repository, reference.digest)
    except OutageError as error:
        # a status is an answer: whoever refuses is there, and the image with him
        if not (reference.registry.startswith(_LOOPBACK) and getattr(error, "status", 0) == 0):
            raise
        progress.warn(f"{error}; taken as removed")
