"""A YAML program with the three components, from its first `up` to `destroy`. The tests run in this order."""

from __future__ import annotations

import copy
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.yaml_project import YamlProject, resource

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
HIDDEN = "hush-hush-hush"


@pytest.fixture(scope="module")
def project(
    tools: None, yaml_host: Path, packed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[YamlProject]:
    """A project on the local target."""
    folder = tmp_path_factory.mktemp("yaml")
    (folder / "cache").symlink_to(packed)
    project = YamlProject(folder, f"yaml{uuid.uuid4().hex[:8]}", yaml_host)
    try:
        project.pulumi("config", "set", "--secret", "hidden", HIDDEN).check_ok()
        yield project
    finally:
        project.clean()


@pytest.fixture(autouse=True)
def as_before(project: YamlProject) -> Iterator[None]:
    """Let each test change the program for itself."""
    before = copy.deepcopy(project.program)
    yield
    project.program = before


def service(project: YamlProject) -> dict[str, Any]:
    """Return the properties of the scoring service."""
    return dict[str, Any](project.program["diabetes"])["properties"]  # type: ignore[no-any-return]


def test_three_components_come_up_and_answer(project: YamlProject) -> None:
    said = project.up().check_ok()

    assert project.ask() == {"sum": 6.5}
    assert "@sha256:" in project.outputs()["image"]
    assert "/azureml/second:" in project.outputs()["second"]
    assert "without effect on the local target: azure.livenessProbe" in said.text
    assert project.run_in(project.outputs()["image"], "cat /etc/first") == "first\n"


def test_secrets_arrive_and_are_nowhere_in_the_clear(project: YamlProject) -> None:
    container = project.container()

    assert container is not None
    assert f"HIDDEN={HIDDEN}" in container["Config"]["Env"]
    assert HIDDEN not in project.state()
    assert project.outputs()["primary_key"] not in project.state()
    assert HIDDEN not in json.dumps(container["Config"]["Labels"])


def test_what_yaml_lets_pass_is_refused_by_its_paths_all_at_once(project: YamlProject) -> None:
    wrong = {
        "cpuCores": -1,
        "port": 70000,
        "runsOn": "container_app",
        "traffic": {"canary": [50, 10, {"percent": 60}]},
        "server": {"healthPort": 99999, "limits": {"scoringTimeoutMs": -5, "maxBodyMb": 0}},
        "azure": {
            "livenessProbe": {"periodSeconds": 0, "httpGet": {"port": 70000}},
            "readinessProbe": {"httpGet": {"port": 5000}, "exec": {"command": ["true"]}},
        },
    }
    project.program["diabetes"]["properties"] = {**service(project), **wrong}

    said = project.pulumi("preview").check_failed(
        *("cpuCores", "port", "server.healthPort", "server.limits.scoringTimeoutMs", "server.limits.maxBodyMb"),
        *("azure.livenessProbe.periodSeconds", "azure.livenessProbe.httpGet.port"),
        *("azure.readinessProbe", "exec", "httpGet"),
        "traffic.canary[1].percent",
    )

    assert "scoring_timeout_ms" not in said.text
    assert "liveness_probe" not in said.text


def test_a_base_is_an_image_or_a_dockerfile(project: YamlProject) -> None:
    properties = project.program["second"]["properties"]
    properties |= {"dockerfile": {"dockerfile": "Dockerfile"}, "packages": {"condaFile": "none.yml"}}

    project.pulumi("preview").check_failed("baseImage", "dockerfile")


def test_the_schema_lets_yaml_itself_refuse_unknown_words(project: YamlProject) -> None:
    wrong = {"server": {"limts": {}}, "azure": {"rollout": "bluegreen"}, "cpuCores": "many"}
    project.program["diabetes"]["properties"] = {**service(project), **wrong}

    project.pulumi("preview").check_failed("limts", "limits", "rollout", "blue_green", "cpuCores")


def test_what_is_not_known_yet_hides_nothing_that_is(project: YamlProject) -> None:
    project.program["other"] = resource("Registry", {"name": f"{project.name}-o"})
    second = project.program["second"]["properties"]
    second["steps"] = {"lines": ["RUN true", "RUN echo ${other.loginServer} > /etc/other"]}
    second["layers"] = {"keepTags": 3}

    planned = project.kinds()

    assert planned["other-registry"] == "create"
    assert "second-image" in planned
    assert "diabetes-group" not in planned
    second["layers"] = {"keepTags": -3}
    project.pulumi("preview").check_failed("layers.keepTags")


def test_a_component_is_ignored_protected_and_renamed_as_it_says_and_so_are_its_children(project: YamlProject) -> None:
    project.program["diabetes"]["options"] = {"ignoreChanges": ["cpuCores", "server.limits"], "protect": True}
    service(project)["cpuCores"] = 2
    service(project)["server"]["limits"] = {"scoringTimeoutMs": 5000}
    was = f"urn:pulumi:{project.stack}::yamlscoring::aciml:index:EnvironmentImage::second"
    project.program["third"] = project.program.pop("second")
    project.program["third"]["options"] = {
        "aliases": [was],
        "retainOnDelete": True,
        "dependsOn": ["${sklearn}"],
        "customTimeouts": {"create": "31m"},
    }

    # none of this changes what was made
    project.up("--expect-no-changes").check_ok()

    resources = project.resources()
    assert project.cores() == 1
    assert resources["diabetes-group"]["inputs"]["scoringTimeoutMs"] == 60000
    assert resources["diabetes-group"]["protect"] is True
    assert project.ask() == {"sum": 6.5}
    child = resources["third-image"]
    assert child["retainOnDelete"] is True
    assert child["customTimeouts"]["create"] == 31 * 60
    assert any("sklearn" in urn for urn in child["dependencies"])
    project.pulumi("destroy", "--preview-only").check_failed("protect")


def test_children_of_a_provider_of_its_own_are_spoken_of_in_the_same_words(project: YamlProject) -> None:
    """The engine makes the component in one process of the plugin, and its children in another."""
    project.program["home"] = {"type": "pulumi:providers:aciml", "properties": {"target": "local"}}
    ways: dict[str, dict[str, Any]] = {"more": {"providers": ["${home}"]}, "most": {"provider": "${home}"}}
    for name, way in ways.items():
        made = {**service(project), "name": f"{project.name}-{name}"}
        project.program[name] = resource("ScoringService", made, **way)
    said = project.pulumi("preview", "--json").check_ok()
    steps = json.loads(said.text[said.text.index("{\n") :])["steps"]
    planned = {step["urn"].rpartition("::")[2]: step for step in steps}

    for name in ways:
        assert planned[f"{name}-group"]["op"] == "create"
        assert "::home::" in planned[f"{name}-group"]["newState"]["provider"]
    # of those that are new alone: what runs was told of when it came up
    assert said.text.count("without effect on the local target: azure.livenessProbe") == len(ways)
    for name in ways:
        project.program[name]["properties"]["server"] = {"limits": {"maxBodyMb": -1}}
    project.pulumi("preview").check_failed("server.limits.maxBodyMb")


def test_an_update_changes_in_place_and_then_nothing_is_left_to_do(project: YamlProject) -> None:
    service(project)["cpuCores"] = 0.5
    service(project)["server"]["limits"] = {"scoringTimeoutMs": 30000, "maxBodyMb": 7}

    steps = {step["urn"].rpartition("::")[2]: step for step in project.up().check_ok().steps()}

    assert steps["diabetes-group"]["op"] == "update"
    assert {"cpuCores", "scoringTimeoutMs", "maxBodyMb"} <= {*steps["diabetes-group"]["detailedDiff"]}
    assert project.cores() == 0.5
    assert project.ask() == {"sum": 6.5}
    project.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes").check_ok()


def test_destroy_removes_all(project: YamlProject) -> None:
    project.pulumi("destroy", "--yes", "--skip-preview").check_ok()

    assert project.gone()
    assert not project.images_kept()
