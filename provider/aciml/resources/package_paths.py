"""How a difference of packages is shown: a line for each package, by its name, and no hash.

``packages`` and ``pipPackages`` say which versions come. What asks for them (``dependencies``) and the files
themselves (``lock``) say the same once more, in lists: they show where nothing else does.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..core.conda_lock import LockLine
from ..core.errors import UserError
from ..core.pip_package import PIP
from ..model.declared import wires_of
from ..model.environment import Pins, asked_by_name, read_environment
from ..model.shape import differing
from ..properties import Values, is_unknown, reveal

_CONDA, _PIP, _FILES = wires_of(Pins, "packages", "pip_packages", "lock")
_PACKAGES = (f"{_CONDA}[", f"{_PIP}[", _CONDA, _PIP)
_LINES = tuple(f'dependencies["{name}"]' for name in ("dependencies", "pip", "server"))


def by_name(old: Values, new: Values, paths: Sequence[str]) -> list[str]:
    """Return the paths with those of lists of packages put as paths of maps, in which nothing shifts.

    Args:
        old: inputs as they were.
        new: inputs; some may be unknown.
        paths: where they differ, as ``differing`` gives them; ``lock`` is left out of it.
    """
    kept = [path for path in paths if path not in _LINES]
    if any(path.startswith(_PACKAGES) for path in kept):
        return kept
    asked = _asked(old, new) if len(kept) < len(paths) else []
    # other files under the versions of before: another channel, or a file that was built again
    files = _files(old, new)
    # a line that was written in another way asks for the same by name
    return [*kept, *(asked or [path for path in paths if path in _LINES]), *files]


def _asked(old: Values, new: Values) -> list[str]:
    before, after = (reveal(values.get("dependencies") or {}) for values in (old, new))
    if is_unknown(before) or is_unknown(after):
        return []
    return differing({"asked": asked_by_name(before)}, {"asked": asked_by_name(after)}, ())


def _files(old: Values, new: Values) -> list[str]:
    """Return the packages whose files differ, as paths of the maps that have their versions."""
    if is_unknown(new.get(_FILES)):
        return [_FILES]
    before, after = (set(read_environment(values).pins.lock or ()) for values in (old, new))
    if before == after:
        return []
    try:
        return sorted({_path(line) for line in before ^ after})
    except UserError:  # a line that nobody here has written
        return [_FILES]


def _path(line: str) -> str:
    if line.startswith(PIP):
        # PEP 427: the name is what stands before the first hyphen; PEP 503: how names are compared
        name = line.removeprefix(PIP).partition("-")[0].replace("_", "-").lower()
        return f'{_PIP}["{name}"]'
    return f'{_CONDA}["{LockLine.parse(line).name}"]'
