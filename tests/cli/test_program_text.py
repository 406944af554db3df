"""Values as Python: what is written is what was meant."""

from __future__ import annotations

import ast
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aciml.cli.program_text import value_text

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_a_value_that_is_written_is_read_as_itself(value: Any) -> None:
    assert ast.literal_eval(value_text(value, 1)) == value
