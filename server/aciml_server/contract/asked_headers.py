"""Headers of a request that scripts read as attributes of it, as werkzeug's ``Request`` has them; written anew.

Source: werkzeug, "Request Objects"; RFC 9110, sections 8.8.3, 11.6.2, 13.1 and 14.2.
"""

from __future__ import annotations

import base64
import datetime as dt
from email.utils import parsedate_to_datetime
from typing import Any, Dict, Iterator, List, Mapping, Optional, Tuple
from urllib.request import parse_http_list, parse_keqv_list

from .accepted import Accepted, AcceptedLanguages, AcceptedTypes
from .said_headers import CacheControl, Words


class Authorization(str):
    """The header ``Authorization``, a text as it came, with what werkzeug's class of that name reads out of it."""

    __slots__ = ()

    @property
    def type(self) -> str:
        """The scheme in lower case, such as ``basic``."""
        return self.partition(" ")[0].lower()

    @property
    def token(self) -> Optional[str]:
        """What stands behind the scheme, unless it is parameters."""
        rest = self.partition(" ")[2].strip()
        return None if self.type == "basic" or "=" in rest.rstrip("=") else rest or None

    @property
    def parameters(self) -> Dict[str, Optional[str]]:
        """The parameters; of the scheme ``Basic`` user name and password (RFC 7617)."""
        rest = self.partition(" ")[2].strip()
        if self.type != "basic":
            return {} if self.token else dict(parse_keqv_list(parse_http_list(rest)))
        try:
            name, colon, password = base64.b64decode(rest, validate=True).decode("utf-8").partition(":")
        except ValueError:
            return {}
        return {"username": name, "password": password} if colon else {}

    @property
    def username(self) -> Optional[str]:
        """The user's name; None without one."""
        return self.parameters.get("username")

    @property
    def password(self) -> Optional[str]:
        """The user's password; None without one."""
        return self.parameters.get("password")

    def get(self, name: str, default: Any = None) -> Any:
        """Return a parameter."""
        return self.parameters.get(name, default)

    def to_header(self) -> str:
        """Return the text."""
        return str(self)


class ETags:
    """Entity tags of ``If-Match`` or ``If-None-Match``."""

    def __init__(self, text: str) -> None:
        """Read a header."""
        parts = [one.strip() for one in text.split(",") if one.strip()]
        self.star_tag = parts == ["*"]
        self._weak = {one[2:].strip('"') for one in parts if one.startswith(("W/", "w/"))}
        self._strong = {one.strip('"') for one in parts if not one.startswith(("W/", "w/")) and one != "*"}

    def contains(self, etag: str) -> bool:
        """Tell if a tag is among the strong ones; a star stands for all."""
        return self.star_tag or etag in self._strong

    def contains_weak(self, etag: str) -> bool:
        """Tell if a tag is among all of them."""
        return self.contains(etag) or etag in self._weak

    def is_weak(self, etag: str) -> bool:
        """Tell if a tag is among the weak ones."""
        return etag in self._weak

    def as_set(self, include_weak: bool = False) -> "set[str]":  # noqa: FBT001, FBT002  # werkzeug's signature
        """Return the strong tags, or all."""
        return self._strong | self._weak if include_weak else set(self._strong)

    def __contains__(self, etag: object) -> bool:
        """Tell if a tag is among the strong ones."""
        return self.contains(str(etag))

    def __iter__(self) -> Iterator[str]:
        """Go through the strong tags."""
        return iter(self._strong)

    def __len__(self) -> int:
        """Count all; a star is one."""
        return len(self._strong | self._weak) + self.star_tag

    def to_header(self) -> str:
        """Return the header's text."""
        tags = ['"%s"' % one for one in self._strong] + ['W/"%s"' % one for one in self._weak]
        return "*" if self.star_tag else ", ".join(tags)

    __str__ = to_header


class IfRange:
    """``If-Range``: a tag or a time, whichever the client knows; the other one is None."""

    def __init__(self, text: str) -> None:
        """Read a header."""
        self._text = text
        self.date = _time(text)
        self.etag = None if self.date or not text else text.replace("W/", "", 1).strip('"')

    def to_header(self) -> str:
        """Return the header's text."""
        return self._text

    __str__ = to_header


