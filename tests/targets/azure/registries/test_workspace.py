"""The registry of an Azure ML workspace: found by the workspace, taken over, and never changed or deleted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import UserError
from aciml.properties import UNKNOWN, Values
from aciml.resources.registry import ContainerRegistry
from aciml.settings import Settings
from aciml.targets.azure import AzureTarget
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.registries.workspace import place_of
from aciml.targets.memory import MemoryTarget
from tests.heard import Heard
from tests.simulators.azure.emulator import Emulator
from tests.simulators.azure.workspaces import make_workspace
from tests.simulators.registry_program import missing_reason
from tests.targets.azure.registries.test_life import row, sent
from tests.targets.registries import wanted_registry

REASON = missing_reason()
pytestmark = [pytest.mark.registry, pytest.mark.skipif(bool(REASON), reason=str(REASON))]
WORKSPACE = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/mlw"


def test_a_workspace_is_named_by_name_or_by_id_in_any_letter_case() -> None:
    assert place_of("mlw-1", "s", "g").id == WORKSPACE.replace("mlw", "mlw-1")
    assert place_of(WORKSPACE.lower(), "other", "other").id.lower() == WORKSPACE.lower()


@pytest.mark.parametrize(
    "text", ["", "a", "my workspace", WORKSPACE + "/computes/c", WORKSPACE.replace("mlw", ""), "/x"]
)
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no Azure ML workspace; write its name, or its id"):
        place_of(text, "s", "g")


@pytest.fixture
def target(azure_config: AzureConfig, tmp_path: Path) -> Iterator[AzureTarget]:
    made = AzureTarget(azure_config, Settings(tmp_path))
    yield made
    made.account.session.close()


@pytest.fixture
def adopted(target: AzureTarget, emulator: Emulator) -> str:
    """A registry that somebody else made in a group and a region of its own; give its id."""
    other = wanted_registry("azuremlacr", location="northeurope", tags={"made": "by hand"})
    seen = target.account.registries.create(other, Heard(urn=""))
    emulator.world.need(seen.id)["tags"] = {"made": "by hand"}
    return seen.id


def checked(target: Any, new: Values, old: Values | None = None) -> tuple[Values, list[str], Heard]:
    heard = row()
    found = ContainerRegistry(target.registry).check(old, new, heard)
    return found.inputs, [f"{one.where}: {one.why}" for one in found.findings], heard


def test_its_registry_is_found_adopted_left_alone_and_forgotten(
    target: AzureTarget, emulator: Emulator, adopted: str
) -> None:
    make_workspace(emulator.world, emulator.resource_group, "mlw", adopted.lower())
    before = dict(emulator.world.need(adopted))
    emulator.forget()

    inputs, findings, heard = checked(target, {"workspace": "mlw"})
    assert findings == []
    assert {name: inputs[name] for name in ("name", "location", "adopt")} == {
        "name": "azuremlacr",
        "location": "northeurope",
        "adopt": True,
    }
    resource = ContainerRegistry(target.registry)
    made = resource.create(inputs, heard, preview=False)
    assert made.id.lower() == adopted.lower()
    assert made.state["owner"] == ""
    again = checked(target, {"workspace": "mlw"}, inputs)[0]
    assert not resource.diff(inputs, made.state, again).detail
    resource.delete(made, heard)
    assert sent(emulator) == []
    assert emulator.world.need(adopted) == before
    assert "it is forgotten, and stays" in heard.notes[1]


def test_what_is_wrong_with_a_workspace_is_told_with_what_to_do(
    target: AzureTarget, emulator: Emulator, adopted: str
) -> None:
    make_workspace(emulator.world, emulator.resource_group, "empty", None)
    make_workspace(emulator.world, emulator.resource_group, "lost", f"{adopted}x")
    elsewhere = adopted.replace(emulator.subscription, "11111111-1111-1111-1111-111111111111")
    make_workspace(emulator.world, emulator.resource_group, "far", elsewhere)

    def why(workspace: str, **more: Any) -> str:
        (said,) = checked(target, {"workspace": workspace, **more})[1]
        return said

    assert 'workspace: Azure ML workspace "empty" in resource group' in why("empty")
    assert "has no container registry yet" in why("empty")
    assert "az ml workspace update --container-registry" in why("empty")
    assert 'there is no Azure ML workspace "none" in resource group' in why("none")
    assert "az ml workspace show --query id" in why("none")
    assert "which does not exist any more" in why("lost")
    assert "is in another subscription; set aciml:subscriptionId to 11111111-" in why("far")
    assert "is no Azure ML workspace" in why("two words")
    assert "give name or workspace, not both" in why("empty", name="contoso")
    assert "drop adopt" in why("empty", adopt=False)
    emulator.fault("forbidden", match="workspaces/empty")
    assert "may not read" in (refused := why("empty"))
    assert "the role Reader" in refused


def test_what_was_found_before_holds_while_nobody_can_be_asked(
    target: AzureTarget, emulator: Emulator, adopted: str
) -> None:
    make_workspace(emulator.world, emulator.resource_group, "mlw", adopted)
    inputs = checked(target, {"workspace": "mlw"})[0]
    emulator.fault("cut", match="workspaces/mlw", times=20)

    again, findings, heard = checked(target, {"workspace": "mlw"}, inputs)
    assert (again, findings) == (inputs, [])
    assert "could not be asked" in heard.warnings[0]
    assert checked(target, {"workspace": "mlw"})[1]  # what nobody knows is an error


def test_a_workspace_that_is_not_known_yet_leaves_the_name_open(target: AzureTarget) -> None:
    inputs, findings, _ = checked(target, {"workspace": UNKNOWN})
    assert findings == []
    assert inputs["name"] == UNKNOWN


def test_at_home_it_is_passed_over_with_the_one_warning() -> None:
    target = MemoryTarget()
    inputs, findings, heard = checked(target, {"workspace": "mlw"})
    assert findings == []
    assert "workspace" in heard.warnings[0]
    assert inputs["name"] != "mlw"
