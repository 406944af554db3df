"""``aciml events``: what happened to a service's containers."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import click

from ..core.errors import UserError
from ..targets.observed import ContainerSeen, Event, Observed
from .deployed import service_argument, state_options
from .exit_code import ExitCode
from .running import RunningService
from .terminal import answer, json_option


@click.command("events")
@service_argument
@state_options
@json_option
def command(service: str | None, stack: str | None, project: Path | None, *, as_json: bool) -> int:
    """Tell what happened to SERVICE's containers, oldest first: pulls, starts, ends, probes that failed.

    Places forget: Docker keeps the last 256 events of the whole machine, Container Instances an hour or so.
    """
    running = RunningService.of(stack, project, service)
    seen = running.targets.service.observe(running.id, running.spec)
    if seen is None:
        raise UserError(f"{running.service.name} is gone: state knows it, and nobody there has it", "run `pulumi up`")
    facts = {
        "service": running.service.name,
        "where": seen.where,
        "under_way": seen.under_way,
        "containers": [asdict(one) for one in seen.containers],
        "events": [asdict(one) for one in seen.events],
    }
    answer(facts, _lines(seen), as_json=as_json)
    return ExitCode.DONE


def _lines(seen: Observed) -> Iterator[str]:
    if seen.under_way:
        yield f"{seen.where}: {seen.under_way}"
    yield from map(_container, seen.containers)
    if not seen.events:
        yield "no events are remembered"
    yield from map(_event, seen.events)


def _container(one: ContainerSeen) -> str:
    code = "" if one.exit_code is None else f", last exit code {one.exit_code}"
    killed = ", out of memory" if one.out_of_memory else ""
    detail = f" ({one.detail})" if one.detail else ""
    return f"{one.name}: {one.state}{detail}, {one.restarts} restarts{code}{killed}"


def _event(one: Event) -> str:
    times = f" ({one.count} times)" if one.count > 1 else ""
    return f"{one.time[:19]:<19} {one.name}{times} {one.message}".rstrip()
