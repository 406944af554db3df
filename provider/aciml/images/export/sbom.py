"""The bill of materials of an environment: what is in it by the lock, as CycloneDX, attached to the pushed image.

It depends on the image and its recipe alone: no clock and no random number, so a second push attaches nothing.
Source: CycloneDX 1.6; Package URL types conda, pypi and oci.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType, Property
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output import make_outputter
from cyclonedx.schema import OutputFormat, SchemaVersion
from packageurl import PackageURL

from ...core.image import Image, canonical_json
from ...core.progress import Progress
from ...core.reference import Reference
from ...registry.errors import RegistryError
from ...registry.referrers import CYCLONEDX, Artifact, attach, detach

if TYPE_CHECKING:
    from ...core.conda_lock import LockedPackage
    from ...core.pip_package import PipPackage
    from ...core.recipe import Recipe
    from ...registry.client import RegistryClient


_REFUSALS = (400, 405, 415)  # of registries that take images and nothing else
_NAME = re.compile(r"[^\s=<>!~\[;*|]+")


def bill_of_materials(recipe: Recipe, image: Image, repository: str) -> bytes:
    """Return the CycloneDX document of an image, as canonical JSON.

    Args:
        recipe: what the image was made of, pinned.
        image: what it became; gives the serial number, and the time, which is that of the newest package.
        repository: where it is in its registry; the registry itself is not named.
    """
    return _Bill(recipe, image, repository).written()


def settle_bill(
    client: RegistryClient, repository: str, recipe: Recipe, image: Image, progress: Progress, *, wanted: bool
) -> None:
    """Attach the bill to the pushed image, or take it away; what is so already is not written again.

    A registry that takes no attached documents gets none, with a warning: the image itself is there.

    Raises:
        RegistryError: the registry fails or is silent.
    """
    if not wanted:
        detach(client, repository, image.digest, CYCLONEDX)
        return
    progress.say("attaching the bill of materials")
    body = bill_of_materials(recipe, image, repository)
    artifact = Artifact(CYCLONEDX, body, {"org.opencontainers.image.created": image.created})
    try:
        attach(client, repository, image.manifest(), artifact, progress)
    except RegistryError as error:
        if error.status not in _REFUSALS:
            raise
        progress.warn(f"no bill of materials is attached: {error.message}; with sbom: false none is tried")


class _Bill:
    def __init__(self, recipe: Recipe, image: Image, repository: str) -> None:
        self._recipe, self._image, self._repository = recipe, image, repository

    def written(self) -> bytes:
        bom = Bom(
            # a name-based UUID (RFC 9562, 5.5): CycloneDX wants one, and a random one would differ at each push
            serial_number=uuid.uuid5(uuid.NAMESPACE_URL, self._image.digest),
            metadata=BomMetaData(
                timestamp=datetime.fromisoformat(self._image.created),
                component=self._container,
                properties=self._properties(),
            ),
            components=[self._base, *self._conda.values(), *map(_pip_component, self._wheels)],
        )
        bom.register_dependency(self._container, bom.components)
        for name, component in self._conda.items():
            bom.register_dependency(component, self._needs(name))
        return canonical_json(json.loads(make_outputter(bom, OutputFormat.JSON, SchemaVersion.V1_6).output_as_string()))

    @cached_property
    def _container(self) -> Component:
        return _image_component(self._repository, self._image.digest)

    @cached_property
    def _base(self) -> Component:
        base: Reference = self._recipe.base
        return _image_component(base.repository, base.digest, f"{base.registry}/{base.repository}", base.tag)

    @property
    def _wheels(self) -> tuple[PipPackage, ...]:
        own = self._recipe.own
        return (*self._recipe.pip, *(own.wheels if own else ()))

    @cached_property
    def _conda(self) -> dict[str, Component]:
        packages = self._recipe.conda.packages if self._recipe.conda else ()
        return {package.name: _conda_component(package) for package in packages}

    def _needs(self, name: str) -> Iterator[Component]:
        package = self._recipe.conda.find(name) if self._recipe.conda else None
        for spec in package.depends if package else ():
            needed = _NAME.match(spec)
            if needed and needed[0] in self._conda:
                yield self._conda[needed[0]]

    def _properties(self) -> list[Property]:
        """Name what the lock does not cover, so that nobody takes the bill for more than it is."""
        steps = self._recipe.steps_key
        return [Property(name="aciml:steps", value=steps)] if steps else []


def _image_component(name: str, digest: str, url: str = "", tag: str = "") -> Component:
    qualifiers = {key: value for key, value in (("repository_url", url), ("tag", tag)) if value}
    # purl-spec, oci: the name is the last part of the repository, the version its digest
    purl = PackageURL("oci", name=name.rpartition("/")[2], version=digest, qualifiers=qualifiers)
    return Component(
        name=url or name,
        version=digest,
        type=ComponentType.CONTAINER,
        # else the library makes a random one, and each bill would be another document
        bom_ref=purl.to_string(),
        purl=purl,
        hashes=[_sha256(digest.removeprefix("sha256:"))],
    )


def _conda_component(package: LockedPackage) -> Component:
    kind = "conda" if package.file_name.endswith(".conda") else "tar.bz2"
    # purl-spec, conda: these four tell one file of a channel from all others
    qualifiers = {"build": package.build, "channel": package.channel, "subdir": package.subdir, "type": kind}
    purl = PackageURL("conda", name=package.name, version=package.version, qualifiers=qualifiers)
    said = str(json.loads(package.record_json or "{}").get("license") or "")
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=purl.to_string(),
        purl=purl,
        hashes=[_sha256(package.sha256)],
        # an SPDX id, an expression or a free text: channels have all three
        licenses=[LicenseFactory().make_from_string(said)] if said else [],
    )


def _pip_component(package: PipPackage) -> Component:
    # without licences: the lock of the pip section has none (decisions/export.md)
    purl = PackageURL("pypi", name=package.name, version=package.version)
    return Component(
        name=package.name,
        version=package.version,
        bom_ref=purl.to_string(),
        purl=purl,
        hashes=[_sha256(package.sha256)],
        properties=[Property(name="aciml:file", value=package.file_name)],
    )


def _sha256(digest: str) -> HashType:
    return HashType(alg=HashAlgorithm.SHA_256, content=digest)
