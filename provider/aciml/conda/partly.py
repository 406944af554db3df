"""Staging of what depends on the prefix alone: the other files of a package are read where rattler has unpacked it.

Rattler gets a package cache made for it, in which such a package has its few files with a prefix (``python`` 2 of
1 384) and a list of them. So it is rattler that writes the prefix, and nobody links thousands of files to read them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..core.conda_lock import LockedPackage
from ..core.progress import Progress
from ..settings import Settings
from .contents import StagedPackage
from .install import keep, stage
from .unpacked import UnpackedPackage, is_unpacked, read_beside_prefixed, unpacked_folder

_READ = ("index.json", "about.json", "link.json")  # what rattler and we look at in ``info`` besides the paths
_Split = tuple[UnpackedPackage, list[dict[str, Any]]]


def stage_partly(
    packages: Iterable[LockedPackage], folder: Path, settings: Settings, progress: Progress
) -> list[StagedPackage] | None:
    """Stage what cannot be read where it is unpacked, and return the packages; None if it takes the whole ``stage``.

    That is so if a package is not at hand, or if two want one path.

    Args:
        packages: see ``stage``.
        folder: see ``stage``; a second one beside it, with ``-cache`` after its name, is made and is the caller's.
        settings: see ``stage``.
        progress: see ``stage``.

    Raises:
        OutageError: see ``stage``.
    """
    chosen = list(packages)
    keep(chosen, settings)
    homes = {package.name: unpacked_folder(package, settings) for package in chosen}
    # what is not unpacked here cannot be read, and what rattler is to verify it has to fetch
    if settings.attestations != "disabled" or not all(is_unpacked(one, homes[one.name]) for one in chosen):
        return None
    split = {one.name: found for one in chosen if (found := read_beside_prefixed(one, homes[one.name]))}
    # python always: rattler looks into it to place noarch packages
    needed = [one for one in chosen if one.name not in split or split[one.name][1] or one.name == "python"]
    shadow = folder.with_name(f"{folder.name}-cache")
    shadow.mkdir()
    for package in needed:
        lay_out(homes[package.name], shadow, split[package.name][1] if package.name in split else None)
    stage(needed, folder, settings, progress, pkgs=shadow)
    staged = {package.name: StagedPackage.read(package, folder) for package in needed}
    # rattler saw some files only, so who yields has to be found with all of them
    if any(one.was_clobbered() for one in staged.values()):
        return None
    return [_joined(split.get(one.name), staged.get(one.name)) for one in chosen]


def lay_out(home: Path, pkgs: Path, rows: list[dict[str, Any]] | None) -> None:
    """Put a package where rattler looks: as it is, or with nothing but the files of these rows of ``paths.json``."""
    slim = pkgs / home.name
    lock = f"{home.name}.lock"
    (pkgs / lock).write_bytes(home.with_name(lock).read_bytes())  # a copy: rattler may write to it
    if rows is None:
        slim.symlink_to(home)
        return
    (slim / "info").mkdir(parents=True)
    for name in _READ:
        if (home / "info" / name).exists():
            (slim / "info" / name).symlink_to(home / "info" / name)
    listed = {"paths_version": 1, "paths": rows}
    (slim / "info/paths.json").write_text(json.dumps(listed), encoding="utf-8")
    for row in rows:
        path = slim / row["_path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        # a second name and no copy: the cache is on the same volume
        os.link(home / row["_path"], path)


def _joined(split: _Split | None, staged: StagedPackage | None) -> StagedPackage:
    """Return the whole package, of which rattler has staged a part."""
    if split is None or staged is None:
        return staged or split[0]  # type: ignore[index]  # one of the two is there
    found = split[0]
    rows = [*found.paths, *staged.paths]
    return replace(found, record={"paths_data": {"paths": rows}}, found=(*found.found, *staged.own_files()))
