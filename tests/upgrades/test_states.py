"""What older releases left in the state of a stack is, for today's plugin, what the same program declares today."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from pulumi.runtime import proto

from tests.simulators.engine import Plugin, running_plugin, struct
from tests.upgrades.place import HERE, NAMED, PORTS, kept_stacks, write_certificate
from tests.upgrades.states import Kept, resources

HOSTS = {"127.0.0.1:9": "{registry}", "127.0.0.1:10": "{models}", "https://127.0.0.1:11": "{cloud}"}
HOSTS |= {"127.1.1.": "{net}.", "127.1.1.9": "{label}"}
HOSTS |= {"knobody": NAMED, "12": PORTS[0], "13": PORTS[1]}
"""Nobody is there: that nothing has changed must be known without a question."""
AZURE = {
    "target": "azure",
    "subscriptionId": "11111111-1111-4111-8111-111111111111",
    "tenantId": "22222222-2222-4222-8222-222222222222",
    "resourceGroup": "emulated",
    "location": "westeurope",
    "cloud": "custom",
    "resourceManagerEndpoint": "https://127.0.0.1:11",
    "authorityHost": "https://127.0.0.1:11",
    "auth": "service_principal",
    "clientId": "33333333-3333-4333-8333-333333333333",
    "clientSecret": "44444444-4444-4444-8444-444444444444",
}
CONFIG = {"memory": {"target": "memory"}, "azure": AZURE, "local": {"target": "local"}}

OTHER: dict[str, tuple[str, Any]] = {
    "aciml:registry:ContainerRegistry": ("name", "another"),
    "aciml:image:Environment": ("repository", "azureml/another"),
    "aciml:image:Service": ("repository", "azureml/another"),
    "aciml:compute:ContainerGroup": ("startupTimeout", 77),
}
"""A change for each type of resource, which makes nothing anew where it need not."""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that the states' paths lead to."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copytree(HERE / "project", folder, dirs_exist_ok=True)
    write_certificate(folder)
    return folder


@pytest.fixture(scope="module", params=kept_stacks(), ids="-".join)
def kept(request: pytest.FixtureRequest) -> tuple[str, str]:
    """A release, and one of its stacks."""
    release, stack = request.param
    return release, stack


@pytest.fixture(scope="module")
def stack(kept: tuple[str, str]) -> str:
    return kept[1]


@pytest.fixture(scope="module")
def plugins(project: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Plugin]]:
    """Starts a plugin for each stack; the states of several releases share it."""
    with ExitStack() as running:

        @cache
        def started(stack: str) -> Plugin:
            return running.enter_context(running_plugin(tmp_path_factory.mktemp("cache"), CONFIG[stack], project))

        yield started


@pytest.fixture
def plugin(stack: str, plugins: Callable[[str], Plugin]) -> Plugin:
    return plugins(stack)


@pytest.fixture(scope="module")
def types(plugins: Callable[[str], Plugin]) -> dict[str, Any]:
    """What the plugin's schema says of each type of resource."""
    schema = json.loads(plugins("memory").stub.GetSchema(proto.GetSchemaRequest()).schema)
    return dict(schema["resources"])


@pytest.fixture
def state(kept: tuple[str, str]) -> list[Kept]:
    return resources(*kept, HOSTS)


def declared(types: dict[str, Any], one: Kept) -> dict[str, Any]:
    """Return what a program said: without what the plugin filled in."""
    known = types[one.token]["inputProperties"]
    return {name: value for name, value in one.inputs.items() if name in known}


def test_every_type_of_resource_is_kept(types: dict[str, Any], state: list[Kept]) -> None:
    custom = {token for token, one in types.items() if not one.get("isComponent")}

    assert {one.token for one in state} == custom


def test_the_same_declaration_passes_and_is_no_change(plugin: Plugin, types: dict[str, Any], state: list[Kept]) -> None:
    for one in state:
        checked = plugin.stub.Check(
            proto.CheckRequest(urn=one.urn, olds=struct(one.inputs), news=struct(declared(types, one)))
        )
        assert json_format.MessageToDict(checked).get("failures", []) == [], one.name

        difference = plugin.stub.Diff(
            proto.DiffRequest(
                id=one.id,
                urn=one.urn,
                olds=struct(one.outputs),
                old_inputs=struct(one.inputs),
                news=checked.inputs,
            )
        )

        # another server of scoring in a new release is the one thing that a user gets without asking for it
        own = {"server"} if one.token == "aciml:image:Service" else set()
        assert set(difference.diffs) | set(difference.detailedDiff) <= own, one.name
        assert list(difference.replaces) == [], one.name


def test_what_was_read_back_is_no_change_either(plugin: Plugin, state: list[Kept]) -> None:
    """The engine sends a state's own inputs when it destroys, refreshes or imports."""
    for one in state:
        difference = plugin.stub.Diff(
            proto.DiffRequest(
                id=one.id,
                urn=one.urn,
                olds=struct(one.outputs),
                old_inputs=struct(one.inputs),
                news=struct(one.inputs),
            )
        )
        assert difference.changes == proto.DiffResponse.DIFF_NONE, (one.name, list(difference.diffs))


def test_a_change_of_what_is_kept_is_seen(plugin: Plugin, types: dict[str, Any], state: list[Kept]) -> None:
    """What finds no change in the tests above does look."""
    for one in state:
        name, value = OTHER[one.token]
        news = {**declared(types, one), name: value}
        checked = plugin.stub.Check(proto.CheckRequest(urn=one.urn, olds=struct(one.inputs), news=struct(news)))
        request = proto.DiffRequest(
            id=one.id, urn=one.urn, olds=struct(one.outputs), old_inputs=struct(one.inputs), news=checked.inputs
        )
        assert name in plugin.stub.Diff(request).detailedDiff, one.name


def test_what_is_kept_names_no_machine() -> None:
    tops = {f"/{top}/" for place in (HERE, Path.home()) for top in place.resolve().parts[1:2]}
    declared = {"/mnt/", "/tmp/", "/var/"}  # volumes of the programs are mounted there
    for path in (HERE / "fixtures").rglob("*.json"):
        text = path.read_text()
        assert not [word for word in {"/home/", "/root/", "sourcePosition", *tops} - declared if word in text], path


def test_secrets_are_secrets_in_the_state(stack: str, state: list[Kept]) -> None:
    found = {name for one in state for name, value in one.inputs.items() if type(value).__name__ == "Secret"}

    assert found >= {"secureEnvironmentVariables"}
    if stack == "azure":
        assert found >= {"primaryKey", "secondaryKey", "appInsightsConnectionString"}
