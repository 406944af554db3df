"""The example `diabetes`: its files fit together."""

from __future__ import annotations

import json
import re
from pathlib import Path

EXAMPLE = Path(__file__).parents[2] / "examples" / "diabetes"


def test_the_model_is_trained_with_the_versions_of_the_image() -> None:
    trained = re.findall(r'"([\w-]+)==([\d.]+)"', (EXAMPLE / "train.py").read_text(encoding="utf-8"))
    image = re.findall(r"- ([\w-]+)=([\d.]+)\n", (EXAMPLE / "conda.yml").read_text(encoding="utf-8"))

    assert {name for name, _ in trained} == {"joblib", "numpy", "scikit-learn"}
    assert set(trained) <= set(image)


def test_the_sample_has_what_the_script_expects() -> None:
    rows = json.loads((EXAMPLE / "sample.json").read_text(encoding="utf-8"))["data"]
    script = (EXAMPLE / "score.py").read_text(encoding="utf-8")
    features = re.search(r"FEATURES = \((.*)\)", script)

    assert features
    assert [len(row) for row in rows] == [len(features[1].split(","))] * 2


def test_the_files_of_the_steps_are_in_the_context() -> None:
    assert (EXAMPLE / "context" / "service.conf").is_file()
