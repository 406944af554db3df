from __future__ import annotations

from typing import Any

from aciml.targets.azure.groups.change import plan
from aciml.targets.azure.groups.drift import imported as seen_of
from aciml.targets.azure.groups.group import to_arm

from .group_samples import IMAGE, PLACE, answered, group

INIT: dict[str, Any] = {"name": "fetch", "image": IMAGE, "command": ["true"]}
SECRET = {**INIT, "secureEnvironmentVariables": {"TOKEN": "first"}}


def test_the_first_secret_of_an_init_container_is_a_change() -> None:
    assert plan(group(initContainers=[INIT]), group(initContainers=[SECRET]), PLACE) == "replace"


def test_another_secret_beside_an_imported_one_is_a_change() -> None:
    imported = group(**seen_of(answered(to_arm(group(initContainers=[SECRET]), PLACE, None), 0)).properties())
    both = {**SECRET, "secureEnvironmentVariables": {"TOKEN": "first", "MORE": "second"}}

    assert plan(imported, group(initContainers=[both]), PLACE) == "replace"


def test_an_imported_secret_of_an_init_container_is_taken_to_be_the_declared_one() -> None:
    imported = group(**seen_of(answered(to_arm(group(initContainers=[SECRET]), PLACE, None), 0)).properties())

    assert imported.declared.init_containers[0].secure_environment_variables == {"TOKEN": ""}
    assert plan(imported, group(initContainers=[SECRET]), PLACE) == "nothing"
