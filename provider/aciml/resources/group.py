"""``aciml:compute:ContainerGroup``: the containers that answer."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ..core.errors import AcimlError, Finding
from ..core.progress import Progress
from ..model.group import FIELDS, OUTPUTS
from ..model.rules import group_findings, hidden
from ..model.server import judge_settings, seen_settings
from ..model.shape import differing, shape_findings, sound, with_secrets
from ..properties import UNKNOWN, Secret, Unknown, Values, is_unknown, known, partly, reveal
from ..targets.protocol import Action, GroupFacts, GroupFailed, GroupSpec, ServiceTarget
from .costs import costs
from .group_spec import (
    DEFAULTS,
    LOCAL_FILES,
    ROTATIONS,
    VARIABLES,
    certificate_hash,
    field_of,
    judge_certificate,
    read_certificate,
    spec_of,
    state_of,
)
from .names import Names
from .probes import settled, without_probes
from .protocol import Changes, Checked, Existing, InitFailed, keep_state

_KEYS = tuple(VARIABLES)
_COMPUTED: Values = dict.fromkeys(OUTPUTS, UNKNOWN)
_WELL_KNOWN = {False: 80, True: 443}
_ADDRESS = {"name", "port", "sslEnabled", "sslCname", "dnsNameLabel", "dnsNameLabelScope", "ipAddressType", "rollout"}


class ContainerGroup:
    """A service on the target; it is up when ``/`` answers 200 and the smoke test, if there is one, passes."""

    def __init__(self, target: ServiceTarget) -> None:
        """Manage groups of ``target``."""
        self._target = target
        self._names = Names(target.default_name)
        self._surviving: dict[str, Values] = {}  # keys by name, between the diff that replaces and the creation

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:
        """Judge the inputs and fill the defaults of v1 and of the target, the name among them."""
        was = self._names.before(progress.urn, old)
        given = {**settled(self._target.defaults(), new), **new}
        inputs = with_secrets(self._names.filled(was, {**DEFAULTS, **given}, progress.urn), FIELDS)
        right = sound(inputs, FIELDS)  # what is wrong by itself is unknown to those who judge further
        findings = [*shape_findings(new, FIELDS), *group_findings(given)]
        findings += [*_judge(right), *judge_settings(right), *judge_certificate(right)]
        seen = partly(right)
        unknown = frozenset(inputs.keys() - seen.keys())
        findings += self._target.judge(known(was) if was else None, seen, unknown, progress)
        findings = hidden(findings, inputs)
        return Checked({**inputs, **({} if findings else certificate_hash(inputs))}, findings)

    def diff(self, old: Values, state: Values, new: Values) -> Changes:
        """Ask the target what each difference costs; what makes no difference to it is none."""

        def ask(values: Values) -> Mapping[str, Action]:
            return self._target.changes(spec_of(old, _given(old)), spec_of(values, _given(values)))

        paths = differing(old, new, LOCAL_FILES)
        detail = costs(paths, old, new, FIELDS, ask, field_of)
        if not detail and "authEnabled" in paths:  # keys that are still to be made are in neither spec
            detail["authEnabled"] = "update"
        if state.get("state", "Running") != "Running":
            detail["state"] = "update"
        if "replace" in detail.values() and not is_unknown(new["name"]):
            self._surviving[str(reveal(new["name"]))] = _kept_keys(old, state, new)
        return Changes(detail, delete_first=bool({path for path, act in detail.items() if act == "replace"} - {"name"}))

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Start the group and wait for its answer; if there is none, state keeps what exists."""
        kept = {} if is_unknown(inputs["name"]) else self._surviving.get(str(reveal(inputs["name"])), {})
        if preview:
            keys = _foreseen_keys({**kept, **inputs})
            return Existing("", {**inputs, **keys, **_COMPUTED, **_foreseen_digest(inputs)})
        keys = _keys(inputs, kept)
        try:
            facts = self._target.create(_spec(inputs, keys, progress), progress)
        except GroupFailed as error:
            raise _partial(error, inputs, keys) from error
        return Existing(facts.id, state_of(inputs, keys, facts))

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Bring the group to the inputs; what served before serves again if that fails."""
        before, kept = _given(old.state), _kept_keys(old.inputs, old.state, inputs)
        if preview:
            return {**inputs, **_foreseen_keys({**kept, **inputs}), **_kept_outputs(old, inputs)}
        keys = _keys(inputs, kept)
        new = _spec(inputs, keys, progress, keep_port=_kept_port(old, inputs))
        was = _declared(Existing(old.id, old.state, old.inputs or inputs), before, progress)
        try:
            facts = self._target.update(old.id, was, new, progress)
        except GroupFailed as error:
            raise _partial(error, old.inputs or inputs, before) from error
        return state_of(inputs, keys, facts)

    def read(self, known: Existing, progress: Progress) -> Existing | None:
        """Look at the group: all that differs from what was declared shows as drift."""
        keys = _given(known.state)
        declared = _declared(known, keys, progress) if known.inputs else None
        try:
            facts = self._target.read(known.id, declared)
        except AcimlError as error:
            return keep_state(known, error, progress)
        if facts is None:
            return None
        inputs = _with_seen(known.inputs or {**DEFAULTS, **without_probes(self._target.defaults())}, facts)
        if not known.inputs and "port" not in facts.seen:
            inputs["port"] = facts.port
        return Existing(facts.id, state_of(inputs, keys, facts), with_secrets(inputs, FIELDS))

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the group."""
        self._target.delete(known.id, progress, known_as=_owner(known))


