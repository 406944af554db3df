"""The real cloud keeps the promises of the contract; run by ``make test-azure``, skipped without being asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import pytest

from aciml.core.progress import Silent
from tests.contract import test_target as contract
from tests.contract.worlds import World
from tests.live.azure_live import Live, LiveWorld

Promise = Callable[[World], None]

OTHERS = ("registry", "changes_name")
"""Promises that need more registries, or nothing of the cloud."""

PROMISES: list[Promise] = [
    promise
    for name, promise in inspect.getmembers(contract, inspect.isfunction)
    if name.startswith("test_")
    and not any(word in name for word in OTHERS)
    and list(inspect.signature(promise).parameters) == ["world"]
]
"""What the contract says about groups: create, adopt, update in place, replace, fail, go back, be removed by hand."""


def test_a_registry_is_made_adopted_changed_filled_and_read(live: Live) -> None:
    facts = live.make_registry()
    again = live.make_registry()
    world = LiveWorld(live, {})

    assert (again.id, again.login_server) == (facts.id, facts.login_server)
    world.store(facts)
    changed = live.target.registry.update(facts.id, live.registry_spec(), live.registry_spec(turn="two"), Silent())

    assert changed.id == facts.id
    assert world.holds(changed)
    known = live.target.registry.read(facts.id, live.registry_spec(turn="two"))
    assert known is not None
    assert known.drift == ()


@pytest.mark.docker
@pytest.mark.parametrize("promise", PROMISES, ids=[promise.__name__.removeprefix("test_") for promise in PROMISES])
def test_a_real_group_keeps_the_promise(world: LiveWorld, promise: Promise) -> None:
    with world.live.bill.group(promise.__name__.removeprefix("test_").replace("_", " ")):
        promise(world)


def test_the_contract_was_found() -> None:
    assert [promise for promise in PROMISES if "comes_up" in promise.__name__ or "serves" in promise.__name__]
    assert len(PROMISES) >= 5
