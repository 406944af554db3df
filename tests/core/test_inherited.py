"""Settings of a base that were meant for what the base ran."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.image import Image
from aciml.core.inherited import inherited_lines, without_inherited

PROBE = {"Test": ["CMD-SHELL", "curl -f http://localhost:8080/"], "Interval": 30_000_000_000}
LOADED = "/usr/lib/libjemalloc.so.2"


def image(env: dict[str, str] | None = None, **settings: Any) -> Image:
    return Image(settings=settings).with_env(**(env or {}))


@pytest.mark.parametrize(
    ("name", "value", "goes"),
    [
        ("StopSignal", "SIGQUIT", True),
        ("StopSignal", "SIGRTMIN+3", True),
        ("StopSignal", "9", True),
        ("StopSignal", "SIGTERM", False),
        ("StopSignal", "sigint", False),
        ("StopSignal", "15", False),
        ("Healthcheck", PROBE, True),
        ("Healthcheck", {"Test": ["NONE"]}, False),
        ("WorkingDir", "/work", False),
    ],
)
def test_what_was_meant_for_the_bases_own_program_is_reset_and_said(name: str, value: Any, *, goes: bool) -> None:
    base = image(**{name: value})

    found = without_inherited(base, base, python=True)

    assert (name not in found.settings) is goes
    assert len(inherited_lines(base, python=True)) == goes
    assert goes or found == base


def test_what_a_step_says_stays() -> None:
    base = image({"PYTHONHOME": "/usr"}, StopSignal="SIGQUIT", Healthcheck=PROBE)
    steps = image({"PYTHONHOME": "/opt"}, StopSignal="SIGUSR1", Healthcheck={"Test": ["CMD", "true"]})

    assert without_inherited(steps, base, python=True) == steps


@pytest.mark.parametrize("python", [True, False])
def test_the_home_of_another_python_is_reset_where_there_is_one_of_our_own(*, python: bool) -> None:
    base = image({"A": "1", "PYTHONHOME": "/usr", "B": "2"})

    found = without_inherited(base, base, python=python)

    assert found.env() == ({"A": "1", "B": "2"} if python else base.env())
    assert [("PYTHONHOME=/usr" in line) for line in inherited_lines(base, python=python)] == [True] * python


def test_a_library_that_is_loaded_everywhere_is_kept_and_said() -> None:
    base = image({"LD_PRELOAD": LOADED})

    assert without_inherited(base, base, python=True) == base
    said = inherited_lines(base, python=True)
    assert len(said) == 1
    assert f"LD_PRELOAD={LOADED}" in said[0]
    assert "ENV LD_PRELOAD=" in said[0]
