"""What ``ARCHITECTURE.md`` names is there, and no room of the plugin is left out."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TEXT = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
PATHS = re.findall(r"`((?:[\w.-]+/)+(?:[\w-]+\.\w+)?|__main__\.py|CONTRIBUTING\.md)`", TEXT)
ROOMS = re.findall(r"^\| `([\w/]+/)` \|", TEXT, re.MULTILINE)
INSIDE = ("", "server/aciml_server", "tests")
"""Folders that a line of the table speaks of what is in."""


def test_every_path_exists() -> None:
    assert len(PATHS) > 60
    assert [path for path in PATHS if not any((ROOT / folder / path).exists() for folder in INSIDE)] == []


def test_every_room_of_the_plugin_is_named_once() -> None:
    package = ROOT / "provider" / "aciml"
    made = {path.parent for path in package.rglob("*.py")}  # an empty folder is what git leaves of a room that is gone
    named = [ROOT / room for room in ROOMS]

    assert len(set(named)) == len(named)
    # a room with a few files of its own beside rooms may be told by them: the name of the room above is then its line
    missing = {folder for folder in made if folder not in named and not any(folder in room.parents for room in named)}
    assert missing == set()


def test_every_file_named_by_its_name_alone_is_in_its_room() -> None:
    rows = re.findall(r"^\| `([\w/]+/)` \| (.+) \|$", TEXT, re.MULTILINE)
    assert rows
    for room, line in rows:
        names = re.findall(r"`([\w-]+\.py)`", line)
        assert [name for name in names if not (ROOT / room / name).is_file()] == [], room
