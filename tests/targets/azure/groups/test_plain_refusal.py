"""A proxy's page instead of an answer of Azure, as the clients of Container Registry take it."""

from __future__ import annotations

from typing import Any, cast

import pytest
from azure.core.pipeline.policies import ContentDecodePolicy
from azure.mgmt.containerregistrytasks import ContainerRegistryTasksMgmtClient

from aciml.targets.azure.arm.errors import AzureError, translated
from aciml.targets.azure.arm.policies import PlainRefusal
from tests.targets.azure.answering import answering

RUN = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerRegistry/registries/r/runs/ca1"


@pytest.mark.parametrize("page", ["<html>Bad Gateway</html>", ""])
def test_a_page_that_is_no_json_keeps_its_status(page: str) -> None:
    with answering() as world:
        world.answers[f"GET {RUN}"] = (502, page, {})
        policies = [PlainRefusal(), ContentDecodePolicy()]
        client = ContainerRegistryTasksMgmtClient(cast("Any", object()), "s", world.base, policies=policies)
        with (
            client,
            pytest.raises(AzureError, match="looking at it: Azure answered") as caught,
            translated("looking at it"),
        ):
            client.runs.get("g", "r", "ca1")

    assert caught.value.status == 502
