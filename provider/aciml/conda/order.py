"""The order in which rattler lets packages overwrite each other: the last one has the path.

Where nothing depends in a circle it is a walk of our own, so that a preview need not load rattler; a circle is broken
by rules of rattler's, which is then asked. ``tests/conda/test_order.py`` holds both together.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from ..core.conda_lock import CondaLock, LockedPackage

_NAME = re.compile(r"[A-Za-z0-9_.-]+")  # what a dependency begins with; a version or a build may follow


def install_order(lock: CondaLock) -> list[LockedPackage]:
    """Return the packages, each after all that it depends on; of packages that are free of each other ``a`` is last.

    Source: rattler_conda_types, repo_data/topological_sort.rs, which rattler's clobber registry goes by.
    """
    packages = {package.name: package for package in lock.packages}
    needs = {name: sorted(_needs(package) & packages.keys()) for name, package in packages.items()}
    order = _walk(needs)
    place = {name: number for number, name in enumerate(order)}
    is_whole = len(order) == len(packages)
    if not is_whole or any(place[need] > place[name] for name, found in needs.items() for need in found):
        order = _ask_rattler(lock.packages)
    return [packages[name] for name in order]


def _needs(package: LockedPackage) -> set[str]:
    found = (_NAME.match(need) for need in package.depends)
    return {match.group().lower() for match in found if match} - {package.name}


def _walk(needs: Mapping[str, Sequence[str]]) -> list[str]:
    """Walk from those that nobody needs; a circle that nothing leads to is left out."""
    needed = {need for found in needs.values() for need in found}
    waiting = [(name, False) for name in sorted(needs.keys() - needed)]
    order, entered = list[str](), set[str]()
    while waiting:
        name, below_is_done = waiting.pop()
        if below_is_done:
            order.append(name)
        elif name not in entered:
            entered.add(name)
            waiting += [(name, True), *((need, False) for need in needs[name])]
    return order


def _ask_rattler(packages: Sequence[LockedPackage]) -> list[str]:
    from rattler import NoArchType, PackageRecord, VersionWithSource
    from rattler.package import BuildString

    records = [
        PackageRecord(
            package.name,
            VersionWithSource(package.version),
            BuildString(package.build),
            0,
            package.subdir,
            noarch=NoArchType(package.noarch or None),  # type: ignore[arg-type]  # one of the two it knows
            depends=list(package.depends),
        )
        for package in packages
    ]
    return [record.name.normalized for record in PackageRecord.sort_topologically(records)]
