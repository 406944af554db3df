"""Who is asked for predictions: a service of a stack, one of its revisions, a URL, an image, or a golden file."""

from __future__ import annotations

import os
import re
import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..core.errors import UserError
from ..core.golden.compare import Verdict, judge
from ..core.golden.request import Came, Golden, Request, expected_of
from ..core.golden.schema import misfits
from ..core.reference import Reference
from ..model.declared import read
from ..model.group import Group
from ..model.rollout import STARTUP_SECONDS, Rollout
from ..properties import is_unknown, reveal
from ..settings import Settings
from ..targets.golden import answer_to, document_of
from ..targets.protocol import GroupFailed, GroupSpec
from ..targets.revisions import find
from .deployed import Chosen
from .running import RunningService
from .stack import PROJECT
from .terminal import Terminal

FILES = (".yaml", ".yml", ".jsonl", ".ndjson")
# a digest, or a name with a tag, or anything with a slash: names of services have none of them
_IMAGE = re.compile(r".*@sha256:[0-9a-f]{64}|[^@]*[^/@:]+(/[^@]*)?:[A-Za-z0-9_][\w.-]{0,127}|.*/.+")
_URN = "urn:pulumi:golden::aciml::aciml:compute:ContainerGroup::{name}"


@dataclass(frozen=True)
class Side:
    """Somebody who answers. ``title`` names it for people, ``image`` what it runs as far as that is known.

    Of a service of a stack, ``sample`` is its smoke test, and ``declared`` the golden file that the program names,
    relative to the project's folder, which is the current one then.
    """

    title: str
    base_url: str
    key: str = ""
    verify: ssl.SSLContext | None = None
    image: str = ""
    sample: Request | None = None
    declared: str = ""

    def answer(self, request: Request, progress: Terminal) -> Came:
        """Send it one request."""
        return answer_to(self.base_url, request, progress, self.key, self.verify)

    def document(self) -> Any:
        """Return its own document as JSON; None if it has none."""
        return document_of(self.base_url, self.verify)


@dataclass(frozen=True)
class Words:
    """Options that say where sides are looked for. ``key_variable`` names the variable that has a URL's key."""

    stack: str | None
    project: Path | None
    key_variable: str | None = None


# by its ending: golden files need not exist to be meant
def is_file(word: str) -> bool:
    """Tell a golden file by its name."""
    return word.lower().endswith(FILES) and "://" not in word


@contextmanager
def side_of(word: str | None, words: Words, progress: Terminal) -> Iterator[Side]:
    """Give who is meant; an image runs as long as that lasts.

    Args:
        word: a URL, an image, ``SERVICE``, ``SERVICE@REVISION`` or ``@REVISION``; None is the only service.
        words: options.
        progress: hears of an image that is started.

    Raises:
        UserError: there is no such thing.
    """
    # first the surest forms: a URL has a scheme, an image a slash, a tag or a digest
    if word and "://" in word:
        yield _url(word, words)
    elif word and _is_image(word):
        with _running_image(word, words, progress) as side:
            yield side
    else:
        yield _service(word, words)


def _is_image(word: str) -> bool:
    # `service@revision` has no digest and no slash
    return bool(_IMAGE.fullmatch(word)) and not word.startswith("@")


def _url(word: str, words: Words) -> Side:
    parts = urlsplit(word)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UserError(f'"{word}" is no URL of a service', "write http://host:port or https://host")
    # in the process list (ps) and in the shell's history
    if parts.username or parts.password:
        raise UserError("a URL with an account in it would be seen by every user of this machine", "drop it")
    key = ""
    if words.key_variable:
        # by the name of a variable: a key in the words of a command is in the shell's history
        key = os.environ.get(words.key_variable, "")
        if not key:
            raise UserError(f"the variable {words.key_variable} is empty", "set it to the service's key")
    base = word.rstrip("/")
    # people copy the address that `pulumi up` prints
    return Side(base, base.removesuffix("/score"), key)


def _service(word: str | None, words: Words) -> Side:
    # `@revision` is of the only service
    name, _, revision = (word or "").partition("@")
    running = with_keys(Chosen.of(words.stack, words.project, name or None))
    declared = running.spec.declared
    # without authentication a key would be sent for nothing
    key, title = str(declared.keys.primary_key or "") if declared.keys.auth_enabled else "", running.service.name
    image, traffic = running.service.group.text("image"), declared.runs.traffic
    known: dict[str, Any] = {"sample": _sample(declared), "declared": (traffic and traffic.golden) or ""}
    if not revision:
        if not running.base_url:
            raise UserError(f"{title} has no address that can be called", "look at `aciml status`")
        return Side(title, running.base_url, key, running.verify, image, **known)
    revisions = running.targets.service.revisions(running.id, running.spec)
    if revisions is None:
        advice = "write runsOn: container_app, or name two images"
        raise UserError(f"{title} has no revisions: it runs as one container", advice)
    one = find(revisions.list(), revision)
    # a retired one would have to be started, which costs: that is for people to decide
    if not one.active:
        raise UserError(f"{one.name} is retired, so nobody answers", f"`aciml revisions activate {one.name}`")
    return Side(one.name, revisions.address(one.name), key, running.verify, one.image, **known)


def _sample(declared: Group) -> Request | None:
    smoke = declared.updates.smoke_test
    if smoke is None:
        return None
    body = smoke.body.encode() if smoke.body is not None else None
    return Request("smoke test", "/" + smoke.path.lstrip("/"), smoke.method, body, smoke.content_type)


