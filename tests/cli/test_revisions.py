"""``aciml revisions``, ``traffic``, ``promote`` and ``rollback`` of a service with revisions, which are in memory."""

# ruff: noqa: F811 - fixtures are imported, and named where they are used

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from aciml.cli.running import RunningService
from aciml.core.reference import Reference
from aciml.model.traffic import Traffic
from aciml.targets.memory.revisions import MemoryRevisions
from aciml.targets.protocol import GroupSpec
from tests.cli.test_golden import Model, model, sums  # noqa: F401 - fixtures
from tests.cli.test_looking import Run, Stack, run, stack  # noqa: F401 - fixtures
from tests.targets.test_revisions import revision

OLD, NEW = "clirun2--rold", "clirun2--rnew"
DIGEST = "sha256:" + "7" * 64


@pytest.fixture
def revisions(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> MemoryRevisions:
    """Revisions of ``iris``: the old one has an image of before, the new one that of the program."""
    from aciml.cli.deployed import Deployed

    group = Deployed.of_export((stack.folder / "plain.json").read_text()).service("iris").group
    made = stack.targets.service.revisions(group.id, None)  # type: ignore[arg-type]
    assert made is None
    memory = stack.targets.service._groups._memory  # type: ignore[attr-defined]
    there = MemoryRevisions(memory, group.id)
    image = Reference.parse(group.text("image"))
    there.add(revision(OLD, image=str(replace(image, tag="", digest=DIGEST)), created="2026-11-26T10:00:00Z"))
    there.add(revision(NEW, image=str(image), created="2026-11-27T10:00:00Z", label="candidate"))
    return there


def weights(revisions: MemoryRevisions) -> dict[str, int]:
    return {one.name: one.weight for one in revisions.list() if one.weight}


def served_at(monkeypatch: pytest.MonkeyPatch, model: Model) -> None:
    monkeypatch.setattr(MemoryRevisions, "address", lambda *_: model.url)


def test_they_are_listed_with_what_the_program_says(revisions: MemoryRevisions, run: Run) -> None:
    code, out, _ = run("revisions", "iris")
    facts = json.loads(run("revisions", "iris", "--json")[1])

    assert code == 0
    lines = out.splitlines()
    assert lines[1].startswith(f"* {NEW}     0 %    1 of 1  Running   2026-11-27T10:00:00")
    assert lines[1].endswith("label candidate")
    assert lines[2].startswith(f"  {OLD}   100 %")
    assert lines[3] == "* runs the image that the program says"
    assert [one["name"] for one in facts["revisions"]] == [NEW, OLD]
    assert lines[4].split() == ["replica", "state", "restarts", "started"]
    assert [line.split()[:3] for line in lines[5:]] == [[f"{NEW}.1", "Running", "0"], [f"{OLD}.1", "Running", "0"]]
    assert [one["running"][0]["restarts"] for one in facts["revisions"]] == [0, 0]
    assert run("traffic", "iris")[1].splitlines() == lines[:4]


def test_requests_are_shared_by_hand_and_the_program_is_told_of(revisions: MemoryRevisions, run: Run) -> None:
    code, out, _ = run("traffic", "iris", "--set", "candidate=20", "--set", "rold=80", "--yes")

    assert code == 0
    assert weights(revisions) == {NEW: 20, OLD: 80}
    assert f"iris: {NEW} 20 %, {OLD} 80 %" in out
    # the recorded Pulumi refreshes nothing
    assert "the state does not know of it yet (pulumi: not here): run `pulumi refresh`" in out
    assert f'@{DIGEST}", ...)' in out


def test_what_the_program_says_too_needs_no_word(revisions: MemoryRevisions, run: Run) -> None:
    _, out, _ = run("traffic", "iris", "--set", f"{NEW}=100", "--yes")

    assert out.endswith("this is what the program says, too: nothing has to be changed there\n")


def test_of_a_revision_that_the_program_holds_an_update_is_not_said_to_let_it_serve(
    revisions: MemoryRevisions, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: Any = RunningService.spec

    def holding(service: RunningService) -> GroupSpec:
        spec: GroupSpec = said.__get__(service)
        runs = replace(spec.declared.runs, traffic=Traffic(hold=True))
        return replace(spec, declared=spec.declared.but(runs=runs))

    monkeypatch.setattr(RunningService, "spec", property(holding))
    _, out, _ = run("traffic", "iris", "--set", "candidate=20", "--set", "rold=80", "--yes")

    assert "at 0 % (traffic.hold), so with `pulumi up`" in out
    assert f"{OLD} has all requests; to let the other one serve: `aciml promote`, or drop hold" in out
    assert "would bring that back" not in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["traffic", "iris", "--set", "candidate=20"], 1, "the weights sum up to 20 and not to 100"),
        (["traffic", "iris", "--set", "nobody=100"], 1, 'there is no revision "nobody"'),
        (["traffic", "iris", "--set", "candidate=50", "--set", "rnew=50"], 1, "one revision is named twice"),
        (["traffic", "iris", "--set", "candidate"], 2, "is no share"),
        (["traffic", "iris", "--set", "candidate=100"], 1, "say --yes"),
        (["traffic", "diabetes"], 1, "diabetes has no revisions: it runs as one container"),
        (["promote", "iris"], 1, "say --yes"),
        (["promote", "iris", "--to", "x"], 1, 'there is no revision "x"'),
        (["revisions", "retire", "rold", "--service", "iris", "--yes"], 1, "gets 100 % of the requests"),
        (["revisions", "scale", "rold", "--service", "iris", "--replicas", "5-2", "--yes"], 2, "is no number"),
        (["revisions", "scale", "rold", "--service", "iris", "--replicas", "0", "--yes"], 2, "is no number"),
        (["rollback", "iris", "--to", "nobody"], 1, 'there is no revision "nobody"'),
    ],
)
def test_what_cannot_be_changes_nothing(
    revisions: MemoryRevisions, run: Run, words: list[str], code: int, said: str
) -> None:
    ended, out, err = run(*words)

    assert (ended, said in out + err) == (code, True), out + err
    assert weights(revisions) == {OLD: 100}


