"""What makes a revision, what its replicas are given, and that nothing secret is in a spec: by value."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aciml.targets.local.sandbox import Runner
from aciml.targets.local.swarm.template import (
    KEYS,
    VARIABLES,
    Made,
    Probe,
    Secret,
    Task,
    Template,
    drain_seconds,
    name_of,
    secret_files,
    secret_name,
)
from aciml.targets.protocol import GroupSpec
from tests.targets.specs import spec

IMAGE = "127.0.0.1:5000/models/iris:1@sha256:" + "a" * 64
SERVER = {
    "Entrypoint": ["/azureml-envs/aciml/bin/python", "-I", "-S", "-B", "/opt/aciml/entrypoint.py"],
    "Cmd": ["python", "/opt/aciml/server/run.py"],
    "Env": ["PATH=/azureml-envs/aciml/bin:/bin"],
}


def wanted(**said: Any) -> GroupSpec:
    return spec("iris", said.pop("image", IMAGE), runsOn="container_app", cpuCores=0.5, memoryGb=1, **said)


def template(of: GroupSpec, **more: Any) -> Template:
    probe = Probe.of(SERVER, of.declared.environment())
    return Template(of, more.pop("replicas", 2), "net", probe, Runner((10001, 10001), "/home/aciml"), **more)


def test_the_same_content_is_the_same_revision() -> None:
    first = name_of(wanted())

    assert first.startswith("iris--r")
    assert name_of(wanted(port=8080, authEnabled=True, primaryKey="k" * 32)) == first
    assert name_of(wanted(image=IMAGE.replace(":1@", ":latest@"))) == first  # a tag is no content


@pytest.mark.parametrize(
    "said",
    [{"image": IMAGE.replace("a" * 64, "b" * 64)}, {"environmentVariables": {"A": "1"}}, {"readOnlyRoot": True}],
)
def test_another_content_is_another_revision(said: dict[str, Any]) -> None:
    assert name_of(wanted(**said)) != name_of(wanted())


def test_limits_make_another_revision() -> None:
    assert name_of(wanted().but(cpu_cores=1.0)) != name_of(wanted())


def test_nothing_secret_is_in_the_spec_and_files_name_where_it_is() -> None:
    secret = wanted(authEnabled=True, primaryKey="first-key", secureEnvironmentVariables={"PASSWORD": "hunter2"})
    files = secret_files(secret)
    mounted = tuple(Secret(f"id-{file}", secret_name("iris", file, text), file) for file, text in files.items())

    document = template(secret, secrets=mounted).to_json()

    said = json.dumps(document)
    assert "first-key" not in said
    assert "hunter2" not in said
    container = document["TaskTemplate"]["ContainerSpec"]
    assert "ACIML_KEYS_FILE=/run/secrets/aciml-keys" in container["Env"]
    assert "ACIML_VARIABLES_FILE=/run/secrets/aciml-variables" in container["Env"]
    # the service's user alone
    assert {one["File"]["Mode"] for one in container["Secrets"]} == {0o400}
    assert {one["File"]["UID"] for one in container["Secrets"]} == {"10001"}
    assert files[KEYS] == b"first-key"
    assert json.loads(files[VARIABLES]) == {"PASSWORD": "hunter2"}


def test_a_secrets_name_tells_contents_apart_and_not_what_they_are() -> None:
    names = {secret_name(app, KEYS, text) for app in ("iris", "boston") for text in (b"1234", b"1235")}

    assert len(names) == 4
    assert all("1234" not in name and len(name) <= 64 for name in names)
    assert secret_name("iris", KEYS, b"1234") == secret_name("iris", KEYS, b"1234")


def test_a_service_without_secrets_has_no_files() -> None:
    assert secret_files(wanted()) == {}


def test_the_image_is_named_by_its_digest_alone() -> None:
    container = template(wanted()).to_json()["TaskTemplate"]["ContainerSpec"]

    assert container["Image"] == "127.0.0.1:5000/models/iris@sha256:" + "a" * 64


def test_docker_is_told_limits_rights_and_how_a_replica_is_asked_and_ended() -> None:
    document = template(wanted(maxProcesses=64), log_driver="json-file").to_json()
    task, container = document["TaskTemplate"], document["TaskTemplate"]["ContainerSpec"]

    limits = {"NanoCPUs": 500_000_000, "MemoryBytes": 2**30, "Pids": 64}
    assert task["Resources"]["Limits"] == limits
    assert container["CapabilityDrop"] == ["ALL"]
    assert container["StopGracePeriod"] == 15_000_000_000
    assert container["Healthcheck"]["Test"][1] == "/azureml-envs/aciml/bin/python"
    assert "/live" in container["Healthcheck"]["Test"][-1]
    assert document["EndpointSpec"] == {"Mode": "dnsrr"}
    assert document["UpdateConfig"]["Order"] == "start-first"
    assert document["UpdateConfig"]["FailureAction"] == "rollback"
    assert document["Mode"] == {"Replicated": {"Replicas": 2}}
    assert task["LogDriver"]["Options"]["max-file"] == "3"


def test_a_root_that_cannot_be_written_has_places_in_memory_and_keeps_its_secrets() -> None:
    container = template(wanted(readOnlyRoot=True)).to_json()["TaskTemplate"]["ContainerSpec"]

    assert container["ReadOnly"]
    assert [one["Target"] for one in container["Mounts"]] == ["/tmp", "/var/tmp", "/home/aciml"]


@pytest.mark.parametrize(
    ("config", "environment", "python", "port"),
    [
        (SERVER, {}, "/azureml-envs/aciml/bin/python", "5000"),
        (SERVER, {"ACIML_HEALTH_PORT": "off"}, "/azureml-envs/aciml/bin/python", "5001"),
        (SERVER, {"ACIML_HEALTH_PORT": "5009"}, "/azureml-envs/aciml/bin/python", "5009"),
        (
            {"Entrypoint": ["/opt/aciml/entrypoint.sh"], "Cmd": ["python", "/opt/aciml/server/run.py"]},
            {},
            "python",
            "5000",
        ),
        (
            {
                "Entrypoint": ["/usr/bin/python3", "-I", "/opt/aciml/entrypoint.py"],
                "Cmd": ["/usr/bin/python3", "/opt/aciml/server/run.py"],
            },
            {},
            "/usr/bin/python3",
            "5000",
        ),
    ],
)
def test_a_replica_is_asked_by_the_python_that_is_in_its_image(
    config: dict[str, Any], environment: dict[str, str], python: str, port: str
) -> None:
    command = Probe.of(config, environment).command

    assert command[:2] == ("CMD", python)
    assert f"('127.0.0.1',{port})" in command[-1]


def test_an_image_of_somebody_else_is_asked_by_envoy_alone() -> None:
    assert Probe.of({"Cmd": ["/bin/busybox", "httpd"]}, {}) == Probe()
    assert Probe().to_json(30) == {}


def test_a_server_gets_the_time_that_it_needs_to_end() -> None:
    assert drain_seconds(wanted()) == 10
    assert drain_seconds(wanted(drainTimeout=3, scoringTimeoutMs=20_000)) == 23
    assert drain_seconds(wanted(scoringTimeoutMs=3_600_000)) == 70  # nobody waits an hour


SERVICE = {
    "ID": "x",
    "Version": {"Index": 7},
    "CreatedAt": "2026-11-28T00:00:01.5Z",
    "UpdatedAt": "2026-11-28T00:00:01.512Z",
    "Spec": {"Name": "iris--ra", "TaskTemplate": {"ContainerSpec": {}}, "Mode": {"Replicated": {}}},
}


def test_times_are_compared_as_texts_though_docker_leaves_out_zeros() -> None:
    made = Made.read(SERVICE)

    assert made.created < made.updated


@pytest.mark.parametrize(
    ("state", "wanted_state", "fell", "runs"),
    [
        ("running", "running", False, True),
        ("running", "shutdown", False, False),
        ("failed", "shutdown", True, False),
        ("rejected", "shutdown", True, False),
        ("complete", "shutdown", True, False),  # a server that ends by itself, with code 0
        ("shutdown", "shutdown", False, False),
        ("starting", "running", False, False),
    ],
)
def test_a_task_that_ended_by_itself_is_told_from_one_that_was_ended(
    state: str,
    wanted_state: str,
    fell: bool,  # noqa: FBT001 - a row
    runs: bool,  # noqa: FBT001
) -> None:
    task = Task.read({"ID": "t", "Slot": 1, "Status": {"State": state}, "DesiredState": wanted_state})

    assert (task.fell, task.runs) == (fell, runs)
