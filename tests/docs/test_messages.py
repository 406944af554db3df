"""Each message that the page of messages quotes is one that the code says."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import PAGES
from tests.docs.texts import GAP, is_said

_ROW = re.compile(r"^\| `([^`]+)` \| (.+) \|$", re.MULTILINE)
_SOMEBODY_ELSES = {
    "no resource plugin 'pulumi-resource-aciml' found",  # the engine's: pulumi, workspace/plugins.go, MissingError
}
TEXT = (PAGES / "messages.md").read_text(encoding="utf-8")


def quoted() -> list[str]:
    return [found[1].replace("\\|", "|") for found in _ROW.finditer(TEXT)]


def test_the_page_has_the_messages_of_all_parts() -> None:
    assert len(quoted()) == len(set(quoted())) >= 60
    assert TEXT.count("\n## ") >= 8


@pytest.mark.parametrize("message", [one for one in quoted() if one not in _SOMEBODY_ELSES])
def test_a_quoted_message_is_said_by_the_code(message: str) -> None:
    # gaps alone would be found in any text
    assert max(len(part) for part in message.split(GAP)) >= 8, message
    assert is_said(message), f'nothing says "{message}"'


def test_a_message_that_nobody_says_is_found() -> None:
    assert not is_said("the moon does not answer at …")
    assert is_said("Docker does not answer at …")
