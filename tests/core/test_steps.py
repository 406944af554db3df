"""Steps as Docker would read them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aciml.core.steps import parse_steps


def texts(lines: list[str] | str) -> list[str]:
    return [step.text for step in parse_steps(lines, "file")]


def test_comments_and_blank_lines_are_dropped_also_inside_a_continuation() -> None:
    assert texts("# a\n\nRUN one && \\\n# why\n\n  two\nENV A=1\n") == ["RUN one && \\\n  two", "ENV A=1"]


def test_a_heredoc_keeps_its_comments_and_blank_lines() -> None:
    assert texts("RUN <<EOF\n# not a comment\n\necho\nEOF\nENV A=1") == [
        "RUN <<EOF\n# not a comment\n\necho\nEOF",
        "ENV A=1",
    ]


def test_two_heredocs_and_tabs_before_the_end() -> None:
    assert texts("RUN cat <<A <<-B\n1\nA\n2\n\tB\nRUN b") == ["RUN cat <<A <<-B\n1\nA\n2\n\tB", "RUN b"]


def test_what_looks_like_a_heredoc_but_has_no_end_is_text() -> None:
    assert texts('RUN echo "a <<EOF b"\nRUN c') == ['RUN echo "a <<EOF b"', "RUN c"]


def test_a_list_and_a_file_give_the_same_steps() -> None:
    lines = ["RUN a \\", "  b", "", "# c", "COPY <<X /x", "y", "X"]

    assert texts(lines) == texts("\n".join(lines))


def test_windows_line_ends_do_not_matter() -> None:
    assert texts("RUN a \\\r\n  b\r\nENV A=1\r\n") == texts("RUN a \\\n  b\nENV A=1\n")


def test_numbers_lines_and_entries() -> None:
    first, second = parse_steps("\nRUN a\n\nRUN b", "f")
    assert [(step.number, step.line, step.entry) for step in (first, second)] == [(1, 2, -1), (2, 4, -1)]
    (only,) = parse_steps(["", "RUN a"], "f")
    assert (only.number, only.line, only.entry, only.where) == (1, 0, 1, "extraSteps[1]")


@given(st.text())
def test_no_text_breaks_the_parser(text: str) -> None:
    steps = parse_steps(text, "f")

    assert [step.number for step in steps] == list(range(1, len(steps) + 1))
    assert all(step.text and step.arguments is not None for step in steps)
