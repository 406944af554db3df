"""An image that brings its own Python: which one serves is pinned, with what the scoring server needs for it.

Where no file of packages is given the image has all that the script needs, as with v1's ``userManagedDependencies``.
Its packages are left alone: what the server needs is put beside the server, and found last (decisions/own-python.md).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import Finding, OutageError, UserError
from ...core.image import Image, canonical_json, sha256_digest
from ...core.interpreter import OLDEST_PYTHON, Interpreter, Search, looked_in
from ...core.pip_package import PIP, PipPackage
from ...core.progress import Progress
from ...core.reference import Reference
from ...model.environment import FILES, Environment, Packages
from ...pip.pinned_line import bare_package
from ..remote.base import NotKnownYet, base_images
from ..server_needs import OWN_LINES, needs_of, own_lines_key
from ..tools import Tools
from .base import BaseError, pinned_reference, recent
from .sources import Sources

# what looks into images and asks indexes is imported where that is done: most environments bring a Python
if TYPE_CHECKING:
    from ...core.recipe import OwnPython, Recipe
    from ...registry.client import RegistryClient

_INSTALL = "install one in a step (RUN apt-get update && apt-get install -y python3)"
_OFF = "set serverRequirements to false if the image is not for serving"
# root's home is 0700 in most images, and a service runs as somebody else
_ROOTS = "/root/"


def judge_own(asked: Packages) -> Iterator[Finding]:
    """Report an interpreter that is named beside a file of packages, which brings a Python, or in no way that leads."""
    path = asked.interpreter_path
    # nothing is said: the search takes what the image itself calls python
    if path is None:
        return
    # conda and requirements bring a Python of their own, which would stand beside it
    if asked.files:
        given = asked.at(next(iter(asked.files)))
        why = f"interpreterPath is the image's own Python, and {given} brings another one; give one of them"
        advice = "packages for the image's own Python are installed in a step (RUN python3 -m pip install ...)"
        yield asked.finding("interpreter_path", f"{why}; {advice}")
    # a bare name is looked for on the image's PATH; anything between is neither
    if not path.startswith("/") and ("/" in path or not path):
        why = f'"{path}" is no path from the root of the image; write one such as /opt/venv/bin/python'
        yield asked.finding("interpreter_path", why)


def is_own(now: Environment, sources: Sources) -> bool:
    """Tell whether the image's own Python is to serve."""
    asked = now.packages
    # a Python of packages serves then; of files that are not known yet it may still come
    if sources.conda is not None or asked.files or asked.is_unsure(*FILES):
        return False
    return asked.server_requirements or asked.interpreter_path is not None


def pin_own(tools: Tools, before: Environment, now: Environment, sources: Sources, progress: Progress) -> Environment:
    """Return the environment with its own Python pinned, and the wheels of the server for it.

    What steps or a Dockerfile make of a base nobody knows before they ran: then the built image is asked, each time.

    Raises:
        BaseError: there is no such Python in the base, or none that the server runs on.
        OutageError: a registry or the index does not answer.
    """
    if not is_own(now, sources) or _is_as_made(before, now):
        return now
    # without needs the image's own Python has all, and no lock has to be made
    wanted = {"server": list(needs_of(now.packages))}
    pins = now.pins.but(dependencies=wanted if wanted["server"] else None)
    # what is unsure now may decide that there is no own Python at all
    if now.packages.is_unsure("interpreter_path", "server_requirements") or _is_open(now):
        waits = frozenset({"python", "server_lock"})
        return now.but(pins=pins.but(unsure=pins.unsure | waits))
    # steps may install one, so the base says nothing yet
    if now.base.has_dockerfile or sources.steps:
        return now.but(pins=pins)
    # nobody is asked for what did not change: a preview works offline, and an index that has newer wheels changes
    # nothing
    if _is_kept(before, now) and before.pins.dependencies == pins.dependencies:
        return now.but(pins=pins.but(python=before.pins.python, server_lock=before.pins.server_lock))
    try:
        found = _python_of_base(tools, now, progress)
    # the registry that has the base is still to be made
    except NotKnownYet:
        return now.but(pins=pins.but(unsure=pins.unsure | {"python", "server_lock"}))
    except UserError as error:
        where = "interpreter_path" if now.packages.interpreter_path else ""
        raise BaseError(error, now.packages.at(where) if where else now.base.at("base_image")) from error
    lines = tuple(_lines(tools, now, found, progress)) if wanted["server"] else ()
    return now.but(pins=pins.but(python=found.facts(), server_lock=lines or None))


