"""Container groups that really run."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from tests.azure.raw import Raw, until
from tests.azure.raw import body as any_body
from tests.simulators.azure.emulator import Emulator, running_emulator
from tests.simulators.azure.generic import assign, make_identity
from tests.simulators.azure.group_runtime_engine import LABEL, missing_reason
from tests.simulators.azure.group_runtime_processes import Programs
from tests.simulators.containers import REPOSITORY as OWN
from tests.simulators.containers import remove_images
from tests.simulators.registry_program import missing_reason as missing_registry

pytestmark = pytest.mark.docker
PUBLIC = {"type": "Public", "ports": [{"port": 5001}], "dnsNameLabel": "served"}


@pytest.fixture(scope="module")
def engine(tiny: docker.DockerClient) -> docker.DockerClient:
    if reason := missing_reason():
        pytest.skip(reason)
    return tiny


@pytest.fixture
def raw(emulator: Emulator, engine: docker.DockerClient) -> Iterator[Raw]:
    client = Raw(emulator)
    yield client
    client.close()


@pytest.fixture
def light(raw: Raw, programs: Programs) -> Raw:
    """Run what follows as processes, which takes a tenth: how one ends and begins again is the same code."""
    raw.emulator.world.parts["groups"].programs = programs
    return raw


def body(**changes: Any) -> dict[str, Any]:
    """Return a group of an image that is here."""
    return any_body(**{"container_image": f"{OWN}:serves", **changes})


def said(host: str, path: str = "/", port: int = 5001) -> str:
    """Return what a server says; empty if nobody answers."""
    with requests.Session() as session, contextlib.suppress(requests.RequestException):
        session.trust_env = False
        return session.get(f"http://{host}:{port}{path}", timeout=5).text.strip()
    return ""


def shell(command: str) -> list[str]:
    return ["/bin/busybox", "sh", "-c", command]


def container(seen: dict[str, Any], number: int = 0) -> Any:
    return seen["properties"]["containers"][number]["properties"]["instanceView"]


def test_a_group_answers_at_its_address_and_its_name_and_keeps_both_when_it_changes(raw: Raw) -> None:
    first = raw.put(body(ipAddress=PUBLIC))["properties"]["ipAddress"]
    assert until(lambda: said(first["ip"])) == "one"
    assert said(first["fqdn"]) == "one"

    second = raw.put(body(ipAddress=PUBLIC, container_image=f"{OWN}:serves-too"))["properties"]["ipAddress"]

    assert (second["ip"], second["fqdn"]) == (first["ip"], first["fqdn"])
    assert until(lambda: said(second["fqdn"]) == "two")
    raw.wait(raw.call("DELETE", raw.path("one")))
    assert said(second["fqdn"]) == ""


def test_an_equal_body_restarts_the_containers(light: Raw) -> None:
    first = container(light.put(body()))["currentState"]["startTime"]

    assert container(light.put(body()))["currentState"]["startTime"] > first


def test_a_container_that_fails_is_started_again_and_shows_why(raw: Raw) -> None:
    raw.put(body(container_image=f"{OWN}:exits"))

    seen = until(lambda: view if (view := container(raw.get()))["restartCount"] >= 2 else {})

    assert seen["previousState"]["exitCode"] == 3
    assert {"Pulling", "Pulled", "Created", "Started", "BackOff"} <= {each["name"] for each in seen["events"]}
    log = raw.call("GET", raw.path("one", "containers", "main", "logs")).json()["content"]
    assert "ModuleNotFoundError: No module named 'joblib'" in log
    assert (
        len(raw.call("GET", raw.path("one", "containers", "main", "logs"), tail="2").json()["content"].splitlines())
        == 2
    )


@pytest.mark.parametrize(
    ("policy", "code", "state", "restarts"),
    [("Never", 0, "Succeeded", 0), ("Never", 4, "Failed", 0), ("OnFailure", 0, "Succeeded", 0)],
)
def test_a_group_that_ends_stays_ended_and_takes_no_update(
    light: Raw, policy: str, code: int, state: str, restarts: int
) -> None:
    ends = body(restartPolicy=policy, container_command=shell(f"exit {code}"))
    light.put(ends)

    seen = until(lambda: seen if (seen := light.get())["properties"]["instanceView"]["state"] == state else {})

    assert container(seen)["currentState"]["exitCode"] == code
    assert container(seen)["restartCount"] == restarts
    assert light.error(light.call("PUT", light.path("one"), ends)) == (400, "InvalidContainerGroupUpdate")
    assert light.call("DELETE", light.path("one")).status_code == 200


def test_a_failure_is_tried_again_on_failure(light: Raw) -> None:
    light.put(body(restartPolicy="OnFailure", container_command=shell("exit 4")))

    assert until(lambda: container(light.get())["restartCount"] >= 1)


def test_a_command_that_is_not_there_is_an_event(raw: Raw) -> None:
    raw.put(body(container_image=f"{OWN}:lacks-its-command"))

    seen = until(lambda: view if (view := container(raw.get())).get("previousState") else {})

    assert seen["previousState"]["exitCode"] == 127
    assert "Failed" in {each["name"] for each in seen["events"]}


def test_secrets_and_shares_and_empty_folders_are_there(emulator: Emulator, raw: Raw) -> None:
    command = "cat /files/a > /index.html; cp /files/a /share/copy; echo x > /empty/x; httpd -f -p 5001 -h /"
    share = {"shareName": "data", "storageAccountName": "account", "storageAccountKey": "key"}
    seen = raw.put(
        body(
            container_command=shell(f"trap 'exit 0' TERM; {command} & wait"),
            container_volumeMounts=[
                {"name": "files", "mountPath": "/files"},
                {"name": "share", "mountPath": "/share"},
                {"name": "empty", "mountPath": "/empty"},
            ],
            volumes=[
                {"name": "files", "secret": {"a": base64.b64encode(b"from a secret").decode()}},
                {"name": "share", "azureFile": share},
                {"name": "empty", "emptyDir": {}},
            ],
        )
    )

    assert until(lambda: said(seen["properties"]["ipAddress"]["ip"])) == "from a secret"
    assert (emulator.world.folder / "shares" / "account" / "data" / "copy").read_text() == "from a secret"


def test_variables_secret_or_not_reach_the_program_and_a_stopped_group_keeps_its_log_and_starts_again(raw: Raw) -> None:
    variables = [{"name": "OPEN", "value": "one"}, {"name": "HIDDEN", "secureValue": "two"}]
    command = shell("echo $OPEN $HIDDEN; sleep 1000")

    raw.put(body(container_command=command, container_environmentVariables=variables))

    def log() -> str:
        return str(raw.call("GET", raw.path("one", "containers", "main", "logs")).json()["content"]).strip()

    assert until(log) == "one two"

    raw.call("POST", raw.path("one", "stop"))

    assert raw.get()["properties"]["instanceView"]["state"] == "Stopped"
    assert log() == "one two"
    raw.wait(raw.call("POST", raw.path("one", "start")))
    assert container(raw.get())["currentState"]["state"] == "Running"


def test_init_containers_run_first_and_containers_share_a_network(raw: Raw) -> None:
    made = body(volumes=[{"name": "shared", "emptyDir": {}}])
    mount = [{"name": "shared", "mountPath": "/shared"}]
    image = f"{OWN}:serves"
    first = {
        "name": "first",
        "properties": {"image": image, "command": shell("echo early > /shared/index.html"), "volumeMounts": mount},
    }
    made["properties"]["initContainers"] = [first]
    main, side = made["properties"]["containers"][0]["properties"], "wget -q -O - http://127.0.0.1:5001/"
    main |= {"command": shell("httpd -f -p 5001 -h /shared"), "volumeMounts": mount}
    side_command = shell(f"until {side}; do sleep 0.1; done; sleep 1000")
    asked = {"requests": {"cpu": 1, "memoryInGB": 1}}
    other = {"name": "side", "properties": {"image": image, "command": side_command, "resources": asked}}
    made["properties"]["containers"].append(other)

    seen = raw.put(made)

    assert until(lambda: said(seen["properties"]["ipAddress"]["ip"])) == "early"
    assert until(lambda: "early" in raw.call("GET", raw.path("one", "containers", "side", "logs")).json()["content"])
    assert seen["properties"]["initContainers"][0]["properties"]["instanceView"]["currentState"]["exitCode"] == 0


def test_a_liveness_probe_that_fails_restarts_the_container(light: Raw) -> None:
    probe = {"httpGet": {"port": 5001, "path": "/nowhere"}, "periodSeconds": 1, "failureThreshold": 1}
    light.put(body(container_livenessProbe=probe))

    seen = until(lambda: view if (view := container(light.get()))["restartCount"] >= 1 else {})

    assert {"Unhealthy", "Killing"} <= {each["name"] for each in seen["events"]}


def test_a_name_takes_no_requests_until_the_readiness_probe_passes(engine: docker.DockerClient, raw: Raw) -> None:
    probe = {"exec": {"command": ["/bin/busybox", "test", "-e", "/ready"]}, "periodSeconds": 1}
    command = shell("echo ready > /index.html; httpd -f -p 5001 -h / & wait")
    address = raw.put(body(ipAddress=PUBLIC, container_command=command, container_readinessProbe=probe))["properties"][
        "ipAddress"
    ]

    assert until(lambda: said(address["ip"])) == "ready"
    assert said(address["fqdn"]) == ""
    mark = f"{LABEL}={raw.emulator.world.parts['groups'].mark}"
    (main,) = [one for one in engine.api.containers(filters={"label": mark}) if "-main-" in one["Names"][0]]
    made = engine.api.exec_create(main["Id"], ["/bin/busybox", "touch", "/ready"])
    engine.api.exec_start(made["Id"])
    assert until(lambda: said(address["fqdn"])) == "ready"


@pytest.mark.parametrize(("fault", "code", "detail"), [("crash-loop", 1, "Error"), ("oom", 137, "OOMKilled")])
def test_crashes_can_be_ordered(emulator: Emulator, light: Raw, fault: str, code: int, detail: str) -> None:
    emulator.fault(fault, match="put ")
    light.put(body())

    seen = until(lambda: view if (view := container(light.get())).get("previousState") else {})

    assert (seen["previousState"]["exitCode"], seen["previousState"]["detailStatus"]) == (code, detail)
    assert container(light.put(body()))["currentState"]["state"] == "Running"


@pytest.fixture
def registry(emulator: Emulator, raw: Raw) -> dict[str, Any]:
    if reason := missing_registry():
        pytest.skip(reason)
    path = emulator.world.resource_id(emulator.resource_group, "Microsoft.ContainerRegistry/registries", "images")
    given = {"location": "westeurope", "sku": {"name": "Basic"}, "properties": {"adminUserEnabled": True}}
    raw.wait(raw.call("PUT", path, given, version="2025-11-01"))
    seen: dict[str, Any] = raw.call("GET", path, version="2025-11-01").json()
    return seen


def pushed(engine: docker.DockerClient, registry: dict[str, Any], raw: Raw) -> tuple[str, dict[str, str]]:
    """Push an image; return its reference and the registry's admin account."""
    host = registry["properties"]["loginServer"]
    keys = raw.call("POST", f"{registry['id']}/listCredentials", version="2025-11-01").json()
    account = {"username": keys["username"], "password": keys["passwords"][0]["value"]}
    engine.api.tag(f"{OWN}:serves", f"{host}/probe", "serves")
    try:
        lines = list(engine.api.push(f"{host}/probe", "serves", auth_config=account, stream=True, decode=True))
        digest = next(line["aux"]["Digest"] for line in lines if "aux" in line)
    finally:
        remove_images(engine, f"{host}/probe")
    return f"{host}/probe@{digest}", account


