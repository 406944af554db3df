from __future__ import annotations

import contextlib
import copy
import json
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from aciml.settings import Settings
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from tests.simulators.azure.conformance import CONTAINERS, SPECS, Conformance, missing_reason
from tests.simulators.azure.emulator import running_emulator
from tests.simulators.azure.http import Request, Response

pytestmark = pytest.mark.skipif(bool(missing_reason()), reason=missing_reason())

GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerInstance/containerGroups/c"
REGISTRY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/myregistry"
OPERATION = "/subscriptions/s/providers/Microsoft.ContainerInstance/locations/westus/operations/o"
GROUPS, REGISTRIES, TASKS = "2023-05-01", "2025-11-01", "2025-03-01-preview"
CONTAINER = {
    "name": "c",
    "properties": {"image": "nginx", "resources": {"requests": {"cpu": 1, "memoryInGB": 1.5}}},
}
BODY = {"location": "westus", "properties": {"containers": [CONTAINER], "osType": "Linux"}}
SEEN = {"id": GROUP, "name": "c", "type": "Microsoft.ContainerInstance/containerGroups", **BODY}
REGISTRY_BODY = {"location": "westus", "sku": {"name": "Basic"}, "properties": {"adminUserEnabled": True}}
REGISTRY_SEEN = {
    "id": REGISTRY,
    "name": "myregistry",
    "type": "Microsoft.ContainerRegistry/registries",
    "location": "westus",
    "sku": {"name": "Basic", "tier": "Basic"},
    "properties": {"loginServer": "127.0.0.1:1", "provisioningState": "Succeeded", "roleAssignmentMode": None},
}
BUILD = {
    "type": "DockerBuildRequest",
    "dockerFilePath": "Dockerfile",
    "platform": {"os": "Linux", "architecture": "amd64"},
    "timeout": 600,
}
RUN = {
    "id": f"{REGISTRY}/runs/r1",
    "name": "r1",
    "type": "Microsoft.ContainerRegistry/registries/runs",
    "properties": {"runId": "r1", "status": "Queued", "runType": "QuickBuild"},
}


@cache
def conformance() -> Conformance:
    return Conformance.load()


def found(
    method: str,
    path: str,
    version: str,
    sent: Any = None,
    status: int = 200,
    answer: Any = None,
    query: dict[str, str] | None = None,
    headers: dict[str, str] | None = None,
) -> list[str]:
    body = sent if isinstance(sent, bytes) else b"" if sent is None else json.dumps(sent).encode()
    asked = {**({"api-version": version} if version else {}), **(query or {})}
    return conformance().check(
        Request(method, path, asked, {}, body, "https://127.0.0.1"), Response(status, answer, headers or {})
    )


def changed(value: Any, *path: str | int, to: Any) -> Any:
    """Return a copy with another value at a place; ``...`` takes it away."""
    made = copy.deepcopy(value)
    inner = made
    for part in path[:-1]:
        inner = inner.setdefault(part, {}) if isinstance(inner, dict) and isinstance(part, str) else inner[part]
    if to is ...:
        del inner[path[-1]]
    else:
        inner[path[-1]] = to
    return made


def examples() -> list[Any]:
    """Find each published example of the container API, as the request and the response that it shows."""
    return [] if missing_reason() else list(read_examples())


