"""What a scoring script must have."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.errors import Level
from aciml.core.scoring import Bindings, judge_entry, judge_script, read_script


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


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def run(): pass", "score.py:1: run() takes no data"),
        ("def run(request_headers): pass", "beside request_headers"),
        ("x = 1\ndef run(*args): pass", "score.py:2: run() cannot take positional-only arguments"),
        ("def run(a, /): pass", "cannot take positional-only"),
        ("def run(data, **more): pass", "**more"),
        ("def run(a, b): pass", "nothing for b: give defaults"),
        ("def run(a: str, b): pass", "nothing for b"),
        ("def run(a, *, b): pass", "nothing for b"),
        ("def init(path): pass\ndef run(a): pass", "init() is called without arguments, and needs path"),
        ("async def run_batch(items): pass", "run_batch() is a coroutine"),
        ("def other():\n    def run(x): pass", "has no function run"),
        ("class Model:\n    def run(self, x): pass", "has no function run"),
    ],
)
def test_a_function_that_the_server_cannot_call_is_told_with_its_line(text: str, why: str) -> None:
    assert why in judge_script(text, "score.py")


@pytest.mark.parametrize(
    "text",
    [
        "@rawhttp\ndef run(): pass",
        "@input_schema('a', A())\ndef run(a, b): pass",
        "def run(a: int, b: float): pass",
        "def run(a, b=1, *, c=2, request_headers=None): pass",
        "def run(a, request_headers): pass",
        "try:\n    def run(a): pass\nexcept Exception:\n    def run(): pass",
        "def run(): pass\nrun = wrap(run)",
        "def init(path='x'): pass\ndef run(a): pass",
        "def init(*a, **k): pass\ndef run(a): pass",
        "def setup():\n    global run\n    run = print",
        "globals()['run'] = print",
        "def __getattr__(name): return print",
        "run, other = print, 1",
        "for run in (print,): pass",
        "with open('x') as run: pass",
        "match 1:\n    case run: pass",
        "def run_batch(items): pass\ndef run(): pass",
        "import driver_module",
    ],
)
def test_what_may_be_fine_passes(text: str) -> None:
    assert judge_script(text, "score.py") == ""


def test_the_grammar_is_that_of_the_environments_python() -> None:
    text = "def run(x):\n    match x:\n        case 1: return 2\n"
    assert judge_script(text, "score.py", (3, 10)) == ""
    assert "score.py:" in (why := judge_script(text, "score.py", (3, 9)))
    assert "Python 3.9" in why
    # a newer Python may take what this one does not know
    assert judge_script("def run(x): return ?", "score.py", (3, 99)) == ""


def test_bytes_are_read_as_python_reads_them() -> None:
    assert judge_script(b"\xef\xbb\xbfdef run(x): return x", "score.py") == ""
    assert (
        judge_script("# -*- coding: latin-1 -*-\ns = '\u00e4'\ndef run(x): return s".encode("latin-1"), "score.py")
        == ""
    )
    latin = "s = '\u00e4'\ndef run(x): return s".encode("latin-1")
    assert "is not UTF-8 (byte 0xe4)" in judge_script(latin, "score.py")
    assert "is UTF-16" in judge_script("def run(x): return x".encode("utf-16"), "score.py")
    assert "unknown encoding" in judge_script(b"# coding: klingon\ndef run(x): pass", "score.py")


@given(st.binary())
def test_no_bytes_make_it_raise(data: bytes) -> None:
    assert isinstance(judge_script(data, "score.py", (3, 8)), str)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("def inti(): pass\ndef run(x): pass", "inti() is called by nobody; did you mean init()?"),
        ("def init(): pass\ndef inti(): pass\ndef run(x): pass", ""),
        ("def inti(x): pass\ndef run(x): pass", ""),
        ("from a import *\ndef inti(): pass\ndef run(x): pass", ""),
        ("def load(): pass\ndef run(x): pass", ""),
    ],
)
def test_an_init_that_nobody_calls_is_warned_of(text: str, told: str) -> None:
    found = list(judge_entry(Bindings.of(read_script(text)), {}))

    assert [one.why for one in found] == ([told] if told else [])
    assert all(one.level is Level.WARNING and one.line == 1 for one in found)
