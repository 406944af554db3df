"""From a group's inputs to what the target is asked for, and back to outputs."""

from __future__ import annotations

import pytest

from aciml.model.group import Group
from aciml.properties import Secret, Values
from aciml.resources.group import ContainerGroup
from aciml.resources.group_spec import DEFAULTS, spec_of, state_of
from aciml.resources.protocol import Existing
from aciml.targets.memory import MemoryTarget
from aciml.targets.protocol import GroupFacts
from tests.contract.worlds import Watcher

INPUTS: Values = {**DEFAULTS, "name": "iris", "image": "host/iris@sha256:abc"}


def facts(address: str) -> GroupFacts:
    return GroupFacts(
        id="id",
        name="iris",
        image="host/iris@sha256:abc",
        cpu=0.1,
        memory_gb=0.5,
        port=80,
        address=address,
        state="Running",
        owner="urn",
    )


def state(inputs: Values, address: str) -> Values:
    return state_of(inputs, {}, spec_of(inputs, {}).declared, facts(address))


def test_what_v1_left_unsaid_is_v1s() -> None:
    declared = spec_of({"name": "iris", "image": "host/iris@sha256:abc"}, {}).declared

    assert (declared.size.cpu_cores, declared.size.memory_gb) == (0.1, 0.5)
    assert declared.updates.startup_timeout == 300
    assert declared == spec_of(INPUTS, {}).declared


def test_a_port_that_was_picked_is_kept_and_a_given_one_counts() -> None:
    assert spec_of(INPUTS, {}, keep_port=4711).declared.port == 4711
    assert spec_of({**INPUTS, "port": 8080}, {}, keep_port=4711).declared.port == 8080


def test_secrets_are_bare_for_the_target_and_hidden_from_whoever_prints() -> None:
    keys = {"primaryKey": Secret("first-key"), "secondaryKey": Secret("second-key")}
    spec = spec_of({**INPUTS, "secureEnvironmentVariables": Secret({"TOKEN": "hush"})}, keys)

    assert spec.declared.keys.primary_key == "first-key"
    assert spec.declared.secure_environment_variables == {"TOKEN": "hush"}
    assert not any(word in repr(spec) for word in ("first-key", "second-key", "hush"))


@pytest.mark.parametrize(
    ("inputs", "address", "uri"),
    [
        ({}, "127.0.0.1:8080", "http://127.0.0.1:8080/score"),
        ({}, "iris.example", "http://iris.example/score"),
        ({"sslEnabled": True}, "iris.example", "https://iris.example/score"),
        ({"sslEnabled": True, "sslCname": "a.example"}, "1.2.3.4", "https://a.example/score"),
        ({"sslEnabled": True, "sslCname": "a.example"}, "1.2.3.4:8443", "https://a.example:8443/score"),
        ({"sslCname": "a.example"}, "1.2.3.4", "http://1.2.3.4/score"),
        ({}, "", ""),
    ],
    ids=["at home", "by name", "by TLS", "by its own name", "and its port", "a name without TLS", "no address"],
)
def test_the_address_is_that_which_callers_use(inputs: Values, address: str, uri: str) -> None:
    seen = state({**INPUTS, **inputs}, address)

    assert seen["scoringUri"] == uri
    assert seen["swaggerUri"] == uri.replace("/score", "/swagger.json")


def test_outputs_say_what_runs() -> None:
    seen = state(INPUTS, "127.0.0.1:80")

    assert (seen["state"], seen["imageDigest"], seen["owner"], seen["port"]) == ("Running", "sha256:abc", "urn", 80)
    assert isinstance(spec_of(INPUTS, {}).declared, Group)


def test_after_an_import_a_program_that_leaves_the_port_open_keeps_it_without_a_difference() -> None:
    group = ContainerGroup(MemoryTarget().service)
    said: Values = {
        "name": "iris-one",
        "image": f"registry.example/iris@sha256:{'a' * 64}",
        "cpuCores": 1,
        "memoryGb": 1,
    }
    inputs = group.check(None, said, Watcher()).inputs
    made = group.create(inputs, Watcher(), preview=False)

    imported = group.read(Existing(made.id, {}, {}), Watcher())

    assert imported is not None
    assert imported.inputs["port"] == made.state["port"] != 0
    assert "port" not in group.diff(imported.inputs, imported.state, inputs).detail
    # one that names another one moves it
    assert group.diff(imported.inputs, imported.state, {**inputs, "port": 8080}).detail["port"] == "update"
