"""A stack on Azure from its first `up` to `destroy`: what each change sends, and what keeps answering meanwhile.

The tests run in this order. Deaths, refusals and outages: ``test_azure_killed.py``, ``test_azure_refused.py``; each
target is asked the same in ``tests/contract``.
"""

from __future__ import annotations

import copy
import json
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.azure.raw import Raw, until
from tests.e2e.azure_answers import ask, watching
from tests.e2e.azure_project import GROUPS, AzureProject
from tests.e2e.commands import Commands
from tests.e2e.kept_state import forget
from tests.e2e.project import SCORE, run_pulumi
from tests.e2e.test_life import detail, imported_by_its_id, kinds
from tests.e2e.test_says import encrypt, files_with
from tests.simulators.certificates import self_signed

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
SUM, TOTAL = SCORE, SCORE.replace('"sum"', '"total"')
SMOKE = {"body": "[1, 2]", "expect_json": {"sum": 3.0}}


@pytest.fixture(scope="module")
def stack(azure: AzureProject) -> AzureProject:
    azure.up().check_ok()
    return azure


@pytest.fixture
def raw(stack: AzureProject) -> Iterator[Raw]:
    """Somebody else's hands."""
    hands = Raw(stack.cloud)
    yield hands
    hands.close()


def change(stack: AzureProject, **service: Any) -> None:
    """Change arguments of the service; None takes one away. What was sent before is forgotten."""
    section = {**stack.config["scoring:service"], **service}
    stack.config["scoring:service"] = {name: value for name, value in section.items() if value is not None}
    stack.cloud.forget()


def all_writes(stack: AzureProject) -> list[str]:
    return [line for line in stack.writes("/providers/") if "operations/" not in line]


def in_state(stack: AzureProject) -> dict[str, Any]:
    """Return the group as state has it."""
    (found,) = [one for one in stack.in_state() if one["type"] == "aciml:compute:ContainerGroup"]
    return dict(found)


def test_the_first_up_answers_those_who_have_the_key(stack: AzureProject) -> None:
    outputs = stack.outputs()

    assert stack.ask() == {"sum": 6.5}
    assert outputs["image"].startswith("127.0.0.1:")
    assert "@sha256:" in outputs["image"]
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(outputs["scoring_uri"], "nobody's")


def test_the_state_has_no_secret_in_the_clear(stack: AzureProject) -> None:
    outputs = stack.outputs()

    for hidden in (outputs["primary_key"], outputs["secondary_key"], stack.provider_config()["clientSecret"]):
        assert hidden not in stack.state()


def test_each_resource_can_be_imported_by_its_id_and_then_nothing_differs(stack: AzureProject, tmp_path: Path) -> None:
    imported_by_its_id(stack, tmp_path)


def test_tags_are_patched_settings_of_the_provider_write_nothing_and_nothing_restarts(stack: AzureProject) -> None:
    before = stack.running()
    change(stack, tags={"team": "models"}, startup_timeout=200, smoke_test=SMOKE)

    done = stack.up().check_ok()

    assert detail(done.steps(), "ContainerGroup") >= {"startupTimeout", "smokeTest"}
    assert all_writes(stack) == [f"PATCH microsoft.containerinstance/containergroups/{stack.name}"]
    assert stack.group()["tags"]["team"] == "models"
    assert stack.running() == before != []


