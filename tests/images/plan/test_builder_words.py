"""Steps that need BuildKit: told in check where nobody would build them, and only there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import Finding, OutageError
from aciml.images.plan.builder_words import judge_words_of_builder
from aciml.images.plan.sources import read_sources
from aciml.images.tools import Tools
from aciml.model.environment import Pins, read_environment
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget

WHERE = {"loginServer": "127.0.0.1:1", "repository": "r"}
MOUNT = "RUN --mount=type=cache,target=/c true"
LINK = "COPY --link . /all/"


class Engine:
    """As much of an engine as is asked what it is."""

    def __init__(self, version: str, **facts: Any) -> None:
        self._facts = {"Version": version, "ApiVersion": "1.41", "Os": "linux", **facts}

    def version(self) -> Mapping[str, Any]:
        return self._facts

    def close(self) -> None:
        pass


PODMAN = Engine("4.3.1", Components=[{"Name": "Podman Engine"}])
OLD = Engine("20.10.24+dfsg1")
NEW = Engine("28.5.1")
ANCIENT = Engine("17.09", ApiVersion="1.32")


def findings_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: list[str], engine: Engine | None, **more: Any
) -> list[Finding]:
    def connect(patience: float) -> Engine:
        assert patience <= 5
        if engine is None:
            raise OutageError("Docker does not answer", "start it")
        return engine

    monkeypatch.setattr("aciml.docker.engine.connect", connect)
    (tmp_path / "file").write_text("x")
    asked = read_environment(
        {**WHERE, "baseImage": "debian", "extraSteps": lines, "stepsContext": str(tmp_path), **more}
    )
    now = asked.but(pins=Pins(base_digest="sha256:a", steps_key="new"))
    target = MemoryTarget(tmp_path / "t.json")
    tools = Tools.of(target, Settings(tmp_path / "cache"))
    return judge_words_of_builder(tools, read_environment(WHERE), now, read_sources(now))


@pytest.mark.parametrize("engine", [OLD, NEW, PODMAN, None])
def test_an_engine_with_buildkit_is_right_and_one_that_is_away_is_not_judged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: Engine | None
) -> None:
    assert findings_of(tmp_path, monkeypatch, ["RUN true", MOUNT], engine) == []


def test_an_engine_without_it_is_told_with_the_step_and_how_to_write_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (found,) = findings_of(tmp_path, monkeypatch, ["RUN true", MOUNT], ANCIENT)

    assert found.where == "extraSteps[1]"
    assert "RUN --mount needs BuildKit, which this engine does not have; leave a cache out" in found.why


def test_what_only_a_newer_engine_knows_names_both_versions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (found,) = findings_of(tmp_path, monkeypatch, [MOUNT, LINK], OLD)

    assert found.where == "extraSteps[1]"
    assert "COPY --link needs Docker 23 or newer, and this engine is 20.10.24+dfsg1; remove the option" in found.why
    assert findings_of(tmp_path, monkeypatch, [MOUNT, LINK], NEW) == []
    assert findings_of(tmp_path, monkeypatch, [MOUNT, LINK], OLD, lintOff=["buildkit-only"]) == []
