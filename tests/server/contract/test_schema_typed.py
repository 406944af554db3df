"""Annotations of run: what bodies become, what is refused, and what the schema says of it."""

from __future__ import annotations

import asyncio
import io
import json
import sys
import types
from collections.abc import Iterator
from itertools import count
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from jsonschema import Draft202012Validator

from aciml_server.contract.model import Model
from aciml_server.values import Answer, Call, ScriptError, Stream, StreamBroken

from ..conftest import Running, Serve

_NUMBERS = count()
JSON = "application/json"
HEAD = """
from __future__ import annotations
import dataclasses, datetime, enum
from typing import *
import numpy as np
import numpy.typing as npt
import pandas as pd

class Point(TypedDict):
    x: float
    y: NotRequired[int]

@dataclasses.dataclass
class Order:
    items: List[Point]
    note: Optional[str] = None
    def __post_init__(self):
        if self.note == "bad":
            raise ValueError("no such note")

class Pair(NamedTuple):
    first: int
    second: str = "s"

class Color(enum.Enum):
    RED = "red"
"""


@pytest.fixture
def load() -> Iterator[Any]:
    """Make a model of a script's text."""
    names = []

    def model(script: str, **more: Any) -> Model:
        module = types.ModuleType(f"script_{next(_NUMBERS)}")
        module.__file__ = "score.py"
        sys.modules[module.__name__] = module
        names.append(module.__name__)
        exec(HEAD + script, module.__dict__)  # a script is a program
        return Model("", module, 1000, **more)

    yield model
    for name in names:
        del sys.modules[name]


def called(model: Model, body: bytes, media: str = JSON, query: str = "", method: str = "POST") -> Any:
    answer: Any = model.score(
        Call(method, "/score", query, {"content-type": media, "host": "h"}, memoryview(bytearray(body)))
    )
    assert isinstance(answer, Answer)
    text = json.loads(answer.body) if answer.content_type == JSON else answer.body
    return text if answer.status == 200 else (answer.status, json.loads(answer.body)["message"])


REPR = "\ndef run(data: %s):\n    return repr(data)\n"
TAKEN = [
    ("int", b"3", "3"),
    ("int", b"3.0", "3"),
    ("float", b"NaN", "nan"),
    ("bool", b"true", "True"),
    ("None", b"null", "None"),
    ("List[int]", b"[1, 2.0]", "[1, 2]"),
    ("list", b'[1, "a"]', "[1, 'a']"),
    ("List[int]", b'{"data": [1]}', "[1]"),
    ("Dict[str, List[float]]", b'{"data": [1]}', "{'data': [1]}"),
    ("Optional[List[int]]", b"null", "None"),
    ("Union[int, str]", b'"a"', "'a'"),
    ("Tuple[int, str]", b'[1, "a"]', "(1, 'a')"),
    ("Tuple[int, ...]", b"[1, 2]", "(1, 2)"),
    ("Set[int]", b"[1, 1]", "{1}"),
    ("Literal['a', 1]", b"1", "1"),
    ("Color", b'"red"', "<Color.RED: 'red'>"),
    ("Point", b'{"x": 1, "z": 2}', "{'x': 1}"),
    ("Order", b'{"items": [{"x": 1, "y": 2}]}', "Order(items=[{'x': 1, 'y': 2}], note=None)"),
    ("Pair", b'{"first": 1}', "Pair(first=1, second='s')"),
    (
        "datetime.datetime",
        b'"2026-01-31T10:00:00Z"',
        "datetime.datetime(2026, 1, 31, 10, 0, tzinfo=datetime.timezone.utc)",
    ),
    ("datetime.date", b'"2026-01-31"', "datetime.date(2026, 1, 31)"),
    ("bytes", b'"AAE="', "b'\\x00\\x01'"),
    ("Annotated[int, 'ours']", b"1", "1"),
    ("np.ndarray", b"[[1, 2.5]]", "array([[1. , 2.5]])"),
    ("npt.NDArray[np.float32]", b'{"data": [1]}', "array([1.], dtype=float32)"),
    ("npt.NDArray[np.int8]", b"[1.0]", "array([1], dtype=int8)"),
    ("np.ndarray", b'["a", "b"]', "array(['a', 'b'], dtype='<U1')"),
    ("pd.DataFrame", b'[{"a": 1}]', "   a\n0  1"),
    ("pd.DataFrame", b'{"columns": ["a"], "data": [[1]]}', "   a\n0  1"),
    ("str", b"text", "'text'"),
    ("Any", b"text", "'text'"),
    ("print", b"text", "'text'"),
    ("NoSuchThing", b"text", "'text'"),
]


