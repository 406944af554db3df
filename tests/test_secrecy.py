"""What arrives as a secret is one wherever it goes, whatever its key."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.properties import Secret, reveal
from aciml.secrecy import Secrecy, as_secret_as, has_secret, kept, newly_secret, texts_of

TEXT = "hush-hush-4711"
VALUES = st.recursive(
    st.text(min_size=4, max_size=12) | st.integers() | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3) | inner.map(Secret)
    ),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), VALUES, max_size=4))
def test_what_is_kept_is_as_secret_as_what_was_given(values: dict[str, object]) -> None:
    found = kept(reveal(values), values)

    assert reveal(found) == reveal(values)
    assert not newly_secret(values, found)
    assert set(texts_of(values)) <= set(texts_of(found))


@pytest.mark.parametrize(
    "output",
    [TEXT, f"https://{TEXT}.example.com/score", [1, {"deep": f"x {TEXT}"}]],
    ids=["itself", "in a URL", "inside of something"],
)
def test_an_output_that_repeats_a_secret_is_one(output: object) -> None:
    found = kept({"output": output, "other": "plain"}, {"input": {"key": Secret(TEXT)}})

    assert has_secret(found["output"])
    assert not has_secret(found["other"])


@pytest.mark.parametrize(
    ("now", "was", "paths"),
    [
        ({"a": Secret("x")}, {"a": "x"}, ["a"]),
        ({"a": {"k": Secret("x"), "l": "y"}}, {"a": {"k": "x", "l": "y"}}, ['a["k"]']),
        ({"a": [{"k": Secret("x")}]}, {"a": [{"k": "x"}]}, ["a"]),
        ({"a": Secret({"k": "x"})}, {"a": {"k": Secret("x")}}, ["a"]),
        ({"a": {"k": Secret("x")}}, {"a": Secret({"k": "x"})}, []),
        ({"a": {"k": Secret("x")}}, {"a": {"k": Secret("x")}}, []),
        ({"a": {"k": Secret("x")}}, {"a": {}}, []),
        ({"a": "x"}, {"a": Secret("x")}, []),
    ],
)
def test_what_is_kept_in_clear_and_is_a_secret_now_differs(
    now: dict[str, object], was: dict[str, object], paths: list[str]
) -> None:
    assert newly_secret(now, was) == paths


def test_a_list_of_another_length_is_secret_as_a_whole() -> None:
    assert as_secret_as(["a", "b"], [Secret("b")]) == Secret(["a", "b"])


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        (TEXT, f"got {TEXT}"),
        ("first line of it\nsecond line of it", "it said: second line of it"),
        ('with "quotes"', '{"token": "with \\"quotes\\""}'),
        ("with/slash and blank", "https://x/?sig=with%2Fslash%20and%20blank"),
        (987654, "port 987654 is taken"),
        ("abcd", "the word abcd."),
    ],
    ids=["a text", "a line", "as JSON", "in a URL", "a number", "a short word"],
)
def test_nothing_that_is_said_has_a_secret(secret: object, said: str) -> None:
    secrecy = Secrecy()
    secrecy.learn({"a": [{"b": Secret(secret)}]})

    assert "[secret]" in secrecy.text(said)
    assert not any(line in secrecy.text(said) for line in str(secret).splitlines())


def test_a_short_secret_does_not_tear_words_apart() -> None:
    secrecy = Secrecy()
    secrecy.learn({"a": Secret("serv"), "b": Secret("no")})

    assert secrecy.text("the service serves, no doubt") == "the service serves, no doubt"
