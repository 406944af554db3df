"""Which files the steps use, what is ignored, and the hash."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.context import ContextFile, dangling, dockerignore, hash_context, matching, select_used, uses_context
from aciml.core.lint import lint_steps
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


LINKED = {
    "file": "", "d/in": "", "d/out": "../../out", "good": "file", "dl": "d", "ll": "dl", "bad": "none", "loop": "loop",
    "abs": "/d", "up": "../../file",
}  # fmt: skip


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("good", {"good", "file"}),
        ("dl", {"dl", "d/in", "d/out"}),
        ("ll", {"ll", "dl", "d/in", "d/out"}),
        ("dl/in", {"dl", "d/in"}),
        ("abs/in", {"abs", "d/in"}),
        ("up", {"up", "file"}),  # above the context there is the context, as for a root
        ("d", {"d/in", "d/out"}),  # what lies in a folder is copied as it is
        ("goo*", {"good", "file"}),
        ("bad", set()),
        ("d/out", set()),
        ("loop", set()),
        ("none", set()),
    ],
)
def test_a_link_that_is_named_is_followed_inside_the_context(source: str, expected: set[str]) -> None:
    assert matching(source, LINKED) == expected
    assert select_used(parse_steps([f"COPY {source} /x/"], "s"), LINKED) == expected


def test_what_a_link_leads_to_counts_only_if_it_is_copied() -> None:
    assert dangling("bad", LINKED) == [
        '"bad" is a link to "none", which is not in the context, so that the build finds no such file'
    ]
    assert [text.split(" ")[0] for text in dangling("*", LINKED)] == ['"bad"', '"d/out"', '"loop"']
    assert dangling(".", LINKED) == dangling("d", LINKED) == dangling("good", LINKED) == []
    (found,) = lint_steps(parse_steps(["COPY bad good /x/"], "s"), context_files=LINKED)
    assert 'COPY: "bad" is a link to' in found.why
    assert lint_steps(parse_steps(["COPY . /x/", "COPY d dl/in /y/"], "s"), context_files=LINKED) == []