def _given(values: Values) -> Values:
    return {name: values[name] for name in _KEYS if name in values}


def _spec(inputs: Values, keys: Values, progress: Progress, keep_port: int = 0) -> GroupSpec:
    certificate = read_certificate(inputs)
    return spec_of(inputs, keys, keep_port=keep_port, owner=progress.urn, certificate=certificate)


def _kept_port(old: Existing, inputs: Values) -> int:
    """Return the port to keep; the well-known one of HTTP is not kept for HTTPS, nor the other way round."""
    port = int(old.state.get("port", 0))
    before, now = (bool(reveal(values).get("sslEnabled")) for values in (old.inputs, inputs))
    return 0 if before != now and port == _WELL_KNOWN[before] else port


def _declared(known: Existing, keys: Values, progress: Progress) -> GroupSpec:
    spec = spec_of(known.inputs, keys, keep_port=known.state.get("port", 0), owner=progress.urn)
    return replace(spec, known_as=_owner(known))


def _owner(known: Existing) -> str:
    return str(reveal(known.state.get("owner", "")))


def _with_seen(inputs: Values, facts: GroupFacts) -> Values:
    """Take over what was seen; None says that a property was taken away."""
    seen: dict[str, Any] = {"name": facts.name, "image": facts.image}
    seen |= {"cpuCores": facts.cpu, "memoryGb": facts.memory_gb, **seen_settings(facts.seen, inputs)}
    return {name: value for name, value in {**inputs, **seen}.items() if value is not None}


def _partial(error: GroupFailed, inputs: Values, keys: Values) -> Exception:
    """Return what tells the engine to keep what exists; the failure itself if nothing does.

    A failed update keeps the inputs of before, so that the next one tries again.
    """
    if error.facts is None:
        return error
    return InitFailed(error, Existing(error.facts.id, state_of(inputs, keys, error.facts), inputs))


def _judge(values: Values) -> list[Finding]:
    findings, image = [], values.get("image", UNKNOWN)
    if not isinstance(image, Unknown) and "@sha256:" not in image:
        findings.append(Finding("image", f"{image} has no digest; give host/repository:tag@sha256:..."))
    findings += [
        Finding(key, f"{key} is set but authEnabled is false; set authEnabled or drop the key")
        for key in _KEYS
        if key in values and values["authEnabled"] is False
    ]
    return findings


def _keys(inputs: Values, before: Values) -> Values:
    """Return both keys: the given ones, else those from before, else new ones; none if nobody asks for them."""
    if not reveal(inputs["authEnabled"]):
        return {}
    named = {**before, **_given(inputs)}
    made = {name: Secret(secrets.token_urlsafe(32)) for name in _KEYS if name not in named}
    return {**named, **made}


def _kept_keys(old: Values, state: Values, new: Values) -> Values:
    """Return the keys that outlive a change, also one that replaces the group: clients go on with them."""
    return {name: key for name, key in _given(state).items() if not _is_rotated(name, old, new)}


def _is_rotated(key: str, old: Values, new: Values) -> bool:
    """Tell whether a key is to be made anew: its text changed, or a given key is given no more."""
    word = ROTATIONS[key]
    return bool(reveal(old.get(word)) != reveal(new.get(word)))


def _foreseen_keys(inputs: Values) -> Values:
    if not is_unknown(inputs["authEnabled"]) and not reveal(inputs["authEnabled"]):
        return {}
    return {name: inputs.get(name, Secret(UNKNOWN)) for name in _KEYS}


def _foreseen_digest(inputs: Values) -> Values:
    image = inputs["image"]
    return {} if is_unknown(image) else {"imageDigest": str(reveal(image)).rpartition("@")[2]}


def _kept_outputs(old: Existing, inputs: Values) -> Values:
    """Return what a preview of an update knows: addresses stay unless something they are made of changes."""
    moved = any(reveal(old.inputs.get(name)) != reveal(inputs.get(name)) for name in _ADDRESS)
    names = [name for name in OUTPUTS if name in old.state and name not in ("state", "imageDigest")]
    kept = {} if moved and old.inputs else {name: old.state[name] for name in names}
    return {**_COMPUTED, **kept, **_foreseen_digest(inputs)}
