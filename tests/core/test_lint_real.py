"""Dockerfiles as they are published: conda, pip, poetry, uv, npm, heredocs, SHELL, many stages. None may be refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.core.errors import Level
from aciml.core.lint import lint_dockerfile, memory_of
from aciml.core.stages import read_dockerfile

FILES = Path(__file__).with_name("dockerfiles.txt").read_text(encoding="utf-8").split("=====\n")
WARNED = {
    ("conda-no-yes", "RUN conda install -c conda-forge conda-pack"),
    ("secret", "ENV POSTGRES_USER=docker POSTGRES_PASSWORD=docker POSTGRES_DB=docker"),
    ("secret", "RUN echo 'root:THEPASSWORDYOUCREATED' | chpasswd"),
}
"""What is rightly said of them."""


@pytest.mark.parametrize("text", FILES, ids=range(len(FILES)))
def test_no_published_dockerfile_is_refused(text: str) -> None:
    off = {"copy-context", "copy-missing", "copy-leaves"}
    found = lint_dockerfile(text, where="dockerfile", context_files=None, off=off)

    assert [one.why for one in found if one.level is Level.ERROR] == []
    assert {(one.rule, text.split("\n")[one.line - 1]) for one in found} <= WARNED
    assert read_dockerfile(text, "Dockerfile", "dockerfile")[1] == []
    memory_of(text)


def test_there_are_many() -> None:
    assert len(FILES) >= 35
