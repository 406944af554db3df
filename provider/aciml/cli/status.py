"""``aciml status``: what runs against what was declared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click

from ..core.errors import AcimlError
from ..core.progress import Progress
from ..core.reference import Reference
from ..model.declared import rows_of, written_leaves
from ..model.group import Group
from ..properties import is_unknown, reveal
from ..targets.hints import hint
from ..targets.observed import ContainerSeen, LogWish, Observed
from ..targets.protocol import HEALTH_PATH, GroupFacts
from ..targets.smoke import Answer, ask, knock
from .deployed import Chosen, StateSource, service_argument, state_options
from .exit_code import ExitCode
from .running import ImageFacts, RunningService, image_facts
from .terminal import Terminal, answer, json_option
from .updates import Update, update_at, updates_of

_LOG_LINES = 200  # as many as a hint may need
_SHOWN_LINES = 12
_SHOWN_PACKAGES = 8


@dataclass(frozen=True)
class Difference:
    """A property that is not as it was declared; both sides in words, a secret is not shown."""

    name: str
    declared: str
    seen: str


@dataclass(frozen=True)
class Status:
    """All that is known of a service; parts that could not be asked are None, and ``notes`` say why."""

    service: str
    target: str
    name: str
    scoring_uri: str
    facts: GroupFacts | None
    observed: Observed | None
    answer: Answer | None
    declared_image: Reference
    image: ImageFacts | None
    update: Update | None
    differences: tuple[Difference, ...]
    probes: tuple[str, ...]
    why: str
    log: tuple[str, ...]
    notes: tuple[str, ...]

    @property
    def runs(self) -> bool:
        """Tell whether its container runs."""
        # of a service with replicas main is the one that serves, or that should
        main = self.observed.main if self.observed else None
        return bool(self.facts and self.facts.state == "Running" and main and main.state == "Running")

    @property
    def serves(self) -> bool:
        """Tell whether it answers; of one that nobody here can reach, whether it runs."""
        # a private address says nothing here: then only Docker or Azure can tell whether it runs
        return self.runs and (self.answer is None or self.answer.serves)

    @property
    def well(self) -> bool:
        """Tell whether it serves, as it was declared."""
        return self.serves and not self.differences

    @property
    def word(self) -> str:
        """How it is, in a few words."""
        if self.facts is None:
            return "is gone: state knows it, and nobody there has it"
        if self.serves:
            said = "serves" if self.answer else "runs (it cannot be asked from here)"
            return said if not self.differences else f"{said}, and is not as it was declared"
        # told before the container: clients see the door, and behind one that is down nobody is reached
        main, door = (self.observed.main, self.observed.door) if self.observed else (None, None)
        if door and door.state != "Running":
            return f"does not run: its door, container {door.name}, is {door.detail}; `pulumi up` starts it"
        if main and main.state != "Running":
            code = f", exit code {main.exit_code}" if main.exit_code is not None else ""
            return f"does not run: its container is {main.detail or main.state}{code}"
        return f"runs and does not answer: {HEALTH_PATH} says {self.answer}" if self.answer else "does not answer"


@click.command("status")
@service_argument
@state_options
@click.option("--packages", "all_packages", is_flag=True, help="List all packages of the image.")
@json_option
def command(service: str | None, stack: str | None, project: Path | None, *, all_packages: bool, as_json: bool) -> int:
    """Tell what runs against what was declared: of SERVICE, or of all services of the stack.

    Ends with 1 if a service does not serve, or is not as the last update declared it.
    """
    source, progress = StateSource.of(stack, project), Terminal()
    state = source.state
    # without a name all of them: who asks at night may not know which one it is
    state.require_services()
    asked = [state.service(service)] if service else list(state.services)
    updates = updates_of(source)
    try:
        found = [_status(RunningService.at(Chosen(source, state, one)), updates, progress) for one in asked]
    finally:
        progress.done()
    # an operation that was pending when the last run ended: what became of it is in no state
    for told in state.pending:
        progress.warn(f"{state.title} was interrupted while {told}; `pulumi refresh` finds out how that ended")
    facts = {"stack": state.stack, "pending": list(state.pending), "services": [_facts(one) for one in found]}
    answer(facts, (line for one in found for line in _lines(one, all_packages=all_packages)), as_json=as_json)
    # a probe that asks for health wants one answer: 1 for anything that is not as it should be
    return ExitCode.DONE if all(one.well for one in found) else ExitCode.FAILED


def _status(running: RunningService, updates: tuple[Update, ...], progress: Progress) -> Status:
    # first of all: everything else is asked only of what is there
    service, spec, place = running.service, running.spec, running.targets.service
    progress.say(f"looking at {service.name}")
    notes: list[str] = []
    facts = place.read(running.id, spec)
    observed = place.observe(running.id, spec) if facts else None
    main = observed.main if observed else None
    answered, told = _ask(running, facts, main)
    notes += told
    why, log = "", tuple[str, ...]()
    dead = main is None or main.state != "Running" or not (answered is None or answered.serves)
    # the log of one that answers says nothing of why it would not
    if facts and dead:
        log = _log(running, progress)
        why = hint(log, main.exit_code if main else None, out_of_memory=bool(main and main.out_of_memory))
    declared = _declared(running)
    # what runs, and not what should: of that people want to know the commit
    # by digest: two tags of one image are no difference
    runs = Reference.parse(facts.image) if facts and facts.image else declared
    progress.say(f"asking {runs.registry} for the image of {service.name}")
    image, told = _image(running, runs)
    made = service.image.modified if service.image else ""
    return Status(
        service=service.name,
        target=place.name,
        name=spec.name,
        scoring_uri=service.group.text("scoringUri"),
        facts=facts,
        observed=observed,
        answer=answered,
        declared_image=declared,
        image=image,
        # a run that changed the image alone has left the group as it was
        update=update_at(updates, service.group.modified) or update_at(updates, made),
        differences=tuple(_differences(running, facts)) if facts else (),
        probes=tuple(_probes(running)),
        why=why,
        log=log[-_SHOWN_LINES:],
        notes=(*notes, *told),
    )


def _ask(
    running: RunningService, facts: GroupFacts | None, main: ContainerSeen | None
) -> tuple[Answer | None, list[str]]:
    """Ask ``/``; None if that would tell nothing, with a note why."""
    if facts is None or main is None or main.state != "Running":
        return None, []
    # a certificate of one's own is checked by that one, and not by the machine's list
    tls = running.spec.declared.tls.ssl_enabled
    # by where it is now: an address may be another one than state remembers
    scheme = facts.scheme or f"http{'s' if tls else ''}"
    base = f"{scheme}://{facts.address}" if facts.address else ""
    if not base:
        return None, ["it has no address to be asked by"]
    own = running.certificate
    # a name that DNS does not know from here is no failure of the service
    got = knock(base + HEALTH_PATH, own) if own else ask(base + HEALTH_PATH, running.verify)
    private = running.spec.declared.network.ip_address_type in {"Private", "None"}
    if not got.status and private and got.why.startswith("unreachable"):
        return None, [f"{base} is private and cannot be reached from this machine"]
    return got, []


def _log(running: RunningService, progress: Progress) -> tuple[str, ...]:
    try:
        wish = LogWish(tail=_LOG_LINES)
        return tuple(line.text for line in running.targets.service.log(running.id, running.spec, wish, progress))
    except AcimlError:
        return ()  # the log explains; what is to be explained is told anyway


def _image(running: RunningService, reference: Reference) -> tuple[ImageFacts | None, list[str]]:
    try:
        found = image_facts(running.hasty_tools, reference, packages=True)
    except AcimlError as error:
        return None, [f"what is in the image is not known: {error}"]
    if found is None:
        # a container goes on without its image, and does not start anew anywhere else
        return None, [f"its registry does not have the image {reference} any more: it cannot start on another machine"]
    return found, []


def _differences(running: RunningService, facts: GroupFacts) -> Iterator[Difference]:
    spec, declared = running.spec, _declared(running)
    if facts.image and Reference.parse(facts.image).digest != declared.digest:
        yield Difference("image", str(declared), facts.image)
    for name, wanted, has in (("cpuCores", spec.cpu, facts.cpu), ("memoryGb", spec.memory_gb, facts.memory_gb)):
        # 0 is a place that does not say it; Docker counts cores in billionths, and gives back 0.1 with a rounding
        if has and abs(wanted - has) > 1e-4:
            yield Difference(name, f"{wanted:g}", f"{has:g}")
    if facts.drift is None:
        return
    rows = rows_of(Group)
    for leaf in facts.drift.names:
        # both sides through the same writer, so that a default that is spelled out is no difference
        before = written_leaves(spec.declared, [leaf])
        now = written_leaves(facts.drift.now, [leaf])
        (name,) = before
        # what is hidden from us cannot be compared, and the image was
        if name in {"image", "cpuCores", "memoryGb"} or is_unknown(before[name]):
            # an image is compared by its digest above, and cores by their size
            continue
        # of a secret it is said that it differs, and never how
        hidden = rows[leaf].secret
        yield Difference(name, *("[secret]" if hidden else _word(side[name]) for side in (before, now)))


def _declared(running: RunningService) -> Reference:
    """Return the image that the last update declared: the group's own may have been brought to another one since."""
    image = running.service.image
    return Reference.parse((image.text("image") if image else "") or running.spec.image)


