"""Which public places answer, and the file ``mirrors.toml`` that names what stands in for those that do not.

Entries that a person wrote stay as they are; ours are told apart by ``bootstrap.json`` beside it.
"""

from __future__ import annotations

import json
import time
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

from .cache import cache_folder, write_whole
from .say import say

ANSWER_SECONDS = 8
ASK_AGAIN_SECONDS = 24 * 3600
"""How long an answer is believed: asking costs time where the network swallows packets."""

Tables = dict[str, dict[str, str]]


def ensure_mirror(table: str, name: str, url: str, make: Callable[[str], str]) -> None:
    """See to it that ``name`` (``conda-forge``, ``docker.io``) can be had, itself or by a stand-in.

    Args:
        table: ``channels`` or ``registries``.
        name: key in the table.
        url: what to ask whether the real one answers.
        make: gets the URL the stand-in had before (or an empty text), makes sure it works, and returns its URL.
    """
    tables, notes = read_mirrors(), _read_notes()
    entry, ours = tables[table].get(name, ""), notes["made"].get(name, "")
    # a person wrote it, and nobody is asked about it
    if entry and entry != ours:
        return
    if _answers(name, url, notes):
        if tables[table].pop(name, ""):
            say(f"{name} answers again: its stand-in is no longer used")
            write_mirrors(tables)
        return
    made = make(ours)
    notes["made"][name] = tables[table][name] = made
    _write_notes(notes)
    if made != entry:
        say(f"{name} does not answer: {made} is used instead")
        write_mirrors(tables)


def read_mirrors() -> Tables:
    """Read the file; missing tables are empty."""
    path = cache_folder() / "mirrors.toml"
    found = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return {table: dict(found.get(table, {})) for table in ("channels", "registries")}


def write_mirrors(tables: Tables) -> None:
    """Write the file whole; without an entry there is no file."""
    path = cache_folder() / "mirrors.toml"
    if not any(tables.values()):
        path.unlink(missing_ok=True)
        return
    lines = []
    for table, entries in tables.items():
        # a text of JSON is one of TOML (1.0, "String": basic strings)
        lines += [f"[{table}]", *(f"{json.dumps(name)} = {json.dumps(url)}" for name, url in entries.items()), ""]
    write_whole(path, "\n".join(lines))


def _answers(name: str, url: str, notes: dict[str, Any]) -> bool:
    asked = notes["asked"].get(name)
    # from 0: with a clock that was set back an answer would hold for ever
    if asked and 0 <= time.time() - asked["at"] < ASK_AGAIN_SECONDS:
        return bool(asked["answers"])
    answers = _ask(url)
    notes["asked"][name] = {"at": time.time(), "answers": answers}
    _write_notes(notes)
    return answers


def _ask(url: str) -> bool:
    """Ask for the head of a page; a registry that wants a login (401) is there."""
    try:
        # repodata is tens of MB: the head tells as much
        with urlopen(Request(url, method="HEAD"), timeout=ANSWER_SECONDS):
            return True
    except HTTPError as error:
        return error.code == 401
    except (URLError, OSError):
        return False


def _notes_path() -> Path:
    return cache_folder() / "bootstrap.json"


def _read_notes() -> dict[str, Any]:
    try:
        notes: dict[str, Any] = json.loads(_notes_path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        notes = {}
    return {"made": notes.get("made", {}), "asked": notes.get("asked", {})}


def _write_notes(notes: dict[str, Any]) -> None:
    write_whole(_notes_path(), json.dumps(notes, indent=1))
