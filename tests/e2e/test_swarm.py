"""A service at home with replicas and revisions: Docker Swarm, Envoy and the real CLI. The tests run in this order."""

from __future__ import annotations

import json
import subprocess
import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from aciml.docker.engine import connect
from aciml.targets.local.swarm.cluster import look
from tests.e2e.azure_answers import PAUSE
from tests.e2e.commands import Commands
from tests.e2e.project import SCORE, Project

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

OTHER = SCORE.replace('{"sum": ', '{"total": ')
GOLDEN = """
requests:
- name: larger
  json: [4, 6]
  expect: {json: {"total": 10.0}}
- name: smaller
  json: [1, 2, 3.5]
  expect: {json: {"total": 6.5}}
"""
BROKEN = SCORE.replace("import tabulate", "import tabulate, lost")


@pytest.fixture(scope="module")
def service(project: Project) -> Project:
    """The project, with a service that is a container app."""
    engine = connect()
    obstacle = look(engine).obstacle
    engine.close()
    if obstacle:
        pytest.skip(obstacle[0])
    project.without_steps()
    project.config["scoring:service"] |= {
        "cpu_cores": 0.5,
        "memory_gb": 0.5,
        "runs_on": "container_app",
        "scale": {"min_replicas": 2, "max_replicas": 4},
        # how late answers come says much of other tests and nothing of a revision
        "traffic": {"canary": [{"percent": 30, "pause": 1}], "gate": {"max_p99_ratio": 1000}},
        "smoke_test": {"path": "/score", "body": "[1, 2]", "expect_status": 200},
        "secure_environment_variables": {"PASSWORD": "hunter2-of-a-test"},
    }
    return project


@contextmanager
def callers(project: Project) -> Iterator[Counter[str]]:
    """Let somebody call all the time, and count the answers by their first word, or what went wrong."""
    outputs = project.outputs()
    came: Counter[str] = Counter()
    over = threading.Event()

    def call() -> None:
        headers = {"Authorization": f"Bearer {outputs['primary_key']}"}
        while not over.wait(PAUSE):
            request = urllib.request.Request(outputs["scoring_uri"], b"[1, 2]", headers)
            try:
                with urllib.request.urlopen(request, timeout=60) as answer:
                    came[next(iter(json.loads(answer.read())))] += 1
            except OSError as error:
                came[repr(error)] += 1

    with ThreadPoolExecutor(1) as pool:
        work = pool.submit(call)
        try:
            yield came
        finally:
            over.set()
        work.result()


def shares(project: Project) -> str:
    """Return who serves how much, as Envoy's own routes say it, as JSON."""
    routes = json.loads(docker("exec", f"aciml-{project.name}.door", "cat", "/etc/aciml/routes.json"))
    hosts = routes["resources"][0]["virtual_hosts"]
    action = next(host for host in hosts if host["name"] == "all")["routes"][0]["route"]
    clusters = action["weighted_clusters"]["clusters"]
    return json.dumps({one["name"]: one["weight"] for one in clusters if one["weight"]})


def docker(*words: str) -> str:
    return subprocess.run(["docker", *words], capture_output=True, text=True, check=True).stdout


def test_two_replicas_answer_behind_one_address(service: Project) -> None:
    said = service.up().check_ok()

    assert service.ask() == {"sum": 6.5}
    assert "Docker Swarm has no autoscaler: 2 replicas run" in said.text
    replicas = docker(
        "ps", "--filter", f"label=aciml.name={service.name}", "--filter", "label=aciml.kind=revision", "-q"
    )
    assert len(replicas.split()) == 2


def test_nothing_secret_is_in_what_docker_shows_and_a_request_without_the_key_is_refused(service: Project) -> None:
    outputs = service.outputs()
    names = docker("service", "ls", "--filter", f"label=aciml.name={service.name}", "-q").split()
    containers = docker("ps", "-a", "--filter", f"label=aciml.name={service.name}", "-q").split()
    told = docker("service", "inspect", *names) + docker("container", "inspect", *containers)

    assert outputs["primary_key"] not in told
    assert "hunter2-of-a-test" not in told
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(outputs["scoring_uri"], b"[1]", timeout=30)


def test_another_script_walks_to_its_share_and_nobody_misses_an_answer(service: Project) -> None:
    service.write("src/score.py", OTHER)
    with callers(service) as came:
        said = service.up().check_ok()

    assert service.ask() == {"total": 6.5}
    assert set(came) == {"sum", "total"}, came
    assert "30 %" in said.text


