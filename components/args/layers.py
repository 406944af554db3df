"""The layers of an environment's image, and how long images stay."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

import pulumi

from .declared import subject


class Compression(StrEnum):
    """Compression of layers."""

    GZIP = "gzip"
    """Every engine reads it."""
    ZSTD = "zstd"
    """Smaller and faster; engines from 2023 on read it."""
    NONE = "none"
    """None."""


class PreviewLayers(StrEnum):
    """What a preview does about layers that no cache has."""

    KNOWN = "known"
    """The digest is foreseen from what is known."""
    BUILD = "build"
    """They are made in the cache, so that the digest is always foreseen."""


@subject
class LayersArgs:
    """How layers are made, and which images stay."""

    _properties: ClassVar[Mapping[str, str]] = {"preview": "previewLayers"}

    # gzip if not said: Docker before 23 takes no layers of zstd (decisions/compressor.md)
    compression: pulumi.Input[Compression] | None = None
    """Compression of layers; gzip if not said."""
    slim: pulumi.Input[bool] | None = None
    """Leave out what no program loads: static libraries, headers, tests, documentation; false if not said."""
    preview: pulumi.Input[PreviewLayers] | None = None
    """What a preview does about missing layers; known if not said."""
    # an image that serves, and the one before it, stay whatever is said here (decisions/clean-up.md)
    keep_tags: pulumi.Input[int] | None = None
    """How many older images of the repository stay; all if not said."""
    keep_days: pulumi.Input[int] | None = None
    """Days that older images stay; forever if not said."""
    sbom: pulumi.Input[bool] | None = None
    """Attach a bill of materials (CycloneDX) to the image; true if not said."""
