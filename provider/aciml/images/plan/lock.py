"""The lock file of an environment: where it is, what it says, whether it is what the files ask for, how it is written.

Modes (``lockMode``): ``auto`` takes a lock file that satisfies what is asked for, and solves without one; ``frozen``
takes it or fails; ``refresh`` passes over it. Only the command ``aciml lock`` writes it.
"""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from ...core.conda_lock import CondaLock
from ...core.condafile import CondaFile
from ...core.errors import UserError
from ...core.interpreter import OLDEST, OLDEST_PYTHON
from ...core.lean import lean
from ...core.limits import Limits
from ...core.pip_package import PIP, PipPackage
from ...core.progress import Progress, Silent
from ...model.declared import wires_of
from ...model.environment import Packages, Pins
from ...pip.hashes import hash_faults, hashes_asked
from ...pip.lines import asked_for, places_of, read_lines
from ...pip.pinned_line import bare_package
from ..server_needs import SEARCH, said_of_server
from ..tools import Tools
from .sources import NEWEST_PYTHON, Sources

# what reads and writes lock files, solves and resolves is imported where that is done: an environment without a lock
# file whose packages are pinned needs none of it, and each preview would wait for it
if TYPE_CHECKING:
    from ...conda.lockfile import ReadLock
    from ...core.lockfile import LockedWheel
    from ...core.phases import Phases, Span

NAME_IT = "name the file: packages: {lock_file: environment.lock}, and write it: aciml lock"
"""What to do where no file of packages says where its lock is."""


class LockError(UserError):
    """The lock file is at fault; ``where`` is its property path."""

    # the property, also where the file is found by the name of conda.yml
    (where,) = wires_of(Packages, "lock_file")


@lean(frozen=True)
class Locked:
    """All package files of an environment."""

    conda: CondaLock
    pip: tuple[PipPackage, ...] = ()
    took: str = ""
    """How long it took to find them."""
    spans: tuple[Span, ...] = ()
    """The same, for the picture of a build."""

    def pins(self) -> Pins:
        """Return ``packages``, ``pip_packages`` and ``lock``."""
        wheels = [f"{PIP}{package.file_name}#sha256:{package.sha256}" for package in self.pip]
        named = {package.name: package.version for package in self.pip}
        return Pins(packages=self.conda.shown(), pip_packages=named or None, lock=(*self.conda.lines(), *wheels))


def lock_path(asked: Packages) -> Path | None:
    """Return where the lock file is, if there may be one: beside conda.yml, with the ending ``.lock``.

    A text lies beside nothing: for it the file has to be named.
    """
    if asked.lock_file:
        return Path(asked.lock_file).expanduser()
    return next((Path(path).with_suffix(".lock") for name, path in asked.files.items() if name != "conda_text"), None)


def locked_bases(asked: Packages) -> dict[str, str]:
    """Return the digests of base images that count: those of the lock file, unless the mode passes over it."""
    path = lock_path(asked)
    if path is None or asked.lock_mode == "refresh" or not path.exists():
        return {}
    from ...core.lockfile import bases_in

    try:
        return bases_in(path.read_text(encoding="utf-8"))
    # no lock, or one that cannot be read
    except (OSError, UnicodeDecodeError):
        return {}  # what is wrong with the file is told of its packages


def base_faults(locked: Mapping[str, str], texts: Iterable[str]) -> list[str]:
    """Tell which base images a lock does not name; nothing of one that names none, as those of older versions."""
    return [f"the base image {text} is not locked" for text in texts if locked and text not in locked]


def see_that_lock_is_there(asked: Packages) -> None:
    """See that there is a lock where one has to be, also of an environment without packages, whose base it names.

    Raises:
        LockError: there is none.
    """
    path = lock_path(asked)
    if path is None:
        if asked.lock_mode == "frozen":
            raise LockError("a frozen environment without packages needs a lock of its base", NAME_IT)
        return
    if not path.is_file() and asked.lock_mode != "refresh" and (asked.lock_mode == "frozen" or asked.lock_file):
        raise LockError(f"{path} does not exist", "write it: aciml lock (and commit it)")


