"""The locks hold what pyproject.toml asks for, with hashes, and name no host."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.requirements import Requirement

from bootstrap.cache import PROJECT

LOCKS = ["requirements.txt", "requirements-dev.txt", "bootstrap/channel/wheels.txt"]
PYPROJECT = tomllib.loads((PROJECT / "pyproject.toml").read_text())


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_every_package_has_a_hash(name: str) -> None:
    text = (PROJECT / name).read_text()
    entries = re.findall(r"^[A-Za-z0-9_.-]+==(?:.*\\\n)*.*", text, re.MULTILINE)

    assert "://" not in text
    assert "index-url" not in text
    assert entries
    assert all("--hash=sha256:" in entry for entry in entries)


@pytest.mark.parametrize(
    ("lock", "wanted"),
    [
        ("requirements.txt", PYPROJECT["project"]["dependencies"]),
        ("requirements-dev.txt", PYPROJECT["project"]["dependencies"] + PYPROJECT["dependency-groups"]["dev"]),
    ],
)
def test_a_lock_is_as_pyproject_says(lock: str, wanted: list[str]) -> None:
    """Ranges are in pyproject.toml, one version of each in the lock."""
    locked = dict(re.findall(r"^([a-z0-9-]+)==(\S+)", (PROJECT / lock).read_text(), re.MULTILINE))
    asked = [Requirement(line) for line in wanted]

    assert [str(one) for one in asked if not one.specifier.contains(locked[one.name], prereleases=True)] == []


def test_the_second_lock_has_what_the_first_has() -> None:
    first, second = (set((PROJECT / name).read_text().splitlines()) for name in LOCKS[:2])

    assert {line for line in first if re.match(r"[A-Za-z0-9]", line)} <= second
