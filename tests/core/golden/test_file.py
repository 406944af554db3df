"""A golden file: what is written is read, and what is wrong is told at once."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.golden.file import GoldenError, parse
from aciml.core.golden.path import Pattern
from aciml.core.golden.request import Came, Expected, Golden, Request, expected_of
from aciml.core.golden.text import as_lines, as_yaml
from aciml.core.golden.tolerance import DEFAULT, Rule, Tolerance
from tests.core.golden.test_compare import values

FORMS: tuple[tuple[str, Callable[[Golden], str]], ...] = (("golden.yaml", as_yaml), ("golden.jsonl", as_lines))
tolerances = st.builds(Tolerance, st.floats(1e-300, 1e300), st.floats(0, 1)) | st.just(DEFAULT)
rules = st.builds(
    Rule, st.sampled_from(["$", "$.a[*]", "$..score"]).map(Pattern.parse), tolerances | st.just(Tolerance(ignore=True))
)
kinds = st.sampled_from(["application/json", "text/plain", "image/png", "application/octet-stream"])
bodies = st.none() | st.binary() | values.map(lambda value: json.dumps(value).encode())
requests = st.builds(
    Request,
    st.text(st.characters(blacklist_categories=["Cs"]), min_size=1),
    st.sampled_from(["/score", "/score/other", "/"]),
    st.just("POST"),
    bodies,
    kinds,
    st.dictionaries(st.sampled_from(["Accept", "X-Trace"]), st.sampled_from(["a", "b c"])),
    st.none() | st.builds(lambda body, kind: expected_of(Came(200, body or b"", kind)), bodies, kinds),
    st.lists(rules, max_size=2).map(tuple),
)
files = st.builds(
    Golden,
    st.lists(requests, min_size=1, max_size=3, unique_by=lambda one: one.name).map(tuple),
    tolerances,
    st.lists(rules, max_size=2).map(tuple),
    st.dictionaries(st.sampled_from(["image", "at"]), st.text(st.characters(blacklist_categories=["Cs"]))),
)


def nothing(path: str) -> bytes:
    raise FileNotFoundError(2, "No such file or directory", path)


def faults(text: str, name: str = "golden.yaml") -> list[str]:
    with pytest.raises(GoldenError) as caught:
        parse(text, name, nothing)
    return [one.why for one in caught.value.findings]


@pytest.mark.parametrize(("name", "write"), FORMS)
@given(files)
def test_what_is_written_is_read(name: str, write: Callable[[Golden], str], golden: Golden) -> None:
    read = parse(write(golden), name, nothing)

    assert write(read) == write(golden)
    assert read.tolerance == golden.tolerance
    assert [one.name for one in read.requests] == [one.name for one in golden.requests]
    for one, other in zip(read.requests, golden.requests, strict=True):
        assert (one.path, one.method, dict(one.headers)) == (other.path, other.method, dict(other.headers))
        assert (one.body is None) == (other.body is None)
        # JSON may be spaced otherwise
        assert one.body == other.body or repr(json.loads(one.body or b"")) == repr(json.loads(other.body or b""))
        assert repr(one.expected) == repr(other.expected)


def test_a_file_written_by_hand() -> None:
    text = """
tolerance: {relative: 1e-6}
tolerances:
  - path: $.took_ms
    ignore: true
requests:
  - json: {data: [[1, 2.5]]}
    expect:
      json: {predictions: [152.1]}
  - name: a picture
    path: score/cat
    file: cat.png
    expect: {sha256: "%s", content_type: image/png}
  - path: /
    expect: {text: Healthy}
"""
    golden = parse(text % ("0" * 64), "golden.yaml", {"cat.png": b"PNG"}.__getitem__)

    first, second, third = golden.requests
    assert first == Request(
        "request 1", body=b'{"data": [[1, 2.5]]}', expected=Expected(200, "json", {"predictions": [152.1]})
    )
    assert (second.path, second.body, second.content_type, second.file) == (
        "/score/cat",
        b"PNG",
        "image/png",
        "cat.png",
    )
    assert (third.method, third.body) == ("GET", None)
    assert golden.tolerance == Tolerance(relative=1e-6)
    assert golden.rules_of(first).walk().down("took_ms").tolerance.ignore


def test_all_that_is_wrong_is_told_at_once_each_with_its_line() -> None:
    text = """requests:
  - name: a
    jsn: 1
    expect: {status: 99}
  - name: a
    json: 1
    text: x
    tolerances:
      - path: predictions
        relative: 0.1
      - path: $.x
        relative: 10
      - path: $.y
        absolute: -1
      - path: $.z
  - expect: {sha256: abc}
    path: /score?code=abc
    headers: {Authorization: Bearer x}
  - 7
  - file: gone.bin
