"""The commands ``up``, ``down`` and ``pulumi``: the CLI on the stack ``local``, and after ``up`` one real request."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .cache import PROJECT
from .machine import STATE
from .salt import salt_taken_out
from .say import phase

STACK = "local"
TRAIN = PROJECT / "examples/diabetes/train.py"


def up(env: dict[str, str], extra: list[str]) -> int:
    """Bring the stack up and ask it for a prediction; return the exit code."""
    with salt_taken_out(env):
        selected = _run(["pulumi", "stack", "select", "--create", STACK], env)
        return selected or _train(env) or _run(["pulumi", "up", "--yes", "--stack", STACK, *extra], env) or _try(env)


def down(env: dict[str, str], extra: list[str]) -> int:
    """Destroy the stack if there is one; return the exit code."""
    with salt_taken_out(env):
        if _fails(["pulumi", "stack", "select", STACK], env):
            sys.stdout.write(f"there is no stack {STACK}\n")
            return 0
        return _run(["pulumi", "destroy", "--yes", "--stack", STACK, *extra], env)


def pulumi(env: dict[str, str], arguments: list[str]) -> int:
    """Run the CLI as ``up`` does, on the stack that is selected; that is ``local`` where none was. Return its code."""
    with salt_taken_out(env):
        ours = env["PULUMI_BACKEND_URL"] == STATE.as_uri()
        # in a backend of the user's own no stack is made or chosen for him
        if ours and arguments and _fails(["pulumi", "stack", "--show-name"], env):
            _fails(["pulumi", "stack", "select", "--create", STACK], env)
        return _run(["pulumi", *arguments], env)


def _run(command: Sequence[str | Path], env: dict[str, str]) -> int:
    """Run a program in the project and return its code.

    Ctrl-C reaches it by the terminal, and it ends in its own time: the CLI lets a resource finish and writes the state.
    """
    with subprocess.Popen(command, cwd=PROJECT, env=env) as process:
        # a function and not SIG_IGN, which the child would inherit
        before = signal.signal(signal.SIGINT, lambda *_: None)
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, before)


def _fails(command: Sequence[str | Path], env: dict[str, str]) -> bool:
    return bool(subprocess.run(command, cwd=PROJECT, env=env, capture_output=True, check=False).returncode)


def _train(env: dict[str, str]) -> int:
    """Make the example's model: a script with its own dependencies, which does nothing when the model is up to date."""
    with phase("making sure that the example's model is trained"):
        # by uv: the script names its own packages (PEP 723), which are none of the project's
        return _run(["uv", "run", "-q", "--script", TRAIN], env)


def _try(env: dict[str, str]) -> int:
    # a process, since it asks the CLI, which needs this environment
    return _run([sys.executable, Path(__file__).with_name("try_it.py")], env)
