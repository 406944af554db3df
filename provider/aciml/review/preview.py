"""What a preview says, read from ``pulumi preview --json`` or from the engine's event log.

Sources: Pulumi's ``sdk/go/common/apitype/events.go`` (events), ``pkg/backend/display/json.go`` (the digest of a
preview). Both say secrets as ``[secret]``, or encrypted below a key of their own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.errors import UserError
from ..model import environment, group

# by the package's name, as every token begins
_OURS = "aciml:"
_COMPONENTS = "aciml:index:"
_SIGNATURE = "4dabf18193072939515e22adb298388d"
"""Marks a special value, such as a secret (``sdk/go/common/resource/sig.go``)."""
SECRET = "[secret]"
UNKNOWN = "[unknown]"
# sdk/go/common/resource/sig.go: what stands for a value that is not known yet, by its kind
_UNKNOWNS = (
    "04da6b54-80e4-46f7-96ec-b56ff0331ba9", "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
    "3eeb2bf0-c639-47a8-9e75-3b44932eb421", "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
    "030794c1-ac77-496b-92df-f27374a8bd58", "e48ece36-62e2-4504-bad9-02848725956a",
    "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
)  # fmt: skip
_REPLACING = ("replace", "create-replacement", "delete-replaced")
# the CLI's own (sdk/go/common/workspace/plugins.go): where a plugin lies on this machine tells a reviewer nothing
_ON_PATH = re.compile(r"using \S+ from \$PATH at ")
# what is said after an error that was told already: by pulumi-language-python, and by the SDK for Python
_ECHOES = (
    "an unhandled error occurred: program exited with non-zero exit code",
    "Resource monitor has terminated, shutting down",
)
_PLACE = re.compile(r'(?<=File ")(?:[^"\n]*[/\\]site-packages[/\\]|[^"\n]*[/\\])(?=[^"\n]*", line \d)')
"""Folders of a traceback's file; the name of a package that was installed is kept."""
# what changes nothing, or is only looked at
_QUIET = ("same", "read", "refresh", "remove-pending-replace", "read-discard", "discard-replaced")


_SECRETS = frozenset(name for table in (environment.FIELDS, group.FIELDS) for name, row in table.items() if row.secret)


@dataclass(frozen=True)
class Change:
    """What happens to one resource.

    ``op`` is create, update, replace, delete or another of the engine's words (import). ``before`` and ``after`` are
    inputs, ``paths`` what differs, ``reasons`` the properties that force a replacement.
    """

    op: str
    urn: str
    before: Mapping[str, Any] = field(default_factory=dict)
    after: Mapping[str, Any] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """Name in the program."""
        # behind the type come the names, and a name may have two colons
        return self.urn.split("::", 3)[-1]

    @property
    def token(self) -> str:
        """Type token, such as ``aciml:image:Environment``."""
        return type_in(self.urn)

    @property
    def is_ours(self) -> bool:
        """Whether it is a resource of this package, and no component, which is a name for its children."""
        return self.token.startswith(_OURS) and not self.token.startswith(_COMPONENTS)


@dataclass(frozen=True)
class Told:
    """A line that was said: by whom (empty for the program or the engine), how bad it is, and what."""

    urn: str
    severity: str
    text: str


@dataclass(frozen=True)
class Preview:
    """A whole preview. ``stack`` is ``project/stack``; empty if nothing in it has a name."""

    stack: str
    changes: tuple[Change, ...]
    same: int
    told: tuple[Told, ...]

    @property
    def errors(self) -> list[Told]:
        """What made it fail; empty if it did not."""
        # a preview that failed says so in a diagnostic, and not by a step
        return [one for one in self.told if one.severity == "error"]

    def lines_of(self, urn: str) -> list[str]:
        """Return what a resource said that is neither a warning nor an error."""
        return [one.text for one in self.told if one.urn == urn and one.severity.startswith("info")]


def read_preview(text: str, source: str) -> Preview:
    """Read what the CLI wrote.

    Args:
        text: of the file.
        source: its name, for messages.

    Raises:
        UserError: it is empty, not whole, or something else.
    """
    try:
        # the keys are looked at one by one: a file of somebody else may have half of them
        return _read(text, source)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # the keys of a preview, and something else below them
        raise _no_preview(source) from error


