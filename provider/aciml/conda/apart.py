"""Staging of packages that want one path: each where it is alone with it.

In one folder rattler decides by itself who gets a path. For a file over a file its answer is always the same; where a
folder of one package is a link or a file in another it depends on which thread was first (seen with 0.28: files left in
``__clobbers__`` that the records have elsewhere, links moved away, now and then an error). So nobody meets here:
packages are divided (``core/claims.py``), and where their files go is decided without a file system.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..core.claims import Claim, Claimant, apart, do_meet
from ..core.conda_lock import CondaLock, LockedPackage
from ..core.errors import OutageError
from ..core.progress import Progress
from ..settings import Settings
from .contents import StagedPackage
from .install import stage
from .noarch import placed
from .partly import lay_out
from .unpacked import is_unpacked, unpacked_folder


def do_unpacked_meet(packages: Sequence[LockedPackage], settings: Settings) -> bool:
    """Tell whether those of the packages that are unpacked by now want one path."""
    return do_meet(_claimants(packages, settings).values())


def stage_apart(
    packages: Sequence[LockedPackage], folder: Path, settings: Settings, progress: Progress
) -> list[StagedPackage]:
    """Stage packages so that no two that want one path are in one folder.

    Args:
        packages: see ``install.stage``.
        folder: gets the folders; not there yet.
        settings: see ``install.stage``.
        progress: see ``install.stage``.

    Raises:
        OutageError: see ``install.stage``.
    """
    folder.mkdir()
    _fetch(packages, folder, settings, progress)
    by_name = {package.name: package for package in packages}
    found: list[StagedPackage] = []
    for number, names in enumerate(apart(list(_claimants(packages, settings).values()))):
        group = [by_name[name] for name in names]
        # rattler asks Python where noarch packages go; whose own files are those of another group, or would meet them
        helper = _helper(group, packages)
        home = folder / str(number)
        pkgs = _lay_out(group, helper, folder / f"{number}-cache", settings)
        stage([*group, *helper], home, settings, progress, pkgs=pkgs)
        found += [StagedPackage.read(package, home) for package in group]
    return found


def _fetch(packages: Sequence[LockedPackage], folder: Path, settings: Settings, progress: Progress) -> None:
    """Bring those packages into the cache that are not there."""
    missing = [package for package in packages if not is_unpacked(package, unpacked_folder(package, settings))]
    if missing:
        with suppress(OutageError):  # who meets is known when they are unpacked: here rattler may fail once more
            stage([*missing, *_helper(missing, packages)], folder / "fetched", settings, progress)
    for number, package in enumerate(missing):
        if not is_unpacked(package, unpacked_folder(package, settings)):
            stage([package, *_helper([package], packages)], folder / f"fetched-{number}", settings, progress)


def _lay_out(
    group: Sequence[LockedPackage], helper: Sequence[LockedPackage], pkgs: Path, settings: Settings
) -> Path | None:
    """Make a package cache for the group, with nothing of the helper, or that would meet the others; None: take all."""
    # a package cache of ours has no download, and so nothing that rattler could verify
    if settings.attestations != "disabled":
        return None  # rattler looks for them where it has fetched the package
    pkgs.mkdir()
    for package in group:
        lay_out(unpacked_folder(package, settings), pkgs, None)
    for package in helper:
        lay_out(unpacked_folder(package, settings), pkgs, [])
    return pkgs


def _helper(group: Iterable[LockedPackage], packages: Iterable[LockedPackage]) -> list[LockedPackage]:
    """Return Python if one of the group is linked by its rules and it is not among them."""
    names = {package.name for package in group}
    if "python" in names or all(package.noarch != "python" for package in group):
        return []
    return [package for package in packages if package.name == "python"]


def _claimants(packages: Sequence[LockedPackage], settings: Settings) -> dict[str, Claimant]:
    """Return what unpacked packages are going to want; whether it is a file or a link does not matter here."""
    site_packages = CondaLock.of(list(packages)).site_packages
    found = {}
    for package in packages:
        home = unpacked_folder(package, settings)
        if is_unpacked(package, home):
            claims = tuple(Claim(path) for path in dict.fromkeys(_wanted(package, home, site_packages)))
            found[package.name] = Claimant(package.name, claims)
    return found


def _wanted(package: LockedPackage, home: Path, site_packages: str) -> list[str]:
    try:
        paths = [str(row["_path"]) for row in _read(home / "info/paths.json")["paths"]]
    except FileNotFoundError:  # packages from before conda-build 3
        paths = (home / "info/files").read_text(encoding="utf-8").splitlines()
    if package.noarch != "python":
        return paths
    try:
        link = _read(home / "info/link.json")
        points = [str(point).partition("=")[0].strip() for point in link["noarch"].get("entry_points") or ()]
    except FileNotFoundError:
        points = []
    return [*(placed(package, path, site_packages) for path in paths), *(f"bin/{point}" for point in points)]


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found
