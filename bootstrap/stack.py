"""The commands ``up`` and ``down``: Pulumi on the stack ``local``, then one real request."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from .cache import PROJECT

STACK = "local"
TRAIN = PROJECT / "examples/diabetes/train.py"


def up(env: dict[str, str], extra: list[str]) -> int:
    """Bring the stack up and ask it for a prediction; return the exit code."""
    selected = _pulumi(["stack", "select", "--create", STACK], env)
    if selected:
        return selected
    return _train(env) or _pulumi(["up", "--yes", "--stack", STACK, *extra], env) or _try(env)


def down(env: dict[str, str], extra: list[str]) -> int:
    """Destroy the stack if there is one; return the exit code."""
    select = ["pulumi", "stack", "select", STACK]
    if subprocess.run(select, cwd=PROJECT, env=env, capture_output=True, check=False).returncode:
        sys.stdout.write(f"there is no stack {STACK}\n")
        return 0
    return _pulumi(["destroy", "--yes", "--stack", STACK, *extra], env)


def _pulumi(arguments: list[str], env: dict[str, str]) -> int:
    return subprocess.run(["pulumi", *arguments], cwd=PROJECT, env=env, check=False).returncode


def _train(env: dict[str, str]) -> int:
    """Make the example's model: a script with its own dependencies, which does nothing when the model is up to date."""
    return subprocess.run(["uv", "run", "-q", "--script", TRAIN], cwd=PROJECT, env=env, check=False).returncode


def _try(env: dict[str, str]) -> int:
    script = Path(__file__).with_name("try_it.py")
    return subprocess.run([sys.executable, script], cwd=PROJECT, env=env, check=False).returncode
