"""What the scoring server needs of its environment: resolved with the user's packages, in layers of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from ..core.compose import NEEDS_ROOT
from ..core.conda_lock import CondaLock
from ..core.errors import OutageError, UserError
from ..core.image import canonical_json, sha256_digest
from ..core.interpreter import Interpreter
from ..core.layer import WRITER
from ..core.pip_package import PipPackage
from ..model.environment import Environment, Packages
from ..pip.pinned_line import bare_package
from ..server_files import NEEDS

# what plans layers is imported where they are planned: the lines alone are asked for in each preview
if TYPE_CHECKING:
    from ..blobs.compress import Compression
    from ..core.recipe import OwnPython, Recipe
    from ..pip.wheel_set import WheelSet

OWN_LINES = "own-lines"
"""Namespace in the catalog: lock lines of the wheels beside an own Python, by ``own_lines_key``."""

SEARCH = "looking for what the scoring server needs"
_OFF = "set serverRequirements to false if the image is not for serving"


@cache
def server_needs() -> tuple[str, ...]:
    """Return the requirements of the server, as lines of a pip section."""
    rows = (row.partition("#")[0].strip() for row in NEEDS.read_text("utf-8").splitlines())
    return tuple(row for row in rows if row)


def wheel_set(packages: Sequence[PipPackage], conda: CondaLock | None) -> WheelSet:
    """Return the wheels with what decides about their layers; the server's are apart, since many images share them."""
    from ..pip.wheel_set import WheelSet

    return WheelSet(tuple(packages), conda or CondaLock(()), _names())


def needs_of(asked: Packages) -> tuple[str, ...]:
    """Return what the server needs of the image's own Python, as requirements; nothing if it is not to be brought."""
    return server_needs() if asked.server_requirements else ()


def own_python_of(now: Environment) -> OwnPython | None:
    """Return the own Python of a pinned environment as a part of its recipe; None if it has another one, or none."""
    asked, pins = now.packages, now.pins
    # an import knows no files, but what they asked for
    if asked.files or set(pins.dependencies or {}) > {"server"}:
        return None
    if pins.dependencies is None and asked.interpreter_path is None:
        return None
    from ..core.recipe import OwnPython

    found = Interpreter.of_facts(pins.python) if pins.python else None
    wheels = tuple(bare_package(line) for line in pins.server_lock or ())
    return OwnPython(asked.interpreter_path or "", now.base.glibc or "", needs_of(asked), found, wheels)


def needs_key(own: OwnPython, by: Compression) -> str:
    """Return the name of the layer beside an own Python: all that its bytes depend on; for which one, wheels say."""
    from ..pip.layer_plan import VERSION

    hashes = sorted(one.sha256 for one in own.wheels)
    return "needs-" + sha256_digest(canonical_json([WRITER, VERSION, by.key, NEEDS_ROOT, hashes]))


def own_lines_key(recipe: Recipe, own: OwnPython) -> str:
    """Return by what the wheels beside an own Python are remembered: the same image gets the same ones."""
    facts = own.found.facts() if own.found else {}
    return sha256_digest(canonical_json([recipe.below, facts, list(own.needs)]))


@contextmanager
def said_of_server(needs: Sequence[str], *, has_pip: bool) -> Iterator[None]:
    """Say why the index was asked, if the user may wonder.

    Args:
        needs: what the server needs, as lines of a pip section; empty if nobody asks for it.
        has_pip: whether the user has a pip section, too.

    Raises:
        UserError: with the server's part in it, if one of its packages is what does not fit.
        OutageError: with the reason, if the user has no pip section.
    """
    try:
        yield
    except OutageError as error:
        if not needs or has_pip:
            raise
        why = f"{error.message}; it is asked because the scoring server needs {_listed(needs)}"
        advice = f"{error.advice}; or take these from conda, as dependencies; or {_OFF}"
        raise type(error)(why, advice) from error
    except UserError as error:
        from packaging.requirements import Requirement

        # uv names what it could not place; of anything else the server is not the cause
        meant = [line for line in needs if Requirement(line).name in error.message]
        if not meant:
            raise
        advice = f"{error.advice}; the scoring server needs {_listed(meant)}; {_OFF}"
        raise type(error)(error.message, advice) from error


def _names() -> frozenset[str]:
    from packaging.requirements import Requirement
    from packaging.utils import canonicalize_name

    return frozenset(canonicalize_name(Requirement(line).name) for line in server_needs())


def _listed(lines: Sequence[str]) -> str:
    return ", ".join(line.partition(";")[0].strip() for line in lines)
