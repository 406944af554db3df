"""The contract as rows: script and request in; status, headers and body out. We and v1's server are held to it."""

from __future__ import annotations

from typing import NamedTuple

RAISED = "An unexpected error occurred in scoring script. Check the logs for more info."
INTERNAL = "An unexpected internal error occurred. Check the logs for more info."
NOT_GIVEN = "A value is not provided for the 'a' parameter."
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
BOUNDARY = {"Content-Type": 'multipart/form-data; boundary="b;1"'}
MULTIPART = (
    b'--b;1\r\nContent-Disposition: form-data; name="field"\r\n\r\nvalue\r\n--b;1\r\nContent-Disposition: form-data; '
    b'name="image"; filename="a \\"b\\".png"\r\nContent-Type: image/png\r\n\r\n\x00\r\n\xff\r\n--b;1--\r\n'
)

TEXT = """
import json, sys, threading

ANSWERS = {
    "none": lambda: None,
    "text": lambda: "text \\u00e4",
    "tuple": lambda: (1, 2.5, None, True),
    "nan": lambda: [float("nan"), float("inf")],
    "keys": lambda: {1: "a", None: "b"},
    "nested": lambda: {"a": [{"b": []}]},
    "raise": lambda: {}["secret-of-the-script"],
    "object": object,
    "set": lambda: {1},
    "bytes": lambda: b"\\x00\\x01",
    "exit": lambda: sys.exit(7),
    "interrupt": lambda: (_ for _ in ()).throw(KeyboardInterrupt()),
    "assert": lambda: (_ for _ in ()).throw(AssertionError("secret-of-the-script")),
    "list": lambda: [x for x in range(3)],
    "generator": lambda: ({"n": n} for n in range(2)),
}

def init():
    global ready
    ready = True

def run(raw_data):
    assert ready
    if raw_data.startswith("do "):
        return ANSWERS[raw_data[3:]]()
    if raw_data.startswith("load "):
        return json.loads(raw_data[5:])
    return {"got": raw_data}
"""

HEADERS = """
def init():
    pass

def run(data, request_headers):
    return {name: request_headers[name] for name in json.loads(data)}

import json
"""

SCHEMA = """
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType as Standard

def init():
    pass

@input_schema("a", Standard(1.5))
@input_schema("b", Standard({"c": Standard([1]), "d": "x"}))
@output_schema(Standard({"a": 1.5}))
def run(a, b={"c": [0]}, e="default"):
    if a == 13:
        raise ValueError("secret-of-the-script")
    return {"a": a, "b": b, "e": e}
"""

NUMPY = """
import numpy as np
import pandas as pd
from inference_schema.schema_decorators import input_schema, output_schema
from inference_schema.parameter_types.numpy_parameter_type import NumpyParameterType
from inference_schema.parameter_types.pandas_parameter_type import PandasParameterType

def init():
    pass

@input_schema("data", NumpyParameterType(np.zeros((1, 2), "float32")))
@input_schema("frame", PandasParameterType(pd.DataFrame({"x": [1], "y": ["a"]})), optional=True)
@output_schema(NumpyParameterType(np.zeros(1)))
def run(data, frame=None, request_headers={}):
    columns = None if frame is None else [str(kind) for kind in frame.dtypes][:1]
    return [str(data.dtype), list(data.shape), data.sum().item(), columns, "Content-Type" in request_headers]
"""

