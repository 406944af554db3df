"""The provider's configuration: one table, and the class of a program that says the same."""

from __future__ import annotations

import pytest

from aciml.model.config import AUTHS, FIELDS, IDENTITY, SECRETS, TARGETS, moved_between
from pulumi_aciml.args.declared import arguments_of
from pulumi_aciml.provider import ProviderArgs


def test_a_program_may_say_what_a_stack_config_may_say() -> None:
    said = {argument.wire: argument for argument in arguments_of(ProviderArgs)}

    assert [*said] == [name for name, field in FIELDS.items() if not field.filled]
    assert said["auth"].words == AUTHS
    assert {*said["target"].words, *said["registryTarget"].words} <= {*TARGETS}


def test_what_is_secret_and_what_says_where_things_are() -> None:
    assert {"clientSecret", "certificatePassword", "oidcToken"} == SECRETS
    assert IDENTITY == (
        "target", "registryTarget", "subscriptionId", "tenantId", "cloud", "resourceManagerEndpoint",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "moved"),
    [
        ({"target": "local"}, {"target": "azure"}, ["target"]),
        ({"target": "local"}, {"target": "local", "registryTarget": "azure"}, ["registryTarget"]),
        ({"target": "local"}, {"target": "local", "registryTarget": "local"}, []),
        ({}, {"registryTarget": "local"}, []),
        ({"target": "azure", "location": "westeurope"}, {"target": "azure", "location": "northeurope"}, []),
        ({"tenantId": "one"}, {}, ["tenantId"]),
    ],
)
def test_a_key_moves_things_if_it_says_another_place(
    old: dict[str, str], new: dict[str, str], moved: list[str]
) -> None:
    assert moved_between(old, new) == moved
