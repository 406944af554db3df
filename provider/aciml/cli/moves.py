"""Revisions of a service for the commands that change them by hand, and what the program has to say for it to stay."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click

from ..core.errors import UserError
from ..core.reference import Reference
from ..resources.golden import golden_of
from ..targets.golden import prove
from ..targets.observed import ContainerSeen
from ..targets.revisions import NoSuchRevision, Revision, Revisions, find
from ..targets.smoke import ask
from .deployed import Chosen
from .exit_code import ExitCode
from .running import RunningService, tell_state
from .sides import with_keys
from .terminal import Terminal, answer

_LEAST_DIGITS = 6


@dataclass(frozen=True)
class Moving:
    """A service that has revisions."""

    running: RunningService
    revisions: Revisions

    @classmethod
    def of(cls, stack: str | None, project: Path | None, service: str | None, *, keys: bool = False) -> Moving:
        """Find it; with ``keys`` it can be asked for predictions.

        Raises:
            UserError: there is no such service, or it runs as one container.
        """
        chosen = Chosen.of(stack, project, service)
        running = with_keys(chosen) if keys else RunningService.at(chosen)
        revisions = running.targets.service.revisions(running.id, running.spec)
        if revisions is None:
            why = f"{running.service.name} has no revisions: it runs as one container"
            raise UserError(why, "`aciml rollback` brings back an image; runsOn: container_app gives it revisions")
        return cls(running, revisions)

    @property
    def name(self) -> str:
        """What users call the service."""
        return self.running.service.name

    @property
    def declared(self) -> str:
        """Digest of the image that the last update declared."""
        image = self.running.service.image
        return _digest((image.text("image") if image else "") or self.running.spec.image)

    def has(self, word: str | None) -> bool:
        """Tell whether a word means one of the revisions; no word means the one of before."""
        if word is None:
            return True
        try:
            self.found(self.revisions.list(), word)
        except NoSuchRevision:
            # a digest may be that of an image which was never run here, or is known no more
            # a word that looks like an image is one that no revision has; any other word is a mistake of the caller's
            return not ("/" in word or word.startswith("sha256:"))
        return True

    def found(self, known: list[Revision], word: str) -> Revision:
        """Return the revision that a word means: its name, its label, or the digest of its image.

        Raises:
            NoSuchRevision: there is none.
        """
        try:
            return find(known, word)
        except NoSuchRevision:
            # 6 digits, as git takes them: fewer are too often those of two images
            digits = word.rpartition("@")[2].removeprefix("sha256:")
            of_image = [one for one in known if _digest(one.image).removeprefix("sha256:").startswith(digits)]
            # of two with one image the newer one: they differ in variables, and those of today are meant
            if len(digits) >= _LEAST_DIGITS and of_image:
                return of_image[0]
            raise

    def serving(self, known: list[Revision]) -> Revision:
        """Return the revision with the most requests.

        Raises:
            UserError: there is none.
        """
        found = [one for one in known if one.weight]
        # whose weight is 0 serves nobody, whatever its label says
        if not found:
            raise UserError(
                f"no revision of {self.name} gets requests", "`pulumi up`, or `aciml traffic --set NAME=100`"
            )
        return max(found, key=lambda one: one.weight)

    def bring(self, word: str, progress: Terminal, *, proof: bool, golden: bool = True) -> Revision:
        """Return the revision that a word means, running and proven: it is healthy, and answers as it should.

        Args:
            word: names it.
            progress: hears of it.
            proof: ask it anything at all.
            golden: ask it for its golden answers, too.

        Raises:
            UserError: there is none, or it does not serve.
        """
        one = find(self.revisions.list(), word)
        # an inactive revision has no replica that could be asked
        if not one.active:
            progress.say(f"activating {one.name}")
            # its state, address and replicas are others now
            self.revisions.activate(one.name, progress)
            one = find(self.revisions.list(), one.name)
        if not proof:
            return one
        # a failure may be older than this command: what the service itself says of it is told
        if not one.healthy:
            why = f"{one.name} is {one.state}, {one.ready} of {one.replicas} replicas answer"
            raise UserError(
                f"{why}{f': {one.error}' if one.error else ''}", "--no-proof gives it requests all the same"
            )
        address = self.revisions.address(one.name)
        # by the revision's own address: that of the service leads to whoever serves now
        # the health path, which needs no key
        came = ask(address + "/", self.running.verify)
        wrong = "" if came.serves else f"answers / with {came}"
        if golden and not wrong:
            wrong = self._golden(address, progress)
        if wrong:
            raise UserError(f"{one.name} {wrong}", "nothing was moved; --no-proof moves it all the same")
        return one

    def _golden(self, address: str, progress: Terminal) -> str:
        spec = replace(self.running.spec, golden=golden_of(self.running.spec.declared))
        return prove(address, spec, progress, self.running.verify)

    def all_to(self, one: Revision, progress: Terminal) -> None:
        """Give a revision all requests; copies of them end."""
        known = self.revisions.list()
        for other in known:
            # a mirror is of the one that serves, to another; whichever that is
            if other.weight and other.name != one.name:
                # 0 percent ends a mirror that there is, and does nothing where there is none
                self.revisions.mirror(other.name, one.name, 0, progress)
        self.revisions.weigh({one.name: 100}, progress)

    def confirm(self, what: str, *, yes: bool) -> None:
        """Ask before something is changed, as long as somebody is there to be asked.

        Raises:
            UserError: nobody is, and ``--yes`` was not said.
        """
        # told before the question: nobody shall say yes to what cannot be done
        self.running.chosen.state.require_settled()
        if yes:
            return
        if not sys.stdin.isatty():
            raise UserError(what, "say --yes")
        click.confirm(f"{what}. Go on?", abort=True, err=True)

    def kept(self, known: list[Revision]) -> Iterator[str]:
        """Say what the state has of this, what the next update does, and how to keep what is now."""
        serving = self.serving(known)
        runs, declared = _digest(serving.image), self.declared
        # a share of less than all is no state that a program could declare
        if runs == declared and serving.weight == 100:
            yield "this is what the program says, too: nothing has to be changed there"
            return
        if runs == declared:
            yield "the state has images and no weights: these stay until `pulumi up` changes the service, and then"
            yield f"all requests go to the image of the program, {_short(declared)}"
            # what is asked of the program is what it has words for
            yield "to keep a new revision aside in every update, let the program say traffic.hold"
            return
        traffic = self.running.spec.declared.runs.traffic
        if traffic and traffic.hold:
            yield f"the program holds {_short(declared)} at 0 % (traffic.hold), so with `pulumi up`"
            yield f"{serving.name} has all requests; to let the other one serve: `aciml promote`, or drop hold"
            return
        yield f"the program says {_short(declared)}, and {serving.name} runs {_short(runs)}:"
        yield "`pulumi up` would bring that back, as its preview shows; to keep this one, let the program say"
        word = self.running.word_for(Reference.parse(serving.image))
        yield f'  Python       ScoringServiceArgs(image="{word}", ...)'
        yield f'  YAML         image: "{word}"   (among the properties of {self.name})'


def move(
    moving: Moving,
    serving: Revision,
    chosen: Revision,
    *,
    proof: bool = True,
    golden: bool = True,
    dry_run: bool,
    yes: bool,
    as_json: bool,
) -> int:
    """Give all requests to a revision, tell the state, and say what the program has to say."""
    done = chosen.weight == 100
    note = ""
    # where nothing changes nobody is asked
    if not done and not dry_run:
        moving.confirm(f"All requests to {moving.name} go to {chosen.name}; {serving.name} stays warm", yes=yes)
        progress = Terminal()
        try:
            proven = moving.bring(chosen.name, progress, proof=proof, golden=golden)
            moving.all_to(proven, progress)
            # told at once: the next preview compares with the state
            note = tell_state(moving.running, progress)
        finally:
            progress.done()
    # read again: weights and states are others by now
    known = moving.revisions.list()
    word = "has all requests already" if done else "would get all requests" if dry_run else "has all requests"
    told = [f"{moving.name}: {chosen.name} {word}", *([note] if note else [])]
    keep = [] if dry_run else list(moving.kept(known))
    result = {
        "service": moving.name,
        "revision": facts([find(known, chosen.name)])[0],
        "changed": not done and not dry_run,
        "note": note,
        "program": keep,
    }
    answer(result, [*told, *keep], as_json=as_json)
    return ExitCode.DONE


def rows(known: list[Revision], declared: str = "") -> Iterator[str]:
    """Give a table of revisions, the newest first."""
    if not known:
        yield "there are no revisions yet"
        return
    width = max(len("revision"), *(len(one.name) for one in known))
    yield f"  {'revision':{width}}  {'weight':>6}  {'replicas':>8}  {'state':8}  {'created':20}  image"
    for one in known:
        mark = "*" if declared and _digest(one.image) == declared else " "
        count = f"{one.ready} of {one.replicas}"
        label = f"  label {one.label}" if one.label else ""
        why = f"  {one.error}" if one.error else ""
        yield (
            # seconds are enough, and the zone is always UTC
            f"{mark} {one.name:{width}}  {one.weight:>4} %  {count:>8}  {one.state:8}  {one.created[:19]:20}"
            f"  {_short(_digest(one.image))}{label}{why}"
        )
    if declared:
        yield "* runs the image that the program says"


def replica_rows(replicas: Sequence[ContainerSeen]) -> Iterator[str]:
    """Give a table of replicas: state, since when, how often they were started again, and why one does not run."""
    if not replicas:
        return
    width = max(len("replica"), *(len(one.name) for one in replicas))
    yield f"  {'replica':{width}}  {'state':10}  {'restarts':>8}  {'started':20}"
    # of one that runs the last exit code would read as its state
    for one in replicas:
        code = f"exit code {one.exit_code}" if one.exit_code is not None and one.state != "Running" else ""
        why = "  ".join(filter(None, (one.detail, code)))
        line = f"  {one.name:{width}}  {one.state:10}  {one.restarts:>8}  {one.started[:19]:20}  {why}"
        yield line.rstrip()


def facts(known: list[Revision]) -> list[Mapping[str, Any]]:
    """Return the same for programs."""
    return [asdict(one) for one in known]


def _digest(image: str) -> str:
    return Reference.parse(image).digest or image if image else ""


def _short(digest: str) -> str:
    return f"{digest[:19]}…" if digest.startswith("sha256:") else digest
