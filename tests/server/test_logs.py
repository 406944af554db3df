"""What is in the log: one line per request, what user code says, and nothing private."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aciml_server.printed import Lines
from aciml_server.sheet import Sheet

from .conftest import PYTHONS, Running, Serve

ECHO = "def run(raw_data): return raw_data"
TALKS = """
import json, logging, os, sys
os.dup2(2, 1)  # the test reads stderr

def run(raw_data):
    print("printed", raw_data)
    logging.getLogger("mine").warning("logged %s", raw_data, extra={"size": len(raw_data)})
    if raw_data == "bad":
        raise ValueError("why\\nnot")
    return raw_data
"""


def stop(server: Running) -> list[str]:
    """End a server; return its whole log."""
    server.process.send_signal(signal.SIGTERM)
    assert server.end() == 0
    return server.log


def objects(server: Running) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stop(server)]


def test_lines_have_the_size_of_the_answer_and_come_in_order(start: Serve) -> None:
    server = start(ECHO)
    for count in range(20):
        server.ask("POST", "/score", b"x" * count)
    lines = [line for line in stop(server) if "aciml.access" in line]

    assert [line.split()[-2] for line in lines] == [str(count + 2) for count in range(20)]  # with its quotes
    assert lines == sorted(lines, key=lambda line: line[:23])


def test_a_path_cannot_forge_a_line(start: Serve) -> None:
    server = start(ECHO)
    server.ask("GET", "/none%0a2026-01-01%1b[31m?secret")
    lines = [line for line in stop(server) if "aciml.access" in line]

    assert "GET /none%0a2026-01-01%1b[31m 404 " in lines[0]
    assert all(line.isascii() and line.isprintable() for line in lines)


def test_each_line_of_json_logs_is_one_object(start: Serve) -> None:
    server = start(TALKS, ACIML_LOG_FORMAT="json")
    ids = {"x-request-id": 'one "id"', "traceparent": f"00-{'a' * 32}-{'b' * 16}-01"}
    server.ask("POST", "/score?secret=1", b"good", ids)
    server.ask("POST", "/score", b"bad")
    found = objects(server)

    access = [one for one in found if one.get("logger") == "aciml.access"]
    assert [(one["method"], one["path"], one["status"], one["bytes"]) for one in access] == [
        ("POST", "/score", 200, 6),
        ("POST", "/score", 500, access[1]["bytes"]),
    ]
    assert access[0]["request_id"] == 'one "id"'
    assert access[0]["duration_ms"] >= access[0]["run_ms"] >= 0
    printed = [one for one in found if one.get("stream") == "stdout"]
    assert [(one["message"], one["request_id"]) for one in printed] == [
        ("printed good", 'one "id"'),
        ("printed bad", access[1]["request_id"]),
    ]
    logged = next(one for one in found if one.get("logger") == "mine")
    assert (logged["message"], logged["level"], logged["size"]) == ("logged good", "WARNING", 4)
    assert (logged["trace_id"], logged["request_id"]) == ("a" * 32, 'one "id"')
    failed = next(one for one in found if one.get("logger") == "aciml.run")
    assert failed["exception"].startswith("Traceback")
    assert failed["exception"].endswith("ValueError: why\nnot")
    assert "secret" not in json.dumps(found)


@pytest.mark.parametrize("version", PYTHONS)
def test_a_failing_init_is_one_object_in_json_logs(start: Serve, version: str) -> None:
    script = "def init():\n    import nowhere_to_be_found\ndef run(raw_data): ..."
    server = start(script, version=version, listening=False, ACIML_LOG_FORMAT="json")
    assert server.end() == 3
    found = [json.loads(line) for line in server.log]

    assert found[-1]["message"] == "init() raised ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    assert found[-2]["message"].startswith("to mend it: add nowhere_to_be_found to conda.yml (dependencies, or its pip")
    traceback = found[-3]["message"].splitlines()
    assert traceback[0] == "Traceback (most recent call last):"
    assert traceback[-1] == "ModuleNotFoundError: No module named 'nowhere_to_be_found'"


def test_the_level_is_that_of_the_variable(start: Serve) -> None:
    script = "import logging\ndef run(raw_data): logging.getLogger('mine').debug('a detail')"
    logs = []
    for level in ("debug", "INFO", "loud"):
        server = start(script, AZUREML_LOG_LEVEL=level)
        server.ask("POST", "/score", b"good")
        logs.append("\n".join(stop(server)))

    assert ["D [" in log and "mine - a detail" in log for log in logs] == [True, False, False]
    assert "'loud', which is no level" in logs[2]


def test_a_config_of_logging_replaces_that_of_workers(start: Serve) -> None:
    config = {
        "version": 1,
        "formatters": {"plain": {"format": "MINE %(name)s %(message)s"}},
        "handlers": {"err": {"class": "logging.StreamHandler", "formatter": "plain"}},
        "root": {"level": "WARNING", "handlers": ["err"]},
    }
    for place in ("logging.json", "src/logging.json"):
        server = start(TALKS, {place: json.dumps(config)})
        server.ask("POST", "/score", b"bad")
        log = stop(server)

        assert "MINE mine logged bad" in log
        assert "MINE aciml.run run() raised" in log  # though the file does not name this logger
        assert any("aciml.access - POST /score 500" in line for line in log)


def test_a_wrong_config_of_logging_is_told_and_left_out(start: Serve) -> None:
    server = start(TALKS, {"logging.json": '{"version": 7}'})
    assert server.ask("POST", "/score", b"good").status == 200
    log = stop(server)

    assert any("logging.json does not configure logging, and is left out: " in line for line in log)
    assert any("mine - logged good" in line for line in log)


@pytest.mark.parametrize("form", ["text", "json"])
def test_payloads_are_shown_when_asked_for_and_only_their_beginning(start: Serve, form: str) -> None:
    server = start(ECHO, ACIML_LOG_PAYLOADS="true", ACIML_LOG_FORMAT=form)
    server.ask("POST", "/score", b"begin\n" + b"x" * 20_000 + b"end")
    server.ask("POST", "/score", b"\xff\xfe")
    log = "\n".join(stop(server))

    assert log.count("begin\\") >= 2
    assert "xend" not in log
    assert "<binary>" in log


def test_no_access_log_when_it_is_switched_off(start: Serve) -> None:
    server = start(ECHO, ACIML_ACCESS_LOG="false")
    server.ask("POST", "/score", b"x")

    assert not [line for line in stop(server) if "aciml.access" in line]


def test_nobody_waits_for_a_log_that_is_not_read(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    sheet = Sheet(writing)
    for number in range(100_000):
        sheet.write(b"%06d " % number + b"x" * 92 + b"\n")

    dropped = sheet.dropped
    assert dropped > 0
    got = b""
    while sheet.waits or not got:
        got += os.read(reading, 65536)
        sheet.flush()
    sheet.line(b"last\n")
    os.close(writing)
    with os.fdopen(reading, "rb") as rest:
        lines = (got + rest.read()).splitlines()
    assert lines[-1] == b"last"
    assert [int(line.split()[0]) for line in lines[:-1]] == list(range(100_000 - dropped))  # the first ones, whole


def taken(use: Callable[[Lines], object]) -> list[str]:
    found: list[str] = []

    class Nothing:
        encoding = "utf-8"

        def flush(self) -> None: ...

    use(Lines(Nothing(), found.append, echo=False))
    return found


def test_printed_text_is_taken_line_by_line() -> None:
    def use(lines: Lines) -> None:
        lines.write("a")
        lines.write("b\nc\n\nd")
        lines.flush()
        assert lines.encoding == "utf-8"

    assert taken(use) == ["ab", "c", "d"]


def test_a_printed_traceback_is_one() -> None:
    text = 'Traceback (most recent call last):\n  File "x", line 1\n    boom\nValueError: no\n'

    assert taken(lambda lines: lines.write("before\n" + text + "after\n")) == ["before", text.rstrip("\n"), "after"]


def test_the_id_of_a_request_is_in_the_access_log_and_beside_what_is_said_of_it(start: Serve) -> None:
    server = start(
        "import logging\ndef run(raw_data):\n    logging.getLogger('mine').warning('hm')\n    raise ValueError"
    )
    server.ask("POST", "/score", b"{}", {"x-request-id": "the-id"})
    lines = stop(server)

    assert [line.rpartition(" ")[2] for line in lines if "aciml.access" in line] == ["the-id"]
    assert any(line.endswith("mine - hm (request the-id)") for line in lines)
    assert any(line.endswith("aciml.run - run() raised (request the-id)") for line in lines)


@pytest.mark.parametrize(
    "call",
    [
        "config.dictConfig({'version': 1})",
        "config.dictConfig({'version': 1, 'root': {'level': 'CRITICAL', 'handlers': []}})",
        "disable(logging.CRITICAL)",
    ],
)
def test_a_script_that_configures_logging_loses_no_traceback(start: Serve, call: str) -> None:
    script = f"import logging.config\ndef init():\n    logging.{call}\ndef run(raw_data): return 1/0"
    server = start(script)
    server.ask("POST", "/score", b"{}")

    assert any("ZeroDivisionError" in line for line in stop(server))


HINTS = [
    ("import pkg_resources_of_nobody", "add pkg_resources_of_nobody to conda.yml"),
    ("raise ModuleNotFoundError(\"No module named 'pkg_resources'\")", "add setuptools<81 to conda.yml"),
    ("raise ImportError('libGL.so.1: cannot open shared object file: No such file')", "opencv-python-headless"),
    ("raise OSError('libgomp.so.1: cannot open shared object file: No such file')", "add libgomp to the dependencies"),
    ("raise ImportError('numpy.core.multiarray failed to import')", "write numpy<2"),
    ("raise ModuleNotFoundError(\"No module named 'sklearn.linear_model.base'\")", "pickled by another scikit-learn"),
    ("raise ModuleNotFoundError(\"No module named 'cv2'\")", "add opencv-python-headless (pip) or opencv (conda)"),
    ("raise PermissionError(13, 'Permission denied', '/opt/x')", "run_as_root: true"),
]


ERRORS: list[tuple[BaseException, str]] = [
    (AttributeError("Can't get attribute 'MyModel' on <module '__main__'>"), "put MyModel into a module of the source"),
    (AttributeError("'SimpleImputer' object has no attribute '_fill_dtype'"), "pickled by another scikit-learn"),
    (AttributeError("'XGBModel' object has no attribute 'use_label_encoder'"), "pickled by another xgboost"),
    (AttributeError("module 'pandas' has no attribute 'Int64Index'"), "write pandas<2"),
    (RuntimeError("Numpy is not available"), "write numpy<2"),
    (OSError("sndfile library not found"), "libsndfile1"),
    (ImportError("libSM.so.6: cannot open shared object file"), "libsm6"),
    (ImportError("libodbc.so.2: cannot open shared object file"), "unixodbc"),
    (ImportError("libcublas.so.11: cannot open shared object file"), "a build for GPUs"),
    (ModuleNotFoundError("No module named 'imp'"), "python=3.11"),
    (AttributeError("module 'pkgutil' has no attribute 'ImpImporter'"), "setuptools>=67"),
    (ImportError("cannot import name 'Mapping' from 'collections' (x)"), "python=3.9"),
    (ImportError("cannot import name 'Markup' from 'jinja2' (x)"), "jinja2<3.1"),
    (AttributeError("module 'lib' has no attribute 'X509_V_FLAG_NOTIFY_POLICY'"), "pyopenssl>=23.2"),
    (ValueError("invalid load key, 'v'."), "git lfs pull"),
    (EOFError("Ran out of input"), "empty or cut off"),
    (LookupError("\n  Resource \x1b[93mpunkt\x1b[0m not found.\n"), "downloader -d /usr/share/nltk_data punkt"),
    (OSError("[E050] Can't find model 'en_core_web_sm'."), "the wheel of en_core_web_sm"),
    (OSError("We couldn't connect to 'https://huggingface.co' to load this file"), "put the model's files into models"),
    (ValueError("File format not supported: filepath=m. Keras 3 only supports V3"), "keras<3"),
    (ValueError("Unknown layer: 'Custom'"), "custom_objects"),
    (OSError(28, "No space left on device"), "mount a volume"),
    (KeyError("AZUREML_MODEL_DIR"), "name them in models"),
    (ValueError("of the script's own"), ""),
    (KeyError("model"), ""),
]


@pytest.mark.parametrize(("error", "expected"), ERRORS, ids=[str(error)[:40] for error, _ in ERRORS])
def test_usual_causes_of_models_and_their_packages_are_told(error: BaseException, expected: str) -> None:
    from aciml_server import remedies

    told = remedies.of(error)

    assert expected in told if expected else told == ""


@pytest.mark.parametrize(("line", "expected"), HINTS)
def test_usual_causes_of_a_failing_init_are_told_with_the_line_that_mends_them(line: str, expected: str) -> None:
    from aciml_server import remedies

    caught: BaseException = AssertionError()
    try:
        exec(line)
    except (ImportError, OSError) as error:
        caught = error

    assert expected in remedies.of(caught)
