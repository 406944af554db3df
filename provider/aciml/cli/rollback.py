"""``aciml rollback``: an image of before runs again, and the program is told what it has to say."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ..core.errors import AcimlError, UserError
from ..core.reference import Reference
from ..images.remote.holders import Run, runs_of
from ..images.remote.pushes import holder_of
from ..model.registry import LOGIN_SERVER
from ..properties import Values
from ..resources.group import ContainerGroup
from ..resources.protocol import Existing, InitFailed
from ..targets.revisions import Revision
from .deployed import service_argument, state_options
from .exit_code import ExitCode
from .moves import Moving, facts, move, rows
from .running import ImageFacts, RunningService, image_facts, tell_state
from .terminal import Terminal, answer, change_options, json_option

_CONTENT = re.compile(r"[0-9a-f]{12}")  # the tag of a push is the start of the digest
_START = re.compile(r"[0-9a-f]{6,64}")
_AT_ONCE = 8


@dataclass(frozen=True)
class Choice:
    """An image that a service can run. ``since`` is when this service last began to run it, RFC 3339, or empty."""

    facts: ImageFacts
    since: str = ""
    runs: bool = False
    declared: bool = False

    @property
    def digest(self) -> str:
        """Digest of its manifest."""
        return self.facts.reference.digest

    @property
    def time(self) -> str:
        """The time to sort by: when it began to run, else what the image says of itself."""
        return self.since or self.facts.created


@click.command("rollback")
@service_argument
@state_options
@click.option(
    "--to", metavar="DIGEST", help="Digest, its first digits, or a reference; the image of before without it."
)
@click.option("--list", "only_list", is_flag=True, help="List the images there are, newest first, and change nothing.")
@change_options("Say what would be done and what the program has to say; change nothing.")
@json_option
def command(
    service: str | None,
    stack: str | None,
    project: Path | None,
    to: str | None,
    *,
    only_list: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Let SERVICE run an image of before again, by the same steps as an update: it has to answer, or all stays.

    The state learns of it, so the next preview shows what `pulumi up` would change back. To keep the image, the program
    has to name it; what to write is printed.
    """
    # a listing together with a change would leave open which of them was done
    if only_list and (to or dry_run):
        raise click.UsageError("--list changes nothing: give it alone")
    progress = Terminal()
    # to look needs no secret: who may list images need not know the passphrase
    running = RunningService.of(stack, project, service, secrets=not only_list and not dry_run)
    revisions = running.targets.service.revisions(running.id, running.spec)
    # revisions go before images: what is still there takes over at once, without a start
    if revisions is not None and (moving := Moving(running, revisions)).has(to):
        return _of_revisions(moving, to, only_list=only_list, dry_run=dry_run, yes=yes, as_json=as_json)
    try:
        progress.say(f"asking {_place(running).registry} for the images of {running.service.name}")
        choices = choices_of(running)
    finally:
        progress.done()
    if only_list:
        images = {"service": running.service.name, "images": [_facts(one) for one in choices]}
        answer(images, _listed(choices), as_json=as_json)
        return ExitCode.DONE
    # chosen before anything else is asked: a wrong digest ends here
    choice = _chosen(running, choices, to)
    if choice.runs:
        # no error: to run what runs is what was asked for
        told = [f"{running.service.name} runs {choice.digest} already", *_keep(running, choice)]
        answer({**_result(running, choice), "changed": False}, told, as_json=as_json)
        return ExitCode.DONE
    if dry_run:
        told = [f"{running.service.name} would run {_told(choice)}", *_keep(running, choice)]
        answer({**_result(running, choice), "changed": False}, told, as_json=as_json)
        return ExitCode.DONE
    # an update that was interrupted first has to be told to the state, or it would be lost
    running.chosen.state.require_settled()
    # who names an image knows which; who names none is asked whether the guess is right
    if to is None and not yes:
        _confirm(running, choice)
    _bring(running, choice, progress)
    note = tell_state(running, progress)
    told = [f"{running.service.name} runs {_told(choice)}", *([note] if note else []), *_keep(running, choice)]
    answer({**_result(running, replace(choice, runs=True)), "changed": True, "note": note}, told, as_json=as_json)
    return ExitCode.DONE


