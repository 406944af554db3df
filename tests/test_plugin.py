"""The plugin over gRPC, started as the engine starts it, on the memory target."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from pulumi.runtime import proto
from pulumi.runtime.proto import engine_pb2, provider_pb2, status_pb2

from aciml.properties import UNKNOWN, Secret, reveal
from tests.simulators.engine import Plugin, plain, running_plugin, struct

REGISTRY = "aciml:registry:ContainerRegistry"
GROUP = "aciml:compute:ContainerGroup"
ENVIRONMENT = "aciml:image:Environment"
SERVICE = "aciml:image:Service"
IMAGE = f"127.0.0.1:5000/a:b@sha256:{'0' * 64}"
GOOD = {"name": "diabetes", "image": IMAGE}


@pytest.fixture(scope="module")
def plugin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Plugin]:
    with running_plugin(tmp_path_factory.mktemp("cache"), {"target": "memory"}) as running:
        yield running


def failures(answer: Any) -> dict[str, str]:
    return {failure.property: failure.reason for failure in answer.failures}


def created(plugin: Plugin, token: str, inputs: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    answer = plugin.create(token, plain(plugin.check(token, inputs).inputs))
    return answer.id, plain(answer.properties)


def diff(plugin: Plugin, token: str, old: dict[str, Any], state: dict[str, Any], new: dict[str, Any]) -> Any:
    request = proto.DiffRequest(
        id="x", urn=plugin.urn(token), olds=struct(state), news=struct(new), old_inputs=struct(old)
    )
    return plugin.stub.Diff(request)


def test_check_reports_everything_at_once_with_paths(plugin: Plugin) -> None:
    found = failures(plugin.check(GROUP, {"name": "UPPER", "image": "nodigest", "cpuCores": 0, "port": 70000}))

    assert set(found) == {"name", "image", "cpuCores", "port"}
    assert "no digest" in found["image"]


def test_an_unknown_property_is_named_with_a_suggestion(plugin: Plugin) -> None:
    assert "did you mean cpuCores?" in failures(plugin.check(GROUP, {**GOOD, "cpuCore": 1}))["cpuCore"]


def test_unknown_values_are_skipped_and_not_guessed(plugin: Plugin) -> None:
    answer = plugin.check(GROUP, {"name": "diabetes", "image": UNKNOWN, "port": UNKNOWN})

    assert not answer.failures
    assert plain(answer.inputs)["image"] is UNKNOWN


def test_check_fills_the_defaults_and_marks_keys_as_secret(plugin: Plugin) -> None:
    inputs = plain(plugin.check(GROUP, {**GOOD, "authEnabled": True, "primaryKey": "hush"}).inputs)

    assert inputs["cpuCores"] == 0.1
    assert inputs["primaryKey"] == Secret("hush")


def test_a_preview_of_create_makes_nothing_and_leaves_unknown_what_it_cannot_know(plugin: Plugin) -> None:
    inputs = plain(plugin.check(REGISTRY, {"name": "unmade"}).inputs)

    state = plain(plugin.create(REGISTRY, inputs, preview=True).properties)

    assert state["loginServer"] is UNKNOWN
    read = plugin.stub.Read(proto.ReadRequest(id="unmade", urn=plugin.urn(REGISTRY)))
    assert read.id == ""


def test_a_registry_lives_through_create_read_import_update_and_delete(plugin: Plugin) -> None:
    inputs = plain(plugin.check(REGISTRY, {"name": "living"}).inputs)
    made = plugin.create(REGISTRY, inputs)
    state = plain(made.properties)
    assert state["port"] > 0
    assert diff(plugin, REGISTRY, inputs, state, inputs).changes == proto.DiffResponse.DIFF_NONE

    imported = plugin.stub.Read(proto.ReadRequest(id=made.id, urn=plugin.urn(REGISTRY)))
    assert plain(imported.inputs)["name"] == "living"
    checked = plain(plugin.check(REGISTRY, plain(imported.inputs)).inputs)
    assert diff(plugin, REGISTRY, plain(imported.inputs), state, checked).changes == proto.DiffResponse.DIFF_NONE

    delete = proto.DeleteRequest(id=made.id, urn=plugin.urn(REGISTRY), properties=struct(state))
    plugin.stub.Delete(delete)
    plugin.stub.Delete(delete)
    assert plugin.stub.Read(proto.ReadRequest(id=made.id, urn=plugin.urn(REGISTRY), properties=struct(state))).id == ""


def test_keys_are_made_once_and_stay(plugin: Plugin) -> None:
    inputs = plain(plugin.check(GROUP, {**GOOD, "name": "keyed", "authEnabled": True}).inputs)
    made = plugin.create(GROUP, inputs)
    state = plain(made.properties)
    assert isinstance(state["primaryKey"], Secret)
    assert state["primaryKey"] != state["secondaryKey"]
    assert len(reveal(state["primaryKey"])) >= 32

    bigger = {**inputs, "cpuCores": 2}
    answer = plugin.stub.Update(
        proto.UpdateRequest(
            id=made.id, urn=plugin.urn(GROUP), olds=struct(state), news=struct(bigger), old_inputs=struct(inputs)
        )
    )
    assert plain(answer.properties)["primaryKey"] == state["primaryKey"]
    assert plain(answer.properties)["port"] == state["port"]


def test_keys_survive_a_rename_of_which_each_part_has_a_process_of_its_own(plugin: Plugin, tmp_path: Path) -> None:
    asked = {**GOOD, "name": "moving", "authEnabled": True}
    inputs = plain(plugin.check(GROUP, asked).inputs)
    state = plain(plugin.create(GROUP, inputs).properties)

    with running_plugin(tmp_path / "second", {"target": "memory"}) as second:
        renamed = plain(second.check(GROUP, {**asked, "name": "moved"}, inputs).inputs)
        assert list(diff(second, GROUP, inputs, state, renamed).replaces) == ["name"]
    with running_plugin(tmp_path / "third", {"target": "memory"}) as third:
        made = plain(third.create(GROUP, renamed).properties)

    assert [reveal(made[name]) for name in ("primaryKey", "secondaryKey")] == [
        reveal(state[name]) for name in ("primaryKey", "secondaryKey")
    ]


@pytest.mark.parametrize(
    ("change", "kind", "replaces"),
    [
        ({"cpuCores": 2}, proto.PropertyDiff.UPDATE, []),
        ({"environmentVariables": {"A": "1"}}, None, []),
        ({"name": "another"}, proto.PropertyDiff.UPDATE_REPLACE, ["name"]),
    ],
    ids=["cpu", "environment", "name"],
)
def test_a_difference_says_what_it_costs(
    plugin: Plugin, change: dict[str, Any], kind: int | None, replaces: list[str]
) -> None:
    inputs = plain(plugin.check(GROUP, GOOD).inputs)

    answer = diff(plugin, GROUP, inputs, inputs, {**inputs, **change})

    assert answer.changes == proto.DiffResponse.DIFF_SOME
    assert list(answer.replaces) == replaces
    (path,) = answer.detailedDiff
    assert path in {*change, 'environmentVariables["A"]'}
    assert kind is None or answer.detailedDiff[path].kind == kind


def test_a_stopped_service_differs_although_nobody_changed_its_inputs(plugin: Plugin) -> None:
    inputs = plain(plugin.check(GROUP, GOOD).inputs)

    assert diff(plugin, GROUP, inputs, {**inputs, "state": "Stopped"}, inputs).changes == proto.DiffResponse.DIFF_SOME


def test_ignored_changes_are_ignored(plugin: Plugin) -> None:
    inputs = plain(plugin.check(GROUP, GOOD).inputs)
    request = proto.DiffRequest(
        id="x",
        urn=plugin.urn(GROUP),
        olds=struct(inputs),
        old_inputs=struct(inputs),
        news=struct({**inputs, "cpuCores": 2}),
        ignoreChanges=["cpuCores"],
    )

    assert plugin.stub.Diff(request).changes == proto.DiffResponse.DIFF_NONE


def test_a_service_that_does_not_start_is_a_partial_failure_that_state_keeps(plugin: Plugin) -> None:
    inputs = plain(plugin.check(GROUP, {**GOOD, "name": "broken", "image": IMAGE.replace("/a:", "/exits:")}).inputs)

    with pytest.raises(grpc.RpcError) as raised:
        plugin.create(GROUP, inputs)

    metadata: Any = raised.value.trailing_metadata()
    status = status_pb2.Status.FromString(dict(metadata)["grpc-status-details-bin"])
    detail = provider_pb2.ErrorResourceInitFailed()
    assert status.details[0].Unpack(detail)
    assert detail.id
    assert plain(detail.inputs)["name"] == "broken"
    assert plain(detail.properties)["state"] in {"Failed", "Stopped"}
    assert "joblib" in detail.reasons[0]
    assert 'Traceback (most recent call last):\n  File "/work' not in str(raised.value.details())


def test_errors_are_one_message_and_the_trace_is_in_the_debug_log(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError) as raised:
        plugin.stub.Read(proto.ReadRequest(id="not a reference", urn=plugin.urn(ENVIRONMENT)))

    assert raised.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert "File" not in str(raised.value.details())
    debug = [line.message for line in plugin.logs.lines if line.severity == engine_pb2.DEBUG]
    assert any("Traceback" in text for text in debug)


def test_an_unknown_type_is_named(plugin: Plugin) -> None:
    with pytest.raises(grpc.RpcError, match="aciml has no resource type aciml:x:Y"):
        plugin.check("aciml:x:Y", {})


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"target": "locl"}, 'aciml:target is "locl"; write'),
        ({"target": "azure", "cloud": "publc"}, "did you mean public"),
        ({"target": "local", "locaton": "x"}, "did you mean aciml:location?"),
    ],
)
def test_a_wrong_provider_config_is_a_check_failure(plugin: Plugin, config: dict[str, str], words: str) -> None:
    answer = plugin.stub.CheckConfig(
        proto.CheckRequest(urn="urn:pulumi:l::s::pulumi:providers:aciml::default_0_2_0", news=struct(config))
    )

    assert words in " ".join(failures(answer).values())


def test_a_provider_that_a_program_declares_is_spoken_of_in_the_programs_words(plugin: Plugin) -> None:
    config = {"target": "azure", "auth": "service_principal", "subscriptionId": "x"}
    urn = "urn:pulumi:l::s::pulumi:providers:aciml::mine"

    found = failures(plugin.stub.CheckConfig(proto.CheckRequest(urn=urn, news=struct(config))))

    assert "client_secret is not set" in found["client_secret"]
    assert "client_certificate_path" in found["client_secret"]
    assert 'subscription_id is "x"' in found["subscription_id"]
    assert not any("aciml:" in why or "stack config" in why for why in found.values())


def test_configuration_that_is_known_later_is_not_judged_and_moves_nothing(plugin: Plugin) -> None:
    keys = ("subscriptionId", "tenantId", "resourceGroup", "location", "auth", "cloud", "clientCertificatePath")
    urn = "urn:pulumi:l::s::pulumi:providers:aciml::mine"
    both: list[dict[str, Any]] = [{"target": "azure", **dict.fromkeys(keys, UNKNOWN)}, {"target": UNKNOWN}]
    for unknown in both:
        assert not failures(plugin.stub.CheckConfig(proto.CheckRequest(urn=urn, news=struct(unknown))))

    request = proto.DiffRequest(urn=urn, old_inputs=struct({"target": "local"}), news=struct({"target": UNKNOWN}))
    assert list(plugin.stub.DiffConfig(request).replaces) == []


def test_another_target_replaces_and_another_certificate_bundle_does_not(plugin: Plugin) -> None:
    def moved(old: dict[str, str], new: dict[str, str]) -> tuple[list[str], list[str]]:
        request = proto.DiffRequest(urn="u", id="i", old_inputs=struct(old), news=struct(new), olds=struct(old))
        answer = plugin.stub.DiffConfig(request)
        return list(answer.replaces), list(answer.diffs)

    assert moved({"target": "local"}, {"target": "azure"}) == (["target"], ["target"])
    assert moved({"target": "local"}, {"target": "local", "caBundle": "x"}) == ([], ["caBundle"])
    assert moved({"target": "local"}, {"target": "local"}) == ([], [])


def test_the_schema_names_all_resources_and_hides_keys(plugin: Plugin) -> None:
    import json

    schema = json.loads(plugin.stub.GetSchema(proto.GetSchemaRequest()).schema)

    components = {f"aciml:index:{name}" for name in ("Registry", "EnvironmentImage", "ScoringService")}
    assert set(schema["resources"]) == {REGISTRY, GROUP, ENVIRONMENT, SERVICE} | components
    assert schema["resources"][GROUP]["properties"]["primaryKey"]["secret"] is True


def test_files_that_are_missing_are_named_by_check(plugin: Plugin, tmp_path: Path) -> None:
    environment = {
        "loginServer": "127.0.0.1:5000",
        "repository": "a",
        "baseImage": "debian",
        "condaFile": str(tmp_path / "conda.yml"),
        "extraSteps": ["RUNN ls", "COPY a.conf /etc/"],
        "stepsContext": str(tmp_path),
    }
    found = failures(plugin.check(ENVIRONMENT, environment))
    assert "does not exist" in found["condaFile"]
    assert "did you mean RUN" in found["extraSteps[0]"]
    assert "a.conf" in found["extraSteps[1]"]

    service = {"loginServer": "x:1", "repository": "a", "environmentImage": IMAGE, "entryScript": "score.py"}
    assert "score.py" in failures(plugin.check(SERVICE, {**service, "sourceDirectory": str(tmp_path)}))["entryScript"]
    assert "not a folder" in failures(plugin.check(SERVICE, {**service, "sourceDirectory": "/none"}))["sourceDirectory"]
    models = {"m": str(tmp_path / "none")}
    (tmp_path / "score.py").write_text("def run(x): return x\n")
    found = failures(plugin.check(SERVICE, {**service, "sourceDirectory": str(tmp_path), "models": models}))
    assert "does not exist" in found['models["m"]']


def test_a_file_of_steps_is_judged_like_a_list(plugin: Plugin, tmp_path: Path) -> None:
    steps = tmp_path / "steps.txt"
    steps.write_text("# drivers\nRUN true\n\nRUNN true\n")
    environment = {"loginServer": "x:1", "repository": "a", "baseImage": "debian", "extraStepsFile": str(steps)}

    found = failures(plugin.check(ENVIRONMENT, environment))
    assert list(found) == ["extraStepsFile"]
    assert "steps.txt:4:1: step 2" in found["extraStepsFile"]
    both = plugin.check(ENVIRONMENT, {**environment, "extraSteps": ["RUN true"]}).failures
    assert any("not both" in failure.reason for failure in both)
    found = failures(plugin.check(ENVIRONMENT, {**environment, "extraStepsFile": "none.txt"}))
    assert "none.txt does not exist" in found["extraStepsFile"]


def test_a_password_in_the_pip_section_is_refused_without_repeating_it(plugin: Plugin, tmp_path: Path) -> None:
    conda = tmp_path / "conda.yml"
    conda.write_text(
        "dependencies:\n  - python=3.11\n  - pip\n  - pip:\n      - --index-url https://me:hush@example.org/simple\n"
    )
    environment = {"loginServer": "x:1", "repository": "a", "baseImage": "debian", "condaFile": str(conda)}

    (why,) = failures(plugin.check(ENVIRONMENT, environment)).values()
    assert "has a password in it" in why
    assert "hush" not in why