def locked_by_file(
    tools: Tools, asked: Packages, sources: Sources, limits: Limits, progress: Progress
) -> Locked | None:
    """Return what the lock file says if the mode lets it count; None means: solve.

    Raises:
        LockError: the mode is frozen, and the lock file is missing or not what is asked for; all that is wrong.
    """
    mode, path = asked.lock_mode or "auto", lock_path(asked)
    if mode == "refresh" or path is None or sources.conda is None:
        return None
    see_that_lock_is_there(asked)
    if not path.is_file():
        return None
    from ...conda.lockfile import read_lock_file

    try:
        read = read_lock_file(path)
        faults = lock_faults(tools, read, sources, limits)
    except UserError as error:
        raise LockError(error.message, error.advice) from error
    # a build that has to repeat what was reviewed solves nothing by itself
    if faults and mode == "frozen":
        raise LockError(f"{path} is not what the files ask for: {'; '.join(faults)}", "write it again: aciml lock")
    if faults:
        progress.warn(f"{path} is passed over, it is not what the files ask for: {'; '.join(faults)}")
        return None
    return _taken(tools, read, path)


def lock_faults(tools: Tools, read: ReadLock, sources: Sources, limits: Limits) -> list[str]:
    """Tell in what a lock is not what the files ask for; nothing if it is."""
    if sources.conda is None:
        return []
    from ...conda.lockfile import unmet
    from ...core.lockfile import pip_key
    from ...pip.provided import distributions
    from ...pip.satisfied import unsatisfied

    faults = unmet(read.conda, sources.conda, limits, tools.settings)
    faults += hash_faults([_package(wheel, Path(), tools) for wheel in read.wheels], hashes_of(sources))
    asked, lines = all_asked(sources, read.conda), lines_for(sources, read.conda)
    if not asked:
        return faults + [f"pip package {wheel.name} is locked, but nothing asks for it" for wheel in read.wheels]
    # the key is of the lines as they were locked: equal lines need no resolver to be believed
    if read.pip_key == pip_key(asked):
        return faults
    have = distributions(provided_by(read.conda)) | {canonicalize_name(one.name): one.version for one in read.wheels}
    found = unsatisfied(lines, sources.folder, have, read.conda.python_version)
    # versions that fit say little: which wheels a changed section
    # needs beside them only the index knows (decisions/lock-file.md)
    if not found and read.pip_key:
        found = ["the pip section is not the one that was locked"]
    return faults + found


def hashes_of(sources: Sources) -> dict[str, frozenset[str]]:
    """Return the hashes that the pip section asks for, by package.

    Raises:
        UserError: a file that the lines name is missing, or a hash is of another kind than sha256.
    """
    asked = sources.conda.pip if sources.conda else ()
    return hashes_asked(line.text for line in read_lines(asked, sources.folder))


def unmet_hashes(sources: Sources, lines: Iterable[str]) -> list[str]:
    """Name the wheels among pinned lines that are not among the files that the pip section asks for by hash."""
    return hash_faults([bare_package(line) for line in lines if line.startswith(PIP)], hashes_of(sources))


def solve_anew(tools: Tools, sources: Sources, limits: Limits, progress: Progress) -> Locked:
    """Ask channels and index.

    Raises:
        UserError: nothing satisfies the files.
        OutageError: a channel or the index does not answer.
    """
    if sources.conda is None:
        return Locked(CondaLock(()))
    from ...core.phases import Phases

    progress.say("solving the conda environment")
    phases = Phases(time.monotonic)
    first: UserError | None = None
    while True:
        try:
            conda = _solve_conda(tools, sources, limits, progress, phases)
        except UserError as error:
            # of all Pythons that were tried, what the newest lacks is told
            raise (first or error) from error
        try:
            pip = _solve_pip(tools, sources, conda, limits, progress, phases)
        except UserError as error:
            first = first or error
            older = _on_older_python(sources, conda) if _is_of_python(error) else None
            if older is None:
                raise first from error
            sources = older
        else:
            return Locked(conda, pip, phases.line(), phases.spans())


def _solve_conda(tools: Tools, sources: Sources, limits: Limits, progress: Progress, phases: Phases) -> CondaLock:
    from ...conda.explicit import find_exact
    from ...conda.solve import solve

    file = sources.conda or CondaFile((), ())
    with phases.timed("solving"):
        # an explicit file names files, not wishes: nothing is left to solve
        if file.exact:
            return find_exact(file, settings=tools.settings, progress=progress)
        return solve(file, settings=tools.settings, progress=progress, limits=limits)


