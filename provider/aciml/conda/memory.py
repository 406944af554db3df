"""What this machine knows of the files of a lock's packages, without having the packages at hand."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass

from ..blobs.catalog import AnyCatalog
from ..core.claims import Claim, Claimant
from ..core.conda_lock import CondaLock, LockedPackage
from ..core.image import canonical_json, sha256_digest
from .contents import StagedPackage

Renames = dict[str, dict[str, str]]
"""By package: a path it wants but another package has, and the path it got instead."""


@dataclass(frozen=True)
class Memory:
    """The catalog, asked about one lock."""

    lock: CondaLock
    catalog: AnyCatalog

    def renames(self) -> Renames | None:
        """Return who yields to whom, or None if that is not known before the packages are there."""
        text = self.catalog.get_fact("conda-renames", self.key)
        if text is not None:
            return {str(name): dict(moved) for name, moved in json.loads(text).items()}
        if self.without_paths() or self.clashing():
            return None
        return {}

    def keep_renames(self, renames: Renames) -> None:
        """Remember who yields to whom among the lock's packages."""
        self.catalog.put_fact("conda-renames", self.key, json.dumps(renames, sort_keys=True))

    def without_paths(self) -> list[LockedPackage]:
        """Return the packages that were never staged on this machine."""
        return [package for package in self.lock.packages if self._paths(package) is None]

    def keep_paths(self, staged: StagedPackage) -> None:
        """Remember which paths a package wants."""
        self.catalog.put_fact("conda-paths", self._paths_key(staged.package), json.dumps(staged.claimed()))

    def clashing(self) -> list[str]:
        """Return the paths that two packages want."""
        claims = Counter(path for package in self.lock.packages for path in json.loads(self._paths(package) or "[]"))
        return sorted(path for path, count in claims.items() if count > 1)

    def claimants(self) -> list[Claimant]:
        """Return what each package brings, as far as that is known; for those that come after them."""
        return [
            Claimant(package.name, tuple(Claim(path) for path in json.loads(self._paths(package) or "[]")))
            for package in self.lock.packages
        ]

    def names_of_paths(self) -> list[tuple[str, str]]:
        """Return namespace and key of each package's paths in the catalog."""
        return [("conda-paths", self._paths_key(package)) for package in self.lock.packages]

    def _paths(self, package: LockedPackage) -> str | None:
        return self.catalog.get_fact("conda-paths", self._paths_key(package))

    def _paths_key(self, package: LockedPackage) -> str:
        return f"{package.sha256}@{self.lock.site_packages}" if package.noarch == "python" else package.sha256

    @property
    def key(self) -> str:
        """Name of the lock among the facts."""
        return sha256_digest(canonical_json([self.lock.site_packages, *self.lock.lines()]))
