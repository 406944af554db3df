"""What goes into a service's image: files of the user and of the server, with hashes of what is in them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from ...blobs.catalog import AnyCatalog
from ...core.compose import APP_ROOT, SERVER_ROOT, Model, content_hash
from ...core.context import FileEntry
from ...core.errors import UserError
from ...core.layer import FOLDER_TIME, ROOT, Entry
from ...core.lean import lean
from ...core.lockfile import MARK
from ...docker.context import left_out, walk
from ...server_files import SERVER
from .links import follow, follow_file

_APP = APP_ROOT.lstrip("/")
LINK_ADVICE = "mend the link, or remove it"
# v1 read neither for a service, and uploaded all there was
IGNORE_FILES = (".dockerignore", ".amlignore")
_UI_PACKAGE, _UI_FOLDER = "flask_swagger_ui", "aciml_server/static"
_UI_FILES = ("LICENSE", "swagger-ui-bundle.js", "swagger-ui.css")
_WHOLE = 1 << 20  # files up to this many bytes are hashed each time; larger ones only when stat says they changed


@lean(frozen=True)
class Tree:
    """A folder or file of this machine, and the folder below the image's root that it becomes."""

    into: str
    files: tuple[FileEntry, ...]
    faults: tuple[str, ...] = ()
    """What is wrong with links that lead to no file, each in a sentence."""
    owner: tuple[int, int] = ROOT
    """Who may write there: uid and gid."""

    def led_to(self, given: Path) -> list[Path]:
        """Return the files that links led to, if they are not below the folder that was given."""
        below = (f"{given}/", f"{os.path.realpath(given)}/") if given.is_dir() else (str(given),)
        return [one.source for one in self.files if not one.link and not str(one.source).startswith(below)]

    def hashes(self, catalog: AnyCatalog) -> dict[str, str]:
        """Return the content hash of each file, with its execute bit, by path."""
        return {entry.path: _hash_of(entry, catalog) for entry in self.files}

    def entries(self) -> Iterator[Entry]:
        """Return what goes into the layer; times are a constant, so that a fresh checkout makes equal bytes."""
        for file in self.files:
            path = f"{self.into}/{file.path}"
            if file.link:
                yield Entry(path, "symlink", target=file.link, owner=self.owner)
            else:
                mode = 0o755 if file.executable else 0o644
                opened = partial(_open, file.source)
                yield Entry(path, "file", mode, FOLDER_TIME, file.size, opened, owner=self.owner)
        yield from self.folders()

    def folders(self) -> Iterator[Entry]:
        """Return the folders, if they have an owner: others are made of the files' paths."""
        if self.owner == ROOT:
            return
        found = {self.into}
        # a model's name and version are folders between the app's and its own
        above = self.into.rpartition("/")[0]
        while above.startswith(_APP):
            found.add(above)
            above = above.rpartition("/")[0]
        for file in self.files:
            parent = file.path.rpartition("/")[0]
            while parent and f"{self.into}/{parent}" not in found:
                found.add(f"{self.into}/{parent}")
                parent = parent.rpartition("/")[0]
        yield from (Entry(path, "dir", owner=self.owner) for path in sorted(found))


def source_tree(folder: Path) -> Tree:
    """Return the scoring source, without what its ignore files name, and without our lock files.

    A lock is about the environment's image: to lock again must not make the service's image another one.
    """
    found = follow(folder, walk(folder, IGNORE_FILES), left_out(folder, IGNORE_FILES))
    files = tuple(entry for entry in found.files if not _is_lock(entry))
    return Tree(f"{APP_ROOT}/{source_name(folder)}".lstrip("/"), files, found.faults)


def _is_lock(entry: FileEntry) -> bool:
    # by its first words: it may have any name (lock_file), and a uv.lock of the user's is his to read
    if entry.link or not entry.path.endswith((".lock", ".yml", ".yaml")):
        return False
    with entry.source.open("rb") as file:
        return file.read(len(MARK)) == MARK.encode()


def source_name(folder: Path) -> str:
    """Return the source folder's name in the image; that of a checkout, which differs by machine, is not taken."""
    return Path(os.path.normpath(folder)).name or "source"


def server_tree() -> Tree:
    """Return the scoring server, with the Swagger UI of its page ``/docs`` if it is installed here."""
    # no bytecode: it is there or not, by who has run the server here
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
    """Return a model, a file or a folder, below its name and version; it may be a link, and have links inside."""
    if path.is_dir():
        found = follow(path, walk(path, ()))
        # without ignore files: all of a model belongs to it
        return Tree(f"{model.folder}/{path.name}".lstrip("/"), found.files, found.faults)
    found = follow_file(path, path.name)
    return Tree(model.folder.lstrip("/"), found.files, found.faults)


def tree_hash(trees: list[Tree], catalog: AnyCatalog) -> str:
    """Return one hash over places and contents.

    Raises:
        UserError: a link leads to no file; check has said so, unless that is new.
    """
    if faults := [fault for tree in trees for fault in tree.faults]:
        raise UserError("; ".join(faults), LINK_ADVICE)
    return content_hash({f"{t.into}/{path}": digest for t in trees for path, digest in t.hashes(catalog).items()})


def _open(path: Path) -> BinaryIO:
    return path.open("rb")


def _hash_of(entry: FileEntry, catalog: AnyCatalog) -> str:
    if entry.link:
        return f"link {entry.link}"
    mark = "x" if entry.executable else "-"
    if entry.size <= _WHOLE:
        return mark + hashlib.sha256(entry.source.read_bytes()).hexdigest()
    facts = entry.source.stat()
    # ctime too: a program may set mtime back to what it was, and not this
    key = f"{entry.source.resolve()} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"
    digest = catalog.get_fact("file", key)
    if digest is None:
        with entry.source.open("rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        catalog.put_fact("file", key, digest)
    return mark + digest
