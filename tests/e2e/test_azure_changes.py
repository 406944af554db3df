"""Changes of a stack on Azure, one after the other: what each sends, and what keeps answering meanwhile."""

from __future__ import annotations

import copy
import json
import urllib.error
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.azure.raw import Raw, until
from tests.e2e.azure_answers import ask, watching
from tests.e2e.azure_project import GROUPS, AzureProject
from tests.e2e.commands import Commands
from tests.e2e.project import SCORE, run_pulumi
from tests.e2e.test_life import detail, kinds
from tests.e2e.test_says import encrypt
from tests.simulators.certificates import self_signed

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
SUM, TOTAL, OTHER = SCORE, SCORE.replace('"sum"', '"total"'), SCORE.replace('"sum"', '"other"')
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


def test_tags_alone_are_patched_and_nothing_restarts(stack: AzureProject) -> None:
    before = stack.running()
    change(stack, tags={"team": "models"})

    stack.up().check_ok()

    assert all_writes(stack) == [f"PATCH microsoft.containerinstance/containergroups/{stack.name}"]
    assert stack.group()["tags"]["team"] == "models"
    assert stack.running() == before != []


def test_settings_of_the_provider_alone_write_nothing(stack: AzureProject) -> None:
    before = stack.running()
    change(stack, startup_timeout=200, smoke_test=SMOKE)

    assert detail(stack.preview(), "ContainerGroup") == {"startupTimeout", "smokeTest"}
    stack.up().check_ok()

    assert all_writes(stack) == []
    assert stack.running() == before


def test_an_up_without_a_change_writes_nothing(stack: AzureProject) -> None:
    stack.cloud.forget()

    stack.up("--expect-no-changes").check_ok()

    assert all_writes(stack) == []


def test_a_rotated_key_is_another_one_and_the_second_stays(stack: AzureProject) -> None:
    before = stack.outputs()
    change(stack, rotate_primary_key="november")

    assert detail(stack.preview(), "ContainerGroup") == {"rotatePrimaryKey", "primaryKey"}
    stack.up().check_ok()

    after = stack.outputs()
    assert after["secondary_key"] == before["secondary_key"]
    assert after["primary_key"] != before["primary_key"]
    for key in ("primary_key", "secondary_key"):
        assert ask(after["scoring_uri"], after[key]) == {"sum": 6.5}
    with pytest.raises(urllib.error.HTTPError, match="401"):
        ask(after["scoring_uri"], before["primary_key"])


