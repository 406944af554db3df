"""``aciml invoke``: one request to a service, with its key."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from ..core.errors import UserError
from ..properties import is_unknown, reveal
from ..targets.smoke import Answer, ask
from .deployed import Chosen, service_argument, state_options
from .exit_code import ExitCode
from .running import RunningService
from .terminal import Terminal, json_option, say

SCORE = "/score"
SAMPLE = "sample.json"
"""File in the project's folder that is sent if nothing else says what to send; `aciml new` writes one."""
_JSON, _BYTES = "application/json", "application/octet-stream"
_SECONDS = 300.0
"""Longer than any service may think by default: what takes longer is cut there, and says so."""
# what is printed is held in memory
_MOST = 64 << 20


class _NoSample(UserError):
    """Nobody has said what to send."""


@dataclass(frozen=True)
class _Request:
    """What is sent; ``origin`` says where the body comes from."""

    path: str
    method: str
    body: bytes | None
    content_type: str
    origin: str


@click.command("invoke")
@service_argument
@state_options
@click.option("--data", "-d", help="Body: JSON or any text, @FILE for a file's bytes, - or @- for standard input.")
@click.option("--header", "-H", "headers", multiple=True, metavar="'NAME: TEXT'", help="A header more; repeat it.")
@click.option("--path", "path_", help=f"Path to ask, such as {SCORE}/other; {SCORE} without it.")
@click.option("--method", type=click.Choice(["GET", "POST", "PUT", "OPTIONS"]), help="POST without it.")
@click.option("--content-type", help="Of the body; application/json if it is that, without it.")
@click.option(
    "--secondary", is_flag=True, help="With the second key, to see that it works before the first is changed."
)
@click.option("--timeout", type=click.FloatRange(min=1), default=_SECONDS, show_default=True, help="Seconds.")
@json_option
def command(
    service: str | None,
    stack: str | None,
    project: Path | None,
    data: str | None,
    headers: tuple[str, ...],
    path_: str | None,
    method: str | None,
    content_type: str | None,
    timeout: float,
    *,
    secondary: bool,
    as_json: bool,
) -> int:
    """Send one request to SERVICE with its key, and print the answer.

    Without --data the sample of the smoke test is sent, else the one that the service's own document has, else the
    project's sample.json. The key is not printed. Ends with 1 if nothing answers, or the status is 400 or above.
    """
    # by its lower case, since headers have none (RFC 9110, 5.1)
    given = dict(map(_header, headers))
    # who brings a header of his own needs no key of ours
    running = _running(stack, project, service, with_key="authorization" not in given)
    if not running.base_url:
        # a service without a port cannot be called by anybody
        raise UserError(f"{running.service.name} has no address that can be called", "look at `aciml status`")
    request = _request(running, data, path_, method, content_type, timeout)
    key = _key(running, secondary=secondary) if "authorization" not in given else ""
    # a GET has no body, and a type of none would be a lie
    sent = {"content-type": request.content_type} if request.body is not None else {}
    sent |= {"authorization": f"Bearer {key}"} if key else {}
    verify, url, progress = running.verify, running.base_url + request.path, Terminal()
    progress.say(f"{request.method} {url} with {request.origin}")
    began = time.monotonic()
    try:
        # given headers last: what is said by hand counts
        got = ask(url, verify, method=request.method, body=request.body, headers={**sent, **given},
                  timeout=timeout, most=_MOST)  # fmt: skip
    finally:
        progress.done()
    seconds = time.monotonic() - began
    # status 0 is no answer at all, which is another thing than an error of the script
    if not got.status:
        raise UserError(f"{request.method} {url}: {got}", "`aciml status` tells how the service is")
    _print(got, request, url, seconds, key, as_json=as_json)
    return ExitCode.FAILED if got.status >= 400 else ExitCode.DONE


def _running(stack: str | None, project: Path | None, service: str | None, *, with_key: bool) -> RunningService:
    chosen = Chosen.of(stack, project, service)
    # only now: a service without keys needs no passphrase
    asks = chosen.service.group.inputs.get("authEnabled")
    # unknown: the engine may have encrypted what says whether it asks
    if with_key and asks is not None and (is_unknown(asks) or reveal(asks)):
        chosen = chosen.with_secrets()
    return RunningService.at(chosen)


def _key(running: RunningService, *, secondary: bool) -> str:
    keys = running.spec.declared.keys
    key = keys.secondary_key if secondary else keys.primary_key
    # without authentication a key would be sent to whoever answers there
    return str(key or "") if keys.auth_enabled else ""


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not name.strip():
        raise click.UsageError(f'--header "{text}" is no header; write NAME: TEXT')
    return name.strip().lower(), value.strip()


