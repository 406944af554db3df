"""What is put in order after a build: the repository's old images, and this machine's cache."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..blobs.prune import Wish, prune
from ..core.image import Image
from ..core.progress import Progress
from ..core.reference import Reference
from .held import forget_held, holder_of
from .old_tags import Keep, settle_old_tags
from .pushing import Place
from .workshop import Workshop


def leave(shop: Workshop, image: str, progress: Progress) -> None:
    """Let the registry forget that this resource held an image, ``host/repository:tag@digest``."""
    reference = Reference.parse(image)
    forget_held(shop.client(reference.registry), reference.repository, holder_of(progress.urn))


def tidy(shop: Workshop, place: Place, image: Image, values: Mapping[str, Any], progress: Progress) -> None:
    """Remove old images as ``values`` say, and what the cache has too much; what cannot be removed is a warning.

    Args:
        shop: of this machine; what it has used since it began stays in the cache.
        place: where the image was pushed.
        image: the new one.
        values: the inputs, with ``keepTags`` and ``keepDays``.
        progress: told what went, asked whether to stop.
    """
    settle_old_tags(shop.client(place.login_server), place.repository, image, Keep.of(values), progress)
    limit = shop.settings.cache_size
    if limit is None:
        return
    try:
        done = prune(shop.settings.cache, Wish(limit), progress=progress)
    except OSError as error:
        progress.warn(f"the cache {shop.settings.cache} cannot be pruned: {error.strerror}")
        return
    if done.entries:
        progress.note(f"{done.size / 1e6:.0f} MB removed from the cache, which may have {limit / 1e9:.1f} GB")