def _word(value: Any) -> str:
    return "nothing" if value is None or value == [] else str(reveal(value))


def _probes(running: RunningService) -> Iterator[str]:
    declared = running.spec.declared
    for kind in ("liveness", "readiness"):
        probe = getattr(declared, f"{kind}_probe")
        if probe is None or probe.is_silent:
            continue
        asked = f"GET {probe.http_get.path} on port {probe.http_get.port}" if probe.http_get else "a command"
        period = f" every {probe.period_seconds:g} s" if probe.period_seconds else ""
        # a local container has one check, Docker's, which the image brings
        idle = "" if running.targets.service.name == "azure" else ", not on this target"
        yield f"{kind}: {asked}{period}{idle}"


def _facts(one: Status) -> Mapping[str, Any]:
    main = one.observed.main if one.observed else None
    runs = one.image.reference if one.image else None
    return {
        "service": one.service,
        "name": one.name,
        "target": one.target,
        "well": one.well,
        "serves": one.serves,
        # with a word of its own, since a service that is gone has no state
        "status": one.word,
        "state": one.facts.state if one.facts else "Gone",
        "scoring_uri": one.scoring_uri,
        "answer": None if one.answer is None else {"status": one.answer.status, "why": one.answer.why},
        "image": {
            "declared": str(one.declared_image),
            "runs": one.facts.image if one.facts else None,
            "commit": one.image.revision if one.image else None,
            "source": one.image.source if one.image else None,
            "created": one.image.created if one.image else None,
            "base": one.image.base if one.image else None,
            "size": one.image.size if one.image else None,
            "packages": dict(one.image.packages) if one.image and one.image.packages else None,
            "in_registry": runs is not None,
        },
        "update": asdict(one.update) if one.update else None,
        "container": asdict(main) if main else None,
        "door": asdict(one.observed.door) if one.observed and one.observed.door else None,
        "under_way": one.observed.under_way if one.observed else "",
        "probes": list(one.probes),
        "differences": [asdict(each) for each in one.differences],
        "why": one.why,
        "log": list(one.log),
        "notes": list(one.notes),
    }


