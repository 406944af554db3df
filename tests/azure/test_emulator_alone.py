"""The emulator as a program, what it leaves when it is killed, and the resources that it only keeps."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
import requests

from tests.azure.raw import Raw
from tests.simulators.azure.emulator import Emulator
from tests.simulators.azure.group_runtime_engine import Engine, missing_reason

ROOT = Path(__file__).resolve().parents[2]
MARK = f"killed-{uuid.uuid4().hex[:8]}"
HOLDS = f"""
import time
from tests.simulators.azure.group_runtime_engine import Engine
from tests.simulators.azure.group_runtime_shape import hold
print(hold(Engine("{MARK}"), "aciml-emulator-{MARK}", {{}}), flush=True)
time.sleep(1000)
"""


@pytest.fixture
def raw(emulator: Emulator) -> Iterator[Raw]:
    client = Raw(emulator)
    yield client
    client.close()


def test_the_program_prints_a_config_that_works_and_ends_when_asked(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.simulators.azure", "--folder", str(tmp_path), "--paper"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        config = json.loads(process.stdout.readline())
        form = {
            "grant_type": "client_credentials", "client_id": config["clientId"],
            "client_secret": config["clientSecret"], "scope": f"{config['resourceManagerEndpoint']}/.default",
        }  # fmt: skip
        with requests.Session() as session:
            session.trust_env, session.verify = False, config["caBundle"]
            token = session.post(
                f"{config['authorityHost']}/{config['tenantId']}/oauth2/v2.0/token", data=form, timeout=20
            )
            group = session.get(
                f"{config['resourceManagerEndpoint']}/subscriptions/{config['subscriptionId']}"
                f"/resourceGroups/{config['resourceGroup']}?api-version=2021-04-01",
                headers={"Authorization": f"Bearer {token.json()['access_token']}"},
                timeout=20,
            )
        process.send_signal(signal.SIGTERM)

    assert group.json()["location"] == config["location"]
    assert process.returncode == 0


@pytest.mark.docker
def test_what_a_killed_emulator_left_is_removed_by_the_next_one() -> None:
    if reason := missing_reason():
        pytest.skip(reason)
    with subprocess.Popen([sys.executable, "-c", HOLDS], cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        left = process.stdout.readline().strip()
        process.kill()
    with contextlib.closing(docker.from_env()) as client:
        assert client.containers.get(left).status == "running"

        with contextlib.closing(Engine(f"next-{MARK}")), pytest.raises(docker.errors.NotFound):
            client.containers.get(left)

        client.images.remove(f"aciml-holder:{MARK}")


def test_a_profile_of_traffic_manager_keeps_its_endpoints(emulator: Emulator, raw: Raw) -> None:
    version = "2022-04-01"
    profile = emulator.world.resource_id(emulator.resource_group, "Microsoft.Network/trafficManagerProfiles", "tm")
    endpoint = f"{profile}/externalEndpoints/serving"
    at = {"properties": {"target": "first.example", "endpointStatus": "Enabled"}}

    assert raw.error(raw.call("PUT", endpoint, at, version)) == (404, "ParentResourceNotFound")
    assert raw.call("PUT", profile, {"location": "global", "properties": {}}, version).status_code == 201
    assert raw.call("PUT", endpoint, at, version).status_code == 201
    moved = raw.call("PATCH", endpoint, {"properties": {"target": "second.example"}}, version).json()

    assert moved["properties"] == {"target": "second.example", "endpointStatus": "Enabled"}
    inside = raw.call("GET", profile, version=version).json()["properties"]["endpoints"]
    assert [each["properties"]["target"] for each in inside] == ["second.example"]


def test_a_gateway_is_changed_by_an_operation(emulator: Emulator, raw: Raw) -> None:
    version = "2024-05-01"
    gateway = emulator.world.resource_id(emulator.resource_group, "Microsoft.Network/applicationGateways", "gw")
    pools = {
        "backendAddressPools": [{"name": "serving", "properties": {"backendAddresses": [{"ipAddress": "10.0.0.4"}]}}]
    }
    answer = raw.call("PUT", gateway, {"location": "westeurope", "properties": pools}, version)

    assert (answer.status_code, answer.json()["properties"]["provisioningState"]) == (201, "Updating")
    assert raw.wait(answer)["status"] == "Succeeded"
    seen = raw.call("GET", gateway, version=version).json()["properties"]
    assert seen == {**pools, "provisioningState": "Succeeded"}
