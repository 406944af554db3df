"""What an environment brings for a script to import, as far as it is known before anything is built."""

from __future__ import annotations

import json
from collections.abc import Iterable

from ...blobs.catalog import AnyCatalog
from ...conda.facts import PATHS
from ...core.compose import inputs_of
from ...core.conda_lock import LockLine
from ...core.errors import AcimlError, Cancelled
from ...core.image import Image
from ...core.imports import Brought, modules_of
from ...core.pip_package import PIP
from ...core.place import Place
from ...core.reference import Reference
from ...model.environment import Environment, read_environment
from ...model.service import Service
from ...pip.facts import WHEEL_PATHS
from ...pip.pinned_line import bare_package
from ..tools import Tools

_PLACE = "site-packages"


def brought_to(tools: Tools, now: Service) -> Brought:
    """Return what the environment of a service brings.

    Its image tells what it was made of. Where that is not known yet, an environment that was pinned a moment ago in the
    same run is the one; of several all count, since a false alarm is worse than a miss.
    """
    if now.environment_image and not now.is_unsure("environment_image"):
        image = _environment(tools, now.environment_image)
        if image is not None:
            # once for all services that stand on it: an environment has ten thousands of paths
            return tools.answers.once(f"what {image.digest} brings", lambda: _brought_by_image(tools, image))
    return _joined([brought_by(tools.catalog, one) for one in tools.pinned.values()])


def _brought_by_image(tools: Tools, image: Image) -> Brought:
    found = brought_by(tools.catalog, read_environment(inputs_of(image)))
    is_open = not image.annotations or "PYTHONPATH" in image.env()
    return Brought(found.packages, found.modules, found.whole, found.python, known=found.known and not is_open)


def _environment(tools: Tools, text: str) -> Image | None:
    """Return the image of an environment, None if it cannot be had: the update asks again, and says what is wrong."""
    try:
        reference = Reference.parse(text)
        if kept := tools.kept_image(reference):
            return kept
        # here: HTTP is slow to load
        from ..remote.catalog import is_reachable

        # first, since a registry that is not there yet would be asked again and again
        there = is_reachable(tools, Place(reference.registry, reference.repository))
        return tools.load_image(reference) if there else None
    except Cancelled:
        raise
    except AcimlError:
        return None


def brought_by(catalog: AnyCatalog, environment: Environment) -> Brought:
    """Return what a pinned environment brings."""
    pins = environment.pins
    if pins.lock is None:
        return Brought(python=_minor((pins.python or {}).get("version", "")), known=False)
    python = (pins.packages or {}).get("python", "").split(" ")[0]
    library = f"lib/python{'.'.join(python.split('.')[:2])}/{_PLACE}"
    listed = [_paths(catalog, line, library) for line in pins.lock]
    known = [modules_of(paths) for paths in listed if paths is not None]
    names = {*(pins.packages or {}), *(pins.pip_packages or {})}
    steps = " ".join(str(one) for one in environment.steps.extra_steps or ())
    # a folder that a step fills and names (decisions/pip-section.md) may have anything in it
    is_open = "PYTHONPATH" in steps or environment.steps.extra_steps_file is not None or environment.base.has_dockerfile
    return Brought(
        frozenset(names), frozenset().union(*known), len(known) == len(listed), _minor(python), known=not is_open
    )


def _paths(catalog: AnyCatalog, line: str, library: str) -> Iterable[str] | None:
    """Return the files of a package, if this machine, or the registry, has seen them."""
    if line.startswith(PIP):
        text = catalog.get_fact(WHEEL_PATHS, f"{bare_package(line).sha256}@{library}")
        return None if text is None else list(json.loads(text))
    sha256 = LockLine.parse(line).sha256
    text = catalog.get_fact(PATHS, sha256) or catalog.get_fact(PATHS, f"{sha256}@{library}")
    return None if text is None else list(json.loads(text))


def _joined(several: list[Brought]) -> Brought:
    if not several:
        return Brought(known=False)
    versions = {one.python for one in several}
    return Brought(
        frozenset().union(*(one.packages for one in several)),
        frozenset().union(*(one.modules for one in several)),
        all(one.whole for one in several),
        versions.pop() if len(versions) == 1 else None,
        known=all(one.known for one in several),
    )


def _minor(version: str) -> tuple[int, int] | None:
    parts = version.split(".")
    return (int(parts[0]), int(parts[1])) if len(parts) > 1 and parts[0].isdigit() and parts[1].isdigit() else None