@pytest.mark.parametrize(("annotation", "body", "value"), TAKEN)
def test_bodies_become_what_is_annotated(load: Any, annotation: str, body: bytes, value: str) -> None:
    assert called(load(REPR % annotation), body) == value


REFUSED = [
    ("int", b"3.5", "data: an integer is needed, not a number (3.5)"),
    ("int", b"true", "data: an integer is needed, not a boolean (True)"),
    ("float", b'"1"', "data: a number is needed, not a string ('1')"),
    ("List[List[float]]", b"[[1], [2, null]]", "data[1][1]: a number is needed, not null"),
    ("Dict[str, int]", b'{"a": {}}', "data['a']: an integer is needed, not an object"),
    ("Tuple[int, str]", b"[1]", "data: a list of 2 values is needed, not a list"),
    ("Order", b'{"items": [{"y": 1}]}', "data.items[0]: an object with 'x' is needed, not an object"),
    ("Order", b'{"items": [], "note": "bad"}', "data: a good Order (no such note) is needed, not an object"),
    ("Optional[Order]", b'{"items": [{"x": "a"}]}', "data.items[0].x: a number is needed, not a string ('a')"),
    ("Literal[1]", b"true", "data: one of 1 is needed, not a boolean (True)"),
    ("datetime.date", b'"soon"', "data: a date in the form of ISO 8601 is needed, not a string ('soon')"),
    ("bytes", b'"*"', "data: a string of base64 is needed, not a string ('*')"),
    ("np.ndarray", b"[[1, 2], [3]]", "data[1]: a list of 2 values is needed, not one of 1"),
    ("np.ndarray", b'[[1, 2], [3, "x"]]', "data[1][1]: a number is needed, not a string ('x')"),
    ("np.ndarray", b"[1, null]", "data[1]: a number is needed, not null"),
    ("np.ndarray", b"7", "data: a list is needed, not an integer (7)"),
    ("npt.NDArray[np.int8]", b"[1.5]", "data: a list of int8 is needed, not a list"),
    ("npt.NDArray[np.uint8]", b"[300]", "data: a list of uint8 is needed, not a list"),
    ("pd.DataFrame", b'"x"', "data: a list of records, or an object of columns is needed, not a string ('x')"),
]


@pytest.mark.parametrize(("annotation", "body", "message"), REFUSED)
def test_what_does_not_fit_is_422_with_its_path(load: Any, annotation: str, body: bytes, message: str) -> None:
    assert called(load(REPR % annotation), body) == (422, message)


