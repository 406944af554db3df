"""The examples: their files fit together, and their scripts answer in old and new Pythons."""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
from pathlib import Path

import pytest

from tests.server.conftest import Running, Serve, interpreter, packages

EXAMPLES = Path(__file__).parents[2] / "examples"
DIABETES = EXAMPLES / "diabetes"
MODEL = ("joblib", "scikit-learn", "fastjsonschema")
VERSIONS = ("3.8", "3.11", "3.13")
TRAIN = """\
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import train
train.MODEL = Path(sys.argv[2])
train.train()
"""
every_version = pytest.mark.parametrize("version", VERSIONS)


def test_the_model_is_trained_with_the_versions_of_the_image() -> None:
    trained = re.findall(r'"([\w-]+)==([\d.]+)"', (DIABETES / "train.py").read_text(encoding="utf-8"))
    image = re.findall(r"- ([\w-]+)=([\d.]+)\n", (DIABETES / "conda.yml").read_text(encoding="utf-8"))

    assert {name for name, _ in trained} == {"joblib", "numpy", "scikit-learn"}
    assert set(trained) <= set(image)


def test_the_sample_has_what_the_script_expects() -> None:
    rows = json.loads((DIABETES / "sample.json").read_text(encoding="utf-8"))["data"]
    script = (DIABETES / "score.py").read_text(encoding="utf-8")
    features = re.search(r"FEATURES = \((.*)\)", script)

    assert features
    assert [len(row) for row in rows] == [len(features[1].split(","))] * 2


def test_the_files_of_the_steps_are_in_the_context() -> None:
    assert (DIABETES / "context" / "service.conf").is_file()


def test_every_example_says_what_it_is_and_needs() -> None:
    folders = [path for path in EXAMPLES.iterdir() if path.is_dir()]

    assert len(folders) >= 10
    for folder in folders:
        is_program = (folder / "Pulumi.yaml").is_file()
        needed = ("README.md", *(["train.py", "Pulumi.local.yaml"] if is_program else []))
        assert all((folder / name).is_file() for name in needed), folder
        assert any(path.name in ("conda.yml", "requirements.txt") for path in folder.rglob("*")), folder
        assert any(folder.glob("src/*.py")) if is_program else (folder / "score.py").is_file(), folder


@pytest.mark.parametrize("version", [VERSIONS[0], VERSIONS[-1]])  # to train takes seconds in each
def test_diabetes(start: Serve, tmp_path: Path, version: str) -> None:
    program = interpreter(version)
    command = [program, "-c", TRAIN, str(DIABETES), str(tmp_path / "diabetes.joblib")]
    subprocess.run(command, check=True, env={"PYTHONPATH": str(packages(program, MODEL))})
    server = start(script_of("diabetes"), version=version, wanted=MODEL, AZUREML_MODEL_DIR=str(tmp_path))

    answer = server.ask("POST", "/score", (DIABETES / "sample.json").read_bytes(), {"Content-Type": "application/json"})
    assert answer.status == 200
    assert json.loads(answer.body)["predictions"] == pytest.approx([208.2, 66.6], abs=1)
    wrong = server.ask("POST", "/score", b'{"data": [[1]]}')
    assert (wrong.status, json.loads(wrong.body)) == (400, {"error": "data.data[0] must contain at least 10 items"})
    assert [server.ask("POST", "/score", body).status for body in (b"", b"{", b"[]")] == [400, 400, 400]


@every_version
def test_batched_network(start: Serve, version: str) -> None:
    server = start(script_of("batched-network"), version=version, wanted=("numpy",))

    row = [0.5] * 32
    first = post(server, json.dumps(row).encode())
    assert isinstance(first, float)
    assert post(server, npy(row), "application/x-npy") == pytest.approx(first)
    assert post(server, b"[1, 2]") == {"error": "give 32 numbers"}
    assert server.ask("POST", "/score", b"[1", {"Content-Type": "application/json"}).status == 400


@every_version
def test_streamed_words(start: Serve, version: str) -> None:
    server = start(script_of("streamed-words"), version=version)

    answer = server.ask("POST", "/score", b'{"prompt": "one two three"}')
    assert answer.status == 200
    assert answer.headers["transfer-encoding"] == "chunked"
    assert answer.body == b"one\ntwo\nthree\n"


@every_version
def test_raw_images(start: Serve, version: str) -> None:
    server = start(script_of("raw-images"), version=version)

    image = b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", 640, 480)
    answer = server.ask("POST", "/score", image, {"Content-Type": "image/png"})
    assert (answer.status, answer.headers["x-kind"]) == (200, "png")
    assert json.loads(answer.body) == {"width": 640, "height": 480}
    assert server.ask("POST", "/score", b"GIF89a").status == 415
    assert server.ask("GET", "/score").status == 200


def script_of(example: str) -> str:
    return (EXAMPLES / example / "score.py").read_text(encoding="utf-8")


def post(server: Running, body: bytes, content_type: str = "application/json") -> object:
    answer = server.ask("POST", "/score", body, {"Content-Type": content_type})
    assert answer.status == 200, answer
    return json.loads(answer.body)


def npy(row: list[float]) -> bytes:
    """Return numpy's file format, version 1.0, of a row of float64."""
    header = repr({"descr": "<f8", "fortran_order": False, "shape": (len(row),)}).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    sink = io.BytesIO()
    sink.write(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + struct.pack(f"<{len(row)}d", *row))
    return sink.getvalue()