def _request(
    running: RunningService,
    data: str | None,
    path: str | None,
    method: str | None,
    content_type: str | None,
    timeout: float,
) -> _Request:
    # `score` and `/score` are the same to people
    asked = "/" + (path or SCORE).lstrip("/")
    # an empty text is a body: who says nothing leaves the option out
    if data is not None:
        body, origin = _body(data)
        return _Request(asked, method or "POST", body, content_type or _kind(body), origin)
    # what has no body needs no sample
    if method in {"GET", "OPTIONS"}:
        return _Request(asked, method, None, "", "no body")
    smoke = running.spec.declared.updates.smoke_test
    # it was proven by the last update
    if smoke is not None and (path is None or smoke.path.lstrip("/") == asked[1:]):
        body_ = smoke.body.encode() if smoke.body is not None else None
        kind = content_type or smoke.content_type
        # the smoke test may ask another path than /score
        proven = "/" + smoke.path.lstrip("/")
        return _Request(proven, method or smoke.method, body_, kind, "the smoke test's sample")
    try:
        sample, origin = _sample(running, asked, timeout), "the sample of the service's document"
    except _NoSample:
        kept = running.chosen.source.folder / SAMPLE
        # a project has one; what the script itself declares is surely meant for it, and so comes first
        if asked != SCORE or not kept.is_file():
            raise
        sample, origin = _body(f"@{kept}")[0], SAMPLE
    return _Request(asked, method or "POST", sample, content_type or _kind(sample), origin)


def _body(data: str) -> tuple[bytes, str]:
    if data in {"-", "@-"}:
        return sys.stdin.buffer.read(), "standard input"
    if not data.startswith("@"):
        return data.encode(), "the given body"
    path = Path(data[1:]).expanduser()
    try:
        # ~ is the shell's affair, and behind an @ it does not do it
        return path.read_bytes(), str(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "name a file: --data @FILE") from error


def _kind(body: bytes) -> str:
    try:
        json.loads(body)
    except ValueError:  # also what is no UTF-8
        return _BYTES
    return _JSON


def _sample(running: RunningService, path: str, timeout: float) -> bytes:
    """Return the sample of a path in the service's own document.

    Raises:
        _NoSample: it has none.
        UserError: nothing answers.
    """
    # OpenAPI 3: of the two documents the one whose samples have one place
    url = f"{running.base_url}/swagger.json?version=3"
    got = ask(url, running.verify, timeout=timeout)
    advice = f"give a body: --data JSON, --data @FILE or --data -; {SAMPLE} beside Pulumi.yaml is taken by itself"
    if not got.status:
        raise UserError(f"GET {url}: {got}", "`aciml status` tells how the service is")
    try:
        # documents of other servers may be anything at that place
        document = json.loads(got.text)
        example = example_of(document, document["paths"][path]["post"])
    except (ValueError, LookupError, TypeError, AttributeError):
        raise _NoSample(f"the service's document has no sample of {path}", advice) from None
    # a script that declares no types is documented as one that takes any object
    if example in ({}, None):
        raise _NoSample(f"the script declares no sample of {path}", advice)
    return json.dumps(example).encode()


def example_of(document: Mapping[str, Any], operation: Mapping[str, Any]) -> Any:
    """Return the sample that a document has of the body of an operation; None if its schema has none.

    Raises:
        LookupError, TypeError, AttributeError: it is no such document.
    """
    content = operation["requestBody"]["content"][_JSON]
    if "example" in content:
        return content["example"]
    # inline, or `{"$ref": "#/components/schemas/x"}`: the only forms that our documents have
    schema = content["schema"]
    # references of our own documents lead to one place, with plain names
    for part in str(schema["$ref"]).lstrip("#/").split("/") if "$ref" in schema else ():
        document = document[part]
    return (document if "$ref" in schema else schema).get("example")


def _print(got: Answer, request: _Request, url: str, seconds: float, key: str, *, as_json: bool) -> None:
    hide = _Hider(key)
    if as_json:
        facts = {
            "url": url,
            "method": request.method,
            "status": got.status,
            "seconds": round(seconds, 3),
            "headers": {name: hide.text(text) for name, text in got.headers.items()},
            "body": hide.value(got),
        }
        say(json.dumps(facts, indent=2))
        return
    id_ = got.headers.get("x-ms-request-id", "")
    # on the error stream, so that a pipe gets the answer alone
    note = f"{request.method} {url} with {request.origin}: {got.status}, {seconds * 1000:.0f} ms"
    Terminal().note(f"{note}{f', request {id_}' if id_ else ''}")
    body = got.body
    # a script may echo its headers, and a terminal is scrolled back by others
    if key and key.encode() in body:
        body = body.replace(key.encode(), b"[secret]")
    # as it came: a picture is not text
    sys.stdout.buffer.write(body)
    if sys.stdout.isatty() and not body.endswith(b"\n"):
        sys.stdout.buffer.write(b"\n")
    sys.stdout.buffer.flush()


@dataclass(frozen=True)
class _Hider:
    """Leaves a key out of what a service says: in a debug mode it may repeat the headers that it got."""

    key: str

    def text(self, text: str) -> str:
        """Return a text without it."""
        return text.replace(self.key, "[secret]") if self.key else text

    def value(self, got: Answer) -> Any:
        """Return a body as JSON, else as text."""
        try:
            return json.loads(self.text(got.text))
        except ValueError:
            return self.text(got.text)