def test_commands_tell_what_runs_in_the_cloud_and_bring_back_what_ran(
    stack: AzureProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    aciml = Commands(stack, monkeypatch)
    first = aciml.status(code=0)
    (script,) = [row for row in aciml("logs").stdout.splitlines() if "init ran" in row]
    previous, events = aciml("logs", "--previous"), aciml.json("events")
    stack.write("src/score.py", SUM.replace("init ran", "another init ran"))
    stack.up().check_ok()
    another = aciml("logs").stdout

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
    assert aciml.status(code=1)["image"]["runs"] == first["image"]["runs"]
    assert detail(stack.preview(), "ContainerGroup") == {"image"}
    # the program says so, too: nothing is left to do
    stack.write("src/score.py", SUM)
    stack.up().check_ok()
    assert aciml.status(code=0)["well"] is True


def test_a_limit_of_cores_is_what_is_requested_or_is_refused(stack: AzureProject) -> None:
    change(stack, cpu_limit=2)
    stack.pulumi("preview").check_failed(
        "azure.container.cpu_limit 2 is more than cpu_cores 1", "write cpu_cores 2 instead"
    )

    change(stack, cpu_cores=2, cpu_limit=2)
    steps = stack.preview()
    assert detail(steps, "ContainerGroup") == {"cpuCores", "cpuLimit"}
    assert kinds(steps) == {"ContainerGroup": "replace"}
    stack.up().check_ok()
    assert stack.cores() == 2
    assert stack.writes() == [f"DELETE {stack.name}", f"PUT {stack.name}"]

    change(stack, cpu_limit=None)
    stack.up("--expect-no-changes").check_ok()
    assert stack.writes() == []


def test_an_update_that_fails_its_smoke_test_goes_back(stack: AzureProject) -> None:
    before = stack.outputs()
    stack.write("src/score.py", TOTAL)

    said = stack.up()

    said.check_failed("failed its smoke test", '{"total": 3.0}', "went back to", "which serves again")
    assert f"went back to {before['image_digest']}, which serves again" in said.text
    assert stack.ask() == {"sum": 6.5}
    assert stack.group()["properties"]["containers"][0]["properties"]["image"] == before["image"]
    stack.write("src/score.py", SUM)
    stack.up().check_ok()
    assert stack.outputs()["image"] == before["image"]
    stack.pulumi("preview", "--expect-no-changes").check_ok()


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
    stack.pulumi("refresh", "--yes", "--skip-preview").check_ok()

    seen = in_state(stack)["outputs"]
    assert (seen["image"], seen["cpuCores"], seen["tags"]) == (other, 1, {"team": "somebody's"})
    steps = stack.preview()
    assert detail(steps, "ContainerGroup") >= {"image", "cpuCores", "command", 'tags["team"]'}
    stack.up().check_ok()
    assert stack.ask() == {"sum": 6.5}
    assert stack.cores() == 2
    assert stack.group()["tags"]["team"] == "models"
    stack.pulumi("refresh", "--yes", "--skip-preview", "--expect-no-changes").check_ok()


def test_a_group_that_was_stopped_by_hand_is_started(stack: AzureProject, raw: Raw) -> None:
    assert raw.call("POST", raw.path(stack.name, "stop")).status_code == 204

    stack.pulumi("refresh", "--yes", "--skip-preview").check_ok()

    assert in_state(stack)["outputs"]["state"] == "Stopped"
    assert kinds(stack.preview()) == {"ContainerGroup": "update"}
    stack.cloud.forget()
    stack.up().check_ok()
    assert stack.ask() == {"sum": 6.5}
    assert stack.outputs()["state"] == "Running"
    assert stack.writes() == [f"POST {stack.name}/start"]


def test_an_imported_group_shows_no_difference(stack: AzureProject) -> None:
    change(stack, startup_timeout=None, smoke_test=None, rotate_primary_key=None)  # the cloud knows none of these
    stack.up().check_ok()
    known, before = in_state(stack), stack.outputs()
    stack.pulumi("state", "delete", known["urn"], "--yes").check_ok()

    where = ("--parent", f"service={known['parent']}", "--generate-code=false", "--protect=false", "--yes")
    stack.pulumi("import", "aciml:compute:ContainerGroup", "diabetes-group", known["id"], *where).check_ok()

    assert stack.preview() == []
    stack.up("--expect-no-changes").check_ok()
    assert ask(before["scoring_uri"], before["primary_key"]) == {"sum": 6.5}
    change(
        stack, rotate_primary_key="after the import"
    )  # nobody can read the keys back: the next update makes new ones
    stack.up().check_ok()
    assert stack.ask() == {"sum": 6.5}


def test_extra_steps_run_in_acr(stack: AzureProject) -> None:
    section = {"extra_steps": ["RUN echo far away > /etc/by"], "builder": "acr"}
    stack.config["scoring:environment"] = {**stack.config["scoring:environment"], **section}

    said = stack.up().check_ok()

    assert "ACR run" in said.text
    assert stack.run_in(stack.outputs()["environment_image"], "cat /etc/by") == "far away\n"
    assert stack.ask() == {"sum": 6.5}


def test_a_name_that_moves_leads_to_the_old_one_then_to_the_new_one(stack: AzureProject) -> None:
    before = stack.outputs()
    change(stack, rollout="blue_green", smoke_test={"body": "[1, 2]"})
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


def test_one_that_fails_beside_never_takes_over(stack: AzureProject) -> None:
    before = stack.outputs()
    change(stack, smoke_test={"body": "[1, 2]", "expect_json": {"total": 3.0}})
    stack.write("src/score.py", OTHER)

    with watching(before["scoring_uri"], before["primary_key"]) as watched:
        stack.up().check_failed("failed its smoke test", '{"other": 3.0}', "the group that was there goes on")

    assert watched.turns == ['{"total": 6.5}']
    assert len(stack.resources(GROUPS)) == len(stack.running()) == 1
    stack.write("src/score.py", TOTAL)
    stack.up().check_ok()
    stack.pulumi("preview", "--expect-no-changes").check_ok()


def test_what_the_config_encrypts_is_a_secure_variable_and_nowhere_else(stack: AzureProject) -> None:
    mark = "open-sesame-4711"
    change(stack, environment_variables={"PLAIN": "in-clear"})
    encrypt(stack, {f"scoring:service.environment_variables.{name}": mark for name in ("TOKEN", "OTHER")})
    said = run_pulumi(["up", "--yes", "--skip-preview", "--diff"], stack.folder, stack.environ()).check_ok().text

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
    told = (
        run_pulumi(["up", "--yes", "--refresh", "--expect-no-changes"], stack.folder, stack.environ()).check_ok().text
    )
    assert mark not in told
    kept = [path for path in (stack.folder / "cache").rglob("*") if path.is_file()]
    assert [path for path in kept if mark.encode() in path.read_bytes()] == []


def test_a_certificate_is_used_and_its_key_is_nowhere(stack: AzureProject) -> None:
    before = stack.outputs()
    chain, key = self_signed(stack.folder, before["fqdn"])
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
    stack.pulumi("preview", "--expect-no-changes").check_ok()
    stack.pulumi("destroy", "--yes", "--skip-preview").check_ok()
    assert stack.gone()