def _solve_pip(
    tools: Tools, sources: Sources, conda: CondaLock, limits: Limits, progress: Progress, phases: Phases
) -> tuple[PipPackage, ...]:
    if not lines_for(sources, conda):
        return ()
    from ...pip.indexes import ask_indexes

    with phases.timed("resolving pip packages"):
        pip = resolve_pip(tools, sources, conda, limits, progress)
        lines = [line.text for line in read_lines(lines_for(sources, conda), sources.folder)]
        ask_indexes(lines, pip, limits.index_strategy, tools.settings, progress)
    return pip


def _on_older_python(sources: Sources, conda: CondaLock) -> Sources | None:
    """Return the same on a Python before the one of this solution; None if the user names one, or none is older.

    Channels have a new Python months before the wheels of many packages are there: the newest that the rest allows is
    what the index has wheels for, too.
    """
    file, minor = sources.conda, conda.python_version.split(".")[:2]
    if file is None or file.has_python or conda.python_version == "" or tuple(map(int, minor)) <= OLDEST:
        return None
    specs = tuple(f"{NEWEST_PYTHON},<{'.'.join(minor)}" if _is_newest(spec) else spec for spec in file.specs)
    return replace(sources, conda=replace(file, specs=specs))


def _is_newest(spec: str) -> bool:
    return spec.startswith(NEWEST_PYTHON)


def _is_of_python(error: UserError) -> bool:
    """Tell whether another Python may help: a wheel is missing, or uv names what a package requires of Python."""
    from ...pip.uv import NoWheelError

    return isinstance(error, NoWheelError) or bool(re.search(r"\bPython\b|\bwheels?\b|\bcp3\d", str(error)))


def resolve_pip(
    tools: Tools,
    sources: Sources,
    lock: CondaLock,
    limits: Limits,
    progress: Progress,
    pinned: dict[str, str] | None = None,
) -> tuple[PipPackage, ...]:
    """Resolve the pip section, and what the server needs, on top of conda packages.

    ``pinned`` has versions that must be found again.

    Raises:
        UserError: nothing satisfies it all.
        OutageError: the index does not answer.
    """
    from ...pip.indexes import BEST, FIRST
    from ...pip.known import remember
    from ...pip.resolve import resolve

    progress.say("resolving the pip section" if sources.conda and sources.conda.pip else SEARCH)
    cutoff = limits.cutoff()
    with said_of_server(sources.server, has_pip=bool(sources.conda and sources.conda.pip)):
        found = resolve(
            lines_for(sources, lock),
            conda=provided_by(lock),
            python_version=lock.python_version,
            glibc=limits.facts()["__glibc"][0],
            folder=sources.folder,
            settings=tools.settings,
            progress=progress,
            pinned=pinned,
            exclude_newer=cutoff.isoformat().replace("+00:00", "Z") if cutoff else "",
            index_strategy=BEST if limits.index_strategy == BEST else FIRST,
            places=places_of(sources.conda) if sources.conda else (),
        )
    remember(tools.catalog, found)
    return found


def provided_by(lock: CondaLock) -> dict[str, str]:
    """Return the Python distributions that conda brings, by the names of their packages."""
    python = {"python", "python_abi"}
    # conda does not say what is in site-packages; what needs Python is what may be there
    return {
        package.name: package.version
        for package in lock.packages
        if package.name not in python and any(need.split(" ")[0] in python for need in package.depends)
    }


def lock_text(
    tools: Tools, locked: Locked, sources: Sources, limits: Limits, path: Path, bases: Mapping[str, str]
) -> str:
    """Return the text of the lock file at ``path``; ``bases`` are digests by reference.

    Wheels that were built here are put beside it, for machines that build them to other bytes or not at all.
    """
    from ...conda.lockfile import channel_urls, conda_records, virtual_lines
    from ...core.lockfile import LockContent, write_lock
    from ...pip.sizes import with_sizes

    file = sources.conda or CondaFile((), ())
    # pixi's and uv's own word for it
    cutoff = {"exclude-newer": limits.exclude_newer} if limits.exclude_newer else {}
    # so that a machine that has only the lock asks nobody
    wheels = with_sizes(locked.pip, tools.catalog, tools.settings, Silent())
    return write_lock(
        LockContent(
            channel_urls(file),
            virtual_lines(limits),
            conda_records(locked.conda),
            tuple(_wheel(package, path, tools) for package in wheels),
            tuple(all_asked(sources, locked.conda)),
            {"channel-priority": "strict", **cutoff},
            bases,
        )
    )


