"""What is read of a stack's state: exports that the real CLI wrote (``states/``), and states that have less.

``states/two_services.json`` is what ``pulumi stack export`` said of a YAML program with two services on the local
target; the other one is the same with ``--show-secrets``. Only the places in the program's source were taken out.
"""

from __future__ import annotations

import copy
import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aciml.cli.deployed import Chosen, Deployed, StateSource
from aciml.core.errors import UserError
from aciml.properties import reveal

STATES = Path(__file__).parent / "states"
PLAIN, SHOWN = ((STATES / f"{name}.json").read_text() for name in ("two_services", "two_services_with_secrets"))


def changed(**deployment: Any) -> str:
    """Return the export with another part."""
    state = json.loads(PLAIN)
    state["deployment"] |= deployment
    return json.dumps(state)


def resources() -> list[dict[str, Any]]:
    return copy.deepcopy(json.loads(PLAIN)["deployment"]["resources"])


def test_a_service_is_put_together_from_what_its_component_declared() -> None:
    state = Deployed.of_export(PLAIN)

    assert state.stack == "local"
    assert [one.name for one in state.services] == ["diabetes", "iris"]
    service = state.service("diabetes")
    assert service.target == "local"
    assert service.image is not None
    assert service.image.name == "diabetes-image"
    assert service.environment is not None
    assert service.environment.component == "sklearn"
    assert service.group.text("scoringUri") == "http://127.0.0.1:35185/score"
    assert [one.component for one in state.registries] == ["models"]


@pytest.mark.parametrize("word", ["diabetes", "diabetes-group", "clirun1"])
def test_a_service_has_the_names_of_component_resource_and_container(word: str) -> None:
    assert Deployed.of_export(PLAIN).service(word).name == "diabetes"


def test_a_urn_names_a_service_too() -> None:
    state = Deployed.of_export(PLAIN)

    for service in state.services:
        assert state.service(service.group.urn) == service


def test_which_one_has_to_be_said_if_there_are_several() -> None:
    with pytest.raises(UserError, match="has 2 services: diabetes, iris; name one of them"):
        Deployed.of_export(PLAIN).service(None)


def test_a_word_that_names_none_is_told_the_nearest() -> None:
    with pytest.raises(UserError, match='no service "diabtes"; did you mean "diabetes"'):
        Deployed.of_export(PLAIN).service("diabtes")


def test_a_secret_is_known_only_if_it_was_asked_for() -> None:
    hidden, shown = (Deployed.of_export(text).service("diabetes").group for text in (PLAIN, SHOWN))

    assert hidden.text("primaryKey") == ""
    assert len(shown.text("primaryKey")) > 30
    assert shown.text("primaryKey") not in repr(shown)
    assert reveal(shown.inputs["environmentVariables"]) == {"HIDDEN": "hush-hush-hush", "PLAIN_ONE": "1"}


def test_a_group_that_no_component_declared_has_its_own_name() -> None:
    rows = resources()
    for row in rows:
        if row["type"] == "aciml:compute:ContainerGroup":
            row["parent"] = rows[0]["urn"]

    state = Deployed.of_export(changed(resources=rows))

    assert [one.name for one in state.services] == ["diabetes-group", "iris-group"]
    assert [one.image.name for one in state.services if one.image] == ["diabetes-image", "iris-image"]


def test_what_waits_for_its_deletion_is_not_there() -> None:
    rows = resources()
    old = next(row for row in rows if row["urn"].endswith("iris-group"))

    state = Deployed.of_export(changed(resources=[*rows, {**old, "delete": True, "id": "old"}]))

    assert [one.group.id for one in state.services] == ["aciml-clirun1", "aciml-clirun2"]


def test_a_provider_of_the_programs_own_tells_the_target_and_its_hidden_values() -> None:
    rows = resources()
    secret = {"4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270", "ciphertext": "v1:x"}
    for row in rows:
        if row["type"] == "pulumi:providers:aciml":
            row["inputs"] = {"target": "azure", "clientSecret": secret, "version": "0.2.0", "unheardOf": "x"}

    service = Deployed.of_export(changed(resources=rows)).service("iris")

    assert service.config == {"target": "azure"}
    assert service.hidden == {"clientSecret"}


@pytest.mark.parametrize(
    ("deployment", "why"),
    [
        ({"resources": None}, "nothing is deployed in stack here; run `pulumi up`"),
        ({"resources": []}, "nothing is deployed in stack here; run `pulumi up`"),
        ({"resources": resources()[:1]}, "nothing is deployed in stack local"),
        (
            {
                "resources": [
                    *resources()[:1],
                    {"urn": "urn:pulumi:local::p::aws:s3:Bucket::b", "type": "aws:s3:Bucket"},
                ]
            },
            "has 1 resource, and none of aciml",
        ),
        (
            {"resources": [row for row in resources() if "ScoringService" not in row["urn"]]},
            "has registries and images, and no service",
        ),
        (
            {"resources": [], "pending_operations": [{"type": "creating", "resource": resources()[-1]}]},
            "its last update was interrupted; run `pulumi refresh`",
        ),
    ],
    ids=["null", "empty", "only the stack", "of others", "without a service", "interrupted"],
)
def test_a_state_without_a_service_says_what_is_there(deployment: dict[str, Any], why: str) -> None:
    with pytest.raises(UserError, match=why.replace("`", ".")):
        Deployed.of_export(changed(**deployment), "here").service(None)


