"""A marked value at every place where a secret can be given, over gRPC: it is nowhere in clear afterwards.

The places come from the tables of the resources: a property of tomorrow is tried without another line here.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime import proto

from aciml.model import config
from aciml.model.judge import TABLES
from aciml.model.shape import Field, Fields
from aciml.properties import Secret, is_unknown
from tests.images.world import push_base
from tests.simulators.engine import Plugin, plain, running_plugin, struct
from tests.simulators.registry import RegistrySimulator

REGISTRY, ENVIRONMENT, SERVICE, GROUP = TABLES
MARK = "marked-hush-4711"
NUMBERS = {"integer": 48611, "number": 0.48611}
FILES = {"sourceDirectory", "caBundle", "lockFile", "dockerfile", "buildContext", "stepsContext"}
_ID = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities"
FORMS = {
    "identities": f"{_ID}/{MARK}", "pullIdentity": f"{_ID}/{MARK}", "mountPath": f"/mnt/{MARK}",
    "pathPrefix": f"/{MARK}",
    "otlpEndpoint": f"https://{MARK}.example.com", "ipRules": "203.0.113.7",
    "subnetId": f"/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/virtualNetworks/v/subnets/{MARK}",
}  # fmt: skip
"""Texts that have a form, with the mark in it."""
_FILE = {"shareName": "x", "storageAccountName": "account", "storageAccountKey": Secret("a2V5")}
AROUND: dict[str, dict[str, Any]] = {
    "volumes.[]": {"emptyDir": {}}, "volumes.[].azureFile": _FILE,
    "volumes.[].secret": {},
    "volumes.[].gitRepo": {}, "volumes.[].emptyDir": {}, "livenessProbe": {"exec": {"command": ["true"]}},
    "readinessProbe": {"exec": {"command": ["true"]}}, "livenessProbe.httpGet": {}, "readinessProbe.httpGet": {},
    "volumeMounts.[]": {"name": "data", "mountPath": "/mnt/data"}, "imageRegistryCredentials.[]": {"username": "me"},
    "initContainers.[].volumeMounts.[]": {"name": "data", "mountPath": "/mnt/data"},
}  # fmt: skip
"""What has to stand beside a value for it to be right, by the path of what it is in."""
BESIDE: dict[str, dict[str, Any]] = {
    "volumeMounts": {"volumes": [{"name": "data", "emptyDir": {}}]},
    "initContainers": {"volumes": [{"name": "data", "emptyDir": {}}]},
    "primaryKey": {"authEnabled": True}, "secondaryKey": {"authEnabled": True},
    "securityContext": {"sku": "Confidential"},
    "appInsightsConnectionString": {"enableAppInsights": True}, "vnetName": {"subnetName": "x"},
    "vnetResourceGroup": {"subnetName": "x", "vnetName": "x"}, "subnetName": {"vnetName": "x"},
    "ipRules": {"sku": "Premium"}, "anonymousPull": {"sku": "Premium"}, "dataEndpointEnabled": {"sku": "Premium"},
}  # fmt: skip
"""What has to stand beside a property, by its name."""
Path_ = tuple[str, ...]


@dataclass(frozen=True)
class Place:
    """One place of a resource: names that lead to it, with ``[]`` for an item of a list and ``{}`` for an entry."""

    token: str
    path: Path_
    kind: str
    shown: bool

    def __str__(self) -> str:
        return f"{self.token.rpartition(':')[2]}.{'.'.join(self.path)}"


def places_in(token: str, fields: Fields, before: Path_ = ()) -> Iterator[Place]:
    """Yield what may be a secret: each value, each item, each entry, and each object as a whole."""
    for name, field in fields.items():
        if not field.filled:
            yield from places_of(token, field, (*before, name), shown=bool(field.shown))


def places_of(token: str, field: Field, path: Path_, *, shown: bool) -> Iterator[Place]:
    inner = shown or any(one.shown for one in (field.fields or {}).values())
    yield Place(token, path, field.kind, shown=inner)
    step = {"array": "[]", "object": "{}"}.get(field.kind, "")
    if field.fields is not None:
        yield from places_in(token, field.fields, (*path, step) if step == "[]" else path)
    elif step:
        yield Place(token, (*path, step), "string" if field.of == "any" else field.of, shown=shown)


LIVED: set[str] = set()
"""Places whose secret was taken through a whole life: the others have a form that no mark has, and are refused."""
PLACES = [place for token, fields in TABLES.items() for place in places_in(token, fields)]


def field_at(token: str, path: Path_) -> Field:
    fields: Fields = TABLES[token]
    for name in path:
        if name not in ("[]", "{}"):
            found = fields[name]
            fields = found.fields or {}
    return found


def marked(field: Field, kind: str, name: str = "") -> Any:
    """Return a value that has the mark in each text of it, and one for all that it needs."""
    if kind == "string" and name in FORMS:
        return FORMS[name]
    if kind == "boolean":
        return True
    if kind in NUMBERS:
        return NUMBERS[kind]
    if kind == "array":
        return [marked(field, "object" if field.fields else field.of, name)]
    if kind == "object" and field.fields:
        needed = {one: inner for one, inner in field.fields.items() if inner.required} or dict(
            [*field.fields.items()][:1]
        )
        return {one: marked(inner, inner.kind, one) for one, inner in needed.items()}
    return {"key": MARK} if kind == "object" else MARK


def placed(place: Place, files: Path) -> Any:
    """Return the value of the property at the top, with the secret at its place and what is needed around it."""
    field = field_at(place.token, place.path)
    named = [step for step in place.path if step not in ("[]", "{}")]
    value: Any = marked(field, place.kind, named[-1])
    if place.path[-1] in FILES:
        value = str(files / MARK / place.path[-1])
    value = Secret(value)
    for index in range(len(place.path) - 1, 0, -1):
        step, outer = place.path[index], field_at(place.token, place.path[:index])
        needed = {name: plain_of(one) for name, one in (outer.fields or {}).items() if one.required}
        needed |= AROUND.get(".".join(place.path[:index]), {})
        if step in ("azureFile", "secret", "gitRepo", "emptyDir", "httpGet", "exec"):  # one kind of several
            needed = {name: one for name, one in needed.items() if name not in ("emptyDir", "exec")}
        value = [value] if step == "[]" else {**needed, "key" if step == "{}" else step: value}
    return value


def plain_of(field: Field) -> Any:
    if field.words:
        return field.words[0]
    return {"integer": 1, "number": 1, "boolean": True, "array": ["x"], "object": {"x": "y"}}.get(field.kind, "plain")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("secrets")
    for name in ("buildContext", "stepsContext", "sourceDirectory"):
        (found / MARK / name).mkdir(parents=True)
    (found / MARK / "sourceDirectory" / "score.py").write_text("def init(): pass\ndef run(raw_data): return 1\n")
    (found / MARK / "caBundle").write_text("")
    return found


@pytest.fixture(scope="module")
def registry() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as found:
        yield found


@pytest.fixture(scope="module")
def plugin(folder: Path) -> Iterator[Plugin]:
    with running_plugin(folder / "cache", {"target": "memory"}, folder) as found:
        yield found


@pytest.fixture(scope="module")
def base(folder: Path, registry: RegistrySimulator, plugin: Plugin) -> dict[str, dict[str, Any]]:
    """What each resource needs, by its token."""
    image = {
        "loginServer": registry.host,
        "repository": "made/environment",
        "baseImage": push_base(folder / "b", registry.host),
    }
    environment = {**image, "glibc": "2.31", "serverRequirements": False}
    inputs = plain(plugin.check(ENVIRONMENT, environment).inputs)
    made = plain(plugin.create(ENVIRONMENT, inputs).properties)["image"]
    source = str(folder / MARK / "sourceDirectory")
    service = {"environmentImage": made, "sourceDirectory": source, "entryScript": "score.py"}
    return {
        REGISTRY: {"name": "reg"},
        ENVIRONMENT: environment,
        SERVICE: {"loginServer": registry.host, "repository": "made/service", **service},
        GROUP: {"name": "group", "image": f"127.0.0.1:5000/a:b@sha256:{'0' * 64}"},
    }


def in_clear(value: Any) -> list[str]:
    """Return where the mark, or a marked number, stands without being a secret."""
    if isinstance(value, Secret) or is_unknown(value):
        return []
    if isinstance(value, dict):
        return [
            f"{key}: {one}"
            for key, inner in value.items()
            for one in [*(["name"] if MARK in key else []), *in_clear(inner)]
        ]
    if isinstance(value, list):
        return [one for inner in value for one in in_clear(inner)]
    return [str(value)] if says(str(value)) else []


def says(text: str) -> bool:
    return MARK in text or any(str(number) in text for number in NUMBERS.values())


def lived(plugin: Plugin, token: str, inputs: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Take a resource through its life, and yield all that comes back of it, by the name of the step."""
    urn = plugin.urn(token)
    yield "previewed", plain(plugin.create(token, inputs, preview=True).properties)
    made = plugin.create(token, inputs)
    state = plain(made.properties)
    yield "made", state
    known = {"id": made.id, "urn": urn}
    diff = plugin.stub.Diff(
        proto.DiffRequest(**known, olds=struct(state), old_inputs=struct(inputs), news=struct(inputs))
    )
    yield "nothing differs", {"diff": str(diff)}
    assert diff.changes == proto.DiffResponse.DIFF_NONE
    read = plugin.stub.Read(proto.ReadRequest(**known, properties=struct(state), inputs=struct(inputs)))
    yield "read", {"inputs": plain(read.inputs), "state": plain(read.properties), "id": read.id}
    update = proto.UpdateRequest(**known, olds=struct(state), old_inputs=struct(inputs), news=struct(inputs))
    yield "updated", plain(plugin.stub.Update(update).properties)
    plugin.stub.Delete(proto.DeleteRequest(**known, properties=struct(state), old_inputs=struct(inputs)))


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_a_secret_is_nowhere_in_clear(
    place: Place, plugin: Plugin, base: dict[str, dict[str, Any]], folder: Path
) -> None:
    plugin.logs.lines.clear()
    own = {"name": f"it{PLACES.index(place)}"} if place.token in (REGISTRY, GROUP) else {}
    new = {**base[place.token], **own, **BESIDE.get(place.path[0], {}), place.path[0]: placed(place, folder)}
    checked = plugin.check(place.token, new)
    reasons = [failure.reason for failure in checked.failures]
    found: dict[str, list[str]] = {"checked": in_clear(plain(checked.inputs)), "said": in_clear(reasons)}
    refused = [reason for reason in reasons if "is a secret and would stand in" in reason]
    if place.kind != "boolean":
        assert bool(refused) == place.shown
    failed = ""
    if not reasons:
        LIVED.add(str(place))
        try:
            found |= {step: in_clear(values) for step, values in lived(plugin, place.token, plain(checked.inputs))}
        except grpc.RpcError as error:
            failed = str(error)
    assert "a fault of aciml" not in failed
    found["failed"] = in_clear(failed)
    found["logged"] = in_clear([line.message for line in plugin.logs.lines])
    assert {step: where for step, where in found.items() if where} == {}


