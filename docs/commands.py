"""The page of all commands: usage, arguments and options, read from the commands themselves."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click

from aciml import cli
from aciml.cli.exit_code import ExitCode

from .tables import table

_OWN = Path(__file__).with_name("pages") / "commands"
_HEAD = """# Commands

What the program `aciml` does beside `pulumi up`. This page is made of the commands themselves; `aciml COMMAND --help`
says the same. Commands that have a page of their own are linked.

"""
_AFTER = """
A fault that can be mended is one sentence on standard error, without a traceback; with `--json`, where a command has
it, it is also an object with `error` on standard output. `aciml completion bash` (or `zsh`, `fish`) prints what makes a
shell complete commands and options.

"""


def page() -> str:
    """Return the whole page."""
    rows = [[f"[`{name}`]({_where(name)})", entry.help] for name, entry in cli.COMMANDS.items()]
    parts = [_HEAD, table(["command", "what it does"], rows), "\n## Exit codes\n\n", _exit_codes(), _AFTER]
    for name, entry in cli.COMMANDS.items():
        command: click.Command = import_module(f"aciml.cli.{entry.module}").command
        parts += _section(command, name, 2)
    return "\n".join(parts)


def _where(name: str) -> str:
    return f"{name}.md" if (_OWN / f"{name}.md").is_file() else f"#aciml-{name}"


def _exit_codes() -> str:
    said = {0: "done", 1: "an error, or the answer is no", 2: "used wrongly", 130: "ended by ctrl-C"}
    return table(["code", "meaning"], [[str(int(code)), said[int(code)]] for code in ExitCode])


def _section(command: click.Command, name: str, level: int) -> Iterator[str]:
    """Give the text of a command, then those of the commands inside it."""
    # resilient: nothing that is required is given here, and nothing runs
    context = click.Context(command, info_name=f"aciml {name}", resilient_parsing=True)
    yield f"{'#' * level} `aciml {name}` {{ #aciml-{name.replace(' ', '-')} }}\n"
    yield f"{(command.help or '').strip()}\n"
    usage = " ".join(command.get_usage(context).removeprefix("Usage:").split())
    yield f"`{usage}`\n"
    rows = [row for option in command.get_params(context) if (row := _row(option, context))]
    if rows:
        yield table(["option", "what it is"], rows)
    if isinstance(command, click.Group):
        for inside in command.list_commands(context):
            found = command.get_command(context, inside)
            if found is not None and not found.hidden:
                yield from _section(found, f"{name} {inside}", level + 1)


def _row(option: click.Parameter, context: click.Context) -> list[str]:
    record = option.get_help_record(context)
    # an argument without words is in the usage; every command has --help
    if record is None or not record[1] or "--help" in option.opts:
        return []
    return [f"`{record[0]}`", " ".join(record[1].split())]
