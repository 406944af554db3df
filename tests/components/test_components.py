"""Components declare the right children, and wire them."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pulumi
import pytest
from pulumi.runtime import mocks

from aciml.schema import SCHEMA
from pulumi_aciml import (
    EnvironmentImage,
    EnvironmentImageArgs,
    Registry,
    RegistryArgs,
    ScoringService,
    ScoringServiceArgs,
)
from pulumi_aciml.handles import camel_case, child_of


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
        "sklearn", EnvironmentImageArgs(login_server=registry.login_server, base_image="debian", conda_file="c.yml")
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
    ("args", "token", "by_program"),
    [
        (RegistryArgs, "aciml:registry:ContainerRegistry", set()),
        (EnvironmentImageArgs, "aciml:image:Environment", set()),
        (ScoringServiceArgs, "aciml:compute:ContainerGroup", {"image"}),
    ],
)
def test_every_property_of_the_plugin_can_be_given_to_the_component(
    args: type[Any], token: str, by_program: set[str]
) -> None:
    properties = set(SCHEMA["resources"][token]["inputProperties"])
    names = {camel_case(field.name) for field in fields(args)}

    assert properties - names == by_program


def test_a_component_s_time_outs_are_those_of_its_children(recorder: Recorder) -> None:
    opts = pulumi.ResourceOptions(custom_timeouts=pulumi.CustomTimeouts(create="30m"))
    registry = Registry("aciml", RegistryArgs(port=5000), opts)

    passed = child_of(registry, opts).custom_timeouts
    assert passed is not None
    assert passed.create == "30m"
    assert child_of(registry, None).custom_timeouts is None
