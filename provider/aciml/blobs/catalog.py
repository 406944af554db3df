"""What this machine has learnt: which key gave which layer, and small facts of the other steps."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path
from typing import Self

from ..core.image import Layer

_TABLES = """
CREATE TABLE IF NOT EXISTS layers (
    key TEXT PRIMARY KEY, diff_id TEXT NOT NULL, digest TEXT NOT NULL, size INTEGER NOT NULL, media_type TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (
    namespace TEXT NOT NULL, key TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (namespace, key)
) WITHOUT ROWID;
"""
_PATIENCE = 30.0  # seconds to wait for another process that writes


def _open(path: Path) -> sqlite3.Connection:
    base = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None, check_same_thread=False)
    try:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("PRAGMA synchronous=NORMAL")
        base.executescript(_TABLES)
    except BaseException:
        base.close()
        raise
    return base


class Catalog:
    """A sqlite file, safe for several threads and processes; a killed writer leaves the last whole state.

    It only remembers: everything in it can be made again, so losing the file costs time and nothing else.
    """

    def __init__(self, path: Path) -> None:
        """Open the catalog at ``path``, such as ``settings.cache / "catalog.sqlite"``; made if it is not there."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._lock = threading.Lock()
        try:
            self._base = _open(path)
        except sqlite3.OperationalError:  # locked, no space, no permission: the file itself may be fine
            raise
        except sqlite3.DatabaseError:  # not a catalog, or torn by a power cut
            for ending in ("", "-wal", "-shm"):
                path.with_name(path.name + ending).unlink(missing_ok=True)
            self._base = _open(path)

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
        row = self._one("SELECT diff_id, digest, size, media_type FROM layers WHERE key = ?", key)
        return Layer(str(row[0]), str(row[1]), int(row[2]), str(row[3])) if row else None

    def put_layer(self, key: str, layer: Layer) -> None:
        """Remember the layer of ``key``."""
        self._write(
            "INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?)",
            key,
            layer.diff_id,
            layer.digest,
            layer.size,
            layer.media_type,
        )

    def forget_layer(self, key: str) -> None:
        """Drop what was remembered of ``key``."""
        self._write("DELETE FROM layers WHERE key = ?", key)

    def get_fact(self, namespace: str, key: str) -> str | None:
        """Return the text that was put under this namespace and key."""
        row = self._one("SELECT value FROM facts WHERE namespace = ? AND key = ?", namespace, key)
        return str(row[0]) if row else None

    def put_fact(self, namespace: str, key: str, value: str) -> None:
        """Remember a text (JSON, by custom) under this namespace and key."""
        self._write("INSERT OR REPLACE INTO facts VALUES (?, ?, ?)", namespace, key, value)

    def _one(self, statement: str, *values: str | int) -> tuple[str | int, ...] | None:
        with self._lock:
            row: tuple[str | int, ...] | None = self._base.execute(statement, values).fetchone()
        return row

    def _write(self, statement: str, *values: str | int) -> None:
        with self._lock:
            self._base.execute(statement, values)
