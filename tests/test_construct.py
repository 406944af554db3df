"""Components made by the plugin for programs in other languages: the executable, and an engine's monitor."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2
from pulumi.runtime import proto, rpc
from pulumi.runtime.proto import alias_pb2, errors_pb2, provider_pb2, status_pb2

from aciml.properties import UNKNOWN, Secret, reveal
from tests.simulators.engine import Plugin, plain, running_plugin, struct
from tests.simulators.monitor import Monitor, running_monitor

REGISTRY, ENVIRONMENT, SERVICE = (f"aciml:index:{name}" for name in ("Registry", "EnvironmentImage", "ScoringService"))
OTHER = "urn:pulumi:local::scoring::a:b:C::other"
NEEDED = {"loginServer": "127.0.0.1:5000", "environmentImage": "a@sha256:0", "sourceDirectory": "src"}
SECONDS = 60  # a bound for what hangs, no measurement


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    with running_plugin(tmp_path_factory.mktemp("cache"), {"target": "memory"}) as running:
        yield running


@pytest.fixture
def monitor() -> Iterator[Monitor]:
    with running_monitor() as running:
        yield running


def asked(monitor: Monitor, token: str, name: str, inputs: Any, **more: Any) -> Any:
    return proto.ConstructRequest(
        project=monitor.project,
        stack=monitor.stack,
        monitorEndpoint=monitor.address,
        parallel=8,
        type=token,
        name=name,
        inputs=inputs if isinstance(inputs, struct_pb2.Struct) else struct(inputs),
        accepts_output_values=True,
        **more,
    )


def made(plugin: Plugin, monitor: Monitor, token: str, name: str, inputs: Any, **more: Any) -> Any:
    return plugin.stub.Construct(asked(monitor, token, name, inputs, **more), timeout=SECONDS)


def refused(plugin: Plugin, monitor: Monitor, token: str, inputs: dict[str, Any]) -> grpc.RpcError:
    with pytest.raises(grpc.RpcError) as raised:
        made(plugin, monitor, token, "it", inputs)
    return raised.value


def problems(error: Any) -> dict[str, str]:
    """Return what the engine reads of an error: reasons by path."""
    details = dict(error.trailing_metadata())["grpc-status-details-bin"]
    found = errors_pb2.InputPropertiesError()
    assert status_pb2.Status.FromString(details).details[0].Unpack(found)
    return {one.property_path: one.reason for one in found.errors}


def output(**parts: Any) -> struct_pb2.Value:
    """Write an output value as the engine does: without what it has not."""
    inner = struct_pb2.Struct()
    inner.update({rpc._special_sig_key: rpc._special_output_value_sig, **parts})
    return struct_pb2.Value(struct_value=inner)


def test_a_component_is_made_with_its_children_and_answers_with_its_outputs(plugin: Plugin, monitor: Monitor) -> None:
    nested = {"server": {"limits": {"scoringTimeoutMs": 5000}}, "azure": {"livenessProbe": {"httpGet": {"port": 1}}}}
    answer = made(plugin, monitor, SERVICE, "iris", {**NEEDED, **nested, "tags": {"a_b": "1"}})

    group = monitor.inputs("iris-group")
    assert group["scoringTimeoutMs"] == 5000
    assert group["livenessProbe"] == {"httpGet": {"port": 1}}
    assert group["tags"] == {"a_b": "1"}
    assert group["image"] == "served@sha256:2"
    assert plain(answer.state)["scoringUri"] == "http://x/score"
    assert answer.urn.endswith(f"{SERVICE}::iris")
    assert monitor.registered["iris-group"].parent == answer.urn
    assert plain(answer.state).keys() == monitor.outputs[answer.urn].keys()
    assert "scoringUri" in monitor.outputs[answer.urn]


def test_outputs_in_all_their_forms_become_the_inputs_of_children(plugin: Plugin, monitor: Monitor) -> None:
    inputs = struct({**NEEDED, "environmentVariables": {"PLAIN": "1"}})
    variables = inputs.fields["environmentVariables"].struct_value.fields
    variables["UNKNOWN"].CopyFrom(output())
    variables["SECRET"].CopyFrom(output(value="hush", secret=True))
    variables["AFTER"].CopyFrom(output(value="later", dependencies=[OTHER]))
    inputs.fields["models"].CopyFrom(output(secret=True, dependencies=[OTHER]))
    inputs.fields["cpuCores"].CopyFrom(output(value=2.0))

    made(plugin, monitor, SERVICE, "outputs", inputs, dryRun=True)

    group = monitor.inputs("outputs-group")
    assert reveal(group["environmentVariables"]["SECRET"]) == "hush"
    assert "hush" not in str({**group["environmentVariables"], "SECRET": ""})
    assert isinstance(group["environmentVariables"]["SECRET"], Secret)
    assert group["environmentVariables"]["UNKNOWN"] is UNKNOWN
    assert group["environmentVariables"]["AFTER"] == "later"
    assert group["environmentVariables"]["PLAIN"] == "1"
    assert group["cpuCores"] == 2
    assert OTHER in monitor.registered["outputs-group"].propertyDependencies["environmentVariables"].urns
    assert reveal(monitor.inputs("outputs-image")["models"]) is UNKNOWN


def test_a_whole_subject_that_is_not_known_hides_no_other(plugin: Plugin, monitor: Monitor) -> None:
    inputs = struct({**NEEDED, "memoryGb": 2, "azure": {"rollout": "blue_green"}})
    inputs.fields["server"].CopyFrom(output())

    made(plugin, monitor, SERVICE, "later", inputs, dryRun=True)

    group = monitor.inputs("later-group")
    assert group["scoringTimeoutMs"] is UNKNOWN
    assert group["workers"] is UNKNOWN
    assert (group["memoryGb"], group["rollout"]) == (2, "blue_green")
    assert "queueTimeout" not in monitor.inputs("later-image")


def test_the_engines_input_dependencies_are_kept(plugin: Plugin, monitor: Monitor) -> None:
    depends = {"name": proto.ConstructRequest.PropertyDependencies(urns=[OTHER])}
    answer = made(plugin, monitor, REGISTRY, "models", {"name": "models"}, inputDependencies=depends)

    assert OTHER in monitor.registered["models-registry"].propertyDependencies["name"].urns
    assert any(urn.endswith("models-registry") for urn in answer.stateDependencies["loginServer"].urns)


def test_keys_are_secret_outputs(plugin: Plugin, monitor: Monitor) -> None:
    def answered(request: Any) -> None:
        request.object.MergeFrom(struct({"primaryKey": Secret("hush")}))

    monitor.before = answered
    answer = made(plugin, monitor, SERVICE, "keyed", {**NEEDED, "authEnabled": True})

    assert {"primaryKey", "secondaryKey"} <= {*monitor.registered["keyed-group"].additionalSecretOutputs}
    assert plain(answer.state)["primaryKey"] == Secret("hush")


def test_options_of_the_component_arrive(plugin: Plugin, monitor: Monitor) -> None:
    was = f"urn:pulumi:local::scoring::{SERVICE}::old"
    made(
        plugin,
        monitor,
        SERVICE,
        "told",
        NEEDED,
        aliases=[alias_pb2.Alias(urn=was)],
        customTimeouts=proto.ConstructRequest.CustomTimeouts(create="30m"),
        additionalSecretOutputs=["scoringUri"],
        ignoreChanges=["server.limits.scoringTimeoutMs", "models"],
        replaceOnChanges=["cpuCores"],
        dependencies=[OTHER],
        protect=True,
        retainOnDelete=True,
        deletedWith=OTHER,
        providers={"aciml": "urn:pulumi:local::scoring::pulumi:providers:aciml::home::id"},
    )

    component, group = monitor.registered["told"], monitor.registered["told-group"]
    assert [alias.urn for alias in component.aliases] == [was]
    assert [*component.additionalSecretOutputs] == ["scoringUri"]
    assert group.customTimeouts.create == "30m"
    assert [*group.ignoreChanges] == ["scoringTimeoutMs"]
    assert [*monitor.registered["told-image"].ignoreChanges] == ["models"]
    assert [*group.replaceOnChanges] == ["cpuCores"]
    assert OTHER in group.dependencies
    assert component.protect
    assert group.protect
    assert group.retainOnDelete
    assert group.deletedWith == OTHER
    assert group.provider.endswith("::home::id")


def test_wrong_arguments_are_named_by_path_all_at_once(plugin: Plugin, monitor: Monitor) -> None:
    wrong = {
        **NEEDED,
        "cpuCoers": 1,
        "server": {"limts": {}, "workers": -3},
        "azure": {"livenessProbe": {"periodSeconds": 0}},
    }
    error: Any = refused(plugin, monitor, SERVICE, wrong)

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert problems(error)["cpuCoers"].endswith("did you mean cpuCores?")
    assert problems(error)["server.limts"].endswith("did you mean limits?")
    assert "it-group" not in monitor.registered


def test_values_are_judged_by_path_all_at_once(plugin: Plugin, monitor: Monitor) -> None:
    wrong = {**NEEDED, "port": 70000, "server": {"workers": -3}, "azure": {"livenessProbe": {"periodSeconds": 0}}}
    found = problems(refused(plugin, monitor, SERVICE, wrong))

    assert {"port", "server.workers", "azure.livenessProbe.periodSeconds"} <= found.keys()
    assert "liveness_probe" not in str(found)


def test_what_is_missing_is_named(plugin: Plugin, monitor: Monitor) -> None:
    found = problems(refused(plugin, monitor, SERVICE, {}))

    assert found.keys() == NEEDED.keys()
    assert all(why.startswith(f"{name} is missing: ") for name, why in found.items())
    assert all("or give image, an image that is there already" in why for why in found.values())


def test_an_error_of_a_child_is_said_once(plugin: Plugin, monitor: Monitor) -> None:
    def fail(request: Any) -> None:
        raise ValueError("the registry is on fire")

    monitor.before = fail
    error: Any = refused(plugin, monitor, REGISTRY, {"name": "burning"})

    assert error.details().count("the registry is on fire") == 1
    assert "Traceback" not in error.details()
    assert "\n" not in error.details().strip()


def test_an_unknown_component_is_one_sentence(plugin: Plugin, monitor: Monitor) -> None:
    error: Any = refused(plugin, monitor, "aciml:index:Registri", {})

    assert (
        error.details() == f"aciml has no component aciml:index:Registri; it has {REGISTRY}, {ENVIRONMENT}, {SERVICE}"
    )


def test_eight_components_at_once_do_not_mix_and_nothing_blocks(plugin: Plugin) -> None:
    """Each waits with its child until all are there, and the engine asks the plugin to check it meanwhile."""
    together = threading.Barrier(8, timeout=SECONDS)

    def check(request: Any) -> None:
        together.wait()
        answer = plugin.check("aciml:registry:ContainerRegistry", plain(request.object))
        assert not answer.failures

    with ExitStack() as stack, ThreadPoolExecutor(8) as pool:
        monitors = [stack.enter_context(running_monitor(f"project{each}", f"stack{each}")) for each in range(8)]
        for monitor in monitors:
            monitor.before = check
        names = [f"models{each}" for each in range(8)]
        answers = [*pool.map(lambda m, n: made(plugin, m, REGISTRY, n, {"name": n}), monitors, names)]

    for each, (monitor, answer) in enumerate(zip(monitors, answers, strict=True)):
        assert answer.urn == f"urn:pulumi:stack{each}::project{each}::{REGISTRY}::models{each}"
        assert {*monitor.registered} == {f"models{each}", f"models{each}-registry"}
        assert monitor.registered[f"models{each}-registry"].parent == answer.urn


def test_messages_on_children_have_the_words_of_the_components_user(plugin: Plugin, monitor: Monitor) -> None:
    made(plugin, monitor, SERVICE, "spoken", NEEDED)
    child = f"urn:pulumi:local::scoring::{SERVICE}$aciml:compute:ContainerGroup"
    wrong = {"name": "spoken", "image": f"a/b@sha256:{'0' * 64}", "scoringTimeoutMs": -1, "livenessProbe": {}}

    def said(urn: str) -> str:
        answer = plugin.stub.Check(provider_pb2.CheckRequest(urn=urn, news=struct(wrong)))
        return " ".join(f"{one.property} {one.reason}" for one in answer.failures)

    assert "server.limits.scoringTimeoutMs" in said(f"{child}::spoken-group")
    assert "server.limits.scoring_timeout_ms" in said(f"{child}::of-a-python-program-group")
    assert "server.limits" not in said("urn:pulumi:local::scoring::aciml:compute:ContainerGroup::bare")


def test_warnings_on_children_have_the_words_of_the_components_user(plugin: Plugin, monitor: Monitor) -> None:
    made(plugin, monitor, SERVICE, "warned", NEEDED)
    probe = {"livenessProbe": {"httpGet": {"port": 5000}}}
    said_by_sdks = {"systemAssignedIdentity": False}  # a default of the schema
    image = f"127.0.0.1:5000/a/b@sha256:{'0' * 64}"
    inputs = {"name": "warned", "image": image, **probe, **said_by_sdks}
    child = f"urn:pulumi:local::scoring::{SERVICE}$aciml:compute:ContainerGroup"

    for name in ("warned", "python"):
        plugin.stub.Check(provider_pb2.CheckRequest(urn=f"{child}::{name}-group", news=struct(inputs)))

    lines = {
        line.urn.rpartition("::")[2]: line.message for line in plugin.logs.lines if "without effect" in line.message
    }
    assert lines["warned-group"].endswith(": azure.livenessProbe")
    assert lines["python-group"].endswith(": azure.liveness_probe")


def test_no_construct_leaves_its_settings_to_a_later_one(plugin: Plugin, tmp_path: Path) -> None:
    for each in range(2):
        with running_monitor(f"one{each}", "dev") as monitor:
            assert f"::one{each}::" in made(plugin, monitor, REGISTRY, "models", {"name": f"n{each}"}).urn
