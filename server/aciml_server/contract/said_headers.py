"""Headers of a response that scripts set as attributes of it, as werkzeug's ``Response`` has them.

Without these, ``response.last_modified = ...`` would be taken and mean nothing.
Source: werkzeug, "Response Objects": the names, and what each of them takes; written anew.
"""

from __future__ import annotations

import datetime as dt
from email.utils import format_datetime, formatdate, parsedate_to_datetime
from typing import Any, Callable, Iterable, Iterator, List, Optional


def time_of(value: Any) -> Optional[str]:
    """Return a time as HTTP writes it; a text stays as it is."""
    if value is None or isinstance(value, str):
        return value
    # a number: seconds of the epoch
    if not hasattr(value, "timetuple"):
        return formatdate(value, usegmt=True)
    # werkzeug takes a time without a zone for UTC, too
    aware = value if value.tzinfo else value.replace(tzinfo=dt.timezone.utc)
    return format_datetime(aware.astimezone(dt.timezone.utc), usegmt=True)


class Said:
    """A header as an attribute; ``None`` takes it away.

    ``write`` makes its text of what is set, ``read`` what is got of its text.
    """

    def __init__(self, name: str, write: Callable[[Any], Any] = str, read: Callable[[str], Any] = str) -> None:
        """Speak of the header ``name``."""
        self._name, self._write, self._read = name, write, read

    def __get__(self, response: Any, owner: Any = None) -> Any:
        """Return what the header says; None without it."""
        if response is None:
            return self
        text = response.headers.get(self._name)
        return None if text is None else self._read(text)

    def __set__(self, response: Any, value: Any) -> None:
        """Write the header anew."""
        text = None if value is None else self._write(value)
        if text is None:
            response.headers.remove(self._name)
        else:
            response.headers[self._name] = text


class Listed:
    """A header that lists words, such as ``Vary``; the attribute is a set that writes each change."""

    def __init__(self, name: str) -> None:
        """Speak of the header ``name``."""
        self._name = name

    def __get__(self, response: Any, owner: Any = None) -> Any:
        """Return the words."""
        return self if response is None else Words(response.headers, self._name)

    def __set__(self, response: Any, value: Any) -> None:
        """Write the words anew: a text, or several."""
        if not value:
            response.headers.remove(self._name)
        else:
            response.headers[self._name] = value if isinstance(value, str) else ", ".join(map(str, value))


class Words:
    """The words of one header, in their order; letter case does not count."""

    def __init__(self, headers: Any, name: str) -> None:
        """Read and write a header of ``headers``."""
        self._headers, self._name = headers, name

    def _all(self) -> List[str]:
        told = self._headers.get(self._name) or ""
        return [one.strip() for one in told.split(",") if one.strip()]

    def add(self, word: str) -> None:
        """Add a word that is not there."""
        self.update((word,))

    def update(self, words: Iterable[str]) -> None:
        """Add words that are not there."""
        now = self._all()
        now += [word for word in words if word.lower() not in {one.lower() for one in now}]
        self._headers[self._name] = ", ".join(now)

    def discard(self, word: str) -> None:
        """Take a word away, if it is there."""
        left = [one for one in self._all() if one.lower() != word.lower()]
        if left:
            self._headers[self._name] = ", ".join(left)
        else:
            self._headers.remove(self._name)

    remove = discard

    def to_header(self) -> str:
        """Return the header's text."""
        return ", ".join(self._all())

    def __contains__(self, word: object) -> bool:
        """Tell if a word is there."""
        return str(word).lower() in {one.lower() for one in self._all()}

    def __iter__(self) -> Iterator[str]:
        """Go through the words."""
        return iter(self._all())

    def __len__(self) -> int:
        """Count them."""
        return len(self._all())

    __str__ = to_header


_SWITCHES = frozenset(
    (
        *("no_cache", "no_store", "no_transform", "only_if_cached", "public"),
        *("must_revalidate", "proxy_revalidate", "immutable", "must_understand"),
    )
)
"""Directives without a value (RFC 9111, section 5.2; ``no-cache`` of a request is one)."""


