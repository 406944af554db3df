"""Each phase says when it begins, and how long it took when it is done."""

from __future__ import annotations

import time

import pytest

from bootstrap.say import phase, spoken_seconds


@pytest.mark.parametrize(
    ("seconds", "spoken"), [(0.04, "0.0 s"), (3.14, "3.1 s"), (9.96, "10 s"), (119, "119 s"), (185, "3 min 5 s")]
)
def test_times_are_said_as_people_say_them(seconds: float, spoken: str) -> None:
    assert spoken_seconds(seconds) == spoken


def test_a_phase_tells_its_time(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "monotonic", iter([100.0, 112.3]).__next__)
    with phase("making .venv"):
        pass

    assert capfd.readouterr().err == "bootstrap: making .venv ...\nbootstrap: making .venv (12 s)\n"


def test_a_phase_that_failed_does_not_say_that_it_is_done(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ValueError, match="no"), phase("making .venv"):
        raise ValueError("no")

    assert capfd.readouterr().err == "bootstrap: making .venv ...\n"
