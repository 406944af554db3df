"""The same environment, built by other people on other machines: every digest is the same."""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
_DEADLINE = 120  # seconds for one build, which takes less than one


@dataclass(frozen=True)
class Circumstances:
    """What is different on another machine. ``needs`` says what is missing here, or nothing."""

    folder: str = "cache"
    before: tuple[str, ...] = ()
    python: str = sys.executable
    cpus: str = "all"
    user: str = ""
    umask: int = 0o022
    environ: dict[str, str] = field(default_factory=dict)
    needs: str = ""


def faketime() -> Circumstances:
    program = shutil.which("faketime")
    if program is None:
        return Circumstances(needs="the faketime program is not installed")
    # files keep their real times, and waiting is not disturbed
    environ = {"NO_FAKE_STAT": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    return Circumstances(before=(program, "-f", "+1y"), environ=environ)


def another_python(minor: str) -> Circumstances:
    """Return another Python with this one's packages: those needed are pure or use the stable ABI."""
    found = sorted((Path.home() / ".pyenv" / "versions").glob(f"{minor}.*/bin/python"))
    named = shutil.which(f"python{minor}")
    for program in [*map(str, found), *([named] if named else [])]:
        asked = subprocess.run(
            [program, "-c", "import sys, sqlite3; print(*sys.version_info[:2], sep='.')"],
            check=False,
            capture_output=True,
            text=True,
        )
        if asked.stdout.strip() == minor:
            return Circumstances(python=program)
    return Circumstances(needs=f"no Python {minor} is installed")


def one_cpu() -> Circumstances:
    return Circumstances(cpus="1", needs="" if hasattr(os, "sched_setaffinity") else "CPUs cannot be chosen here")


def another_user() -> Circumstances:
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return Circumstances(user="nobody", needs="" if root else "only root can become another user")


CASES: dict[str, Callable[[], Circumstances]] = {
    "in another folder": lambda: Circumstances(folder="elsewhere/żółw with a space/" + "long-" * 20),
    "with umask 077": lambda: Circumstances(umask=0o077),
    "with umask 000": lambda: Circumstances(umask=0),
    "by another user": another_user,
    "on one CPU": one_cpu,
    "a year later": faketime,
    "with another hash seed": lambda: Circumstances(environ={"PYTHONHASHSEED": "4711"}),
    "with SOURCE_DATE_EPOCH": lambda: Circumstances(environ={"SOURCE_DATE_EPOCH": "1"}),
    "in another language and time zone": lambda: Circumstances(
        environ={"LC_ALL": "C", "LANGUAGE": "pl", "TZ": "Pacific/Kiritimati"}
    ),
    "with Python 3.11": functools.partial(another_python, "3.11"),
    "with Python 3.12": functools.partial(another_python, "3.12"),
    "with Python 3.13": functools.partial(another_python, "3.13"),
}


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="aciml-determinism-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def mirror(home: Path, channel: Path) -> Path:
    return Path(shutil.copytree(channel, home / "channel"))


@pytest.fixture(scope="module")
def expected(home: Path, mirror: Path) -> str:
    return built(Circumstances(folder="first"), home, mirror.as_uri())


def built(here: Circumstances, home: Path, channel: str) -> str:
    """Return the facts of the layers as JSON, built under these circumstances in an empty cache."""
    cache = Path(tempfile.mkdtemp(dir=home)) / here.folder
    cache.mkdir(parents=True)
    for folder in (cache, *cache.parents):
        if folder == home:
            break
        folder.chmod(0o777)
    packages = [path for path in sys.path if path.endswith("site-packages")]  # and not this Python's own library
    paths = [str(ROOT / "provider"), str(ROOT), *packages]
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYTHONDONTWRITEBYTECODE": "1"}
    program = [here.python, str(Path(__file__).with_name("layers_program.py"))]
    done = subprocess.run(
        [*here.before, *program, channel, str(cache), here.cpus, here.user],
        env={**environ, "HOME": str(cache), **here.environ},
        umask=here.umask,
        check=False,
        capture_output=True,
        text=True,
        timeout=_DEADLINE,
    )
    assert done.returncode == 0, done.stderr
    assert not any(path.is_file() for path in (cache / "staging").rglob("*"))
    return done.stdout


@pytest.mark.parametrize("case", CASES)
def test_the_layers_of_an_environment_are_the_same_when_built(
    case: str, home: Path, mirror: Path, expected: str
) -> None:
    here = CASES[case]()
    if here.needs:
        pytest.skip(here.needs)

    assert built(here, home, mirror.as_uri()) == expected
    assert len(json.loads(expected)) > 3


class _Mirror(http.server.SimpleHTTPRequestHandler):
    """A mirror that takes any password, and any token in front of its paths."""

    def translate_path(self, path: str) -> str:
        return super().translate_path(re.sub(r"^/t/[^/]+/", "/", path))

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name in the standard library
        pass


@pytest.fixture(scope="module")
def port(mirror: Path) -> Iterator[int]:
    """Serve the folder of the mirror over HTTP on this machine."""
    handler = functools.partial(_Mirror, directory=str(mirror.parent))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    "place", ["127.0.0.1:{}", "someone:se%2Fcret@127.0.0.1:{}", "LocalHost:{}", "127.0.0.1:{}/t/tok-en"]
)
def test_the_layers_are_the_same_from_a_mirror_at(
    place: str, home: Path, mirror: Path, expected: str, port: int
) -> None:
    url = f"http://{place.format(port)}/{mirror.name}"

    assert built(Circumstances(folder="http"), home, url) == expected


def test_the_layers_are_the_same_from_a_folder_with_a_space(home: Path, mirror: Path, expected: str) -> None:
    """The URL of a folder may be written with the space as it is."""
    folder = shutil.copytree(mirror, home / "a mirror")

    assert built(Circumstances(), home, folder.as_uri()) == expected
    assert built(Circumstances(), home, f"file://{folder}") == expected
