"""The wheels of an environment, with what decides which layers they become."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from ..core.conda_lock import CondaLock
from ..core.image import canonical_json, sha256_digest
from ..core.partition import Division, divide
from ..core.pip_package import PipPackage


@dataclass(frozen=True)
class WheelSet:
    """Wheels, and what is beside them.

    ``packages`` have their sizes; ``conda`` are the environment's conda packages; ``needed`` are the names of what the
    scoring server needs, which may or may not be among the wheels.
    """

    packages: tuple[PipPackage, ...]
    conda: CondaLock
    needed: frozenset[str] = frozenset()

    @property
    def library(self) -> str:
        """Folder below the prefix where they go: ``lib/python3.11/site-packages``; empty without Python."""
        return self.conda.site_packages

    @property
    def in_order(self) -> list[PipPackage]:
        """The wheels as they would be installed one after the other: by file name, as it was before there were layers.

        pip goes by dependencies and uv by whichever thread is first; both overwrite.
        """
        return sorted(self.packages, key=lambda package: (package.file_name.lower(), package.file_name))

    @property
    def users(self) -> Mapping[str, int]:
        """Bytes of the wheels that are not the server's, by name."""
        return {package.name: package.size for package in self.packages if package.name not in self.needed}

    def parted(self) -> tuple[list[PipPackage], list[PipPackage]]:
        """Return the server's wheels and the user's."""
        needed = [package for package in self.packages if package.name in self.needed]
        return needed, [package for package in self.packages if package.name not in self.needed]

    def divided(self) -> Division:
        """Return which packages share a layer."""
        needed = {package.name: package.size for package in self.packages if package.name in self.needed}
        return divide(self.conda.sizes(), self.users, needed)

    def with_conda(self) -> CondaLock:
        """Return the conda packages, which know now what is beside them."""
        return replace(self.conda, beside=self.users)

    @property
    def key(self) -> str:
        """Name of all files of the environment: who gets which path follows from it."""
        hashes = sorted(package.sha256 for package in self.packages)
        return sha256_digest(canonical_json([self.library, hashes, self.conda.lines()]))
