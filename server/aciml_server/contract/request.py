"""``AMLRequest`` of v1: a request as scripts with ``@rawhttp`` get it. It has what scripts use of Flask's request.

Source: werkzeug's ``Request`` (its documented interface), written anew.
"""

from __future__ import annotations

import io
import json
import sys
import urllib.parse
from typing import Any, Callable, Dict, List, Optional, Tuple

from ..values import OWN, PEER, Call
from .asked_headers import AskedHeaders
from .forms import Values, read_form
from .headers import RequestHeaders
from .reading import is_json, media_type

_asked = False


def rawhttp(function: Callable[..., Any]) -> Callable[..., Any]:
    """Have ``run`` called with the request itself: ``@rawhttp`` above it."""
    global _asked  # noqa: PLW0603  # as in v1: where it stands does not matter, that it was used does
    _asked = True
    return function


def asked() -> bool:
    """Tell if ``rawhttp`` was used since this was asked last, which is after each script."""
    global _asked
    found, _asked = _asked, False
    return found


class UserAgent(str):
    """The header ``User-Agent``; which program it is nobody reads out of it, as in werkzeug since 2.1."""

    __slots__ = ()
    platform = browser = version = language = None

    @property
    def string(self) -> str:
        """The text."""
        return str(self)

    def to_header(self) -> str:
        """Return the text."""
        return str(self)


