"""``aciml:compute:ContainerGroup``: the containers that answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from ..core.errors import AcimlError, Finding
from ..core.progress import Progress
from ..core.reference import reference_fault
from ..model.declared import read, wire_paths, wires_of, written
from ..model.group import FIELDS, OUTPUTS, Group, Outputs, group_findings, told_findings
from ..model.keys import told_to_callers
from ..model.rollout import Rollout
from ..model.rules import group_of, hidden
from ..model.runs_on import RunsOn
from ..model.shape import differing, shape_findings, sound, with_secrets
from ..model.size import Size
from ..model.tls import FILES, Tls
from ..model.unknowns import come_from_elsewhere
from ..properties import UNKNOWN, Secret, Values, is_unknown, reveal
from ..targets.protocol import Action, GroupFacts, GroupFailed, GroupSpec, ServiceTarget
from . import keys
from .certificate import certificate_findings, certificate_hash, read_certificate
from .costs import costs
from .golden import golden_findings, golden_hash, golden_of, misfit_findings
from .group_spec import DEFAULTS, PLAIN, SECURE, rehidden, spec_of, state_of
from .names import Names
from .probes import settled, without_probes
from .protocol import Changes, Checked, Existing, InitFailed, keep_state

_LEAVES = {wire: path[-1] for wire, path in wire_paths(Group).items()}
_NAME, _IMAGE, _PORT = wires_of(Group, "name", "image", "port")
(_STABLE_NAME,) = wires_of(Rollout, "stable_name")
_RUNS_ON = RunsOn().at("runs_on")
_STATE, _DIGEST, _OWNER = wires_of(Outputs, "state", "image_digest", "owner")
_LOCAL_FILES = wires_of(Tls, *FILES)
_COMPUTED: Values = dict.fromkeys(OUTPUTS, UNKNOWN)
_WELL_KNOWN = {False: 80, True: 443}
_ADDRESS = (
    *("name", "port", "ssl_enabled", "ssl_cname", "rollout"),
    *("dns_name_label", "dns_name_label_scope", "ip_address_type"),
)
"""What addresses are made of, by the names of ``leaves``."""


class ContainerGroup:
    """A service on the target; it is up when ``/`` answers 200 and the smoke test, if there is one, passes."""

    def __init__(self, target: ServiceTarget) -> None:
        """Manage groups of ``target``."""
        self._target = target
        self._names = Names(target.default_name)
        # by urn: keys that a preview must not foresee, because each run makes others
        self._made: dict[str, Values] = {}

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:
        """Judge the inputs and fill the defaults of v1 and of the target, the name and the keys among them."""
        was = self._names.before(progress.urn, old)
        # the target's defaults before v1's: its smallest size may be above what v1 asked for
        given = {**settled(self._target.defaults(_kind(new)), new), **new}
        given = with_secrets(self._names.filled(was, given, progress.urn), FIELDS)
        declared = group_of(given)
        findings = [*shape_findings(new, FIELDS), *group_findings(declared), *_key_findings(declared)]
        findings += [*told_findings(declared), *certificate_findings(declared), *golden_findings(declared)]
        said = {finding.where for finding in findings}
        judged = self._target.judge(group_of(was) if was else None, declared, progress)
        # one mistake, one sentence: what the model has said of a property a target says in other words
        findings = hidden([*findings, *(one for one in judged if one.where not in said)], given)
        # the engine checks what it replaces a second time without old inputs: ``was`` is still what it had (see Names)
        made = keys.filled(was, given)
        self._made[progress.urn] = {name: key for name, key in made.items() if reveal(key) != _old(was, name)}
        hashes = {} if findings else {**certificate_hash(declared.tls), **golden_hash(declared)}
        # last, and only if all else is right: somebody is asked
        findings = findings or misfit_findings(self._target, was, declared, hashes, progress)
        return Checked({**DEFAULTS, **given, **made, **hashes}, findings)

    def diff(self, old: Values, state: Values, new: Values) -> Changes:
        """Ask the target what each difference costs; what makes no difference to it is none.

        Raises:
            UserError: the group would be made anew and lose its keys.
        """

        def ask(values: Values) -> Mapping[str, Action]:
            found = self._target.changes(spec_of(old, keys.given(old)), spec_of(values, keys.given(values)))
            # a plain variable with a secret text is a secure one for the target (``secured``)
            return {PLAIN: found[SECURE], **found} if SECURE in found else found

        paths = [*differing(old, new, _LOCAL_FILES), *rehidden(old, new)]
        detail = costs(paths, old, new, FIELDS, ask, _leaf)
        if reveal(state.get(_STATE, "Running")) != "Running":
            # without a difference the engine asks for no update, and a stopped group would stay so
            detail[_STATE] = "update"
        if "replace" in detail.values():
            # here and not in `create`: by then the group is deleted, and its keys with it
            keys.require_kept(state, new)
        # a name can exist only once; under another name the new group is made first, unless both want one DNS label
        replaced = {path for path, act in detail.items() if act == "replace"}
        shared = self._target.has_labels and group_of(old).network.shares_label(group_of(new).network)
        # a service that moves has its name beside the old one: two kinds; a port of this machine is one all the same
        taken = _RUNS_ON in replaced and not self._target.has_labels and _port(old) == _port(new) != 0
        first = bool(replaced - {_NAME, _RUNS_ON}) or taken or (replaced == {_NAME} and shared)
        return Changes(detail, delete_first=first, effect=self._effect(detail, new))

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Start the group and wait for its answer; if there is none, state keeps what exists."""
        if preview:
            _tell_gaps(inputs, progress)
            foreseen = self._foreseen_keys(inputs, {}, progress.urn)
            return Existing("", {**inputs, **foreseen, **_COMPUTED, **_foreseen_digest(inputs)})
        known = keys.all_of(inputs, {})
        spec = _spec(inputs, known, progress)
        try:
            facts = self._target.create(spec, progress)
        except GroupFailed as error:
            raise _partial(error, inputs, known, spec.declared) from error
        return Existing(facts.id, state_of(inputs, known, spec.declared, facts))

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Bring the group to the inputs; what served before serves again if that fails."""
        if preview:
            _tell_gaps(inputs, progress)
            foreseen = self._foreseen_keys(inputs, old.state, progress.urn)
            return {**inputs, **foreseen, **_kept_outputs(old, inputs)}
        # state first had them, inputs have them since 0.3; what serves has those of state
        before, known = keys.given(old.state), keys.all_of(inputs, old.state)
        new = _spec(inputs, known, progress, keep_port=_kept_port(old, inputs))
        was = _declared(Existing(old.id, old.state, old.inputs or inputs), before, progress)
        try:
            facts = self._target.update(old.id, was, new, progress)
        except GroupFailed as error:
            # the old inputs, so that the next `up` finds the same
            # difference and tries again (Pulumi, "partial failure")
            raise _partial(error, old.inputs or inputs, before, was.declared) from error
        return state_of(inputs, known, new.declared, facts)

    def read(self, known: Existing, progress: Progress) -> Existing | None:
        """Look at the group: all that differs from what was declared shows as drift."""
        its_keys = keys.given(known.state)
        declared = _declared(known, its_keys, progress) if known.inputs else None
        try:
            facts = self._target.read(known.id, declared)
        except AcimlError as error:
            return keep_state(known, error, progress)
        if facts is None:
            return None
        defaults = self._target.defaults(str(facts.drift.now.runs.runs_on or "") if facts.drift else "")
        before = known.inputs or {**DEFAULTS, **without_probes(defaults)}
        inputs = _with_seen(before, facts)
        # an import: the port that was picked is declared from now on, or the next update would pick another
        if not known.inputs and not (facts.drift and "port" in facts.drift.names):
            inputs[_PORT] = facts.port
        if keys.are_asked_for(inputs):  # older versions kept the keys that they made in the outputs alone
            inputs = {**its_keys, **inputs}
        state = state_of(inputs, its_keys, group_of(inputs), facts)
        return Existing(facts.id, state, with_secrets(inputs, FIELDS))

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the group; what leads to it from outside has to forget it, and is named in what was declared."""
        led = _declared(known, keys.given(known.state), progress) if known.inputs.get(_STABLE_NAME) else None
        self._target.delete(known.id, progress, known_as=_owner(known), known=led)

    def _effect(self, detail: Mapping[str, Action], new: Values) -> str:
        """Say what the differences cost those who call; nothing of an output that is not as it should be."""
        changed = {_leaf(path): action for path, action in detail.items() if path != _STATE}
        if not changed:
            return "a start: it does not run" if detail else ""
        group = read(Group, sound(new, FIELDS))
        told = self._target.effect(changed, group), told_to_callers(changed, group.keys)
        return "; ".join(filter(None, told))

    def _foreseen_keys(self, inputs: Values, state: Values, urn: str) -> Values:
        if keys.are_asked_for(inputs) is False:
            return {}
        known = {**keys.given(state), **keys.given(inputs)}
        made = self._made.get(urn, {})
        foreseen = {name: key for name, key in known.items() if name not in made or reveal(key) != reveal(made[name])}
        return {name: foreseen.get(name, Secret(UNKNOWN)) for name in keys.KEYS}