def read_examples() -> Iterator[Any]:
    document = json.loads((SPECS / CONTAINERS).read_text())
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            given = [
                document["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
                for one in operation["parameters"]
            ]
            for name, reference in operation["x-ms-examples"].items():
                example = json.loads((SPECS / CONTAINERS).parent.joinpath(reference["$ref"]).read_text())
                for status, answer in example["responses"].items():
                    request = shown(method, path, given, example["parameters"])
                    response = Response(int(status), answer.get("body"), answer.get("headers", {}))
                    yield pytest.param(request, response, id=f"{name}-{status}")


def shown(method: str, path: str, given: list[Any], values: dict[str, Any]) -> Request:
    for one in given:
        if one["in"] == "path":
            path = path.replace("{" + one["name"] + "}", str(values[one["name"]]))
    query = {one["name"]: str(values[one["name"]]) for one in given if one["in"] == "query" and one["name"] in values}
    body = next((json.dumps(values[one["name"]]).encode() for one in given if one["in"] == "body"), b"")
    return Request(method.upper(), path, query, {}, body, "https://127.0.0.1")


@pytest.mark.parametrize(("request_", "response"), examples())
def test_every_published_example_of_the_container_api_passes(request_: Request, response: Response) -> None:
    assert conformance().check(request_, response) == []


def test_all_examples_of_the_container_api_are_fed() -> None:
    assert len(examples()) == 33


RIGHT: dict[str, Callable[[], list[str]]] = {
    "a PATCH of tags": lambda: found("PATCH", GROUP, GROUPS, {"tags": {"a": "b"}}, 200, SEEN),
    "a delete that goes on": lambda: found(
        "DELETE", GROUP, GROUPS, status=202, headers={"Azure-AsyncOperation": "https://x", "Retry-After": "0"}
    ),
    "letter case of a path": lambda: found("GET", GROUP.lower(), GROUPS, answer=SEEN),
    "a status of an operation": lambda: found("GET", OPERATION, GROUPS, answer={"id": OPERATION, "status": "Creating"}),
    "a throttled request": lambda: found(
        "GET", GROUP, GROUPS, None, 429, {"error": {"code": "TooManyRequests", "message": "wait"}}
    ),
    "a gateway that fails": lambda: found("GET", GROUP, GROUPS, None, 503, b"<html>"),
    "the answer of exec": lambda: found(
        "POST", f"{GROUP}/containers/c/exec", GROUPS, {"command": "sh"}, 200, {"webSocketUri": "ws", "password": "p"}
    ),
    "a new registry": lambda: found("PUT", REGISTRY, REGISTRIES, REGISTRY_BODY, 201, REGISTRY_SEEN),
    "a page of registries": lambda: found(
        "GET", REGISTRY.rpartition("/")[0], REGISTRIES, answer={"value": [REGISTRY_SEEN]}
    ),
    "a registry's property of the newest version": lambda: found(
        "PATCH", REGISTRY, REGISTRIES, {"properties": {"networkRuleBypassAllowedForTasks": True}}, 200, REGISTRY_SEEN
    ),
    "the registry's passwords, when asked for": lambda: found(
        "POST", f"{REGISTRY}/listCredentials", REGISTRIES,
        answer={"username": "u", "passwords": [{"name": "password", "value": "p"}]},
    ),
    "a build": lambda: found("POST", f"{REGISTRY}/scheduleRun", TASKS, BUILD, 200, RUN),
    "an exchange of tokens": lambda: found(
        "POST", "/oauth2/exchange", "",
        urlencode({"grant_type": "access_token", "service": "s", "tenant": "t", "access_token": "a"}).encode(),
        200, {"refresh_token": "r"},
    ),
    "a login without a scope": lambda: found(
        "GET", "/oauth2/token", "", query={"service": "s", "account": "u", "client_id": "docker"},
        answer={"access_token": "a"},
    ),
    "a repository's errors with details in a list": lambda: found(
        "GET", "/acr/v1/a/b/_tags", REGISTRIES[:0], status=404,
        answer={"errors": [{"code": "NAME_UNKNOWN", "message": "m", "detail": [{"name": "a/b"}]}]},
    ),
    "what is not described": lambda: found("PUT", "/subscriptions/s/resourcegroups/g", "2021-04-01", {"any": 1}),
}  # fmt: skip


@pytest.mark.parametrize("case", RIGHT)
def test_what_is_right_is_not_reported(case: str) -> None:
    assert RIGHT[case]() == []


def put(body: Any) -> list[str]:
    return found("PUT", GROUP, GROUPS, body, 200, SEEN)


def get(answer: Any, status: int = 200) -> list[str]:
    return found("GET", GROUP, GROUPS, status=status, answer=answer)


def put_registry(body: Any) -> list[str]:
    return found("PUT", REGISTRY, REGISTRIES, body, 200, REGISTRY_SEEN)


IN_CONTAINER = ("properties", "containers", 0, "properties")
VOLUME = {"name": "volume1", "azureFile": {"shareName": "s", "storageAccountName": "a", "storageAccountKey": "k"}}
WRONG: list[tuple[str, Callable[[], list[str]], str]] = [
    ("another api-version", lambda: found("GET", GROUP, "2021-10-01", answer=SEEN), "api-version is 2021-10-01"),
    ("no api-version", lambda: found("GET", GROUP, "", answer=SEEN), "api-version is None"),
    ("an unknown query parameter", lambda: found("GET", GROUP, GROUPS, answer=SEEN, query={"$expand": "x"}),
     "query parameter '$expand' is unknown"),
    ("a query parameter of another type",
     lambda: found("GET", f"{GROUP}/containers/c/logs", GROUPS, answer={"content": ""}, query={"tail": "ten"}),
     "query parameter 'tail'"),
    ("an operation that there is not", lambda: found("POST", f"{GROUP}/pause", GROUPS, status=404),
     "no such operation is published"),
    ("a method that there is not", lambda: found("HEAD", GROUP, GROUPS), "no such operation is published"),
    ("no body", lambda: put(None), "there is no body"),
    ("a body that is no JSON", lambda: put(b"{"), "the body is no JSON"),
    ("a body where none belongs", lambda: found("POST", f"{GROUP}/stop", GROUPS, {}, 204), "takes none"),
    ("an unknown property", lambda: put(changed(BODY, "properties", "cpuCores", to=1)), "'cpuCores' was unexpected"),
    ("an unknown property deep inside",
     lambda: put(changed(BODY, *IN_CONTAINER, "resources", "requests", "disk", to=1)),
     "properties.containers[0].properties.resources.requests: Additional"),
    ("an unknown property beside the tags", lambda: found("PATCH", GROUP, GROUPS, {"properties": {}}, 200, SEEN),
     "'properties' was unexpected"),
    ("an empty volume with something in it",
     lambda: put(changed(BODY, "properties", "volumes", to=[{"name": "v", "emptyDir": {"medium": "Memory"}}])),
     "volumes[0].emptyDir"),
    ("a read-only property", lambda: put(changed(BODY, "properties", "provisioningState", to="Succeeded")),
     "properties.provisioningState: is read-only"),
    ("a read-only property of a base", lambda: put({**BODY, "id": GROUP}), "id: is read-only"),
    ("a read-only view",
     lambda: put(changed(BODY, *IN_CONTAINER, "instanceView", to={})), "instanceView: is read-only"),
    ("a required property that is missing", lambda: put(changed(BODY, "properties", "osType", to=...)),
     "'osType' is a required property"),
    ("a required property deep inside",
     lambda: put(changed(BODY, *IN_CONTAINER, "resources", "requests", "cpu", to=...)),
     "'cpu' is a required property"),
    ("text for a number", lambda: put(changed(BODY, *IN_CONTAINER, "resources", "requests", "cpu", to="1")),
     "'1' is not of type 'number'"),
    ("a number too long", lambda: put(changed(BODY, *IN_CONTAINER, "ports", to=[{"port": 2**40}])), "is not a 'int32'"),
    ("null for a value", lambda: put({**BODY, "tags": None}), "tags: None is not of type 'object'"),
    ("a number as a tag", lambda: put({**BODY, "tags": {"a": 1}}), "tags.a: 1 is not of type 'string'"),
    ("a word that is no choice", lambda: put(changed(BODY, "properties", "restartPolicy", to="always")),
     "'always' is not one of"),
    ("an identity of a wrong type", lambda: put({**BODY, "identity": {"type": "UserAssigned,SystemAssigned"}}),
     "identity.type"),
    ("a status that is not declared",
     lambda: found("PUT", GROUP, GROUPS, BODY, 202, SEEN), "status 202 is not declared"),
    ("an answer without a body", lambda: get(None), "there is no body"),
    ("an answer that is no JSON", lambda: get(b"<html>"), "it is no JSON"),
    ("a body where none is declared", lambda: found("POST", f"{GROUP}/stop", GROUPS, None, 204, {"a": 1}),
     "there is a body, and none is declared"),
    ("an answer with an unknown property", lambda: get({**SEEN, "etag": "1"}), "'etag' was unexpected"),
    ("an answer without a required property", lambda: get(changed(SEEN, *IN_CONTAINER, "image", to=...)),
     "response: properties.containers[0].properties: 'image' is a required property"),
    ("a time that is none", lambda: get(changed(SEEN, *IN_CONTAINER, "instanceView", to={
        "currentState": {"startTime": "now"}})), "is not a 'date-time'"),
    ("an error of another shape", lambda: get({"code": "NotFound"}, 404), "'code' was unexpected"),
    ("an error that is no JSON", lambda: get(b"no", 404), "the error is no JSON"),
    ("an error without a shape elsewhere",
     lambda: found("GET", "/subscriptions/s/resourcegroups/g", "2021-04-01", status=404, answer={"message": "no"}),
     "'message' was unexpected"),
    ("nowhere to poll",
     lambda: found("DELETE", GROUP, GROUPS, status=202), "neither Azure-AsyncOperation nor Location"),
    ("a strange pause", lambda: found("DELETE", GROUP, GROUPS, status=202, headers={
        "azure-asyncoperation": "https://x", "retry-after": "soon"}), "Retry-After is 'soon'"),
    ("an operation without a status",
     lambda: found("GET", OPERATION, GROUPS, answer={"id": "o"}), "'status' is a required"),
    ("a secret variable that is told",
     lambda: get(changed(SEEN, *IN_CONTAINER, "environmentVariables", to=[{"name": "A", "secureValue": "s"}])),
     "environmentVariables[0].secureValue tells a secret"),
    ("a password that is told", lambda: get(changed(SEEN, "properties", "imageRegistryCredentials", to=[
        {"server": "s", "username": "u", "password": "p"}])), "imageRegistryCredentials[0].password tells a secret"),
    ("a key of a share that is told", lambda: get(changed(SEEN, "properties", "volumes", to=[VOLUME])),
     "volumes[0].azureFile.storageAccountKey tells a secret"),
    ("a secret file that is told",
     lambda: get(changed(SEEN, "properties", "volumes", to=[{"name": "v", "secret": {"a": "YQ=="}}])),
     "volumes[0].secret tells a secret"),
    ("a key of a workspace that is told", lambda: get(changed(SEEN, "properties", "diagnostics", to={
        "logAnalytics": {"workspaceId": "w", "workspaceKey": "k"}})), "logAnalytics.workspaceKey tells a secret"),
    ("a secret in a list", lambda: found("GET", GROUP.rpartition("/")[0], GROUPS, answer={"value": [
        changed(SEEN, "properties", "volumes", to=[VOLUME])]}), "value[0].properties.volumes[0]"),
    ("an old version of the registry's API", lambda: found("GET", REGISTRY, "2023-07-01", answer=REGISTRY_SEEN),
     "api-version is 2023-07-01, not 2025-11-01"),
    ("a registry without a SKU", lambda: put_registry(changed(REGISTRY_BODY, "sku", to=...)), "'sku' is a required"),
    ("an unknown property of a registry",
     lambda: put_registry(changed(REGISTRY_BODY, "properties", "softDelete", to={})),
     "'softDelete' was unexpected"),
    ("a read-only property of a registry",
     lambda: put_registry(changed(REGISTRY_BODY, "properties", "loginServer", to="a")), "loginServer: is read-only"),
    ("a policy of a wrong type", lambda: put_registry(changed(REGISTRY_BODY, "properties", "policies", to={
        "retentionPolicy": {"days": "7"}})), "retentionPolicy.days"),
    ("a PATCH that moves a registry",
     lambda: found("PATCH", REGISTRY, REGISTRIES, {"location": "eastus"}, 200, REGISTRY_SEEN),
     "'location' was unexpected"),
    ("a registry that is answered with more than there is",
     lambda: found("GET", REGISTRY, REGISTRIES, answer={**REGISTRY_SEEN, "kind": "x"}), "'kind' was unexpected"),
    ("a name that is too short", lambda: found("GET", REGISTRY[:-7], REGISTRIES, answer=REGISTRY_SEEN),
     "path parameter 'registryName'"),
    ("a name question without its type",
     lambda: found("POST", "/subscriptions/s/providers/Microsoft.ContainerRegistry/checkNameAvailability", REGISTRIES,
                   {"name": "abcde"}, 200, {"nameAvailable": True}), "'type' is a required property"),
    ("a build with a task's property",
     lambda: found("POST", f"{REGISTRY}/scheduleRun", TASKS, {**BUILD, "taskFilePath": "a"}, 200, RUN),
     "'taskFilePath' was unexpected"),
    ("a build that may run too short",
     lambda: found("POST", f"{REGISTRY}/scheduleRun", TASKS, {**BUILD, "timeout": 60}, 200, RUN), "timeout"),
    ("a build without a type",
     lambda: found("POST", f"{REGISTRY}/scheduleRun", TASKS, changed(BUILD, "type", to=...), 200, RUN),
     "'type' is a required property"),
    ("a build of an unknown type",
     lambda: found("POST", f"{REGISTRY}/scheduleRun", TASKS, {**BUILD, "type": "Build"}, 200, RUN),
     "'Build' is not one of"),
    ("a token for nothing", lambda: found("POST", "/oauth2/token", "", urlencode({
        "grant_type": "refresh_token", "service": "s", "refresh_token": "r"}).encode(), 200, {"access_token": "a"}),
     "formData parameter 'scope' is missing"),
    ("an unknown grant", lambda: found("POST", "/oauth2/exchange", "", urlencode({
        "grant_type": "client_credentials", "service": "s"}).encode(), 200, {"refresh_token": "r"}), "'grant_type'"),
    ("a repository of another shape", lambda: found("GET", "/acr/v1/a/b", "2021-07-01", answer={"name": "a/b"}),
     "'imageName' is a required property"),
]  # fmt: skip


@pytest.mark.parametrize(("wrong", "said"), [pytest.param(case, text, id=name) for name, case, text in WRONG])
def test_what_is_wrong_is_reported(wrong: Callable[[], list[str]], said: str) -> None:
    reported = wrong()

    assert any(said in text for text in reported), reported


def test_a_violation_names_the_request_and_its_answer() -> None:
    assert get({**SEEN, "etag": "1"})[0].startswith(f"GET {GROUP} (200): response: ")


def test_the_emulated_cloud_looks_at_what_passes(tmp_path: Path) -> None:
    with running_emulator(tmp_path, containers=False) as cloud:
        with closing(AzureSession(AzureConfig.read(cloud.config(), {}), Settings(tmp_path))) as session:
            path = session.resource_id("Microsoft.ContainerInstance/containerGroups", "c")
            with contextlib.suppress(AzureError):
                session.call("GET", f"{path}?$expand=all", GROUPS)

        assert any("query parameter '$expand' is unknown" in text for text in cloud.violations), cloud.violations
