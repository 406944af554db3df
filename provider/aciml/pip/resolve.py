"""Resolve the ``pip:`` section of conda.yml to wheels for the image's platform, with uv."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from packaging.pylock import Package, Pylock
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import canonicalize_name, parse_wheel_filename

from ..core.errors import OutageError, UserError
from ..core.pip_package import PipPackage
from ..core.progress import Progress
from ..settings import Settings
from .accounts import Account, accounts_of, clean_url, realm_of
from .from_source import SourceWheels
from .hashes import ADVICE, hash_fault, hashes_asked
from .indexes import FIRST, indexes_of, stranger
from .lines import Line, read_lines
from .named_file import named_file, sha256_of
from .provided import asked_with_extras, constraints, distributions
from .sdist import Asked, distribution_of
from .source import AS_WHEEL
from .sourced import index_options, with_wheels
from .unresolved import explained
from .uv import NoWheelError, described, mentions, no_wheel, run_uv, without_files

_OLDEST_GLIBC = 5  # manylinux1 is glibc 2.5; older wheels do not exist
_UV_GLIBC = (17, 28, *range(31, 41))  # what --python-platform takes as x86_64-manylinux_2_N; uv 0.13.8
_MUSL = "musl "
_STUBS = "conda-stubs"  # folder in the cache


def resolve(
    requirements: tuple[str, ...],
    *,
    conda: Mapping[str, str],
    python_version: str,
    glibc: str,
    folder: Path,
    settings: Settings,
    progress: Progress,
    pinned: Mapping[str, str] | None = None,
    exclude_newer: str = "",
    index_strategy: str = FIRST,
    places: Sequence[str] = (),
) -> tuple[PipPackage, ...]:
    """Return the wheels that satisfy the requirements, sorted by name.

    Args:
        requirements: lines of the ``pip:`` section: requirements and options such as ``--index-url`` or ``-r file``.
        conda: distributions that conda brings, name to version; they are kept, and not installed again.
        python_version: of the environment, such as ``3.11.9``; ``3.11`` stands for the first 3.11.
        glibc: of the base image, such as ``2.36``; newer wheels are not taken. ``musl 1.2`` for an image that has musl.
        folder: where conda.yml is; paths are relative to it.
        settings: for the certificate bundle and the cache.
        progress: asked whether to stop.
        pinned: name to version of what was chosen before and has to be found again.
        exclude_newer: wheels newer than this time (RFC 3339) do not exist.
        index_strategy: which of several indexes a package comes from, in uv's words.
        places: ``path:line`` of each requirement, for messages; fewer, or none, if nobody knows.

    Raises:
        UserError: nothing satisfies them, or a package has no wheel, or none with a hash that the lines ask for.
        OutageError: the index does not answer.
    """
    progress.checkpoint()
    lines = read_lines(requirements, folder, places)
    tags, hashes = _tags(python_version, glibc), hashes_asked(line.text for line in lines)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name).resolve()
        sources = SourceWheels(settings, progress, index_options(lines, folder))
        text = with_wheels(requirements, lines, folder, sources)
        (work / "pip.in").write_text("\n".join(text) + "\n", encoding="utf-8")
        (work / "built.txt").write_text("", encoding="utf-8")
        # versions of before as constraints: newer ones that the index has by now do not count
        (work / "pinned.txt").write_text("".join(f"{one}=={version}\n" for one, version in (pinned or {}).items()))
        arguments = _arguments(work, python_version, glibc)
        arguments += ["--exclude-newer", exclude_newer] if exclude_newer else []
        arguments += ["--index-strategy", index_strategy]
        accounts = accounts_of((line.text for line in lines), os.environ)
        asked = Asked(lines, dict(pinned or {}), arguments, accounts)
        with _seeing_strangers(lines, settings):
            _lock_with_sources(asked, sources, distributions(conda), work, folder)
        lock = work / "pylock.toml"
        locked = Pylock.from_dict(tomllib.loads(lock.read_text(encoding="utf-8")))
        wanted = _Wanted(tags, hashes)
        packages = [_package(package, wanted, lock, accounts) for package in locked.packages]
    return tuple(sorted(packages, key=lambda package: package.name))


@contextmanager
def _seeing_strangers(lines: Sequence[Line], settings: Settings) -> Iterator[None]:
    """Say that no index has answered but a web page, before somebody looks for a fault in the lines.

    Raises:
        OutageError: it is so.
    """
    try:
        yield
    except UserError as error:
        name = without_files(error.message)
        asked = indexes_of((line.text for line in lines), os.environ) if name else []
        if not (url := stranger(name, asked, settings) if asked else ""):
            # with its line, where it is known what is wrong with it
            if (told := explained(error, lines, settings)) is not error:
                raise told from error
            if where := ", ".join(dict.fromkeys(line.place for line in lines if line.place and _named(line, error))):
                raise UserError(f"{where}: {error.message}", error.advice) from error
            raise
        why = f"{url} is no package index: it answers with a web page to any name, as to {name}"
        advice = "look whether this network wants a login or has a proxy (HTTPS_PROXY), and at the index's address"
        raise OutageError(why, advice) from error


def _named(line: Line, error: UserError) -> bool:
    """Tell whether uv's reason names the package of a line."""
    # options begin with a hyphen, and have no name
    found = re.match(r"[A-Za-z0-9][\w.-]*", line.text)
    return found is not None and mentions(error.message, canonicalize_name(found[0]))


