from __future__ import annotations

from collections.abc import Callable

import pytest

from aciml.core.errors import UserError
from aciml.core.progress import Silent
from aciml.targets.azure import AzureTarget
from aciml.targets.protocol import GroupSpec, RegistrySpec, Target

TARGET: Target = AzureTarget()
REGISTRY, GROUP = RegistrySpec("r"), GroupSpec("g", "i")
CALLS: list[Callable[[], object]] = [
    lambda: TARGET.create_registry(REGISTRY, Silent()),
    lambda: TARGET.read_registry("r"),
    lambda: TARGET.delete_registry("r", delete_data=True, progress=Silent()),
    lambda: TARGET.registry_changes(REGISTRY, REGISTRY),
    lambda: TARGET.credentials("host"),
    lambda: TARGET.create_group(GROUP, Silent()),
    lambda: TARGET.update_group("g", GROUP, Silent()),
    lambda: TARGET.read_group("g"),
    lambda: TARGET.delete_group("g", Silent()),
    lambda: TARGET.group_changes(GROUP, GROUP),
]


@pytest.mark.parametrize("call", CALLS)
def test_every_call_refuses_in_one_sentence(call: Callable[[], object]) -> None:
    with pytest.raises(UserError) as refused:
        call()

    assert str(refused.value) == "the Azure target is not built yet; use `aciml:target: local`"
