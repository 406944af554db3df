"""One setting of the server: what it is called, what it is by itself, and how its text is read.

The table of all is ``Settings``, whose fields are made here: to add a setting is to write one field there.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import Field, dataclass, field
from typing import Any, Callable, Dict, Mapping, Optional, Tuple, TypeVar

_Value = TypeVar("_Value")
Read = Callable[[str], Any]
"""Returns the value of a text; raises a ValueError whose words end the sentence "which is not ..."."""


@dataclass(frozen=True)
class Setting:
    """What is known of a setting beside its name, its type and its default.

    ``variables``: those of the environment, the first that is there counts. ``v1``: what v1 called it in
    ``config.json``, where that is neither its name nor a variable's. ``unit`` is empty for what is no measure.
    ``secret``: never shown, and no worker gets it, because a worker runs the user's code.
    """

    doc: str
    variables: Tuple[str, ...]
    read: Read
    unit: str = ""
    v1: Tuple[str, ...] = ()
    secret: bool = False


def setting(
    default: _Value,
    doc: str,
    *variables: str,
    unit: str = "",
    v1: Tuple[str, ...] = (),
    secret: bool = False,
    read: Optional[Read] = None,
) -> _Value:
    """Return the field of a setting, for a dataclass; its kind is the type of its default unless ``read`` says more."""
    # by the very type: True is an int to `isinstance`, and would be read as a number
    one = Setting(doc, variables, read or _READERS[type(default)], unit, v1, secret)
    # a type checker shall see the default, as it does with ``dataclasses.field``
    made: Any = field(default_factory=lambda: default, repr=not secret, metadata={_KEY: one})
    if not isinstance(default, dict):  # dataclasses refuse a dict that all would share
        made = field(default=default, repr=not secret, metadata={_KEY: one})
    return made  # type: ignore[no-any-return]


def setting_of(one: "Field[Any]") -> Optional[Setting]:
    """Return what a field of a dataclass is as a setting; None for what is none."""
    return one.metadata.get(_KEY)


def number(text: str) -> float:
    """Read a number. None is negative, and 0 switches off what may be off."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    # NaN fails every comparison, so this refuses it, too
    if not 0 <= found < float("inf"):
        raise ValueError("a number from 0 on")
    return found


def integer(text: str) -> int:
    """Read a number, and cut what is behind its point."""
    return int(number(text))


def truth(text: str) -> bool:
    """Read a boolean, in the words that shells, YAML and JSON have for one, and v1's letters."""
    low = text.strip().lower()
    if low not in (*_TRUE, "false", "0", "no", "off", "f", "n"):
        raise ValueError("true or false")
    return low in _TRUE


_TRUE = ("true", "1", "yes", "on", "t", "y")


def names(text: str) -> Tuple[str, ...]:
    """Read names with commas between them."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def scripts(text: str) -> Dict[str, str]:
    """Read scripts by name, as JSON."""
    try:
        return {str(name): str(script) for name, script in json.loads(text).items()}
    except (ValueError, AttributeError):
        raise ValueError('a JSON object such as {"name": "script.py"}') from None


def port_or_off(text: str) -> int:
    """Read a port; ``off`` is -1, because 0 is any port that is free."""
    return -1 if text.strip().lower() == "off" else integer(text)


def count_or_auto(text: str) -> int:
    """Read a count, at least 1; ``auto`` is one for each core that this process may use."""
    if text.strip().lower() == "auto":
        return cores()
    return max(1, integer(text))


def cores(cgroup: str = "/sys/fs/cgroup") -> int:
    """Return how many cores this process may use, at least 1; a share of one counts as one.

    A container sees all cores of its host: what it may use of them is its quota (cgroup v2: ``cpu.max``; v1:
    ``cpu.cfs_quota_us``, kernel documentation, "CFS Bandwidth Control").
    """
    # `cpu_count` is the host's: a container whose cpuset has two of 64 cores would get 64 interpreters
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    for files in (("cpu.max",), ("cpu/cpu.cfs_quota_us", "cpu/cpu.cfs_period_us")):
        try:
            quota, period = map(int, " ".join(_text_of(os.path.join(cgroup, name)) for name in files).split())
        except (OSError, ValueError):  # it is not here, or it says "max"
            continue
        if quota > 0 and period > 0:  # -1 is none
            return max(1, min(count, -(-quota // period)))
    return max(1, count)


_THREADS = ("OMP_NUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "LOKY_MAX_CPU_COUNT")
# those that do as OMP_NUM_THREADS says where they are not set, so a user who has set that one has set them
_OF_OMP = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS")


def threads(environ: Mapping[str, str], cgroup: str = "/sys/fs/cgroup") -> Dict[str, str]:
    """Return the thread counts of numeric libraries that the environment does not name, where a quota bounds the cores.

    Libraries count the cores of the host (or the cpuset): 64 threads in a quota of two are throttled most of the time.
    """
    count = cores(cgroup)
    seen = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if count >= seen:
        return {}
    wanted = (*_THREADS, *(() if "OMP_NUM_THREADS" in environ else _OF_OMP))
    return {name: str(count) for name in wanted if name not in environ}


def _text_of(path: str) -> str:
    with open(path, encoding="ascii") as stream:
        return stream.read()


def digest(text: str) -> str:
    """Read a digest (OCI image-spec, descriptor.md): it is sent in a header, which no other text shall get into."""
    if not re.fullmatch("[a-z0-9]+:[0-9a-f]{32,128}", text):
        raise ValueError("a digest such as sha256:... in hexadecimal digits")
    return text


_KEY = "setting"
_READERS: Mapping[type, Read] = {int: integer, float: number, bool: truth, str: str, tuple: names, dict: scripts}