def _npy(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def _arrow(table: Any) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


ARROW = "application/vnd.apache.arrow.stream"
TABLE = _arrow(pa.table({"a": [1, 2]}))
BINARY = [
    ("np.ndarray", "application/x-npy", _npy(np.asfortranarray([[1, 2], [3, 4]])), "array([[1, 2],\n       [3, 4]])"),
    (
        "np.ndarray",
        "application/octet-stream; dtype=int16; shape=2,1",
        b"\1\0\2\0",
        "array([[1],\n       [2]], dtype=int16)",
    ),
    ("npt.NDArray[np.uint8]", "application/octet-stream", b"\1\2", "array([1, 2], dtype=uint8)"),
    ("pd.DataFrame", "text/csv; charset=utf-8", b"a\n1\n", "   a\n0  1"),
    ("pd.DataFrame", ARROW, TABLE, "   a\n0  1\n1  2"),
    ("bytes", "image/png", b"\0\1", "b'\\x00\\x01'"),
    ("bytearray", "application/octet-stream", b"\0", "bytearray(b'\\x00')"),
    ("bytes", "text/plain", b"ab", "b'ab'"),
]


@pytest.mark.parametrize(("annotation", "media", "body", "value"), BINARY)
def test_binary_bodies_are_read(load: Any, annotation: str, media: str, body: bytes, value: str) -> None:
    assert called(load(REPR % annotation), body, media) == value


WRONG = [
    ("np.ndarray", "application/x-npy", b"\x93NUMPY", 422),
    ("np.ndarray", "application/x-npy", _npy(np.array([{}], dtype=object)), 422),
    ("np.ndarray", "application/octet-stream", b"\1", 422),
    ("np.ndarray", "application/octet-stream; dtype=O", b"\1" * 8, 422),
    ("np.ndarray", "application/octet-stream; dtype=f8", b"\1", 422),
    ("np.ndarray", "application/octet-stream; dtype=u1; shape=3,x", b"\1", 422),
    ("pd.DataFrame", ARROW, b"no arrow", 422),
    ("np.ndarray", "image/png", b"", 415),
    ("List[int]", "application/x-npy", b"", 415),
    ("List[int]", JSON, b"[", 400),
    ("List[int]", JSON, b"", 400),
    ("List[Any]", JSON, b"[" * 100_000, 400),
]


@pytest.mark.parametrize(("annotation", "media", "body", "status"), WRONG)
def test_wrong_bodies_are_refused(load: Any, annotation: str, media: str, body: bytes, status: int) -> None:
    assert called(load(REPR % annotation), body, media)[0] == status


def test_a_large_body_is_not_copied(load: Any) -> None:
    model = load("\nseen = []\ndef run(data: np.ndarray):\n    seen.append(data)\n")
    body = _npy(np.zeros(100_000))
    memory = bytearray(body)
    model.score(Call("POST", "/score", "", {"content-type": "application/x-npy"}, memoryview(memory)))
    memory[-8:] = np.float64(7).tobytes()

    assert sys.modules[model._run.__module__].seen[0][-1] == 7


SEVERAL = "\ndef run(image: bytes, scale: float = 1.0, *, name: str = 'n'):\n    return [len(image), scale, name]\n"


@pytest.mark.parametrize(
    ("body", "media", "query", "expected"),
    [
        (b"abc", "image/png", "scale=2&name=x", [3, 2, "x"]),
        (b'{"image": "AAE=", "name": "y"}', JSON, "", [2, 1.0, "y"]),
        (b"{}", JSON, "", (422, "image: a value is needed, not null")),
        (b"[]", JSON, "", (422, "an object is needed, not a list")),
        (b"abc", "image/png", "scale=x", (422, "scale: a number is needed, not a string ('x')")),
    ],
)
def test_several_parameters_are_given_by_name(load: Any, body: bytes, media: str, query: str, expected: Any) -> None:
    model = load(SEVERAL)

    assert model.facts.headers
    assert called(model, body, media, query) == expected


def test_get_gives_values_of_the_query(load: Any) -> None:
    assert called(load("\ndef run(a: int, b: List[str]):\n    return [a, b]\n"), b"", "", 'a=1&b=["x"]', "GET") == [
        1,
        ["x"],
    ]
    assert called(load(REPR % "List[int]"), b"", "", "data=1&data=2", "GET") == "[1, 2]"


def test_the_schema_says_all_of_it(load: Any) -> None:
    schemas = load("\ndef run(a: Order, b: npt.NDArray[np.int8] = None) -> Dict[str, float]: ...\n").facts.schemas

    assert schemas["input"]["required"] == ["a"]
    assert schemas["input"]["examples"] == [{"a": {"items": [{"x": 0.0}]}}]
    assert schemas["input"]["properties"]["a"]["properties"]["items"]["items"]["required"] == ["x"]
    assert schemas["output"] == {"type": "object", "additionalProperties": {"type": "number"}}
    assert "application/x-npy" in schemas["input_types"]


SIMPLE = st.sampled_from(
    ["int", "float", "bool", "str", "None", "Point", "Pair", "Literal[1, 'a', None]", "Color", "Any"]
)
ANNOTATIONS = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        inner.map("List[{}]".format),
        inner.map("Dict[str, {}]".format),
        inner.map("Optional[{}]".format),
        st.tuples(inner, inner).map("Tuple[{0[0]}, {0[1]}]".format),
        st.tuples(inner, inner).map("Union[{0[0]}, {0[1]}]".format),
    ),
    max_leaves=4,
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.sampled_from([0.5, 1.0, "a", "red", "b"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["x", "y", "first", "k"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@settings(deadline=None, max_examples=300)
@given(annotation=ANNOTATIONS, value=VALUES)
def test_a_value_is_taken_if_and_only_if_the_schema_holds(annotation: str, value: Any) -> None:
    module = types.ModuleType("made_by_hypothesis")
    sys.modules[module.__name__] = module
    exec(HEAD + f"\ndef run(a: List[{annotation}], b: int = 0): ...\n", module.__dict__)
    model = Model("", module, 1000)
    assert model.facts.schemas is not None
    schema = model.facts.schemas["input"]
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    body = {"a": [value]}

    answer = model.score(Call("POST", "/score", "", {}, json.dumps(body).encode()))

    assert (answer.status == 200) == validator.is_valid(body)
    assert validator.is_valid(schema["examples"][0])


TYPED = (
    HEAD
    + """
def run(data: np.ndarray, request_headers: dict) -> List[float]:
    return {"mean": data.mean(), "rows": data, "none": np.float64("nan"), "type": request_headers.get("content-type")}
"""
)


@pytest.fixture(scope="module")
def server(start: Serve) -> Running:
    return start(TYPED.replace("from typing import *", "from typing import *\nfrom typing_extensions import *"),
                 wanted=("numpy", "pandas", "typing-extensions"))  # fmt: skip


@pytest.mark.parametrize(
    ("media", "body"), [(JSON, b"[[1, 2], [3, 4]]"), ("application/x-npy", _npy(np.array([[1, 2], [3, 4]])))]
)
def test_arrays_arrive_over_http(server: Running, media: str, body: bytes) -> None:
    reply = server.ask("POST", "/score", body, {"Content-Type": media})

    assert json.loads(reply.body) == {"mean": 2.5, "rows": [[1, 2], [3, 4]], "none": None, "type": media}


LARGE = _npy(np.zeros((300, 300)))


def test_large_arrays_arrive_over_http(server: Running) -> None:
    reply = server.ask("POST", "/score", LARGE, {"Content-Type": "application/x-npy"})

    assert json.loads(reply.body)["mean"] == 0


@pytest.mark.parametrize(
    ("script", "message"),
    [
        ("def run(*data): ...", "run() cannot take positional-only arguments, *args or **kwargs (*data)"),
        ("def run(data, **more): ...", "run() cannot take positional-only arguments, *args or **kwargs (**more)"),
        ("def run(data, /): ...", "run() cannot take positional-only arguments"),
        ("def run(): ...", "run() takes no data: give it a parameter, as in run(raw_data)"),
        ("def run(request_headers): ...", "run() takes no data: give it a parameter beside request_headers"),
        ("def run(a, b): ...", "run() gets one argument (the body as text), and nothing for b"),
        ("run = 5", "score.py has no function run()"),
        ("run_batch = len", "run_batch() cannot take positional-only"),
        ("async def run_batch(items): ...", "run_batch() is a coroutine"),
    ],
)
def test_a_script_that_cannot_serve_is_told_why(load: Any, script: str, message: str) -> None:
    with pytest.raises(ScriptError) as caught:
        load("\n" + script + "\n")
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)


def _batch(model: Model, *bodies: bytes) -> list[Any]:
    answers = model.score_batch([Call("POST", "/score", "", {}, body) for body in bodies])
    return [(answer.status, json.loads(answer.body)) for answer in answers if isinstance(answer, Answer)]


def test_a_batch_is_one_call(load: Any) -> None:
    model = load(
        "\ndef run_batch(items: List[np.ndarray]):\n    return [len(items) * i.sum() for i in items]\n"
        "run_batch.max_size = 3\n"
    )

    assert (model.facts.batch, model.facts.batch_delay_ms, model.facts.mode) == (3, None, "typed")
    assert _batch(model, b"[1, 2]", b"[3]") == [(200, 6), (200, 6)]
    assert _batch(model, b"[1]", b"x", b'["a", 1]', b"[2]")[1:] == [
        (400, {"message": "POST body could not be decoded as JSON: Expecting value: line 1 column 1 (char 0)"}),
        (422, {"message": "items[0]: a number is needed, not a string ('a')"}),
        (200, 4),
    ]
    assert called(model, b"[5]") == 5


def test_batches_of_texts_and_headers(load: Any) -> None:
    model = load(
        "\ndef run_batch(items, request_headers):\n"
        "    return [[i, h.get('a')] for i, h in zip(items, request_headers)]\n",
        batch_size=9,
    )

    assert (model.facts.batch, model.facts.mode, model.facts.headers) == (9, "text", True)
    assert _batch(model, b"x", b"y") == [(200, ["x", None]), (200, ["y", None])]


@pytest.mark.parametrize("result", ["items[1:]", "5", "'ab'", "1 / 0", "__import__('sys').exit()"])
def test_a_batch_that_fails_fails_for_all(load: Any, result: str) -> None:
    answers = _batch(load(f"\ndef run_batch(items):\n    return {result}\n"), b"x", b"y")

    assert [status for status, _ in answers] == [500, 500]


def test_one_item_of_a_batch_may_fail_alone(load: Any) -> None:
    answers = _batch(load("\ndef run_batch(items):\n    return [ValueError('secret'), np.array([1])]\n"), b"x", b"y")

    assert [status for status, _ in answers] == [500, 200]
    assert "secret" not in str(answers)


RESULTS = [
    ("np.array([1.5])", [1.5]),
    ("np.int64(3)", 3),
    ("np.array(['2026-01-31'], 'datetime64[ns]')", ["2026-01-31T00:00:00"]),
    ("pd.DataFrame({'a': [1], 'b': ['x']})", [{"a": 1, "b": "x"}]),
    ("pd.Series([1, 2])", [1, 2]),
    ("{'t': pd.Timestamp('2026-01-31'), 'n': pd.NaT, 'm': pd.NA}", {"t": "2026-01-31T00:00:00", "n": None, "m": None}),
    ("Order([])", {"items": [], "note": None}),
    ("[datetime.date(2026, 1, 31), Color.RED, {1}]", ["2026-01-31", "red", [1]]),
    ("__import__('decimal').Decimal('1.5')", 1.5),
    ("__import__('uuid').UUID(int=1)", "00000000-0000-0000-0000-000000000001"),
    ("(_ for _ in ())", b""),
    ("memoryview(b'ab')", b"ab"),
]


@pytest.mark.parametrize("parameter", ["raw_data", "raw_data: list"], ids=["text", "typed"])
@pytest.mark.parametrize(("result", "expected"), RESULTS)
def test_results_are_written(load: Any, parameter: str, result: str, expected: Any) -> None:
    answer = load(f"\ndef run({parameter}):\n    return {result}\n").score(Call("POST", "/score", "", {}, b"[]"))

    body = b"".join(answer.pieces) if isinstance(answer, Stream) else answer.body  # type: ignore[arg-type]
    assert answer.status == 200
    assert (body if isinstance(expected, bytes) else json.loads(body)) == expected


def test_typed_results_are_valid_json_with_and_without_orjson(load: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "\ndef run(data: list):\n    return {'a': float('nan'), 1: [np.float32('inf'), 2**70, 'ä']}\n"
    answers = [called(load(script), b"[]")]
    monkeypatch.setitem(sys.modules, "orjson", None)
    answers.append(called(load(script), b"[]"))

    assert answers == [{"a": None, "1": [None, 2**70, "ä"]}] * 2


STREAMS = [
    (
        "{'a': 1}\n    yield 'b\\nc'",
        "text/event-stream; charset=utf-8",
        [b'data: {"a": 1}\n\n', b"data: b\ndata: c\n\n"],
    ),
    ("'a'\n    yield {'b': 1}", "text/plain; charset=utf-8", [b"a", b'{"b": 1}']),
    ("b'a'\n    yield 'b'", "application/octet-stream", [b"a", b"b"]),
]


@pytest.mark.parametrize("begin", ["def", "async def"])
@pytest.mark.parametrize(("pieces", "media", "expected"), STREAMS)
def test_generators_are_streams(load: Any, begin: str, pieces: str, media: str, expected: list[bytes]) -> None:
    model = load(f"\n{begin} run(raw_data):\n    yield {pieces}\n")
    call = Call("POST", "/score", "", {}, b"")

    async def collect() -> tuple[str, list[bytes]]:
        stream = await model.score_async(call)
        assert isinstance(stream, Stream)
        if hasattr(stream.pieces, "__anext__"):
            return stream.content_type, [piece async for piece in stream.pieces]  # type: ignore[union-attr]
        return stream.content_type, list(stream.pieces)

    assert model.facts.concurrent == (begin == "async def")
    assert asyncio.run(collect()) == (media, expected)
    stream = model.score(call)
    assert isinstance(stream, Stream)
    assert (stream.content_type, list(stream.pieces)) == (media, expected)  # type: ignore[arg-type]


def test_a_stream_that_fails_says_so_and_the_first_piece_is_an_answer(load: Any) -> None:
    first = load("\ndef run(raw_data):\n    raise ValueError\n    yield 1\n").score(Call("POST", "/score", "", {}, b""))
    later = load("\ndef run(raw_data):\n    yield 1\n    raise ValueError\n").score(Call("POST", "/score", "", {}, b""))

    assert first.status == 500
    with pytest.raises(StreamBroken):
        list(later.pieces)


def test_a_script_of_v1_whose_annotation_is_wrong_gets_text_when_asked_for(start: Serve) -> None:
    script = "import json\ndef run(data: dict):\n    return json.loads(data)['a']\n"
    server = start(script, ACIML_TYPED="false")

    assert server.ask("POST", "/score", b'{"a": 5}', {"Content-Type": "application/json"}).body == b"5"
