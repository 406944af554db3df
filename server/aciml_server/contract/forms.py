"""Forms in a body: ``application/x-www-form-urlencoded`` and ``multipart/form-data`` (RFC 7578)."""

from __future__ import annotations

import io
import urllib.parse
from typing import Any, Callable, Dict, Iterable, Iterator, List, Mapping, Optional, Tuple

from .headers import Headers, made_of
from .reading import media_type, parameters_of

# a body of boundaries alone would become millions of objects, and the limit of bytes lets it in
_MOST_PARTS = 10_000


Make = Callable[[Any], Any]


class Values(Dict[str, Any]):
    """Values by name; ``getlist`` has all of a name, all else the first. What is used of werkzeug's ``MultiDict``."""

    def __init__(self, pairs: Iterable[Tuple[str, Any]] = ()) -> None:
        """Take pairs, whose names may repeat."""
        self._all: Dict[str, List[Any]] = {}
        for name, value in pairs:
            self._all.setdefault(name, []).append(value)
        super().__init__((name, values[0]) for name, values in self._all.items())

    def getlist(self, name: str, type: Optional[Make] = None) -> List[Any]:  # noqa: A002  # werkzeug's
        """Return all values of a name."""
        return [type(value) if type else value for value in self._all.get(name, [])]

    def get(self, name: str, default: Any = None, type: Optional[Make] = None) -> Any:  # noqa: A002  # werkzeug's
        """Return the first value, made to a ``type``; the default if there is none, or it is none of that type."""
        return made_of(self, name, default, type)

    def lists(self) -> Iterator[Tuple[str, List[Any]]]:
        """Go through names and all their values."""
        return iter(self._all.items())

    def items(self, multi: bool = False) -> Any:  # noqa: FBT001, FBT002  # werkzeug's
        """Go through names and first values, or with ``multi`` through all of them."""
        return ((name, value) for name, values in self._all.items() for value in values) if multi else super().items()

    def listvalues(self) -> Iterator[List[Any]]:
        """Go through the values of each name."""
        return iter(self._all.values())

    def to_dict(self, flat: bool = True) -> Dict[str, Any]:  # noqa: FBT001, FBT002  # werkzeug's signature
        """Return a plain dict, of first values or of lists."""
        return dict(self) if flat else {name: list(values) for name, values in self._all.items()}


class File(io.BytesIO):
    """A file of a form: readable, with ``filename``, ``name`` of the field, ``content_type`` and ``headers``."""

    def __init__(self, content: bytes, name: str, filename: str, headers: Mapping[str, str]) -> None:
        """Take the content and what the part said of it."""
        super().__init__(content)
        self.name = name
        self.filename = filename
        self.headers = Headers.of(headers)
        self.content_type = headers.get("content-type", "application/octet-stream")
        self.mimetype, self.mimetype_params = media_type({"content-type": self.content_type})
        # what the part says of itself, as werkzeug has it: browsers say nothing
        said = headers.get("content-length", "")
        self.content_length = int(said) if said.isdigit() else 0

    @property
    def stream(self) -> "File":
        """The file itself, as werkzeug has it."""
        return self

    def save(self, target: Any, buffer_size: int = 16384) -> None:
        """Write the file to a path or an open file."""
        from shutil import copyfileobj  # it imports every compressor, and few scripts get files

        if hasattr(target, "write"):
            copyfileobj(self, target, buffer_size)
            return
        with open(target, "wb") as stream:
            copyfileobj(self, stream, buffer_size)


def read_form(media: str, parameters: Mapping[str, str], body: bytes) -> Tuple[Values, Values]:
    """Return the fields and the files of a body; none of both for another media type.

    Raises:
        ValueError: a multipart body does not keep the form it announces.
    """
    if media == "application/x-www-form-urlencoded":
        # an empty field is there, too, as werkzeug's form has it
        return Values(urllib.parse.parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True)), Values()
    if media != "multipart/form-data":
        return Values(), Values()
    fields: List[Tuple[str, str]] = []
    files: List[Tuple[str, File]] = []
    for headers, content in _parts(body, parameters.get("boundary", "").encode("latin-1")):
        said = parameters_of(headers.get("content-disposition", "").partition(";")[2])
        name = said.get("name", "")
        if "filename" in said:
            files.append((name, File(content, name, said["filename"], headers)))
        else:
            # UTF-8, unless a field named `_charset_` says otherwise (RFC 7578, section 4.6), which hardly any does
            fields.append((name, content.decode("utf-8", "replace")))
    return Values(fields), Values(files)


def _parts(body: bytes, boundary: bytes) -> List[Tuple[Dict[str, str], bytes]]:
    if not boundary:
        raise ValueError("multipart/form-data without a boundary")
    found: List[Tuple[Dict[str, str], bytes]] = []
    # a boundary has a line end before it, the first one has none (RFC 2046, section 5.1.1)
    pieces = (b"\r\n" + body).split(b"\r\n--" + boundary, _MOST_PARTS)
    for piece in pieces[1:]:
        # the closing boundary; what follows it is to be ignored (RFC 2046, section 5.1.1)
        if piece.startswith(b"--"):
            return found
        head, gap, content = piece.partition(b"\r\n\r\n")
        if not gap:
            break
        lines = (line.decode("utf-8", "replace").partition(":") for line in head.split(b"\r\n") if b":" in line)
        found.append(({name.strip().lower(): value.strip() for name, _, value in lines}, content))
    raise ValueError("the multipart body has no end")