def test_commands_tell_what_runs_in_the_cloud_a_key_is_rotated_and_what_ran_is_brought_back(
    stack: AzureProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    aciml, before = Commands(stack, monkeypatch), stack.outputs()
    first = aciml.status(code=0)
    (script,) = [row for row in aciml("logs").stdout.splitlines() if "init ran" in row]
    previous, events = aciml("logs", "--previous"), aciml.json("events")
    change(stack, rotate_primary_key="november")
    stack.write("src/score.py", SUM.replace("init ran", "another init ran"))

    rotated = stack.up().check_ok()

    assert detail(rotated.steps(), "ContainerGroup") == {"rotatePrimaryKey", "primaryKey", "image"}
    after, another = stack.outputs(), aciml("logs").stdout
    assert after["secondary_key"] == before["secondary_key"]
    assert after["primary_key"] != before["primary_key"]
    for key in ("primary_key", "secondary_key"):
        assert ask(after["scoring_uri"], after[key]) == {"sum": 6.5}
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(after["scoring_uri"], before["primary_key"])

    done = aciml("rollback", "--yes")

    assert (first["target"], first["well"], first["answer"]["status"]) == ("azure", True, 200)
    assert first["image"]["packages"]["numpy"] == "1.26.4"
    assert script
    assert (previous.returncode, "has not been restarted" in previous.stderr) == (1, True)
    assert {"Pulled", "Started"} <= {one["name"] for one in events["events"]}
    assert "another init ran" in another
    assert done.returncode == 0, done.stderr
    assert (
        f"pulumi config set --path 'scoring:service.image' {first['image']['runs'].rpartition('@')[2]}" in done.stdout
    )
    assert "another init ran" not in aciml("logs").stdout
    assert aciml.json("invoke")["body"] == {"sum": 3.0}
    shown = aciml.status(code=1)
    assert shown["image"]["runs"] == first["image"]["runs"]
    assert [one["name"] for one in shown["differences"]] == ["image"]


def test_other_cores_are_a_replacement_and_extra_steps_run_in_acr(
    stack: AzureProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The program says the script, too, that was brought back by hand."""
    stack.write("src/score.py", SUM)
    change(stack, cpu_cores=2, cpu_limit=2)
    section = {"extra_steps": ["RUN echo far away > /etc/by"], "builder": "acr"}
    stack.config["scoring:environment"] = {**stack.config["scoring:environment"], **section}

    done = stack.up().check_ok()

    assert detail(done.steps(), "ContainerGroup") >= {"cpuCores", "cpuLimit"}
    assert kinds(done.steps())["ContainerGroup"] == "replace"
    assert stack.cores() == 2
    assert stack.writes() == [f"DELETE {stack.name}", f"PUT {stack.name}"]
    assert "ACR run" in done.text
    assert stack.run_in(stack.outputs()["environment_image"], "cat /etc/by") == "far away\n"
    assert stack.ask() == {"sum": 6.5}
    assert Commands(stack, monkeypatch).status(code=0)["well"] is True


def remade(stack: AzureProject, raw: Raw, edit: Callable[[dict[str, Any]], None]) -> None:
    """Let somebody delete the group and make another one of the same name."""
    body = copy.deepcopy(stack.cloud.world.secrets[stack.group()["id"].lower()])
    edit(body)
    raw.call("DELETE", raw.path(stack.name))
    until(lambda: raw.call("GET", raw.path(stack.name)).status_code == 404)
    raw.put(body, stack.name)


def test_what_somebody_changed_is_seen_by_refresh_and_mended(stack: AzureProject, raw: Raw) -> None:
    other = stack.outputs()["environment_image"]

    def edit(body: dict[str, Any]) -> None:
        (container,) = body["properties"]["containers"]
        container["properties"]["image"] = other
        container["properties"]["command"] = ["sleep", "1000"]
        container["properties"]["resources"] = {"requests": {"cpu": 1, "memoryInGB": 1}}
        body["tags"] = {**body["tags"], "team": "somebody's"}

    remade(stack, raw, edit)
    stack.write("src/score.py", SUM)
    # the cloud knows none of these: for the import below
    change(stack, startup_timeout=None, smoke_test=None, rotate_primary_key=None)
    done = stack.up("--refresh").check_ok()

    (seen,) = [one["newState"]["outputs"] for one in done.refreshed() if one["urn"].endswith("::diabetes-group")]
    assert (seen["image"], seen["cpuCores"], seen["tags"]) == (other, 1, {"team": "somebody's"})
    assert detail(done.steps(), "ContainerGroup") >= {"image", "cpuCores", "command", 'tags["team"]'}
    assert stack.ask() == {"sum": 6.5}
    assert stack.cores() == 2
    assert stack.group()["tags"]["team"] == "models"
    assert stack.group()["properties"]["containers"][0]["properties"]["image"] == stack.outputs()["image"]


def test_a_group_that_was_stopped_by_hand_is_started(stack: AzureProject, raw: Raw) -> None:
    assert raw.call("POST", raw.path(stack.name, "stop")).status_code == 204
    stack.cloud.forget()

    done = stack.up("--refresh").check_ok()

    (seen,) = [one["newState"]["outputs"] for one in done.refreshed() if one["urn"].endswith("::diabetes-group")]
    assert seen["state"] == "Stopped"
    assert kinds(done.steps())["ContainerGroup"] == "update"
    assert stack.ask() == {"sum": 6.5}
    assert stack.outputs()["state"] == "Running"
    assert stack.writes() == [f"POST {stack.name}/start"]


def test_an_imported_group_shows_no_difference(stack: AzureProject) -> None:
    known, before = in_state(stack), stack.outputs()
    forget(stack.kept, known["urn"])

    where = ("--parent", f"service={known['parent']}", "--generate-code=false", "--protect=false", "--yes")
    stack.pulumi("import", "aciml:compute:ContainerGroup", "diabetes-group", known["id"], *where).check_ok()

    assert stack.preview() == []
    assert ask(before["scoring_uri"], before["primary_key"]) == {"sum": 6.5}


def test_what_the_config_encrypts_is_a_secure_variable_and_nowhere_else(stack: AzureProject) -> None:
    mark = "open-sesame-4711"
    # nobody can read the keys of an imported group back: the next update makes new ones
    change(stack, environment_variables={"PLAIN": "in-clear"}, rotate_primary_key="after the import")
    encrypt(stack, {f"scoring:service.environment_variables.{name}": mark for name in ("TOKEN", "OTHER")})
    said = run_pulumi(["up", "--yes", "--skip-preview", "--diff"], stack.folder, stack.environ()).check_ok().text

    assert stack.ask() == {"sum": 6.5}
    variables = {
        one["name"]: one for one in stack.group()["properties"]["containers"][0]["properties"]["environmentVariables"]
    }
    assert variables["PLAIN"]["value"] == "in-clear"
    assert "TOKEN" in variables
    assert not variables["TOKEN"].get("value")
    assert mark not in json.dumps(stack.group())
    assert mark not in said
    assert mark not in stack.state()
    assert "in-clear" in stack.state()
    # an up without a change writes nothing
    stack.cloud.forget()
    words = ["up", "--yes", "--skip-preview", "--refresh", "--expect-no-changes"]
    told = run_pulumi(words, stack.folder, stack.environ()).check_ok().text
    assert all_writes(stack) == []
    assert mark not in told
    assert files_with(stack.folder / "cache", mark) == []


def test_a_name_that_moves_leads_to_the_old_one_then_to_the_new_one(stack: AzureProject) -> None:
    before = stack.outputs()
    change(stack, rollout="blue_green", environment_variables=None, smoke_test={"body": "[1, 2]"})
    stack.write("src/score.py", TOTAL)

    with watching(before["scoring_uri"], before["primary_key"]) as watched:
        said = stack.up().check_ok()
        until(lambda: watched.seen[-1][1])

    print(f"nobody answered for {watched.gap():.2f} s")  # shown by pytest -s
    old, new = ['{"sum": 6.5}', '{"total": 6.5}']
    assert watched.turns[0] == old
    assert watched.turns[-1] == new
    assert [turn for turn in watched.turns if turn] == [old, new]
    assert "nobody answered to it for" in said.text
    assert stack.outputs()["scoring_uri"] == before["scoring_uri"]
    assert len(stack.resources(GROUPS)) == len(stack.running()) == 1


def test_one_that_cannot_start_beside_never_takes_over_and_a_hint_says_why(stack: AzureProject) -> None:
    before = stack.outputs()
    stack.write("src/score.py", "import lightgbm\n" + SCORE)

    with watching(before["scoring_uri"], before["primary_key"]) as watched:
        words = (
            "exited with code 3",
            "ModuleNotFoundError",
            "lightgbm",
            "conda.yml",
            "the group that was there goes on",
        )
        stack.up().check_failed(*words)

    assert watched.turns == ['{"total": 6.5}']
    assert len(stack.resources(GROUPS)) == len(stack.running()) == 1


def test_a_certificate_is_used_and_its_key_is_nowhere(stack: AzureProject) -> None:
    before = stack.outputs()
    chain, key = self_signed(stack.folder, before["fqdn"])
    stack.write("src/score.py", TOTAL)
    change(stack, rollout=None, ssl_cert_pem_file="cert.pem", ssl_key_pem_file="key.pem")

    said = stack.up("--debug").check_ok()

    after = stack.outputs()
    assert after["scoring_uri"] == before["scoring_uri"].replace("http://", "https://")
    assert ask(after["scoring_uri"], after["primary_key"], trusted=str(chain)) == {"total": 6.5}
    seen = json.dumps(stack.resources(GROUPS))
    for line in key.read_text().splitlines()[1:-1]:
        assert line not in said.text
        assert line not in stack.state()
        assert line not in seen
    stack.pulumi("destroy", "--yes", "--skip-preview").check_ok()
    assert stack.gone()
    assert stack.images_kept()