def _of_revisions(moving: Moving, to: str | None, *, only_list: bool, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Roll a service with revisions back: the one of before is still there, so nothing is made anew."""
    known = moving.revisions.list()
    if only_list:
        answer({"service": moving.name, "revisions": facts(known)}, rows(known, moving.declared), as_json=as_json)
        return ExitCode.DONE
    serving = moving.serving(known)
    # by name, label or digest: a word that fits several is refused
    chosen = moving.found(known, to) if to else _revision_before(moving, known, serving)
    # the golden file has the answers of the image that goes; whether it answers at all is asked
    # who names a revision has decided already
    return move(moving, serving, chosen, golden=False, dry_run=dry_run, yes=yes or to is not None, as_json=as_json)


def _revision_before(moving: Moving, known: list[Revision], serving: Revision) -> Revision:
    """Return the revision to go back to: a warm one before one that was retired, the newest that is older."""
    # not newer ones: one that was made later is no way back, though it may never have served
    older = [one for one in known if one.name != serving.name and one.created <= serving.created]
    # one that is retired is no failure, and starts again; one that failed would do so again
    healthy = [one for one in older if one.healthy] or [one for one in older if one.state != "Failed"]
    if not healthy:
        why = f"{moving.name} has no older revision than {serving.name}"
        raise UserError(why, "name one by --to; `aciml revisions` lists them")
    return healthy[0]


def choices_of(running: RunningService) -> list[Choice]:
    """Return the images of the service's repository, newest first.

    Raises:
        OutageError: the registry does not answer.
    """
    place = _place(running)
    client = running.tools.client(place.registry)
    ran = runs_of(client, place.repository)
    since = {run.digest: run.since for runs in ran.values() for run in runs}
    # a record of this service's own counts before those of others that share its repository
    since |= {run.digest: run.since for run in _own(running, ran)}
    # a tag that is no digest's start was not made by a push of a service: a cache, a record, the user's own
    tags = [tag for tag in client.tags(place.repository) if _CONTENT.fullmatch(tag)]
    # eight at once: a repository may have hundreds of tags, and each is a request
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        # by HEAD: the digest is a header of the answer, and the manifest is asked for once, further on
        digests = threads.map(lambda tag: client.head_manifest(place.repository, tag), tags)
        pairs = zip(tags, digests, strict=True)
        known = [Reference(place.registry, place.repository, tag, digest) for tag, digest in pairs if digest]
        facts = [*threads.map(lambda one: image_facts(running.tools, one), known)]
    now = _runs_now(running)
    declared = Reference.parse(_declared(running)).digest
    # an environment's image may lie in the same repository, and serves nothing
    found = []
    for one in facts:
        if one is not None and one.is_service:
            digest = one.reference.digest
            found.append(Choice(one, _moment(since.get(digest)), runs=digest == now, declared=digest == declared))
    return sorted(found, key=lambda one: (one.time, one.digest), reverse=True)


def _place(running: RunningService) -> Reference:
    """Return where the service's images are: by its image resource, else by what the group runs."""
    image = running.service.image
    # where state knows no place the group's image names one
    if image and (login := image.text(LOGIN_SERVER)) and (repository := image.text("repository")):
        return Reference(login, repository)
    return Reference.parse(running.spec.image)


def _declared(running: RunningService) -> str:
    image = running.service.image
    return (image.text("image") if image else "") or running.spec.image


def _own(running: RunningService, ran: Mapping[str, tuple[Run, ...]]) -> tuple[Run, ...]:
    image = running.service.image
    return ran.get(holder_of(image.urn), ()) if image else ()


def _runs_now(running: RunningService) -> str:
    facts = running.targets.service.read(running.id, running.spec)
    if facts is None:
        why = f"{running.service.name} is gone: state knows it, and nobody there has it"
        raise UserError(why, "run `pulumi up`, which makes it again")
    # by what runs there, since somebody may have changed it by hand
    return Reference.parse(facts.image).digest


def _moment(seconds: int | None) -> str:
    return "" if not seconds else f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"


def _chosen(running: RunningService, choices: list[Choice], to: str | None) -> Choice:
    """Return the image that was asked for.

    Raises:
        UserError: there is none, or several, or nobody knows which one ran before.
    """
    if to is None:
        return _before(running, choices)
    wanted = to.strip()
    # a slash cannot be part of a digest
    if "/" in wanted:
        return _elsewhere(running, choices, Reference.parse(wanted))
    digits = wanted.removeprefix("sha256:")
    if not _START.fullmatch(digits):
        raise UserError(f'"{to}" is no digest', "give sha256: and its first digits, at least 6; --list shows them")
    found = [one for one in choices if one.digest.removeprefix("sha256:").startswith(digits)]
    if len(found) > 1:
        raise UserError(f'{len(found)} images begin with "{to}"', "give more digits")
    if not found:
        place = _place(running)
        why = f"{place.registry}/{place.repository} has no image that begins with {to}"
        raise UserError(why, f"--list shows the {len(choices)} there are")
    return found[0]


def _before(running: RunningService, choices: list[Choice]) -> Choice:
    """Return the image that this service ran before the one of now, by its record in the repository."""
    place, there = _place(running), {one.digest: one for one in choices}
    # by when they ran, and not by when they were made: an older commit may have been brought up later
    # the record of runs is in the repository itself, so another machine knows it as well
    ran = [run.digest for run in _own(running, runs_of(running.tools.client(place.registry), place.repository))]
    now = next((one.digest for one in choices if one.runs), "")
    # up to the last time that the image of now began to run: what ran after it is no image of before
    # searched from the end: one image may have run several times
    earlier = ran[: len(ran) - 1 - ran[::-1].index(now)] if now in ran else ran
    found = [there[digest] for digest in earlier if digest in there and digest != now]
    if found:
        return found[-1]
    why = f"it is not known what {running.service.name} ran before"
    if len(choices) < 2:
        why = f"{running.service.name} has no other image: its repository has {len(choices)}"
    raise UserError(why, "name one: `aciml rollback --list`, then --to DIGEST")


def _elsewhere(running: RunningService, choices: list[Choice], reference: Reference) -> Choice:
    """Return an image that a full reference names, of this repository or of another one."""
    if not reference.digest:
        raise UserError(f"{reference} has no digest", "write host/repository@sha256:..., since a tag may move")
    # of this repository its facts are here already
    # its manifest need not be fetched again
    known = next((one for one in choices if one.digest == reference.digest), None)
    if known and known.facts.reference.repository == reference.repository:
        return known
    facts = image_facts(running.tools, reference)
    if facts is None:
        raise UserError(
            f"{reference.registry}/{reference.repository} has no image {reference.digest}", "look at --list"
        )
    if not facts.is_service:
        raise UserError(f"{reference} is not the image of a service", "an environment alone serves nothing")
    return Choice(facts)


def _confirm(running: RunningService, choice: Choice) -> None:
    # a pipe answers nothing: better to end than to wait
    if not sys.stdin.isatty():
        raise UserError(f"{running.service.name} would run {_told(choice)}", "say --yes, or name it by --to")
    click.confirm(f"Let {running.service.name} run {_told(choice)}?", abort=True, err=True)


def _bring(running: RunningService, choice: Choice, progress: Terminal) -> None:
    """Bring the service to the image by the resource's own update: gate, smoke test and way back are those of `up`.

    Raises:
        AcimlError: it does not serve; the message says what serves now.
    """
    # by the resource and not by the target: what an update checks is checked here
    group = running.service.group
    progress.urn = group.urn
    image = str(choice.facts.reference)
    known = Existing(group.id, group.outputs, group.inputs)
    # all other inputs as they are: a way back changes the image and nothing else
    wanted: Values = {**without_golden(group.inputs), "image": image}
    progress.note(f"bringing {running.service.name} to {choice.digest}")
    try:
        ContainerGroup(running.targets.service).update(known, wanted, progress, preview=False)
    except InitFailed as error:
        # what the target did beyond its way back, such as another address, is for the state to know as well
        # even a failed update may have changed something: another port, another address
        tell_state(running, progress)
        raise AcimlError(error.message, error.advice) from error
    except KeyboardInterrupt:
        # in a cloud an operation that was begun goes on
        progress.warn("what was begun may go on; `aciml status` tells how it is, and `pulumi refresh` tells the state")
        raise
    finally:
        progress.done()


def without_golden(inputs: Values) -> Values:
    """Return the inputs of a group without its golden file: those answers are of the image that goes."""
    traffic = inputs.get("traffic")
    # without a ramp there is nothing in it that belongs to one image
    if not isinstance(traffic, Mapping):
        return inputs
    kept = {name: value for name, value in traffic.items() if name not in ("golden", "tolerances")}
    return {**{name: value for name, value in inputs.items() if name != "goldenHash"}, "traffic": kept}


def _keep(running: RunningService, choice: Choice) -> Iterator[str]:
    """Say what the program has to say for the image to stay."""
    if choice.declared:
        yield "this is what the program says, too: nothing has to be changed there"
        return
    # by the digest: a tag may lead elsewhere tomorrow
    word = running.word_for(choice.facts.reference)
    yield f"the program says {Reference.parse(_declared(running)).digest}:"
    yield "`pulumi up` would bring that back, as its preview shows; to keep this one, let the program say"
    yield f'  Python       ScoringServiceArgs(image="{word}", ...)'
    yield f'  YAML         image: "{word}"   (among the properties of {running.service.name})'
    yield f'  TypeScript   image: "{word}"'
    for key in _config_keys(running):
        yield f"or, as this stack's config declares the service: pulumi config set --path '{key}.image' {word}"
    yield "and drop the word again when the next image is to be built"


def _config_keys(running: RunningService) -> list[str]:
    """Return the keys of the stack's config that look like a service's arguments: a hint, so faults are none."""
    folder, stack = running.chosen.source.folder, running.chosen.state.stack
    # a hint for people: a config that cannot be read costs the hint and not the command
    try:
        project = YAML(typ="safe", pure=True).load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))
        path = folder / str(project.get("stackConfigDir") or ".") / f"Pulumi.{stack}.yaml"
        config = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8")).get("config") or {}
        return [key for key, value in config.items() if isinstance(value, Mapping) and _is_service(value)]
    except (OSError, YAMLError, AttributeError):
        return []


