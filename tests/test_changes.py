"""What is in ``changes/`` can be gathered: by its name as what it is, and as one sentence."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from aciml import __version__

ROOT = Path(__file__).resolve().parents[1]
CONFIG = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["towncrier"]
KINDS = [one["directory"] for one in CONFIG["type"]]
SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST = 400
"""Characters: a change that needs more has its page in decisions/."""


def fault(name: str, text: str) -> str:
    """Say what is wrong with a file of ``changes/``; nothing if it is right."""
    slug, _, rest = name.partition(".")
    kind, _, ending = rest.partition(".")
    if ending != "md" or not SLUG.fullmatch(slug):
        return f"{name}: write <what>.<kind>.md, <what> in small letters with - between words"
    if kind not in KINDS:
        return f'{name}: "{kind}" is no kind; write one of {", ".join(KINDS)}'
    sentence = text.strip()
    if not sentence.endswith(".") or "\n\n" in sentence or len(sentence) > LONGEST:
        return f"{name}: write one sentence with a full stop, of {LONGEST} characters at most; more is for decisions/"
    return ""


def test_every_change_has_a_name_and_one_sentence() -> None:
    files = [path for path in (ROOT / "changes").iterdir() if path.name not in CONFIG["ignore"]]

    assert [why for path in files if (why := fault(path.name, path.read_text(encoding="utf-8")))] == []


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("tls.feature.md", "Services speak TLS.\n", ""),
        ("tls.features.md", "Services speak TLS.", '"features" is no kind; write one of feature, fix, change'),
        ("tls.md", "Services speak TLS.", "write <what>.<kind>.md"),
        ("tls.feature.txt", "Services speak TLS.", "write <what>.<kind>.md"),
        ("TLS_now.feature.md", "Services speak TLS.", "small letters"),
        ("tls.feature.md", "Services speak TLS", "full stop"),
        ("tls.feature.md", "Services speak TLS.\n\nThey did not.", "one sentence"),
        ("tls.feature.md", "Services " * 60 + "speak TLS.", "400 characters"),
    ],
)
def test_a_wrong_name_or_text_is_told(name: str, text: str, words: str) -> None:
    assert words in fault(name, text)
    assert bool(words) == bool(fault(name, text))


def test_the_version_in_the_tree_is_the_newest_in_the_log_or_has_changes_to_come() -> None:
    log = (ROOT / CONFIG["filename"]).read_text(encoding="utf-8")
    newest = re.search(r"^## (\S+) \(\d{4}-\d\d-\d\d\)$", log, re.MULTILINE)

    assert newest is not None
    assert newest[1] == __version__ or any(path.suffix == ".md" for path in (ROOT / "changes").iterdir())
    assert log.count(CONFIG["start_string"]) == 1


def test_the_log_is_built_from_files(tmp_path: Path) -> None:
    for part in ("pyproject.toml", "CHANGELOG.md"):
        shutil.copy(ROOT / part, tmp_path)
    (tmp_path / "changes").mkdir()
    shutil.copy(ROOT / CONFIG["template"], tmp_path / "changes")
    (tmp_path / "changes/tls.feature.md").write_text("Services speak TLS.\n")
    (tmp_path / "changes/late.fix.md").write_text("Nothing is\nlate.\n")

    built = towncrier(tmp_path, "build", "--yes", "--version", "9.9.0", "--date", "2030-01-02")

    assert built.returncode == 0, built.stderr
    log = (tmp_path / "CHANGELOG.md").read_text()
    _, _, gathered = log.partition(CONFIG["start_string"])
    expected = """
## 9.9.0 (2030-01-02)

### Features

- Services speak TLS.

### Fixes

- Nothing is
  late.

## """
    assert gathered.startswith(expected)
    assert [path.name for path in (tmp_path / "changes").iterdir()] == ["template.jinja"]


def test_the_log_is_not_built_over_a_wrong_name(tmp_path: Path) -> None:
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "changes").mkdir()
    shutil.copy(ROOT / CONFIG["template"], tmp_path / "changes")
    (tmp_path / "changes/tls.features.md").write_text("Services speak TLS.\n")

    built = towncrier(tmp_path, "build", "--draft", "--version", "9.9.0")

    assert built.returncode != 0
    assert "tls.features.md" in built.stderr + built.stdout


def towncrier(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "towncrier"), *words]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
