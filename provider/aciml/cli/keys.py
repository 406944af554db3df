"""``aciml keys``: the keys of a service, shown or made anew."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ..core.errors import UserError
from ..model.declared import parts_of
from ..model.keys import ROTATED_BY, Keys
from ..properties import reveal
from .deployed import Chosen, DeployedService, StateSource, service_argument, state_options
from .exit_code import ExitCode
from .terminal import Terminal, answer, change_options, json_option

# by the model: the names on the wire are its affair
_WIRE = {name: part.wire for name, part in parts_of(Keys).items()}
_KEYS = tuple(ROTATED_BY)
"""Python's names of both keys."""


@click.group("keys")
def command() -> None:
    """Show the keys of a service, or make new ones."""


@command.command("show")
@service_argument
@state_options
@click.option("--reveal", "reveal_", is_flag=True, help="Print them also where nobody looks: into a pipe or a file.")
@json_option
def show(service: str | None, stack: str | None, project: Path | None, *, reveal_: bool, as_json: bool) -> int:
    """Print both keys of SERVICE: to a terminal, or with --reveal or --json.

    A request needs the header "Authorization: Bearer KEY"; `aciml invoke` sends one without showing it.
    """
    # a pipe is a log before anybody thinks of it; a terminal has somebody who looks
    if not (reveal_ or as_json or sys.stdout.isatty()):
        raise UserError("keys are printed to a terminal alone", "say --reveal to write them into a pipe or a file")
    chosen = Chosen.of(stack, project, service)
    # before anything is decrypted: who asks a service without keys needs no passphrase
    _require_keys(chosen.service)
    keys = _known(chosen.with_secrets().service)
    answer({"service": chosen.service.name, **keys}, [f"{name}: {key}" for name, key in keys.items()], as_json=as_json)
    return ExitCode.DONE


