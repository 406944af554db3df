"""Default names: what they have to be, for all resources and rules."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from aciml.core.names import NameRule, default_name

TEXTS = st.text(min_size=0, max_size=80)
RULES = st.builds(NameRule, st.integers(16, 63), st.sampled_from(["-", ""]))


def urn(stack: str, project: str, name: str) -> str:
    return f"urn:pulumi:{stack}::{project}::aciml:index:X$aciml:compute:ContainerGroup::{name}"


@given(TEXTS, TEXTS, TEXTS, TEXTS, RULES)
def test_a_name_is_taken_by_every_target(stack: str, project: str, name: str, folder: str, rule: NameRule) -> None:
    made = default_name(urn(stack, project, name), folder, rule, "-group")

    assert 5 <= len(made) <= rule.longest
    assert re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*" if rule.joint else "[a-z][a-z0-9]*", made)
    assert made == default_name(urn(stack, project, name), folder, rule, "-group")
    assert not made.endswith("-next")


@given(TEXTS, st.text("abc-", min_size=30, max_size=60), RULES)
def test_names_that_are_cut_alike_differ_all_the_same(stack: str, name: str, rule: NameRule) -> None:
    long = [urn(stack, "project", name + ending) for ending in ("x", "y")]
    names = {default_name(each, folder, rule) for each in long for folder in ("here", "there")}

    assert len(names) == 4


def test_a_name_says_resource_project_and_stack() -> None:
    made = default_name(urn("local", "scoring", "diabetes-group"), "here", NameRule(32), "-group")

    assert re.fullmatch("diabetes-scoring-local-[0-9a-f]{7}", made)


def test_the_longest_words_are_cut_first() -> None:
    made = default_name(urn("dev", "shop", "a-very-long-name-for-a-service"), "here", NameRule(32))

    assert re.fullmatch("a-very-long-name-shop-dev-[0-9a-f]{7}|a-very-long-nam-shop-dev-[0-9a-f]{7}", made)
