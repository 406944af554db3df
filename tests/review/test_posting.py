"""One comment a stack: by the real program, against services of HTTP that behave as GitHub and Azure DevOps do."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.program import aciml
from tests.review.previews import GAP, GROUP, PACKAGES, REPLACED, digest
from tests.simulators.pull_requests import TOKEN, PullRequest, azure_devops, github

SERVICES = {"github": github, "azure": azure_devops}


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def pull(service: str) -> Iterator[PullRequest]:
    with SERVICES[service]() as running:
        yield running


@pytest.fixture
def environ(service: str, pull: PullRequest, tmp_path: Path) -> dict[str, str]:
    """What a step of a run has; nothing of this machine."""
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"action": "opened", "number": 7, "pull_request": {"number": 7}}))
    own = {"PATH": os.environ["PATH"]}
    if service == "github":
        facts = {"GITHUB_TOKEN": TOKEN, "GITHUB_REPOSITORY": "team/scoring", "GITHUB_API_URL": pull.url}
        return {**own, **facts, "GITHUB_EVENT_PATH": str(event)}
    facts = {"SYSTEM_ACCESSTOKEN": TOKEN, "SYSTEM_COLLECTIONURI": f"{pull.url}/team/", "SYSTEM_TEAMPROJECT": "models"}
    return {**own, **facts, "BUILD_REPOSITORY_ID": "r1", "SYSTEM_PULLREQUEST_PULLREQUESTID": "7"}


def comment(environ: dict[str, str], text: str, *words: str) -> subprocess.CompletedProcess[str]:
    return aciml("comment", *words, environ=environ, text=text)


def test_the_comment_of_a_stack_is_made_once_and_changed_in_place(
    service: str, pull: PullRequest, environ: dict[str, str]
) -> None:
    for body in ("looks good", "<!-- other -->", "and this?"):
        pull.add(body)

    first = comment(environ, digest(PACKAGES), "--post", service)
    second = comment(environ, digest(REPLACED, told={GROUP: GAP}), "--post", service)
    other = comment(environ, digest(PACKAGES), "--post", service, "--stack", "scoring/staging")

    assert [one.returncode for one in (first, second, other)] == [0, 0, 0], first.stderr + second.stderr
    assert len(pull.bodies) == 5
    assert pull.bodies[:3] == ["looks good", "<!-- other -->", "and this?"]
    assert "**replace**" in pull.bodies[3]
    assert pull.bodies[4].startswith("<!-- aciml comment scoring/staging -->")
    assert [line.split()[0] for line in pull.requests if not line.startswith("GET")] == ["POST", "PATCH", "POST"]
    assert first.stdout.strip() == second.stdout.strip() != other.stdout.strip()


def test_a_token_that_may_only_read_is_told_and_the_comment_is_in_the_log(
    service: str, pull: PullRequest, environ: dict[str, str]
) -> None:
    pull.may_write = False

    done = comment(environ, digest(PACKAGES), "--post", service)

    assert done.returncode == 1
    assert "may not write comments (403" in done.stderr
    assert "pull-requests: write" in done.stderr or "Contribute to pull requests" in done.stderr
    assert "| `numpy` |" in done.stdout
    assert TOKEN not in done.stderr + done.stdout


def test_a_token_that_is_wrong_is_told(service: str, pull: PullRequest, environ: dict[str, str]) -> None:
    name = "GITHUB_TOKEN" if service == "github" else "SYSTEM_ACCESSTOKEN"

    done = comment({**environ, name: "wrong-one"}, digest(PACKAGES), "--post", service)

    assert done.returncode == 1
    assert "may not write comments" in done.stderr
    assert "wrong-one" not in done.stderr
    assert pull.bodies == []


def test_a_service_that_is_busy_for_a_moment_is_asked_again(
    service: str, pull: PullRequest, environ: dict[str, str]
) -> None:
    pull.failures = 1

    assert comment(environ, digest(PACKAGES), "--post", service).returncode == 0
    assert len(pull.bodies) == 1


def test_a_pull_request_that_is_not_there_is_told(service: str, pull: PullRequest, environ: dict[str, str]) -> None:
    done = comment(environ, digest(PACKAGES), "--post", service, "--pull-request", "8")

    assert done.returncode == 1
    assert "(404)" in done.stderr
    assert pull.bodies == []


def test_what_a_run_does_not_say_is_asked_for_at_once(service: str, environ: dict[str, str], tmp_path: Path) -> None:
    bare = {name: value for name, value in environ.items() if name == "PATH"}
    push = {**environ, "GITHUB_EVENT_PATH": str(tmp_path / "none"), "SYSTEM_PULLREQUEST_PULLREQUESTID": ""}

    nothing, no_number = (comment(one, "", "--post", service, "--json") for one in (bare, push))

    assert "in the environment" in json.loads(nothing.stdout)["error"]["message"]
    assert "about no pull request" in json.loads(no_number.stdout)["error"]["message"]
    assert (nothing.returncode, no_number.returncode) == (1, 1)


def test_a_closed_thread_holds_no_pull_request_back() -> None:
    with azure_devops() as pull:
        own = {"PATH": os.environ["PATH"]}
        facts = {"SYSTEM_ACCESSTOKEN": TOKEN, "SYSTEM_COLLECTIONURI": f"{pull.url}/team/"}
        facts |= {"SYSTEM_TEAMPROJECT": "models", "BUILD_REPOSITORY_ID": "r1"}
        done = comment({**own, **facts}, digest(PACKAGES), "--post", "azure", "--pull-request", "7")

        assert done.returncode == 0, done.stderr
        assert pull.comments[0]["status"] == "closed"


def test_without_a_service_it_is_printed_and_as_json_for_programs(tmp_path: Path) -> None:
    own = {"PATH": os.environ["PATH"]}
    path = tmp_path / "preview.json"
    path.write_text(digest(PACKAGES))

    plain, facts = comment(own, "", str(path)), comment(own, digest(REPLACED), "--json")
    missing, wrong = comment(own, "", str(tmp_path / "none")), comment(own, "x", "--post", "gitlab")

    assert plain.stdout.startswith("<!-- aciml comment scoring/prod -->\n")
    assert json.loads(facts.stdout)["changes"] == [{"op": "replace", "urn": GROUP}]
    assert (plain.returncode, facts.returncode, missing.returncode, wrong.returncode) == (0, 0, 1, 2)
    assert "cannot be read" in missing.stderr
