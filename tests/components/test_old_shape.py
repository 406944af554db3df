"""A program or a config of the flat shape that 0.1 had is told the new place of each word, at once."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.casing import snake_case
from pulumi_aciml import EnvironmentImageArgs, RegistryArgs, ScoringServiceArgs
from pulumi_aciml.args.declared import arguments_of, leaves_of
from pulumi_aciml.args.reading import Problem, Reading
from pulumi_aciml.args.spread import wrong_in

CLASSES: tuple[type[Any], ...] = (RegistryArgs, EnvironmentImageArgs, ScoringServiceArgs)


def moved_in(cls: type[Any]) -> dict[str, str]:
    """Return the words of 0.1 that have another place now."""
    flat = {snake_case(leaf.wire): ".".join(path) for path, leaf in leaves_of(cls)}
    # what has only another name on the wire was in no program of 0.1
    return {word: path for word, path in flat.items() if word != path and "." in path}


@pytest.mark.parametrize("cls", CLASSES)
def test_a_program_is_told_all_new_places_in_one_message(cls: type[Any]) -> None:
    needed = {argument.name: "x" for argument in arguments_of(cls) if argument.required}
    moved = moved_in(cls)

    found = {problem.where: problem.why for problem in wrong_in(cls(**needed, **dict.fromkeys(moved, "x")))}

    assert moved
    assert found.keys() == moved.keys()
    assert all(f"it is now {path}" in found[word] for word, path in moved.items())


@pytest.mark.parametrize("cls", CLASSES)
def test_a_config_is_told_all_new_places_in_one_message(cls: type[Any]) -> None:
    problems: list[Problem] = []
    moved = moved_in(cls)

    read = Reading(problems).fields(cls, dict.fromkeys(moved, "x"))

    found = {problem.where: problem.why for problem in [*problems, *wrong_in(cls(**read))]}
    assert all(f"it is now {path}" in found[word] for word, path in moved.items())


def test_what_has_no_place_any_more_says_why() -> None:
    problems: list[Problem] = []

    Reading(problems).fields(ScoringServiceArgs, {"ssl_enabled": True})

    assert "drop it: a service that is given tls speaks TLS" in str(problems[0])
