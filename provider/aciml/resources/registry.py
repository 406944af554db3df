"""``aciml:registry:ContainerRegistry``: where images are pushed to."""

from __future__ import annotations

import re

from ..core.errors import Finding
from ..core.progress import Progress
from ..properties import UNKNOWN, Unknown, Values
from ..targets.protocol import Action, RegistryFacts, RegistrySpec, Target
from .protocol import Changes, Checked, Existing
from .shape import Field, differing, port_findings, shape_findings

FIELDS = {
    "name": Field("string", "name of the registry, unique on the target", required=True),
    "port": Field("integer", "port on 127.0.0.1; 0 picks a free one and keeps it (local target)"),
    "image": Field("string", "image that serves the registry (local target)"),
    "deleteData": Field("boolean", "destroy removes the images too, not only the server"),
}
OUTPUTS = {
    "loginServer": Field("string", "host and port to push to and pull from"),
    "state": Field("string", "Running or Stopped"),
}
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,48}[a-z0-9]")


class ContainerRegistry:
    """A registry on the target. ``deleteData`` is only looked at when the registry is deleted."""

    def __init__(self, target: Target) -> None:
        """Manage registries of ``target``."""
        self._target = target

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:  # noqa: ARG002
        """Judge name and port, and fill the defaults."""
        findings = shape_findings(new, FIELDS)
        if not findings:
            findings = [*_judge_name(new), *port_findings(new)]
        return Checked({"port": 0, "image": "registry:2", "deleteData": False, **new}, findings)

    def diff(self, old: Values, state: Values, new: Values) -> Changes:
        """Ask the target what each difference costs."""
        actions = self._target.registry_changes(_spec(old), _spec(new))
        detail: dict[str, Action] = {path: actions.get(_snake(path), "update") for path in differing(old, new, ())}
        if state.get("state", "Running") != "Running":
            detail["state"] = "update"
        return Changes(detail, delete_first="replace" in detail.values())

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Start the registry; foreseen is what the port says."""
        if preview:
            port = inputs["port"]
            known = isinstance(port, int) and port > 0 and self._target.name == "local"
            login = f"127.0.0.1:{port}" if known else UNKNOWN
            return Existing("", {**inputs, "loginServer": login, "state": UNKNOWN})
        facts = self._target.create_registry(_spec(inputs), progress)
        return Existing(facts.id, _state(inputs, facts))

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Bring the registry to the inputs; its images stay."""
        if preview:
            moved = inputs["port"] not in (0, old.state.get("port"))
            return {
                **inputs,
                "loginServer": UNKNOWN if moved else old.state.get("loginServer", UNKNOWN),
                "state": UNKNOWN,
            }
        # the port stays even when somebody removed the container
        kept = {**inputs, "port": inputs["port"] or old.state.get("port", 0)}
        return _state(inputs, self._target.create_registry(_spec(kept), progress))

    def read(self, known: Existing, progress: Progress) -> Existing | None:  # noqa: ARG002
        """Look at the registry."""
        facts = self._target.read_registry(known.id)
        if facts is None:
            return None
        inputs = known.inputs or {"name": facts.name, "port": facts.port, "image": facts.image, "deleteData": False}
        return Existing(facts.id, _state(inputs, facts), inputs)

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the registry; the images stay unless ``deleteData`` says otherwise."""
        self._target.delete_registry(known.id, delete_data=bool(known.state.get("deleteData")), progress=progress)


def _spec(values: Values) -> RegistrySpec:
    return RegistrySpec(
        name=str(values["name"]),
        port=int(values.get("port", 0)),
        image=str(values.get("image", "registry:2")),
        delete_data=bool(values.get("deleteData")),
    )


def _state(inputs: Values, facts: RegistryFacts) -> Values:
    return {**inputs, "port": facts.port, "loginServer": facts.login_server, "state": facts.state}


def _snake(path: str) -> str:
    return re.sub(r"[A-Z]", lambda capital: "_" + capital[0].lower(), path)


def _judge_name(values: Values) -> list[Finding]:
    name = values["name"]
    if isinstance(name, Unknown) or _NAME.fullmatch(name):
        return []
    return [Finding("name", f'"{name}" is no registry name; use 2 to 50 lower-case letters, digits and -')]