@command.command("rotate")
@service_argument
@state_options
@click.option("--primary", is_flag=True, help="Make a new first key.")
@click.option("--secondary", is_flag=True, help="Make a new second key.")
@change_options("Say what the program would have to say instead, and change nothing.")
@json_option
def rotate(
    service: str | None,
    stack: str | None,
    project: Path | None,
    *,
    primary: bool,
    secondary: bool,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Make a new key for SERVICE, by an update of its group alone; the other key stays, so clients can go over to it.

    The program need not be changed, and the next `pulumi up` keeps the key: state has it. The service restarts, as with
    any update of its variables. It is refused while the program and what runs differ in anything else.
    """
    # no secrets yet: which key is to be made needs none of them
    chosen = Chosen.of(stack, project, service)
    _require_keys(chosen.service)
    names = [name for name, asked in zip(_KEYS, (primary, secondary), strict=True) if asked]
    if not names:
        raise click.UsageError("say which key: --primary, --secondary, or both")
    if dry_run:
        answer(*_said(chosen.service, names), as_json=as_json)
        return ExitCode.DONE
    # an operation that broke off may have made a key already
    chosen.state.require_settled()
    if not yes:
        _confirm(chosen.service, names)
    progress = Terminal()
    try:
        # the line of progress goes before the engine speaks
        _Rotation(chosen, names, progress).run()
    finally:
        progress.done()
    spoken = " and ".join(_spoken(name) for name in names)
    told = [f"{chosen.service.name} has a new {spoken}; `aciml keys show` prints it, `aciml invoke` uses it"]
    answer({"service": chosen.service.name, "rotated": names}, told, as_json=as_json)
    return ExitCode.DONE


class _Rotation:
    """One rotation: the state is told that the key was made for another word than the program says, then updated.

    A key is made anew when its word of rotation (``rotate_primary_key``) changes. So the word that state remembers is
    changed, and the engine finds a difference, has the key made by ``check``, brings the group to it by its usual gate,
    and writes the program's own word again. Nothing of it is another way than that of `up`.
    """

    def __init__(self, chosen: Chosen, names: Sequence[str], progress: Terminal) -> None:
        self._source, self._service = chosen.source, chosen.service
        self._urn, self._names, self._progress = chosen.service.group.urn, names, progress
        # by the time: a word that was not there before, and tells people what it was
        self._marker = f"rotated {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
        self._words: dict[str, Any] = {}

    def run(self) -> None:
        """Do it.

        Raises:
            UserError: the program differs from what runs, it gives the key itself, or the update failed; then all is
                as before.
        """
        # first of all: with another difference the update would bring that along
        self._progress.say("comparing the program with what runs")
        self._require_same()
        # remembered before: the proof that another key was made
        before = _known(self._read(secrets=True))
        self._progress.say("telling the state")
        self._write(dict.fromkeys(self._names, self._marker))
        try:
            self._progress.note(f"updating {self._service.group.name}")
            self._progress.done()
            # --skip-preview: it was compared just now, and the one difference is ours
            self._source.stream("up", "--yes", "--skip-preview", "--target", self._urn)
        finally:
            # whatever happened: with our word left in it the next `up` would make another key, to everybody's surprise
            self._restore()
        after = _known(self._read(secrets=True))
        # a key that the program gives is taken as it is, whatever the word says
        if same := [name for name in self._names if before[name] == after[name]]:
            told = ", ".join(same)
            raise UserError(f"the program itself gives {told}, so no other is made", "change it in the program")

    def _require_same(self) -> None:
        # --target: what else the program would change is not of this command
        said = self._source.pulumi("preview", "--json", "--target", self._urn)
        try:
            # the CLI may print lines before the document
            steps = json.loads(said[said.index("{") :])["steps"]
        except (ValueError, LookupError) as error:
            raise UserError(f"`pulumi preview --json` cannot be read: {error}") from error
        mine = next((step for step in steps if step["urn"] == self._urn), None)
        # refresh and read look, and change nothing
        if mine is None or mine["op"] in {"same", "refresh", "read"}:
            return
        differs = ", ".join(mine.get("detailedDiff") or mine.get("diffReasons") or [mine["op"]])
        why = f"the program would change more of {self._service.name} than its key: {differs}"
        raise UserError(why, "bring that up first (`pulumi up`), or go back to the commit that runs")

    def _read(self, *, secrets: bool) -> DeployedService:
        # a new source, since the old one keeps what it has read
        fresh = StateSource(self._source.folder, self._source.stack)
        return (fresh.shown if secrets else fresh.state).service(self._urn)

    def _write(self, words: Mapping[str, Any]) -> None:
        """Write words of rotation into the group's inputs in the state; what they were is remembered."""
        state = json.loads(self._source.pulumi("stack", "export"))
        # of a replacement that broke off the state has the old one, too, under the same URN and marked as to be deleted
        # exactly one: with two of one URN the state would be one of a broken replacement
        (row,) = [row for row in state["deployment"]["resources"] if row["urn"] == self._urn and not row.get("delete")]
        for name, word in words.items():
            wire = _WIRE[ROTATED_BY[name]]
            # the first word that is remembered is the program's; a second try must not remember ours
            self._words.setdefault(name, row["inputs"].get(wire))
            # a word that was not there before is taken away again, and not set to null
            if word is None:
                row["inputs"].pop(wire, None)
            else:
                row["inputs"][wire] = word
        self._source.pulumi("stack", "import", given=json.dumps(state))

    def _restore(self) -> None:
        inputs = self._read(secrets=False).group.inputs
        # only our own words: the update may have written the program's back
        left = [name for name in self._names if reveal(inputs.get(_WIRE[ROTATED_BY[name]])) == self._marker]
        if left:
            self._write({name: self._words[name] for name in left})


def _require_keys(service: DeployedService) -> None:
    # outputs, since an engine that encrypts inputs hides whether there are some
    if not any(_WIRE[name] in service.group.outputs for name in _KEYS):
        raise UserError(f"{service.name} asks for no keys", "auth_enabled: true in the program makes two")


def _known(service: DeployedService) -> dict[str, str]:
    return {name: service.group.text(_WIRE[name]) for name in _KEYS}


def _spoken(name: str) -> str:
    return name.replace("_", " ")


def _said(service: DeployedService, names: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    """Return what the program would have to say, as facts and as lines."""
    # to the minute: any other text does, and this one tells when
    today = f"{datetime.now(UTC):%Y-%m-%dT%H:%M}"
    words = {ROTATED_BY[name]: today for name in names}
    python = ", ".join(f'{word}="{text}"' for word, text in words.items())
    yaml = ", ".join(f'{_WIRE[word]}: "{text}"' for word, text in words.items())
    lines = [
        f"without --dry-run {service.name} gets new keys at once, and the program stays as it is",
        "to have the program say it instead, and `pulumi up` do it (any text that is another than before):",
        f"  Python       ScoringServiceArgs({python}, ...)",
        f"  YAML, TypeScript   {yaml}",
    ]
    return {"service": service.name, "program": words, "changed": False}, lines


def _confirm(service: DeployedService, names: Sequence[str]) -> None:
    spoken = " and ".join(_spoken(name) for name in names)
    # a pipeline has to say so: nobody could be asked
    if not sys.stdin.isatty():
        raise UserError(f"a new {spoken} shuts out every client that has the one of now", "say --yes")
    click.confirm(
        f"A new {spoken} for {service.name} shuts out clients with the one of now, and restarts it. Go on?",
        abort=True,
        err=True,
    )
