"""Who is known in an image: ``/etc/passwd`` and ``/etc/group`` as its layers have them, looked up once a layer."""

from __future__ import annotations

import contextlib
import json
import tarfile
from collections.abc import Iterator

from ...core.account import Accounts
from ...core.image import Image
from ...core.progress import Progress
from ...core.reference import Reference
from ..tools import Tools
from .glibc import UNREADABLE, plain_stream

_FILES = ("etc/passwd", "etc/group")
_GONE = {"etc/.wh.passwd": "etc/passwd", "etc/.wh.group": "etc/group"}
_OPAQUE = "etc/.wh..wh..opq"
_OURS = "aciml: "
_MAY_NAME_USERS = ("build ", "link scripts", "of the base image", "a layer")
"""What our history says of layers that others filled; packages lie below the prefix, and name nobody."""


def accounts_of(tools: Tools, image: Image, reference: Reference, progress: Progress) -> Accounts:
    """Return the files of an image that is in its registry.

    Layers are asked from the top, since an upper file hides a lower one, and each is read no further than it must.

    Raises:
        OutageError: the registry does not answer.
    """
    found: dict[str, str] = {}
    for layer, said in zip(reversed(image.layers), reversed(_told(image)), strict=True):
        if said.startswith(_OURS) and not said.removeprefix(_OURS).startswith(_MAY_NAME_USERS):
            continue
        for path, text in _of_layer(tools, reference, layer.digest, progress).items():
            found.setdefault(path, text)
        if len(found) == len(_FILES):
            break
    return Accounts(*(found.get(path, "") for path in _FILES))


def _told(image: Image) -> list[str]:
    """Return what the history says of each layer."""
    said = [str(entry.get("created_by", "")) for entry in image.history if not entry.get("empty_layer")]
    return said if len(said) == len(image.layers) else [""] * len(image.layers)


def _of_layer(tools: Tools, reference: Reference, digest: str, progress: Progress) -> dict[str, str]:
    known = tools.catalog.get_fact("accounts", digest)
    if known is None:
        progress.checkpoint()
        progress.say(f"looking for users in {reference.repository}")
        with tools.client(reference.registry).blob(reference.repository, digest) as chunks:
            known = json.dumps(files_of_layer(iter(chunks)))
        tools.catalog.put_fact("accounts", digest, known)
    return dict(json.loads(known))


def files_of_layer(chunks: Iterator[bytes]) -> dict[str, str]:
    """Return the texts that a layer (tar, gzip or zstd) has of the two files; an empty one for a file that it removes.

    Builders write a layer in the order of names: where that is so, reading ends behind ``etc``, long before the large
    folders (opt, usr, var) begin. What is no tar names nobody: an image is not refused for the names of its users.
    """
    found, gone = dict[str, str](), set[str]()
    last, in_order, began_early = "", True, False
    with (
        contextlib.suppress(*UNREADABLE),
        tarfile.open(fileobj=plain_stream(chunks), mode="r|*") as tar,
    ):
        for member in tar:
            name = member.name.removeprefix("./").strip("/")
            top = name.partition("/")[0]
            in_order, last = in_order and top >= last, top
            began_early = began_early or "" < top <= "etc"  # one that begins behind etc may have it later
            if name in _FILES and member.isfile():
                content = tar.extractfile(member)
                found[name] = content.read().decode("utf-8", "replace") if content else ""
            gone |= _removed(name)
            if len(found) == len(_FILES) or (began_early and in_order and top > "etc"):
                break
    # a file of the same layer counts, wherever the mark of its removal stands (layer.md, "Whiteouts")
    return {**dict.fromkeys(gone, ""), **found}


def _removed(name: str) -> set[str]:
    return {*_FILES} if name == _OPAQUE else {_GONE[name]} if name in _GONE else set()
