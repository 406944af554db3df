"""Which Pulumi CLI is taken: one on PATH that is promised, else the one of the cache."""

from __future__ import annotations

from pathlib import Path

import pytest

from bootstrap.cache import PROJECT
from bootstrap.pulumi_cli import OLDEST, VERSION, ensure_pulumi, is_new_enough


@pytest.mark.parametrize(
    ("version", "taken"),
    [
        (f"v{VERSION}", True),
        (f"v{OLDEST}", True),
        ("v3.256.9", False),
        ("v2.999.0", False),
        ("v4.0.0", True),
        ("v3.280.0-alpha.123+dirty", True),
        ("", True),
    ],
)
def test_one_that_is_older_than_what_is_promised_is_not_taken(version: str, taken: bool) -> None:  # noqa: FBT001
    assert is_new_enough(version) == taken


def write_cli(folder: Path, version: str) -> Path:
    folder.mkdir(parents=True)
    for name in ("pulumi", "pulumi-language-python"):
        (folder / name).write_text(f"#!/bin/sh\necho {version}\n")
        (folder / name).chmod(0o755)
    return folder


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The CLI of the cache folder."""
    monkeypatch.setenv("ACIML_CACHE", str(tmp_path / "cache"))
    return write_cli(tmp_path / "cache/pulumi" / VERSION / "bin", f"v{VERSION}")


def test_one_on_path_is_taken(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = write_cli(tmp_path / "own", f"v{OLDEST}")
    monkeypatch.setenv("PATH", f"{own}:/usr/bin:/bin")

    assert ensure_pulumi() == own != kept


def test_an_old_one_on_path_is_named_and_passed_over(
    kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    old = write_cli(tmp_path / "old", "v3.100.0")
    monkeypatch.setenv("PATH", f"{old}:/usr/bin:/bin")

    assert ensure_pulumi() == kept
    assert f"{old}/pulumi is v3.100.0, older than {OLDEST}, and is not used" in capfd.readouterr().err


def test_the_module_that_it_is_built_of_is_that_version_and_the_pages_say_so() -> None:
    assert f"github.com/pulumi/pulumi/pkg/v3 v{VERSION}" in (PROJECT / "bootstrap/pulumi/go.mod").read_text()
    for page in ("README.md", "decisions/bootstrap-pulumi-cli.md"):
        text = (PROJECT / page).read_text()
        assert OLDEST in text, page
        assert VERSION in text, page