def test_by_hand_each_word_does_what_it_says_and_nobody_misses_an_answer(
    service: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    aciml = Commands(service, monkeypatch)
    listed = aciml.json("revisions")["revisions"]
    new, old = (one["name"] for one in listed)
    assert [one["weight"] for one in listed] == [100, 0]
    assert [replica["state"] for replica in listed[0]["running"]] == ["Running", "Running"]

    with callers(service) as came:
        # the whole program once, as people start it; then within this process
        shared = aciml.process("traffic", "--set", f"{old}=50", "--set", f"{new}=50", "--yes")
        assert shared.returncode == 0, shared.stderr
        assert "these stay until `pulumi up` changes the service" in shared.stdout
        back = aciml("rollback", "--to", old, "--yes")
        assert (back.returncode, service.ask()) == (0, {"sum": 6.5}), back.stderr
        # the program still says the other image: it is told how to keep this one
        assert 'ScoringServiceArgs(image="' in back.stdout
        scaled = aciml("revisions", "scale", old, "--replicas", "1", "--yes")
        assert f"{old} is Running, 1 of 1 replicas answer, 100 % of the requests" in scaled.stdout, scaled.stderr
        assert "ScaleArgs(min_replicas=1, max_replicas=1)" in scaled.stdout
        before = started(aciml, old)
        again = aciml("revisions", "restart", old, "--yes")
        assert again.returncode == 0, again.stderr
        # the containers of before may still end
        assert started(aciml, old) > before
        retired = aciml("revisions", "retire", new, "--yes")
        assert f"{new} is Stopped, 0 of 0 replicas answer" in retired.stdout, retired.stderr
        # it is started first, and then proven
        done = aciml("promote", "--to", new, "--yes")
        assert (done.returncode, service.ask()) == (0, {"total": 6.5}), done.stderr
        assert "this is what the program says, too" in done.stdout
    assert set(came) == {"sum", "total"}, came


def started(aciml: Commands, revision: str) -> str:
    """Return when the newest replica of a revision was made; one that was scaled away may still end."""
    (one,) = [one for one in aciml.json("revisions")["revisions"] if one["name"] == revision]
    return max(str(replica["created"]) for replica in one["running"])


def test_what_was_done_by_hand_is_in_the_state_and_the_program_brings_its_own_back(service: Project) -> None:
    (step, *_) = [one for one in service.up().check_ok().steps() if one["urn"].endswith("-group")]
    # what was scaled by hand; the shares are as the program wants them
    assert step["op"] == "update"
    assert [name for name in step["detailedDiff"] if name.startswith("scale")] == [*step["detailedDiff"]]
    name = service.name
    replicas = docker("ps", "--filter", f"label=aciml.name={name}", "--filter", "label=aciml.kind=revision", "-q")
    assert len(replicas.split()) == 3  # two of what serves, and the one that stays warm
    assert service.preview() == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["traffic", "--set", "nobody=100"], 'there is no revision "nobody"'),
        (["traffic", "--set", "{new}=90"], "the weights sum up to 90 and not to 100"),
        (["traffic", "--set", "{new}=70", "--set", "{old}=-30"], "is no share"),
        (["revisions", "retire", "{new}"], "gets 100 % of the requests"),
        (["promote", "--to", "{old}x"], "there is no revision"),
    ],
)
def test_what_cannot_be_is_one_sentence_and_changes_nothing(
    service: Project, monkeypatch: pytest.MonkeyPatch, words: list[str], told: str
) -> None:
    aciml = Commands(service, monkeypatch)
    before = aciml.json("traffic")["revisions"]
    new, old = (one["name"] for one in before)
    done = aciml(*[word.format(new=new, old=old) for word in words], "--yes")

    assert done.returncode
    assert told in done.stderr
    assert aciml.json("traffic")["revisions"] == before


def test_a_script_that_cannot_start_is_told_and_the_old_one_serves_on(service: Project) -> None:
    # what follows is of revisions; that there may be two replicas of each was seen above
    service.config["scoring:service"]["scale"] = {"min_replicas": 1, "max_replicas": 4}
    service.write("src/score.py", BROKEN)
    with callers(service) as came:
        service.up().check_failed("lost", "goes on")

    assert service.ask() == {"total": 6.5}
    assert set(came) == {"total"}, came


def test_a_drifted_model_fails_its_golden_answers_with_a_table(service: Project) -> None:
    service.write("golden.yaml", GOLDEN)
    service.config["scoring:service"]["traffic"]["golden"] = "golden.yaml"
    service.write("src/score.py", OTHER.replace("numpy.sum(", "0.01 + numpy.sum("))
    with callers(service) as came:
        said = service.up().check_failed("failed its golden predictions", "2 of 2 answers differ from golden.yaml")

    # worst first: both are off by as much, of which the smaller one notices more
    rows = [line.split() for line in said.text.splitlines() if "$.total" in line]
    assert [row[:4] for row in rows][:2] == [
        ["smaller", "$.total", "6.5", "6.51"],
        ["larger", "$.total", "10.0", "10.01"],
    ]
    assert service.ask() == {"total": 6.5}
    assert set(came) == {"total"}, came
    assert sum(json.loads(shares(service)).values()) == 100
    assert len(json.loads(shares(service))) == 1


def test_live_answers_that_differ_too_often_end_it_before_a_client_meets_it(service: Project) -> None:
    del service.config["scoring:service"]["traffic"]["golden"]
    service.config["scoring:service"]["traffic"] |= {
        "shadow": 100,
        "gate": {"max_differing": 0.1, "min_requests": 5, "max_p99_ratio": 1000},
        # copies go on until five answers were compared, and end before if they differ too much
        "canary": [{"percent": 30, "pause": 2}],
    }
    with callers(service) as came:
        said = service.up().check_failed("traffic.gate.max_differing allows 10.0%", "live answers differ (100.0%)")

    assert any("/score" in line and "$.total" in line and "3.01" in line for line in said.text.splitlines())
    assert service.ask() == {"total": 6.5}
    assert set(came) == {"total"}, came

    # a tolerance that lets it pass
    service.config["scoring:service"]["traffic"]["tolerances"] = [{"path": "$.total", "relative": 0.01}]
    with callers(service):
        said = service.up().check_ok()
    assert "live answers differ (0.0%)" in said.text
    assert service.ask() == {"total": 6.51}


def test_a_refresh_sees_what_serves_and_destroy_leaves_nothing(service: Project) -> None:
    # to what has served before: nothing is compared with what goes
    service.config["scoring:service"]["traffic"] = {}
    service.write("src/score.py", OTHER)
    service.up("--refresh").check_ok()
    assert service.ask() == {"total": 6.5}

    service.pulumi("destroy", "--yes", "--skip-preview").check_ok()

    left: dict[str, Any] = {
        kind: docker(
            kind, "ls", "-q", *(["-a"] if kind == "container" else []), "--filter", f"label=aciml.name={service.name}"
        )
        for kind in ("container", "network")
    }
    assert not any(left.values()), left
