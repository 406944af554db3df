"""After an update the old images are gone and the cache is small, as the user sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from aciml.images.tools import Tools
from aciml.resources.protocol import Existing
from tests.images.conftest import REPOSITORY, Machine, conda_file


def test_an_update_removes_old_images_and_prunes_the_cache(new_machine: Callable[..., Machine], tmp_path: Path) -> None:
    machine = new_machine("machine")
    machine.shop = Tools.of(machine.shop.target, replace(machine.shop.settings, cache_size=0))
    wishes = (("python", "big"), ("python", "tool"), ("python", "big", "tool"), ("python", "clash-a"))
    states = [
        machine.up(machine.inputs(conda_file(tmp_path / str(number), *specs), keepTags=0))
        for number, specs in enumerate(wishes)
    ]
    client = machine.shop.client(machine.registry.host)

    there = [client.head_manifest(REPOSITORY, state["digest"]) is not None for state in states]
    assert there == [False, False, True, True]
    assert not machine.heard.warnings
    last = Existing(states[-1]["image"], states[-1], states[-1])
    machine.environment.delete(last, machine.heard)
    assert not [tag for tag in client.tags(REPOSITORY) if tag.startswith("aciml-held-")]
    machine.shop.cache.catalog.close()
    client.close()
