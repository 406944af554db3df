"""Which files the steps use, what is ignored, and the hash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.context import ContextFile, dockerignore, hash_context, select_used, uses_context
from aciml.core.steps import parse_steps

FILES = ["a.txt", "b/c.txt", "b/d/e.txt", "z"]

USED = {
    "a file": (["COPY a.txt /"], ["a.txt"]),
    "a folder": (["COPY ./b/ /"], ["b/c.txt", "b/d/e.txt"]),
    "everything": (["COPY . /"], FILES),
    "several steps": (["COPY z /", "RUN true", "ADD a.txt /"], ["a.txt", "z"]),
    "a wildcard": (["COPY *.txt /"], ["a.txt", "b/c.txt", "b/d/e.txt"]),
    "a wildcard for folders": (["COPY b* /"], ["b/c.txt", "b/d/e.txt"]),
    "a variable can be anything": (["COPY $X /"], FILES),
    "a download and another image use nothing": (["ADD https://x.org/a /", "COPY --from=x a.txt /"], []),
}

IGNORED = [
    ("*.pyc", "a.pyc", True),
    ("*.pyc", "b/a.pyc", False),
    ("**/*.pyc", "b/c/a.pyc", True),
    ("**/*.pyc", "a.pyc", True),
    ("b", "b/c.txt", True),
    ("/b/", "b/c.txt", True),
    ("b/**", "b/c/d", True),
    ("b/*\n!b/keep", "b/keep", False),
    ("b\n!b/keep", "b/keep", False),
    ("b\n!b/keep", "b/other", True),
    ("!keep\n*", "keep", True),
    ("# x\n\n", "# x", False),
    ("a?c", "abc", True),
    ("a?c", "a/c", False),
    ("[a-c].txt", "b.txt", True),
    ("**/__pycache__", "x/y/__pycache__/z.pyc", True),
    ("a.c", "abc", False),
    (".", "a", False),
    ("x/../a", "a", True),
    ("a\\*", "a*", True),
    ("\ufeffa", "a", True),
]


@pytest.mark.parametrize("name", USED)
def test_only_files_that_the_steps_use_count(name: str) -> None:
    lines, expected = USED[name]

    assert sorted(select_used(parse_steps(lines, "steps"), FILES)) == expected


@pytest.mark.parametrize(("rules", "path", "expected"), IGNORED)
def test_dockerignore_means_what_docker_means(rules: str, path: str, *, expected: bool) -> None:
    ignored, _ = dockerignore(rules)

    assert ignored(path) is expected


def test_only_copies_from_the_folder_use_it() -> None:
    assert uses_context(parse_steps(["COPY a /"], "s"))
    assert not uses_context(parse_steps(["RUN true", "ADD https://x.org/a /", "COPY --from=x a /"], "s"))


@given(
    st.lists(st.builds(ContextFile, st.text(min_size=1), st.booleans(), st.text()), unique_by=lambda f: f.path),
    st.randoms(),
)
def test_the_order_of_files_does_not_reach_the_hash(files: list[ContextFile], random: object) -> None:
    shuffled = list(files)
    random.shuffle(shuffled)  # type: ignore[attr-defined]

    assert hash_context(shuffled) == hash_context(files)


def test_path_bit_content_and_link_reach_the_hash() -> None:
    plain = ContextFile("a", executable=False, content="1")
    others = [
        ContextFile("b", executable=False, content="1"),
        ContextFile("a", executable=True, content="1"),
        ContextFile("a", executable=False, content="2"),
        ContextFile("a", executable=False, content="", link="1"),
    ]

    assert len({hash_context([file]) for file in [plain, *others]}) == 5