def settled(
    tools: Tools,
    recipe: Recipe,
    own: OwnPython,
    client: RegistryClient,
    image: Image,
    reference: Reference,
    progress: Progress,
) -> OwnPython:
    """Return the own Python with all that is known once the image below it is there: its place, and the wheels.

    Args:
        tools: of this machine.
        recipe: of the environment.
        own: as it was pinned.
        client: of the registry that has the image.
        image: what base and steps made.
        reference: where it is.
        progress: told what is looked for.

    Raises:
        UserError: there is no such Python in it.
        OutageError: the registry or the index does not answer.
    """
    # pinned from the base alone, or found in what steps have made
    if own.found is None:
        from ..remote.interpreter import python_of

        search = python_of(tools, client, image, reference, own.asked, progress)
        found = chosen(search, own.asked, "the image that the steps made", progress)
        own = replace(own, found=_with_libc(found, own.libc))
    if own.needs and not own.wheels and own.found:
        # on this machine, and where its registry tells it
        key = own_lines_key(recipe, own)
        told = tools.catalog.get_fact(OWN_LINES, key)
        lines = json.loads(told) if told else [line_of(one) for one in resolved(tools, own.needs, own.found, progress)]
        # kept even if it was known: the image's repository is what another machine asks
        tools.catalog.put_fact(OWN_LINES, key, json.dumps(lines))
        # without their places: those are asked for where the wheels are fetched, and are no part of what the layer is
        own = replace(own, wheels=tuple(bare_package(line) for line in lines))
    return own


def with_places(tools: Tools, own: OwnPython, progress: Progress) -> tuple[PipPackage, ...]:
    """Return the wheels with where to get them: from this machine's catalog, else asked of the index again.

    Raises:
        UserError: the index has other files by now.
        OutageError: it does not answer.
    """
    from ...pip.known import recall
    from ...pip.sizes import with_sizes

    hashes = [one.sha256 for one in own.wheels]
    known = recall(tools.catalog, hashes, (), Path())
    if known is None and own.found:
        # the same versions give the same files, unless the index has changed what a version is
        versions = {one.name: one.version for one in own.wheels}
        # by the versions of the pins: an index that has newer ones must not change anything
        again = {one.sha256: one for one in resolved(tools, own.needs, own.found, progress, versions)}
        if lost := [one.file_name for one in own.wheels if one.sha256 not in again]:
            raise UserError(f"{lost[0]} is pinned, but the index now answers with other files", _OFF)
        # in the order of the pins: it decides on the order of layers
        known = tuple(again[one] for one in hashes)
    return with_sizes(known or (), tools.catalog, tools.settings, progress)


def resolved(
    tools: Tools,
    needs: Sequence[str],
    found: Interpreter,
    progress: Progress,
    pinned: dict[str, str] | None = None,
    *,
    exclude_newer: str = "",
    index_strategy: str = "",
) -> tuple[PipPackage, ...]:
    """Return the wheels that the server needs for a Python.

    Raises:
        UserError: there are none for it.
        OutageError: the index does not answer.
    """
    from ...pip.indexes import FIRST
    from ...pip.known import remember
    from ...pip.resolve import resolve

    progress.say(f"looking for what the scoring server needs for Python {found.version}")
    try:
        packages = resolve(
            tuple(needs),
            # no conda packages: whatever is in the image stays as it is
            conda={},
            python_version=found.version,
            glibc=found.libc,
            folder=Path(),
            settings=tools.settings,
            progress=progress,
            pinned=pinned,
            exclude_newer=exclude_newer,
            index_strategy=index_strategy or FIRST,
        )
    except OutageError as error:
        why = f"{error.message}; it is asked because the scoring server needs {_listed(needs)} for {found.path}"
        # the same kind of outage: who catches one looks at its status
        raise type(error)(why, f"{error.advice}; or bring them in a step, and {_OFF}") from error
    except UserError as error:
        why = f"what the scoring server needs ({_listed(needs)}) cannot be had for {found.path}, Python {found.version}"
        raise UserError(
            f"{why}: {error.message}", f"take another Python, or bring them in a step, and {_OFF}"
        ) from error
    # where each wheel lies, so that it is not asked again when it is fetched
    remember(tools.catalog, packages)
    return packages


def line_of(package: PipPackage) -> str:
    """Return a wheel as a line of a lock."""
    # in pip's own form of a hash in a URL, as the lock of conda packages has one
    return f"{PIP}{package.file_name}#sha256:{package.sha256}"


