"""The program ``aciml``: what users do beside ``pulumi up``. Each command is a module that has ``command``."""

from __future__ import annotations

import errno
import json
import os
import sqlite3
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import NamedTuple

import click
from click.shell_completion import CompletionItem

from .. import __version__
from ..core.errors import AcimlError, Cancelled
from ..core.meant import meant
from .exit_code import ExitCode
from .terminal import Terminal


class _Entry(NamedTuple):
    """A command without its code: the help lists all of them, and loads none."""

    module: str
    help: str


COMMANDS = {
    "new": _Entry("new", "write a small project into a new folder"),
    "import": _Entry("bring", "write a project of the files that Azure ML v1 had"),
    "lint": _Entry("lint", "judge steps, Dockerfile, packages and script, as a preview does"),
    "lock": _Entry("lock", "solve the environment and write its lock file"),
    "plan": _Entry("plan", "say what an update would do to the images"),
    "build": _Entry("build", "build an image into a registry, a layout or Docker"),
    "export": _Entry("export", "write a setup folder, or an image as a file"),
    "report": _Entry("report", "write a page about an image: sizes, changes, shared bytes, time"),
    "cache": _Entry("cache", "show, prune or check this machine's cache"),
    "serve": _Entry("serve", "run the scoring server on this machine"),
    "comment": _Entry("comment", "write a preview as the comment of a pull request"),
    "invoke": _Entry("invoke", "send a sample request to a service, with its key"),
    "golden": _Entry("golden", "record a model's answers, or compare them with another one's"),
    "status": _Entry("status", "tell what runs against what was declared"),
    "logs": _Entry("logs", "print what a service's container wrote"),
    "events": _Entry("events", "tell what happened to a service's containers"),
    "revisions": _Entry("revisions", "list a service's revisions, restart or scale one"),
    "traffic": _Entry("traffic", "show or change which revision gets how many requests"),
    "promote": _Entry("promote", "let a revision have all requests, once it is proven"),
    "rollback": _Entry("rollback", "let a service run an image of before again"),
    "keys": _Entry("keys", "show a service's keys, or make new ones"),
    "doctor": _Entry("doctor", "look at what is installed, reachable and allowed"),
    "completion": _Entry("completion", "print what makes a shell complete these commands"),
}
"""In the order of the help: begin, look, run, ask, keep."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # as click calls it
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # the same
        if cmd_name not in COMMANDS:
            return None
        # one module and not all of them: what a command needs (solver, SDKs) takes longer to load than most take to run
        command: click.Command = import_module(f"{__name__}.{COMMANDS[cmd_name].module}").command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = meant(args[0], COMMANDS)
            advice = f'did you mean "{near}"?' if near else "aciml --help lists them"
            ctx.fail(f'there is no command "{args[0]}"; {advice}')
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        # click's own loads each command for its help: a second and a half for each press of the key
        found = [CompletionItem(name, help=one.help) for name, one in COMMANDS.items() if name.startswith(incomplete)]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])


@click.group(
    name="aciml",
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done; 1 an error, or the answer is no; 2 used wrongly; 130 ended by ctrl-C.",
)
@click.version_option(__version__, prog_name="aciml", message="%(prog)s %(version)s")
def _aciml() -> None:
    """Bring a score.py and its model up, and look after what runs."""


def main(words: Sequence[str] | None = None) -> int:
    """Run one command; return an ``ExitCode``.

    All that a user can mend is told in one sentence on standard error, and with ``--json`` as an object with ``error``
    on standard output as well. Anything else is a fault of ours, and keeps its traceback.
    """
    given = list(sys.argv[1:] if words is None else words)
    try:
        done = _aciml.main(given, prog_name="aciml", standalone_mode=False)
        return done if isinstance(done, int) else ExitCode.DONE
    except click.ClickException as error:
        if "--json" in given:
            _print(json.dumps({"error": {"message": error.format_message(), "advice": _help_of(error)}}))
        error.show()
        return ExitCode.USED_WRONGLY
    except (click.Abort, KeyboardInterrupt, Cancelled):
        _complain("interrupted; run the same command to go on")
        return ExitCode.INTERRUPTED
    except AcimlError as error:
        _tell("--json" in given, error.message, error.advice)
        return ExitCode.FAILED
    except BrokenPipeError:
        # whoever read the result has enough of it (`aciml logs | head`)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.FAILED
    except (OSError, sqlite3.Error) as error:
        # a full disk, a folder that is not ours to write: the user's to mend, wherever it comes up
        told = _of_system(error)
        if told is None:
            raise
        _tell("--json" in given, *told)
        return ExitCode.FAILED


def _help_of(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{context.command_path} --help says how it is used" if context is not None else ""


def _of_system(error: OSError | sqlite3.Error) -> tuple[str, str] | None:
    """Return what to say of an error of the system, and what to do; None if it is a fault of ours."""
    where = "name another folder by ACIML_CACHE"
    if isinstance(error, sqlite3.OperationalError):
        return f"the catalog in the cache: {error}", f"free some space there, or {where}"
    if not isinstance(error, OSError) or error.strerror is None:
        return None
    file, advice = str(error.filename or ""), _REMEDIES.get(error.errno or 0, "")
    cache = os.environ.get("ACIML_CACHE")
    if cache and file.startswith(cache) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
        advice = where
    return f"{file}: {error.strerror}" if file else error.strerror, advice


_REMEDIES = {
    errno.ENOSPC: "free some space: aciml cache prune removes what was not used for long",
    errno.EDQUOT: "your quota is used up: aciml cache prune removes what was not used for long",
    errno.EACCES: "give yourself the right, or name another place",
    errno.EPERM: "give yourself the right, or name another place",
    errno.EROFS: "name a place that can be written to; the cache is where ACIML_CACHE says",
}
"""What to do about errors of the system, by number."""


def _tell(as_json: bool, message: str, advice: str) -> None:  # noqa: FBT001  # of our own program
    if as_json:
        # standard output may be what is full
        with suppress(OSError):
            _print(json.dumps({"error": {"message": message, "advice": advice}}))
    _complain(f"{message}; {advice}" if advice else message)


def _print(text: str) -> None:
    print(text)  # noqa: T201  # a program speaks to its terminal


def _complain(text: str) -> None:
    Terminal.end_all()
    print(f"aciml: {text}", file=sys.stderr)  # noqa: T201  # as above


def program() -> None:
    """Run as a process; leave without the interpreter's shutdown, in which a solver's threads can crash."""
    code = main()
    try:
        sys.stdout.flush()
    except OSError as error:
        # what was printed last waits in a buffer until here
        if not isinstance(error, BrokenPipeError):
            _complain(f"standard output: {error.strerror}")
        code = code or ExitCode.FAILED
    sys.stderr.flush()
    os._exit(code)
