"""What a word was meant to be."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.meant import either, meant

ROLLOUTS = ("in_place", "blue_green")


@pytest.mark.parametrize(
    ("word", "known", "guess"),
    [
        ("bluegreen", ROLLOUTS, "blue_green"),
        ("Blue-Green", ROLLOUTS, "blue_green"),
        ("BLUE GREEN", ROLLOUTS, "blue_green"),
        ("blue-gren", ROLLOUTS, "blue_green"),
        ("HTTP ", ("http", "https"), "http"),
        ("https", ("http", "https"), "https"),
        ("Insights", ("ContainerInsights", "ContainerInstanceLogs"), "ContainerInsights"),
        ("cpu_cores", ("cpuCores", "cpuLimit"), "cpuCores"),
        ("gip", ("gzip", "zstd", "none"), "gzip"),
        ("rolling", ROLLOUTS, ""),
        ("", ROLLOUTS, ""),
        ("a", (), ""),
    ],
)
def test_the_nearest_word_is_found_however_it_is_written(word: str, known: tuple[str, ...], guess: str) -> None:
    assert meant(word, known) == guess


@given(st.lists(st.text("abAB-_ ", min_size=1, max_size=4), min_size=1, unique=True), st.data())
def test_a_word_in_another_case_is_one_that_is_spelt_alike(words: list[str], data: st.DataObject) -> None:
    word = data.draw(st.sampled_from(words))

    def plain(text: str) -> str:
        return "".join(sign for sign in text.lower() if sign.isalpha())

    assert plain(meant(word.upper(), words)) == plain(word)


def test_words_are_named_as_in_a_sentence() -> None:
    assert [either(()), either(("a",)), either(("a", "b")), either(("a", "b", "c"))] == ["", "a", "a or b", "a, b or c"]
