"""``AMLResponse`` of v1, and how it and other frameworks' responses become answers.

Source: azureml-inference-server-http 1.5, api/aml_response.py, written anew without Flask.
"""

from __future__ import annotations

import hashlib
import http
import json
import re
import time
import urllib.parse
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from ..values import FAILED, JSON, Answer, Stream, StreamBroken
from .headers import made_of
from .reading import is_json, media_type
from .said_headers import SaidHeaders, time_of

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_OURS = frozenset(
    ("content-type", FAILED, "content-length", "transfer-encoding", "connection", "keep-alive", "date", "server")
)
"""Headers that the front writes itself."""
_TEXTS = frozenset(
    "application/" + name
    for name in ("ecmascript", "javascript", "sql", "xml", "xml-dtd", "xml-external-parsed-entity")
)
"""Media types that werkzeug gives a charset beside ``text/...``."""


class ResponseHeaders:
    """Headers in their order, names may repeat; found in any case. The part of werkzeug's ``Headers`` that is used."""

    def __init__(self) -> None:
        """Begin without any."""
        self._pairs: List[Tuple[str, str]] = []

    def add(self, name: str, value: Any, **parameters: Any) -> None:
        """Add a header beside others of the same name; ``filename="a.csv"`` and the like stand behind its value.

        Raises:
            ValueError: it would break the answer: a line end in it, or a name that is none.
        """
        text = _with_parameters(str(value), parameters)
        if not _NAME.fullmatch(name):
            raise ValueError("%r is no name of a header" % name)
        # or a value that a script took from its client would write headers of its own, or a second answer
        if "\r" in text or "\n" in text or "\0" in text:
            raise ValueError("Header values must not contain newline characters: %s" % name)
        self._pairs.append((name, text))

    add_header = add

    def remove(self, name: str) -> None:
        """Remove all headers of this name."""
        self._pairs = [pair for pair in self._pairs if pair[0].lower() != name.lower()]

    def getlist(self, name: str, type: Any = None) -> List[Any]:  # noqa: A002  # werkzeug's
        """Return all values of a name."""
        found = [value for one, value in self._pairs if one.lower() == name.lower()]
        return [type(value) for value in found] if type else found

    def get(self, name: str, default: Any = None, type: Any = None) -> Any:  # noqa: A002  # werkzeug's
        """Return the first value of a name, made to a ``type``; the default if there is none, or none of that type."""
        return made_of(self, name, default, type)

    get_all = getlist

    def keys(self) -> List[str]:
        """Return all names."""
        return [name for name, _ in self._pairs]

    def values(self) -> List[str]:
        """Return all values."""
        return [value for _, value in self._pairs]

    def set(self, name: str, value: Any, **parameters: Any) -> None:
        """Replace all headers of this name."""
        self.remove(name)
        self.add(name, value, **parameters)

    def setlist(self, name: str, values: Iterable[Any]) -> None:
        """Replace all headers of this name by several."""
        self.remove(name)
        for value in values:
            self.add(name, value)

    def pop(self, name: str, *default: Any) -> Any:
        """Remove all headers of this name, and return the first value.

        Raises:
            KeyError: there is none, and no default.
        """
        found = self.getlist(name)
        if not found and not default:
            raise KeyError(name)
        self.remove(name)
        return found[0] if found else default[0]

    def clear(self) -> None:
        """Remove all."""
        self._pairs = []

    def setdefault(self, name: str, value: Any) -> str:
        """Return the first value of a name, which is this one if there was none."""
        if name not in self:
            self.add(name, value)
        return self[name]

    def extend(self, *others: Any, **more: Any) -> None:
        """Add headers: of a mapping, or pairs."""
        for name, value in _pairs((*others, more)):
            self.add(name, value)

    def update(self, *others: Any, **more: Any) -> None:
        """Replace headers by those of a mapping, or by pairs."""
        every = list(_pairs((*others, more)))
        for name in {name for name, _ in every}:
            self.remove(name)
        for name, value in every:
            self.add(name, value)

    def items(self) -> List[Tuple[str, str]]:
        """Return all, as pairs."""
        return list(self._pairs)

    def __getitem__(self, name: str) -> str:
        """Return the first value of a name."""
        found: List[str] = self.getlist(name)
        if not found:
            raise KeyError(name)
        return found[0]

    def __setitem__(self, name: str, value: Any) -> None:
        """Replace all headers of this name."""
        self.set(name, value)

    def __delitem__(self, name: str) -> None:
        """Remove all headers of this name."""
        self.remove(name)

    def __contains__(self, name: object) -> bool:
        """Tell if there is one."""
        return bool(self.getlist(str(name)))

    def __iter__(self) -> Iterator[Tuple[str, str]]:
        """Go through the pairs."""
        return iter(self.items())

    def __len__(self) -> int:
        """Count them."""
        return len(self._pairs)


