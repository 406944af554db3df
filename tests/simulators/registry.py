"""A small working OCI registry in this process, over real HTTP, which can be told to fail by name.

Source: OCI distribution-spec 1.1; error bodies and ranges as registry:2 writes them.
"""

from __future__ import annotations

import base64
import itertools
import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from types import TracebackType
from typing import Literal, Self
from urllib.parse import parse_qs, urlsplit

from aciml.core.image import sha256_digest
from tests.simulators.ending_server import EndingServer

FaultName = Literal[
    "unauthorized",  # 401 with a bearer challenge
    "forbidden",  # 403
    "method-not-allowed",  # 405
    "bad-request",  # 400
    "not-implemented",  # 501
    "too-large",  # 413
    "range",  # 416, and the upload is lost
    "too-many-requests",  # 429, Retry-After
    "server-error",  # 500
    "cut",  # reads ``after`` bytes of the body, keeps them, closes the connection
    "lost-answer",  # does the work, closes the connection instead of answering
    "cut-answer",  # sends half of the answer's body, closes the connection
    "wrong-digest",  # sends a body with its first byte changed
    "slow",  # does not answer until the simulator is closed
]
_STATUS = {
    "unauthorized": (401, "UNAUTHORIZED"),
    "forbidden": (403, "DENIED"),
    "method-not-allowed": (405, "UNSUPPORTED"),
    "bad-request": (400, "NAME_INVALID"),
    "not-implemented": (501, ""),
    "too-large": (413, ""),
    "range": (416, "BLOB_UPLOAD_INVALID"),
    "too-many-requests": (429, "TOOMANYREQUESTS"),
    "server-error": (500, "UNKNOWN"),
}
_PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>blobs/uploads|blobs|manifests|referrers|tags)/(?P<what>[^/]*)")
_BLOCK = 1 << 16
_INDEX = "application/vnd.oci.image.index.v1+json"


@dataclass
class Fault:
    """What goes wrong, how often, and with which requests: ``on`` is searched in ``METHOD /path``."""

    name: FaultName
    on: str
    times: int
    after: int
    retry_after: int


@dataclass
class Repository:
    """Content of one repository; manifests are (body, media type) by digest."""

    blobs: dict[str, bytes] = field(default_factory=dict)
    manifests: dict[str, tuple[bytes, str]] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


class RegistrySimulator:
    """A registry on a free port of 127.0.0.1. ``accounts`` (name: password) makes it ask for a login."""

    def __init__(
        self,
        *,
        accounts: dict[str, str] | None = None,
        scheme: Literal["bearer", "basic"] = "bearer",
        token_life: int = 300,
        page: int = 100,
    ) -> None:
        """Start answering. ``token_life`` in seconds is only announced; ``page`` is the most tags in one answer."""
        self.accounts, self.scheme, self.token_life, self.page = accounts, scheme, token_life, page
        self.repositories: dict[str, Repository] = {}
        self.uploads: dict[str, bytearray] = {}
        self.tokens: dict[str, list[str]] = {}
        self.identities: set[str] = set()  # identity tokens that are good at the token server
        self.knows_referrers = False  # as registry:2, and unlike many others
        self.changes_manifests = False  # as a proxy that writes them anew
        self.says_digest = True  # in the answer to a manifest that is put, which is a SHOULD
        self.believed: set[str] = set()  # blobs that a HEAD finds in a cache until they are sent
        self.names_unknown = True  # in the answer to a manifest whose blobs are not there, which is a MAY
        self.realm = ""  # of the challenge; empty: the simulator's own token server
        self.received = 0  # bytes of bodies
        self.sent = 0  # the same of answers
        self._log: list[str] = []
        self._faults: list[Fault] = []
        self._numbers = itertools.count(1)
        self.lock = threading.RLock()
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"registry": self})
        self._server = EndingServer(("127.0.0.1", 0), handler)
        self._server.start()

    @property
    def host(self) -> str:
        """``127.0.0.1:port``."""
        return f"127.0.0.1:{self._server.server_port}"

    def fail(self, name: FaultName, on: str, *, times: int = 1, after: int = 0, retry_after: int = 7) -> None:
        """Let the next ``times`` requests that match ``on`` go wrong."""
        self._faults.append(Fault(name, on, times, after, retry_after))

    def take_fault(self, request: str) -> Fault | None:
        """Return the first fault that matches, and use it up."""
        with self.lock:
            for fault in self._faults:
                if fault.times and re.search(fault.on, request):
                    fault.times -= 1
                    return fault
        return None

    def requests(self) -> list[str]:
        """Return all requests so far as ``METHOD /path``."""
        with self.lock:
            return list(self._log)

    def note(self, request: str) -> None:
        """Write the request down."""
        with self.lock:
            self._log.append(request)

    def repository(self, name: str) -> Repository:
        """Return the repository, made if needed."""
        with self.lock:
            return self.repositories.setdefault(name, Repository())

    def new_name(self, kind: str) -> str:
        """Return a name for an upload or a token."""
        with self.lock:
            return f"{kind}-{next(self._numbers)}"

    def close(self) -> None:
        """Stop answering."""
        self.closing.set()
        self._server.end()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()


