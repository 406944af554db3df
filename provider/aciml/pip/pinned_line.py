"""The line of a lock that names a wheel; what resolves and fetches wheels is slow to load, and stands elsewhere."""

from __future__ import annotations

from ..core.pip_package import PIP, PipPackage


def bare_package(line: str) -> PipPackage:
    """Return the wheel of a lock's line, without the place to get it from, which its layer does not depend on."""
    # here: an environment of conda packages alone has no such line
    from packaging.utils import parse_wheel_filename

    name, _, digest = line.removeprefix(PIP).rpartition("#sha256:")
    wheel = parse_wheel_filename(name)
    return PipPackage(str(wheel[0]), str(wheel[1]), name, digest)
