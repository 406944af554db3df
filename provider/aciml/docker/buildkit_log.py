"""BuildKit's plain progress, told in the user's terms: his step numbers, his lines.

Source: BuildKit ``util/progress/progressui`` (the form of the lines) and ``solver/errdefs`` (the place that is printed
below a failure); older versions print no place, so the vertex that failed says it as well.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Sequence

from ..core.errors import UserError
from ..core.steps import Step
from .dockerfile import DOCKERFILE
from .transcript import TAIL_LINES, live_line, step_failure, total

_LINE = re.compile(r"#(\d+) (.*)")
_VERTEX = re.compile(r"\[(?:(\S+) +)?(\d+)/\d+\] (\w+)")
_OUTPUT = re.compile(r"\d+\.\d+ (.*)|\d+\.\d+")
_STATE = re.compile(r"(?:DONE|CACHED|CANCELED|sha256:|resolve |extracting |\.\.\.)")
_ENDED = re.compile(r"DONE|CACHED|CANCELED")
_PLACE = re.compile(rf"(?:{re.escape(DOCKERFILE)}|Dockerfile):(\d+)$")
# what cannot be parsed is refused before there is any step to run
_PARSE = re.compile(r"parse error (?:on )?line (\d+)")
_EXIT = re.compile(r"exit code: (\d+)")
_COUNTED = frozenset({"FROM", "RUN", "COPY", "ADD", "WORKDIR"})


class BuildLog:
    """Listens to one build, several stages of which may run at once."""

    def __init__(self, steps: Sequence[Step], lines: Sequence[str]) -> None:
        """``steps`` are all instructions; ``lines`` is what is sent, where the last ones are those of the steps."""
        self._steps = steps
        self._vertices = _numbered(steps)
        self._rows = _rows(steps, lines)
        self._known: dict[str, Step] = {}
        self._running: dict[str, Step] = {}
        self._tails: dict[str, deque[str]] = defaultdict(lambda: deque(maxlen=TAIL_LINES))
        self._failed: tuple[str, str] | None = None
        self._place: Step | None = None
        self._all: deque[str] = deque(maxlen=TAIL_LINES)

    def hear(self, line: str) -> str:
        """Take a line, without its end, and return the one to show."""
        # kept beside the steps: a file that cannot be read fails before any of them
        self._all.append(line)
        if place := _PLACE.match(line) or _PARSE.search(line):
            self._place = self._rows.get(int(place[1]))
        found = _LINE.match(line)
        if not found:
            return ""
        vertex, text = found.groups()
        if text.startswith("ERROR: "):
            self._failed = (vertex, text.removeprefix("ERROR: "))
        elif started := _VERTEX.match(text):
            self._start(vertex, *started.groups())
        elif output := _OUTPUT.fullmatch(text):
            self._tails[vertex].append(output[1] or "")
        elif _STATE.match(text):
            if _ENDED.match(text):
                self._running.pop(vertex, None)
            return ""
        step = self._known.get(vertex)
        return live_line(step, self._steps, self._tails[vertex]) if step else text

    def _start(self, vertex: str, stage: str | None, index: str, instruction: str) -> None:
        step = self._vertices.get((stage or "", int(index)))
        # numbers alone may be those of a stage that BuildKit has left out: a wrong step would be worse than none
        # number 0 is the FROM that we put before the user's steps
        if step and step.number and step.instruction == instruction.upper():
            self._known[vertex] = self._running[vertex] = step

    @property
    def running(self) -> tuple[Step, ...]:
        """The user's steps that run now: several, where stages do not need one another."""
        return tuple(self._running.values())

    @property
    def total(self) -> int:
        """How many steps the user wrote."""
        return total(self._steps)

    def failure(self) -> UserError:
        """Return the error to raise when the build has failed."""
        vertex, why = self._failed or ("", "")
        # the printed place is a line of the file; a vertex may stand for an instruction that the bundle added
        step = self._place or self._known.get(vertex)
        if step is None:
            text = "".join(f"\n    {line}" for line in self._all)
            return UserError(f"BuildKit failed:{text}\n", "mend the Dockerfile")
        why = why or (self._all[-1].removeprefix("ERROR: ") if self._all else "")
        found = _EXIT.search(why)
        return step_failure(step, total(self._steps), why, found[1] if found else "", self._tails[vertex])


def _rows(steps: Sequence[Step], lines: Sequence[str]) -> dict[int, Step]:
    rows: dict[int, Step] = {}
    # what comes before them is ours, or "# syntax="
    ours = len(lines) - len(steps)
    at = 1 + sum(line.count("\n") + 1 for line in lines[:ours])
    for step, line in zip(steps, lines[ours:], strict=True):
        # an instruction goes on over several lines, and BuildKit may name any of them
        height = line.count("\n") + 1
        rows.update(dict.fromkeys(range(at, at + height), step))
        at += height
    return rows


def _numbered(steps: Sequence[Step]) -> dict[tuple[str, int], Step]:
    """Return the steps by what BuildKit calls them: name of the stage, and number among what makes layers in it.

    The only stage of a file may have no name there.
    """
    found: dict[tuple[str, int], Step] = {}
    stage, number, name = -1, 0, ""
    for step in steps:
        if step.instruction == "FROM":
            words = step.arguments.split()
            stage, number = stage + 1, 0
            name = words[-1] if len(words) > 2 and words[-2].upper() == "AS" else f"stage-{stage}"  # image, AS, name
        if step.instruction in _COUNTED and stage >= 0:
            number += 1
            found[name, number] = step
    # BuildKit leaves the name out where there is nothing to tell apart
    if stage == 0:
        found.update({("", number): step for (_, number), step in list(found.items())})
    return found
