"""The base image: resolved to a digest once, looked into once, copied to the registry if it is not there."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from ...core.errors import AcimlError, Cancelled, UserError
from ...core.image import Image
from ...core.progress import Progress, Silent
from ...core.reference import Reference
from ...core.stages import SCRATCH
from ..tools import Tools
from .glibc import glibc_of_layer

if TYPE_CHECKING:
    from ...core.place import Place
    from ..tools import Tools


ARCHITECTURE = "amd64"

_SPACE = "told-glibc"


class NotKnownYet(AcimlError):
    """What is asked for depends on an input that comes from a resource that is still to be made."""


class BaseImages:
    """Base images as this machine knows them."""

    def __init__(self, tools: Tools) -> None:
        """Look them up with the tools's clients."""
        self._tools = tools

    def resolve(self, text: str, progress: Progress) -> str:
        """Return the digest that a reference has now.

        Raises:
            UserError: there is no such image, or none for linux/amd64.
            OutageError: its registry does not answer.
        """
        from ...registry.pull import pull_image

        reference = Reference.parse(text)
        progress.say(f"resolving {text}")
        pulled = pull_image(self._tools.base_client(reference.registry), reference, architecture=ARCHITECTURE)
        self._remember(pulled.digest, pulled.manifest, pulled.config)
        return pulled.digest

    def image(self, reference: Reference) -> Image:
        """Return the image of a resolved reference; one without layers for ``scratch``."""
        if reference.repository == SCRATCH and not reference.registry:
            return Image()
        known = self._tools.catalog.get_fact("base", reference.digest)
        if known is None:
            self.resolve(str(reference), Silent())
            known = self._tools.catalog.get_fact("base", reference.digest) or ""
        facts = json.loads(known)
        return Image.read(facts["manifest"].encode(), facts["config"].encode())

    def glibc(self, reference: Reference, progress: Progress, place: Place | None = None) -> str:
        """Return the image's glibc version, looked up once per machine.

        If ``place``, where the new image will be, has images of the same base, it is told there, and no layer is read.
        Else layers are read from the lowest until one has it: what a system stands on is what came first.
        """
        catalog = self._tools.catalog
        if known := catalog.get_fact("glibc", reference.digest):
            return known
        if place and (told := told_glibc(self._tools, place, reference.digest)):
            return told
        for layer in self.image(reference).layers:
            version = catalog.get_fact("glibc", layer.digest)  # another image stands on the same layer
            if version is None:
                version = self._read_glibc(reference, layer.digest, progress)
                catalog.put_fact("glibc", layer.digest, version)
            if version:
                catalog.put_fact("glibc", reference.digest, version)
                return version
        raise UserError(f"{reference} has no glibc that can be found", "set glibc in the environment's config")

    def _read_glibc(self, reference: Reference, digest: str, progress: Progress) -> str:
        """Return what a layer says, read until it does; empty if it says nothing."""
        progress.say(f"looking for glibc in {reference}")
        progress.checkpoint()
        with self._tools.base_client(reference.registry).blob(reference.repository, digest) as chunks:
            return glibc_of_layer(iter(chunks), str(reference))

    def copy(self, reference: Reference, login_server: str, repository: str, progress: Progress) -> None:
        """Bring the image to the registry, layer by layer and only what it lacks."""
        from ...registry.base import copy_image

        source, client = self._tools.base_client(reference.registry), self._tools.client(login_server)
        copy_image(source, reference, client, repository, progress=progress)

    def _remember(self, digest: str, manifest: bytes, config: bytes) -> None:
        facts = {"manifest": manifest.decode(), "config": config.decode()}
        self._tools.catalog.put_fact("base", digest, json.dumps(facts))


class UnaskedImages(BaseImages):
    """Base images whose registry cannot be asked, since the account there is not known yet."""

    def resolve(self, text: str, progress: Progress) -> str:  # noqa: ARG002 - nobody is asked
        """Ask nobody.

        Raises:
            NotKnownYet: always.
        """
        raise NotKnownYet(f"{text} cannot be looked up before its account is known")

    def _read_glibc(self, reference: Reference, digest: str, progress: Progress) -> str:  # noqa: ARG002 - as above
        raise NotKnownYet(f"{reference} cannot be looked into before its account is known")


def base_images(tools: Tools, unknown: Collection[str]) -> BaseImages:
    """Return the base images; ``unknown`` has the names of inputs that are given, and not known yet."""
    return (UnaskedImages if {"baseUsername", "basePassword"} & set(unknown) else BaseImages)(tools)


def told_glibc(tools: Tools, place: Place, base_digest: str) -> str:
    """Return what the place tells of the base, asked once; empty if nothing, or if its registry does not answer."""
    from ...registry.limits import HASTY
    from .catalog import read_told_glibc

    if known := recall_told(tools, place, base_digest):
        return known
    try:
        with tools.glance(place.login_server, HASTY) as client:
            told = read_told_glibc(client, place.repository, base_digest)
    except Cancelled:
        raise
    except AcimlError:
        return ""
    if told:
        tools.catalog.put_fact(_SPACE, _key(place, base_digest), told)
    return told


def place_of(values: Mapping[str, Any]) -> Place | None:
    """Return where the image will be; None if that is not known yet."""
    from ...core.place import Place

    where = [values.get(name) for name in ("loginServer", "repository")]
    return Place(*where) if all(isinstance(one, str) and one for one in where) else None  # type: ignore[arg-type]  # strings


def recall_told(tools: Tools, place: Place, base_digest: str) -> str:
    """Return what the place told this machine before; empty if nothing."""
    return tools.catalog.get_fact(_SPACE, _key(place, base_digest)) or ""


def _key(place: Place, base_digest: str) -> str:
    return f"{place.login_server}/{place.repository} {base_digest}"