class _Cut(Exception):
    """The connection ends here."""


class _Handler(BaseHTTPRequestHandler):
    registry: RegistrySimulator
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the name is the base class's
        """Keep the terminal quiet."""

    def do_GET(self) -> None:
        self._serve()

    do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815  # names the base class looks for

    def _serve(self) -> None:
        self.url = urlsplit(self.path)
        self.query = {name: values[0] for name, values in parse_qs(self.url.query).items()}
        request = f"{self.command} {self.url.path}"
        self.registry.note(request)
        self.fault = self.registry.take_fault(request)
        try:
            if not self._fail() and self._is_welcome():
                self._route()
        except _Cut:
            self.close_connection = True

    def _fail(self) -> bool:
        if self.fault is None:
            return False
        if self.fault.name == "slow":
            self.registry.closing.wait()
            raise _Cut
        if self.fault.name not in _STATUS:
            return False
        status, code = _STATUS[self.fault.name]
        headers = {"Retry-After": str(self.fault.retry_after)} if status == 429 else {}
        if status == 401:
            headers["WWW-Authenticate"] = self._challenge()
        if status == 416:
            self.registry.uploads.pop(self.url.path.rpartition("/")[2], None)
        self.close_connection = True  # the body was not read
        self._answer(status, _errors(code), {**headers, "Connection": "close"})
        return True

    def _challenge(self) -> str:
        if self.registry.scheme == "basic":
            return 'Basic realm="simulator"'
        realm = self.registry.realm or f"http://{self.registry.host}/token"
        return f'Bearer realm="{realm}",service="simulator"'

    def _is_welcome(self) -> bool:
        accounts = self.registry.accounts
        if accounts is None or self.url.path == "/token":
            return True
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Basic" and self.registry.scheme == "basic" and self._account(value):
            return True
        if scheme == "Bearer" and self._scope_is_enough(self.registry.tokens.get(value)):
            return True
        self.close_connection = True
        headers = {"WWW-Authenticate": self._challenge(), "Connection": "close"}
        self._answer(401, _errors("UNAUTHORIZED"), headers)
        return False

    def _scope_is_enough(self, scopes: list[str] | None) -> bool:
        if scopes is None:
            return False
        match = _PATH.fullmatch(self.url.path)
        action = "pull" if self.command in ("GET", "HEAD") else "delete" if self.command == "DELETE" else "push"
        granted = {f"{scope.rpartition(':')[0]}:{word}" for scope in scopes for word in scope.split(":")[-1].split(",")}
        return match is None or f"repository:{match['name']}:{action}" in granted

    def _account(self, value: str) -> bool:
        name, _, password = base64.b64decode(value).decode().partition(":")
        return (self.registry.accounts or {}).get(name) == password

    def _token(self) -> None:
        if self.command == "POST":
            self._token_for_identity()
            return
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme != "Basic" or not self._account(value):
            self._answer(401, _errors("UNAUTHORIZED"))
            return
        token = self.registry.new_name("token")
        self.registry.tokens[token] = parse_qs(self.url.query).get("scope", [])
        self._answer(200, json.dumps({"token": token, "expires_in": self.registry.token_life}).encode())

    def _token_for_identity(self) -> None:
        """Answer as Azure's registries do: the end of the token stands in the token alone."""
        form = parse_qs(self._read_body().decode())
        if form["grant_type"] != ["refresh_token"] or form["refresh_token"][0] not in self.registry.identities:
            self._answer(401, _errors("UNAUTHORIZED"))
            return
        claims = {"iat": 1000, "exp": 1000 + self.registry.token_life, "jti": self.registry.new_name("token")}
        middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
        token = f"e30.{middle}.c2ln"
        self.registry.tokens[token] = form.get("scope", [])
        self._answer(200, json.dumps({"access_token": token}).encode())

    def _route(self) -> None:
        if self.url.path == "/token":
            self._token()
        elif self.url.path == "/v2/":
            self._answer(200, b"{}")
        elif match := _PATH.fullmatch(self.url.path):
            self.name, self.what = match["name"], match["what"]
            kind = match["kind"].replace("/", "_")
            method: Callable[[], None] = getattr(self, f"_{self.command.lower()}_{kind}", self._not_found)
            method()
        else:
            self._not_found()

    def _not_found(self) -> None:
        self._read_body()
        self._answer(404, _errors("NAME_UNKNOWN"))

    def _get_blobs(self) -> None:
        blob = self.registry.repository(self.name).blobs.get(self.what)
        if blob is None:
            self._answer(404, _errors("BLOB_UNKNOWN"))
        else:
            self._answer(200, blob, {"Docker-Content-Digest": self.what})

    def _head_blobs(self) -> None:
        if self.what in self.registry.believed:
            self._answer(200, b"", {"Docker-Content-Digest": self.what})
        else:
            self._get_blobs()

    def _post_blobs_uploads(self) -> None:
        self._read_body()
        found = self.registry.repository(self.query.get("from", "")).blobs.get(self.query.get("mount", ""))
        if found is not None:
            self.registry.repository(self.name).blobs[self.query["mount"]] = found
            self._answer(201, b"", {"Location": f"/v2/{self.name}/blobs/{self.query['mount']}"})
            return
        name = self.registry.new_name("upload")
        self.registry.uploads[name] = bytearray()
        self._answer_upload(202, name)

    def _delete_blobs_uploads(self) -> None:
        known = self.registry.uploads.pop(self.what, None) is not None
        self._answer(204 if known else 404, b"" if known else _errors("BLOB_UPLOAD_UNKNOWN"))

    def _get_blobs_uploads(self) -> None:
        self._answer_upload(204, self.what)

    def _patch_blobs_uploads(self) -> None:
        upload = self.registry.uploads.get(self.what)
        start = self.headers.get("Content-Range", "0-").partition("-")[0]
        if upload is None or int(start) != len(upload):
            self._read_body()
            self._answer(416 if upload is not None else 404, _errors("BLOB_UPLOAD_INVALID"))
            return
        self._read_body(upload)
        self._answer_upload(202, self.what)

    def _put_blobs_uploads(self) -> None:
        upload = self.registry.uploads.get(self.what)
        self._read_body(upload)
        digest = self.query.get("digest", "")
        if upload is None:
            self._answer(404, _errors("BLOB_UPLOAD_UNKNOWN"))
        elif sha256_digest(bytes(upload)) != digest:
            self._answer(400, _errors("DIGEST_INVALID"))
        else:
            self.registry.repository(self.name).blobs[digest] = bytes(upload)
            del self.registry.uploads[self.what]
            self._answer(201, b"", {"Location": f"/v2/{self.name}/blobs/{digest}"})

    def _answer_upload(self, status: int, name: str) -> None:
        upload = self.registry.uploads.get(name)
        if upload is None:
            self._answer(404, _errors("BLOB_UPLOAD_UNKNOWN"))
            return
        location = f"/v2/{self.name}/blobs/uploads/{name}?_state=secret"
        self._answer(status, b"", {"Location": location, "Range": f"0-{max(len(upload) - 1, 0)}"})

    def _get_manifests(self) -> None:
        repository = self.registry.repository(self.name)
        digest = repository.tags.get(self.what, self.what)
        if digest not in repository.manifests:
            self._answer(404, _errors("MANIFEST_UNKNOWN"))
            return
        body, media_type = repository.manifests[digest]
        self._answer(200, body, {"Content-Type": media_type, "Docker-Content-Digest": digest})

    _head_manifests = _get_manifests

    def _put_manifests(self) -> None:
        body = self._read_body()
        repository = self.registry.repository(self.name)
        described = json.loads(body)
        needed = [entry["digest"] for entry in [*described.get("layers", []), described.get("config")] if entry]
        if lacking := [digest for digest in needed if digest not in repository.blobs]:
            detail = {"digest": lacking} if self.registry.names_unknown else None
            self._answer(404, _errors("MANIFEST_BLOB_UNKNOWN", detail))
            return
        if self.registry.changes_manifests:
            body += b"\n"
        digest = sha256_digest(body)
        repository.manifests[digest] = (body, self.headers["Content-Type"])
        if ":" not in self.what:
            repository.tags[self.what] = digest
        said = {"Docker-Content-Digest": digest} if self.registry.says_digest else {}
        self._answer(201, b"", {**said, "Location": f"/v2/{self.name}/manifests/{digest}"})

    def _delete_manifests(self) -> None:
        repository = self.registry.repository(self.name)
        if repository.manifests.pop(self.what, None) is None:
            self._answer(404, _errors("MANIFEST_UNKNOWN"))
            return
        repository.tags = {tag: digest for tag, digest in repository.tags.items() if digest != self.what}
        self._answer(202)

    def _get_referrers(self) -> None:
        if not self.registry.knows_referrers:
            self._not_found()
            return
        entries = []
        for digest, (body, media_type) in sorted(self.registry.repository(self.name).manifests.items()):
            described = json.loads(body)
            if described.get("subject", {}).get("digest") == self.what:
                entry = {"mediaType": media_type, "digest": digest, "size": len(body)}
                entries.append({**entry, "artifactType": described["artifactType"]})
        index = {"schemaVersion": 2, "mediaType": _INDEX, "manifests": entries}
        self._answer(200, json.dumps(index).encode(), {"Content-Type": _INDEX})

    def _get_tags(self) -> None:
        tags = sorted(self.registry.repository(self.name).tags)
        if not tags:
            self._answer(404, _errors("NAME_UNKNOWN"))
            return
        left = [tag for tag in tags if tag > self.query.get("last", "")]
        shown = left[: self.registry.page]
        more = f'</v2/{self.name}/tags/list?last={shown[-1]}>; rel="next"' if len(left) > len(shown) else ""
        self._answer(200, json.dumps({"name": self.name, "tags": shown}).encode(), {"Link": more} if more else {})

    def _read_body(self, into: bytearray | None = None) -> bytes:
        """Read the body, or as much of it as a fault allows; what has come is kept as a real registry keeps it."""
        body = bytearray() if into is None else into
        left = int(self.headers.get("Content-Length", "0"))
        cut = self.fault is not None and self.fault.name == "cut"
        if self.fault is not None and cut:
            left = min(left, self.fault.after)
        while left and (block := self.rfile.read(min(left, _BLOCK))):
            body += block
            left -= len(block)
            self.registry.received += len(block)
        if cut or left:
            raise _Cut
        return bytes(body)

    def _answer(self, status: int, body: bytes = b"", headers: dict[str, str] | None = None) -> None:
        fault = self.fault.name if self.fault else ""
        if fault == "lost-answer":
            raise _Cut
        if fault == "wrong-digest":
            body = bytes([body[0] ^ 1]) + body[1:]
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.registry.sent += len(body)
        self.wfile.write(body[: len(body) // 2] if fault == "cut-answer" else body)
        if fault == "cut-answer":
            raise _Cut


def _errors(code: str, detail: object = None) -> bytes:
    said = {"code": code, "message": code.lower(), "detail": detail}
    return json.dumps({"errors": [said]}).encode() if code else b"<html>no</html>"
