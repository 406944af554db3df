"""What is a secret in a URL, and what is none."""

from __future__ import annotations

import pytest

from aciml.core.account_in_url import has_account, variables_in, without_secret


@pytest.mark.parametrize(
    "text",
    [
        "https://user:${TOKEN}@host/simple",
        "https://${USER}:${TOKEN}@host/simple",
        "https://user@host/simple",
        "git+ssh://git@host/x.git",
        "https://host/t/${TOKEN}/channel",
        "https://host/simple",
        "numpy>=1",
        "mail me@host",
    ],
)
def test_users_and_variables_are_no_secret(text: str) -> None:
    assert not has_account(text)
    assert without_secret(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--index-url https://user:hush@host/simple", "--index-url https://***@host/simple"),
        ("https://:hush@host", "https://***@host"),
        ("https://h/t/hush-1/channel", "https://h/t/***/channel"),
        ("x @ git+https://abcdefghij0123456789abcd@github.invalid/x", "x @ git+https://***@github.invalid/x"),
    ],
)
def test_what_is_written_out_is_one_and_is_not_shown(text: str, shown: str) -> None:
    assert has_account(text)
    assert without_secret(text) == shown


def test_variables_are_named() -> None:
    assert variables_in("https://${USER}:${TOKEN}@h") == ["USER", "TOKEN"]
