"""A golden file: YAML, or a line of JSON for each request (``.jsonl``); read strictly, all faults at once."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ..errors import Finding, UserError
from ..meant import meant
from .document import of_lines, of_yaml, too_deep
from .path import Key, PathError, Pattern
from .request import APPLICATION_JSON, METHODS, OCTETS, SCORE, Expected, Golden, Request
from .tolerance import DEFAULT, Rule, Tolerance

VERSION = 1
LARGEST_YAML, LARGEST_LINES = 1 << 20, 32 << 20
"""Bytes. YAML is read a hundred times slower than JSON, and a preview reads the file each time."""
MOST_REQUESTS = 1000
"""Each of them is sent at each update."""
LARGEST_BODY = 16 << 20
"""Bytes of what is sent."""

_TOP = ("golden", "recorded", "tolerance", "tolerances", "requests")
_BODIES = ("json", "text", "base64", "file")
_REQUEST = ("name", "path", "method", "content_type", "headers", *_BODIES, "expect", "tolerances")
_ANSWERS = ("json", "text", "base64", "sha256")
_EXPECT = ("status", "content_type", *_ANSWERS, "size")
_RULE = ("path", "absolute", "relative", "ignore")
# a name may have any form, so a part of it is enough
_SECRET = re.compile(
    r"authorization|cookie|token|secret|passw|api[-_]?key|subscription[-_]?key|signature", re.IGNORECASE
)
# the names that Azure and its gateways use for keys in a query
_SECRET_QUERY = re.compile(r"[?&](code|key|sig|[^=&]*(?:token|secret|passw|api[-_]?key)[^=&]*)=", re.IGNORECASE)
_HEX = re.compile(r"[0-9a-f]{64}")
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, 5.6.2

Reader = Callable[[str], bytes]
"""Gives the content of a file that a request names, by its path as it is written; raises ``OSError``."""


class GoldenError(UserError):
    """The file cannot be used; ``findings`` has everything that is wrong with it, each with its line."""

    def __init__(self, findings: list[Finding]) -> None:
        """Keep the findings; the message joins them."""
        super().__init__("; ".join(finding.why for finding in findings))
        self.findings = findings


def parse(text: str, name: str, read: Reader) -> Golden:
    """Read a golden file.

    Args:
        text: its content.
        name: its path, as the user wrote it; one that ends with ``.jsonl`` has lines of JSON.
        read: gives the files that requests name.

    Raises:
        GoldenError: something is wrong; all findings at once.
    """
    judge = _Judge(name, read)
    lines = name.lower().endswith((".jsonl", ".ndjson"))
    # by its name, since a line of JSON is YAML as well
    most = LARGEST_LINES if lines else LARGEST_YAML
    # before anything is parsed: a file that is too large, or nested on purpose, must not cost a preview its time
    if len(text) > most:
        more = "" if lines else "; lines of JSON may have more: name it .jsonl, `aciml golden record` writes it so"
        judge.report((), f"the file has {len(text) >> 10} KiB, and {most >> 10} are read{more}")
    elif not lines and (line := too_deep(text)):
        judge.lines[()] = line
        judge.report((), "the file is nested too deeply")
    else:
        document = of_lines(text, judge) if lines else of_yaml(text, judge)
        # of a document that was not read whole, findings about its contents would mislead
        golden = judge.document(document) if not judge.findings else None
        if golden is not None and not judge.findings:
            # only then: a mapping that was cut at a fault would lack requests, which would be told as the fault
            return golden
    raise GoldenError(judge.findings)


@dataclass
class _Judge:
    """Makes values of a document, and gathers what is wrong. ``lines`` has where its upper parts are."""

    name: str
    read: Reader
    lines: dict[tuple[Key, ...], int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def report(self, place: tuple[Key, ...], why: str) -> None:
        self.findings.append(Finding("", f"{self.name}:{self.line(place)}: {why}"))

    def line(self, place: tuple[Key, ...]) -> int:
        # what has no line of its own is told by the nearest thing around it that has one
        while place and place not in self.lines:
            place = place[:-1]
        return self.lines.get(place, 1)

    def document(self, document: Any) -> Golden | None:
        if not isinstance(document, dict):
            self.report((), 'the file is no mapping; write "requests:" and a list of requests below it')
            return None
        self.known(document, (), _TOP)
        version = document.get("golden", VERSION)
        # True equals 1 in Python, and is no version
        if version != VERSION or isinstance(version, bool):
            self.report(("golden",), f"golden: {version} is a form of the file that is not known here, {VERSION} is")
        rows = document.get("requests")
        if not isinstance(rows, list) or not rows:
            self.report(("requests",), "the file has no requests; write a list of them below requests:")
            rows = []
        if len(rows) > MOST_REQUESTS:
            self.report(("requests",), f"{len(rows)} requests; {MOST_REQUESTS} are sent at most")
            # none of them is judged: ten thousand findings would say no more than this one
            rows = []
        tolerance = self.tolerance(document.get("tolerance", {}), ("tolerance",), _RULE[1:3], DEFAULT)
        # with its number, by which a request without a name is called
        requests = [self.request(row, ("requests", i), i + 1) for i, row in enumerate(rows)]
        self.unique(requests)
        said = document.get("recorded")
        # written by people and tools: whatever it says, it is shown as text and decides nothing
        recorded = {str(key): str(value) for key, value in said.items()} if isinstance(said, dict) else {}
        rules = self.rules(document.get("tolerances"), ("tolerances",))
        return Golden(tuple(filter(None, requests)), tolerance, rules, recorded, name=self.name)

    def unique(self, requests: list[Request | None]) -> None:
        seen: dict[str, int] = {}
        for i, one in enumerate(requests):
            # by name an answer finds its request again: two of one name could not be told apart in a message
            if one is not None and seen.setdefault(one.name, one.line) != one.line:
                self.report(("requests", i), f'"{one.name}" is the name of the request in line {seen[one.name]} too')

    def request(self, row: Any, place: tuple[Key, ...], number: int) -> Request | None:
        if not isinstance(row, dict):
            self.report(place, "a request is a mapping with path, a body and expect")
            return None
        self.known(row, place, _REQUEST)
        # the body decides on the method, so it is read before
        body, file, kind = self.body(row, place)
        # a row without a path asks /score, and one with a body sends it: both are posts, as v1's clients do it
        method = str(row.get("method", "POST" if body is not None or "path" not in row else "GET")).upper()
        if method not in METHODS:
            self.report((*place, "method"), f"{method} is not asked; write one of {', '.join(METHODS)}")
        if method == "GET" and body is not None:
            self.report(place, "a GET has no body; drop it, or write method: POST")
        expect = row.get("expect")
        return Request(
            # names are needed in messages: of one without any its place is as good
            name=self.text(row, "name", place) or f"request {number}",
            path=self.path(row, place),
            # by default a body makes it a POST, as curl does
            method=method,
            body=body,
            content_type=self.text(row, "content_type", place) or kind,
            headers=self.headers(row.get("headers"), (*place, "headers")),
            # without an expectation the request is for recording alone
            expected=None if expect is None else self.expected(expect, (*place, "expect")),
            rules=self.rules(row.get("tolerances"), (*place, "tolerances")),
            file=file,
            line=self.line(place),
        )

    def path(self, row: Mapping[str, Any], place: tuple[Key, ...]) -> str:
        said = self.text(row, "path", place) or SCORE
        if "://" in said or " " in said or not said.isprintable():
            self.report((*place, "path"), f'"{said}" is no path; write such as {SCORE}')
        # the file lies in git beside the script: a key in it would be everybody's
        if _SECRET_QUERY.search(said):
            why = "the path has a key or a token in it; what is secret is never in this file"
            self.report((*place, "path"), f"{why}, the service's key is taken from the stack's state")
        # a path without its slash is plainly meant
        return "/" + said.lstrip("/")

    def headers(self, said: Any, place: tuple[Key, ...]) -> Mapping[str, str]:
        if said is None:
            return {}
        if not isinstance(said, dict):
            self.report(place, "headers are a mapping of names to texts")
            return {}
        for name, text in said.items():
            if _SECRET.search(str(name)):
                why = f"the header {name} has a secret, and what is secret is never in this file"
                self.report((*place, name), f"{why}; the service's key is taken from the stack's state, drop it")
            elif not _HEADER.fullmatch(str(name)) or not str(text).isprintable():
                self.report((*place, name), f'"{name}: {text}" is no header')
        return {str(name): str(text) for name, text in said.items()}

    def body(self, row: Mapping[str, Any], place: tuple[Key, ...]) -> tuple[bytes | None, str, str]:
        """Return the body, the file that it is in, and the content type that it has if none is said."""
        given = [name for name in _BODIES if name in row]
        if len(given) > 1:
            self.report(place, f"{' and '.join(given)} are two bodies of one request; keep one")
        if not given:
            # a request without a body still says what it would take
            return None, "", APPLICATION_JSON
        word = given[0]
        said, at = row[word], (*place, word)
        data, kind, file = b"", OCTETS, ""
        if word == "json":
            # surrogatepass: JSON may have half of a pair (\ud83d), which is a text in Python and no UTF-8
            data, kind = json.dumps(said, ensure_ascii=False).encode("utf-8", "surrogatepass"), APPLICATION_JSON
        elif not isinstance(said, str):
            self.report(at, f"{word} is a text")
        elif word == "text":
            data, kind = said.encode("utf-8", "surrogatepass"), "text/plain"
        elif word == "base64":
            data = self.base64(said, at)
        else:
            data, file = self.file(said, at), said
            kind = _KINDS.get(said.lower().rpartition(".")[2], OCTETS)
        if len(data) > LARGEST_BODY:
            self.report(at, f"the body has {len(data) >> 20} MiB, and {LARGEST_BODY >> 20} are sent at most")
        return data, file, kind

    def file(self, said: str, place: tuple[Key, ...]) -> bytes:
        try:
            return self.read(said)
        except OSError as error:
            why = f"{said} cannot be read: {error.strerror or error}; paths are relative to the folder of this file"
            self.report(place, why)
            return b""

    def base64(self, said: str, place: tuple[Key, ...]) -> bytes:
        try:
            # strict but for white space: YAML folds a long text into lines
            return base64.b64decode("".join(said.split()), validate=True)
        except (binascii.Error, ValueError):
            self.report(place, "this is no base64")
            return b""

    def expected(self, said: Any, place: tuple[Key, ...]) -> Expected | None:
        if not isinstance(said, dict):
            self.report(place, "expect is a mapping such as {status: 200, json: ...}")
            return None
        self.known(said, place, _EXPECT)
        given = [name for name in _ANSWERS if name in said]
        if len(given) > 1:
            self.report(place, f"{' and '.join(given)} are two answers to one request; keep one")
        # 200 by default, since that is what a model answers that answers
        status = said.get("status", 200)
        if not isinstance(status, int) or isinstance(status, bool) or not 100 <= status <= 599:
            self.report((*place, "status"), f"{status} is no status; write one of 100 to 599")
            return None
        found = Expected(status, content_type=self.text(said, "content_type", place))
        return self.answer(found, said, given[0], (*place, given[0])) if given else found

    def answer(self, found: Expected, said: Mapping[str, Any], word: str, place: tuple[Key, ...]) -> Expected | None:
        value = said[word]
        if word == "json":
            return replace(found, kind="json", value=value)
        if not isinstance(value, str):
            self.report(place, f"{word} is a text")
            return None
        if word == "text":
            # a text is kept as it is: what is compared is every letter of it
            return replace(found, kind="text", value=value)
        if word == "base64":
            data = self.base64(value, place)
            # of bytes only the digest is compared, so that a picture of megabytes need not be kept in memory
            return replace(found, kind="sha256", value=hashlib.sha256(data).hexdigest(), size=len(data))
        digest = value.lower().removeprefix("sha256:")
        if not _HEX.fullmatch(digest):
            self.report(place, "sha256 has 64 hexadecimal digits")
        size = said.get("size")
        # optional: the digest says it all, the size only says how far off an answer is
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
            self.report(place, f"size: {size} is no number of bytes")
            size = None
        return replace(found, kind="sha256", value=digest, size=size)

    def rules(self, said: Any, place: tuple[Key, ...]) -> tuple[Rule, ...]:
        if said is None:
            return ()
        if not isinstance(said, list):
            self.report(place, "tolerances are a list of {path, absolute, relative}")
            return ()
        # one wrong rule does not hide the others
        return tuple(filter(None, (self.rule(one, (*place, i)) for i, one in enumerate(said))))

    def rule(self, said: Any, place: tuple[Key, ...]) -> Rule | None:
        if not isinstance(said, dict) or not isinstance(said.get("path"), str):
            self.report(place, "a tolerance has a path such as $.predictions[*], and absolute, relative or ignore")
            return None
        try:
            pattern = Pattern.parse(said["path"])
        except PathError as error:
            self.report((*place, "path"), str(error))
            return None
        rest = {key: value for key, value in said.items() if key != "path"}
        # a rule that says nothing would look as if it ignored its path
        if not rest:
            self.report(place, f"{said['path']} says nothing; give absolute, relative or ignore")
        return Rule(pattern, self.tolerance(rest, place, _RULE, Tolerance()))

    def tolerance(self, said: Any, place: tuple[Key, ...], words: tuple[str, ...], default: Tolerance) -> Tolerance:
        if not isinstance(said, dict):
            self.report(place, "a tolerance is a mapping of absolute and relative")
            return default
        self.known(said, place, words)
        ignore = said.get("ignore", False)
        if not isinstance(ignore, bool):
            self.report((*place, "ignore"), f"ignore is true or false, and not {ignore}")
        # who says one of them means that one alone
        if not {"absolute", "relative"} & said.keys():
            return replace(default, ignore=bool(ignore))
        # a number that was not said is 0: `relative: 0.01` shall not let small numbers pass by an absolute one
        absolute, relative = (
            self.number(said[word], word, (*place, word)) if word in said else 0.0 for word in ("absolute", "relative")
        )
        return Tolerance(absolute, relative, bool(ignore))

    def number(self, said: Any, word: str, place: tuple[Key, ...]) -> float:
        if isinstance(said, bool) or not isinstance(said, int | float) or not 0 <= said < math.inf:
            self.report(place, f"{word}: {said} is no number of 0 or more")
            return 0.0
        # almost surely a percentage: 5 for 5 %
        if word == "relative" and said > 1:
            self.report(place, f"relative: {said} would let every number pass; 0.01 is a hundredth of the value")
        return float(said)

    def text(self, row: Mapping[str, Any], word: str, place: tuple[Key, ...]) -> str:
        said = row.get(word, "")
        if not isinstance(said, str):
            self.report((*place, word), f"{word}: {said} is no text")
            return ""
        return said

    def known(self, row: Mapping[str, Any], place: tuple[Key, ...], words: tuple[str, ...]) -> None:
        # a word that is not known would be passed over, and with it what its writer meant
        for key in row:
            if key not in words:
                near = meant(str(key), words)
                advice = f'did you mean "{near}"?' if near else f"there are {', '.join(words)}"
                self.report((*place, key), f'"{key}" is not known here; {advice}')


_KINDS = {
    "json": APPLICATION_JSON, "csv": "text/csv", "txt": "text/plain", "png": "image/png", "jpg": "image/jpeg",
    "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp", "wav": "audio/wav",
}  # fmt: skip
"""Content types of files, by their endings (IANA, media types)."""
