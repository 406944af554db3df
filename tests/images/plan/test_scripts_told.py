"""Scripts that an editor on Windows has written, in the folder that steps copy from: told before a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.core.errors import Level
from aciml.images.plan.sources import read_sources
from aciml.model.environment import read_environment


def told(folder: Path, name: str, content: bytes, mode: int = 0o644, step: str = "COPY . /opt/x") -> list[str]:
    context = folder / "context"
    context.mkdir()
    path = context / name
    path.write_bytes(content)
    path.chmod(mode)
    given = {"baseImage": "debian:12", "extraSteps": [step], "stepsContext": str(context), "serverRequirements": False}
    sources = read_sources(read_environment(given))
    assert not sources.findings
    assert {one.level for one in sources.warnings} <= {Level.WARNING}
    return [one.why.replace(f"{folder}/", "") for one in sources.warnings]


@pytest.mark.parametrize(
    ("name", "content", "mode", "what"),
    [
        ("run.sh", b"#!/bin/sh\r\necho\r\n", 0o644, "Windows line ends"),
        ("run", b"#!/usr/bin/env python\r\n", 0o755, "Windows line ends"),
        ("run.py", b"\xef\xbb\xbf#!/usr/bin/env python\n", 0o644, "a byte order mark before its #!"),
    ],
)
def test_a_script_that_no_kernel_starts_is_named(
    tmp_path: Path, name: str, content: bytes, mode: int, what: str
) -> None:
    (why,) = told(tmp_path, name, content, mode)

    assert why.startswith(f"scripts that cannot be started: context/{name} ({what}); save them with LF")


@pytest.mark.parametrize(
    ("name", "content", "step"),
    [
        ("run.sh", b"#!/bin/sh\necho\n", "COPY . /opt/x"),
        ("notes.txt", b"#!/bin/sh\r\n", "COPY . /opt/x"),
        ("mod.py", b"import os\r\n", "COPY . /opt/x"),
        ("run.sh", b"#!/bin/sh\r\n", "ENV A=b"),
        ("empty.sh", b"", "COPY . /opt/x"),
    ],
)
def test_of_other_files_and_of_what_no_step_copies_nothing_is_said(
    tmp_path: Path, name: str, content: bytes, step: str
) -> None:
    assert told(tmp_path, name, content, step=step) == []
