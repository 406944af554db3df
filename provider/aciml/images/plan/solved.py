"""How long it took to find the packages of a lock: kept on this machine from the check to the update that builds it.

They are two calls, and a preview's check has often done it before. Nobody decides anything by it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from ...core.image import canonical_json, sha256_digest
from ...core.phases import Span
from ...core.recipe import Recipe
from ..tools import Tools
from .lock import Locked

_SOLVED = "solved"  # namespace in the catalog of this machine


def keep_solve(tools: Tools, locked: Locked) -> None:
    """Remember how long it took to find these package files."""
    hashes = [*(one.sha256 for one in locked.conda.packages), *(one.sha256 for one in locked.pip)]
    told = canonical_json([span.to_json() for span in locked.spans]).decode()
    tools.cache.catalog.put_fact(_SOLVED, _key(hashes), told)


def with_solve(tools: Tools, recipe: Recipe, spans: tuple[Span, ...]) -> tuple[Span, ...]:
    """Return the phases of a build, after those in which its packages were found, if that was on this machine."""
    conda = recipe.conda.packages if recipe.conda else ()
    hashes = [*(one.sha256 for one in conda), *(one.sha256 for one in recipe.pip)]
    known = tools.cache.catalog.get_fact(_SOLVED, _key(hashes))
    try:
        before = tuple(Span.of_json(one) for one in json.loads(known or "[]"))
    except (ValueError, TypeError):
        before = ()
    later = max((span.end for span in before), default=0.0)
    return (*before, *(span.after(later) for span in spans)) if spans else ()


def _key(hashes: Iterable[str]) -> str:
    return sha256_digest(canonical_json(sorted(hashes)))