def _wheel(package: PipPackage, path: Path, tools: Tools) -> LockedWheel:
    from ...core.lockfile import LockedWheel
    from ...pip.mirrors import official_url

    parts = urlsplit(package.url)
    place = official_url(package.url, tools.settings)
    if parts.scheme == "file":
        file = Path(unquote(parts.path))
        if file.is_relative_to(tools.settings.cache.resolve()):
            # the cache is this machine's: a lock that is committed must not name it
            file = _kept_beside(file, path.resolve())
        place = _beside(file, path.resolve().parent)
    return LockedWheel(package.name, package.version, place, package.sha256, package.size)


def _kept_beside(wheel: Path, lock: Path) -> Path:
    """Copy a wheel of the cache into the folder ``conda.wheels`` beside ``conda.lock``, and return it there."""
    folder = lock.with_suffix(".wheels")
    kept = folder / wheel.name
    if not kept.is_file() or kept.read_bytes() != wheel.read_bytes():
        folder.mkdir(exist_ok=True)
        # moved in place when it is whole: a copy that is cut short would be taken for the wheel, and fail by its hash
        new = folder / f".new-{wheel.name}"
        shutil.copyfile(wheel, new)
        new.replace(kept)
    return kept


def _beside(wheel: Path, folder: Path) -> str:
    if not wheel.is_relative_to(folder):
        why = f"the wheel {wheel} is not below {folder}, so that the lock cannot name it for other machines"
        raise UserError(why, "put it beside conda.yml")
    return f"./{wheel.relative_to(folder).as_posix()}"


def _taken(tools: Tools, read: ReadLock, path: Path) -> Locked:
    """Let this machine know what the lock knows, so that nothing has to be asked for it."""
    from ...conda.records import RecordCache
    from ...pip.known import remember

    # so that a fresh machine with the lock asks no channel (goal G24)
    RecordCache(tools.settings).put(read.conda.packages)
    pip = tuple(sorted((_package(wheel, path, tools) for wheel in read.wheels), key=lambda one: one.name))
    remember(tools.catalog, pip)
    return Locked(read.conda, pip)


def _package(wheel: LockedWheel, path: Path, tools: Tools) -> PipPackage:
    from ...pip.mirrors import url_here

    place = wheel.place.partition("#")[0]
    url = url_here(place, tools.settings) if "://" in place else (path.resolve().parent / place).resolve().as_uri()
    return PipPackage(wheel.name, wheel.version, unquote(url.rpartition("/")[2]), wheel.sha256, url, wheel.size)


def lines_for(sources: Sources, lock: CondaLock) -> tuple[str, ...]:
    """Return all that pip has to bring on top of the conda packages.

    A Python that the server cannot run on is judged elsewhere; nothing is looked for in vain for it.
    """
    asked = sources.conda.pip if sources.conda else ()
    try:
        # the user is told of his Python; that the index has no wheel for it would only hide that
        fits = bool(lock.python_version) and Version(lock.python_version) >= Version(OLDEST_PYTHON)
    except InvalidVersion:
        fits = False
    return (*asked, *sources.server) if fits else asked


def all_asked(sources: Sources, lock: CondaLock) -> list[str]:
    """Return what has to change to resolve again; see ``asked_for``."""
    return asked_for(lines_for(sources, lock), sources.folder)


def difference(
    before: CondaLock, after: CondaLock, wheels: Iterable[LockedWheel], pip: Iterable[PipPackage]
) -> list[str]:
    """Return one line for each package that comes (+), goes (-) or changes (~)."""
    old = {**before.shown(), **{f"{PIP}{one.name}": one.version for one in wheels}}
    new = {**after.shown(), **{f"{PIP}{one.name}": one.version for one in pip}}
    marks = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            marks.append(f"+ {name} {new[name]}")
        elif name not in new:
            marks.append(f"- {name} {old[name]}")
        elif old[name] != new[name]:
            marks.append(f"~ {name} {old[name]} => {new[name]}")
    return marks