_MOST_SOURCES = 30  # packages of an index that are built in one section; each asks for the solution once more


def _lock_with_sources(asked: Asked, sources: SourceWheels, provided: dict[str, str], work: Path, folder: Path) -> None:
    """Write ``pylock.toml``; a package without a wheel is built, and the question asked again with what came of it."""
    built: dict[str, Path] = {}
    while True:
        try:
            _lock(asked.arguments, provided, work, folder, sources.settings, sources.progress)
        except NoWheelError as error:
            name = canonicalize_name(error.name)
            if name in built or len(built) >= _MOST_SOURCES:
                raise
            package = distribution_of(name, asked, work, folder, sources)
            if package is None:
                raise
            built[name] = sources.make_of_index(package)
            text = "".join(f"{one} @ {wheel.as_uri()}\n" for one, wheel in built.items())
            (work / "built.txt").write_text(text, encoding="utf-8")
        else:
            return


def _lock(
    arguments: list[str], provided: dict[str, str], work: Path, folder: Path, settings: Settings, progress: Progress
) -> None:
    """Write ``pylock.toml``; again, if it turns out that something of conda is asked for with extras."""
    # they take part in the solution, and conda has installed them
    omitted = [part for name in provided for part in ("--no-emit-package", name)]
    exact: set[str] = set()
    while True:
        text = constraints(provided, exact, settings.cache / _STUBS)
        (work / "conda.txt").write_text(text, encoding="utf-8")
        said = run_uv(
            [*arguments, *omitted],
            lines=work / "pip.in",
            folder=folder,
            settings=settings,
            progress=progress,
            provided=described(provided),
        )
        # ends, since `exact` grows and has no more names than conda brings
        found = asked_with_extras(said) & provided.keys()
        if found <= exact:
            return
        exact |= found


def _arguments(work: Path, python_version: str, glibc: str) -> list[str]:
    return [
        # no header: it would have the command, with paths of this machine
        "--output-file", f"{work}/pylock.toml", "--format", "pylock.toml", "--no-header",
        # only wheels: to build a source distribution is to run code of its makers on this machine
        "--constraint", f"{work}/conda.txt", "--constraint", f"{work}/pinned.txt",
        "--constraint", f"{work}/built.txt", "--only-binary", ":all:",
        "--python-version", python_version, "--python-platform", _platform(glibc), "--python", sys.executable,
    ]  # fmt: skip


