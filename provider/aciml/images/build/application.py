"""The layers of a service: its models, and the server with the scoring source."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from ...blobs.catalog import Catalog
from ...blobs.gzip import KEY
from ...blobs.store import BlobStore, write_layer
from ...core.compose import APP_ROOT, SERVER_ROOT, Model, content_hash
from ...core.context import FileEntry
from ...core.image import Layer
from ...core.layer import FOLDER_TIME, WRITER, Entry
from ...core.progress import Progress
from ...docker.context import walk
from ...server_files import SERVER

IGNORE_FILES = (".dockerignore", ".amlignore")
_UI_PACKAGE, _UI_FOLDER = "flask_swagger_ui", "aciml_server/static"
_UI_FILES = ("LICENSE", "swagger-ui-bundle.js", "swagger-ui.css")
_WHOLE = 1 << 20  # files up to this many bytes are hashed each time; larger ones only when stat says they changed


@dataclass(frozen=True)
class Tree:
    """A folder or file of this machine, and the folder below the image's root that it becomes."""

    into: str
    files: tuple[FileEntry, ...]

    def hashes(self, catalog: Catalog) -> dict[str, str]:
        """Return the content hash of each file, with its execute bit, by path."""
        return {entry.path: _hash_of(entry, catalog) for entry in self.files}

    def entries(self) -> Iterator[Entry]:
        """Return what goes into the layer; times are a constant, so that a fresh checkout makes equal bytes."""
        for file in self.files:
            path = f"{self.into}/{file.path}"
            if file.link:
                yield Entry(path, "symlink", target=file.link)
            else:
                mode = 0o755 if file.executable else 0o644
                yield Entry(path, "file", mode, FOLDER_TIME, file.size, partial(_open, file.source))


def source_tree(folder: Path) -> Tree:
    """Return the scoring source, without what its ignore files name."""
    return Tree(f"{APP_ROOT}/{source_name(folder)}".lstrip("/"), tuple(walk(folder, IGNORE_FILES)))


def source_name(folder: Path) -> str:
    """Return the source folder's name in the image; that of a checkout, which differs by machine, is not taken."""
    return Path(os.path.normpath(folder)).name or "source"


def server_tree() -> Tree:
    """Return the scoring server, with the Swagger UI of its page ``/docs`` if it is installed here."""
    files = tuple(entry for entry in walk(SERVER, ()) if entry.path.endswith(".py"))
    return Tree(SERVER_ROOT.lstrip("/"), (*files, *_swagger_ui()))


def _swagger_ui() -> Iterator[FileEntry]:
    spec = find_spec(_UI_PACKAGE)  # the package is not imported
    if spec is None or spec.origin is None:
        return
    for name in _UI_FILES:
        source = Path(spec.origin).parent / "dist" / name
        if source.is_file():
            yield FileEntry(f"{_UI_FOLDER}/{name}", source, executable=False, size=source.stat().st_size)


def model_tree(model: Model, path: Path) -> Tree:
    """Return a model, a file or a folder, below its name and version."""
    if path.is_dir():
        return Tree(f"{model.folder}/{path.name}".lstrip("/"), tuple(walk(path, ())))
    files = tuple(entry for entry in walk(path.parent, ()) if entry.path == path.name)
    return Tree(model.folder.lstrip("/"), files)


def tree_hash(trees: list[Tree], catalog: Catalog) -> str:
    """Return one hash over places and contents."""
    return content_hash({f"{t.into}/{path}": digest for t in trees for path, digest in t.hashes(catalog).items()})


def tree_layer(trees: list[Tree], what: str, *, store: BlobStore, catalog: Catalog, progress: Progress) -> Layer:
    """Return the layer of the trees, packed only if it was not packed before from the same contents."""
    key = f"tree-{tree_hash(trees, catalog)}-{WRITER}-{KEY}"
    known = catalog.layer(key)
    if known and store.has(known.digest, known.size):
        return known
    layer = write_layer((entry for tree in trees for entry in tree.entries()), store, progress, what)
    catalog.put_layer(key, layer)
    return layer


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _hash_of(entry: FileEntry, catalog: Catalog) -> str:
    if entry.link:
        return f"link {entry.link}"
    mark = "x" if entry.executable else "-"
    if entry.size <= _WHOLE:
        return mark + hashlib.sha256(entry.source.read_bytes()).hexdigest()
    facts = entry.source.stat()
    key = f"{entry.source.resolve()} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"
    digest = catalog.get_fact("file", key)
    if digest is None:
        with entry.source.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        catalog.put_fact("file", key, digest)
    return mark + digest