def _tell_gaps(inputs: Values, progress: Progress) -> None:
    """Say which inputs keep something of a group from being known."""
    if waiting := sorted(name for name, value in inputs.items() if is_unknown(value) and name not in keys.KEYS):
        progress.note(f"not all of it is known yet: {come_from_elsewhere(waiting)}")


def _old(was: Values | None, name: str) -> object:
    return reveal((was or {}).get(name))


def _kind(inputs: Values) -> str:
    """Return what a service runs on; empty while that is not known, or no word."""
    said = reveal(inputs.get(_RUNS_ON))
    return said if isinstance(said, str) else ""


def _port(inputs: Values) -> int:
    """Return the port that is asked for; 0 if any will do, or it is not known yet."""
    said = reveal(inputs.get(_PORT))
    return said if isinstance(said, int) else 0


def _leaf(path: str) -> str:
    """Return the name, as the targets have it, of the property that a path is about."""
    name = path.partition("[")[0]
    return _LEAVES.get(name, name)


def _spec(inputs: Values, known: Values, progress: Progress, keep_port: int = 0) -> GroupSpec:
    spec = spec_of(inputs, known, keep_port=keep_port, owner=progress.urn)
    return replace(spec, certificate=read_certificate(spec.declared.tls), golden=golden_of(spec.declared))


