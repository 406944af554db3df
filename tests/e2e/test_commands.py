"""The commands about what runs, on a stack of a YAML program; by their real process. The tests run in this order."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.commands import Commands
from tests.e2e.kept_state import encrypt_by, into_the_vault, kept_encryption
from tests.e2e.project import PASSPHRASE
from tests.e2e.yaml_project import YamlProject

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
HIDDEN = "hush-hush-hush"


class WithPassphrase(YamlProject):
    """Its secrets are encrypted as those of most people without Pulumi Cloud.

    The key that the passphrase gives is kept in the vault, too, and taken from there where no passphrase is tried.
    """

    def make_stack(self) -> None:
        """Make the stack by the CLI."""
        self.config_file.write_text(f"config: {json.dumps(self.config)}\n")
        self.pulumi("stack", "init", self.stack).check_ok()
        self._by_passphrase = kept_encryption(self.config_file)
        (line,) = self._by_passphrase
        self._providers = {"type": "passphrase", "state": {"salt": line.partition(": ")[2]}}
        state = json.loads(self.kept.read_text())
        encrypt_by(self.config_file, into_the_vault(state["checkpoint"]["latest"], PASSPHRASE))
        self.kept.write_text(json.dumps(state))

    @contextmanager
    def asking_for_the_passphrase(self) -> Iterator[None]:
        """Let the passphrase alone give the key."""
        config, state = self.config_file.read_text(), self.kept.read_text()
        deployed = json.loads(state)
        deployed["checkpoint"]["latest"]["secrets_providers"] = self._providers
        encrypt_by(self.config_file, self._by_passphrase)
        self.kept.write_text(json.dumps(deployed))
        yield
        self.config_file.write_text(config)
        self.kept.write_text(state)


@pytest.fixture(scope="module")
def project(
    tools: None, yaml_host: Path, packed: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[WithPassphrase]:
    folder = tmp_path_factory.mktemp("commands")
    (folder / "cache").symlink_to(packed)
    project = WithPassphrase(folder, f"cmd{uuid.uuid4().hex[:8]}", yaml_host)
    del project.program["second"]
    service = project.program["diabetes"]
    # so that an older answer is no failure of the newer smoke test
    service["properties"]["smokeTest"] = {"body": "[1, 2]"}
    git = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org"]
    for words in (["init", "-q"], ["add", "src"], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *words], cwd=folder, check=True, capture_output=True)
    try:
        project.pulumi("config", "set", "--secret", "hidden", HIDDEN).check_ok()
        project.up().check_ok()
        yield project
    finally:
        project.clean()


@pytest.fixture
def aciml(project: YamlProject, monkeypatch: pytest.MonkeyPatch) -> Commands:
    return Commands(project, monkeypatch)


def key(project: YamlProject) -> str:
    return str(project.outputs()["primary_key"])


def answered(aciml: Commands) -> Any:
    return aciml.json("invoke", "diabetes", "--data", "[1, 2, 3.5]")["body"]


def test_status_tells_what_runs(aciml: Commands, project: YamlProject) -> None:
    found = aciml.json("status")
    head = subprocess.run(["git", "rev-parse", "HEAD"], cwd=project.folder, capture_output=True, text=True, check=True)

    assert [(one["service"], one["target"]) for one in found["services"]] == [("diabetes", "local")]
    one = found["services"][0]
    assert (one["well"], one["state"], one["answer"]["status"], one["differences"]) == (True, "Running", 200, [])
    assert one["image"]["runs"] == one["image"]["declared"] == project.outputs()["image"]
    assert one["image"]["packages"]["numpy"] == "1.26.4"
    assert one["image"]["packages"]["tabulate"] == "0.9.0"
    assert one["image"]["commit"] == head.stdout.strip()
    assert one["image"]["base"].startswith("docker.io/library/debian:bookworm-slim@sha256:")
    assert one["update"]["kind"] == "update"
    assert one["container"]["restarts"] == 0
    assert (one["door"]["name"], one["door"]["state"]) == (f"{one['container']['name']}.front", "Running")
    assert one["probes"] == ["liveness: GET /live on port 5000 every 10 s, not on this target"]


def test_status_is_readable_and_shows_no_secret(aciml: Commands, project: YamlProject) -> None:
    said = aciml.process("status", "diabetes", "--packages").stdout

    assert said.startswith("diabetes serves\n")
    assert "numpy 1.26.4" in said
    assert HIDDEN not in said
    assert key(project) not in said


def test_a_sample_is_sent_with_the_key_which_is_not_shown(aciml: Commands, project: YamlProject) -> None:
    sample = aciml("invoke", "diabetes")

    assert (sample.returncode, json.loads(sample.stdout)) == (0, {"sum": 3.0})
    assert "200" in sample.stderr
    assert key(project) not in sample.stdout + sample.stderr
    assert answered(aciml) == {"sum": 6.5}
    assert json.loads(aciml("invoke", "diabetes", "--data", "-", given="[4]").stdout) == {"sum": 4.0}


def test_a_request_that_fails_ends_with_1_and_prints_what_came(aciml: Commands, project: YamlProject) -> None:
    wrong = aciml("invoke", "diabetes", "--data", "[1,")
    refused = aciml.json("invoke", "diabetes", "--header", "Authorization: Bearer no", "--data", "[]", code=1)

    assert wrong.returncode == 1
    assert "message" in json.loads(wrong.stdout)
    assert refused["status"] == 401
    assert "no such file" in aciml("invoke", "diabetes", "--data", "@none.json").stderr.lower()
    assert aciml("invoke", "diabetes", "--header", "nothing").returncode == 2


def test_a_key_needs_the_passphrase_and_nothing_else_does(aciml: Commands, project: WithPassphrase) -> None:
    wrong = {"PULUMI_CONFIG_PASSPHRASE": "wrong"}

    with project.asking_for_the_passphrase():
        assert "the passphrase is not that of the selected stack" in aciml("invoke", "diabetes", **wrong).stderr
        for words in (["status", "diabetes"], ["logs", "diabetes"], ["rollback", "diabetes", "--list"]):
            assert aciml(*words, **wrong).returncode == 0


def test_the_log_of_this_run_and_of_the_one_before(aciml: Commands, project: YamlProject) -> None:
    never = aciml("logs", "diabetes", "--previous")
    before = aciml("logs", "diabetes").stdout.splitlines()
    container = project.container()
    assert container is not None
    # not `docker kill`: what somebody stops by hand stays stopped
    os.kill(container["State"]["Pid"], 9)
    while not (status := json.loads(aciml("status", "diabetes", "--json").stdout)["services"][0])["serves"]:
        pass  # each look takes a moment; the test's own time-out bounds them

    previous = aciml("logs", "diabetes", "--previous").stdout.splitlines()
    last = aciml.json("logs", "diabetes", "--tail", "1")

    assert "has no run before that of now" in never.stderr
    assert never.returncode == 1
    assert status["container"]["restarts"] == 1
    assert previous[: len(before)] == before
    assert "init ran" in "\n".join(before)
    assert last["time"] > status["container"]["started"]
    assert len(aciml("logs", "diabetes", "--tail", "2").stdout.splitlines()) == 2
    assert aciml("logs", "diabetes", "--since", "0s").stdout == ""
    assert aciml("logs", "diabetes", "--since", "yesterday").returncode == 2
    assert aciml.json("events", "diabetes")["containers"][0]["restarts"] == 1


def test_yesterdays_image_runs_again_and_the_next_preview_shows_it(aciml: Commands, project: YamlProject) -> None:
    first = aciml.status("diabetes")["image"]["runs"]
    project.write("src/score.py", (project.folder / "src/score.py").read_text().replace('"sum"', '"total"'))
    project.up().check_ok()
    assert answered(aciml) == {"total": 6.5}

    listed = aciml.json("rollback", "diabetes", "--list")["images"]
    asked = aciml("rollback", "diabetes")
    done = aciml("rollback", "diabetes", "--yes")

    assert [(one["runs"], one["reference"] == first) for one in listed] == [(True, False), (False, True)]
    assert "say --yes, or name it by --to" in asked.stderr
    assert done.returncode == 0, done.stderr
    assert f'ScoringServiceArgs(image="{listed[1]["digest"]}"' in done.stdout
    assert answered(aciml) == {"sum": 6.5}
    # in step: what runs, what state says, what the program would change
    assert project.resources()["diabetes-group"]["inputs"]["image"] == first
    steps = {step["urn"].rpartition("::")[2]: [*step["detailedDiff"]] for step in project.preview()}
    assert steps == {"diabetes-group": ["image"]}
    status = aciml.status("diabetes", code=1)
    assert (status["serves"], [one["name"] for one in status["differences"]]) == (True, ["image"])


def test_the_program_keeps_the_image_by_its_digest(aciml: Commands, project: YamlProject) -> None:
    digest = str(aciml.status("diabetes", code=1)["image"]["runs"]).rpartition("@")[2]
    properties = project.program["diabetes"]["properties"]
    before = project.container()
    properties["image"] = digest

    said = project.up().check_ok()

    assert "is run as it is; nothing is built" in said.text
    # the group had it already
    assert before is not None
    assert (project.container() or {}).get("Id") == before["Id"]
    assert aciml.status("diabetes")["well"] is True
    assert "runs" in aciml("rollback", "diabetes", "--to", digest).stdout
    properties["image"] = f"sha256:{'0' * 64}"
    project.pulumi("preview").check_failed("image", "has no image sha256:0000")
    del properties["image"]
    project.up().check_ok()
    assert answered(aciml) == {"total": 6.5}
    assert {one["digest"] for one in aciml.json("rollback", "diabetes", "--list")["images"]} >= {digest}


def test_an_image_that_cannot_be_had_changes_nothing(aciml: Commands, project: YamlProject) -> None:
    for word, why in (
        ("sha256:0123456789", "has no image that begins with"),
        ("latest", "is no digest"),
        (f"{project.resources()['sklearn-image']['outputs']['image']}", "is not the image of a service"),
    ):
        done = aciml("rollback", "diabetes", "--to", word)
        assert (done.returncode, why in done.stderr) == (1, True), done.stderr
    assert answered(aciml) == {"total": 6.5}


def test_a_key_is_made_anew_and_the_next_up_keeps_it(aciml: Commands, project: YamlProject) -> None:
    old = aciml.json("keys", "show", "diabetes")
    piped = aciml("keys", "show", "diabetes")
    unasked = aciml("keys", "rotate", "diabetes", "--primary")
    dry = aciml("keys", "rotate", "diabetes", "--primary", "--dry-run").stdout

    done = aciml.process("keys", "rotate", "diabetes", "--primary", "--yes")

    new = aciml.json("keys", "show", "diabetes")
    assert piped.returncode == 1
    assert old["primary_key"] not in piped.stdout + piped.stderr
    assert "say --yes" in unasked.stderr
    assert "rotate_primary_key=" in dry
    assert done.returncode == 0, done.stderr
    assert new["primary_key"] not in done.stdout + done.stderr
    assert new["primary_key"] != old["primary_key"]
    assert new["secondary_key"] == old["secondary_key"]
    assert answered(aciml) == {"total": 6.5}
    refused = aciml("invoke", "diabetes", "--header", f"Authorization: Bearer {old['primary_key']}", "--data", "[]")
    assert refused.returncode == 1
    # nothing to do for the program, nor for a refresh
    project.up("--refresh", "--expect-no-changes").check_ok()
    assert aciml.json("keys", "show", "diabetes") == new


def test_a_key_is_not_made_where_more_would_change_or_the_program_gives_it(
    aciml: Commands, project: YamlProject
) -> None:
    properties = project.program["diabetes"]["properties"]
    before = aciml.json("keys", "show", "diabetes")
    properties["cpuCores"] = 0.5
    project.save()
    more = aciml.process("keys", "rotate", "diabetes", "--secondary", "--yes")
    properties["cpuCores"] = 1
    properties["secondaryKey"] = before["secondary_key"]
    project.save()
    given = aciml.process("keys", "rotate", "diabetes", "--secondary", "--yes")
    del properties["secondaryKey"]

    assert "the program would change more of diabetes than its key: cpuCores" in more.stderr
    assert "the program itself gives secondary_key" in given.stderr
    assert aciml.json("keys", "show", "diabetes") == before
    # else the next `up` would make one
    assert "rotateSecondaryKey" not in project.resources()["diabetes-group"]["inputs"]


def test_a_dead_service_is_not_running(aciml: Commands, project: YamlProject) -> None:
    subprocess.run(["docker", "kill", f"aciml-{project.name}"], check=True, capture_output=True)
    dead = aciml.status("diabetes", code=1)
    subprocess.run(["docker", "rm", "-f", "-v", f"aciml-{project.name}"], check=True, capture_output=True)
    gone = aciml.status("diabetes", code=1)

    assert (dead["serves"], dead["state"], dead["container"]["exit_code"]) == (False, "Stopped", 137)
    assert dead["log"]
    assert dead["why"]
    assert (gone["state"], "is gone" in gone["status"]) == ("Gone", True)
    assert "is gone" in aciml("logs", "diabetes").stderr
    assert "is gone" in aciml("rollback", "diabetes", "--list").stderr


def test_refusals_of_the_cli_are_told_in_one_sentence(aciml: Commands, tmp_path: Path) -> None:
    assert "there is no stack nope; give --stack; stacks are local" in aciml("status", "--stack", "nope").stderr
    (tmp_path / "Pulumi.yaml").write_text("name: empty\nruntime: yaml\n")
    place = {"PULUMI_BACKEND_URL": f"file://{tmp_path}"}
    there = ["--project", str(tmp_path)]
    unselected = aciml("status", *there, **place)
    environ = {**aciml.project.environ(), **place}
    subprocess.run(["pulumi", "stack", "init", "dev"], cwd=tmp_path, env=environ, check=True, capture_output=True)
    empty = aciml("status", "--json", *there, **place)
    pulumi = str(shutil.which("pulumi"))
    lost = aciml("status", PATH=os.pathsep.join(one for one in environ["PATH"].split(os.pathsep) if one not in pulumi))
    outside = aciml("status", "--project", "/")

    assert "no stack is selected" in unselected.stderr
    assert json.loads(empty.stdout)["error"] == {
        "message": "nothing is deployed in the selected stack", "advice": "run `pulumi up` first",
    }  # fmt: skip
    assert "the Pulumi CLI is not on PATH" in lost.stderr
    assert "there is no Pulumi.yaml" in outside.stderr
    assert {one.returncode for one in (unselected, empty, lost, outside)} == {1}
