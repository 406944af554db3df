"""Components declare the right children, and wire them."""

from __future__ import annotations

from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from aciml.model.judge import TABLES
from pulumi_aciml import (
    EnvironmentImage,
    EnvironmentImageArgs,
    PackagesArgs,
    Registry,
    RegistryArgs,
    ScoringService,
    ScoringServiceArgs,
)
from pulumi_aciml.args.places import places_of
from pulumi_aciml.options import child_of


class Recorder(mocks.Mocks):
    """Answers each resource with its inputs, and keeps what was declared."""

    def __init__(self) -> None:
        self.declared: dict[str, mocks.MockResourceArgs] = {}

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        self.declared[args.typ] = args
        known = {"loginServer": "127.0.0.1:5000", "image": f"{args.name}@sha256:0"}
        return args.name, {**args.inputs, **known, "scoringUri": "http://x/score"}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


@pytest.fixture
def recorder() -> Recorder:
    recorder = Recorder()
    mocks.set_mocks(recorder, project="scoring", stack="local")
    return recorder


@pulumi.runtime.test  # type: ignore[untyped-decorator]  # the SDK does not type it
def test_a_program_declares_four_resources_and_wires_them(recorder: Recorder) -> pulumi.Output[None]:
    registry = Registry("aciml", RegistryArgs(port=5000))
    environment = EnvironmentImage(
        "sklearn",
        EnvironmentImageArgs(
            login_server=registry.login_server, base_image="debian", packages=PackagesArgs(conda_file="c.yml")
        ),
    )
    service = ScoringService(
        "diabetes",
        ScoringServiceArgs(
            login_server=registry.login_server,
            environment_image=environment.image,
            source_directory="src",
            auth_enabled=True,
        ),
    )

    def look(values: list[Any]) -> None:
        declared = recorder.declared
        assert values[0] == "http://x/score"
        assert declared["aciml:registry:ContainerRegistry"].inputs == {"port": 5000}
        assert declared["aciml:image:Environment"].inputs == {
            "loginServer": "127.0.0.1:5000",
            "repository": "azureml/sklearn",
            "baseImage": "debian",
            "condaFile": "c.yml",
        }
        image = declared["aciml:image:Service"].inputs
        assert image["environmentImage"] == "sklearn-image@sha256:0"
        assert image["repository"] == "azureml/diabetes"
        group = declared["aciml:compute:ContainerGroup"].inputs
        assert group == {"image": "diabetes-image@sha256:0", "authEnabled": True}

    return pulumi.Output.all(service.scoring_uri, service.image).apply(look)


@pytest.mark.parametrize(
    ("args", "by_component"),
    [(RegistryArgs, set()), (EnvironmentImageArgs, set()), (ScoringServiceArgs, {"image", "sslEnabled"})],
)
def test_every_property_of_the_plugin_can_be_given_to_the_component(args: type[Any], by_component: set[str]) -> None:
    children = args._children
    properties = {name for token in children for name, field in TABLES[token].items() if not field.filled}

    assert properties - places_of(args).keys() == by_component
    assert places_of(args).keys() - properties == set()


GROUP, IMAGE = "aciml:compute:ContainerGroup", "aciml:image:Service"


def test_what_a_component_is_told_its_children_follow(recorder: Recorder) -> None:
    other = Registry("other")
    opts = pulumi.ResourceOptions(
        custom_timeouts=pulumi.CustomTimeouts(create="30m"), retain_on_delete=True, depends_on=[other]
    )

    passed = child_of(other, GROUP, ScoringServiceArgs, opts)

    assert passed.parent is other
    assert passed.custom_timeouts is opts.custom_timeouts
    assert passed.retain_on_delete is True
    assert passed.depends_on == [other]
    assert child_of(other, GROUP, ScoringServiceArgs, None).custom_timeouts is None


@pytest.mark.parametrize(
    ("paths", "group", "image"),
    [
        (["cpu_cores", "models"], ["cpuCores"], ["models"]),
        (["server.limits.scoring_timeout_ms"], ["scoringTimeoutMs"], None),
        (["server.limits.scoringTimeoutMs"], ["scoringTimeoutMs"], None),
        (["azure.liveness_probe.http_get.port"], ["livenessProbe.httpGet.port"], None),
        (["azure.volumes[0].azure_file"], ["volumes[0].azureFile"], None),
        (['environment_variables["A_B"]', 'models["a_b"]'], ['environmentVariables["A_B"]'], ['models["a_b"]']),
        (["server.logs"], ["logFormat", "logLevel", "accessLog", "logPayloads"], None),
        (["*"], ["*"], ["*"]),
    ],
)
def test_changes_are_ignored_by_the_paths_that_a_user_writes(
    recorder: Recorder, paths: list[str], group: list[str] | None, image: list[str] | None
) -> None:
    parent, opts = Registry("parent"), pulumi.ResourceOptions(ignore_changes=paths)

    assert child_of(parent, GROUP, ScoringServiceArgs, opts).ignore_changes == group
    assert child_of(parent, IMAGE, ScoringServiceArgs, opts).ignore_changes == image