def _kept_port(old: Existing, inputs: Values) -> int:
    """Return the port to keep; the well-known one of HTTP is not kept for HTTPS, nor the other way round."""
    port = int(reveal(old.state.get(_PORT, 0)))
    before, now = (bool(group_of(values).tls.ssl_enabled) for values in (old.inputs, inputs))
    # 443 without TLS would surprise every client, and nobody chose it
    return 0 if before != now and port == _WELL_KNOWN[before] else port


def _declared(known: Existing, its_keys: Values, progress: Progress) -> GroupSpec:
    spec = spec_of(known.inputs, its_keys, keep_port=reveal(known.state.get(_PORT, 0)), owner=progress.urn)
    return replace(spec, known_as=_owner(known))


def _owner(known: Existing) -> str:
    return str(reveal(known.state.get(_OWNER, "")))


def _with_seen(inputs: Values, facts: GroupFacts) -> Values:
    """Take over what was seen; None says that a property was taken away."""
    size = Size(cpu_cores=facts.cpu, memory_gb=facts.memory_gb)
    seen = written(read(Group, {}).but(name=facts.name, image=facts.image, size=size))
    seen |= facts.drift.properties() if facts.drift else {}
    return {name: value for name, value in {**inputs, **seen}.items() if value is not None}


def _partial(error: GroupFailed, inputs: Values, known: Values, declared: Group) -> Exception:
    """Return what tells the engine to keep what exists; the failure itself if nothing does."""
    if error.facts is None:
        return error
    return InitFailed(error, Existing(error.facts.id, state_of(inputs, known, declared, error.facts), inputs))


def _key_findings(declared: Group) -> Iterator[Finding]:
    """Report an image that is none or has no digest, and keys that nobody asks for."""
    if declared.image is not None and "@sha256:" not in declared.image:
        why = f"{declared.image} has no digest; give host/repository:tag@sha256:..."
        yield declared.finding("image", why)
    elif declared.image is not None and (why := reference_fault(declared.image)):
        yield declared.finding("image", why)
    said = declared.keys
    if not said.auth_enabled and not said.is_unsure("auth_enabled"):
        for name in ("primary_key", "secondary_key"):
            if said.knows(name) or said.is_unsure(name):
                why = f"{said.at(name)} is set but authEnabled is false; set authEnabled or drop the key"
                yield said.finding(name, why)


def _foreseen_digest(inputs: Values) -> Values:
    image = inputs[_IMAGE]
    return {} if is_unknown(image) else {_DIGEST: str(reveal(image)).rpartition("@")[2]}


def _kept_outputs(old: Existing, inputs: Values) -> Values:
    """Return what a preview of an update knows: addresses stay unless something they are made of changes."""
    wires = [wire for wire, leaf in _LEAVES.items() if leaf in _ADDRESS]
    # to call addresses unknown at each change would make everything that uses them wait, and show as changed
    moved = any(reveal(old.inputs.get(name)) != reveal(inputs.get(name)) for name in wires)
    names = [name for name in OUTPUTS if name in old.state and name not in (_STATE, _DIGEST)]
    kept = {} if moved and old.inputs else {name: old.state[name] for name in names}
    return {**_COMPUTED, **kept, **_foreseen_digest(inputs)}