class CacheControl:
    """``Cache-Control`` as attributes: ``max_age = 5``, ``no_store = True``; each change writes the header."""

    def __init__(self, headers: Any) -> None:
        """Read and write the header of ``headers``."""
        # past our own __setattr__, which would make a directive of it
        object.__setattr__(self, "_words", Words(headers, "Cache-Control"))

    def __setattr__(self, name: str, value: Any) -> None:
        """Set a directive: True stands alone, None and False take it away."""
        word = name.replace("_", "-")
        # a list first: the words change while they are gone through
        for one in [one for one in self._words if one.partition("=")[0].lower() == word]:
            self._words.discard(one)
        if value is not None and value is not False:
            self._words.add(word if value is True else "%s=%s" % (word, value))

    def __getattr__(self, name: str) -> Any:
        """Return a directive: a number, a text, True if it stands alone; without it None, or False of a switch."""
        for one in self._words:
            word, sign, value = one.partition("=")
            if word.lower() == name.replace("_", "-"):
                return (int(value) if value.isdigit() else value) if sign else True
        return False if name in _SWITCHES else None

    def to_header(self) -> str:
        """Return the header's text."""
        return str(self._words)

    __str__ = to_header


def _number_or_time(value: Any) -> Any:
    # Retry-After: seconds, or a date (RFC 9110, section 10.2.3)
    if isinstance(value, dt.timedelta):
        return int(value.total_seconds())
    return value if isinstance(value, (int, str)) else time_of(value)


class SaidHeaders:
    """What a response has of these; ``headers`` is the class's own."""

    headers: Any
    location = Said("Location")
    last_modified = Said("Last-Modified", time_of, parsedate_to_datetime)
    expires = Said("Expires", time_of, parsedate_to_datetime)
    date = Said("Date", time_of, parsedate_to_datetime)
    age = Said("Age", lambda value: int(getattr(value, "total_seconds", lambda: value)()), int)
    retry_after = Said("Retry-After", _number_or_time)
    accept_ranges = Said("Accept-Ranges")
    content_encoding = Said("Content-Encoding")
    content_location = Said("Content-Location")
    content_md5 = Said("Content-MD5")
    content_range = Said("Content-Range")
    content_security_policy = Said("Content-Security-Policy")
    content_security_policy_report_only = Said("Content-Security-Policy-Report-Only")
    www_authenticate = Said("WWW-Authenticate")
    access_control_allow_origin = Said("Access-Control-Allow-Origin")
    access_control_max_age = Said("Access-Control-Max-Age", read=int)
    access_control_allow_credentials = Said(
        "Access-Control-Allow-Credentials", lambda value: "true" if value else None, lambda text: text == "true"
    )
    cross_origin_opener_policy = Said("Cross-Origin-Opener-Policy", lambda value: getattr(value, "value", value))
    cross_origin_embedder_policy = Said("Cross-Origin-Embedder-Policy", lambda value: getattr(value, "value", value))
    access_control_allow_headers = Listed("Access-Control-Allow-Headers")
    access_control_allow_methods = Listed("Access-Control-Allow-Methods")
    access_control_expose_headers = Listed("Access-Control-Expose-Headers")
    allow = Listed("Allow")
    content_language = Listed("Content-Language")
    vary = Listed("Vary")

    @property
    def cache_control(self) -> CacheControl:
        """``Cache-Control`` by directive."""
        return CacheControl(self.headers)

    def set_etag(self, etag: str, weak: bool = False) -> None:  # noqa: FBT001, FBT002  # werkzeug's signature
        """Write ``ETag`` (RFC 9110, section 8.8.3)."""
        self.headers["ETag"] = '%s"%s"' % ("W/" if weak else "", etag)

    def get_etag(self) -> Any:
        """Return the tag and whether it is weak; None twice without one."""
        text = self.headers.get("ETag")
        return (None, None) if text is None else (text.replace("W/", "", 1).strip('"'), text.startswith("W/"))
