"""Each leaf can be written in a stack config, and arrives at the plugin under its own name with its value."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from enum import Enum
from typing import Any

import pulumi
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.casing import camel_case
from aciml.model.judge import TABLES
from aciml.model.shape import Field
from pulumi_aciml import (
    AzureArgs,
    CanaryStepArgs,
    EnvironmentImageArgs,
    LogArgs,
    LogFormat,
    RegistryArgs,
    ScoringServiceArgs,
    ServerArgs,
    TrafficArgs,
    VolumeArgs,
)
from pulumi_aciml.args.declared import Argument, arguments_of, is_subject, leaves_of
from pulumi_aciml.args.places import CAMEL
from pulumi_aciml.args.reading import Problem, Reading, as_written
from pulumi_aciml.args.spread import properties_of, wrong_in
from pulumi_aciml.judged import children_of, problems_of, with_later

CLASSES: tuple[type[Any], ...] = (RegistryArgs, EnvironmentImageArgs, ScoringServiceArgs)
PLAIN: Mapping[str, st.SearchStrategy[Any]] = {
    "string": st.text(max_size=5),
    "boolean": st.booleans(),
    "integer": st.integers(-5, 5),
    "number": st.floats(-5, 5).map(lambda number: round(number, 3)),
}


def values_of(argument: Argument, *, as_text: bool = False) -> st.SearchStrategy[tuple[Any, Any]]:
    """Draw what a config says for an argument, and what the plugin gets of it."""
    if argument.declared is not None:
        one = objects_of(argument.declared, as_text=as_text)
        return one if argument.kind == "object" else st.lists(one, max_size=2).map(_side_by_side)
    if argument.words:
        return st.sampled_from(argument.words).map(lambda word: (word, word))
    if argument.kind == "array":
        return st.lists(st.text(max_size=3), max_size=2).map(lambda items: (items, items))
    if argument.kind == "object":
        return st.dictionaries(st.text("aB_", max_size=3), st.text(max_size=3), max_size=2).map(lambda one: (one, one))
    text = as_text and argument.kind != "string"
    return PLAIN[argument.kind].map(lambda value: (json.dumps(value) if text else value, value))


def _side_by_side(pairs: list[tuple[Any, Any]]) -> tuple[list[Any], list[Any]]:
    return [given for given, _ in pairs], [wire for _, wire in pairs]


def objects_of(cls: type[Any], *, as_text: bool) -> st.SearchStrategy[tuple[Any, Any]]:
    def drawn(chosen: list[Argument]) -> st.SearchStrategy[tuple[Any, Any]]:
        pairs = st.tuples(*(values_of(one, as_text=as_text) for one in chosen))
        return pairs.map(
            lambda found: (
                {one.name: given for one, (given, _) in zip(chosen, found, strict=True)},
                {one.key: wire for one, (_, wire) in zip(chosen, found, strict=True)},
            )
        )

    every = arguments_of(cls)
    needed = [one for one in every if one.required]
    return st.sets(st.sampled_from(every)).flatmap(lambda more: drawn([*dict.fromkeys([*needed, *more])]))


LEAVES = [(cls, path, leaf) for cls in CLASSES for path, leaf in leaves_of(cls)]


def config_of(path: tuple[str, ...], value: Any) -> dict[str, Any]:
    """Write a value at its place, and what else its subject needs."""
    for name in reversed(path):
        value = {name: value}
    written: dict[str, Any] = value
    return written


def read(cls: type[Any], config: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Return a config as the plugin gets it, and what is wrong with it except what is missing."""
    problems: list[Problem] = []
    given = Reading(problems).fields(cls, config)
    return properties_of(cls(**given)), [one for one in problems if one.why != "is missing"]


@given(st.data())
@pytest.mark.parametrize("as_text", [False, True], ids=["as YAML has it", "as the CLI stores it"])
def test_every_leaf_arrives_under_its_own_name_with_its_value(as_text: bool, data: st.DataObject) -> None:  # noqa: FBT001
    cls, path, leaf = data.draw(st.sampled_from(LEAVES))
    written, expected = data.draw(values_of(leaf, as_text=as_text))
    config = config_of(path, written)
    if path[0] == "tls" and len(path) > 1:
        config["tls"] = {"ssl_cert_pem_file": "c", "ssl_key_pem_file": "k", **config["tls"]}

    found, problems = read(cls, config)

    assert problems == []
    assert found[leaf.wire] == expected
    assert type(found[leaf.wire]) is type(expected)