class AMLResponse(SaidHeaders):
    """An answer that ``run`` decides on. ``message``: text, bytes, an iterable of both; with ``json_str`` any JSON."""

    def __init__(
        self,
        message: Any,
        status_code: Union[int, str],
        response_headers: Mapping[str, str] = {},  # v1's signature; never changed
        json_str: bool = False,  # noqa: FBT001, FBT002  # v1's signature
        run_function_failed: bool = False,  # noqa: FBT001, FBT002  # v1's signature
    ) -> None:
        """Take the parts.

        Raises:
            ValueError: a header has a line end in it.
            TypeError: the message is no JSON, although ``json_str`` says so.
        """
        self._on_close: List[Callable[[], Any]] = []
        self.status_code = _status_of(status_code)
        self.headers: ResponseHeaders = ResponseHeaders()
        if message is None or json_str:
            self.response: Any = json.dumps({} if message is None else message)
            self.headers.add("Content-Type", JSON)
        else:
            self.response = message
            # v1 looks for this spelling alone, and sends two types for ``content-type``
            if not any(name.lower() == "content-type" for name in response_headers):
                # what Flask says of a text, and so v1's clients expect it
                self.headers.add("Content-Type", "text/html; charset=utf-8")
        self.headers[FAILED] = run_function_failed
        for name, value in response_headers.items():
            # v1's way to repeat a header; a date, which has a comma, comes to harm there, too
            for part in value.split(","):
                self.headers.add(name, part.strip())

    # what scripts of v1 set afterwards, as werkzeug's ``Response`` has it

    @property
    def status(self) -> str:
        """The status with its words, such as ``404 NOT FOUND``; to be set to either, or to the number alone."""
        words = {int(one): one.phrase.upper() for one in http.HTTPStatus}
        return "%d %s" % (self.status_code, words.get(self.status_code, "UNKNOWN"))

    @status.setter
    def status(self, value: Union[int, str]) -> None:
        self.status_code = _status_of(value)

    @property
    def content_type(self) -> Optional[str]:
        """The header ``Content-Type``."""
        value: Optional[str] = self.headers.get("Content-Type")
        return value

    @content_type.setter
    def content_type(self, value: str) -> None:
        self.headers["Content-Type"] = value

    @property
    def mimetype(self) -> Optional[str]:
        """The media type alone; setting one for text or XML adds the charset, as Flask does."""
        return (self.content_type or "").partition(";")[0].strip() or None

    @mimetype.setter
    def mimetype(self, value: str) -> None:
        is_text = value.startswith("text/") or value in _TEXTS or value.endswith("+xml")
        self.headers["Content-Type"] = value + "; charset=utf-8" if is_text and "charset=" not in value else value

    @property
    def content_length(self) -> Optional[int]:
        """The number of bytes, None for a stream; the server counts them itself."""
        return None if self.is_streamed else len(self.get_data())

    @content_length.setter
    def content_length(self, value: Any) -> None:
        pass  # two lengths of one answer would let a proxy see two

    @property
    def is_json(self) -> bool:
        """Tell if the content type is JSON."""
        return is_json(self.mimetype or "")

    @property
    def mimetype_params(self) -> Dict[str, str]:
        """The parameters of the media type."""
        return media_type({"content-type": self.content_type or ""})[1]

    @property
    def json(self) -> Any:
        """The message, read as JSON."""
        return self.get_json()

    def get_json(self, force: bool = False, silent: bool = False) -> Any:  # noqa: FBT001, FBT002  # werkzeug's signature
        """Read the message as JSON; None if its type is another one, or with ``silent`` if it is none."""
        if not (force or self.is_json):
            return None
        try:
            return json.loads(self.get_data())
        except ValueError:
            if silent:
                return None
            raise

    def set_cookie(  # werkzeug's signature
        self,
        key: str,
        value: str = "",
        max_age: Any = None,
        expires: Any = None,
        path: Optional[str] = "/",
        domain: Optional[str] = None,
        secure: bool = False,  # noqa: FBT001, FBT002
        httponly: bool = False,  # noqa: FBT001, FBT002
        samesite: Optional[str] = None,
    ) -> None:
        """Add a cookie (RFC 6265, section 4.1); ``max_age`` in seconds or a timedelta, ``expires`` a time or a text.

        Raises:
            ValueError: a part of it would break the header.
        """
        from http.cookies import SimpleCookie  # few scripts set any

        cookie: Any = SimpleCookie()
        cookie[key] = value
        morsel = cookie[key]
        seconds = getattr(max_age, "total_seconds", None)
        age = None if max_age is None else int(seconds() if seconds else max_age)
        if expires is None and age is not None:
            expires = time.time() + age  # for clients that know no Max-Age, as werkzeug does
        given = {
            "expires": time_of(expires),
            "max-age": None if age is None else str(age),
            "domain": domain,
            "path": path,
            "secure": secure,
            "httponly": httponly,
            "samesite": samesite,
        }
        morsel.update({name: said for name, said in given.items() if said})
        self.headers.add("Set-Cookie", morsel.OutputString())

    def delete_cookie(self, key: str, path: str = "/", domain: Optional[str] = None) -> None:
        """Tell the client to forget a cookie."""
        self.set_cookie(key, max_age=0, expires=0, path=path, domain=domain)

    @property
    def is_streamed(self) -> bool:
        """Tell if the message comes in pieces."""
        whole = isinstance(self.response, (str, bytes, bytearray, memoryview, list, tuple))
        # what cannot be gone through, such as a number, is no stream: it fails before the answer has begun
        return hasattr(self.response, "__iter__") and not whole

    def iter_encoded(self) -> Iterator[bytes]:
        """Go through the message in pieces."""
        whole = isinstance(self.response, (str, bytes, bytearray, memoryview))
        pieces: Iterable[Any] = (self.response,) if whole else self.response
        for piece in pieces:
            yield piece.encode() if isinstance(piece, str) else bytes(piece)

    def get_data(self, as_text: bool = False) -> Any:  # noqa: FBT001, FBT002  # werkzeug's signature
        """Return the whole message."""
        data = b"".join(self.iter_encoded())
        return data.decode() if as_text else data

    def set_data(self, value: Union[str, bytes]) -> None:
        """Replace the message."""
        self.response = value

    def add_etag(self, overwrite: bool = False, weak: bool = False) -> None:  # noqa: FBT001, FBT002  # werkzeug's
        """Write ``ETag`` from the message, if there is none yet."""
        if overwrite or "ETag" not in self.headers:
            self.set_etag(hashlib.sha1(self.get_data()).hexdigest(), weak)  # noqa: S324  # no secret; werkzeug's tag

    def calculate_content_length(self) -> Optional[int]:
        """Return the number of bytes; None for a stream."""
        return self.content_length

    def make_conditional(
        self,
        request_or_environ: Any,
        accept_ranges: Any = False,  # noqa: ARG002, FBT002  # werkzeug's signature
        complete_length: Optional[int] = None,  # noqa: ARG002
    ) -> "AMLResponse":
        """Make a 304 of it if the client has this message already (RFC 9110, section 13.2.2); ranges are not cut."""
        asked = request_or_environ
        if getattr(asked, "method", "") not in ("GET", "HEAD"):
            return self
        etag, _ = self.get_etag()
        since, changed = asked.if_modified_since, self.last_modified
        if len(asked.if_none_match):
            known = etag is not None and asked.if_none_match.contains_weak(etag)
        else:
            known = bool(since and changed and changed.timestamp() <= since.timestamp())
        if known:
            self.status_code = 304
        return self

    def freeze(self) -> None:
        """Take the whole message, and give it a tag."""
        self.response = self.get_data()
        self.add_etag()

    def call_on_close(self, function: Callable[[], Any]) -> Callable[[], Any]:
        """Have a function called when the answer is written."""
        self._on_close.append(function)
        return function

    def close(self) -> None:
        """Close the message if it can be, and call what waits for the end."""
        _close(self.response)
        for function in self._on_close:
            function()
        self._on_close = []

    data = property(get_data, set_data, doc="The whole message, as bytes.")


