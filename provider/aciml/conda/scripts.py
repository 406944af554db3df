"""Scripts that conda runs when it links a package: found before anything is linked, and written as Dockerfile steps.

They are a file of the package (conda, ``core/link.py``: ``bin/.<name>-post-link.sh`` and the old
``bin/.<name>-pre-link.sh``), which neither lock nor repodata tell; the list of a package's files can be had without
the rest of it. ``.<name>-pre-unlink.sh`` runs when a package is removed, which does not happen in an image.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..blobs.catalog import AnyCatalog
from ..core.conda_lock import CondaLock, LockedPackage, LockLine
from ..core.errors import OutageError
from ..core.layer import PREFIX
from ..core.progress import Progress
from ..settings import Settings
from .channels import channel_url, redacted
from .client import channel_client
from .facts import LISTED
from .memory import Memory
from .records import RecordCache
from .run import run

if TYPE_CHECKING:
    from rattler import Client
    from rattler.package import PathType

    from ..core.claims import Kind

_AT_ONCE = 16  # packages asked for at the same time
_PATIENCE = 30.0  # seconds for one of them; a list of files has some kilobytes
_FACT = "conda-scripts"


@dataclass(frozen=True)
class LinkScript:
    """A script of a package; ``path`` is below the prefix."""

    package: LockedPackage
    path: str

    @property
    def step(self) -> str:
        """The Dockerfile step that runs it as conda would: same variables, same folder, its messages shown."""
        number = int(json.loads(self.package.record_json or "{}").get("build_number") or 0)
        # what conda sets for such a script (conda-build, "Link scripts"), which may leave words in .messages.txt
        names = {
            "PATH": f"{PREFIX}/bin:$PATH",
            "PREFIX": PREFIX,
            "ROOT_PREFIX": PREFIX,
            "PKG_NAME": self.package.name,
            "PKG_VERSION": self.package.version,
            "PKG_BUILDNUM": str(number),
        }
        variables = " ".join(f'{name}="{value}"' for name, value in names.items())
        messages = f"{PREFIX}/.messages.txt"
        return (
            # without the image's LD_LIBRARY_PATH, which conda does not set: the base's
            # bash would take the environment's libraries. By bash, as conda does
            f"RUN cd {PREFIX}/bin && {{ env -u LD_LIBRARY_PATH {variables} bash {PREFIX}/{self.path}; ended=$?; "
            # also of a script that fails: that is where it says why
            f"if [ -f {messages} ]; then cat {messages} && rm {messages}; fi; exit $ended; }}"
        )


def lock_of_lines(lines: Iterable[str], settings: Settings) -> CondaLock:
    """Return the conda packages of a lock's lines with as much as this machine knows of them; no channel is asked."""
    records = RecordCache(settings)
    parsed = [LockLine.parse(line) for line in lines]
    return CondaLock.of([records.get(line) or _bare(line) for line in parsed])


def _bare(line: LockLine) -> LockedPackage:
    stem = line.file_name.removesuffix(".conda").removesuffix(".tar.bz2")
    name, version, build = stem.rsplit("-", 2)
    return LockedPackage(name, version, build, line.subdir, line.channel, line.file_name, line.sha256, 0)


def find_scripts(lock: CondaLock, catalog: AnyCatalog, settings: Settings, progress: Progress) -> list[LinkScript]:
    """Return the scripts of the lock's packages, in the order in which conda would run them.

    A package is asked for the list of its files once per machine, and not at all if it was staged before.

    Raises:
        OutageError: a channel does not answer.
    """
    known = {package.sha256: _remembered(package, lock, catalog) for package in lock.packages}
    unknown = [package for package in lock.packages if known[package.sha256] is None]
    if unknown:
        progress.say(f"looking for link scripts in {len(unknown)} conda packages")
        for package, found in zip(unknown, _ask_all(unknown, settings, progress), strict=True):
            catalog.put_fact(LISTED, package.sha256, json.dumps(found))
            known[package.sha256] = _scripts_among(found, package.name)
            catalog.put_fact(_FACT, package.sha256, json.dumps(known[package.sha256]))
    return [LinkScript(package, path) for package in in_link_order(lock) for path in known[package.sha256] or ()]


def _remembered(package: LockedPackage, lock: CondaLock, catalog: AnyCatalog) -> list[str] | None:
    text = catalog.get_fact(_FACT, package.sha256)
    if text is not None:
        return [str(path) for path in json.loads(text)]
    paths = Memory(lock, catalog).paths_of(package)
    return None if paths is None else _scripts_among(paths, package.name)


def _scripts_among(paths: Iterable[str], name: str) -> list[str]:
    """Return a package's own scripts, that which runs first in front; those under another name are never run."""
    return sorted({f"bin/.{name}-{kind}-link.sh" for kind in ("pre", "post")}.intersection(paths), reverse=True)


def _ask_all(packages: list[LockedPackage], settings: Settings, progress: Progress) -> list[dict[str, Kind]]:
    async def ask() -> list[dict[str, Kind]]:
        client, few = channel_client(), asyncio.Semaphore(_AT_ONCE)

        async def one(package: LockedPackage) -> dict[str, Kind]:
            async with few:
                return await _listed(package, client, settings)

        return list(await asyncio.gather(*(one(package) for package in packages)))

    return run(ask, settings, progress)


async def _listed(package: LockedPackage, client: Client, settings: Settings) -> dict[str, Kind]:
    """Return the kinds of a package's paths, as ``info/paths.json`` calls them."""
    from rattler.package import PathsJson

    url = f"{channel_url(package.channel, settings)}/{package.subdir}/{package.file_name}"
    try:
        # a range cannot be asked of a folder, and need not
        if url.startswith("file://"):
            from urllib.request import url2pathname

            path = Path(url2pathname(urlsplit(url).path))
            paths: PathsJson | None = await asyncio.to_thread(PathsJson.from_package_archive, path)
        else:
            async with asyncio.timeout(_PATIENCE):
                paths = await PathsJson.from_remote_url(client, url)
    except TimeoutError as error:
        why = f"no answer in {_PATIENCE:.0f} seconds"
        raise OutageError(f"conda package {package.file_name} cannot be looked into: {why}") from error
    except Exception as error:  # rattler has no base of its errors
        raise OutageError(f"conda package {package.file_name} cannot be looked into: {redacted(str(error))}") from error
    return {str(entry.relative_path): _kind_of(entry.path_type) for entry in paths.paths} if paths else {}


def _kind_of(found: PathType) -> Kind:
    return "link" if found.softlink else "folder" if found.directory else "file"


def in_link_order(lock: CondaLock) -> list[LockedPackage]:
    """Return the packages, each after those that it depends on; by name where that leaves a choice."""
    packages = {package.name: package for package in lock.packages}
    order: dict[str, LockedPackage] = {}
    entered: set[str] = set()
    waiting = [(name, False) for name in sorted(packages, reverse=True)]
    while waiting:
        name, below_is_done = waiting.pop()
        if below_is_done:
            order[name] = packages[name]
        elif name not in entered:  # one that is entered and not done is a cycle: conda breaks it anywhere, too
            entered.add(name)
            needs = {need.split(" ")[0] for need in packages[name].depends} & packages.keys()
            waiting += [(name, True), *((need, False) for need in sorted(needs, reverse=True))]
    return list(order.values())