def test_an_operation_without_an_end_stops_changes_and_nothing_else() -> None:
    rows = resources()
    state = Deployed.of_export(changed(pending_operations=[{"type": "updating", "resource": rows[-1]}]))

    assert state.service("iris").name == "iris"
    with pytest.raises(UserError, match="was interrupted while updating iris-group"):
        state.require_settled()


@pytest.mark.parametrize("text", ["", "[]", "null", "{}", '{"deployment": {"resources": [{}]}}', '{"deployment": 3}'])
def test_what_is_no_state_is_one_sentence(text: str) -> None:
    with pytest.raises(UserError, match="cannot be read"):
        Deployed.of_export(text)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "Pulumi.yaml").write_text("name: p\nruntime: yaml\n")
    (tmp_path / "src").mkdir()
    return tmp_path


def says(project: Path, monkeypatch: pytest.MonkeyPatch, words: str, code: int = 255) -> None:
    """Put a program ``pulumi`` on PATH that refuses with words of the real one (3.274)."""
    program = project / "bin" / "pulumi"
    program.parent.mkdir()
    program.write_text(f"#!{sys.executable}\nimport sys\nprint({words!r}, file=sys.stderr)\nsys.exit({code})\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", str(program.parent))


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("error: no stack named 'nope' found", "there is no stack nope"),
        (
            "error: constructing secrets manager: passphrase must be set with PULUMI_CONFIG_PASSPHRASE or [...]",
            "need its passphrase; set PULUMI_CONFIG_PASSPHRASE",
        ),
        (
            "error: could not deserialize deployment: failed to decrypt: incorrect passphrase, please set [...]",
            "the passphrase is not that of stack nope",
        ),
        (
            "warning: A new version\nerror: PULUMI_ACCESS_TOKEN must be set for login during non-interactive [...]",
            "Pulumi is not logged in",
        ),
        (
            'error: unable to open state directory "file:///nonexist": stat /nonexist: no such file or directory',
            "the place of the states cannot be opened",
        ),
        ("error: the stack is currently locked by 1 lock(s).", "another update of stack nope is under way"),
        ("error: something new", "pulumi: something new"),
        ("", "pulumi: it failed silently"),
    ],
)
def test_refusals_of_the_cli_are_told_in_one_sentence(
    project: Path, monkeypatch: pytest.MonkeyPatch, words: str, why: str
) -> None:
    says(project, monkeypatch, words)

    with pytest.raises(UserError, match=why) as seen:
        Chosen.of("nope", project, None)
    assert "\n" not in str(seen.value)


def test_without_the_cli_the_message_says_what_to_install(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(project))

    with pytest.raises(UserError, match="the Pulumi CLI is not on PATH"):
        Chosen.of(None, project, None)


def test_the_project_is_found_from_below_and_a_full_name_does_without(project: Path, tmp_path_factory: Any) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere")

    assert StateSource.of(None, project / "src").folder == project
    with pytest.raises(UserError, match=r"no Pulumi\.yaml"):
        StateSource.of("dev", elsewhere)
    here = Path.cwd()
    try:
        os.chdir(elsewhere)
        assert StateSource.of("acme/p/dev", None).words == ["--stack", "acme/p/dev"]
    finally:
        os.chdir(here)


def test_ctrl_c_waits_for_the_cli_to_end_in_an_orderly_way(project: Path) -> None:
    program, ready, done = project / "slow.py", project / "ready", project / "done"
    # as the CLI: ctrl-C is the beginning of its end, and it has things to write down
    program.write_text(
        "import pathlib, signal\n"
        "def end(*_):\n"
        f"    signal.sigtimedwait([signal.SIGUSR1], 0.5); pathlib.Path({str(done)!r}).write_text('orderly')\n"
        "    raise SystemExit(1)\n"
        "signal.signal(signal.SIGINT, end)\n"
        f"pathlib.Path({str(ready)!r}).touch()\n"
        "signal.pause()\n"
    )
    words = f"[sys.executable, {str(program)!r}]"
    code = f"import sys; from pathlib import Path; from aciml.cli import deployed; deployed._run({words}, Path('.'))"
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    child = subprocess.Popen(
        [sys.executable, "-c", code], env=environ, stderr=subprocess.PIPE, text=True, start_new_session=True
    )
    while not ready.exists():
        assert child.poll() is None
    os.killpg(child.pid, signal.SIGINT)
    child.communicate()

    # what it says of itself is not looked at: a signal that comes while it starts the program is told in other words.
    # The program writes this unless it is killed
    while not done.exists() or not done.read_text():
        os.sched_yield()
    assert done.read_text() == "orderly"