def _pairs(several: Iterable[Any]) -> Iterator[Tuple[str, Any]]:
    """Go through headers, each of which are a mapping or pairs; a list in a mapping is a header each."""
    for one in several:
        for name, value in one.items() if hasattr(one, "items") else one:
            yield from ((name, each) for each in value) if isinstance(value, (list, tuple)) else ((name, value),)


def _with_parameters(text: str, parameters: Mapping[str, Any]) -> str:
    """Return a header's value with parameters (RFC 9110, section 5.6.6); None is one without a value."""
    parts = [text]
    for name, value in parameters.items():
        word = name.replace("_", "-")
        said = str(value)
        # a text beyond ASCII is spelled in UTF-8 (RFC 8187)
        if value is None:
            parts.append(word)
        elif not said.isascii():
            parts.append("%s*=UTF-8''%s" % (word, urllib.parse.quote(said, safe="")))
        elif _NAME.fullmatch(said):
            parts.append("%s=%s" % (word, said))
        else:
            parts.append('%s="%s"' % (word, said.replace("\\", "\\\\").replace('"', '\\"')))
    return "; ".join(parts)


def _status_of(value: Union[int, str]) -> int:
    # also "404 Not Found", which werkzeug takes; before Python 3.11 the text of an HTTPStatus is its name
    return int(str(int(value) if isinstance(value, int) else value).split()[0])