def test_an_image_is_pulled_with_the_account_of_the_request_or_not_at_all(
    engine: docker.DockerClient, raw: Raw, registry: dict[str, Any]
) -> None:
    image, account = pushed(engine, registry, raw)
    host = image.partition("/")[0]
    wrong = [{"server": host, "username": account["username"], "password": "wrong"}]

    for credentials in ([], wrong):
        answer = raw.call("PUT", raw.path("one"), body(container_image=image, imageRegistryCredentials=credentials))
        assert raw.error(answer) == (400, "InaccessibleImage")
    seen = raw.put(body(container_image=image, imageRegistryCredentials=[{"server": host, **account}]))
    assert until(lambda: said(seen["properties"]["ipAddress"]["ip"])) == "one"


def test_an_identity_pulls_once_it_has_the_role(
    emulator: Emulator, engine: docker.DockerClient, raw: Raw, registry: dict[str, Any]
) -> None:
    image, _ = pushed(engine, registry, raw)
    identity = make_identity(emulator.world, emulator.resource_group, "puller")
    wish = body(
        container_image=image,
        top_identity={"type": "UserAssigned", "userAssignedIdentities": {identity["id"]: {}}},
        imageRegistryCredentials=[{"server": image.partition("/")[0], "identity": identity["id"]}],
    )

    assert raw.error(raw.call("PUT", raw.path("one"), wish)) == (400, "InaccessibleImage")
    assign(emulator.world, identity["properties"]["principalId"], registry["id"])
    seen = raw.put(wish)
    assert until(lambda: said(seen["properties"]["ipAddress"]["ip"])) == "one"


