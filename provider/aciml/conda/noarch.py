"""Where the environment puts files of noarch Python packages; pure.

Source: conda, "Noarch Python packages", and CEP 17 for the folder that a Python may name.
"""

from __future__ import annotations

from ..core.conda_lock import LockedPackage


def placed(package: LockedPackage, path: str, site_packages: str) -> str:
    """Return the path below the prefix of a path of the package; ``site_packages`` is the environment's folder."""
    if package.noarch != "python":
        return path
    for before, after in (("site-packages/", f"{site_packages}/"), ("python-scripts/", "bin/")):
        if path.startswith(before):
            return f"{after}{path.removeprefix(before)}"
    return path