RAW = """
import json
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

def init():
    pass

def _upload(r):
    file = r.files["image"]
    return [dict(r.form), file.filename, file.content_type, list(file.read())]

def _later(r):
    answer = AMLResponse("a,b", 200)
    answer.status = "404 Not Found"
    answer.mimetype = "text/csv"
    answer.headers["X-One"] = "1"
    answer.headers.add("X-Two", "2")
    answer.set_cookie("c", "v 1", httponly=True, samesite="Lax")
    return answer

DO = {
    "/method": lambda r: [r.method, r.path, r.args.get("q"), r.args.getlist("q"), r.args.get("n", 5, type=int)],
    "/data": lambda r: AMLResponse(r.get_data(), 200, {"Content-Type": "image/png"}),
    "/text": lambda r: r.get_data(as_text=True),
    "/json": lambda r: [r.is_json, r.get_json(), r.json["a"]],
    "/force": lambda r: r.get_json(force=True),
    "/silent": lambda r: r.get_json(silent=True),
    "/headers": lambda r: [r.headers["x-mine"], r.headers.get("X-MINE"), "X-mine" in r.headers,
        r.content_type, r.mimetype],
    "/cookies": lambda r: r.cookies,
    "/form": lambda r: [r.form["a"], r.form.getlist("b")],
    "/upload": _upload,
    "/teapot": lambda r: AMLResponse("short and stout", 418),
    "/json_str": lambda r: AMLResponse({"a": [1, 2]}, 201, json_str=True),
    "/nothing": lambda r: AMLResponse(None, 200),
    "/repeats": lambda r: AMLResponse("", 200, {"X-Two": "one, two", "Set-Cookie": "a=1"}),
    "/broken": lambda r: AMLResponse("it broke", 503, {"Retry-After": "7"}),
    "/said": lambda r: AMLResponse("it failed", 200, run_function_failed=True),
    "/split": lambda r: AMLResponse("x", 200, {"X-Evil": "a\\r\\nX-Other: b"}),
    "/plain": lambda r: {"plain": 1},
    "/raise": lambda r: {}["secret-of-the-script"],
    "/pairs": lambda r: sorted(name for name, value in r.headers if value == "1"),
    "/typed": lambda r: [r.headers.get("x-mine", type=int), r.headers.get("x-none", 5, type=int),
        r.headers.getlist("X-Mine"), dict(r.headers)["X-Mine"]],
    "/stream": lambda r: r.stream.read().decode(),
    "/environ": lambda r: [r.environ["REQUEST_METHOD"], r.environ["PATH_INFO"], r.environ["HTTP_X_MINE"],
        r.environ["CONTENT_TYPE"], r.environ["wsgi.url_scheme"]],
    "/client": lambda r: [r.remote_addr, r.environ["REMOTE_ADDR"], r.is_secure, r.script_root],
    "/options": lambda r: AMLResponse("mine", 202, {"X-Mine": r.method}),
    "/later": _later,
    "/url": lambda r: [r.url.split("/", 3)[3], r.base_url.split("/", 3)[3], r.query_string.decode(), r.full_path],
}

@rawhttp
def run(request):
    return DO["/" + request.args["do"]](request)
"""

ASYNC = """
async def run(raw_data):
    return {"later": raw_data}

def init():
    pass
"""

DRIVER = """
import types

driver_module = types.ModuleType("behind")
driver_module.__file__ = "behind.py"
driver_module.run = lambda data: {"behind": data}

def init():
    pass

def run(data):
    return "in front"
"""

SCRIPTS = {
    "text": TEXT, "headers": HEADERS, "schema": SCHEMA, "numpy": NUMPY, "raw": RAW, "async": ASYNC, "driver": DRIVER,
}  # fmt: skip


class Row(NamedTuple):
    """One promise. ``answer``: bytes are the very body, else JSON. ``failed`` is what the header says; "" for none."""

    name: str
    script: str
    method: str
    target: str
    body: bytes | None
    status: int
    answer: object
    failed: str = "False"
    headers: dict[str, str] = {}  # noqa: RUF012  # never changed
    back: dict[str, str] = {}  # noqa: RUF012


def _post(
    name: str, script: str, body: bytes, status: int, answer: object, failed: str = "False", **more: dict[str, str]
) -> Row:
    return Row(name, script, "POST", "/score", body, status, answer, failed, **more)


def _said(text: str) -> dict[str, str]:
    return {"message": text}


