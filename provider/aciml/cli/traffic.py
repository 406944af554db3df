"""``aciml traffic``: which revision of a service gets how many of its requests."""

from __future__ import annotations

from pathlib import Path

import click

from ..core.errors import UserError
from ..targets.revisions import find, require_weights
from .deployed import service_argument, state_options
from .exit_code import ExitCode
from .moves import Moving, facts, rows
from .running import tell_state
from .terminal import Terminal, answer, change_options, json_option


@click.command("traffic")
@service_argument
@state_options
@click.option("--set", "shares", multiple=True, metavar="REVISION=PERCENT", help="A share; repeat it, 100 in all.")
@change_options()
@json_option
def command(
    service: str | None,
    stack: str | None,
    project: Path | None,
    shares: tuple[str, ...],
    *,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Show how the requests to SERVICE are shared between its revisions, or share them otherwise by --set.

    A revision is named by its name, its label, or what stands behind `--` in its name; one that is not named gets
    nothing. No gate is asked: `aciml promote` asks one.
    """
    moving = Moving.of(stack, project, service)
    known = moving.revisions.list()
    if not shares:
        answer({"service": moving.name, "revisions": facts(known)}, rows(known, moving.declared), as_json=as_json)
        return ExitCode.DONE
    weights = {find(known, name).name: percent for name, percent in map(_share, shares)}
    if len(weights) < len(shares):
        raise UserError("one revision is named twice", "name each of them once")
    require_weights(weights, known)
    said = ", ".join(f"{name} {percent} %" for name, percent in weights.items())
    note = ""
    if not dry_run:
        moving.confirm(f"The requests to {moving.name} go so: {said}", yes=yes)
        progress = Terminal()
        try:
            progress.say(f"sharing the requests: {said}")
            moving.revisions.weigh(weights, progress)
            note = tell_state(moving.running, progress)
        finally:
            progress.done()
        known = moving.revisions.list()
    told = [f"{moving.name}{' would be shared' if dry_run else ''}: {said}", *([note] if note else [])]
    keep = [] if dry_run else list(moving.kept(known))
    result = {"service": moving.name, "weights": weights, "changed": not dry_run, "note": note, "program": keep}
    answer(result, [*told, *keep], as_json=as_json)
    return ExitCode.DONE


def _share(text: str) -> tuple[str, int]:
    name, equals, percent = text.rpartition("=")
    if not equals or not name or not percent.strip().removesuffix("%").isdigit():
        raise click.UsageError(f'--set "{text}" is no share; write REVISION=PERCENT, such as candidate=20')
    return name.strip(), int(percent.strip().removesuffix("%"))
