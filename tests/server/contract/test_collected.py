"""What scripts keep by ``ModelDataCollector``, what is null in answers, and what a script may not find out."""

from __future__ import annotations

import csv
import json
import logging
from pathlib import Path

import pytest

from aciml_server.answers import to_json
from aciml_server.contract.monitoring import VARIABLE, ModelDataCollector

from ..conftest import Serve


def test_rows_are_kept_in_a_folder_with_their_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np
    import pandas as pd

    monkeypatch.setenv(VARIABLE, str(tmp_path))
    collector = ModelDataCollector("my/model", "inputs", ["a", "b"], model_version=3)

    collector.collect(np.array([[1, 2], [3, 4]]), "one")
    collector.collect(pd.DataFrame({"a": [5], "b": [6]}), "two")

    (path,) = (tmp_path / "my_model/inputs").iterdir()
    rows = list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
    assert [(row["correlation_id"], row["model_version"], row["a"], row["b"]) for row in rows] == [
        ("one", "3", "1", "2"), ("one", "3", "3", "4"), ("two", "3", "5", "6"),
    ]  # fmt: skip


def test_rows_go_to_the_log_and_nothing_is_kept_unasked(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.delenv(VARIABLE, raising=False)
    ModelDataCollector("m", "inputs").collect([[1]])
    monkeypatch.setenv(VARIABLE, "log")
    ModelDataCollector("m", "predictions").collect([1, 2])

    first, second = (record.getMessage() for record in caplog.records)
    assert first.startswith("inputs of m is not collected")
    assert json.loads(second.partition(" ")[2])["rows"] == [[1], [2]]


def test_what_is_no_number_is_null_in_frames_series_and_arrays() -> None:
    import numpy as np
    import pandas as pd

    nothing = float("nan")
    frame = pd.DataFrame({"x": [1.5, nothing], "y": ["a", None]})

    assert json.loads(to_json(frame)) == [{"x": 1.5, "y": "a"}, {"x": None, "y": None}]
    assert json.loads(to_json([frame.x, np.array([[1.0, np.inf]])])) == [[1.5, None], [[1.0, None]]]


def test_a_script_finds_no_key_in_proc(start: Serve) -> None:
    script = (
        "import os\n"
        "def run(raw_data):\n"
        "    text = open('/proc/%d/environ' % os.getppid(), 'rb').read()\n"
        "    return [b'ACIML_PRIMARY_KEY=' in text, b'the-key' in text, 'ACIML_PRIMARY_KEY' in os.environ]\n"
    )
    server = start(script, ACIML_PRIMARY_KEY="the-key-of-nobody", cold=True)

    answer = server.ask("POST", "/score", b"{}", {"Authorization": "Bearer the-key-of-nobody"})

    # root may read it, and what it reads is no key; another user may not even that
    assert answer.status == 500 or json.loads(answer.body)[1:] == [False, False]