def with_keys(chosen: Chosen) -> RunningService:
    """Return a service with its target, and with its keys if it asks for some."""
    # the inputs tell, without a secret: an unknown word may be yes
    asks = chosen.service.group.inputs.get("authEnabled")
    # a service without keys needs no passphrase
    if asks is not None and (is_unknown(asks) or reveal(asks)):
        chosen = chosen.with_secrets()
    return RunningService.at(chosen)


@contextmanager
def _running_image(word: str, words: Words, progress: Terminal) -> Iterator[Side]:
    """Run an image on this machine's Docker, on a port of its own, with what the stack's service is told."""
    from ..docker.engine import connect
    from ..targets.local.target import LocalTarget

    Reference.parse(word)
    running = _described(words, progress)
    # where the image lies: the stack's registry has the login
    elsewhere = running.targets.registry if running is not None else None
    settings = running.settings if running is not None else Settings.read()
    # it is asked and removed, never updated
    target = LocalTarget(connect, replace(settings, door=False), elsewhere=elsewhere).service
    spec = image_spec(word, running.spec if running is not None else None)
    # one that belongs to nobody's stack: it is removed below whatever happens
    progress.urn, before = spec.owner, progress.urn
    made = ""
    try:
        progress.say(f"starting {word}")
        # an id that is removed also when it was interrupted while it began
        made = f"aciml-{spec.name}"
        facts = target.create(spec, progress)
        yield Side(word, f"http://{facts.address}", image=word)
    except GroupFailed as error:
        raise UserError(f"{word} does not serve: {error.message}", error.advice) from error
    finally:
        # also when it was never made: removing what is gone is fine
        target.delete(made, _Quiet(spec.owner))
        progress.urn = before


class _Quiet(Terminal):
    """Removes without a word about the image, which stays on purpose: it is asked again tomorrow."""

    def __init__(self, urn: str) -> None:
        super().__init__()
        self.urn = urn

    def say(self, text: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass

    def checkpoint(self) -> None:
        pass


def image_spec(image: str, like: GroupSpec | None) -> GroupSpec:
    """Return how an image is run to be asked: with the variables and the size of a service, and without its keys."""
    name = f"golden-{uuid.uuid4().hex[:8]}"
    # without keys, TLS and a port of its own: it is asked from this machine alone, for a moment
    declared = replace(read(Group, {}), name=name, image=image)
    if like is not None:
        said = like.declared
        declared = replace(
            declared,
            # its variables may name what the script loads; keys would only shut us out
            size=said.size,
            environment_variables=said.environment_variables,
            secure_environment_variables=said.secure_environment_variables,
            server=said.server,
        )
    seconds = like.startup_timeout if like is not None else STARTUP_SECONDS
    return GroupSpec(declared.but(updates=Rollout(startup_timeout=seconds)), owner=_URN.format(name=name))


def _described(words: Words, progress: Terminal) -> RunningService | None:
    """Return the stack's service, whose variables an image may need; None where there is no project, or no service."""
    # without a stack's word a project beside it is a help, and no condition
    named = words.stack is not None or words.project is not None
    if not named and not _has_project(Path.cwd()):
        return None
    try:
        chosen = Chosen.of(words.stack, words.project, None)
    except UserError as error:
        if named:
            raise
        # an image alone was asked for, and may need nothing of a stack
        progress.warn(f"the image runs without the variables of a service: {error.message}")
        return None
    # only if there are secrets in it: a passphrase is asked for no other reason
    hidden = chosen.service.group.inputs.get("secureEnvironmentVariables")
    return RunningService.at(chosen.with_secrets() if hidden is not None else chosen)


def _has_project(folder: Path) -> bool:
    return any((one / PROJECT).is_file() for one in (folder, *folder.parents))


def record(side: Side, golden: Golden, progress: Terminal) -> Golden:
    """Return the file with the answers of somebody.

    Raises:
        UserError: a request got no answer, or one that says that it was not let in.
    """
    made = []
    for number, request in enumerate(golden.requests, 1):
        progress.say(f"{side.title}: {number} of {len(golden.requests)} ({request.name})")
        came = side.answer(request, progress)
        # 0 is no answer: nothing can be recorded
        if not came.status:
            raise UserError(f'{side.title} gave no answer to "{request.name}": {came.why}', "is it running?")
        # an answer of the gate and not of the model
        if came.status in (401, 403):
            why = f'{side.title} let "{request.name}" not in ({came.status})'
            raise UserError(why, "name the variable that has its key by --key-variable")
        # ``answer_to`` blots it out of what comes back
        if b"[secret]" in came.body and side.key:
            why = f'the answer to "{request.name}" has the service\'s key in it'
            raise UserError(why, "take it out of the answer: what is secret is never in this file")
        made.append(replace(request, expected=expected_of(came)))
    return replace(golden, requests=tuple(made))


def compare(golden: Golden, side: Side, progress: Terminal) -> Verdict:
    """Ask somebody for all that is recorded."""
    # a request without an expectation was never recorded
    rows = [one for one in golden.requests if one.expected is not None]

    # asked one by one: a model that is asked by several at once may answer otherwise
    def answers() -> Iterator[Any]:
        for number, request in enumerate(rows, 1):
            progress.say(f"{side.title}: {number} of {len(rows)} ({request.name})")
            yield request.name, request.expected, side.answer(request, progress), golden.rules_of(request)

    return judge(answers())


def tell_misfits(golden: Golden, side: Side, progress: Terminal) -> None:
    """Warn of requests that the service's own document does not let in."""
    for one in misfits(golden, side.document()):
        progress.warn(f'{golden.name}:{one.request.line}: "{one.request.name}" does not fit {side.title}: {one.why}')
