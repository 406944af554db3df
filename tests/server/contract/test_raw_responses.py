"""Responses of other frameworks, and repeated headers, as run returns them."""

from __future__ import annotations

import json

import pytest

from ..conftest import Running, Serve

SCRIPT = """
import io, sys
import flask
from azureml_inference_server_http.api.aml_request import rawhttp
from azureml.contrib.services import aml_response

app = flask.Flask("test")

DO = {
    "plain": lambda: flask.Response(b"x", 202, {"X-One": "1"}, mimetype="text/plain"),
    "stream": lambda: flask.Response((str(n) for n in range(3)), mimetype="text/csv"),
    "failed": lambda: flask.Response("no", 500),
    "cookies": lambda: aml_response.AMLResponse("", 200, {"Set-Cookie": "a=1, b=2"}),
    "pieces": lambda: aml_response.AMLResponse((piece for piece in ("a", b"b")), 200, {"Content-Type": "text/x"}),
    "empty": lambda: aml_response.AMLResponse("ignored", 204),
    "status": lambda: aml_response.AMLResponse("", 99),
    "length": lambda: aml_response.AMLResponse("abc", 200, {"Content-Length": "1", "Transfer-Encoding": "x"}),
    "modules": lambda: sorted(name for name in sys.modules if name.startswith("azureml")),
}

def said(**attributes):
    response = aml_response.AMLResponse("x", 200)
    for name, value in attributes.items():
        setattr(response, name, value)
    return response


def _more():
    response = said(location="/there", last_modified=0, retry_after=5, access_control_allow_origin="*")
    response.set_etag("abc")
    response.cache_control.max_age = 5
    response.cache_control.no_store = True
    response.cache_control.no_cache = True
    response.cache_control.no_cache = None
    response.vary.add("Origin")
    response.vary.add("origin")
    response.vary.update(["Accept"])
    response.content_language = ["de", "en"]
    response.age = 7
    response.age = None
    assert response.cache_control.max_age == 5 and response.cache_control.no_store and response.age is None
    assert "accept" in response.vary and response.last_modified.year == 1970 and response.get_etag() == ("abc", False)
    return response


DO["said"] = _more
DO["agent"] = lambda: [ASKED.user_agent.string, ASKED.user_agent.browser, list(ASKED.args.items(multi=True))]


def _file():
    with app.test_request_context():
        return flask.send_file(io.BytesIO(b"file"), "image/png")

DO["file"] = _file

DO["flask"] = lambda: flask.jsonify(flask.request.headers["X-Mine"])
DO["rare"] = lambda: str(ASKED.accept_mimetypes.best)
ASKED = None

@rawhttp
def run(request):
    global ASKED
    ASKED = request
    return DO[request.get_data(as_text=True)]()
"""
ROWS = [
    ("plain", 202, b"x", {"x-one": "1", "content-type": "text/plain; charset=utf-8"}),
    ("stream", 200, b"012", {"content-type": "text/csv; charset=utf-8", "transfer-encoding": "chunked"}),
    ("failed", 500, b"no", {"x-ms-run-function-failed": "True"}),
    ("pieces", 200, b"ab", {"content-type": "text/x"}),
    ("file", 200, b"file", {"content-type": "image/png"}),
    ("empty", 204, b"", {}),
    ("length", 200, b"abc", {"content-length": "3"}),
    (
        "said",
        200,
        b"x",
        {
            "location": "/there",
            "last-modified": "Thu, 01 Jan 1970 00:00:00 GMT",
            "retry-after": "5",
            "access-control-allow-origin": "*",
            "etag": '"abc"',
            "cache-control": "max-age=5, no-store",
            "vary": "Origin, Accept",
            "content-language": "de, en",
        },
    ),
]


@pytest.fixture(scope="module")
def server(start: Serve) -> Running:
    return start(SCRIPT, wanted=("flask",))


@pytest.mark.parametrize(("do", "status", "body", "headers"), ROWS, ids=[row[0] for row in ROWS])
def test_responses_are_sent_as_they_are(
    server: Running, do: str, status: int, body: bytes, headers: dict[str, str]
) -> None:
    reply = server.ask("POST", "/score", do.encode())

    assert (reply.status, reply.body) == (status, body)
    assert {name: reply.headers.get(name) for name in headers} == headers


def test_repeated_headers_are_repeated(server: Running) -> None:
    connection = server.connect()
    connection.request("POST", "/score", b"cookies")
    cookies = connection.getresponse().headers.get_all("set-cookie")
    connection.close()

    assert cookies == ["a=1", "b=2"]


def test_flasks_own_request_and_jsonify_work_inside_run(server: Running) -> None:
    reply = server.ask("POST", "/score", b"flask", {"X-Mine": "1"})

    assert (reply.status, json.loads(reply.body)) == (200, "1")


def test_what_is_rarely_used_of_a_request_is_werkzeugs(server: Running) -> None:
    reply = server.ask("POST", "/score", b"rare", {"Accept": "image/png"})

    assert (reply.status, json.loads(reply.body)) == (200, "image/png")


def test_what_werkzeug_s_classes_have_of_a_request_is_there(server: Running) -> None:
    reply = server.ask("POST", "/score?a=1&a=2", b"agent", {"User-Agent": "tester/1"})

    assert json.loads(reply.body) == ["tester/1", None, [["a", "1"], ["a", "2"]]]


def test_a_status_that_is_none_is_500(server: Running) -> None:
    assert server.ask("POST", "/score", b"status").status == 500


def test_names_of_v1_are_importable_without_v1(server: Running) -> None:
    modules = json.loads(server.ask("POST", "/score", b"modules").body)

    assert "azureml.contrib.services.aml_response" in modules
    assert "azureml_inference_server_http.api.aml_request" in modules