class Range:
    """``Range``: ``units`` and ``ranges``, each a begin and the place behind its end (None: to the end)."""

    def __init__(self, units: str, ranges: List[Tuple[int, Optional[int]]], text: str) -> None:
        """Take what was read."""
        self.units, self.ranges, self._text = units, ranges, text

    def range_for_length(self, length: Optional[int]) -> Optional[Tuple[int, int]]:
        """Return begin and end of the one range in a content of that length; None if it does not lie in it."""
        if self.units != "bytes" or length is None or len(self.ranges) != 1:
            return None
        begin, end = self.ranges[0]
        begin, end = (begin + length, length) if end is None and begin < 0 else (begin, length if end is None else end)
        return (begin, min(end, length)) if 0 <= begin < min(end, length) else None

    def to_header(self) -> str:
        """Return the text."""
        return self._text

    __str__ = to_header


def range_of(text: Optional[str]) -> Optional[Range]:
    """Read ``Range``; None for none, and for one that is wrong, which a server ignores (RFC 9110, section 14.2)."""
    units, sign, rest = (text or "").partition("=")
    ranges: List[Tuple[int, Optional[int]]] = []
    for part in rest.split(","):
        begin, dash, end = part.strip().partition("-")
        if not (sign and dash and (begin.isdigit() or (not begin and end.isdigit())) and (not end or end.isdigit())):
            return None
        ranges.append((int(begin), int(end) + 1 if end else None) if begin else (-int(end), None))
    return Range(units.strip().lower(), ranges, text or "")


class AskedHeaders:
    """What a request has of these; ``headers`` is the class's own."""

    headers: Any
    max_content_length: Optional[int] = None
    """The server has its own limit (``ACIML_MAX_BODY``); a body that is here is within it."""
    max_form_memory_size = max_form_parts = None
    want_form_data_parsed = True
    is_multithread, is_multiprocess, is_run_once = False, True, False
    view_args: Mapping[str, Any] = {}
    url_rule = routing_exception = blueprint = endpoint = trusted_hosts = None

    def _text(self, name: str) -> str:
        return str(self.headers.get(name) or "")

    @property
    def accept_mimetypes(self) -> AcceptedTypes:
        """``Accept``."""
        return AcceptedTypes(self._text("Accept"))

    @property
    def accept_languages(self) -> AcceptedLanguages:
        """``Accept-Language``."""
        return AcceptedLanguages(self._text("Accept-Language"))

    @property
    def accept_encodings(self) -> Accepted:
        """``Accept-Encoding``."""
        return Accepted(self._text("Accept-Encoding"))

    @property
    def accept_charsets(self) -> Accepted:
        """``Accept-Charset``."""
        return Accepted(self._text("Accept-Charset"))

    @property
    def authorization(self) -> Optional[Authorization]:
        """The header as it came; None if the service asks for keys, because it is ours then."""
        text = self._text("Authorization")
        return Authorization(text) if text else None

    @property
    def cache_control(self) -> CacheControl:
        """``Cache-Control`` by directive."""
        return CacheControl(self.headers)

    @property
    def pragma(self) -> Words:
        """``Pragma``."""
        return Words(self.headers, "Pragma")

    @property
    def access_control_request_headers(self) -> Words:
        """``Access-Control-Request-Headers``."""
        return Words(self.headers, "Access-Control-Request-Headers")

    @property
    def access_control_request_method(self) -> Optional[str]:
        """``Access-Control-Request-Method``."""
        return self._text("Access-Control-Request-Method") or None

    @property
    def if_match(self) -> ETags:
        """``If-Match``."""
        return ETags(self._text("If-Match"))

    @property
    def if_none_match(self) -> ETags:
        """``If-None-Match``."""
        return ETags(self._text("If-None-Match"))

    @property
    def if_range(self) -> IfRange:
        """``If-Range``."""
        return IfRange(self._text("If-Range"))

    @property
    def if_modified_since(self) -> Optional[dt.datetime]:
        """``If-Modified-Since``."""
        return _time(self._text("If-Modified-Since"))

    @property
    def if_unmodified_since(self) -> Optional[dt.datetime]:
        """``If-Unmodified-Since``."""
        return _time(self._text("If-Unmodified-Since"))

    @property
    def date(self) -> Optional[dt.datetime]:
        """``Date``."""
        return _time(self._text("Date"))

    @property
    def range(self) -> Optional[Range]:
        """``Range``."""
        return range_of(self._text("Range"))

    @property
    def content_md5(self) -> Optional[str]:
        """``Content-MD5``."""
        return self._text("Content-MD5") or None

    @property
    def max_forwards(self) -> Optional[int]:
        """``Max-Forwards``."""
        text = self._text("Max-Forwards")
        return int(text) if text.isdigit() else None


def _time(text: str) -> Optional[dt.datetime]:
    try:
        found = parsedate_to_datetime(text)
    except (TypeError, ValueError):  # before Python 3.10 what is no time was a TypeError
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.timezone.utc)