def test_nothing_on_disk_and_in_the_registry_has_a_secret(
    plugin: Plugin, base: dict[str, dict[str, Any]], folder: Path, registry: RegistrySimulator
) -> None:
    """After all of the others: the cache, the memory of the target, and all blobs and manifests."""
    assert len(LIVED) > 100
    files = [path for path in (folder / "cache").rglob("*") if path.is_file()]
    assert len(files) > 3
    assert [str(path) for path in files if MARK in str(path) or MARK.encode() in path.read_bytes()] == []
    stored = json.dumps([*registry.repositories, *registry.requests()])
    assert MARK not in stored
    held = [blob for repository in registry.repositories.values() for blob in repository.blobs.values()]
    held += [one for repository in registry.repositories.values() for one, _ in repository.manifests.values()]
    assert held
    assert [blob for blob in held if MARK.encode() in unpacked(blob)] == []


def unpacked(blob: bytes) -> bytes:
    return gzip.decompress(blob) if blob.startswith(b"\x1f\x8b") else blob


@pytest.mark.parametrize("key", [name for name, field in config.FIELDS.items() if not field.filled])
def test_a_secret_of_the_providers_configuration_is_nowhere_in_clear(plugin: Plugin, key: str) -> None:
    news = {"target": "azure", "auth": "cli", key: Secret(MARK)}
    request = proto.CheckRequest(urn="urn:pulumi:local::scoring::pulumi:providers:aciml::default", news=struct(news))
    answer = plugin.stub.CheckConfig(request)

    assert in_clear(plain(answer.inputs)) == []
    assert in_clear([failure.reason for failure in answer.failures]) == []
    shown = any("is a secret and would stand in" in failure.reason for failure in answer.failures)
    assert shown == bool(config.FIELDS[key].shown)
