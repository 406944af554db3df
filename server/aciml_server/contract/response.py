"""``AMLResponse`` of v1, and how it and other frameworks' responses become answers.

Source: azureml-inference-server-http 1.5, api/aml_response.py, written anew without Flask.
"""

from __future__ import annotations

import json
import re
from typing import Any, Iterable, Iterator, List, Mapping, Optional, Tuple, Union

from ..values import FAILED, JSON, Answer, Stream, StreamBroken

_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")  # RFC 9110, section 5.6.2
_OURS = frozenset(
    ("content-type", FAILED, "content-length", "transfer-encoding", "connection", "keep-alive", "date", "server")
)
"""Headers that the front writes itself."""


class ResponseHeaders:
    """Headers in their order, names may repeat; found in any case. The part of werkzeug's ``Headers`` that is used."""

    def __init__(self) -> None:
        """Begin without any."""
        self._pairs: List[Tuple[str, str]] = []

    def add(self, name: str, value: Any) -> None:
        """Add a header beside others of the same name.

        Raises:
            ValueError: it would break the answer: a line end in it, or a name that is none.
        """
        text = str(value)
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

    def getlist(self, name: str) -> List[str]:
        """Return all values of a name."""
        return [value for one, value in self._pairs if one.lower() == name.lower()]

    def get(self, name: str, default: Optional[str] = None) -> Optional[str]:
        """Return the first value of a name."""
        return next(iter(self.getlist(name)), default)

    def items(self) -> List[Tuple[str, str]]:
        """Return all, as pairs."""
        return list(self._pairs)

    def __getitem__(self, name: str) -> str:
        """Return the first value of a name."""
        found = self.getlist(name)
        if not found:
            raise KeyError(name)
        return found[0]

    def __setitem__(self, name: str, value: Any) -> None:
        """Replace all headers of this name."""
        self.remove(name)
        self.add(name, value)

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


class AMLResponse:
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
        # also "404 Not Found", which werkzeug takes; before Python 3.11 the text of an HTTPStatus is its name
        self.status_code = int(str(int(status_code) if isinstance(status_code, int) else status_code).split()[0])
        self.headers = ResponseHeaders()
        if message is None or json_str:
            self.response: Any = json.dumps({} if message is None else message)
            self.headers.add("Content-Type", JSON)
        else:
            self.response = message
            if "Content-Type" not in response_headers:
                # what Flask says of a text, and so v1's clients expect it
                self.headers.add("Content-Type", "text/html; charset=utf-8")
        self.headers[FAILED] = run_function_failed
        for name, value in response_headers.items():
            # v1's way to repeat a header; a date, which has a comma, comes to harm there, too
            for part in value.split(","):
                self.headers.add(name, part.strip())

    @property
    def is_streamed(self) -> bool:
        """Tell if the message comes in pieces."""
        return not isinstance(self.response, (str, bytes, bytearray, memoryview, list, tuple))

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

    data = property(get_data, set_data, doc="The whole message, as bytes.")


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
    kind = checked.get("content-type") or "application/octet-stream"
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