PLAIN = {"Content-Type": "text/plain"}
APPLICATION = {"content-type": "application/json"}
ROWS = [
    Row("health", "text", "GET", "/", None, 200, b"Healthy", "", back={"content-type": "text/html; charset=utf-8"}),
    Row("health is for GET", "text", "POST", "/", b"", 405, None, ""),
    Row("no such path", "text", "GET", "/nothing", None, 404, None, ""),
    Row("PUT", "text", "PUT", "/score", b"", 405, None, ""),
    Row("OPTIONS runs nothing", "text", "OPTIONS", "/score", None, 200, b"", ""),
    _post("text", "text", "ä".encode(), 200, {"got": "ä"}, headers=PLAIN, back=APPLICATION),
    _post("text that says JSON", "text", b"{not json", 200, {"got": "{not json"}, headers=JSON),
    _post("text of a form", "text", b"a=1&b=2", 200, {"got": "a=1&b=2"}, headers=FORM),
    _post("text without a type", "text", b"x", 200, {"got": "x"}),
    _post("empty text", "text", b"", 200, {"got": ""}),
    _post("large text", "text", b"x" * 300_000, 200, {"got": "x" * 300_000}, headers=PLAIN),
    _post(
        "not UTF-8",
        "text",
        b"a\xff",
        400,
        _said(
            "Input cannot be decoded as UTF-8: 'utf-8' codec can't decode byte 0xff in position 1: invalid start byte"
        ),
        headers=PLAIN,
    ),
    Row(
        "GET",
        "text",
        "GET",
        "/score?a=1&b=[1,2]&c=x&c=2&d=null&e=",
        None,
        200,
        {"got": '{"a": 1, "b": [1, 2], "c": ["x", 2], "d": null, "e": ""}'},
    ),
    Row("GET of nothing", "text", "GET", "/score", None, 200, {"got": "{}"}),
    Row("GET in other letters", "text", "GET", "/score?%C3%A4=%E2%82%AC", None, 200, {"got": '{"\\u00e4": "\\u20ac"}'}),
    _post("None", "text", b"do none", 200, b"{}", headers=PLAIN),
    _post("a text as result", "text", b"do text", 200, b'"text \\u00e4"', headers=PLAIN),
    _post("a tuple", "text", b"do tuple", 200, b"[1, 2.5, null, true]", headers=PLAIN),
    _post("not a number", "text", b"do nan", 200, b"[NaN, Infinity]", headers=PLAIN),
    _post("other keys", "text", b"do keys", 200, b'{"1": "a", "null": "b"}', headers=PLAIN),
    _post("nested", "text", b"do nested", 200, b'{"a": [{"b": []}]}', headers=PLAIN),
    _post("a list", "text", b"do list", 200, b"[0, 1, 2]", headers=PLAIN),
    _post("run raises", "text", b"do raise", 500, _said(RAISED), "True", headers=PLAIN),
    _post("run asserts", "text", b"do assert", 500, _said(RAISED), "True", headers=PLAIN),
    _post("json.loads in run raises", "text", b"load {", 500, _said(RAISED), "True", headers=PLAIN),
    _post(
        "json.loads in run is too deep", "text", b"load " + b"[" * 100_000, 500, _said(RAISED), "True", headers=PLAIN
    ),
    _post("no JSON", "text", b"do object", 500, _said(INTERNAL), headers=PLAIN),
    _post("a set", "text", b"do set", 200, [1], headers=PLAIN),
    _post(
        "bytes", "text", b"do bytes", 200, b"\x00\x01", headers=PLAIN, back={"content-type": "application/octet-stream"}
    ),
    _post("a generator", "text", b"do generator", 200, b'data: {"n": 0}\n\ndata: {"n": 1}\n\n', headers=PLAIN),
    _post("sys.exit in run", "text", b"do exit", 500, _said(RAISED), "True", headers=PLAIN),
    _post("an interrupt in run", "text", b"do interrupt", 500, _said(RAISED), "True", headers=PLAIN),
    _post(
        "headers by v1's names",
        "headers",
        b'["X-Mine", "Content-Type"]',
        200,
        {"X-Mine": "1, 2", "Content-Type": "text/plain"},
        headers={**PLAIN, "x-mine": "1, 2"},
    ),
    _post("headers in any case", "headers", b'["x-mINE"]', 200, {"x-mINE": "1"}, headers={**PLAIN, "x-mine": "1"}),
    _post("a header that is not there", "headers", b'["X-Mine"]', 500, _said(RAISED), "True", headers=PLAIN),
    _post(
        "objects",
        "schema",
        b'{"a": 2.5, "b": {"c": [1, 2], "d": "y"}, "e": "z"}',
        200,
        {"a": 2.5, "b": {"c": [1, 2], "d": "y"}, "e": "z"},
        headers=JSON,
    ),
    _post("defaults", "schema", b'{"a": 1}', 200, {"a": 1, "b": {"c": [0]}, "e": "default"}, headers=JSON),
    _post(
        "extra keys are ignored",
        "schema",
        b'{"a": 1, "z": 1}',
        200,
        {"a": 1, "b": {"c": [0]}, "e": "default"},
        headers=JSON,
    ),
    _post(
        "JSON with a charset",
        "schema",
        b'{"a": 1}',
        200,
        {"a": 1, "b": {"c": [0]}, "e": "default"},
        headers={"Content-Type": "application/json; charset=utf-8"},
    ),
    _post(
        "another kind of JSON",
        "schema",
        b'{"a": 1}',
        200,
        {"a": 1, "b": {"c": [0]}, "e": "default"},
        headers={"Content-Type": "application/vnd.mine+json"},
    ),
    _post(
        "NaN in JSON",
        "schema",
        b'{"a": NaN, "b": {"c": []}}',
        200,
        b'{"a": NaN, "b": {"c": []}, "e": "default"}',
        headers=JSON,
    ),
    Row("GET of values", "schema", "GET", "/score?a=1.5&e=x", None, 200, {"a": 1.5, "b": {"c": [0]}, "e": "x"}),
    Row("GET without one", "schema", "GET", "/score?e=x", None, 400, _said(NOT_GIVEN)),
    _post(
        "no JSON type", "schema", b'{"a": 1}', 415, _said("Expects Content-Type to be application/json"), headers=PLAIN
    ),
    _post("no type at all", "schema", b'{"a": 1}', 415, _said("Expects Content-Type to be application/json")),
    _post(
        "broken JSON",
        "schema",
        b'{"a": ',
        400,
        _said("POST body could not be decoded as JSON: Expecting value: line 1 column 7 (char 6)"),
        headers=JSON,
    ),
    _post("empty JSON", "schema", b"", 400, _said("POST body is empty. Expecting a JSON dictionary."), headers=JSON),
    _post("no object", "schema", b"[1]", 400, _said("POST body should be a JSON dictionary."), headers=JSON),
    _post("a missing value", "schema", b"{}", 400, _said(NOT_GIVEN), headers=JSON),
    _post(
        "a wrong type",
        "schema",
        b'{"a": "x"}',
        400,
        _said(
            "The value of the 'a' parameter cannot be used: "
            "Invalid input data type to parse. Expected: <class 'float'> "
            "but got <class 'str'>"
        ),
        headers=JSON,
    ),
    _post(
        "a wrong type inside",
        "schema",
        b'{"a": 1, "b": {"c": 5}}',
        400,
        _said(
            "The value of the 'b.c' parameter cannot be used: "
            "Invalid input data type to parse. Expected: <class 'list'> "
            "but got <class 'int'>"
        ),
        headers=JSON,
    ),
    _post("JSON not in UTF-8", "schema", b'{"a": "\xff"}', 400, None, headers=JSON),
    _post(
        "JSON too deep",
        "schema",
        b'{"a":' * 100_000,
        400,
        _said("POST body could not be decoded as JSON: it is nested too deeply"),
        headers=JSON,
    ),
    _post("run raises behind a schema", "schema", b'{"a": 13}', 500, _said(RAISED), "True", headers=JSON),
    _post("arrays", "numpy", b'{"data": [[1, 2], [3, 4.5]]}', 200, ["float32", [2, 2], 10.5, None, True], headers=JSON),
    _post(
        "frames",
        "numpy",
        b'{"data": [[1, 2]], "frame": [{"x": 3, "y": "b"}]}',
        200,
        ["float32", [1, 2], 3.0, ["int64"], True],
        headers=JSON,
    ),
    _post(
        "an array of another shape",
        "numpy",
        b'{"data": [[1, 2, 3]]}',
        400,
        _said(
            "The value of the 'data' parameter cannot be used: Invalid input array: array has size 3 on dimension #1, "
            "while expected value is 2"
        ),
        headers=JSON,
    ),
    _post(
        "no array",
        "numpy",
        b'{"data": "x"}',
        400,
        _said("The value of the 'data' parameter cannot be used: Invalid input format: expected an array of items."),
        headers=JSON,
    ),
    _post(
        "no numbers",
        "numpy",
        b'{"data": [["x", 1]]}',
        400,
        _said("The value of the 'data' parameter cannot be used: could not convert string to float: 'x'"),
        headers=JSON,
    ),
    _post("coroutine", "async", b"x", 200, {"later": "x"}, headers=PLAIN),
    _post("a driver is gone around", "driver", b"x", 200, {"behind": "x"}, headers=PLAIN),
]


