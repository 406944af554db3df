"""``aciml:compute:ContainerGroup``: the containers that answer."""

from __future__ import annotations

import re
import secrets

from ..core.errors import Finding
from ..core.progress import Progress
from ..properties import UNKNOWN, Secret, Unknown, Values, is_unknown, reveal
from ..targets.protocol import Action, GroupFacts, GroupFailed, GroupSpec, Target
from .protocol import Changes, Checked, Existing, InitFailed
from .shape import Field, differing, port_findings, shape_findings

FIELDS = {
    "name": Field("string", "name of the service, unique on the target", required=True),
    "image": Field("string", "image to run, with its digest", required=True),
    "cpuCores": Field("number", "CPU cores, as v1's cpu_cores"),
    "memoryGb": Field("number", "memory in GiB, as v1's memory_gb"),
    "port": Field("integer", "port on 127.0.0.1; 0 picks a free one and keeps it (local target)"),
    "authEnabled": Field("boolean", "ask for a key in the header Authorization: Bearer <key>"),
    "primaryKey": Field("string", "first key; made if keys are asked for and none is given", secret=True),
    "secondaryKey": Field("string", "second key; made like the first", secret=True),
    "environmentVariables": Field("object", "environment variables of the scoring script"),
    "startupTimeout": Field("number", "seconds within which / must answer 200"),
}
OUTPUTS = {
    "scoringUri": Field("string", "where to POST to"),
    "swaggerUri": Field("string", "where the OpenAPI document is"),
    "state": Field("string", "Running, Stopped, Failed or Unknown"),
}
DEFAULTS: Values = {
    "cpuCores": 0.1,
    "memoryGb": 0.5,
    "port": 0,
    "authEnabled": False,
    "environmentVariables": {},
    "startupTimeout": 300,
}
_KEYS: tuple[str, ...] = ("primaryKey", "secondaryKey")
_VARIABLES = {"primaryKey": "ACIML_PRIMARY_KEY", "secondaryKey": "ACIML_SECONDARY_KEY"}
_NAME = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_COMPUTED = {"scoringUri": UNKNOWN, "swaggerUri": UNKNOWN, "state": UNKNOWN}


