"""Where a Debian machine takes its packages from, in both forms of writing it."""

from __future__ import annotations

from pathlib import Path

from bootstrap.apt import Source, debian_sources

PARAGRAPHS = """\
Types: deb
# a comment
URIs: http://mirror.example/debian
Suites: bookworm bookworm-updates
Components: main contrib

Types: deb
URIs: http://mirror.example/tools
Suites: nodistro
Components: main

Types: deb-src
URIs: http://mirror.example/sources
Suites: bookworm
Components: main
"""
LINES = """\
# deb http://off.example/debian bookworm main
deb [signed-by=/usr/share/keyrings/a.gpg] http://mirror.example/debian-security bookworm-security main
deb http://mirror.example/debian trixie main
deb file:/srv/debian bookworm main
"""


def test_sources_of_the_release_are_found_in_lines_and_in_paragraphs(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(LINES)
    (tmp_path / "sources.list.d/debian.sources").write_text(PARAGRAPHS)

    assert debian_sources("bookworm", tmp_path) == [
        Source("http://mirror.example/debian-security", ("bookworm-security",)),
        Source("http://mirror.example/debian", ("bookworm", "bookworm-updates")),
    ]


def test_a_machine_of_another_release_has_none(tmp_path: Path) -> None:
    (tmp_path / "sources.list").write_text(LINES)

    assert debian_sources("bullseye", tmp_path) == []
