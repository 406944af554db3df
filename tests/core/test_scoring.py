"""What a scoring script must have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.scoring import judge_script


@pytest.mark.parametrize(
    "text",
    [
        "def run(raw): return raw",
        "async def run(raw): return raw",
        "from impl import run",
        "from impl import *",
        "import impl\nrun = impl.run",
        "if True:\n    def run(x): return x",
        "def init(): pass\ndef run(d, request_headers): return d",
    ],
)
def test_a_script_with_run_passes(text: str) -> None:
    assert judge_script(text, "score.py") == ""


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def init(): pass", "score.py has no function run(raw_data)"),
        ("", "score.py has no function run"),
        ("def run(:\n  pass", "score.py:1:"),
        ("x = 1\ndef run(x)\n  pass", "score.py:2:"),
        ("a\0b", "score.py"),
    ],
)
def test_a_script_that_cannot_serve_is_named_with_its_line(text: str, why: str) -> None:
    assert why in judge_script(text, "score.py")


@given(st.text())
def test_no_text_makes_it_raise(text: str) -> None:
    assert isinstance(judge_script(text, "score.py"), str)