class ContainerGroup:
    """A service on the target; it is up when ``/`` answers 200."""

    def __init__(self, target: Target) -> None:
        """Manage groups of ``target``."""
        self._target = target

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:  # noqa: ARG002
        """Judge the inputs and fill v1's defaults."""
        findings = shape_findings(new, FIELDS)
        inputs = {**DEFAULTS, **new}
        return Checked(_with_secret_keys(inputs), findings or _judge(reveal(inputs)))

    def diff(self, old: Values, state: Values, new: Values) -> Changes:
        """Ask the target what each difference costs."""
        paths = differing(old, new, ())
        if is_unknown(new):
            return Changes({path: "replace" if path == "name" else "update" for path in paths})
        actions = self._target.group_changes(_spec(old, {}), _spec(new, {}))
        replaced = {field for field, action in actions.items() if action == "replace"}
        detail: dict[str, Action] = {path: "replace" if _field(path) in replaced else "update" for path in paths}
        if state.get("state", "Running") != "Running":
            detail["state"] = "update"
        return Changes(detail, delete_first=bool(replaced - {"name"}))

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Start the group and wait for its answer; if there is none, state keeps what exists."""
        if preview:
            return Existing("", {**inputs, **_foreseen_keys(inputs), **_COMPUTED})
        keys = _keys(inputs, {})
        try:
            facts = self._target.create_group(_spec(inputs, keys), progress)
        except GroupFailed as error:
            if error.facts is None:
                raise
            existing = Existing(error.facts.id, _state(inputs, keys, error.facts), inputs)
            raise InitFailed(error, existing) from error
        return Existing(facts.id, _state(inputs, keys, facts))

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Put the new group in the old one's place; the old one serves until then, and goes on if it fails."""
        keys = {name: old.state[name] for name in _KEYS if name in old.state}
        if preview:
            kept = {name: old.state[name] for name in _COMPUTED if name in old.state and name != "state"}
            return {**inputs, **_foreseen_keys({**keys, **inputs}), **_COMPUTED, **kept}
        keys = _keys(inputs, keys)
        facts = self._target.update_group(old.id, _spec(inputs, keys, keep_port=old.state.get("port", 0)), progress)
        return _state(inputs, keys, facts)

    def read(self, known: Existing, progress: Progress) -> Existing | None:  # noqa: ARG002
        """Look at the group: image, size, port and whether it runs show as drift."""
        facts = self._target.read_group(known.id)
        if facts is None:
            return None
        seen = {"name": facts.name, "image": facts.image, "cpuCores": facts.cpu, "memoryGb": facts.memory_gb}
        inputs = {**DEFAULTS, **known.inputs, **seen}
        if not known.inputs:
            inputs["port"] = facts.port
        keys = {name: known.state[name] for name in _KEYS if name in known.state}
        return Existing(facts.id, _state(inputs, keys, facts), _with_secret_keys(inputs))

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the group."""
        self._target.delete_group(known.id, progress)


def _judge(values: Values) -> list[Finding]:
    findings = []
    name, cpu, memory = values["name"], values["cpuCores"], values["memoryGb"]
    if not isinstance(name, Unknown) and not (_NAME.fullmatch(name) and 3 <= len(name) <= 32):
        why = f'"{name}" is no service name; use 3 to 32 lower-case letters, digits and -, a letter first'
        findings.append(Finding("name", why))
    if not isinstance(cpu, Unknown) and cpu <= 0:
        findings.append(Finding("cpuCores", f"{cpu} cores cannot run anything; write a number above 0"))
    if not isinstance(memory, Unknown) and memory < 0.01:
        findings.append(Finding("memoryGb", f"{memory} GiB cannot hold a server; write 0.1 or more"))
    findings += port_findings(values)
    image = values["image"]
    if not isinstance(image, Unknown) and "@sha256:" not in image:
        findings.append(Finding("image", f"{image} has no digest; give host/repository:tag@sha256:..."))
    findings += [
        Finding(key, f"{key} is set but authEnabled is false; set authEnabled or drop the key")
        for key in _KEYS
        if key in values and values["authEnabled"] is False
    ]
    return findings


def _with_secret_keys(inputs: Values) -> Values:
    """Mark the keys as secret even when the program forgot to."""
    given = {name: inputs[name] for name in _KEYS if name in inputs}
    return {**inputs, **{name: key if isinstance(key, Secret) else Secret(key) for name, key in given.items()}}


def _keys(inputs: Values, before: Values) -> Values:
    """Return both keys: the given ones, else those from before, else new ones; none if nobody asks for them."""
    if not inputs["authEnabled"]:
        return {}
    named = {**before, **{name: inputs[name] for name in _KEYS if name in inputs}}
    made = {name: Secret(secrets.token_urlsafe(32)) for name in _KEYS if name not in named}
    return {**named, **made}


def _foreseen_keys(inputs: Values) -> Values:
    if inputs["authEnabled"] is not True:
        return {}
    return {name: inputs.get(name, Secret(UNKNOWN)) for name in _KEYS}


def _spec(values: Values, keys: Values, keep_port: int = 0) -> GroupSpec:
    bare = reveal({**DEFAULTS, **values})
    secure = {_VARIABLES[name]: str(reveal(key)) for name, key in keys.items()}
    return GroupSpec(
        name=bare["name"],
        image=bare["image"],
        cpu=float(bare["cpuCores"]),
        memory_gb=float(bare["memoryGb"]),
        port=int(bare["port"]) or int(keep_port),
        environment={str(name): str(value) for name, value in bare["environmentVariables"].items()},
        secure_environment=secure,
        startup_timeout=float(bare["startupTimeout"]),
    )


def _field(path: str) -> str:
    name = path.partition("[")[0]
    renamed = {"cpuCores": "cpu", "environmentVariables": "environment", "memoryGb": "memory_gb"}
    return renamed.get(name, name)


def _state(inputs: Values, keys: Values, facts: GroupFacts) -> Values:
    return {
        **inputs,
        **keys,
        "image": facts.image,
        "port": facts.port,
        "state": facts.state,
        "scoringUri": f"http://{facts.address}/score",
        "swaggerUri": f"http://{facts.address}/swagger.json",
    }
