"""A service that moves from a container group to a container app, gets a new revision, and goes: the CLI, one stack."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.azure_answers import ask
from tests.e2e.azure_project import GROUPS, AzureProject
from tests.e2e.commands import Commands
from tests.e2e.project import SCORE

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
APPS, HOMES = "/providers/microsoft.app/containerapps/", "/providers/microsoft.app/managedenvironments/"
APP = {"runs_on": "container_app", "memory_gb": 2, "scale": {"max_replicas": 2}}


@pytest.fixture(scope="module")
def stack(azure: AzureProject) -> AzureProject:
    azure.up().check_ok()
    return azure


def change(stack: AzureProject, **service: Any) -> None:
    section = {**stack.config["scoring:service"], **service}
    stack.config["scoring:service"] = {name: value for name, value in section.items() if value is not None}
    stack.cloud.forget()


def answer(stack: AzureProject, key: str = "primary_key") -> Any:
    outputs = stack.outputs()
    return ask(outputs["scoring_uri"], outputs[key], trusted=str(stack.bundle))


def test_what_is_wrong_with_a_container_app_is_told_at_once_and_nothing_is_sent(stack: AzureProject) -> None:
    """What is wrong on every target is told before: ``tests/model/test_runs_on.py``, ``tests/contract``."""
    change(stack, **{**APP, "memory_gb": 3, "port": 8080})
    stack.pulumi("preview").check_failed("1 cores go with 2 GiB", "a container app is called at 443")
    assert stack.writes(APPS) == stack.writes(HOMES) == []
    change(stack, **{**dict.fromkeys([*APP, "port"]), "memory_gb": 1})


def test_a_move_is_a_replacement_that_says_so_and_keeps_the_keys(stack: AzureProject) -> None:
    before = stack.outputs()
    change(stack, **APP)

    # with its preview, which says what a change costs
    said = stack.pulumi("up", "--yes", "--diff").check_ok().text
    assert "moves from a container group to a container app: a new address" in " ".join(said.split())
    assert "runsOn" in said

    after = stack.outputs()
    assert (after["primary_key"], after["secondary_key"]) == (before["primary_key"], before["secondary_key"])
    assert after["scoring_uri"].startswith("https://")
    assert answer(stack) == answer(stack, "secondary_key") == {"sum": 6.5}
    assert stack.resources(GROUPS) == []
    assert len(stack.resources(APPS)) == 1
    assert not any(key in stack.state() for key in (after["primary_key"], after["secondary_key"]))


def test_a_new_script_walks_to_its_requests(stack: AzureProject, monkeypatch: pytest.MonkeyPatch) -> None:
    aciml = Commands(stack, monkeypatch)
    change(stack, traffic={"canary": [{"percent": 50, "pause": 0}], "previous": 1})
    stack.write("src/score.py", SCORE.replace('"sum"', '"total"'))

    assert "50 %" in stack.up("--diff").check_ok().text

    assert answer(stack) == {"total": 6.5}
    first = aciml.status(code=0)
    assert first["well"] is True
    assert "init ran" in aciml("logs").stdout
    stack.up("--refresh", "--expect-no-changes").check_ok()


def test_requests_go_back_by_hand_and_forth_by_the_program(
    stack: AzureProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    aciml = Commands(stack, monkeypatch)
    (old,) = [one["name"] for one in aciml.json("revisions", "list", "diabetes")["revisions"] if not one["weight"]]

    done = aciml("promote", "diabetes", "--to", old, "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert answer(stack) == {"sum": 6.5}
    # what is declared is another image: the next refresh says so, and the next update walks there again
    stack.up("--refresh").check_ok()
    assert answer(stack) == {"total": 6.5}


def test_each_word_by_hand_does_what_it_says_and_the_state_is_told(
    stack: AzureProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    aciml = Commands(stack, monkeypatch)
    listed = aciml.json("revisions")["revisions"]
    new = next(one["name"] for one in listed if one["weight"] == 100)
    old = next(one["name"] for one in listed if not one["weight"])
    replicas = next(one["running"] for one in listed if one["name"] == new)
    assert [(one["state"], one["restarts"]) for one in replicas] == [("Running", 0)]

    shared = aciml.process("traffic", "--set", f"{old}=50", "--set", f"{new}=50", "--yes")
    assert shared.returncode == 0, shared.stderr
    assert "these stay until `pulumi up` changes the service" in shared.stdout
    assert [one["weight"] for one in aciml.json("traffic")["revisions"]] == [50, 50]
    done = aciml("rollback", "--to", old, "--yes")
    assert (done.returncode, answer(stack)) == (0, {"sum": 6.5}), done.stderr
    assert 'ScoringServiceArgs(image="' in done.stdout

    again = aciml("revisions", "restart", old, "--yes")
    assert again.returncode == 0, again.stderr
    assert "the state has nothing of a restart" in again.stdout
    retired = aciml("revisions", "retire", new, "--yes")
    assert f"{new} is Stopped" in retired.stdout, retired.stderr
    refused = aciml("revisions", "retire", old, "--yes")
    assert (refused.returncode, "gets 100 % of the requests" in refused.stderr) == (1, True)
    # another number of replicas is another revision here, which has the requests of the one that was named
    scaled = aciml("revisions", "scale", old, "--replicas", "1-3", "--yes")
    assert "ScaleArgs(min_replicas=1, max_replicas=3)" in scaled.stdout, scaled.stderr
    (serving,) = [one["name"] for one in aciml.json("revisions")["revisions"] if one["weight"]]
    assert serving not in {old, new}
    assert f"{serving} is Running" in scaled.stdout
    assert answer(stack) == {"sum": 6.5}

    # it is started first, and then proven
    done = aciml("promote", "--to", new, "--yes")
    assert (done.returncode, answer(stack)) == (0, {"total": 6.5}), done.stderr
    assert "this is what the program says, too" in done.stdout
    stack.up("--refresh", "--expect-no-changes").check_ok()


def test_copies_of_requests_are_compared_before_a_client_meets_the_new_revision(stack: AzureProject) -> None:
    traffic = {
        "shadow": 100,
        # copies go on until three answers were compared, and end before if they differ too much
        "canary": [{"percent": 50, "pause": 4}],
        "gate": {"max_differing": 0.2, "min_requests": 3, "max_p99_ratio": 1000},
    }
    change(stack, traffic=traffic, environment_variables={"SSL_CERT_FILE": "/var/azureml-app/src/authority.pem"})
    stack.write("src/authority.pem", stack.cloud.ca_bundle.read_text())
    stack.write("src/score.py", SCORE)
    # who serves now trusts the emulator's authority: in Azure it is a public one
    stack.up().check_ok()
    stack.write("src/score.py", SCORE.replace("float(numpy.sum(json.loads(raw_data)))", "9.0"))
    with calling(stack) as came:
        said = stack.up().check_failed("traffic.gate.max_differing allows 20.0%", "live answers differ (100.0%)")

    assert any("/score" in line and "$.sum" in line and "9.0" in line for line in said.text.splitlines())
    # nobody was answered by the new one, and nobody waited in vain for the copies
    assert set(came) == {6.5}, came
    assert answer(stack) == {"sum": 6.5}

    # the servers tell times, which Azure Monitor does not
    stack.write("src/score.py", SCORE.replace("def run", "NAME = 'again'\n\ndef run"))
    with calling(stack):
        said = stack.up().check_ok()
    assert "live answers differ (0.0%)" in said.text
    assert re.search(r"at 50 %: \d+ requests, 0 errors, p99 \d+ ms", said.text)
    change(stack, traffic=None, environment_variables=None)


@contextmanager
def calling(stack: AzureProject) -> Iterator[Counter[Any]]:
    """Let somebody call all the time, and count what came."""
    outputs, came, over = stack.outputs(), Counter[Any](), threading.Event()

    def call() -> None:
        while not over.wait(0.2):  # each is work for the client, the cloud and two servers
            try:
                came[ask(outputs["scoring_uri"], outputs["primary_key"], trusted=str(stack.bundle))["sum"]] += 1
            except OSError as error:
                came[repr(error)] += 1

    thread = threading.Thread(target=call)
    thread.start()
    try:
        yield came
    finally:
        over.set()
        thread.join()


def test_destroy_leaves_neither_app_nor_environment(stack: AzureProject) -> None:
    stack.pulumi("destroy", "--yes", "--skip-preview").check_ok()

    assert stack.resources(APPS) == []
    with stack.cloud.world.lock:
        assert not any(HOMES in id_ for id_ in stack.cloud.world.resources)
