"""Container apps that really run, and whose requests are really shared."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
import requests

from tests.azure.apps import AppsRaw, app_body
from tests.azure.raw import until
from tests.simulators.azure.emulator import Emulator, running_emulator
from tests.simulators.azure.generic import assign, make_identity
from tests.simulators.azure.group_runtime_engine import LABEL, missing_reason
from tests.simulators.azure.group_runtime_processes import Programs
from tests.simulators.certificates import self_signed
from tests.simulators.containers import REPOSITORY as OWN
from tests.simulators.containers import remove_images

pytestmark = pytest.mark.docker
SHELL = ["/bin/busybox", "sh", "-c"]


@pytest.fixture(scope="module")
def engine(tiny: docker.DockerClient) -> docker.DockerClient:
    if reason := missing_reason():
        pytest.skip(reason)
    return tiny


@pytest.fixture
def raw(emulator: Emulator, engine: docker.DockerClient) -> Iterator[AppsRaw]:
    client = AppsRaw(emulator)
    yield client
    client.close()


@pytest.fixture
def light(raw: AppsRaw, programs: Programs) -> AppsRaw:
    """Run the replicas that follow as processes, which takes a tenth: who gets a request is the same code."""
    raw.emulator.world.parts["groups"].programs = programs
    return raw


@pytest.fixture
def say(emulator: Emulator) -> Iterator[Callable[..., str]]:
    """Ask a host by TLS, and return what it says: the body of a 200, else the status."""
    with requests.Session() as session:
        session.trust_env, session.verify = False, str(emulator.ca_bundle)

        def ask(host: str, name: str = "", path: str = "/") -> str:
            answer = session.get(f"https://{host}{path}", headers={"Host": name} if name else {}, timeout=20)
            return answer.text.strip() if answer.ok else str(answer.status_code)

        yield ask


def body(environment: str, image: str = "serves", **changes: Any) -> dict[str, Any]:
    return app_body(environment, f"{OWN}:{image}", **changes)


def host_of(seen: dict[str, Any]) -> str:
    return str(seen["properties"]["configuration"]["ingress"]["fqdn"])


def shares(**weights: int) -> list[dict[str, Any]]:
    return [{"revisionName": f"app--{suffix}", "weight": weight} for suffix, weight in weights.items()]


def test_requests_are_shared_by_weight_and_reach_one_revision_by_its_names(
    emulator: Emulator, light: AppsRaw, say: Callable[..., str]
) -> None:
    environment = light.make_environment()
    host = host_of(light.up(body(environment, suffix="one")))
    assert say(host) == "one"

    split = [{"revisionName": "app--one", "weight": 80}, {"revisionName": "app--two", "weight": 20, "label": "new"}]
    seen = light.up(body(environment, "serves-too", suffix="two", ingress_traffic=split))

    assert host_of(seen) == host
    assert Counter(say(host) for _ in range(20)) == {"one": 16, "two": 4}
    assert {name: say(each["fqdn"]) for name, each in light.revisions().items()} == {
        "app--one": "one",
        "app--two": "two",
    }
    domain = light.ask("GET", environment).json()["properties"]["defaultDomain"]
    names = [f"app--two.{domain}", f"app---new.{domain}", f"app---old.{domain}", f"app--no.{domain}", f"other.{domain}"]
    assert [say(host, name) for name in names] == ["two", "two", "404", "404", "404"]
    path = light.app("providers", "Microsoft.Insights", "metrics")
    query = {"metricnames": "Requests", "timespan": "2020-01-01T00:00:00Z/2100-01-01T00:00:00Z"}
    metric = light.call("GET", path, None, "2023-10-01", **query, **{"$filter": "revisionName eq 'app--one'"}).json()
    assert [one["data"][0]["total"] for one in metric["value"][0]["timeseries"]] == [18]

    # a switch of all weight, and the end of the old revision, lose no request
    answers: Counter[str] = Counter()
    ended = threading.Event()

    def ask_on() -> None:
        while not ended.wait(0.005):
            answers[say(host)] += 1

    clients = [threading.Thread(target=ask_on) for _ in range(2)]
    for each in clients:
        each.start()
    light.change({"properties": {"configuration": {"ingress": {"traffic": shares(one=0, two=100)}}}})
    light.ask("POST", light.app("revisions", "app--one", "deactivate"))
    until(lambda: answers["two"] > 20)
    ended.set()
    for each in clients:
        each.join()
    assert set(answers) <= {"one", "two"}
    assert say(host) == "two"


def test_a_revision_that_crashes_expires_tells_why_and_the_old_one_serves(
    emulator: Emulator, light: AppsRaw, say: Callable[..., str]
) -> None:
    environment = light.make_environment()
    host = host_of(light.up(body(environment, suffix="one", activeRevisionsMode="Single")))

    said = light.end(
        light.ask("PUT", light.app(), body(environment, "exits", suffix="two", activeRevisionsMode="Single"))
    )

    assert said["error"] == {
        "code": "ContainerAppOperationError",
        "message": "Failed to provision revision for container app 'app'. Error details: Operation expired.",
    }
    assert say(host) == "one"
    replica = light.ask("GET", light.app("revisions", "app--two", "replicas")).json()["value"][0]["properties"]
    container = replica["containers"][0]
    assert (container["ready"], container["restartCount"] >= 3) == (False, True)
    token = light.ask("POST", light.app("getAuthtoken")).json()["properties"]["token"]

    def stream(where: str, token: str, **query: str) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"}
        return light._session.get(where, headers=headers, params=query, timeout=20)

    log = stream(container["logStreamEndpoint"], token, output="text").text.splitlines()
    assert "ModuleNotFoundError: No module named 'joblib'" in log
    assert len(stream(container["logStreamEndpoint"], token, output="text", tailLines="1").text.splitlines()) == 1
    assert stream(container["logStreamEndpoint"], "wrong").status_code == 401
    events = stream(light.seen()["properties"]["eventStreamEndpoint"], token).text
    assert '"Reason": "BackOff"' in events
    ended = "Container 'main' was terminated with exit code '3' and reason 'ProcessExited'"
    assert ended in events
    assert ended in container["runningStateDetails"]


def test_a_revision_without_a_listener_expires_after_the_patience(emulator: Emulator, light: AppsRaw) -> None:
    emulator.world.parts["apps"].patience = 1
    environment = light.make_environment()

    said = light.end(light.ask("PUT", light.app(), body(environment, "hangs", suffix="one")))

    assert said["error"]["code"] == "ContainerAppOperationError"
    assert light.revisions()["app--one"]["provisioningState"] == "Failed"


def test_secrets_reach_containers_and_a_change_waits_for_a_restart(raw: AppsRaw, say: Callable[..., str]) -> None:
    environment = raw.make_environment()
    command = "cp /secrets/file /w/file; echo $KEY > /w/index.html; httpd -f -p 5001 -h /w"
    wish = body(
        environment,
        secrets=[{"name": "key", "value": "first"}],
        container_command=SHELL,
        container_args=[f"trap 'exit 0' TERM; {command} & wait"],
        container_env=[{"name": "KEY", "secretRef": "key"}],
        container_volumeMounts=[
            {"volumeName": "files", "mountPath": "/secrets"},
            {"volumeName": "empty", "mountPath": "/w"},
        ],
        template_volumes=[
            {"name": "files", "storageType": "Secret", "secrets": [{"secretRef": "key", "path": "file"}]},
            {"name": "empty", "storageType": "EmptyDir"},
        ],
    )
    seen = raw.up(wish)
    host, name = host_of(seen), seen["properties"]["latestRevisionName"]
    assert (say(host), say(host, path="/file")) == ("first", "first")

    raw.change({"properties": {"configuration": {"secrets": [{"name": "key", "value": "second"}]}}})
    assert say(host) == "first"
    raw.ask("POST", raw.app("revisions", name, "restart"))
    assert until(lambda: say(host) == "second")
    assert list(raw.revisions()) == [name]


def test_who_may_not_come_in_stays_outside(emulator: Emulator, light: AppsRaw, say: Callable[..., str]) -> None:
    environment = light.make_environment()
    host = host_of(light.up(body(environment)))
    plain = light._session.get(f"http://{host}/x", allow_redirects=False, timeout=20)
    assert (plain.status_code, plain.headers["Location"]) == (301, f"https://{host}/x")
    ingress: dict[str, Any] = {"allowInsecure": True}

    def changed(**values: Any) -> None:
        light.change({"properties": {"configuration": {"ingress": values}}})

    changed(**ingress)
    assert light._session.get(f"http://{host}/", timeout=20).text == "one\n"
    changed(ipSecurityRestrictions=[{"name": "a", "ipAddressRange": "10.0.0.0/8", "action": "Allow"}])
    assert say(host) == "403"
    changed(ipSecurityRestrictions=[{"name": "a", "ipAddressRange": "10.0.0.0/8", "action": "Deny"}])
    assert say(host) == "one"
    changed(external=False)
    assert say(host) == "404"
    changed(external=True, targetPort=5999)
    assert say(host) == "503"
    light.end(light.ask("POST", light.app("stop")))
    assert say(host) == "404"


def test_a_custom_domain_shows_its_own_certificate(light: AppsRaw, tmp_path: Path) -> None:
    environment = light.make_environment()
    chain, key = self_signed(tmp_path, "www.example.org")
    value = base64.b64encode(chain.read_bytes() + key.read_bytes()).decode()
    made = light.ask(
        "PUT", light.environment("certificates", "www"), {"location": "westeurope", "properties": {"value": value}}
    )
    domains = [{"name": "www.example.org", "certificateId": made.json()["id"], "bindingType": "SniEnabled"}]
    address, _, port = host_of(light.up(body(environment, ingress_customDomains=domains))).partition(":")

    context = ssl.create_default_context(cafile=str(chain))
    with (
        socket.create_connection((address, int(port)), timeout=20) as plain,
        context.wrap_socket(plain, server_hostname="www.example.org") as secure,
    ):
        secure.sendall(b"GET / HTTP/1.1\r\nHost: www.example.org\r\nConnection: close\r\n\r\n")
        answer = b"".join(iter(lambda: secure.recv(1 << 16), b""))
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"one\n")


def test_replicas_come_with_requests_and_go_with_the_cool_down(
    emulator: Emulator, light: AppsRaw, say: Callable[..., str]
) -> None:
    apps = emulator.world.parts["apps"]
    time = [0.0]
    apps.clock = lambda: time[0]
    rule = {"name": "http", "http": {"metadata": {"concurrentRequests": "1"}}}
    scale = {"minReplicas": 0, "maxReplicas": 2, "cooldownPeriod": 30, "rules": [rule]}
    host = host_of(light.up(body(light.make_environment(), suffix="one", template_scale=scale)))
    time[0] = 30
    assert light.revisions()["app--one"]["replicas"] == 0

    assert say(host) == "one"  # it waits for the first replica
    assert light.revisions()["app--one"]["replicas"] == 1
    revision = apps.find(light.app()).revisions["app--one"]
    held = [revision.pick(), revision.pick()]
    assert light.revisions()["app--one"]["replicas"] == 2
    for each in held:
        each.leave()


def test_images_are_pulled_as_the_identity_or_with_the_secret_of_the_app_or_not_at_all(
    emulator: Emulator,
    engine: docker.DockerClient,
    raw: AppsRaw,
    make_registry: Callable[..., Any],
    say: Callable[..., str],
) -> None:
    registry = make_registry(sku="Premium", adminUserEnabled=True)
    host = registry.properties.login_server
    keys = raw.call("POST", f"{registry.id}/listCredentials", version="2025-11-01").json()
    account = {"username": keys["username"], "password": keys["passwords"][0]["value"]}
    engine.api.tag(f"{OWN}:serves", f"{host}/probe", "serves")
    try:
        lines = list(engine.api.push(f"{host}/probe", "serves", auth_config=account, stream=True, decode=True))
        image = f"{host}/probe@{next(line['aux']['Digest'] for line in lines if 'aux' in line)}"
    finally:
        remove_images(engine, f"{host}/probe")
    environment = raw.make_environment()
    identity = make_identity(emulator.world, emulator.resource_group, "puller")
    pulls: dict[str, Any] = {
        "top_identity": {"type": "UserAssigned", "userAssignedIdentities": {identity["id"]: {}}},
        "registries": [{"server": host, "identity": identity["id"]}],
    }
    system: dict[str, Any] = {
        "top_identity": {"type": "SystemAssigned"},
        "registries": [{"server": host, "identity": "system"}],
    }
    secret: dict[str, Any] = {
        "secrets": [{"name": "password", "value": account["password"]}],
        "registries": [{"server": host, "username": account["username"], "passwordSecretRef": "password"}],
    }
    wrong: dict[str, Any] = {**secret, "secrets": [{"name": "password", "value": "wrong"}]}

    nothing: dict[str, Any] = {}

    for refused in (nothing, pulls, system, wrong):
        answer = raw.ask("PUT", raw.app(), app_body(environment, image, **refused))
        assert raw.error(answer) == (400, "InvalidParameterValueInContainerTemplate")
        assert (
            f"Field 'template.containers.main.image' is invalid with details: 'Invalid value: \"{image}\""
            in (answer.json()["error"]["message"])
        )
    missing = raw.ask("PUT", raw.app(), app_body(environment, f"{host}/none:1", **secret))
    assert raw.error(missing) == (400, "InvalidParameterValueInContainerTemplate")

    assign(emulator.world, identity["properties"]["principalId"], registry.id)
    assert say(host_of(raw.up(app_body(environment, image, **pulls)))) == "one"
    assert say(host_of(raw.up(app_body(environment, image, **secret), "second"))) == "one"


def test_an_emulator_that_ends_leaves_nothing_of_apps_in_docker(engine: docker.DockerClient, tmp_path: Path) -> None:
    with running_emulator(tmp_path) as emulator:
        raw = AppsRaw(emulator)
        raw.up(body(raw.make_environment(), template_volumes=[{"name": "empty", "storageType": "EmptyDir"}]))
        raw.close()
        mark = emulator.world.parts["groups"].mark
        assert engine.containers.list(filters={"label": f"{LABEL}={mark}"})

    assert not engine.containers.list(all=True, filters={"label": f"{LABEL}={mark}"})
    assert not engine.volumes.list(filters={"label": f"{LABEL}={mark}"})