def chosen(search: Search, asked: str, image: str, progress: Progress) -> Interpreter:
    """Return the Python that a search found, if the server runs on it.

    Raises:
        UserError: there is none, or it is too old or of another kind; it says what was looked for and where.
    """
    found = search.chosen
    if found is None:
        raise UserError(*_absent(search, asked, image))
    # the image may have several: what it says by itself is too old, and another one would do
    others = [one for one in search.found if one.is_new_enough and one.version and one.kind == "python"]
    named = f"; {others[0].path} is Python {others[0].version}: name it by interpreterPath" if others else ""
    if not found.version:
        advice = f"give interpreterPath with the version in its name, such as /usr/bin/python3.11{named}"
        raise UserError(f"the version of {found.path} in {image} cannot be told from its files", advice)
    if not found.is_new_enough:
        why = (
            f"{found.path} in {image} is Python {found.version}, but the scoring server needs {OLDEST_PYTHON} or newer"
        )
        raise UserError(why, f"take a base with a newer one, or install one in a step{named}, or {_OFF}")
    # no wheel of httptools for PyPy or free-threaded builds (PyPI, httptools, "Download files")
    if found.kind != "python" or found.free:
        what = "PyPy" if found.kind == "pypy" else "a free-threaded Python"
        why = f"{found.path} in {image} is {what} {found.version}, for which there is no HTTP parser of the server"
        raise UserError(why, f"take a base with a usual CPython{named}, or {_OFF}")
    if found.path.startswith(_ROOTS):
        progress.warn(
            f"{found.path} lies in the home of root, where nobody else may look: a service with it has to say "
            "runAsRoot: true, or a step has to open the folder (RUN chmod o+x /root)"
        )
    return found


def _absent(search: Search, asked: str, image: str) -> tuple[str, str]:
    old = [f"{one.path} is Python {one.version}" for one in search.found]
    if asked.startswith("/"):
        return f"{asked} is no program in {image}", f"correct interpreterPath, leave it out, or {_INSTALL}"
    what = asked or "python3 or python"
    met = f" ({', '.join(old)})" if old else ""
    why = f"no {what} is in {image}{met}: looked in {looked_in(search.looked)}"
    return why, f"name it by interpreterPath, {_INSTALL}, give a condaFile, or {_OFF}"


def _is_as_made(before: Environment, now: Environment) -> bool:
    """Tell whether it is an environment of a release that left the image's own Python alone, and nothing changed.

    Such an image stays as it is until something else changes: state is a promise (decisions/upgrades.md).
    """
    made, is_same = before.pins, _is_kept(before, now)
    silent = made.dependencies is None and made.python is None and before.packages.interpreter_path is None
    return bool(made.base) and silent and is_same and before.packages.server_requirements


def _is_kept(before: Environment, now: Environment) -> bool:
    """Tell whether all that decides about the Python is as it was."""
    was, pins = before.pins, now.pins
    # without a base there was no update before
    if not was.base or (was.base, was.steps_key or "") != (pins.base, pins.steps_key or ""):
        return False
    is_same = before.packages.interpreter_path == now.packages.interpreter_path
    # "refresh" asks for everything again, whatever is pinned
    return is_same and now.packages.lock_mode != "refresh"


def _is_open(now: Environment) -> bool:
    return now.pins.is_unsure("base_digest", "base_key", "steps_key") or now.base.is_account_unsure


def _python_of_base(tools: Tools, now: Environment, progress: Progress) -> Interpreter:
    from ..remote.interpreter import python_of

    reference = pinned_reference(now)
    if reference is None:
        raise NotKnownYet("the base")
    image = base_images(tools, now.base).image(reference)
    # by the account of the base, which may be private
    client = tools.base_client(reference.registry)
    asked = now.packages.interpreter_path or ""
    search = python_of(tools, client, image, reference, asked, progress)
    return _with_libc(chosen(search, asked, now.base.base_image or "", progress), now.base.glibc or "")


def _with_libc(found: Interpreter, said: str) -> Interpreter:
    # musl and glibc need other wheels, and a static Python has neither beside it
    if not said and not found.libc:
        raise UserError(f"no C library is found beside {found.path}", "set glibc, such as glibc: '2.36'")
    return replace(found, libc=said) if said else found


def _lines(tools: Tools, now: Environment, found: Interpreter, progress: Progress) -> list[str]:
    from ...pip.indexes import BEST, FIRST

    needs, limits = needs_of(now.packages), now.limits
    # "2026-01-01": the whole of that day counts, in UTC
    cutoff = limits.cutoff()
    newest = cutoff.isoformat().replace("+00:00", "Z") if cutoff else ""
    strategy = BEST if limits.index_strategy == BEST else FIRST
    # all that decides on the answer; a changed word asks anew
    key = sha256_digest(canonical_json([found.facts(), list(needs), newest, strategy]))

    def ask() -> str:
        wheels = resolved(tools, needs, found, progress, exclude_newer=newest, index_strategy=strategy)
        return json.dumps([line_of(one) for one in wheels])

    # the preview and the update after it must agree
    return list(json.loads(recent(tools, "own-needs", key, ask)))


def _listed(lines: Sequence[str]) -> str:
    return ", ".join(line.partition(";")[0].strip() for line in lines)