"""
    told = faults(text)

    secret, state, reason = "what is secret is never in this file", "the stack's state", "No such file or directory"
    drop = f"{state}, drop it"
    assert told == [
        'golden.yaml:3: "jsn" is not known here; did you mean "json"?',
        "golden.yaml:4: 99 is no status; write one of 100 to 599",
        "golden.yaml:5: json and text are two bodies of one request; keep one",
        'golden.yaml:9: "predictions" does not begin with $, which is the whole answer; write such as $.name[0].*',
        "golden.yaml:12: relative: 10 would let every number pass; 0.01 is a hundredth of the value",
        "golden.yaml:14: absolute: -1 is no number of 0 or more",
        "golden.yaml:15: $.z says nothing; give absolute, relative or ignore",
        f"golden.yaml:17: the path has a key or a token in it; {secret}, the service's key is taken from {state}",
        f"golden.yaml:18: the header Authorization has a secret, and {secret}; the service's key is taken from {drop}",
        "golden.yaml:16: sha256 has 64 hexadecimal digits",
        "golden.yaml:19: a request is a mapping with path, a body and expect",
        f"golden.yaml:20: gone.bin cannot be read: {reason}; paths are relative to the folder of this file",
        'golden.yaml:5: "a" is the name of the request in line 2 too',
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", 'golden.yaml:1: the file is no mapping; write "requests:" and a list of requests below it'),
        ("- a", "golden.yaml:1: the file is no mapping"),
        ("requests: []", "golden.yaml:1: the file has no requests"),
        ("golden: 2\nrequests: [{}]", "golden.yaml:1: golden: 2 is a form of the file that is not known here, 1 is"),
        ("requests:\n  - {a: 1\n", "golden.yaml:3: this is no YAML"),
        ("requests:\n- {name: a, name: b}", 'golden.yaml:2: "name" is written twice'),
        ("requests:\n- json: &a [1]\n- json: &b [*a, *a]\n" + "  " * 0, None),
        ("requests:\n- method: DELETE", "golden.yaml:2: DELETE is not asked"),
        ("requests:\n- {method: GET, json: 1}", "golden.yaml:2: a GET has no body"),
        ("requests:\n- path: http://a/score", "is no path"),
        ("requests:\n- base64: '?'", "golden.yaml:2: this is no base64"),
        ("requests:\n- {expect: {json: 1, text: a}}", "golden.yaml:2: json and text are two answers to one request"),
        ("requests: " + "[" * 5000, "golden.yaml:1: the file is nested too deeply"),
        ("requests: [{json: " + "[x, " * 300 + "]" * 300 + "}]", "nested too deeply"),
        ("tolerance: 5\nrequests: [{}]", "golden.yaml:1: a tolerance is a mapping"),
        ("tolerance: {relative: .nan}\nrequests: [{}]", "golden.yaml:1: relative: nan is no number of 0 or more"),
    ],
)
def test_what_is_no_golden_file_is_told(text: str, said: str | None) -> None:
    if said is None:
        assert len(parse(text, "golden.yaml", nothing).requests) == 2
        return
    assert any(said in one for one in faults(text)), faults(text)


def test_a_few_letters_that_mean_millions_of_values_are_refused_soon() -> None:
    rows = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    rows += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]

    assert any("too many values" in one for one in faults("\n".join(rows)))


def test_lines_of_json_are_told_by_their_number() -> None:
    text = '{"golden": 1, "tolerance": {"relative": 1e-3}}\n\n{"json": 1}\n{"json": }\n{"expect": 5}\n'

    told = faults(text, "golden.jsonl")

    assert told[0].startswith("golden.jsonl:4: the line is no JSON")


def test_large_files_are_lines() -> None:
    assert "may have more: name it .jsonl" in faults("# " + "x" * (1 << 20))[0]
    assert "33792 KiB, and 32768 are read" in faults(" " * (33 << 20), "golden.jsonl")[0]
    assert "1001 requests; 1000 are sent at most" in faults('{"json": 1}\n' * 1001, "golden.jsonl")[0]


@pytest.mark.parametrize("text", ["1e-6", "1.5e-07", "1E5", ".5", "1_000.5", "-.inf"])
def test_numbers_as_yaml_writes_them(text: str) -> None:
    [request] = parse(f"requests:\n- expect: {{json: {text}}}", "golden.yaml", nothing).requests

    assert request.expected is not None
    assert request.expected.value == float(text.replace("_", "").replace(".inf", "inf"))


def test_json_is_read_as_such_wherever_it_stands() -> None:
    text = """requests:
  - text: |
      json: {"a": 1}
    expect:
      json: {
        "b": [1, 2],
        "c": "x: # y"
      }
  - json: [1, {"d": NaN}]
    expect: {json: {"e": 1, "e": 2}}
  - json: {"f": 1, "f": 2}
  - nmae: a
"""
    assert faults(text) == [
        'golden.yaml:10: "e" is written twice',
        'golden.yaml:11: "f" is written twice',
    ]
    right = text.replace('"e": 2', '"g": 2').replace('"f": 2', '"h": 2').replace("nmae", "name")
    first, second, *_ = parse(right, "golden.yaml", nothing).requests
    assert first.body == b'json: {"a": 1}\n'
    assert first.expected is not None
    assert first.expected.value == {"b": [1, 2], "c": "x: # y"}
    # a word of JavaScript, which YAML and JSON have not
    assert second.body == b'[1, {"d": "NaN"}]'


def test_a_date_is_a_text() -> None:
    [request] = parse("requests:\n- json: {day: 2026-11-27}", "golden.yaml", nothing).requests

    assert json.loads(request.body or b"") == {"day": "2026-11-27"}


def test_what_is_recorded_of_each_kind() -> None:
    def kind(body: bytes, media: str) -> Any:
        return expected_of(Came(200, body, media)).kind

    assert kind(b"[1]", "application/json; charset=utf-8") == "json"
    assert kind(b"[1", "application/json") == "text"
    assert kind(b"a", "text/csv") == "text"
    assert kind(b"\xff", "text/csv") == "sha256"
    assert kind(b"a", "image/png") == "sha256"
    assert kind(b"", "") == "text"
