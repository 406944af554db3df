"""What a repository tells of the C library of a base, so that a new stack reads no layer of it.

It stands in the manifests of the artifacts of ``published.py``, which are a few hundred bytes. What is told holds for
images of that repository alone, also later, when this machine tells it on.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..core.errors import AcimlError, Cancelled

if TYPE_CHECKING:
    from .pushing import Place
    from .workshop import Workshop

_SPACE = "told-glibc"


def told_glibc(shop: Workshop, place: Place, base_digest: str) -> str:
    """Return what the place tells of the base, asked once; empty if nothing, or if its registry does not answer."""
    from ..registry.limits import HASTY
    from .published import read_told_glibc

    if known := recall_told(shop, place, base_digest):
        return known
    try:
        with shop.glance(place.login_server, HASTY) as client:
            told = read_told_glibc(client, place.repository, base_digest)
    except Cancelled:
        raise
    except AcimlError:
        return ""
    if told:
        shop.catalog.put_fact(_SPACE, _key(place, base_digest), told)
    return told


def place_of(values: Mapping[str, Any]) -> Place | None:
    """Return where the image will be; None if that is not known yet."""
    from .pushing import Place

    where = [values.get(name) for name in ("loginServer", "repository")]
    return Place(*where) if all(isinstance(one, str) and one for one in where) else None  # type: ignore[arg-type]  # strings


def recall_told(shop: Workshop, place: Place, base_digest: str) -> str:
    """Return what the place told this machine before; empty if nothing."""
    return shop.catalog.get_fact(_SPACE, _key(place, base_digest)) or ""


def _key(place: Place, base_digest: str) -> str:
    return f"{place.login_server}/{place.repository} {base_digest}"
