"""``aciml:registry:ContainerRegistry``: where images are pushed to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.errors import AcimlError, Finding, OutageError, UserError
from ..core.progress import Progress
from ..model.declared import read, wires_of, written, written_leaves
from ..model.registry import FIELDS, LOGIN_SERVER, Registry
from ..model.rules import hidden, registry_findings
from ..model.shape import differing, shape_findings, sound
from ..model.standins import stood_in
from ..properties import UNKNOWN, Values, is_unknown, known, reveal
from ..targets.protocol import Action, RegistryFacts, RegistrySpec, RegistryTarget
from .costs import costs
from .names import Names
from .protocol import Changes, Checked, Existing, keep_state

DEFAULTS: Values = written(Registry())
_OF_WORKSPACE = ("name", "resource_group", "location", "adopt")
_PLACE = wires_of(Registry, *_OF_WORKSPACE)
(_DELETE_DATA,) = wires_of(Registry, "delete_data")
_OWN: dict[str, Action] = dict.fromkeys(wires_of(Registry, "delete_data", "adopt", "workspace"), "update")
"""Read at their time, of no effect on what exists: a difference is written into state, and that is all."""


class ContainerRegistry:
    """A registry on the target. ``deleteData`` is only looked at when the registry is deleted."""

    def __init__(self, target: RegistryTarget) -> None:
        """Manage registries of ``target``."""
        self._target = target
        self._names = Names(target.default_name)

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:
        """Judge the inputs and fill the defaults, the name among them."""
        was = self._names.before(progress.urn, old)
        given = {**written(self._target.defaults()), **new}
        findings = [*shape_findings(new, FIELDS), *registry_findings(given)]
        if new.get("workspace") is not None and new.get("name") is not None:
            why = "a workspace has a registry, whose name is not to be given; give name or workspace, not both"
            findings.append(Finding("workspace", why))
        if new.get("workspace") is not None and not findings:
            given, found = self._of_workspace(was, new, given, progress)
            findings += found
        inputs = self._names.filled(was, given, progress.urn)
        # only what is known: a target compares, and unknown is neither equal nor another
        before = read(Registry, known(was)) if was else None
        declared = read(Registry, sound(inputs, FIELDS))  # what is wrong by itself is unknown to the target
        findings += self._target.judge(before, declared, progress)
        return Checked(inputs, hidden(findings, inputs))

    def _of_workspace(
        self, was: Values | None, new: Values, given: Values, progress: Progress
    ) -> tuple[Values, list[Finding]]:
        """Return the inputs with name and place of the workspace's registry, asked each time, and what is wrong."""
        declared = read(Registry, sound(given, FIELDS))
        if declared.is_unsure("workspace"):
            return {**given, "name": UNKNOWN}, []
        try:
            placed = self._target.placed(declared)
        except UserError as error:
            return given, [declared.finding("workspace", str(error))]
        except OutageError as error:
            kept = was if was and was.get("workspace") == new["workspace"] else None
            if kept is None:
                return given, [declared.finding("workspace", str(error))]
            # a preview may be run by somebody without a login; what was found before holds
            progress.warn(f"whose registry is meant could not be asked: {error}")
            return {**given, **{name: kept[name] for name in _PLACE if name in kept}}, []
        return {**given, **written_leaves(placed, _OF_WORKSPACE)} if placed != declared else given, []

    def diff(self, old: Values, state: Values, new: Values) -> Changes:
        """Ask the target what each difference costs."""
        paths = differing(old, new, ())

        def ask(values: Values) -> Mapping[str, Action]:
            return {**self._target.changes(_declared(old), _declared(values)), **_OWN}

        detail = costs(paths, old, new, FIELDS, ask, _name_in)
        # see ContainerGroup: no difference, no update
        if reveal(state.get("state", "Running")) != "Running":
            detail["state"] = "update"
        return Changes(detail, delete_first="replace" in detail.values(), effect=_effect(detail))

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Make the registry, or adopt it; foreseen is what its name or port says."""
        if preview:
            return Existing("", {**inputs, LOGIN_SERVER: self._foreseen(inputs), "state": UNKNOWN, "owner": UNKNOWN})
        facts = self._target.create(_spec(inputs, progress.urn), progress)
        return Existing(facts.id, _state(inputs, facts))

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Bring the registry to the inputs; its images stay."""
        if preview:
            moved = is_unknown(inputs["port"]) or reveal(inputs["port"]) not in (0, reveal(old.state.get("port", 0)))
            login = self._foreseen(inputs) if moved else old.state.get(LOGIN_SERVER, UNKNOWN)
            return {**inputs, LOGIN_SERVER: login, "state": UNKNOWN, "owner": old.state.get("owner", UNKNOWN)}
        # the port stays even when somebody removed the container
        kept = {**inputs, "port": reveal(inputs["port"]) or reveal(old.state.get("port", 0))}
        was = _spec(old.inputs or inputs, progress.urn, _owner(old))
        wanted = _spec(kept, progress.urn)
        return _state(inputs, self._target.update(old.id, was, wanted, progress))

    def read(self, known: Existing, progress: Progress) -> Existing | None:
        """Look at the registry: what differs from what was declared shows as drift."""
        declared = _spec(known.inputs, progress.urn, _owner(known)) if known.inputs else None
        try:
            facts = self._target.read(known.id, declared)
        except AcimlError as error:
            return keep_state(known, error, progress)
        if facts is None:
            return None
        inputs = known.inputs or {**written(self._target.defaults()), **_imported(facts)}
        seen = written_leaves(facts.seen, facts.drift) if facts.seen else {}
        inputs = {name: value for name, value in {**inputs, **seen}.items() if value is not None}
        return Existing(facts.id, _state(inputs, facts), inputs)

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the registry; the images stay unless ``deleteData`` says otherwise."""
        # a deletion sees the state and no program, so the wish has to have been brought up before
        data = bool(reveal(known.state.get(_DELETE_DATA)))
        self._target.delete(known.id, delete_data=data, progress=progress, known_as=_owner(known))
        progress.note("packages and layers stay in the cache of this machine; `aciml cache prune` removes old ones")

    def _foreseen(self, inputs: Values) -> Any:
        """Return the login server if it is the same whatever is not known yet."""
        possible = {self._target.foreseen_login_server(_declared(values)) for values in _without_unknown(inputs)}
        return (possible.pop() if len(possible) == 1 else "") or UNKNOWN


def _effect(detail: Mapping[str, Action]) -> str:
    if "replace" in detail.values():
        return "another registry: all images are pushed to it anew, and services that pull from it change"
    # the address has the port in it, and images are named by the address
    if "port" in detail:
        return "a new address: images and services are named by it, and change"
    return "nothing restarts; images stay" if detail else ""


def _without_unknown(inputs: Values) -> Sequence[Values]:
    return stood_in({}, inputs, FIELDS)[1:] if is_unknown(inputs) else (inputs,)


def _imported(facts: RegistryFacts) -> Values:
    return {"name": facts.name, "port": facts.port, "image": facts.image or DEFAULTS["image"]}


def _owner(known: Existing) -> str:
    return str(reveal(known.state.get("owner", "")))


def _declared(values: Values) -> Registry:
    """Decode inputs that ``check`` has judged, all known, or what stands for them; state has outputs beside them."""
    return read(Registry, reveal(values))


def _spec(values: Values, owner: str = "", known_as: str = "") -> RegistrySpec:
    return RegistrySpec(_declared(values), owner, known_as)


def _state(inputs: Values, facts: RegistryFacts) -> Values:
    told = {LOGIN_SERVER: facts.login_server, "state": facts.state, "owner": facts.owner}
    return {**inputs, "port": facts.port, **told}


def _name_in(path: str) -> str:
    """Return the property that a path is about."""
    return path.partition("[")[0]