def _is_service(section: Mapping[str, Any]) -> bool:
    # by the words that only a service has
    return bool({"source_directory", "sourceDirectory", "image"} & section.keys())


def _told(choice: Choice) -> str:
    facts = choice.facts
    parts = [f"commit {facts.commit}" if facts.commit else "", f"it ran from {choice.since} on" if choice.since else ""]
    told = ", ".join(filter(None, parts)) or f"made {facts.created}"
    return f"{choice.digest} ({told})"


def _facts(one: Choice) -> dict[str, Any]:
    # packages are a thousand lines, and `aciml status` has them
    facts = asdict(replace(one.facts, packages=None))
    del facts["packages"]
    return {
        "digest": one.digest,
        **facts,
        "reference": str(one.facts.reference),
        "since": one.since,
        "runs": one.runs,
        "declared": one.declared,
    }


def _result(running: RunningService, choice: Choice) -> dict[str, Any]:
    return {
        "service": running.service.name,
        "image": _facts(choice),
        "program": {"image": running.word_for(choice.facts.reference)},
    }


def _listed(choices: list[Choice]) -> Iterator[str]:
    if not choices:
        yield "the repository has no image of a service"
        return
    yield f"{'':2}{'since':20}  {'commit':20}  {'MB':>7}  digest"
    for one in choices:
        mark = "*" if one.runs else "+" if one.declared else " "
        since = one.since or f"made {one.facts.created[:10]}"
        yield f"{mark} {since:20}  {one.facts.commit or '-':20}  {one.facts.size / 1e6:>7.1f}  {one.digest}"
    yield "* runs now" + (
        "; + is what the program says" if any(one.declared and not one.runs for one in choices) else ""
    )