def test_an_emulator_that_ends_leaves_nothing_in_docker(engine: docker.DockerClient, tmp_path: Path) -> None:
    with running_emulator(tmp_path) as emulator:
        raw = Raw(emulator)
        raw.put(body(volumes=[{"name": "empty", "emptyDir": {}}]))
        raw.close()
        mark = emulator.world.parts["groups"].mark
        assert len(engine.containers.list(filters={"label": f"{LABEL}={mark}"})) == 2

    assert not engine.containers.list(all=True, filters={"label": f"{LABEL}={mark}"})
    assert not engine.volumes.list(filters={"label": f"{LABEL}={mark}"})
    # the bare list: the other one looks at each image of the engine, and one of another process may go meanwhile
    assert not engine.api.images(f"aciml-holder:{mark}")


def test_an_init_container_that_hangs_does_not_hang_a_delete(emulator: Emulator, light: Raw) -> None:
    made = body()
    wait = {"name": "first", "properties": {"image": f"{OWN}:serves", "command": shell("sleep 1000")}}
    made["properties"]["initContainers"] = [wait]
    light.call("PUT", light.path("one"), made)

    def runs() -> bool:
        view = light.get()["properties"]["initContainers"][0]["properties"].get("instanceView", {})
        return bool(view.get("currentState", {}).get("state") == "Running")

    assert until(runs)
    assert light.get()["properties"]["instanceView"]["state"] == "Pending"
    emulator.reset()
    assert not emulator.world.parts["groups"].deployments
