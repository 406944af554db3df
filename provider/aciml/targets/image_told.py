"""What a container is told, and tells, of the image that it runs: the same on every target.

It all follows from the image, so it is never compared: a container that lacks it runs the same as one that has it.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..core.errors import Finding
from ..core.labels import REF_NAME, VERSION
from ..model.container import VARIABLES
from ..model.group import Group
from .protocol import GroupSpec

IMAGE_DIGEST = "ACIML_IMAGE_DIGEST"
"""Variable by which the scoring server knows what it is; it is nobody's property."""

DIGEST = "io.aciml.image.digest"
"""Label of a container, beside those that it has from its image; OCI has no key for it."""


def image_variable(image: str) -> dict[str, str]:
    """Return the variable for ``host/repository:tag@digest``; nothing for an image without a digest."""
    # a tag alone says nothing that holds: another push moves it
    digest = image.rpartition("@")[2] if "@" in image else ""
    return {IMAGE_DIGEST: digest} if digest else {}


def oci_labels(spec: GroupSpec) -> dict[str, str]:
    """Return labels of a container by OCI's keys; the engine adds those of the image (revision, source, base, ...)."""
    name, _, digest = spec.image.partition("@")
    # of the container and not of its image, which would be a new one for a number (decisions/labels.md)
    version = spec.declared.environment().get("SERVICE_VERSION", "")
    said = {REF_NAME: name, DIGEST: digest, VERSION: version}
    return {key: text for key, text in said.items() if text}


def judge_variables(new: Group) -> Iterator[Finding]:
    """Report that the user sets what follows from the image."""
    for kind in VARIABLES:
        # whoever reads /metrics has to be able to rely on it
        if IMAGE_DIGEST in (getattr(new, kind) or ()):
            yield new.finding(kind, f"{IMAGE_DIGEST} is set by the property image; use that", IMAGE_DIGEST)
