"""``aciml promote``: a revision that is held, or was one of before, gets all requests, once it is proven."""

from __future__ import annotations

from pathlib import Path

import click

from ..core.errors import UserError
from ..targets.revisions import Revision, find
from .deployed import service_argument, state_options
from .moves import Moving, move
from .terminal import change_options, json_option


@click.command("promote")
@service_argument
@state_options
@click.option("--to", metavar="REVISION", help="The revision; the newest that runs without it.")
@click.option("--no-proof", is_flag=True, help="Ask it for nothing first: neither whether it answers, nor what.")
@change_options()
@json_option
def command(
    service: str | None,
    stack: str | None,
    project: Path | None,
    to: str | None,
    *,
    no_proof: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Give all requests to SERVICE to a revision: one that `hold` keeps at 0 %, or one within a canary.

    It has to be healthy and to give its golden answers, if the program names a file of them. The one that served stays
    warm: `aciml promote --to` it brings the requests back, as `aciml rollback` does.
    """
    moving = Moving.of(stack, project, service, keys=not dry_run)
    known = moving.revisions.list()
    serving = moving.serving(known)
    chosen = find(known, to) if to else _newest(moving, known)
    return move(moving, serving, chosen, proof=not no_proof, dry_run=dry_run, yes=yes, as_json=as_json)


def _newest(moving: Moving, known: list[Revision]) -> Revision:
    found = next((one for one in known if one.active), None)
    if found is None:
        raise UserError(f"no revision of {moving.name} runs", "name one by --to: it is started first")
    return found
