"""``python3 -m bootstrap COMMAND``: get ready, then ``up``, ``down``, ``pulumi WORD ...``, or nothing (``ready``).

``venv`` and ``run`` are for developers: they bring the packages of tests and linters too; ``venv`` stops after them.
The first half runs on any Python; the rest in the venv it makes.
"""

from __future__ import annotations

import os
import sys

from .cache import PROJECT, only_one_run
from .say import Missing
from .venv import PYTHON, VENV, ensure_venv

USER_COMMANDS = ("ready", "up", "down", "pulumi", "env", "lock")
DEVELOPER_COMMANDS = ("venv", "run")
USAGE = "python3 -m bootstrap {ready | up | down | pulumi WORD ... | env | lock | venv | run PROGRAM [WORD ...]}"

_KEPT = "ACIML_PYTHONPATH"  # variable with the user's PYTHONPATH while ours is in its place


def main(arguments: list[str]) -> int:
    """Return the exit code."""
    command, *rest = arguments or ["ready"]
    if command not in (*USER_COMMANDS, *DEVELOPER_COMMANDS) or (command == "run" and not rest):
        print(USAGE, file=sys.stderr)
        return 2
    try:
        if sys.prefix != str(VENV) or _KEPT not in os.environ:  # also from an activated venv, to have our modules
            with only_one_run():
                ensure_venv(developer=command in DEVELOPER_COMMANDS)
            if command != "venv":
                _go_on_in_venv(arguments)
            return 0
        return _inside(command, rest)
    except Missing as missing:
        print(f"bootstrap: {missing}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("bootstrap: interrupted; what is finished is kept, run the same command to go on", file=sys.stderr)
        # 128 and the number of SIGINT, as shells have it
        return 130


def _go_on_in_venv(arguments: list[str]) -> None:
    paths = [str(PROJECT), str(PROJECT / "provider"), os.environ.get("PYTHONPATH", "")]
    env = os.environ | {_KEPT: os.environ.get("PYTHONPATH", ""), "PYTHONPATH": os.pathsep.join(paths)}
    # the program takes this process's place, and what is in the buffer would be lost with it
    sys.stdout.flush()
    os.execve(PYTHON, [str(PYTHON), "-m", "bootstrap", *arguments], env)


def _inside(command: str, rest: list[str]) -> int:
    from . import machine, stack
    from .shell import write_shell_file
    from .tools import ensure_actionlint, ensure_tools

    folder = machine.ensure_machine()
    env = machine.environment(folder)
    env["PYTHONPATH"] = env.pop(_KEPT, "")
    if not env["PYTHONPATH"]:
        del env["PYTHONPATH"]
    if command == "lock":
        # -P: a file of the folder that one stands in must not be taken for a module of ours
        command, rest = "run", ["python", "-P", "-m", "aciml", "lock", *rest]
    if command == "run":
        if rest[0] == "pytest":
            # last: nothing of the machine is hidden
            env["PATH"] = os.pathsep.join([env["PATH"], *ensure_tools(), *ensure_actionlint()])
        # in this process's place: its signals and its exit code are those of the program
        os.execvpe(rest[0], rest, env)
    if command == "env":
        print(write_shell_file(folder))
        return 0
    return {"up": stack.up, "down": stack.down, "pulumi": stack.pulumi}.get(command, _nothing)(env, rest)


def _nothing(_: dict[str, str], __: list[str]) -> int:
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
