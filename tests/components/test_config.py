"""The stack config is read strictly."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pulumi
import pytest
from pulumi.runtime import config as runtime_config
from pulumi.runtime import settings

from aciml.model.judge import with_hidden
from pulumi_aciml import EnvironmentImageArgs, RegistryArgs, ScoringServiceArgs
from pulumi_aciml.config import StackConfig, read_config
from pulumi_aciml.judged import children_of

Reader = Callable[[dict[str, Any]], StackConfig]


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Return a function that reads a config as the program does."""
    settings.configure(settings.Settings(project="scoring", stack="local"))

    def reader(values: dict[str, Any]) -> StackConfig:
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in values.items()}
        monkeypatch.setenv("PULUMI_CONFIG", json.dumps(texts))
        runtime_config.set_all_config(texts)
        return read_config(
            {"registry": RegistryArgs, "environment": EnvironmentImageArgs, "service": ScoringServiceArgs},
            wired={"environment": {"login_server"}, "service": {"login_server", "environment_image"}},
        )

    yield reader
    runtime_config.set_all_config({})


def test_sections_become_arguments(read: Reader) -> None:
    config = read({"scoring:registry": {"port": 5000}, "scoring:service": {"source_directory": "src"}})

    assert RegistryArgs(**config.registry) == RegistryArgs(port=5000)
    assert config.service == {"source_directory": "src"}
    assert config.environment == {}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"scoring:registy": {}}, "scoring:registy: unknown key; did you mean registry?"),
        ({"scoring:registry": {"prot": 1}}, "scoring:registry.prot: unknown key; did you mean port?"),
        ({"scoring:service": {"sourcedirectory": "x"}}, "did you mean source_directory?"),
        ({"scoring:service": {"scoring_timeout": 5}}, "did you mean server.limits.scoring_timeout_ms?"),
        ({"scoring:service": {"login_server": "x"}}, "scoring:service.login_server: unknown key; the program sets it"),
        ({"scoring:registry": "5000"}, "scoring:registry: must be a map"),
        ({"scoring:registry": "- a"}, "scoring:registry: must be a map"),
    ],
    ids=["section", "key", "spelling", "without its unit", "what the program wires", "a number", "a text"],
)
def test_what_nobody_knows_is_an_error_with_its_path(read: Reader, values: dict[str, Any], words: str) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        read(values)

    assert words in str(raised.value)


def test_all_problems_are_reported_at_once(read: Reader) -> None:
    with pytest.raises(pulumi.RunError) as raised:
        read({"scoring:registry": {"prot": 1}, "scoring:environment": {"bse_image": "x"}})

    assert "registry.prot" in str(raised.value)
    assert "environment.bse_image" in str(raised.value)


def test_keys_of_other_packages_are_left_alone(read: Reader) -> None:
    assert read({"aciml:target": "local", "azure:location": "x"}) == StackConfig()


def test_keys_are_secret_whatever_the_file_says(read: Reader) -> None:
    service = ScoringServiceArgs(login_server="x", environment_image="y", source_directory="z", primary_key="hush")

    hidden = with_hidden(
        "aciml:compute:ContainerGroup", children_of(service)["aciml:compute:ContainerGroup"], str.upper
    )

    assert hidden == {"primaryKey": "HUSH"}
