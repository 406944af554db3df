"""The base image: resolved to a digest once, looked into once, copied to the registry if it is not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ...core.errors import AcimlError, UserError
from ...core.image import Image
from ...core.progress import Progress, Silent
from ...core.reference import SCRATCH, Reference
from ...model.environment import Base
from ..tools import Tools

if TYPE_CHECKING:
    from ...core.place import Place


# Container Instances run nothing else
ARCHITECTURE = "amd64"


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
        # the word of a Dockerfile; an image of that name has a registry
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
        # here: HTTP is slow to load, and of a base that is known nobody is asked
        from .catalog import glibc_from_place

        if place and (told := glibc_from_place(self._tools, place, reference.digest)):
            return told
        for layer in self.image(reference).layers:
            version = catalog.get_fact("glibc", layer.digest)  # another image stands on the same layer
            if version is None:
                version = self._read_glibc(reference, layer.digest, progress)
                # also an empty one: the next image on this layer need not read it
                catalog.put_fact("glibc", layer.digest, version)
            if version:
                catalog.put_fact("glibc", reference.digest, version)
                return version
        raise UserError(f"{reference} has no glibc that can be found", "set glibc in the environment's config")

    def _read_glibc(self, reference: Reference, digest: str, progress: Progress) -> str:
        """Return what a layer says, read until it does; empty if it says nothing."""
        from .glibc import glibc_of_layer

        progress.say(f"looking for glibc in {reference}")
        progress.checkpoint()
        with self._tools.base_client(reference.registry).blob(reference.repository, digest) as chunks:
            return glibc_of_layer(iter(chunks), str(reference))

    def copy(self, reference: Reference, login_server: str, repository: str, progress: Progress) -> None:
        """Bring the image to the registry, layer by layer and only what it lacks."""
        from ...registry.base import copy_image

        source, client = self._tools.base_client(reference.registry), self._tools.client(login_server)
        # by us and not by an engine, which would compress each layer again (decisions/registry-client.md)
        copy_image(source, reference, client, repository, progress=progress)

    def _remember(self, digest: str, manifest: bytes, config: bytes) -> None:
        # all that is read of a base: its layers are mounted or
        # stream by (a base of 20 GB costs no byte of them, goal G11)
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


def base_images(tools: Tools, base: Base) -> BaseImages:
    """Return the base images; nobody is asked for them while it is not known who asks."""
    return (UnaskedImages if base.is_account_unsure else BaseImages)(tools)
