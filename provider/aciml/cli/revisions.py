"""``aciml revisions``: the revisions of a service; one is restarted, scaled, retired or activated by hand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import chain
from pathlib import Path
from typing import Any, TypeVar

import click

from ..core.errors import UserError
from ..targets.revisions import Revision, find
from .deployed import service_argument, state_options
from .exit_code import ExitCode
from .moves import Moving, facts, replica_rows, rows
from .terminal import Terminal, answer, json_option, yes_option

_Run = TypeVar("_Run", bound=Callable[..., Any])
_Done = TypeVar("_Done")
# 4 digits: more replicas than that nobody runs, and a typing error they are
_SCALE = re.compile(r"(\d{1,4})(?:-(\d{1,4}))?")


class _Listing(click.Group):
    """Lists where no other word is said: ``aciml revisions diabetes``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        # a service may be called like a command: then `list` has to be written
        if not args or (args[0] not in self.commands and args[0] not in ctx.help_option_names):
            args = ["list", *args]
        return super().parse_args(ctx, args)


@click.group("revisions", cls=_Listing)
def command() -> None:
    """List the revisions of a service (runsOn: container_app), or change one by hand.

    `aciml revisions SERVICE` lists them; `aciml traffic` shares the requests between them.
    """


@command.command("list")
@service_argument
@state_options
@json_option
def list_(service: str | None, stack: str | None, project: Path | None, *, as_json: bool) -> int:
    """List the revisions of SERVICE, the newest first: weight, replicas, state, image; then what each replica does."""
    moving = Moving.of(stack, project, service)
    known = moving.revisions.list()
    # of a retired one nothing runs: not worth a call
    running = {one.name: moving.revisions.replicas(one.name) if one.active else () for one in known}
    listed = [{**one, "running": [*map(asdict, running[str(one["name"])])]} for one in facts(known)]
    result = {"service": moving.name, "declared": moving.declared, "revisions": listed}
    every = [replica for one in known for replica in running[one.name]]
    answer(result, chain(rows(known, moving.declared), replica_rows(every)), as_json=as_json)
    return ExitCode.DONE


def _changing(run: _Run) -> _Run:
    # the revision is the argument here, so the service is an option
    service = click.option("--service", help="The service; the only one of the stack without it.")
    return click.argument("revision")(service(state_options(json_option(yes_option(run)))))


@command.command("restart")
@_changing
def restart(
    revision: str, service: str | None, stack: str | None, project: Path | None, *, yes: bool, as_json: bool
) -> int:
    """Start the replicas of REVISION anew, with what its secrets are now. The state has nothing of it."""
    moving, one = _found(stack, project, service, revision)
    moving.confirm(f"The replicas of {one.name} start anew", yes=yes)
    _do(lambda progress: moving.revisions.restart(one.name, progress), f"restarting {one.name}")
    return _told(
        moving, one.name, ["the state has nothing of a restart: the program need not be changed"], as_json=as_json
    )


@command.command("activate")
@_changing
def activate(
    revision: str, service: str | None, stack: str | None, project: Path | None, *, yes: bool, as_json: bool
) -> int:
    """Run REVISION again, which was retired; it gets no requests before `aciml traffic` or `promote` gives it some."""
    moving, one = _found(stack, project, service, revision)
    moving.confirm(f"{one.name} runs again, and costs what a replica costs", yes=yes)
    _do(lambda progress: moving.revisions.activate(one.name, progress), f"activating {one.name}")
    # the update tidies up by the program's own words
    note = "the next `pulumi up` that changes the service retires it, if traffic.previous keeps no place for it"
    return _told(moving, one.name, [note], as_json=as_json)


@command.command("retire")
@_changing
def retire(
    revision: str, service: str | None, stack: str | None, project: Path | None, *, yes: bool, as_json: bool
) -> int:
    """Let REVISION finish what it has, and run no more; it can be activated again. One with requests is refused."""
    # told before the question, since the answer would be no
    moving, one = _found(stack, project, service, revision)
    if one.weight:
        why = f"{one.name} gets {one.weight} % of the requests"
        raise UserError(why, "give them to another one first: `aciml traffic --set NAME=100`")
    moving.confirm(f"{one.name} runs no more", yes=yes)
    _do(lambda progress: moving.revisions.retire(one.name, progress), f"retiring {one.name}")
    note = "the state has nothing of it; a rollback to it starts it first, which takes a while"
    return _told(moving, one.name, [note], as_json=as_json)


@command.command("scale")
@_changing
@click.option("--replicas", required=True, metavar="N or N-M", help="How many shall run: a number, or least and most.")
def scale(
    revision: str,
    service: str | None,
    stack: str | None,
    project: Path | None,
    replicas: str,
    *,
    yes: bool,
    as_json: bool,
) -> int:
    """Run another number of replicas of REVISION, until an update of the service says otherwise."""
    found = _SCALE.fullmatch(replicas.strip())
    # one number is both: no autoscaler is asked for
    least, most = (int(found[1]), int(found[2] or found[1])) if found else (0, 0)
    if not found or most < least or not most:
        raise click.UsageError(f'--replicas "{replicas}" is no number of replicas; write 3, or 1-5: least and most')
    moving, one = _found(stack, project, service, revision)
    count = f"{least} to {most}" if most > least else f"{most}"
    moving.confirm(f"{count} replicas of {one.name} run", yes=yes)
    name = _do(lambda progress: moving.revisions.scale(one.name, least, most, progress), f"scaling {one.name}")
    # in the cloud a number of replicas is a part of what makes a revision
    other = [f"it has the requests of {one.name}, which stays warm until `aciml revisions retire {one.name}`"]
    told = [
        *(other if name != one.name else []),
        "the next `pulumi up` that changes the service brings back what the program says; to keep this, let it say",
        f"  Python       ScaleArgs(min_replicas={least}, max_replicas={most})",
        f"  YAML         scale: {{minReplicas: {least}, maxReplicas: {most}}}",
    ]
    return _told(moving, name, told, as_json=as_json)


def _found(stack: str | None, project: Path | None, service: str | None, revision: str) -> tuple[Moving, Revision]:
    # by the service's own list: a label serves as a name
    moving = Moving.of(stack, project, service)
    return moving, find(moving.revisions.list(), revision)


def _do(change: Callable[[Terminal], _Done], what: str) -> _Done:
    progress = Terminal()
    progress.say(what)
    try:
        return change(progress)
    # the live line goes, whatever has happened
    finally:
        progress.done()


def _told(moving: Moving, name: str, notes: list[str], *, as_json: bool) -> int:
    # read again, since what is told is how it is now
    one = find(moving.revisions.list(), name)

    def lines() -> Iterator[str]:
        count = f"{one.ready} of {one.replicas} replicas answer"
        yield f"{one.name} is {one.state}, {count}, {one.weight} % of the requests"
        yield from notes

    answer({"service": moving.name, "revision": facts([one])[0], "program": notes}, lines(), as_json=as_json)
    return ExitCode.DONE
