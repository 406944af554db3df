"""What the scoring server needs of its environment: resolved with the user's packages, in a layer of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ..core.errors import OutageError, UserError
from ..pip.lines import asked_for
from ..server_files import NEEDS

if TYPE_CHECKING:
    from ..core.conda_lock import CondaLock
    from ..core.pip_package import PipPackage
    from .plan.sources import Sources

OLDEST_PYTHON = "3.8"
"""What the scoring server runs on; see ``server``."""
SEARCH = "looking for what the scoring server needs"
_OFF = "set serverRequirements to false if the image is not for serving"


@cache
def server_needs() -> tuple[str, ...]:
    """Return the requirements of the server, as lines of a pip section."""
    rows = (row.partition("#")[0].strip() for row in NEEDS.read_text("utf-8").splitlines())
    return tuple(row for row in rows if row)


def lines_for(sources: Sources, lock: CondaLock) -> tuple[str, ...]:
    """Return all that pip has to bring on top of the conda packages.

    A Python that the server cannot run on is judged elsewhere; nothing is looked for in vain for it.
    """
    asked = sources.conda.pip if sources.conda else ()
    try:
        fits = bool(lock.python_version) and Version(lock.python_version) >= Version(OLDEST_PYTHON)
    except InvalidVersion:
        fits = False
    return (*asked, *sources.server) if fits else asked


def all_asked(sources: Sources, lock: CondaLock) -> list[str]:
    """Return what has to change to resolve again; see ``asked_for``."""
    return asked_for(lines_for(sources, lock), sources.folder)


def in_layers(packages: Sequence[PipPackage]) -> list[tuple[PipPackage, ...]]:
    """Return the wheels of each layer, without empty ones: the server's are many images' and change rarely."""
    names = _names()
    parts = [tuple(one for one in packages if (one.name in names) is server) for server in (True, False)]
    return [part for part in parts if part]


def title(packages: Sequence[PipPackage]) -> str:
    """Say which of the layers of ``in_layers`` it is."""
    return "what the server needs" if {package.name for package in packages} <= _names() else "pip"


@contextmanager
def said_of_server(sources: Sources) -> Iterator[None]:
    """Say why the index was asked, if the user may wonder.

    Raises:
        UserError: with the server's part in it, if one of its packages is what does not fit.
        OutageError: with the reason, if the user has no pip section.
    """
    try:
        yield
    except OutageError as error:
        if not sources.server or (sources.conda and sources.conda.pip):
            raise
        why = f"{error.message}; it is asked because the scoring server needs {_listed(sources.server)}"
        advice = f"{error.advice}; or take these from conda, as dependencies; or {_OFF}"
        raise type(error)(why, advice) from error
    except UserError as error:
        meant = [line for line in sources.server if Requirement(line).name in error.message]
        if not meant:
            raise
        advice = f"{error.advice}; the scoring server needs {_listed(meant)}; {_OFF}"
        raise type(error)(error.message, advice) from error


def _names() -> frozenset[str]:
    return frozenset(canonicalize_name(Requirement(line).name) for line in server_needs())


def _listed(lines: Sequence[str]) -> str:
    return ", ".join(line.partition(";")[0].strip() for line in lines)
