"""What scripts of v1 read of a request and set of a response, without Flask and werkzeug in the environment.

The wanted values are those of werkzeug's documented interface; v1's own server gave the same for each row but those
that the page of differences names.
"""

from __future__ import annotations

import json
from typing import Any, NamedTuple

import pytest

from ..conftest import Running, Serve

SCRIPT = """
import json, io
from azureml.contrib.services.aml_request import AMLRequest, rawhttp
from azureml.contrib.services.aml_response import AMLResponse

@rawhttp
def run(request):
    scope = {"a": AMLResponse("x", 200), "r": request, "AMLResponse": AMLResponse, "AMLRequest": AMLRequest}
    code = request.headers["X-Code"]
    if request.headers.get("X-Does") == "exec":
        exec(code.replace("|", "\\n"), scope)
        return scope["a"]
    return AMLResponse(eval(code, scope), 200, {}, True)
"""
TEXT = {"Content-Type": "text/plain"}
JSON = {"Content-Type": "application/json"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PARTS = {"Content-Type": "multipart/form-data; boundary=b"}
QUERY = "/score?a=1&a=2&n=5&e=&s=x%20y&p=a%2Bb&u=%C3%A4&plus=a+b"
UPLOAD = (
    b'--b\r\nContent-Disposition: form-data; name="f"\r\n\r\nv1\r\n--b\r\nContent-Disposition: form-data; name="f"'
    b'\r\n\r\nv2\r\n--b\r\nContent-Disposition: form-data; name="u"; filename="x.csv"\r\nContent-Type: text/csv\r\n'
    b"X-Part: 1\r\n\r\na,b\r\n--b--\r\n"
)


class Asked(NamedTuple):
    """What a script reads, of what request, and what that is as JSON (v1 writes None as ``{}``)."""

    code: str
    method: str
    target: str
    body: bytes | None
    headers: dict[str, str]
    value: Any


class Said(NamedTuple):
    """What a script does to ``a``, a response, line by line, and what its client gets (None: whatever, no header)."""

    code: str
    status: int
    body: bytes | None
    headers: dict[str, str | None]


ASKED = [
    Asked("r.method", "GET", QUERY, None, {}, "GET"),
    Asked("r.method", "OPTIONS", QUERY, None, {}, "OPTIONS"),
    Asked("r.path", "POST", QUERY, b"", TEXT, "/score"),
    Asked("r.full_path", "POST", "/score", b"", TEXT, "/score?"),
    Asked("r.query_string.decode()", "POST", QUERY, b"", TEXT, "a=1&a=2&n=5&e=&s=x%20y&p=a%2Bb&u=%C3%A4&plus=a+b"),
    Asked("r.args['a']", "POST", QUERY, b"", TEXT, "1"),
    Asked("r.args.getlist('a', type=int)", "POST", QUERY, b"", TEXT, [1, 2]),
    Asked("r.args.getlist('none')", "POST", QUERY, b"", TEXT, []),
    Asked("r.args.get('e')", "POST", QUERY, b"", TEXT, ""),
    Asked("r.args.get('s')", "POST", QUERY, b"", TEXT, "x y"),
    Asked("r.args.get('p')", "POST", QUERY, b"", TEXT, "a+b"),
    Asked("r.args.get('plus')", "POST", QUERY, b"", TEXT, "a b"),
    Asked("r.args.get('u')", "POST", QUERY, b"", TEXT, "ä"),
    Asked("r.args.get('s', 7, type=int)", "POST", QUERY, b"", TEXT, 7),
    Asked("r.args.get('n', type=float)", "POST", QUERY, b"", TEXT, 5.0),
    Asked("r.args.to_dict()['a']", "POST", QUERY, b"", TEXT, "1"),
    Asked("r.args.to_dict(flat=False)['a']", "POST", QUERY, b"", TEXT, ["1", "2"]),
    Asked("sorted(r.args)", "POST", "/score?b=1&a=2&a=3", b"", TEXT, ["a", "b"]),
    Asked("len(r.args)", "POST", "/score?b=1&a=2&a=3", b"", TEXT, 2),
    Asked(
        "list(r.args.items(multi=True))", "POST", "/score?b=1&a=2&a=3", b"", TEXT, [["b", "1"], ["a", "2"], ["a", "3"]]
    ),
    Asked("list(r.args.values())", "POST", "/score?b=1&a=2&a=3", b"", TEXT, ["1", "2"]),
    Asked("'a' in r.args", "POST", QUERY, b"", TEXT, True),
    Asked("bool(r.args)", "POST", "/score", b"", TEXT, False),
    Asked("r.args.get('semi')", "POST", "/score?semi=1;b=2", b"", TEXT, "1;b=2"),
    Asked("r.data.decode()", "POST", "/score", b"abc", TEXT, "abc"),
    Asked("r.get_data().decode()", "POST", "/score", b"abc", FORM, "abc"),
    Asked("r.get_data(as_text=True)", "POST", "/score", b"\xc3\xa4", TEXT, "ä"),
    Asked("(r.get_data(), r.get_data())[1].decode()", "POST", "/score", b"abc", TEXT, "abc"),
    Asked("r.stream.read().decode()", "POST", "/score", b"abc", TEXT, "abc"),
    Asked("r.input_stream.read(2).decode()", "POST", "/score", b"abc", TEXT, "ab"),
    Asked("r.stream.readline().decode()", "POST", "/score", b"a\nb", TEXT, "a\n"),
    Asked("r.environ['wsgi.input'].read().decode()", "POST", "/score", b"abc", TEXT, "abc"),
    Asked("r.environ['HTTP_X_MINE']", "POST", "/score", b"", {**TEXT, "X-Mine": "1"}, "1"),
    Asked("r.environ.get('HTTP_CONTENT_TYPE')", "POST", "/score", b"", TEXT, {}),
    Asked("r.environ['CONTENT_LENGTH']", "POST", "/score", b"abc", TEXT, "3"),
    Asked("r.environ['QUERY_STRING']", "POST", "/score?a=1", b"", TEXT, "a=1"),
    Asked("r.environ['REMOTE_ADDR']", "POST", "/score", b"", TEXT, "127.0.0.1"),
    Asked("r.environ['SERVER_PROTOCOL']", "POST", "/score", b"", TEXT, "HTTP/1.1"),
    Asked("r.environ['REQUEST_METHOD']", "OPTIONS", "/score", None, {}, "OPTIONS"),
    Asked("isinstance(r.environ['wsgi.version'], tuple)", "POST", "/score", b"", TEXT, True),
    Asked("r.remote_addr", "POST", "/score", b"", TEXT, "127.0.0.1"),
    Asked(
        "list(r.access_route)",
        "POST",
        "/score",
        b"",
        {**TEXT, "X-Forwarded-For": "1.2.3.4, 5.6.7.8"},
        ["1.2.3.4", "5.6.7.8"],
    ),
    Asked("r.is_json", "POST", "/score", b"{}", JSON, True),
    Asked("r.is_json", "POST", "/score", b"{}", {"Content-Type": "application/ld+json; charset=utf-8"}, True),
    Asked("r.is_json", "POST", "/score", b"{}", TEXT, False),
    Asked("r.json", "POST", "/score", b'{"a": [1]}', JSON, {"a": [1]}),
    Asked("r.get_json(force=True)", "POST", "/score", b"[1]", TEXT, [1]),
    Asked("r.get_json(silent=True)", "POST", "/score", b"[1", JSON, {}),
    Asked("r.get_json(silent=True)", "POST", "/score", b"[1]", TEXT, {}),
    Asked("r.get_json(force=True, silent=True)", "POST", "/score", b"", TEXT, {}),
    Asked("r.form['f']", "POST", "/score", b"f=1&f=2&g=%C3%A4+x", FORM, "1"),
    Asked("r.form.getlist('f')", "POST", "/score", b"f=1&f=2", FORM, ["1", "2"]),
    Asked("r.form.get('g')", "POST", "/score", b"f=1&f=2&g=%C3%A4+x", FORM, "ä x"),
    Asked("dict(r.form)", "POST", "/score", b"x", TEXT, {}),
    Asked("r.form.getlist('f')", "POST", "/score", UPLOAD, PARTS, ["v1", "v2"]),
    Asked("r.files['u'].filename", "POST", "/score", UPLOAD, PARTS, "x.csv"),
    Asked("r.files['u'].read().decode()", "POST", "/score", UPLOAD, PARTS, "a,b"),
    Asked("r.files['u'].stream.read().decode()", "POST", "/score", UPLOAD, PARTS, "a,b"),
    Asked("r.files['u'].mimetype", "POST", "/score", UPLOAD, PARTS, "text/csv"),
    Asked("r.files['u'].headers['X-Part']", "POST", "/score", UPLOAD, PARTS, "1"),
    Asked("r.files['u'].name", "POST", "/score", UPLOAD, PARTS, "u"),
    Asked("[l.decode() for l in r.files['u']]", "POST", "/score", UPLOAD, PARTS, ["a,b"]),
    Asked("bool(r.files['u'])", "POST", "/score", UPLOAD, PARTS, True),
    Asked("r.files.getlist('u')[0].filename", "POST", "/score", UPLOAD, PARTS, "x.csv"),
    Asked("r.files.get('none')", "POST", "/score", UPLOAD, PARTS, {}),
    Asked("len(r.files)", "POST", "/score", UPLOAD, PARTS, 1),
    Asked("r.values['a']", "POST", "/score?a=q", b"a=f&b=f", FORM, "q"),
    Asked("r.values.get('b')", "POST", "/score?a=q", b"a=f&b=f", FORM, "f"),
    Asked("r.headers['x-mine']", "POST", "/score", b"", {**TEXT, "X-Mine": "1"}, "1"),
    Asked("r.headers.get('X-MINE')", "POST", "/score", b"", {**TEXT, "X-Mine": "1"}, "1"),
    Asked("r.headers.get('X-N', 0, type=int)", "POST", "/score", b"", {**TEXT, "X-N": "5"}, 5),
    Asked("r.headers.get('X-N', 0, int)", "POST", "/score", b"", {**TEXT, "X-N": "z"}, 0),
    Asked("r.headers.get('none', 'd')", "POST", "/score", b"", TEXT, "d"),
    Asked("[v for k, v in r.headers if k == 'X-Mine']", "POST", "/score", b"", {**TEXT, "X-Mine": "1"}, ["1"]),
    Asked("[v for k, v in r.headers.items() if k == 'X-Mine']", "POST", "/score", b"", {**TEXT, "X-Mine": "1"}, ["1"]),
    Asked("'X-Mine' in list(r.headers.keys())", "POST", "/score", b"", {**TEXT, "X-Mine": "1"}, True),
    Asked("dict(r.headers)['X-Mine']", "POST", "/score", b"", {**TEXT, "X-Mine": "1"}, "1"),
    Asked("r.headers.getlist('x-mine')", "POST", "/score", b"", {**TEXT, "X-Mine": "1"}, ["1"]),
    Asked("'Host' in r.headers", "POST", "/score", b"", TEXT, True),
    Asked("r.headers.has_key('none') if hasattr(r.headers, 'has_key') else False", "POST", "/score", b"", TEXT, False),
    Asked("r.headers.get('Content-Type')", "POST", "/score", b"", TEXT, "text/plain"),
    Asked("r.cookies['a']", "POST", "/score", b"", {**TEXT, "Cookie": 'a=1; b="x y"; c=%20'}, "1"),
    Asked("r.cookies.get('b')", "POST", "/score", b"", {**TEXT, "Cookie": 'a=1; b="x y"'}, "x y"),
    Asked("r.cookies.get('none')", "POST", "/score", b"", TEXT, {}),
    Asked("dict(r.cookies)", "POST", "/score", b"", TEXT, {}),
    Asked(
        "r.content_type",
        "POST",
        "/score",
        b"",
        {"Content-Type": "text/csv; charset=latin1"},
        "text/csv; charset=latin1",
    ),
    Asked("r.mimetype", "POST", "/score", b"", {"Content-Type": "Text/CSV; charset=latin1"}, "text/csv"),
    Asked(
        "r.mimetype_params['charset']", "POST", "/score", b"", {"Content-Type": "text/csv; charset=latin1"}, "latin1"
    ),
    Asked("r.content_length", "POST", "/score", b"abc", TEXT, 3),
    Asked("r.content_length", "GET", "/score", None, {}, {}),
    Asked("r.content_encoding", "POST", "/score", b"abc", TEXT, {}),
    Asked("r.host_url", "POST", "/score", b"", {**TEXT, "Host": "example.org:80"}, "http://example.org/"),
    Asked("r.cache_control.no_cache", "POST", "/score", b"", TEXT, False),
    Asked("r.cache_control.max_age", "POST", "/score", b"", TEXT, {}),
    Asked("str(r.if_match)", "POST", "/score", b"", TEXT, ""),
    Asked("r.if_none_match.to_header()", "POST", "/score", b"", {**TEXT, "If-None-Match": '"x"'}, '"x"'),
    Asked("str(r.if_range)", "POST", "/score", b"", TEXT, ""),
    Asked("r.if_range.etag", "POST", "/score", b"", {**TEXT, "If-Range": '"x"'}, "x"),
    Asked("r.trusted_hosts", "POST", "/score", b"", TEXT, {}),
    Asked("(r.files, r.close())[1]", "POST", "/score", UPLOAD, PARTS, {}),
    Asked("r.files['u'].content_length", "POST", "/score", UPLOAD, PARTS, 0),
    Asked("r.files['u'].mimetype_params", "POST", "/score", UPLOAD, PARTS, {}),
    Asked("r.host", "POST", "/score", b"", {**TEXT, "Host": "example.org:81"}, "example.org:81"),
    Asked("r.host_url", "POST", "/score", b"", {**TEXT, "Host": "example.org"}, "http://example.org/"),
    Asked("r.url_root", "POST", "/score", b"", {**TEXT, "Host": "example.org"}, "http://example.org/"),
    Asked("r.base_url", "POST", "/score?a=1", b"", {**TEXT, "Host": "example.org"}, "http://example.org/score"),
    Asked("r.url", "POST", "/score?a=1", b"", {**TEXT, "Host": "example.org"}, "http://example.org/score?a=1"),
    Asked("r.scheme", "POST", "/score", b"", TEXT, "http"),
    Asked("r.is_secure", "POST", "/score", b"", TEXT, False),
    Asked("r.referrer", "POST", "/score", b"", {**TEXT, "Referer": "http://x/"}, "http://x/"),
    Asked("r.origin", "POST", "/score", b"", {**TEXT, "Origin": "http://x"}, "http://x"),
    Asked("r.user_agent.string", "POST", "/score", b"", {**TEXT, "User-Agent": "t/1"}, "t/1"),
    Asked("str(r.user_agent)", "POST", "/score", b"", {**TEXT, "User-Agent": "t/1"}, "t/1"),
    Asked("r.authorization.type", "POST", "/score", b"", {**TEXT, "Authorization": "Basic YTpi"}, "basic"),
    Asked(
        "r.authorization.username + r.authorization.password",
        "POST",
        "/score",
        b"",
        {**TEXT, "Authorization": "Basic YTpi"},
        "ab",
    ),
    Asked("r.authorization is None", "POST", "/score", b"", TEXT, True),
    Asked("r.script_root", "POST", "/score", b"", TEXT, ""),
    Asked("r.root_path", "POST", "/score", b"", TEXT, ""),
    Asked("r.remote_user", "POST", "/score", b"", TEXT, {}),
    Asked("r.max_content_length is None or r.max_content_length > 0", "POST", "/score", b"", TEXT, True),
    Asked(
        "r.accept_mimetypes.best", "POST", "/score", b"", {**TEXT, "Accept": "text/html;q=0.5, image/png"}, "image/png"
    ),
    Asked(
        "r.accept_mimetypes.best_match(['application/json', 'text/html'])",
        "POST",
        "/score",
        b"",
        {**TEXT, "Accept": "text/html;q=0.5, application/json;q=0.9"},
        "application/json",
    ),
    Asked("'image/png' in r.accept_mimetypes", "POST", "/score", b"", {**TEXT, "Accept": "image/*"}, True),
    Asked("r.accept_mimetypes.accept_json", "POST", "/score", b"", {**TEXT, "Accept": "application/json"}, True),
    Asked(
        "r.accept_languages.best_match(['de', 'en'])",
        "POST",
        "/score",
        b"",
        {**TEXT, "Accept-Language": "en;q=0.8, de;q=0.9"},
        "de",
    ),
    Asked("r.accept_encodings.best", "POST", "/score", b"", {**TEXT, "Accept-Encoding": "gzip"}, "gzip"),
    Asked("r.if_none_match.contains('a')", "POST", "/score", b"", {**TEXT, "If-None-Match": '"a"'}, True),
    Asked(
        "r.if_modified_since.year",
        "POST",
        "/score",
        b"",
        {**TEXT, "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        1970,
    ),
    Asked("r.date.year", "POST", "/score", b"", {**TEXT, "Date": "Thu, 01 Jan 1970 00:00:00 GMT"}, 1970),
    Asked(
        "r.cache_control.no_cache is not None and bool(r.cache_control.no_cache)",
        "POST",
        "/score",
        b"",
        {**TEXT, "Cache-Control": "no-cache"},
        True,
    ),
    Asked("r.pragma and list(r.pragma)", "POST", "/score", b"", {**TEXT, "Pragma": "no-cache"}, ["no-cache"]),
    Asked("r.range.ranges", "POST", "/score", b"", {**TEXT, "Range": "bytes=0-4"}, [[0, 5]]),
    Asked("r.want_form_data_parsed", "POST", "/score", b"a=1", FORM, True),
    Asked("r.is_multithread in (True, False)", "POST", "/score", b"", TEXT, True),
    Asked("isinstance(r, AMLRequest)", "POST", "/score", b"", TEXT, True),
    Asked("r.authorization", "POST", "/score", b"", {**TEXT, "Authorization": "Bearer t"}, "Bearer t"),
    Asked("r.authorization.token", "POST", "/score", b"", {**TEXT, "Authorization": "Bearer t=="}, "t=="),
    Asked(
        "r.authorization.get('realm')", "POST", "/score", b"", {**TEXT, "Authorization": 'Digest realm="a, b"'}, "a, b"
    ),
    Asked("r.authorization.username", "POST", "/score", b"", {**TEXT, "Authorization": "Basic !"}, {}),
    Asked("r.accept_mimetypes.best_match(['a/b'], 'c/d')", "POST", "/score", b"", {**TEXT, "Accept": "text/*"}, "c/d"),
    Asked(
        "r.accept_mimetypes['text/csv']", "POST", "/score", b"", {**TEXT, "Accept": "text/*;q=0.3, text/csv;q=0.7"}, 0.7
    ),
    Asked("r.accept_languages.best_match(['en'])", "POST", "/score", b"", {**TEXT, "Accept-Language": "en-US"}, "en"),
    Asked("r.range.range_for_length(3)", "POST", "/score", b"", {**TEXT, "Range": "bytes=-2"}, [1, 3]),
    Asked("r.range", "POST", "/score", b"", {**TEXT, "Range": "bytes=b-a"}, {}),
    Asked("'a' in r.if_match", "POST", "/score", b"", {**TEXT, "If-Match": "*"}, True),
]
SAID = [
    Said("a = AMLResponse('x', 200)", 200, b"x", {"content-type": "text/html; charset=utf-8"}),
    Said("a = AMLResponse(b'\\x00\\xff', 200)", 200, b"\x00\xff", {}),
    Said("a = AMLResponse({'a': 1}, 201, json_str=True)", 201, b'{"a": 1}', {"content-type": "application/json"}),
    Said("a = AMLResponse([1, 2], 200, {}, True)", 200, b"[1, 2]", {"content-type": "application/json"}),
    Said("a = AMLResponse('x', 400)", 400, b"x", {"x-ms-run-function-failed": "False"}),
    Said("a = AMLResponse('x', 500)", 500, b"x", {"x-ms-run-function-failed": "True"}),
    Said("a = AMLResponse('x', 200, {}, False, True)", 200, b"x", {"x-ms-run-function-failed": "True"}),
    Said("a = AMLResponse(None, 200)", 200, b"{}", {"content-type": "application/json"}),
    Said("a = AMLResponse('', 204)", 204, b"", {}),
    Said("a = AMLResponse(5, 200)", 500, None, {"content-type": "application/json"}),
    Said("a.headers.remove('Content-Type')", 200, b"x", {"content-type": None}),
    Said("assert a.calculate_content_length() == 1", 200, b"x", {}),
    Said("a.set_etag('b')|assert a.make_conditional(r) is a", 200, b"x", {"etag": '"b"'}),
    Said("a = AMLResponse('x', 200, {'Content-Type': 'text/csv'})", 200, b"x", {"content-type": "text/csv"}),
    Said("a = AMLResponse('x', 200, {'content-type': 'text/csv'})", 200, b"x", {"content-type": "text/csv"}),
    Said(
        "a.mimetype = 'application/xml'",
        200,
        b"x",
        {"content-type": "application/xml; charset=utf-8"},
    ),
    Said("a.content_type = 'image/png'", 200, b"x", {"content-type": "image/png"}),
    Said("a.status_code = 202", 202, b"x", {}),
    Said("a.status = '404 NOT FOUND'", 404, b"x", {}),
    Said("a.status = 418", 418, b"x", {}),
    Said("a.headers['X-A'] = 'b'", 200, b"x", {"x-a": "b"}),
    Said("a.headers['X-A'] = 5", 200, b"x", {"x-a": "5"}),
    Said("a.headers.add('X-A', 'b', c='d')", 200, b"x", {"x-a": "b; c=d"}),
    Said(
        "a.headers.add_header('X-A', 'b', filename='d e')",
        200,
        b"x",
        {"x-a": 'b; filename="d e"'},
    ),
    Said(
        "a.headers.set('Content-Disposition', 'attachment', filename='m.csv')",
        200,
        b"x",
        {"content-disposition": "attachment; filename=m.csv"},
    ),
    Said("a.headers.setlist('X-A', ['1'])", 200, b"x", {"x-a": "1"}),
    Said("a.headers.pop('Content-Type')", 200, b"x", {}),
    Said(
        "a.headers.clear()|a.headers['Content-Type'] = 'a/b'",
        200,
        b"x",
        {"content-type": "a/b"},
    ),
    Said("a.headers.extend({'X-A': ['1']})", 200, b"x", {"x-a": "1"}),
    Said(
        "a.headers.remove('Content-Type')|a.headers['Content-Type'] = 'a/b'",
        200,
        b"x",
        {"content-type": "a/b"},
    ),
    Said("del a.headers['content-type']|a.mimetype = 'a/b'", 200, b"x", {"content-type": "a/b"}),
    Said("a.data = 'later'", 200, b"later", {"content-length": "5"}),
    Said("a.set_data(b'later')", 200, b"later", {}),
    Said("a.set_data(a.get_data(as_text=True) + 'y')", 200, b"xy", {}),
    Said("a.response = ['p', 'q']", 200, b"pq", {}),
    Said("a.set_cookie('k', 'v')", 200, b"x", {"set-cookie": "k=v; Path=/"}),
    Said("a.set_cookie('k', 'v', max_age=5, secure=True)", 200, b"x", {}),
    Said(
        "a.delete_cookie('k')",
        200,
        b"x",
        {"set-cookie": 'k=""; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/'},
    ),
    Said("a.location = '/y'|a.status_code = 302", 302, b"x", {"location": "/y"}),
    Said("a.expires = 0", 200, b"x", {"expires": "Thu, 01 Jan 1970 00:00:00 GMT"}),
    Said(
        "a.cache_control.public = True|a.cache_control.max_age = 60",
        200,
        b"x",
        {"cache-control": "public, max-age=60"},
    ),
    Said("a.allow = ['GET', 'POST']", 200, b"x", {"allow": "GET, POST"}),
    Said("a.content_encoding = 'identity'", 200, b"x", {"content-encoding": "identity"}),
    Said("a.www_authenticate = None", 200, b"x", {}),
    Said(
        "a.access_control_allow_methods = ['GET']",
        200,
        b"x",
        {"access-control-allow-methods": "GET"},
    ),
    Said(
        "a.access_control_expose_headers = ['A', 'B']",
        200,
        b"x",
        {"access-control-expose-headers": "A, B"},
    ),
    Said("a.accept_ranges = 'bytes'", 200, b"x", {"accept-ranges": "bytes"}),
    Said("a.add_etag()", 200, b"x", {"etag": '"11f6ad8ec52a2984abaafd7c3b516503785c2072"'}),
    Said("a.set_etag('q', weak=True)", 200, b"x", {"etag": 'W/"q"'}),
    Said("a.freeze()", 200, b"x", {"etag": '"11f6ad8ec52a2984abaafd7c3b516503785c2072"'}),
    Said(
        "assert a.is_json is False|a.mimetype = 'application/json'|assert a.is_json",
        200,
        b"x",
        {},
    ),
    Said(
        "a = AMLResponse('{\"k\": 1}', 200)|a.mimetype = 'application/json'|assert a.json == {'k': 1}",
        200,
        b'{"k": 1}',
        {},
    ),
    Said("assert a.status == '200 OK', a.status", 200, b"x", {}),
    Said("assert a.charset == 'utf-8' if hasattr(a, 'charset') else True", 200, b"x", {}),
    Said("a.call_on_close(lambda: None)", 200, b"x", {}),
    Said("a = AMLResponse(iter(['p', b'q']), 200)", 200, b"pq", {}),
    Said("a = AMLResponse('x', 200, {'X-A': 'b\\nc'})", 500, None, {}),
    Said("a = AMLResponse('x', 'abc')", 500, None, {}),
    Said(
        "assert a.headers.getlist('content-type') == a.headers.get_all('Content-Type')",
        200,
        b"x",
        {},
    ),
    Said("assert dict(a.headers)['Content-Type']", 200, b"x", {}),
    Said("assert a.content_length == 1, a.content_length", 200, b"x", {}),
    Said("a.content_md5 = 'q'", 200, b"x", {"content-md5": "q"}),
    Said("a.date = 0", 200, b"x", {}),
    Said("a.content_location = '/z'", 200, b"x", {"content-location": "/z"}),
    Said(
        "a.headers.set('X-A', 'v', filename='n\\xe4.csv')",
        200,
        b"x",
        {"x-a": "v; filename*=UTF-8''n%C3%A4.csv"},
    ),
    Said("assert a.headers.pop('None', 5) == 5", 200, b"x", {}),
    Said("a = AMLResponse('x', 200, {'X-N': '5'})|assert a.headers.get('X-N', type=int) == 5", 200, b"x", {"x-n": "5"}),
    Said(
        "a.call_on_close(lambda: DONE.append(1))|DONE = []|a.close()|assert DONE",
        200,
        b"x",
        {},
    ),
]


@pytest.fixture(scope="module")
def server(start: Serve) -> Running:
    return start(SCRIPT, hidden=("flask", "werkzeug"))


@pytest.mark.parametrize("row", ASKED, ids=lambda row: row.code)
def test_a_script_reads_of_a_request_what_it_read_of_flasks(server: Running, row: Asked) -> None:
    reply = server.ask(row.method, row.target, row.body, {**row.headers, "X-Code": row.code})

    assert (reply.status, json.loads(reply.body)) == (200, row.value)


def test_a_client_that_has_the_message_already_is_told_just_that(server: Running) -> None:
    code = "a.set_etag('b')|a.make_conditional(r)"
    reply = server.ask("GET", "/score", None, {"X-Does": "exec", "X-Code": code, "If-None-Match": '"b"'})

    assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", '"b"')


@pytest.mark.parametrize("row", SAID, ids=lambda row: row.code)
def test_a_client_gets_what_a_script_set_of_a_response(server: Running, row: Said) -> None:
    reply = server.ask("POST", "/score", b"", {"X-Does": "exec", "X-Code": row.code})

    assert reply.status == row.status
    assert row.body is None or reply.body == row.body
    assert {name: reply.headers.get(name) for name in row.headers} == row.headers