@pytest.mark.parametrize(
    ("cls", "path", "leaf"), LEAVES, ids=lambda one: ".".join(one) if isinstance(one, tuple) else ""
)
def test_a_leaf_has_the_kind_that_the_plugins_table_has(cls: type[Any], path: tuple[str, ...], leaf: Argument) -> None:
    # a word that two resources have (as whom the image runs, and the container) is one kind in both
    fields = [TABLES[token][leaf.wire] for token in cls._children if leaf.wire in TABLES[token]]
    assert fields

    for field in fields:
        assert leaf.kind == field.kind
        _same_shape(leaf, field)


def _same_shape(argument: Argument, field: Field) -> None:
    if field.fields is None:
        assert argument.declared is None or argument.kind == "object"
        return
    assert argument.declared is not None
    inner = {one.key: one for one in arguments_of(argument.declared)}
    assert inner.keys() == field.fields.keys()
    for name, one in inner.items():
        assert one.kind == field.fields[name].kind
        assert one.required or not field.fields[name].required
        _same_shape(one, field.fields[name])


def test_the_words_of_every_enum_are_those_of_the_plugins_table() -> None:
    compared = 0
    for cls in CLASSES:
        for _, leaf in leaves_of(cls):
            fields = [TABLES[token][leaf.wire] for token in cls._children if leaf.wire in TABLES[token]]
            compared += sum(_same_words(leaf, field) for field in fields)
    known = any(getattr(field, "words", ()) for table in TABLES.values() for field in table.values())
    assert compared > 10 or not known


def _same_words(argument: Argument, field: Field) -> int:
    """Compare an argument and all that is inside; return how many enums were compared."""
    words: tuple[str, ...] = getattr(field, "words", ())
    if words and argument.kind == "string":
        assert set(argument.words) == set(words), argument.name
    inner = field.fields or {}
    below = {one.key: one for one in arguments_of(argument.declared)} if argument.declared else {}
    return bool(words and argument.words) + sum(_same_words(below[name], one) for name, one in inner.items())


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("number", "1.5", 1.5),
        ("integer", "8080", 8080),
        ("boolean", "true", True),
        ("boolean", "False", False),
        ("integer", "1.5", "1.5"),
        ("number", "many", "many"),
        ("boolean", "yes", "yes"),
        ("string", "1.5", "1.5"),
    ],
)
def test_a_text_is_read_as_its_kind_and_nothing_is_guessed(kind: str, text: str, value: Any) -> None:
    assert as_written(kind, text) == value
    assert type(as_written(kind, text)) is type(value)


def test_all_that_cannot_be_read_is_named_with_its_path() -> None:
    problems: list[Problem] = []
    config = {
        "memroy_gb": 1,
        "server": {"limits": {"max_body": 1}},
        "azure": {"volumes": [{"azure_file": {"share_name": "s"}}]},
        "tls": {"ssl_cert_pem_file": "c"},
    }

    Reading(problems).fields(ScoringServiceArgs, config, "scoring:service.")

    assert [str(problem) for problem in problems] == [
        "scoring:service.memroy_gb: unknown key; did you mean memory_gb?",
        "scoring:service.server.limits.max_body: unknown key; did you mean max_body_mb?",
        "scoring:service.azure.volumes[0].azure_file.storage_account_name: is missing",
        "scoring:service.azure.volumes[0].name: is missing",
        "scoring:service.tls.ssl_key_pem_file: is missing",
    ]


@pytest.mark.parametrize("cls", CLASSES)
def test_other_languages_write_the_same_places_in_their_own_spelling(cls: type[Any]) -> None:
    problems: list[Problem] = []
    for path, leaf in leaves_of(cls):
        value: Any = [] if leaf.kind == "array" else "x"
        read = Reading(problems, CAMEL).fields(cls, config_of(tuple(map(camel_case, path)), value))
        assert read.keys() == {path[0]}
    assert {str(one) for one in problems} <= {"tls.sslCertPemFile: is missing", "tls.sslKeyPemFile: is missing"}


def later(value: Any) -> pulumi.Output[Any]:
    return pulumi.Output.from_input(value)


