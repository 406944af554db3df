"""Places in a JSON value, and patterns of them: ``$.predictions[*].score``.

Source: RFC 9535 (JSONPath), of which names, indices, ``*`` and ``..`` are taken; filters and slices are not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from ..lean import lean

Key = str | int
"""Name of a member, or index of an element."""
_STEP = re.compile(
    r"""(?P<deep>\.\.)?(?:(?(deep)|\.)(?P<name>[^\W\d][\w-]*|\*)"""
    r"""|\[\s*(?:(?P<index>\d+)|(?P<any>\*)|'(?P<single>(?:[^'\\]|\\.)*)'|"(?P<double>(?:[^"\\]|\\.)*)")\s*\])"""
)
_PLAIN = re.compile(r"[^\W\d]\w*")


class PathError(ValueError):
    """It is no path; the message says where it stops being one."""


@lean(frozen=True)
class Step:
    """One step down. ``key`` None: whatever there is; ``deep``: any number of steps may come before it."""

    key: Key | None
    deep: bool = False

    def takes(self, key: Key) -> bool:
        """Tell whether a step to ``key`` is this one."""
        # a bool is no index, and "0" is a name
        return self.key is None or (type(self.key) is type(key) and self.key == key)


@lean(frozen=True)
class Pattern:
    """A set of places: those that it names, and all that is below them."""

    text: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Read it.

        Raises:
            PathError: it is no path, or has what is not taken.
        """
        said = text.strip()
        if not said.startswith("$"):
            raise PathError(f'"{text}" does not begin with $, which is the whole answer; write such as $.name[0].*')
        steps, at = [], 1
        while at < len(said):
            found = _STEP.match(said, at)
            if found is None:
                why = f'"{text}" cannot be read from "{said[at:]}" on'
                raise PathError(f"{why}; write .name, [0], [*], ['name'] or ..name")
            steps.append(Step(_key(found), bool(found["deep"])))
            at = found.end()
        return cls(said, tuple(steps))

    def start(self) -> frozenset[int]:
        """Return where a walk down a value begins: how many steps are done."""
        return frozenset({0})

    def down(self, done: frozenset[int], key: Key) -> frozenset[int]:
        """Return how many steps are done after one more; all that is possible."""
        after = set()
        for count in done:
            if count == len(self.steps):
                after.add(count)  # below what was named
                continue
            step = self.steps[count]
            if step.takes(key):
                after.add(count + 1)
            if step.deep:
                after.add(count)
        return frozenset(after)

    def fits(self, done: frozenset[int]) -> bool:
        """Tell whether the place that was walked to is one of these."""
        return len(self.steps) in done

    def covers(self, place: Iterable[Key]) -> bool:
        """Tell whether a place is one of these."""
        done = self.start()
        for key in place:
            done = self.down(done, key)
        return self.fits(done)


def spoken(place: Iterable[Key]) -> str:
    """Return a place as it is written: ``$.a[0]['b c']``."""
    return "$" + "".join(map(_spoken, place))


def _spoken(key: Key) -> str:
    if isinstance(key, int):
        return f"[{key}]"
    if _PLAIN.fullmatch(key):
        return f".{key}"
    escaped = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{escaped}']"


def _key(found: re.Match[str]) -> Key | None:
    if found["index"] is not None:
        return int(found["index"])
    if found["any"] or found["name"] == "*":
        return None
    if found["name"] is not None:
        return found["name"]
    quoted = found["single"] if found["single"] is not None else found["double"]
    return re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL)
