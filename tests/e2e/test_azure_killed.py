"""A CLI that is killed at any request, two at once, a cloud that does not answer: nothing is lost or doubled."""

from __future__ import annotations

import itertools
import json
import shutil
from pathlib import Path

import pytest

from tests.azure.raw import until
from tests.e2e.azure_project import GROUPS, REGISTRIES, AzureProject
from tests.e2e.cli_session import CliSession, Nth
from tests.e2e.kept_state import unlock
from tests.e2e.project import SCORE, CheckedResult

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
UP = ("up", "--yes", "--skip-preview")
DESTROY = ("destroy", "--yes", "--skip-preview")
_COUNT = itertools.count(1)


def new_script(project: AzureProject) -> dict[str, float]:
    """Write a script that was never there; return what it answers."""
    word = f"sum{next(_COUNT)}"
    project.write("src/score.py", SCORE.replace('"sum"', f'"{word}"'))
    return {word: 6.5}


def kill_at(project: AzureProject, match: str, count: int, *args: str, alone: bool = False) -> CliSession:
    """Run the CLI until the cloud gets the ``count``-th change of this kind, then end it and all it has started."""
    session = CliSession(project, *args, cold=alone)
    nth = Nth(match, count, session.kill_the_cli_alone if alone else session.kill)
    project.cloud.on_request = nth
    try:
        code = session.wait()
    finally:
        project.cloud.on_request = None
    assert nth.happened, session.text
    assert code == -9, session.text
    return session


def converge(project: AzureProject, answer: dict[str, float], *args: str) -> None:
    """Run `up` again and look at all there is."""
    unlock(project.folder / "state")
    project.up(*args).check_ok()
    assert project.ask() == answer
    assert len(project.resources(GROUPS)) == 1
    assert len(project.running()) == 1
    assert len(project.resources(REGISTRIES)) == 1
    (container,) = project.group()["properties"]["containers"]
    assert container["properties"]["image"] == project.outputs()["image"]


def test_a_first_up_that_dies_at_its_first_change_and_then_at_its_last_is_finished_by_the_next(
    azure: AzureProject,
) -> None:
    answer = new_script(azure)

    kill_at(azure, REGISTRIES, 1, *UP)
    # what a user says; the tests below take the lock away themselves
    azure.pulumi("cancel", "--yes").check_ok()
    kill_at(azure, GROUPS, 1, *UP)

    converge(azure, answer)


def test_a_plugin_that_lost_its_engine_ends_and_the_next_up_goes_on(azure: AzureProject) -> None:
    """Of all deaths within an update in place this is the one after which somebody is left."""
    answer = new_script(azure)

    session = kill_at(azure, GROUPS, 1, *UP, alone=True)

    try:
        until(session.has_no_plugin, "the end of the plugin")
    finally:
        session.kill()
    converge(azure, answer)


def test_a_replacement_that_dies_is_finished_by_the_next(azure: AzureProject) -> None:
    answer = new_script(azure)
    azure.config["scoring:service"]["cpu_cores"] = 2

    kill_at(azure, GROUPS, 2, *UP)  # the first is the deletion; the new group is on its way

    converge(azure, answer)
    assert azure.cores() == 2


def test_a_name_that_moves_when_the_cli_dies_is_moved_by_the_next(azure: AzureProject) -> None:
    """Nobody has the name at this time; death at every other step: targets/azure/groups/test_life_rollout.py."""
    azure.config["scoring:service"]["rollout"] = "blue_green"
    before, answer = azure.outputs()["scoring_uri"], new_script(azure)

    kill_at(azure, GROUPS, 3, *UP)  # a group beside, the end of the old one, the new one with the name

    converge(azure, answer)
    assert azure.outputs()["scoring_uri"] == before


def test_of_two_ups_the_second_is_told_of_the_first_and_with_a_state_of_its_own_leaves_one_of_both(
    azure: AzureProject, tmp_path: Path
) -> None:
    azure.config["scoring:service"].pop("rollout", None)
    # both states know the keys: of two first ups each makes its own, and the group has those of the last one
    shutil.copytree(azure.folder / "state", tmp_path / "state")
    new_script(azure)
    azure.save()
    refused: list[CheckedResult] = []
    sessions: list[CliSession] = []
    answers: list[dict[str, float]] = []

    def start_others() -> None:
        refused.append(azure.up())
        answers.append(new_script(azure))
        sessions.append(
            CliSession(azure, *UP, "--stack", azure.stack, PULUMI_BACKEND_URL=f"file://{tmp_path / 'state'}")
        )

    azure.cloud.on_request = Nth(GROUPS, 1, start_others)
    first = azure.up()
    azure.cloud.on_request = None

    assert first.code == 0, first.text
    refused[0].check_failed("the stack is currently locked by 1 lock(s)")
    assert sessions[0].wait() == 0, sessions[0].text
    state = json.loads((tmp_path / "state/.pulumi/stacks/scoring/azure.json").read_text())
    outputs = [one["outputs"] for one in state["checkpoint"]["latest"]["resources"] if "Group" in one["type"]]
    images = [*(one["image"] for one in outputs if "image" in one), azure.outputs()["image"]]
    (container,) = azure.group()["properties"]["containers"]
    assert container["properties"]["image"] in images
    assert len(azure.resources(GROUPS)) == len(azure.running()) == 1
    converge(azure, answers[0], "--refresh")


def test_a_refresh_that_is_not_answered_keeps_everything(azure: AzureProject) -> None:
    """A login that fails, and an outage; other answers: targets/azure/groups/test_life_create.py."""
    before = azure.in_state()
    for name in ("unauthorized", "503"):
        azure.cloud.fault(name, times=1000, match="GET /subscriptions", retry_after=600)

        said = azure.pulumi("refresh", "--yes", "--skip-preview").check_ok()

        azure.cloud.world.faults.clear()
        assert "warning" in said.text, name
        after = azure.in_state()
        assert [(one["urn"], one.get("id")) for one in after] == [(one["urn"], one.get("id")) for one in before], name
    # nor is anything left of all the deaths above
    assert azure.preview() == []


def test_a_destroy_that_dies_is_finished_by_the_next(azure: AzureProject) -> None:
    kill_at(azure, GROUPS, 1, *DESTROY)

    unlock(azure.folder / "state")
    azure.pulumi(*DESTROY).check_ok()

    assert azure.gone()
    assert azure.running() == []
    assert not [one for one in azure.in_state() if "Group" in one["type"]]