@pytest.mark.parametrize(
    "args",
    [
        ServerArgs(logs=LogArgs(log_format=LogFormat.JSON)),
        {"logs": {"log_format": "json"}},
        {"logs": {"logFormat": "json"}},
        lambda: later(ServerArgs(logs=LogArgs(log_format=LogFormat.JSON))),
        lambda: later({"logs": {"log_format": LogFormat.JSON}}),
        lambda: ServerArgs(logs=later(LogArgs(log_format=later(LogFormat.JSON)))),
        lambda: ServerArgs(logs=LogArgs(log_format=later("json"))),
    ],
    ids=["classes", "maps", "maps of the wire", "later", "maps later", "two times later", "a leaf later"],
)
def test_an_output_may_stand_anywhere(args: Any) -> None:
    args = args() if callable(args) else args
    found = properties_of(
        ScoringServiceArgs(login_server="x", environment_image="y", source_directory="z", server=args)
    )["logFormat"]

    assert _known(found) == "json"


def test_an_output_inside_of_a_list_stays_in_its_place() -> None:
    volumes: list[Any] = [
        VolumeArgs(name=later("a"), empty_dir={}),
        later(VolumeArgs(name="b", secret={"k": later("v")})),
    ]
    found = properties_of(
        ScoringServiceArgs(
            login_server="x", environment_image="y", source_directory="z", azure=AzureArgs(volumes=volumes)
        )
    )["volumes"]

    assert _known(pulumi.Output.all(*found)) == [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "secret": {"k": "v"}},
    ]


def _known(value: Any) -> Any:
    if not isinstance(value, pulumi.Output):
        return value.value if isinstance(value, Enum) else value
    return asyncio.get_event_loop().run_until_complete(value.future())


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (ServerArgs(workrs=1), "server.workrs: is no argument of ServerArgs; did you mean workers? (test_reading.py:"),  # type: ignore[call-arg]
        (LogArgs(), "server: a ServerArgs belongs here, not LogArgs"),
        ("x", "server: a ServerArgs belongs here, not a text"),
        ({"workrs": 1}, "server.workrs: unknown key; did you mean workers?"),
        ({"logs": LogArgs(fmt=1)}, "server.logs.fmt: is no argument of LogArgs"),  # type: ignore[call-arg]
        (ServerArgs(logs=ServerArgs()), "server.logs: a LogArgs belongs here, not ServerArgs"),  # type: ignore[arg-type]
    ],
    ids=["a name", "another class", "a text", "a key", "a name in a map", "another class below"],
)
def test_what_has_a_wrong_form_is_named_by_its_path(server: Any, words: str) -> None:
    args = ScoringServiceArgs(login_server="x", environment_image="y", source_directory="z", server=server)

    (problem,) = wrong_in(args)

    assert str(problem).startswith(words)
    properties_of(args)


def test_subjects_are_no_values_of_the_plugin() -> None:
    for cls in CLASSES:
        assert not any(leaf.declared and is_subject(leaf.declared) for _, leaf in leaves_of(cls))


@pytest.mark.parametrize(
    "canary",
    [
        [10, 50, 100],
        ["10", "50", "100"],
        [10, {"percent": 50}, 100],
        # as a map in a program may have come from another language, so may a list
        (10, 50, 100),
    ],
)
def test_plain_numbers_are_steps(canary: Any) -> None:
    found, problems = read(ScoringServiceArgs, {"traffic": {"canary": canary}})

    assert problems == []
    assert found["traffic"]["canary"] == [{"percent": 10}, {"percent": 50}, {"percent": 100}]


def test_plain_numbers_are_steps_in_a_program_too() -> None:
    later_on = pulumi.Output.from_input(50)
    given: tuple[Any, ...] = (TrafficArgs(canary=[10, CanaryStepArgs(percent=50), 100]), {"canary": [10, 50, 100]})
    for traffic in given:
        args = ScoringServiceArgs(login_server="l", environment_image="e", source_directory="s", traffic=traffic)
        assert list(wrong_in(args)) == []
        assert properties_of(args)["traffic"]["canary"] == [{"percent": one} for one in (10, 50, 100)]
    kept = properties_of(ScoringServiceArgs(traffic=TrafficArgs(canary=[10, later_on])))["traffic"]["canary"]
    assert kept[0] == {"percent": 10}
    assert isinstance(kept[1], pulumi.Output)


@pytest.mark.parametrize("step", [True, 10.5, "ten", [10]])
def test_what_is_no_number_is_no_step(step: Any) -> None:
    traffic: Any = {"canary": [step]}
    args = ScoringServiceArgs(login_server="l", environment_image="e", source_directory="s", traffic=traffic)

    told = [str(one) for one in [*wrong_in(args), *problems_of(ScoringServiceArgs, with_later(children_of(args)))]]
    assert any("traffic.canary[0]" in one for one in told), told
