"""``aciml logs``: what a service's container wrote."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from ..core.errors import UserError
from ..targets.observed import LogLine, LogWish
from .deployed import service_argument, state_options
from .exit_code import ExitCode
from .running import RunningService
from .terminal import Terminal, json_option, say

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.command("logs")
@service_argument
@state_options
@click.option("--follow", "-f", is_flag=True, help="Go on until ctrl-C, also over restarts and updates.")
@click.option("--previous", "-p", is_flag=True, help="The run before the last restart, which says why it ended.")
@click.option("--tail", type=click.IntRange(min=1), help="So many of the last lines; all without it.")
@click.option("--since", help="Lines from then on: 10m, 2h, 1d, or a time such as 2026-11-27T10:00:00Z.")
@click.option("--container", default="", help="Another container of the group than the one that serves.")
@click.option("--timestamps", is_flag=True, help="Begin each line with its time (UTC).")
@json_option
def command(
    service: str | None,
    stack: str | None,
    project: Path | None,
    since: str | None,
    tail: int | None,
    container: str,
    *,
    follow: bool,
    previous: bool,
    timestamps: bool,
    as_json: bool,
) -> int:
    """Print the log of SERVICE's container, as the container wrote it.

    With --json each line is an object with "time" and "text".
    """
    if follow and previous:
        raise click.UsageError("--follow and --previous exclude one another: a run that has ended writes no more")
    wish = LogWish(tail or 0, _moment(since, datetime.now(UTC)) if since else "", follow, previous, container)
    running, progress = RunningService.of(stack, project, service), Terminal()
    seen = running.targets.service.observe(running.id, running.spec)
    if seen is None:
        raise UserError(f"{running.service.name} is gone: state knows it, and nobody there has it", "run `pulumi up`")
    seen.container(container)
    wrote = False
    try:
        for line in running.targets.service.log(running.id, running.spec, wish, progress):
            wrote = True
            say(_told(line, timestamps=timestamps, as_json=as_json))
    except KeyboardInterrupt:
        # the usual end of what is followed: nothing is broken off that anybody could go on with
        return ExitCode.INTERRUPTED
    if not wrote:
        Terminal().note(f"{seen.where} wrote nothing" + (f" since {wish.since[:19]}Z" if since else ""))
    return ExitCode.DONE


def _told(line: LogLine, *, timestamps: bool, as_json: bool) -> str:
    if as_json:
        return json.dumps({"time": line.time, "text": line.text})
    return f"{line.time} {line.text}" if timestamps and line.time else line.text


def _moment(text: str, now: datetime) -> str:
    """Return a time that was said: so long ago, or RFC 3339; one without a zone is UTC.

    Raises:
        UsageError: it is neither.
    """
    if found := re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip()):
        when = now - timedelta(seconds=float(found[1]) * _UNITS[found[2]])
    else:
        try:
            when = datetime.fromisoformat(text.strip())
        except ValueError:
            raise click.UsageError(f'--since "{text}" is no time; write 10m, 2h, 1d or 2026-11-27T10:00:00Z') from None
    utc = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond:06d}Z"
