"""Push an image that this machine composed, and say what it cost."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from ...blobs.store import BlobStore, DamagedBlobError, is_whole
from ...core.image import Image, Layer
from ...core.place import Place
from ...core.progress import Progress
from ..tools import Tools

if TYPE_CHECKING:
    from ...registry.push import Pushed
    from ...registry.upload import Outcome


Answer = TypeVar("Answer")


def mend(tools: Tools, progress: Progress, work: Callable[[], Answer]) -> Answer:
    """Do work that makes layers and sends them; one that was damaged since it was made is made again.

    Args:
        tools: has the blobs.
        progress: told of each.
        work: begins anew with what is there; what was sent is found in the registry.

    Raises:
        DamagedBlobError: a blob is damaged a second time: then it is the disk.
    """
    dropped = set[str]()
    while True:
        try:
            return work()
        except DamagedBlobError as error:
            tools.store.remove(error.digest)
            if error.digest in dropped:
                raise
            dropped.add(error.digest)
            name = error.digest.removeprefix("sha256:")[:12]
            progress.note(f"layer {name} was damaged in this machine's cache; it is made again")


def push(
    tools: Tools,
    image: Image,
    place: Place,
    mounts: Mapping[str, str],
    progress: Progress,
    early: Mapping[str, Outcome] | None = None,
) -> Pushed:
    """Push what the registry lacks; a second push of the same image writes nothing.

    Args:
        tools: has the blobs and the client.
        image: its layers are in the store, or in the registry already.
        place: where it goes.
        mounts: digest of a layer to the repository of the same registry that has it.
        progress: told what is sent.
        early: what became of layers that this run has sent already, by digest; they are not asked for again.

    Raises:
        DamagedBlobError: a blob of this machine is not what its name says; see ``mend``.
        OutageError: the registry does not answer or refuses.
    """
    from ...registry.push import push_image

    client, before = tools.client(place.login_server), early or {}
    with explained(tools, image, progress):
        done = push_image(
            client, place.repository, image.tag, image, tools.store, mount_from=mounts, progress=progress, sent=before
        )
    tools.settings.paces.tell(progress.note)
    layers = {layer.digest: layer.size for layer in image.layers if layer.digest in before}
    sizes = [size for digest, size in layers.items() if before[digest] == "uploaded"]
    return replace(
        done,
        uploaded=done.uploaded + len(sizes),
        uploaded_bytes=done.uploaded_bytes + sum(sizes),
        present=done.present + len(layers) - len(sizes),
    )


def with_those_of_engine(pushed: Pushed, sent: Sequence[Layer]) -> Pushed:
    """Count the layers that an engine sent before: to the push of the whole they were there already."""
    unique = {layer.digest: layer.size for layer in sent}
    return replace(
        pushed,
        uploaded=pushed.uploaded + len(unique),
        uploaded_bytes=pushed.uploaded_bytes + sum(unique.values()),
        present=max(0, pushed.present - len(unique)),
    )


@contextmanager
def explained(tools: Tools, image: Image, progress: Progress) -> Iterator[None]:
    """Drop this machine's damaged blobs of the image if the registry says that bytes are not what their name says."""
    from ...registry.errors import RegistryError

    try:
        yield
    except RegistryError as error:
        # the registry counted another digest than the name says (distribution-spec 1.1, "Error Codes"): the bytes here
        # are damaged, or were on the way
        if error.code == "DIGEST_INVALID" and (dropped := drop_damaged(tools.store, image)):
            progress.warn(f"{dropped} damaged blobs dropped from this machine's cache; run the same command again")
        raise


def drop_damaged(store: BlobStore, image: Image) -> int:
    """Remove those of the image's blobs whose bytes are not what their name says; return how many."""
    damaged = [layer.digest for layer in image.layers if store.has(layer.digest) and not is_whole(store, layer.digest)]
    for digest in damaged:
        store.remove(digest)
    return len(damaged)