def _platform(glibc: str) -> str:
    """Return the newest platform that uv knows and the image has; ``_tags`` is exact afterwards."""
    if glibc.startswith(_MUSL):
        return "x86_64-unknown-linux-musl"
    major, minor = _numbers(glibc)
    fitting = [level for level in _UV_GLIBC if (2, level) <= (major, minor)]
    if not fitting:
        raise UserError(
            f"pip: the base image has glibc {glibc}, and wheels for one older than 2.17 are not made any more",
            "take a newer base image, or take the packages from conda",
        )
    return f"x86_64-manylinux_2_{max(fitting)}"


def _numbers(version: str) -> tuple[int, int]:
    major, minor = version.split(".")[:2]
    return int(major), int(minor)


def _tags(python_version: str, glibc: str) -> dict[Tag, int]:
    """Return the image's tags, best first, with their rank."""
    platforms = _musl_platforms(glibc) if glibc.startswith(_MUSL) else _glibc_platforms(glibc)
    version = _numbers(python_version)
    tags = [*cpython_tags(version, platforms=platforms), *compatible_tags(version, platforms=platforms)]
    tags += compatible_tags(version, interpreter=f"cp{version[0]}{version[1]}", platforms=platforms)
    return {tag: rank for rank, tag in reversed(list(enumerate(tags)))}


def _musl_platforms(musl: str) -> list[str]:
    # PEP 656: a wheel for an older musl runs on a newer one
    major, minor = _numbers(musl.removeprefix(_MUSL))
    return [*(f"musllinux_{major}_{level}_x86_64" for level in range(minor, -1, -1)), "linux_x86_64"]


def _glibc_platforms(glibc: str) -> list[str]:
    major, minor = _numbers(glibc)
    # three levels have names of their own (PEP 600, "Legacy manylinux tags")
    old = {17: "manylinux2014_x86_64", 12: "manylinux2010_x86_64", 5: "manylinux1_x86_64"}
    platforms = []
    for level in range(minor, _OLDEST_GLIBC - 1, -1):
        platforms += [f"manylinux_{major}_{level}_x86_64", *([old[level]] if level in old else [])]
    # a wheel that names no level is the user's own: indexes take none (PEP 513)
    platforms.append("linux_x86_64")
    return platforms


@dataclass(frozen=True)
class _Wanted:
    """What a file has to be: tags with their rank, and the sha256 that may be, by package."""

    tags: Mapping[Tag, int]
    hashes: Mapping[str, frozenset[str]]


def _package(package: Package, wanted: _Wanted, lock: Path, accounts: Mapping[str, Account]) -> PipPackage:
    files = [named_file(wheel.filename, wheel, lock) for wheel in package.wheels or ()]
    if package.archive:
        files.append(named_file("", package.archive, lock))
    elif not files and not package.sdist:
        raise UserError(f"pip: {package.name} is a folder that has to be built, and nothing is built here", AS_WHEEL)
    ranked = [(rank, file) for file in files if (rank := _rank(file.name, wanted.tags)) is not None]
    if not ranked:
        raise no_wheel(str(package.name))
    if asked := wanted.hashes.get(str(package.name)):
        fitting = [pair for pair in ranked if sha256_of(pair[1]) in asked]
        if not fitting:
            found = [(file.name, sha256_of(file)) for _, file in sorted(ranked, key=lambda pair: pair[0])]
            raise UserError(hash_fault(str(package.name), asked, found), ADVICE)
        ranked = fitting
    file = min(ranked, key=lambda pair: pair[0])[1]
    version = str(package.version or parse_wheel_filename(file.name)[1])
    url = clean_url(file.url)
    account = accounts.get(realm_of(url))
    return PipPackage(str(package.name), version, file.name, sha256_of(file), url, file.size, account)


def _rank(file_name: str, tags: Mapping[Tag, int]) -> int | None:
    if not file_name.endswith(".whl"):
        return None
    return min((tags[tag] for tag in parse_wheel_filename(file_name)[3] if tag in tags), default=None)