class AMLRequest(AskedHeaders):
    """One request. ``path``, ``method``, ``headers``, ``args`` and so on are those of Flask's request."""

    def __init__(self, call: Call) -> None:
        """Take a call; a small body is copied, so that the script may keep the request."""
        self.method = call.method
        self.path = urllib.parse.unquote(call.path, "utf-8", "replace")
        # back to the bytes that came: the front reads a head as Latin-1, which keeps each byte
        self.query_string = call.query.encode("latin-1", "replace")
        self._lower = dict(call.headers)
        self.remote_addr: Optional[str] = self._lower.pop(PEER, None)
        self.headers = RequestHeaders.of(self._lower)
        # a small one is a view that is good until the call returns; a large one has memory of its own (``values.Call``)
        self._body: Any = bytes(call.body) if len(call.body) <= OWN else call.body
        self._cache: Dict[str, Any] = {}

    # the body

    @property
    def data(self) -> bytes:
        """The body; also that of a form, which v1 gives as ``b""``."""
        # a large body is copied for who wants bytes, and for nobody else
        if not isinstance(self._body, bytes):
            self._body = bytes(self._body)
        return self._body

    def get_data(
        self,
        cache: bool = True,  # noqa: ARG002, FBT001, FBT002  # werkzeug's signature
        as_text: bool = False,  # noqa: FBT001, FBT002
        parse_form_data: bool = False,  # noqa: ARG002, FBT001, FBT002
    ) -> Any:
        """Return the body."""
        return self.data.decode("utf-8", "replace") if as_text else self.data

    @property
    def stream(self) -> io.BytesIO:
        """The body as a file."""
        found: io.BytesIO = self._once("stream", lambda: io.BytesIO(self.data))
        return found

    input_stream = stream

    @property
    def is_json(self) -> bool:
        """Tell if the content type is JSON."""
        return is_json(self.mimetype)

    @property
    def json(self) -> Any:
        """The body, read as JSON.

        Raises:
            ValueError: it is none, or the content type does not say so.
        """
        return self.get_json()

    def get_json(
        self,
        force: bool = False,  # noqa: FBT001, FBT002  # werkzeug's signature
        silent: bool = False,  # noqa: FBT001, FBT002
        cache: bool = True,  # noqa: ARG002, FBT001, FBT002
    ) -> Any:
        """Read the body as JSON; ``force`` whatever its type is, ``silent`` gives None for what is none.

        Raises:
            ValueError: it is none, or the content type does not say so.
        """
        if not (force or self.is_json):
            if silent:
                return None
            # Flask answers this itself with 415; here it is raised in the script, as any mistake of a call
            raise ValueError("the Content-Type is %r, not application/json" % self.content_type)
        try:
            return self._once("json", lambda: json.loads(self.data))
        except ValueError:
            if silent:
                return None
            raise

    @property
    def form(self) -> Values:
        """The fields of a form."""
        return self._forms()[0]

    @property
    def files(self) -> Values:
        """The files of a form."""
        return self._forms()[1]

    def _forms(self) -> Tuple[Values, Values]:
        media, parameters = media_type(self._lower)
        return self._once("forms", lambda: read_form(media, parameters, self.data))  # type: ignore[no-any-return]

    # the head

    @property
    def args(self) -> Values:
        """The values of the query string."""
        found: Values = self._once("args", lambda: Values(_pairs(self.query_string.decode("latin-1"))))
        return found

    @property
    def values(self) -> Values:
        """The values of the query string and of a form."""
        # werkzeug's order: those of the query string before those of the form
        return Values(
            pair for part in (self.args, self.form) for name, all_of in part.lists() for pair in _of(name, all_of)
        )

    @property
    def cookies(self) -> Values:
        """The cookies, by name."""
        # RFC 6265, 5.4: pairs with a semicolon between them; what has no sign is none
        parts = (part.partition("=") for part in self._lower.get("cookie", "").split(";") if "=" in part)
        return Values((name.strip(), value.strip().strip('"')) for name, _, value in parts)

    @property
    def content_type(self) -> Optional[str]:
        """The header as it came."""
        return self._lower.get("content-type")

    @property
    def mimetype(self) -> str:
        """The media type, without its parameters."""
        return (self.content_type or "").split(";")[0].strip().lower()

    @property
    def mimetype_params(self) -> Dict[str, str]:
        """The parameters of the media type."""
        return media_type({"content-type": self.content_type or ""})[1]

    @property
    def content_length(self) -> Optional[int]:
        """The number of bytes of the body; None of a request that has none and says nothing of its length."""
        return len(self._body) or (0 if "content-length" in self._lower else None)

    @property
    def content_encoding(self) -> Optional[str]:
        """The header as it came; the body is decoded."""
        return self._lower.get("content-encoding")

    @property
    def user_agent(self) -> UserAgent:
        """The header as it came; a text that has what werkzeug's class of that name has, too."""
        return UserAgent(self._lower.get("user-agent", ""))

    @property
    def host(self) -> str:
        """The host that the client asked, without a port that is the scheme's own."""
        told = self._lower.get("host", "localhost")
        own = ":443" if self.is_secure else ":80"
        return told[: -len(own)] if told.endswith(own) else told  # noqa: FURB188  # removesuffix is of Python 3.9

    @property
    def scheme(self) -> str:
        """Whether the client, or the proxy before us, spoke TLS."""
        # each proxy adds its own; the first is the one that the client spoke to
        return self._lower.get("x-forwarded-proto", "http").split(",")[0].strip()

    @property
    def full_path(self) -> str:
        """The path and the query string."""
        return "%s?%s" % (self.path, self.query_string.decode("latin-1"))

    @property
    def host_url(self) -> str:
        """Scheme and host."""
        return "%s://%s/" % (self.scheme, self.host)

    url_root = root_url = host_url

    @property
    def base_url(self) -> str:
        """The address without its query string."""
        return self.host_url.rstrip("/") + urllib.parse.quote(self.path, safe="/%:@!$&'()*+,;=~")

    @property
    def url(self) -> str:
        """The whole address."""
        query = self.query_string.decode("latin-1")
        return self.base_url + ("?" + query if query else "")

    @property
    def script_root(self) -> str:
        """The path below which the application is; it is at the root."""
        return ""

    root_path = script_root

    @property
    def is_secure(self) -> bool:
        """Tell if the client, or the proxy before us, spoke TLS."""
        return self.scheme == "https"

    @property
    def remote_user(self) -> None:
        """Nobody: a key has no name."""
        return

    @property
    def access_route(self) -> List[str]:
        """The addresses from the client to us, as proxies tell them."""
        told = self._lower.get("x-forwarded-for")
        # what proxies tell may be anybody's word: nothing here trusts it, and neither should a script
        return [one.strip() for one in told.split(",")] if told else [self.remote_addr] if self.remote_addr else []

    @property
    def referrer(self) -> Optional[str]:
        """The header as it came."""
        return self._lower.get("referer")

    @property
    def origin(self) -> Optional[str]:
        """The header as it came."""
        return self._lower.get("origin")

    @property
    def environ(self) -> Dict[str, Any]:
        """The request as a WSGI server would hand it over (PEP 3333)."""
        found: Dict[str, Any] = self._once("environ", self._environ)
        return found

    def _environ(self) -> Dict[str, Any]:
        host, _, port = self.host.partition(":")
        found: Dict[str, Any] = {
            "REQUEST_METHOD": self.method,
            "SCRIPT_NAME": "",
            # PEP 3333: texts of bytes, as Latin-1 reads them
            "PATH_INFO": self.path.encode().decode("latin-1"),
            "QUERY_STRING": self.query_string.decode("latin-1"),
            "SERVER_NAME": host or "localhost",
            "SERVER_PORT": port or ("443" if self.is_secure else "80"),
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": self.remote_addr or "",
            "CONTENT_LENGTH": str(len(self._body)),
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": self.scheme,
            "wsgi.input": io.BytesIO(self.data),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": True,
            "wsgi.run_once": False,
        }
        if self.content_type is not None:
            found["CONTENT_TYPE"] = self.content_type
        for name, value in self._lower.items():
            # the body is decoded and whole by now: these speak of what came over the wire
            if name not in ("content-type", "content-length", "content-encoding", "transfer-encoding"):
                found["HTTP_" + name.upper().replace("-", "_")] = value
        return found

    def close(self) -> None:
        """Close the files of a form."""
        for _, files in self.files.lists():
            for file in files:
                file.close()

    def __getattr__(self, name: str) -> Any:
        """Ask werkzeug's own request for what is rarely used, where the environment has it."""
        # copy and pickle look for such names, and must not load werkzeug for them
        if name.startswith("_"):
            raise AttributeError(name)
        try:
            from werkzeug.wrappers import Request
        except ImportError:
            told = "AMLRequest has no %r; with the package werkzeug it has all that Flask's request has" % name
            raise AttributeError(told) from None
        return getattr(self._once("werkzeug", lambda: Request(self.environ)), name)

    def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._cache:
            self._cache[name] = make()
        return self._cache[name]

    def __repr__(self) -> str:
        """Tell what is asked, and nothing of the data."""
        return "<AMLRequest %s %s>" % (self.method, self.path)


def _pairs(text: str) -> List[Tuple[str, str]]:
    # as werkzeug: `?flag=` is a value, and an empty one
    return urllib.parse.parse_qsl(text, keep_blank_values=True)


def _of(name: str, values: List[Any]) -> List[Tuple[str, Any]]:
    return [(name, value) for value in values]
