from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.targets.hints import hint

INIT = ["Traceback (most recent call last):", '  File "/var/azureml-app/score.py", line 7, in init']


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (
            "ModuleNotFoundError: No module named 'joblib'",
            "init() raised ModuleNotFoundError: joblib; add it to conda.yml",
        ),
        (
            "ModuleNotFoundError: No module named 'sklearn'",
            "init() raised ModuleNotFoundError: sklearn; add scikit-learn to conda.yml",
        ),
        (
            "ModuleNotFoundError: No module named 'sklearn.linear_model.logistic'",
            (
                "init() raised ModuleNotFoundError: sklearn.linear_model.logistic; "
                "this version of scikit-learn does not have it, pin the right one in conda.yml"
            ),
        ),
        (
            "FileNotFoundError: [Errno 2] No such file or directory: 'model.pkl'",
            'init() raised FileNotFoundError: model.pkl; models are in the folder os.environ["AZUREML_MODEL_DIR"]',
        ),
        (
            "PermissionError: [Errno 13] Permission denied: '/data/x'",
            (
                "init() raised PermissionError: /data/x; the service runs as a user who is not root: write below /tmp, "
                "the home or the script's folder, change owner or mode in extra_steps, or set run_as_root: true"
            ),
        ),
        (
            "ImportError: libGL.so.1: cannot open shared object file: No such file or directory",
            "init() raised ImportError: libGL.so.1 is not in the image; install its apt package in extra_steps",
        ),
        (
            "AttributeError: Can't get attribute 'Loss' on <module 'm'>",
            (
                "init() raised AttributeError: Can't get attribute 'Loss' on <module 'm'>; "
                "the model was saved with other versions, pin those in conda.yml"
            ),
        ),
        ("numpy.exceptions.AxisError: axis 3", "init() raised AxisError: axis 3"),
        ("MemoryError", "init() raised MemoryError; raise memory_gb"),
    ],
)
def test_an_exception_of_init_is_named_with_what_to_do(raised: str, expected: str) -> None:
    assert hint([*INIT, raised, "the server stops"], 3) == expected


def test_a_syntax_error_is_given_with_file_and_line() -> None:
    lines = [
        "Traceback (most recent call last):",
        '  File "/srv/main.py", line 90, in load',
        '  File "/var/azureml-app/score.py", line 12',
        "    def run(raw_data)",
        "                     ^",
        "SyntaxError: expected ':'",
    ]

    assert hint(lines, 3) == "score.py:12: SyntaxError: expected ':'; mend that line"


def test_an_exception_outside_init_is_not_laid_at_its_door() -> None:
    assert hint(["ValueError: bad"], 1) == "the program raised ValueError: bad"


@pytest.mark.parametrize(
    ("code", "word"), [(137, "memory_gb"), (127, "entry command"), (126, "executed"), (0, "foreground"), (139, "crash")]
)
def test_an_exit_code_alone_says_something(code: int, word: str) -> None:
    assert word in hint([], code)


def test_the_kernels_out_of_memory_flag_wins_over_the_log() -> None:
    assert "memory_gb" in hint(["ValueError: bad"], 1, out_of_memory=True)


def test_a_container_that_runs_but_does_not_answer_is_told_where_to_listen() -> None:
    assert "0.0.0.0" in hint(["listening"], None)


def test_an_unknown_end_gives_no_hint() -> None:
    assert hint(["bye"], 42) == ""


TRACE_LIKE = st.sampled_from([*INIT, "SyntaxError:", "ModuleNotFoundError: '", "FileNotFoundError: ''", "xError: y"])


@given(st.lists(st.text() | TRACE_LIKE), st.none() | st.integers(), st.booleans())
def test_no_log_makes_a_hint_raise(lines: list[str], code: int | None, oom: bool) -> None:  # noqa: FBT001 - from hypothesis
    assert isinstance(hint(lines, code, out_of_memory=oom), str)


_DASH = "/opt/aciml/entrypoint.sh: 33: exec: python: not found"
_BASH = "/opt/aciml/entrypoint.sh: line 33: exec: python: not found"


@pytest.mark.parametrize("line", [_DASH, _BASH])
def test_an_image_without_a_program_python_is_told_what_to_say(line: str) -> None:
    assert "packages.interpreter_path" in hint(["first", line], 127)
    said = hint(["exec: python: not found, said the script", "and went on"], None)
    assert "interpreter_path" not in said