def _lines(one: Status, *, all_packages: bool) -> Iterator[str]:
    yield f"{one.service} {one.word}"
    if one.why:
        yield f"  why         {one.why}"
    rows = [*_about_service(one), *_about_image(one, all_packages=all_packages)]
    yield from (f"  {head:<11} {text}" for head, text in rows)
    if one.log:
        yield "  last lines of its log:"
        yield from (f"    {line}" for line in one.log)
    yield from (f"  note        {note}" for note in one.notes)


def _about_service(one: Status) -> Iterator[tuple[str, str]]:
    yield "address", one.scoring_uri or "none"
    if one.answer is not None:
        yield HEALTH_PATH, str(one.answer)
    if one.observed and (main := one.observed.main):
        yield "container", _container(main)
        if door := one.observed.door:
            yield "door", f"{_container(door)} ({door.name})"
        if one.observed.under_way:
            yield "under way", one.observed.under_way
        ill = sum(event.count for event in one.observed.events if event.name == "Unhealthy")
        if ill:
            yield "unhealthy", f"its probes failed {ill} times; `aciml events` lists them"
    yield from (("probe", probe) for probe in one.probes)
    for each in one.differences:
        yield "differs", f"{each.name}: declared {each.declared}, is {each.seen}"


def _container(main: ContainerSeen) -> str:
    since = f" since {_spoken(main.started)}" if main.state == "Running" and main.started else ""
    parts = [f"{main.state}{since}", f"{main.restarts} restart{'s' * (main.restarts != 1)}"]
    # from the last end, also of one that runs again: that is what a crash loop looks like between two crashes
    if main.exit_code is not None:
        killed = ", out of memory" if main.out_of_memory else ""
        when = f" at {_spoken(main.finished)}" if main.finished else ""
        parts.append(f"last end: exit code {main.exit_code}{killed}{when}")
    return ", ".join(parts)


def _about_image(one: Status, *, all_packages: bool) -> Iterator[tuple[str, str]]:
    runs = one.facts.image if one.facts and one.facts.image else str(one.declared_image)
    yield "image", runs
    if one.update is not None:
        by = f" by {one.update.who}" if one.update.who else ""
        commit = f", commit {one.update.commit}" if one.update.commit else ""
        # states in a folder or a bucket do not count their updates
        number = f" (update {one.update.version} of the stack)" if one.update.version else ""
        yield "deployed", f"{_spoken(one.update.started)}{by}{commit}{number}"
    if (image := one.image) is None:
        return
    if image.commit:
        yield "commit", f"{image.commit}{f' of {image.source}' if image.source else ''}, {_spoken(image.created)}"
    if image.base:
        yield "base", image.base
    if image.packages:
        known = [f"{name} {version}" for name, version in image.packages.items()]
        more = len(known) - _SHOWN_PACKAGES
        shown = known if all_packages or more <= 0 else [*known[:_SHOWN_PACKAGES], f"and {more} more (--packages)"]
        yield "packages", f"{len(known)}: {', '.join(shown)}"


def _spoken(when: str) -> str:
    """Return a time for people: seconds do, and all are UTC."""
    return f"{when[:10]} {when[11:19]} UTC" if len(when) >= 19 else when