def _read(text: str, source: str) -> Preview:
    if not text.strip():
        raise UserError(f"{source} is empty: pulumi wrote no preview", "the step that ran `pulumi preview` says why")
    # the CLI may warn of a new version before it prints
    body = _from_brace(text)
    try:
        found = json.loads(body)
    except json.JSONDecodeError as whole:
        events = _events(body, source, whole)
        return _of_events(events)
    # one of the three is in every digest, however short
    if isinstance(found, dict) and ("steps" in found or "changeSummary" in found or "diagnostics" in found):
        return _of_digest(found)
    # a log with a single event is one object, as a preview is
    if isinstance(found, dict) and _is_event(found):
        return _of_events([found])
    raise _no_preview(source)


def _no_preview(source: str) -> UserError:
    return UserError(f"{source} is JSON, but no preview", "give what `pulumi preview --json` printed, or an event log")


def _from_brace(text: str) -> str:
    """Return the text from the first line that begins an object: the CLI may say something before (a warning)."""
    lines = text.splitlines(keepends=True)
    return "".join(lines[next((i for i, line in enumerate(lines) if line.lstrip().startswith("{")), 0) :])


def _events(text: str, source: str, whole: json.JSONDecodeError) -> list[dict[str, Any]]:
    """Read one event a line; a last line that was cut off ends a log that was cut off."""
    found: list[dict[str, Any]] = []
    # an empty line is no event, and no fault
    lines = [line for line in text.splitlines() if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            one = json.loads(line)
        except json.JSONDecodeError as error:
            advice = "run `pulumi preview --json` again, and keep its standard output alone"
            # the lines before were events: what ends in the middle is the log, and not another kind of file
            # only the last line can be cut: what is written is written in order
            if number > 1 and found:
                raise UserError(f"{source} is not whole: line {number} of the event log is cut off", advice) from error
            # unterminated: the end of a text is missing, and so of the file
            cut = whole.pos >= len(text.rstrip()) or whole.msg.startswith("Unterminated")
            why = "it ends in the middle" if cut else f"line {whole.lineno}, column {whole.colno}: {whole.msg}"
            raise UserError(f"{source} is no whole JSON: {why}", advice) from error
        if not _is_event(one):
            raise UserError(
                f"line {number} of {source} is no event of Pulumi's engine", "give a preview or an event log"
            )
        found.append(one)
    return found


def _is_event(one: object) -> bool:
    return isinstance(one, dict) and any(name.endswith("Event") for name in one)


def _of_digest(found: Mapping[str, Any]) -> Preview:
    # a step without an urn is none of a resource
    steps = [one for one in found.get("steps") or () if isinstance(one, dict) and "urn" in one]
    told = [
        _told(one.get("urn", ""), one.get("severity", ""), one.get("message", ""))
        for one in found.get("diagnostics") or ()
    ]
    changes = [
        Change(
            str(one.get("op", "")),
            str(one["urn"]),
            # a preview has the old state with its outputs: inputs alone are what people wrote
            _inputs(one.get("oldState")),
            _inputs(one.get("newState")),
            _paths(one.get("detailedDiff"), one.get("diffReasons")),
            _reasons(one.get("detailedDiff"), one.get("replaceReasons")),
        )
        for one in steps
    ]
    # a digest leaves out most steps that change nothing, and counts them
    same = (found.get("changeSummary") or {}).get("same")
    return _preview(changes, told, same if isinstance(same, int) else None)


def _of_events(events: Iterable[Mapping[str, Any]]) -> Preview:
    changes: list[Change] = []
    told: list[Told] = []
    same: int | None = None
    for event in events:
        if summary := event.get("summaryEvent"):
            # as the CLI counts them, which leaves the stack out
            # the stack itself is a resource to the engine, and none to people
            same = (summary.get("resourceChanges") or {}).get("same", 0)
        if said := event.get("diagnosticEvent"):
            # live lines are shown on a terminal alone
            if not said.get("ephemeral"):
                text = str(said.get("prefix") or "") + str(said.get("message") or "")
                told.append(_told(said.get("urn", ""), said.get("severity", ""), text))
        elif step := event.get("resourcePreEvent"):
            facts = step["metadata"]
            changes.append(
                Change(
                    str(facts.get("op", "")),
                    str(facts.get("urn", "")),
                    _inputs(facts.get("old")),
                    _inputs(facts.get("new")),
                    _paths(facts.get("detailedDiff"), facts.get("diffs")),
                    _reasons(facts.get("detailedDiff"), facts.get("keys")),
                )
            )
    return _preview(changes, told, same)


def _preview(steps: Iterable[Change], told: Iterable[Told], same: int | None = None) -> Preview:
    """Bring the steps of each resource together: a replacement is two or three."""
    found: dict[str, Change] = {}
    for one in steps:
        # a replacement is told as two or three steps of one urn
        before = found.get(one.urn)
        if one.op in _REPLACING:
            # the first step has both sides; those that follow (create, delete) have one each
            first = before or one
            found[one.urn] = Change(
                "replace",
                one.urn,
                first.before or one.before,
                first.after or one.after,
                first.paths or one.paths,
                first.reasons or one.reasons,
            )
        # a refresh comes before the update of the same resource
        elif before is None or before.op in _QUIET:
            found[one.urn] = one
    # what is only read or refreshed is no change
    kept = [one for one in found.values() if one.op not in _QUIET]
    stack = next((_stack_in(urn) for urn in found), "")
    same = sum(one.op == "same" for one in found.values()) if same is None else same
    return Preview(stack, tuple(kept), same, tuple(_once(told)))


def _once(told: Iterable[Told]) -> Iterator[Told]:
    seen: set[Told] = set()
    failed = False
    for one in told:
        # a line of nothing, and what is meant for people who debug
        is_noise = not one.text or one.severity == "debug" or _ON_PATH.match(one.text)
        # alone, it is all that is known of a program that failed
        is_echo = failed and one.text.startswith(_ECHOES)
        if not is_noise and not is_echo and one not in seen:
            seen.add(one)
            failed |= one.severity == "error"
            yield one


def _told(urn: object, severity: object, text: object) -> Told:
    plain = str(text).strip()
    # the CLI writes the word in front, in which the severity says it again
    for prefix in ("error: ", "warning: "):
        plain = plain.removeprefix(prefix)
    return Told(str(urn or ""), str(severity), _PLACE.sub("", plain))


def _stack_in(urn: str) -> str:
    parts = urn.removeprefix("urn:pulumi:").split("::")
    return f"{parts[1]}/{parts[0]}" if len(parts) > 2 else ""


def type_in(urn: str) -> str:
    """Return the type token of an urn's resource, without those of its parents."""
    # a type has the types of its parents in front, joined by dollars
    return urn.split("::")[2].rpartition("$")[2] if urn.count("::") > 2 else ""


def _paths(detail: object, names: object) -> tuple[str, ...]:
    return tuple(detail) if isinstance(detail, dict) and detail else tuple(names) if isinstance(names, list) else ()


def _reasons(detail: object, names: object) -> tuple[str, ...]:
    """Return the paths that force a replacement; names of the engine's where no detail says so."""
    found = []
    for path, one in detail.items() if isinstance(detail, dict) else ():
        # of a detailed diff the kind is update-replace, add-replace or delete-replace
        kind = (one.get("kind") or one.get("diffKind") or "") if isinstance(one, dict) else ""
        if str(kind).endswith("replace"):
            found.append(path)
    return tuple(found) or (tuple(names) if isinstance(names, list) else ())


def _inputs(state: object) -> Mapping[str, Any]:
    inputs = state.get("inputs") if isinstance(state, dict) else None
    if not isinstance(inputs, dict):
        return {}
    # older states have some of these in clear
    # a whole property that is a secret, whatever the state says of it
    return {name: SECRET if name in _SECRETS else _shown(value) for name, value in inputs.items()}


def _shown(value: Any) -> Any:
    """Return the value with what is secret or not known yet said as such."""
    if isinstance(value, dict):
        # a map with the mark of a special value is a secret, an asset or an output
        return SECRET if _SIGNATURE in value else {name: _shown(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_shown(one) for one in value]
    return UNKNOWN if value in _UNKNOWNS else value
