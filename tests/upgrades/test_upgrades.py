"""A stack that an older release brought up lives on under today's plugin, by the real CLI: nothing is made anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.kept_state import kept_outputs, kept_resources
from tests.e2e.program import needs_the_cli
from tests.simulators.registry_program import missing_reason
from tests.upgrades.answering import INSIDE, PUBLIC, answering
from tests.upgrades.engine import engine, ids_of
from tests.upgrades.place import FIXTURES, HERE, PASSPHRASE, Place, alive, kept_stacks, place, read_json
from tests.upgrades.world import load_cloud, load_registry

pytestmark = [pytest.mark.e2e, needs_the_cli]

CHANGE = {"memory": {"CORES": "1.5"}, "azure": {"TAG": "2"}, "local": {"CORES": "1.5"}}
"""What the programs read from their environment, and what is made of it: a change that works in place."""
CHANGED = {
    "memory": {"weights-group": ["cpuCores"]},
    "azure": {"inside-group": ['tags["version"]']},
    "local": {"weights-group": ["cpuCores"]},
}


class Upgraded:
    """A kept stack whose world is there again, and whose program and plugin are today's."""

    def __init__(self, at: Place, release: str) -> None:
        self.at, self.stack = at, at.stack
        self._fixture = FIXTURES / release / at.stack
        self._default = "default" if release == "0.1" else f"default_{release.replace('.', '_')}_0"
        load_registry(at.registry, json.loads((self._fixture / "registry.json").read_text()))
        self.hosts = at.hosts()
        self.world = world = read_json(self._fixture / "world.json", self.hosts)
        if at.cloud is not None:
            load_cloud(at.cloud, world)
        elif at.stack == "memory":
            (at.folder / "cache").mkdir()
            (at.folder / "cache/memory-target.json").write_text(json.dumps(world))
        at.resume(HERE / "programs" / f"{at.stack}.py", self._kept())

    def _kept(self) -> dict[str, Any]:
        """Return the kept state.

        What was made by a wheel has its version in the name of the provider (``decisions/wheel.md``; 0.1 had none):
        so a state of each later release is loaded, and another version of the plugin is no change by itself.
        """
        text = (self._fixture / "state.json").read_text()
        for end in ("::", '"'):
            text = text.replace(
                f"pulumi:providers:aciml::default{end}", f"pulumi:providers:aciml::{self._default}{end}"
            )
        return dict(json.loads(alive(text, self.hosts))["deployment"])

    def steps(self) -> dict[str, Any]:
        """Return what a preview does to each resource."""
        said = self.at.pulumi("preview", "--json").check_ok().text
        return {one["urn"].rpartition("::")[2]: one for one in json.loads(said[said.index("{") :])["steps"]}

    def inputs(self) -> dict[str, dict[str, Any]]:
        """Return what the state has of each resource."""
        return {one["urn"].rpartition("::")[2]: one.get("inputs", {}) for one in kept_resources(self.at.state)}

    def outputs(self) -> dict[str, Any]:
        return kept_outputs(self.at.state, PASSPHRASE)


def differing(steps: dict[str, Any]) -> dict[str, list[str]]:
    """Return the paths that differ of each resource that is not left as it is."""
    return {
        name: sorted(step.get("detailedDiff") or [step["op"]]) for name, step in steps.items() if step["op"] != "same"
    }


def _marked(release: str, stack: str) -> Any:
    # the containers of a stack at home are made again in the engine that is here
    return pytest.param((release, stack), id=f"{release}-{stack}", marks=[pytest.mark.docker] * (stack == "local"))


@pytest.fixture(params=[_marked(*one) for one in kept_stacks()])
def upgraded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Upgraded]:
    release, stack = request.param
    if stack == "azure" and (reason := missing_reason()):
        pytest.skip(reason)
    with ExitStack() as until, place(stack, tmp_path / "project") as at:
        found = Upgraded(at, release)
        if at.cloud is not None:
            groups = [one for one in at.cloud.world.resources.values() if "containerGroups" in one["id"]]
            addresses = {one["name"]: one["properties"]["ipAddress"] for one in groups}
            places = [(addresses["kept-public"]["fqdn"], PUBLIC), (addresses["kept-inside"]["ip"], INSIDE)]
            until.enter_context(answering(at.folder, places))
        if stack == "local":
            until.enter_context(engine(found.world))
        yield found


def test_a_stack_of_an_older_release_lives_on(upgraded: Upgraded) -> None:
    before, kept, at = upgraded.outputs(), upgraded.inputs(), upgraded.at
    services = [name for name, inputs in kept.items() if "serverHash" in inputs]

    new_server = only_the_server_is_new(upgraded, kept, services)

    # a refresh takes over keys that versions before 0.3 kept in outputs alone, and nothing else
    at.pulumi("refresh", "--yes", "--skip-preview").check_ok()
    refreshed = upgraded.inputs()
    changed = {name: inputs.keys() ^ refreshed[name].keys() for name, inputs in kept.items()}
    assert set().union(*changed.values()) <= {"primaryKey", "secondaryKey"}
    if upgraded.stack == "local" and new_server:
        # a container of the older release gives way to one with the new server, which then changes in place
        assert differing(by_name(at.up().check_ok().steps())) == new_server
        new_server = {}
    running = containers(upgraded)
    done = at.up("--refresh", **CHANGE[upgraded.stack]).check_ok()
    # the second refresh finds nothing, and the update does what was asked for
    assert [one["urn"] for one in done.refreshed() if one["op"] not in ("refresh", "same") or one["detailedDiff"]] == []
    assert differing(by_name(done.steps())) == together(new_server, CHANGED[upgraded.stack])
    assert containers(upgraded) == running
    same = {name: value for name, value in upgraded.outputs().items() if name != "image" or not services}
    assert same.items() <= before.items()
    at.pulumi("destroy", "--yes", "--skip-preview", **CHANGE[upgraded.stack]).check_ok()
    assert containers(upgraded) == set()


def by_name(steps: list[dict[str, Any]]) -> dict[str, Any]:
    """Return steps by the name of the resource."""
    return {one["urn"].rpartition("::")[2]: one for one in steps}


def together(one: dict[str, list[str]], other: dict[str, list[str]]) -> dict[str, list[str]]:
    """Return the paths of both, by the name of the resource."""
    return {name: sorted([*one.get(name, []), *other.get(name, [])]) for name in {*one, *other}}


def containers(upgraded: Upgraded) -> set[str]:
    """Return the ids of the stack's containers; of a stack that has none in an engine, nothing."""
    return ids_of(upgraded.at.name) if upgraded.stack == "local" else set()


def only_the_server_is_new(
    upgraded: Upgraded, kept: dict[str, dict[str, Any]], services: list[str]
) -> dict[str, list[str]]:
    """Check what a preview shows; return what differs because the release has another scoring server than this tree.

    A new server is a new image of each service, told by its version, and then a group with that image. That nothing
    else hides behind it: ``test_states.py`` compares each resource alone.
    """
    steps = upgraded.steps()
    shown = differing(steps)
    if not shown:
        return {}
    groups = [name.removesuffix("image") + "group" for name in services]
    assert shown == {**{name: ["server"] for name in services}, **{name: ["image"] for name in groups}}
    for name in services:
        new = steps[name]["newState"]["inputs"]
        assert new["serverHash"] != kept[name]["serverHash"]
        assert new["server"] not in ("", kept[name].get("server"))
    return shown
