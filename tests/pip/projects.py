"""Small real Python projects that bring their own build backend: they are built without an index."""

from __future__ import annotations

import io
import os
import subprocess
import tarfile
from pathlib import Path

# PEP 517, "In-tree build backends"
_PROJECT = """[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "{name}"
version = "{version}"
dependencies = {requires}
"""
_BACKEND = """
import pathlib, time, zipfile
def build_wheel(folder, config_settings=None, metadata_directory=None):
    pathlib.Path({witness!r}).open("a").write("built ")
    name, info = "{name}-{version}-{tag}.whl", "{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {{one}}\\n" for one in {requires})
    files = {{
        "{name}.py": pathlib.Path("{name}.py").read_text(),
        f"{{info}}/METADATA": "Metadata-Version: 2.1\\nName: {name}\\nVersion: {version}\\n" + needs,
        f"{{info}}/WHEEL": f"Wheel-Version: 1.0\\nGenerator: {{time.time()}}\\nRoot-Is-Purelib: true\\nTag: {tag}\\n",
        f"{{info}}/RECORD": "",
    }}
    with zipfile.ZipFile(pathlib.Path(folder) / name, "w", zipfile.ZIP_DEFLATED) as wheel:
        for path, text in files.items():
            wheel.writestr(zipfile.ZipInfo(path, time.localtime()[:6]), text)
    return name
"""


def make_project(
    folder: Path,
    name: str,
    version: str = "1.0",
    *,
    requires: tuple[str, ...] = (),
    tag: str = "py3-none-any",
    files: dict[str, str] | None = None,
) -> Path:
    """Write a project, and return its folder; its backend writes ``built`` into the file ``built`` beside the folder.

    Its wheel has the clock in it, as those of real backends have.
    """
    folder.mkdir(parents=True)
    witness = str(folder.parent / "built")
    words = {"name": name, "version": version, "requires": list(requires), "tag": tag, "witness": witness}
    content = {
        "pyproject.toml": _PROJECT.format(**words),
        "backend.py": _BACKEND.format(**words),
        f"{name}.py": f"version = {version!r}\n",
        **(files or {}),
    }
    for path, text in content.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


def make_sdist(project: Path, into: Path, name: str, version: str = "1.0") -> Path:
    """Pack a project as an index has it."""
    path = into / f"{name}-{version}.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        archive.add(project, f"{name}-{version}")
        text = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
        info = tarfile.TarInfo(f"{name}-{version}/PKG-INFO")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text))
    return path


def commit(folder: Path, tag: str = "") -> str:
    """Put all of a folder into a commit of a Git repository there, and return its name."""

    def git(*words: str) -> str:
        who = {f"GIT_{role}_{what}": "x@y" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run(["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    if not (folder / ".git").is_dir():
        git("init", "--quiet", "--initial-branch", "main")
    git("add", "--all")
    git("commit", "--quiet", "--message", "state")
    if tag:
        git("tag", tag)
    return git("rev-parse", "HEAD")
