"""Messages about a component's children have the words of its user, from whatever process of the plugin they come."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.core.errors import Finding
from aciml.enginelog import EngineLog, RowProgress
from aciml.secrecy import Secrecy
from aciml.speech import Speech, SpokenLog, is_python_program

SERVICE = "aciml:index:ScoringService"
GROUP = "aciml:compute:ContainerGroup"
CHILD = f"urn:pulumi:local::scoring::{SERVICE}${GROUP}::iris-group"
BARE = f"urn:pulumi:local::scoring::{GROUP}::iris-group"


class Lines(EngineLog):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__("")
        self.said: list[str] = []

    def send(self, urn: str, severity: int, text: str, *, ephemeral: bool = False) -> None:
        self.said.append(text)


@pytest.mark.parametrize(
    ("text", "python", "other"),
    [
        (
            "without effect: livenessProbe",
            "without effect: azure.liveness_probe",
            "without effect: azure.livenessProbe",
        ),
        (
            "stableName.backendPool is gone",
            "azure.stable_name.backend_pool is gone",
            "azure.stableName.backendPool is gone",
        ),
        ('"livenessProbe" and plain words', '"livenessProbe" and plain words', '"livenessProbe" and plain words'),
        ("correct aciml:resourceGroup", "correct aciml:resourceGroup", "correct aciml:resourceGroup"),
        ("scope TenantReuse", "scope TenantReuse", "scope TenantReuse"),
    ],
)
def test_a_message_is_in_the_spelling_of_the_program(tmp_path: Path, text: str, python: str, other: str) -> None:
    (tmp_path / "Pulumi.yaml").write_text("runtime: yaml")
    made_here = Speech()
    made_here.remember(SERVICE, "iris")

    assert Speech().text(CHILD, text) == python
    assert made_here.text(CHILD, text) == other
    assert Speech(tmp_path).text(CHILD, text) == other
    assert Speech().text(BARE, text) == text


def test_a_component_that_was_made_here_speaks_for_itself_alone() -> None:
    speech = Speech()
    speech.remember(SERVICE, "wine")

    assert speech.text(CHILD, "cpuCores") == "cpu_cores"


def test_findings_and_lines_are_translated_alike() -> None:
    speech, lines = Speech(), Lines()
    progress = RowProgress(SpokenLog(lines, speech, Secrecy()), CHILD)

    found = speech.finding(CHILD, Finding("volumes[0].azureFile.shareName", "is missing"))
    progress.warn("cpuCores are few")
    progress.note("memoryGb is little")

    assert "azure.volumes[0].azure_file.share_name" in f"{found.where} {found.why}"
    assert lines.said == ["cpu_cores are few", "memory_gb is little"]


def test_a_log_that_speaks_hears_of_a_cancellation() -> None:
    lines = Lines()
    spoken = SpokenLog(lines, Speech(), Secrecy())
    lines.cancelled.set()

    assert spoken.cancelled.is_set()


@pytest.mark.parametrize(
    ("text", "python"),
    [
        ("name: a\nruntime: python\n", True),
        ("name: a\nruntime:\n  name: python\n  options: {virtualenv: venv}\n", True),
        ("runtime: yaml", False),
        ("name: a\nruntime:\n  name: nodejs\n", False),
        ("runtime: {name: 'go'}", False),
        ('{\n "name": "a",\n "runtime": "yaml"\n}', False),
        ("name: a\n", True),
    ],
)
def test_pulumi_yaml_says_which_language_a_program_is_in(tmp_path: Path, text: str, python: bool) -> None:  # noqa: FBT001
    (tmp_path / "Pulumi.yaml").write_text(text)
    below = tmp_path / "src/infrastructure"
    below.mkdir(parents=True)

    assert is_python_program(tmp_path) is python
    assert is_python_program(below) is python
