"""Where a property is written, and what a written path means, are the reverse of each other."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.casing import camel_case, snake_case
from pulumi_aciml import EnvironmentImageArgs, RegistryArgs, ScoringServiceArgs
from pulumi_aciml.args.declared import Argument, arguments_of, leaves_of
from pulumi_aciml.args.places import CAMEL, SNAKE, Spelling, in_words, place, places_of, wire_paths

CLASSES: tuple[type[Any], ...] = (RegistryArgs, EnvironmentImageArgs, ScoringServiceArgs)
KEYS = st.text("abcXYZ_-. 0", min_size=1, max_size=8)


def paths_of(argument: Argument, wire: str) -> st.SearchStrategy[str]:
    """Draw a path into the value of a property, in the plugin's words."""
    if argument.kind == "array":
        item = st.integers(0, 12).map(lambda index: f"{wire}[{index}]")
        return item if argument.declared is None else item.flatmap(lambda at: st.just(at) | below(argument, at))
    if argument.declared is not None:
        return below(argument, wire)
    return KEYS.map(lambda key: f'{wire}["{key}"]') if argument.kind == "object" else st.just(wire)


def below(argument: Argument, at: str) -> st.SearchStrategy[str]:
    assert argument.declared is not None
    return st.sampled_from(arguments_of(argument.declared)).flatmap(lambda one: paths_of(one, f"{at}.{one.key}"))


WIRES = st.sampled_from(CLASSES).flatmap(
    lambda cls: st.sampled_from([leaf for _, leaf in leaves_of(cls)]).flatmap(
        lambda leaf: st.tuples(st.just(cls), st.just(leaf.wire) | paths_of(leaf, leaf.wire))
    )
)


@given(WIRES, st.sampled_from([SNAKE, CAMEL]))
def test_what_a_written_path_means_is_the_property_that_is_written_there(
    where: tuple[type[Any], str], spelling: Spelling
) -> None:
    cls, wire = where

    assert wire_paths(cls, place(cls, wire, spelling)) == [wire]


@given(WIRES)
def test_a_path_in_pythons_words_has_no_capital_outside_of_the_users_own_keys(where: tuple[type[Any], str]) -> None:
    cls, wire = where

    written = re.sub(r"\[[^\]]*\]", "", place(cls, wire))

    assert written == written.lower()
    assert re.sub(r"\[[^\]]*\]", "", place(cls, wire, CAMEL)) == ".".join(map(camel_case, written.split(".")))


@pytest.mark.parametrize("cls", CLASSES)
def test_each_property_has_one_place_and_each_place_one_property(cls: type[Any]) -> None:
    leaves = [leaf.wire for _, leaf in leaves_of(cls)]
    written = [place(cls, leaf) for leaf in leaves]

    assert len(set(leaves)) == len(leaves)
    assert len(set(written)) == len(written)
    assert all(snake_case(camel_case(name)) == name for path, _ in leaves_of(cls) for name in path)


@pytest.mark.parametrize("cls", CLASSES)
def test_a_subject_means_all_of_its_properties(cls: type[Any]) -> None:
    subjects = {path[:depth] for path, _ in leaves_of(cls) for depth in range(1, len(path))}

    for subject in subjects:
        inside = [leaf.wire for path, leaf in leaves_of(cls) if path[: len(subject)] == subject]
        assert wire_paths(cls, ".".join(subject)) == inside


@given(st.sampled_from(CLASSES), st.text(st.characters(exclude_characters='"')), st.sampled_from([SNAKE, CAMEL]))
def test_what_a_user_wrote_is_repeated_as_it_was(cls: type[Any], quoted: str, spelling: Spelling) -> None:
    assert in_words(cls, f'cpuCores is "{quoted}"', spelling).endswith(f' is "{quoted}"')


def test_a_message_has_the_users_words_for_each_property_and_no_other() -> None:
    message = 'scoringTimeoutMs is "scoringTimeoutMs"; azureFile.shareName, ContainerGroupQuota and port stay'

    assert in_words(ScoringServiceArgs, message) == (
        'server.limits.scoring_timeout_ms is "scoringTimeoutMs"; azure_file.share_name, ContainerGroupQuota'
        " and port stay"
    )
    assert in_words(ScoringServiceArgs, message, CAMEL).startswith("server.limits.scoringTimeoutMs is ")


@pytest.mark.parametrize("cls", CLASSES)
def test_every_property_that_has_a_capital_is_renamed_in_messages(cls: type[Any]) -> None:
    for wire, (path, _) in places_of(cls).items():
        if wire != wire.lower():
            assert in_words(cls, f"{wire} is wrong") == f"{'.'.join(path)} is wrong"


@given(st.text("abc.[]\"'01", max_size=12))
def test_what_is_no_path_of_the_class_stays_as_it_is(path: str) -> None:
    assert wire_paths(RegistryArgs, path) == [path]
    assert place(RegistryArgs, path) == path


def test_a_list_of_names_at_the_end_is_one_of_names_though_some_are_plain_words() -> None:
    said = "without effect here: livenessProbe, volumes, zones"

    assert in_words(ScoringServiceArgs, said) == (
        "without effect here: azure.liveness_probe, azure.volumes, azure.container.zones"
    )
    assert in_words(ScoringServiceArgs, "it ends so: volumes, noname") == "it ends so: volumes, noname"
