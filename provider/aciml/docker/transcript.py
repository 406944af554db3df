"""The classic builder's messages, told in the user's terms: his step numbers, his lines."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import OutageError, UserError
from ..core.steps import Step

# Docker says "Step", Podman's builder "STEP"
_STEP = re.compile(r"(?:Step|STEP) (\d+)/\d+ ?: ")
_RUNNING = re.compile(r" ---> Running in ([0-9a-f]{12,64})")
_EXIT = re.compile(r"non-zero code: (\d+)|exit status (\d+)|exited with (?:code )?(\d+)")
# moby: SetParent and get of the image store, ErrLayerDoesNotExist of layers, ErrImageDoesNotExist of the daemon
_LOST = re.compile(
    r"unknown parent image ID|layer does not exist"
    r"|(?:No such image: |unable to find image \"|failed to get digest )sha256:"
)
_COLOR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
TAIL_LINES = 15
"""How much of a step's output an error shows."""
_WIDTH = 60
_HINTS = (
    (re.compile(r"\[Y/n\].*Abort", re.DOTALL), "add -y: nobody can answer the question of apt-get"),
    (re.compile(r"E: Unable to locate package"), "check the name, and run apt-get update in the same step"),
    (re.compile(r"E: Invalid operation (\S+)"), "check the word after apt-get"),
    (re.compile(r"certificate verify failed|certificate problem|unable to get local issuer"), "name your caBundle"),
    (re.compile(r"no space left on device"), "make room for Docker (docker system prune)"),
    (re.compile(r": (?:command )?not found"), "install the program in an earlier step"),
)


class ParentLost(OutageError):
    """The image that a step goes on from was removed by somebody else while the build ran."""


def is_parent_lost(why: str) -> bool:
    """Tell whether the classic builder's error is of an image that was removed while it looked for it."""
    return _LOST.search(why) is not None


class Transcript:
    """Listens to one build. ``container`` is the one that runs now, if any."""

    def __init__(self, steps: Sequence[Step], ours: int) -> None:
        """``ours`` is how many instructions come before the user's first step."""
        self.container = ""
        self._steps, self._ours = steps, ours
        self._step: Step | None = None
        self._tail: deque[str] = deque(maxlen=TAIL_LINES)
        self._rest = ""

    @property
    def step(self) -> Step | None:
        """The user's step that runs now, if one does."""
        return self._step

    @property
    def running(self) -> tuple[Step, ...]:
        """The same as ``BuildLog.running``: this builder does one thing after the other."""
        return (self._step,) if self._step else ()

    @property
    def total(self) -> int:
        """How many steps the user wrote."""
        return total(self._steps)

    def hear(self, message: Mapping[str, Any]) -> str:
        """Take a message and return the line to show, if there is something new.

        Raises:
            UserError: the build failed; names the step, its exit code and the last lines.
            ParentLost: it failed by no fault of its own.
        """
        if "error" in message:
            why = str(message["error"])
            if is_parent_lost(why):
                told = f"somebody removes images of Docker while the steps run: {why}"
                raise ParentLost(told, "run the same command again when that is over")
            raise self.failure(why, (message.get("errorDetail") or {}).get("code"))
        heard = False
        for line in self._lines(str(message.get("stream") or "")):
            heard = self._note(line) or heard
        return self._live() if heard and self._step else ""

    def _lines(self, text: str) -> list[str]:
        """Return complete lines; what has no end yet waits. A progress bar counts by its last state."""
        *whole, self._rest = (self._rest + text).split("\n")
        return [_COLOR.sub("", line.rstrip("\r").rpartition("\r")[2]).rstrip() for line in whole]

    def _note(self, line: str) -> bool:
        if found := _STEP.match(line):
            index = int(found[1]) - 1 - self._ours
            self._step = self._steps[index] if 0 <= index < len(self._steps) else None
            self.container = ""
            # an error shows what its own step said, not the one before
            self._tail.clear()
            return True
        if found := _RUNNING.match(line):
            self.container = found[1]
            return False
        # the builder's own lines: the user wants those of his program
        if not line or line.startswith((" --->", "Removing intermediate container")):
            return False
        self._tail.append(line)
        return True

    def _live(self) -> str:
        return live_line(self._step, self._steps, self._tail) if self._step else ""

    def failure(self, why: str, code: object = None) -> UserError:
        """Return the error to raise."""
        if self._rest:
            self._note(self._rest)
        if self._step is None:
            return UserError(f"Docker cannot run the steps: {why}", "check the steps and the base image")
        found = _EXIT.search(why)
        exit_code = next(filter(None, found.groups()), "") if found else str(code or "")
        return step_failure(self._step, total(self._steps), why, exit_code, self._tail)


def total(steps: Sequence[Step]) -> int:
    """Return how many steps the user wrote: instructions that we add have the number of their neighbour."""
    return steps[-1].number if steps else 0


def live_line(step: Step, steps: Sequence[Step], tail: Sequence[str]) -> str:
    """Return what to show while a step runs: its number, itself, and its last output."""
    last = f": {tail[-1]}" if tail else ""
    return f"step {step.number} of {total(steps)}: {short(step)}{last}"


def step_failure(step: Step, of: int, why: str, exit_code: str, tail: Sequence[str]) -> UserError:
    """Return the error for a step that failed.

    Args:
        step: of the user.
        of: how many steps there are.
        why: what the builder says.
        exit_code: of the step's program; empty if there was none.
        tail: last lines of its output.
    """
    reason = f"failed with exit code {exit_code}" if exit_code else f"failed: {why}"
    lines = "".join(f"\n    {line}" for line in tail)
    # the first that fits: the table goes from the particular to the general
    advice = next((text for sign, text in _HINTS if sign.search("\n".join([*tail, why]))), "mend the step")
    return UserError(f"{step.label} of {of} {reason}: {step.text}{lines}\n", advice)


def in_step(error: OutageError, running: Sequence[Step], of: int) -> OutageError:
    """Let an engine that is lost in the middle of a step say in which."""
    if not running:
        return error
    return type(error)(f"{running[0].label} of {of}: {short(running[0])}: {error.message}", error.advice)


def short(step: Step) -> str:
    """Return a step on one line of limited width."""
    line = " ".join(f"{step.instruction} {step.arguments}".split())
    return line if len(line) <= _WIDTH else line[: _WIDTH - 4] + " ..."
