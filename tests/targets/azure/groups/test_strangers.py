"""What a group uses and others have made: a share, an identity, its roles. The whole life of a group changes none."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from aciml.core.progress import Silent
from tests.simulators.azure.generic import make_identity
from tests.simulators.azure.roles import assign
from tests.targets.azure.life import KIND, Life

pytestmark = pytest.mark.docker
SHARE = {"shareName": "models", "storageAccountName": "theirs", "storageAccountKey": "a2V5"}


def test_shares_identities_and_roles_of_others_are_as_before(life: Life) -> None:
    world = life.emulator.world
    group = f"/subscriptions/{life.emulator.subscription}/resourceGroups/{life.emulator.resource_group}"
    identity = make_identity(world, life.emulator.resource_group, f"{life.name}-theirs")
    for scope, role in ((group, "AcrPull"), (identity["id"], "Reader")):
        assign(world, identity["properties"]["principalId"], scope, role)
    weights = world.folder / "shares" / SHARE["storageAccountName"] / SHARE["shareName"] / "weights.bin"
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.write_bytes(b"theirs")
    before = copy.deepcopy({key: one for key, one in world.resources.items() if KIND not in key})
    used: dict[str, Any] = {
        "volumes": [{"name": "models", "azureFile": SHARE}],
        "volumeMounts": [{"name": "models", "mountPath": "/models"}],
        "identities": [identity["id"]],
    }
    old, new = life.spec(**used), life.spec("serves-too")
    asked = len(life.emulator.requests())

    facts = life.groups.create(old, Silent())
    assert life.seen()["identity"]["userAssignedIdentities"]
    life.groups.read(facts.id, old)
    life.groups.update(facts.id, old, new, Silent())
    life.groups.delete(facts.id, Silent(), known_as=facts.owner)

    assert life.there() == []
    assert weights.read_bytes() == b"theirs"
    assert any("roleassignments" in key.lower() for key in before)
    assert {key: one for key, one in world.resources.items() if KIND not in key} == before
    changes = [one.path for one in life.emulator.requests()[asked:] if one.method not in ("GET", "HEAD")]
    assert [path for path in changes if KIND not in path.lower() and not path.endswith("/token")] == []
