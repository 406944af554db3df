"""A stack that an older release brought up lives on under today's plugin, by the real CLI: nothing is made anew."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
        at.begin(HERE / "programs" / f"{at.stack}.py")
        self._load()

    def _load(self) -> None:
        """Put the kept state in place of the one there is.

        What was made by a wheel has its version in the name of the provider (``decisions/wheel.md``; 0.1 had none):
        so a state of each later release is loaded, and another version of the plugin is no change by itself.
        """
        text = (self._fixture / "state.json").read_text()
        for end in ("::", '"'):
            text = text.replace(
                f"pulumi:providers:aciml::default{end}", f"pulumi:providers:aciml::{self._default}{end}"
            )
        (self.at.folder / "state.json").write_text(alive(text, self.hosts))
        self.at.pulumi("stack", "import", "--file", "state.json").check_ok()

    @contextmanager
    def with_hash(self, old: str, new: str) -> Iterator[None]:
        """Have another hash in the state for a while."""
        kept = self.at.state.read_text()
        assert old in kept
        self.at.state.write_text(kept.replace(old, new))
        yield
        self.at.state.write_text(kept)

    def preview(self, **environ: str) -> dict[str, list[str]]:
        """Return the paths that differ of each resource that a preview does not leave as it is."""
        return differing(self.steps(**environ))

    def steps(self, **environ: str) -> dict[str, Any]:
        said = self.at.pulumi("preview", "--json", **environ).check_ok().text
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
    before, kept = upgraded.outputs(), upgraded.inputs()
    services = [name for name, inputs in kept.items() if "serverHash" in inputs]

    server_is_another = only_the_server_is_new(upgraded, kept, services)

    # the first one takes over keys that versions before 0.3 kept in outputs alone, and nothing else
    upgraded.at.pulumi("refresh", "--yes", "--skip-preview").check_ok()
    refreshed = upgraded.inputs()
    changed = {name: inputs.keys() ^ refreshed[name].keys() for name, inputs in kept.items()}
    assert set().union(*changed.values()) <= {"primaryKey", "secondaryKey"}
    upgraded.at.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes").check_ok()
    if server_is_another:
        upgraded.at.pulumi("up", "--yes", "--skip-preview").check_ok()
        upgraded.at.pulumi("preview", "--expect-no-changes").check_ok()

    change = CHANGE[upgraded.stack]
    assert upgraded.preview(**change) == CHANGED[upgraded.stack]
    running = containers(upgraded)
    upgraded.at.pulumi("up", "--yes", "--skip-preview", **change).check_ok()
    assert containers(upgraded) == running
    same = {name: value for name, value in upgraded.outputs().items() if name != "image" or not server_is_another}
    assert same.items() <= before.items()
    upgraded.at.pulumi("destroy", "--yes", "--skip-preview", **change).check_ok()
    assert containers(upgraded) == set()


def containers(upgraded: Upgraded) -> set[str]:
    """Return the ids of the stack's containers; of a stack that has none in an engine, nothing."""
    return ids_of(upgraded.at.name) if upgraded.stack == "local" else set()


def only_the_server_is_new(upgraded: Upgraded, kept: dict[str, dict[str, Any]], services: list[str]) -> bool:
    """Check what a preview shows; return whether the release has another scoring server than this tree.

    A new server is a new image of each service, told by its version, and then a group with that image. That nothing
    else hides behind it is seen when the state is given the hash of today's.
    """
    steps = upgraded.steps()
    shown = differing(steps)
    if not shown:
        return False
    groups = [name.removesuffix("image") + "group" for name in services]
    assert shown == {**{name: ["server"] for name in services}, **{name: ["image"] for name in groups}}
    for name in services:
        new = steps[name]["newState"]["inputs"]
        assert new["serverHash"] != kept[name]["serverHash"]
        assert new["server"] not in ("", kept[name].get("server"))
    now = steps[services[0]]["newState"]["inputs"]["serverHash"]

    with upgraded.with_hash(kept[services[0]]["serverHash"], now):
        upgraded.at.pulumi("preview", "--expect-no-changes").check_ok()
    return True
