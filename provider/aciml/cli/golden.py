"""``aciml golden``: answers that a model has to give are recorded, and compared with those of another one."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ..core.errors import UserError
from ..core.golden.compare import Verdict
from ..core.golden.file import LARGEST_YAML
from ..core.golden.request import Golden, Request
from ..core.golden.table import facts, lines
from ..core.golden.text import as_lines, as_yaml
from ..resources.golden import read_golden
from ..server_files import VERSION
from ..targets.golden import without_answers
from .deployed import Chosen, state_options
from .exit_code import ExitCode
from .invoke import example_of
from .sides import Side, Words, compare, is_file, record, side_of, tell_misfits
from .terminal import Terminal, answer, json_option

FILE = "golden.yaml"
_KEY = click.option("--key-variable", metavar="NAME", help="Variable of this shell that has the key of a URL.")
_SIDES = (
    "a service of the stack, SERVICE@REVISION, a URL, an image (started on this machine's Docker), or a golden file"
)


@click.group("golden")
def command() -> None:
    """Record the answers that a model gives, and compare them with those of another one.

    A golden file has requests, the answers that they have to get, and how far numbers may be off. Say it in the
    program (traffic.golden), and no update lets a model serve whose answers are others.
    """


@command.command("record")
@click.argument("source", required=False)
@click.option("--out", "-o", type=click.Path(dir_okay=False), help=f"File to write; that of the program, else {FILE}.")
@click.option("--requests", type=click.Path(dir_okay=False), help="Golden file whose requests are sent.")
@click.option("--once", is_flag=True, help="Ask once; without it twice, to see what is another answer each time.")
@_KEY
@state_options
@json_option
def record_(
    source: str | None,
    out: str | None,
    requests: str | None,
    key_variable: str | None,
    stack: str | None,
    project: Path | None,
    *,
    once: bool,
    as_json: bool,
) -> int:
    """Ask SOURCE and write its answers into a golden file.

    SOURCE is a service of the stack (the only one without a word), SERVICE@REVISION, a URL, or an image. The requests
    are those of the file that is written if it is there, else those of --requests, else the smoke test's and the
    samples of the service's own document. Names and tolerances of a file stay. No key is ever written.
    """
    # a name that is a file's is taken for it: an image is never called so by accident
    if source and is_file(source):
        raise click.UsageError(f"{source} is a file, and files answer nothing; name it by --requests")
    progress, words = Terminal(), Words(stack, project, key_variable)
    # relative to where the command was given: a service's side goes into its project
    named, asked_of = (Path(one).expanduser().resolve() if one else None for one in (out, requests))
    try:
        with side_of(source, words, progress) as side:
            # declared by the program: then what is recorded is what the next update compares with
            path = named or Path(side.declared or FILE).expanduser()
            asked = _requests(asked_of or path, side, must_be=asked_of is not None)
            # told before they are sent: a request that cannot be answered is found by its form
            tell_misfits(asked, side, progress)
            made = record(side, asked, progress)
            # asked a second time at once: what differs then differs by itself (times, ids, sampling), and no tolerance
            # is its fault
            wavering = Verdict(0) if once else compare(made, side, progress)
    # the line of progress goes before the result is printed
    finally:
        progress.done()
    # by the folder they had: a request may name a file beside the old one
    written = _write(path, _moved(replace(made, recorded=_recorded(side)), Path(asked.name).parent, path.parent))
    told = [f"{written}: {len(made.requests)} requests with the answers of {side.title}"]
    # the second answers are not written: a file has one answer for each request
    if not wavering.same:
        told += ["not the same twice: give these a tolerance, or ignore them ({path: ..., ignore: true})"]
        told += [*lines(wavering, "the answers of a moment ago")][1:]
    result = {"file": str(written), "requests": len(made.requests), "wavering": facts(wavering)["differences"]}
    answer(result, told, as_json=as_json)
    return ExitCode.DONE


@command.command("check")
@click.argument("sides", nargs=-1)
@click.option("--requests", type=click.Path(dir_okay=False), help="Golden file whose requests and tolerances are used.")
@click.option("--all", "everything", is_flag=True, help="Show all differences that are kept, and not the worst alone.")
@_KEY
@state_options
@json_option
def check(
    sides: tuple[str, ...],
    requests: str | None,
    key_variable: str | None,
    stack: str | None,
    project: Path | None,
    *,
    everything: bool,
    as_json: bool,
) -> int:
    """Compare the answers of SIDES, the old one first; the worst difference is shown first. Ends with 1 if they differ.

    A side is a service of the stack, SERVICE@REVISION, a URL, an image (started on this machine's Docker), or a golden
    file. One side is compared with the program's golden file, or with the service if it is a file; none: the service
    with the program's file.
    """
    if len(sides) > 2:
        raise click.UsageError("two sides are compared; more were named")
    # only the old side can be a file, since files answer nothing
    if len([one for one in sides if is_file(one)]) > 1 or (len(sides) == 2 and is_file(sides[1])):
        raise click.UsageError("a golden file is the old side, and the new one has to answer; name the file first")
    progress, words = Terminal(), Words(stack, project, key_variable)
    # read before anything is started: a file that is wrong costs no container
    files = {word: read_golden(word) for word in (*filter(is_file, sides), *([requests] if requests else []))}
    try:
        old, new, verdict = _compared(sides, files, requests, words, progress)
    finally:
        progress.done()
    told = lines(verdict, old, 10**6 if everything else 20)
    told = (f"{new}: {line}" if number == 0 else line for number, line in enumerate(told))
    answer({"old": old, "new": new, **facts(verdict)}, told, as_json=as_json)
    return ExitCode.DONE if verdict.same else ExitCode.FAILED


def _compared(
    sides: tuple[str, ...], files: Mapping[str, Golden], requests: str | None, words: Words, progress: Terminal
) -> tuple[str, str, Verdict]:
    """Return the titles of both sides, and what differs."""
    live = [word for word in sides if word not in files]
    with ExitStack() as stack:
        new = stack.enter_context(side_of(live[-1] if live else None, words, progress))
        if len(live) == 2:
            old = stack.enter_context(side_of(live[0], words, progress))
            # live against live: what the old one answers now is the expectation
            asked = files.get(requests or "") or _samples_of(old)
            title, golden = old.title, record(old, without_answers(asked), progress)
        else:
            golden = _answered(next(iter(files.values()), None) or _program_file(new, words))
            title = golden.name
        # told in the words of the file, whose request it is
        tell_misfits(golden, new, progress)
        return title, new.title, compare(golden, new, progress)


def _answered(golden: Golden) -> Golden:
    # a request that was never recorded expects nothing
    rows = tuple(one for one in golden.requests if one.expected is not None)
    if not rows:
        raise UserError(f"{golden.name} has no answers", "write them: `aciml golden record`")
    return replace(golden, requests=rows)


def _requests(path: Path, side: Side, *, must_be: bool) -> Golden:
    """Return what is sent: the requests of a file, else samples."""
    return read_golden(str(path)) if must_be or path.exists() else _samples_of(side)


def _samples_of(side: Side) -> Golden:
    """Return the smoke test's request and the samples of a service's own document.

    Raises:
        UserError: there are none.
    """
    found = {side.sample.path: side.sample} if side.sample else {}
    document = side.document()
    paths = document.get("paths") if isinstance(document, dict) else None
    # the smoke test's path is taken already: what was proven there is worth more than a sample
    for path, item in (paths or {}).items():
        example = _example(document, item)
        # a script that declares no types is documented as one that takes any object
        if path not in found and example not in ({}, None):
            body = json.dumps(example, ensure_ascii=False).encode("utf-8", "surrogatepass")
            found[path] = Request(f"sample of {path}", path, "POST", body)
    if not found:
        why = f"{side.title} has no sample: neither a smoke test nor its own document has one"
        raise UserError(why, "write a file with requests, and name it by --requests")
    return Golden(tuple(found.values()), name="samples")


def _example(document: Any, item: Any) -> Any:
    """Return the sample of a path; None if it has none."""
    try:
        return example_of(document, item["post"])
    except (LookupError, TypeError, AttributeError):
        return None


def _program_file(new: Side, words: Words) -> Golden:
    """Return the file that the program names for the new side, or for its only service if that is a URL or an image."""
    named, title = new.declared, new.title
    # a URL or an image stands in no state: the program's only service is meant
    if not named:
        chosen = Chosen.of(words.stack, words.project, None)
        chosen.enter()
        traffic, title = chosen.service.group.inputs.get("traffic"), chosen.service.name
        said = traffic.get("golden") if isinstance(traffic, Mapping) else None
        named = said if isinstance(said, str) else ""
    # the name that `record` writes by default
    if named or Path(FILE).is_file():
        return read_golden(named or FILE)
    why = f"{title} has no golden file: the program names none in traffic.golden"
    raise UserError(why, "write one with `aciml golden record`, or name it: aciml golden check FILE")


def _recorded(side: Side) -> dict[str, str]:
    said = {
        "from": side.title,
        "image": side.image,
        "at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "by": f"aciml {VERSION}",
    }
    return {name: text for name, text in said.items() if text}


def _moved(golden: Golden, old: Path, new: Path) -> Golden:
    """Return the file for another folder: the files that its requests name stay where they are."""
    if old.resolve() == new.resolve():
        return golden
    # by the folder of the new file: paths in it are relative to it
    rows = [
        replace(one, file=os.path.relpath(old.resolve() / one.file, new.resolve())) if one.file else one
        for one in golden.requests
    ]
    return replace(golden, requests=tuple(rows))


def _write(place: Path, golden: Golden) -> Path:
    by_lines = place.suffix.lower() in (".jsonl", ".ndjson")
    text = as_lines(golden) if by_lines else as_yaml(golden)
    if not by_lines and len(text) > LARGEST_YAML:
        # what it would not read again it does not write
        place, text = place.with_suffix(".jsonl"), as_lines(golden)
    # a name of its own in the same folder, so that the rename is atomic
    aside = place.with_name(f".{place.name}.{os.getpid()}")
    aside.write_text(text, encoding="utf-8")
    # at once: an interrupted command leaves the file of before
    aside.replace(place)
    return place