def is_response(value: Any) -> bool:
    """Tell if a result is an answer of its own: ours, or one of Flask's and werkzeug's by what it can do."""
    # not by class: an environment may have Flask, werkzeug alone, or neither
    return all(hasattr(value, name) for name in ("status_code", "headers", "get_data", "iter_encoded"))


def of_response(value: Any, headers: Tuple[Tuple[str, str], ...]) -> Union[Answer, Stream]:
    """Return a response as an answer. ``headers`` are added.

    Raises:
        ValueError: a header or the status would break the answer.
    """
    status = int(value.status_code)
    if not 200 <= status <= 999:  # 1xx is no final answer (RFC 9110, section 15.2)
        raise ValueError("%d is no status of an answer" % status)
    checked = ResponseHeaders()
    for name, text in value.headers.items():
        checked.add(str(name), text)
    kind = checked.get("content-type") or ""
    said = checked.get(FAILED)
    # v1 says so of every answer from 500 on, whatever the script said
    failed = True if status >= 500 else None if said is None else said.lower() == "true"
    # two lengths or encodings of one answer would let a proxy see two (RFC 9112, section 6.3)
    rest = tuple(pair for pair in checked.items() if pair[0].lower() not in _OURS) + headers
    if getattr(value, "is_streamed", False):
        return Stream(status, _pieces(value), kind, rest, failed)
    body = b"" if status in (204, 304) else bytes(value.get_data())  # RFC 9110, section 6.4.1
    # what is registered with Flask's `call_on_close`, such as the end of a file or of a session
    _close(value)
    return Answer(status, body, kind, rest, failed)


def _pieces(value: Any) -> Iterator[bytes]:
    try:
        for piece in value.iter_encoded():
            yield bytes(piece)
    # the client left: nothing failed, and there is nothing to log
    except GeneratorExit:
        raise
    except BaseException as error:  # user code
        import logging

        logging.getLogger("aciml.run").exception("the response of run() raised in the middle of its stream")
        raise StreamBroken from error
    finally:
        _close(value)


def _close(value: Any) -> None:
    close = getattr(value, "close", None)
    if close is not None:
        close()
