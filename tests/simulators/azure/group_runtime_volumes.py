"""Volumes of a container group: folders of a share, empty folders, secrets as files, clones."""

from __future__ import annotations

import base64
import io
import subprocess
import tarfile
import tempfile
import uuid
from pathlib import Path
from typing import Any

from .group_runtime_engine import Engine

Json = dict[str, Any]


class Volumes:
    """What one group mounts. Empty folders live as long as the group, secrets and clones as long as its body."""

    def __init__(self, engine: Engine, shares: Path) -> None:
        self._engine, self._shares = engine, shares
        self._sources: dict[str, str] = {}
        self._fixed: set[str] = set()
        self._kept: dict[str, str] = {}
        self._fresh: list[str] = []

    def prepare(self, volumes: list[Json]) -> None:
        """Make what the body names; what an earlier body had stays until ``drop``.

        Raises:
            OSError: a clone failed; the message says why.
        """
        self._sources, self._fixed = {}, set()
        for each in volumes:
            name = each["name"]
            if each.get("azureFile") is not None:
                self._sources[name] = str(self._share(each["azureFile"]))
                if each["azureFile"].get("readOnly"):
                    self._fixed.add(name)
            elif each.get("secret") is not None:
                files = {key: base64.b64decode(value) for key, value in each["secret"].items()}
                self._sources[name] = self._filled(files)
                self._fixed.add(name)
            elif each.get("gitRepo") is not None:
                self._sources[name] = self._filled(None, _clone(each["gitRepo"]))
            else:
                if name not in self._kept:
                    self._kept[name] = self._filled({}, keep=True)
                self._sources[name] = self._kept[name]

    def binds(self, mounts: list[Json]) -> list[str]:
        """Return Docker's words for the mounts of a container."""
        return [f"{self._sources[each['name']]}:{each['mountPath']}:{self._mode(each)}" for each in mounts]

    def drop(self, keep: int = 0) -> None:
        """Remove the volumes; ``keep`` is how many of the newest secrets and clones stay, with all empty folders."""
        old = self._fresh[: len(self._fresh) - keep]
        self._fresh = self._fresh[len(old) :]
        for name in old:
            self._engine.remove_volume(name)
        if not keep:
            for name in self._kept.values():
                self._engine.remove_volume(name)
            self._kept.clear()

    def fresh(self) -> int:
        """Return how many of the newest secrets and clones the body has."""
        return len([each for each in self._sources.values() if each in self._fresh])

    def _mode(self, mount: Json) -> str:
        return "ro" if mount.get("readOnly") or mount["name"] in self._fixed else "rw"

    def _share(self, share: Json) -> Path:
        folder: Path = self._shares / share["storageAccountName"] / share["shareName"]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _filled(self, files: dict[str, bytes] | None, archive: bytes = b"", *, keep: bool = False) -> str:
        name = f"aciml-{self._engine.mark}-{uuid.uuid4().hex[:12]}"
        self._engine.fill(name, files, archive)
        if not keep:
            self._fresh.append(name)
        return name


def _clone(volume: Json) -> bytes:
    """Return a tar of a clone, in the folder that the volume names."""
    with tempfile.TemporaryDirectory() as folder:
        where = volume.get("directory") or volume["repository"].rstrip("/").rpartition("/")[2].removesuffix(".git")
        _git("clone", "--quiet", volume["repository"], str(Path(folder, where)), at=folder)
        if volume.get("revision"):
            _git("checkout", "--quiet", volume["revision"], at=str(Path(folder, where)))
        data = io.BytesIO()
        with tarfile.open(fileobj=data, mode="w") as tar:
            for path in sorted(Path(folder).iterdir()):
                tar.add(path, path.name)
        return data.getvalue()


def _git(*words: str, at: str) -> None:
    done = subprocess.run(["git", *words], cwd=at, check=False, capture_output=True, text=True)
    if done.returncode:
        raise OSError(f"git {words[0]}: {done.stderr.strip()}")