def test_one_that_is_held_is_promoted_when_it_answers(
    revisions: MemoryRevisions, model: Model, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "nothing was moved; --no-proof" in run("promote", "iris", "--yes")[2]
    assert weights(revisions) == {OLD: 100}
    served_at(monkeypatch, model)
    revisions.mirror(OLD, NEW, 20, run_nothing())

    code, out, _ = run("promote", "iris", "--yes")

    assert code == 0
    assert f"iris: {NEW} has all requests" in out
    assert weights(revisions) == {NEW: 100}
    assert revisions.mirrored is None


def run_nothing() -> Any:
    from aciml.core.progress import Silent

    return Silent()


def test_other_answers_are_not_promoted_unless_nobody_asks(
    revisions: MemoryRevisions, stack: Stack, model: Model, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_at(monkeypatch, model)
    (stack.folder / "golden.yaml").write_text(
        'requests:\n- {name: row, json: {"data": [[3]]}, expect: {json: {"predictions": [2.0]}}}\n'
    )
    stack.change(lambda row: row["inputs"].update(traffic={"golden": "golden.yaml"}) if "Group" in row["type"] else 0)

    code, _, err = run("promote", "iris", "--yes")
    assert code == 1
    assert f"{NEW} failed its golden predictions:\n1 of 1 answer differ from golden.yaml" in err
    assert weights(revisions) == {OLD: 100}

    assert run("promote", "iris", "--yes", "--no-proof")[0] == 0
    assert weights(revisions) == {NEW: 100}


def test_a_rollback_brings_the_requests_back_without_making_anything(
    revisions: MemoryRevisions, model: Model, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_at(monkeypatch, model)
    revisions.weigh({NEW: 100}, run_nothing())
    listed = run("rollback", "iris", "--list")[1]
    assert NEW in listed
    assert f"iris: {OLD} would get all requests" in run("rollback", "iris", "--dry-run")[1]

    code, out, _ = run("rollback", "iris", "--yes")

    assert code == 0
    assert weights(revisions) == {OLD: 100}
    assert f'@{DIGEST}", ...)' in out
    assert run("rollback", "iris", "--to", DIGEST)[1].startswith(f"iris: {OLD} has all requests already")


def test_a_retired_one_is_started_for_a_rollback(
    revisions: MemoryRevisions, model: Model, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    served_at(monkeypatch, model)
    revisions.weigh({NEW: 100}, run_nothing())
    revisions.retire(OLD, run_nothing())

    assert run("rollback", "iris", "--to", "777777")[0] == 0
    assert weights(revisions) == {OLD: 100}


def test_replicas_by_hand_say_what_the_program_would_have_to(revisions: MemoryRevisions, run: Run) -> None:
    code, out, _ = run("revisions", "scale", "candidate", "--service", "iris", "--replicas", "3-5", "--yes")

    assert code == 0
    assert out.startswith(f"{NEW} is Running, 3 of 3 replicas answer, 0 % of the requests\n")
    assert "ScaleArgs(min_replicas=3, max_replicas=5)" in out


def test_one_is_retired_activated_and_restarted(revisions: MemoryRevisions, run: Run) -> None:
    for word, state in (("retire", "Stopped"), ("activate", "Running"), ("restart", "Running")):
        code, out, _ = run("revisions", word, "candidate", "--service", "iris", "--yes")
        assert (code, out.split(",")[0]) == (0, f"{NEW} is {state}")


def test_the_help_lists_what_can_be_done(run: Run) -> None:
    assert all(word in run("revisions", "--help")[1] for word in ("list", "restart", "scale", "retire", "activate"))