def _raw(
    name: str, do: str, body: bytes, status: int, answer: object, failed: str = "False", **more: dict[str, str]
) -> Row:
    return Row(name, "raw", "POST", "/score?do=" + do, body, status, answer, failed, **more)


HTML = {"content-type": "text/html; charset=utf-8"}
ROWS += [
    Row("a raw GET", "raw", "GET", "/score?do=method&q=1&q=%C3%A4&n=x", None, 200,
        ["GET", "/score", "1", ["1", "ä"], 5]),
    _raw("raw bytes", "data", b"\x89PNG\x00", 200, b"\x89PNG\x00", back={"content-type": "image/png"}),
    _raw("raw text", "text", "ä".encode(), 200, "ä", headers=PLAIN),
    _raw("raw JSON", "json", b'{"a": 1}', 200, [True, {"a": 1}, 1], headers=JSON),
    _raw("raw JSON of another type", "json", b'{"a": 1}', 500, _said(RAISED), "True", headers=PLAIN),
    _raw("raw JSON by force", "force", b"[1]", 200, [1], headers=PLAIN),
    _raw("raw JSON in silence", "silent", b"{", 200, b"{}", headers=JSON),
    _raw("raw headers", "headers", b"", 200, ["1", "1", True, "text/plain; a=b", "text/plain"],
         headers={"X-mine": "1", "Content-Type": "text/plain; a=b"}),
    _raw("cookies", "cookies", b"", 200, {"a": "1", "b": "x y"}, headers={"Cookie": 'a=1; b="x y"'}),
    _raw("a form", "form", b"a=%C3%A4+1&b=1&b=2", 200, ["ä 1", ["1", "2"]], headers=FORM),
    _raw("an upload", "upload", MULTIPART, 200, [{"field": "value"}, 'a "b".png', "image/png", [0, 13, 10, 255]],
         headers=BOUNDARY),
    _raw("a status of its own", "teapot", b"", 418, b"short and stout", back=HTML),
    _raw("JSON of its own", "json_str", b"", 201, b'{"a": [1, 2]}', back=APPLICATION),
    _raw("nothing of its own", "nothing", b"", 200, b"{}", back=APPLICATION),
    _raw("repeated headers", "repeats", b"", 200, b"", back={"x-two": "two", "set-cookie": "a=1"}),
    _raw("500 and above is a failure", "broken", b"", 503, b"it broke", "True", back={"retry-after": "7"}),
    _raw("a failure by its own word", "said", b"", 200, b"it failed", "True"),
    _raw("a header with a line end", "split", b"", 500, _said(RAISED), "True"),
    _raw("JSON in raw mode", "plain", b"", 200, {"plain": 1}, back=APPLICATION),
    _raw("run raises in raw mode", "raise", b"", 500, _said(RAISED), "True"),
    _raw("headers as pairs", "pairs", b"", 200, ["X-Mine"], headers={"X-Mine": "1"}),
    _raw("headers by type", "typed", b"", 200, [1, 5, ["1"], "1"], headers={"X-Mine": "1"}),
    _raw("the body as a file", "stream", b"abc", 200, "abc", headers=PLAIN),
    _raw("a WSGI environment", "environ", b"", 200, ["POST", "/score", "1", "text/plain", "http"],
        headers={"X-Mine": "1", **PLAIN}),
    _raw("who asks", "client", b"", 200, ["127.0.0.1", "127.0.0.1", False, ""]),
    _raw("an answer that is changed afterwards", "later", b"", 404, b"a,b", back={"content-type":
        "text/csv; charset=utf-8", "x-one": "1", "x-two": "2",
        "set-cookie": 'c="v 1"; HttpOnly; Path=/; SameSite=Lax'}),
    Row("OPTIONS is a raw script's own", "raw", "OPTIONS", "/score?do=options", None, 202, b"mine",
        back={"x-mine": "OPTIONS"}),
    Row("TraceId comes back", "text", "GET", "/score?a=1", None, 200, {"got": '{"a": 1}'}, headers={"TraceId": "t-1"},
        back={"traceid": "t-1"}),
    _raw("addresses", "url&x=1", b"", 200,
         ["score?do=url&x=1", "score", "do=url&x=1", "/score?do=url&x=1"]),
]  # fmt: skip
