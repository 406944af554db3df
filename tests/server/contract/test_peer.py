"""The rows of the contract against v1's own server: where it differs from ours, that is meant, and here is why."""

from __future__ import annotations

import hashlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from platformdirs import user_cache_path

from ..conftest import PATIENCE, Running
from .contract_table import ROWS, SCRIPTS, Row
from .test_contract import check

PACKAGES = ("azureml-inference-server-http==1.5.1", "inference-schema[numpy-support,pandas-support]==1.8")
FORM = "Flask takes a form's body away, and run silently gets an empty text"
MORE = "v1 answers 500 to a result that we can write"
EXITS = "v1's worker dies of it"
NOT_CALLED = "x-ms-run-function-failed is in answers to calls alone"
CONVERSION = "what a client sent wrong is told as the client's error; v1 says 500"
DIFFERENCES = {
    "text of a form": FORM,
    "no such path": NOT_CALLED,
    "health is for GET": NOT_CALLED,
    "PUT": NOT_CALLED,
    "OPTIONS runs nothing": NOT_CALLED,
    "a set": MORE,
    "bytes": MORE,
    "a generator": MORE,
    "sys.exit in run": EXITS,
    "an interrupt in run": EXITS,
    "headers in any case": "request_headers are found in any case",
    "a wrong type": CONVERSION,
    "a wrong type inside": CONVERSION,
    "an array of another shape": CONVERSION,
    "no array": CONVERSION,
    "no numbers": CONVERSION,
    "JSON not in UTF-8": CONVERSION,
    "JSON too deep": CONVERSION,
    "coroutine": "v1 does not know coroutines",
}


@pytest.fixture(scope="session")
def python() -> Path:
    """Install v1's server into an environment of its own, kept in the user's cache; skip if no index answers."""
    from uv import find_uv_bin

    key = hashlib.sha256("\n".join((sys.version, *PACKAGES)).encode()).hexdigest()[:16]
    folder = user_cache_path("aciml") / "test-peers" / key
    program = folder / "bin" / "python"
    if program.exists():
        return program
    uv = find_uv_bin()
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, folder], check=True)
    done = subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", program, *PACKAGES], check=False, capture_output=True, text=True
    )
    if done.returncode:
        shutil.rmtree(folder)
        pytest.skip("the package index does not give v1's server: " + " ".join(done.stderr.split())[:300])
    return program


@pytest.fixture(scope="session")
def peer_of(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], Running]]:
    """Return v1's server with a script."""
    running: dict[str, Running] = {}

    def peer(name: str) -> Running:
        if name not in running:
            running[name] = _start(python, tmp_path_factory.mktemp("peer"), SCRIPTS[name])
        return running[name]

    yield peer
    for one in running.values():
        one.process.terminate()
        one.process.wait(PATIENCE)


def _start(python: Path, root: Path, script: str) -> Running:
    (root / "score.py").write_text(script, encoding="utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command: list[str | Path] = [
        python,
        "-m",
        "azureml_inference_server_http",
        "--entry_script",
        "score.py",
        "--port",
        str(port),
    ]
    env = {"PATH": str(python.parent), "HOME": str(root), "AML_APP_ROOT": str(root)}
    with (root / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=root, env=env, stdout=log, stderr=log)
    running = Running(process, port=port)  # type: ignore[arg-type]  # its log is a file
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        try:
            if running.ask("GET", "/").status == 200:
                return running
        except OSError:
            assert process.poll() is None, (root / "log").read_text()
            time.sleep(0.02)
    raise AssertionError((root / "log").read_text())


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_v1_keeps_the_same_contract(peer_of: Callable[[str], Running], row: Row) -> None:
    peer = peer_of(row.script)
    why = DIFFERENCES.get(row.name)
    try:
        reply = peer.ask(row.method, row.target, row.body, row.headers)
    except OSError:
        assert why is not None
        return

    if why is None:
        check(row, reply)
    else:
        with pytest.raises((AssertionError, ValueError)):  # if it does not differ, it is not in the list
            check(row, reply)


def test_each_difference_is_a_row() -> None:
    assert set(DIFFERENCES) <= {row.name for row in ROWS}
