"""``aciml:registry:ContainerRegistry``: where images are pushed to."""

from __future__ import annotations

from typing import Any

from ..core.errors import AcimlError
from ..core.progress import Progress
from ..model.registry import CLOUD, FIELDS
from ..model.rules import hidden, registry_findings
from ..model.shape import differing, shape_findings, sound
from ..properties import UNKNOWN, Values, is_unknown, known, reveal
from ..targets.protocol import Action, RegistryFacts, RegistrySpec, Target
from .protocol import Changes, Checked, Existing, keep_state

DEFAULTS: Values = {"port": 0, "image": "registry:2", "deleteData": False}
_OWN: dict[str, Action] = {
    "delete_data": "update",
    "adopt": "update",
}  # read at their time, of no effect on what exists


class ContainerRegistry:
    """A registry on the target. ``deleteData`` is only looked at when the registry is deleted."""

    def __init__(self, target: Target) -> None:
        """Manage registries of ``target``."""
        self._target = target

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:
        """Judge the inputs and fill the defaults."""
        given = {**self._target.defaults("registry"), **new}
        inputs = {**DEFAULTS, **given}
        findings = [*shape_findings(new, FIELDS), *registry_findings(given)]
        seen = known(sound(inputs, FIELDS))  # what is wrong by itself is unknown to the target
        unknown = frozenset(inputs.keys() - seen.keys())
        findings += self._target.judge("registry", known(old) if old else None, seen, unknown, progress)
        return Checked(inputs, hidden(findings, inputs))

    def diff(self, old: Values, state: Values, new: Values) -> Changes:
        """Ask the target what each difference costs."""
        paths = differing(old, new, ())
        if is_unknown(new):
            detail: dict[str, Action] = dict.fromkeys(paths, "update")
        else:
            actions = {**self._target.registry_changes(_spec(old), _spec(new)), **_OWN}
            fields = {path: _field_of(path) for path in paths}
            detail = {path: actions[field] for path, field in fields.items() if field in actions}
        if state.get("state", "Running") != "Running":
            detail["state"] = "update"
        return Changes(detail, delete_first="replace" in detail.values())

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Make the registry, or adopt it; foreseen is what its name or port says."""
        if preview:
            return Existing("", {**inputs, "loginServer": self._foreseen(inputs), "state": UNKNOWN})
        facts = self._target.create_registry(_spec(inputs, progress.urn), progress)
        return Existing(facts.id, _state(inputs, facts))

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Bring the registry to the inputs; its images stay."""
        if preview:
            moved = is_unknown(inputs["port"]) or inputs["port"] not in (0, old.state.get("port", 0))
            login = self._foreseen(inputs) if moved else old.state.get("loginServer", UNKNOWN)
            return {**inputs, "loginServer": login, "state": UNKNOWN}
        # the port stays even when somebody removed the container
        kept = {**inputs, "port": inputs["port"] or old.state.get("port", 0)}
        was, wanted = _spec(old.inputs or inputs, progress.urn), _spec(kept, progress.urn)
        return _state(inputs, self._target.update_registry(old.id, was, wanted, progress))

    def read(self, known: Existing, progress: Progress) -> Existing | None:
        """Look at the registry: what differs from what was declared shows as drift."""
        try:
            facts = self._target.read_registry(known.id, _spec(known.inputs, progress.urn) if known.inputs else None)
        except AcimlError as error:
            return keep_state(known, error, progress)
        if facts is None:
            return None
        inputs = known.inputs or {**DEFAULTS, **self._target.defaults("registry"), **_imported(facts)}
        inputs = {name: value for name, value in {**inputs, **facts.seen}.items() if value is not None}
        return Existing(facts.id, _state(inputs, facts), inputs)

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the registry; the images stay unless ``deleteData`` says otherwise."""
        self._target.delete_registry(known.id, delete_data=bool(known.state.get("deleteData")), progress=progress)

    def _foreseen(self, inputs: Values) -> Any:
        return UNKNOWN if is_unknown(inputs) else self._target.foreseen_login_server(_spec(inputs)) or UNKNOWN


def _imported(facts: RegistryFacts) -> Values:
    return {"name": facts.name, "port": facts.port, "image": facts.image or DEFAULTS["image"]}


def _spec(values: Values, owner: str = "") -> RegistrySpec:
    bare = reveal(values)
    return RegistrySpec(
        name=str(bare["name"]),
        port=int(bare.get("port", 0)),
        image=str(bare.get("image", "registry:2")),
        delete_data=bool(bare.get("deleteData")),
        owner=owner,
        settings={name: bare[name] for name in CLOUD if name in bare},
    )


def _state(inputs: Values, facts: RegistryFacts) -> Values:
    return {**inputs, "port": facts.port, "loginServer": facts.login_server, "state": facts.state}


def _field_of(path: str) -> str:
    """Return the spec's field, or the key of its settings, that a property path is about."""
    name = path.partition("[")[0]
    return "delete_data" if name == "deleteData" else name
