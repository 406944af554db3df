"""What this machine has learnt: which key gave which layer, and small facts of the other steps."""

from __future__ import annotations

import hashlib
import sqlite3
import threading
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol, Self

from ..core.image import Layer
from .presence import Presence, alone

# Each row has a seal, a hash of the rest: sqlite does not see a bit that has changed inside a text.
_TABLES = """
CREATE TABLE IF NOT EXISTS sealed_layers (
    key TEXT PRIMARY KEY, diff_id TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, media_type TEXT NOT NULL,
    seal TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sealed_facts (
    namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, seal TEXT NOT NULL, PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
DROP TABLE IF EXISTS layers;
DROP TABLE IF EXISTS facts;
"""
_PATIENCE = 30.0  # seconds to wait for another process that writes


def _open(path: Path) -> sqlite3.Connection:
    # each statement is a transaction of its own, since each row stands alone; `_lock` guards the threads
    base = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    base.text_factory = lambda text: text.decode(errors="replace")  # a damaged one then fails its seal
    try:
        # readers do not wait for a writer (sqlite.org/wal.html)
        base.execute("PRAGMA journal_mode=WAL")
        # a power cut may lose the last rows but not the file, and rows can be made again (sqlite.org/pragma.html)
        base.execute("PRAGMA synchronous=NORMAL")
        base.executescript(_TABLES)
    except BaseException:
        base.close()
        raise
    return base


class AnyCatalog(Protocol):
    """A catalog: that of this machine, alone or with what a registry knows behind it."""

    def layer(self, key: str) -> Layer | None:
        """Return the layer that ``key`` gave, if it was made before."""

    def put_layer(self, key: str, layer: Layer) -> None:
        """Remember the layer of ``key``."""

    def get_fact(self, namespace: str, key: str) -> str | None:
        """Return the text that was put under this namespace and key."""

    def put_fact(self, namespace: str, key: str, value: str) -> None:
        """Remember a text (JSON, by custom) under this namespace and key."""


def all_layers(catalog: AnyCatalog, keys: Iterable[str]) -> list[Layer] | None:
    """Return the layers of all keys, in order; None if one was not made: an image's digest is known with the last."""
    found = [catalog.layer(key) for key in keys]
    layers = [layer for layer in found if layer is not None]
    return layers if len(layers) == len(found) else None


class Catalog:
    """A sqlite file, safe for several threads and processes; a killed writer leaves the last whole state.

    It only remembers: everything in it can be made again, so losing the file costs time and nothing else. A damaged
    file is made anew, a damaged row counts as absent.
    """

    def __init__(self, path: Path) -> None:
        """Open the catalog at ``path``, such as ``settings.cache / "catalog.sqlite"``; made if it is not there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._lock = path, threading.Lock()
        self._presence = Presence.of(path.parent)
        with alone(path.parent):  # sqlite does not wait for another process that turns a new file to WAL
            try:
                self._base = _open(path)
            except sqlite3.OperationalError:  # locked, no space, no permission: the file itself may be fine
                raise
            except sqlite3.DatabaseError:  # not a catalog, or torn by a power cut
                self._base = _renewed(path)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._base.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def layer(self, key: str) -> Layer | None:
        """Return the layer that ``key`` gave, if it was made before."""
        statement = "SELECT key, diff_id, digest, size, media_type, seal FROM sealed_layers WHERE key = ?"
        row = self._one(statement, key)
        return Layer(str(row[1]), str(row[2]), int(row[3]), str(row[4])) if row else None

    def put_layer(self, key: str, layer: Layer) -> None:
        """Remember the layer of ``key``."""
        row = (key, layer.diff_id, layer.digest, layer.size, layer.media_type)
        self._write("INSERT OR REPLACE INTO sealed_layers VALUES (?, ?, ?, ?, ?, ?)", *row, _seal(*row))

    def forget_layer(self, key: str) -> None:
        """Drop what was remembered of ``key``."""
        self._write("DELETE FROM sealed_layers WHERE key = ?", key)

    def get_fact(self, namespace: str, key: str) -> str | None:
        """Return the text that was put under this namespace and key."""
        statement = "SELECT namespace, key, value, seal FROM sealed_facts WHERE namespace = ? AND key = ?"
        row = self._one(statement, namespace, key)
        return str(row[2]) if row else None

    def put_fact(self, namespace: str, key: str, value: str) -> None:
        """Remember a text (JSON, by custom) under this namespace and key."""
        row = (namespace, key, value)
        self._write("INSERT OR REPLACE INTO sealed_facts VALUES (?, ?, ?, ?)", *row, _seal(*row))

    def verify(self) -> None:
        """Read the whole file; one that is damaged is made anew."""
        self._run("PRAGMA quick_check(1)", wanted=("ok",))

    def forget_all(self) -> None:
        """Drop everything."""
        self._write("DELETE FROM sealed_layers")
        self._write("DELETE FROM sealed_facts")
        self._write("VACUUM")

    def _one(self, statement: str, *values: str | int) -> tuple[str | int, ...] | None:
        """Return the row, if it is there and whole."""
        found = self._run(statement, *values)
        return found if found and found[-1] == _seal(*found[:-1]) else None

    def _write(self, statement: str, *values: str | int) -> None:
        self._run(statement, *values)

    def _run(
        self, statement: str, *values: str | int, wanted: tuple[str | int, ...] | None = None
    ) -> tuple[str | int, ...] | None:
        """Return the first row of the answer; if the file is damaged, or answers not as wanted, from a new one."""
        with self._lock:
            try:
                # values by place and never in the text: keys have names of packages in them
                found: tuple[str | int, ...] | None = self._base.execute(statement, values).fetchone()
                if wanted not in (None, found):
                    raise sqlite3.DatabaseError(found)  # noqa: TRY301  # as if sqlite had raised it
            except (sqlite3.OperationalError, sqlite3.ProgrammingError):  # locked, no space; closed: the file is fine
                raise
            except sqlite3.DatabaseError:  # damaged in the middle
                self._base.close()
                with alone(self._path.parent):
                    self._base = _renewed(self._path)
                found = self._base.execute(statement, values).fetchone()
        return found


def _seal(*values: str | int) -> str:
    return hashlib.sha256("\0".join(map(str, values)).encode(errors="replace")).hexdigest()


def _renewed(path: Path) -> sqlite3.Connection:
    """Open the catalog, made anew unless another process has just done so; the caller keeps all others out."""
    try:
        with ExitStack() as opened:
            base = _open(path)
            opened.callback(base.close)
            if base.execute("PRAGMA quick_check").fetchone() == ("ok",):
                opened.pop_all()
                return base
    except sqlite3.DatabaseError as error:
        if "locked" in str(error):  # then somebody works with it
            raise
    # the journal too: it would be applied to the new file
    for ending in ("", "-wal", "-shm"):
        path.with_name(path.name + ending).unlink(missing_ok=True)
    return _open(path)
