"""Headers as scripts know them from v1: a dict with names such as ``X-Ms-Request-Id``, found in any case."""

from __future__ import annotations

from typing import Any, Dict, List, Mapping


class Headers(Dict[str, str]):
    """``dict(request.headers)`` of v1; ``headers["content-type"]`` works, too."""

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> Headers:
        """Take lower-case names."""
        # a WSGI server knows names in upper case alone, so that werkzeug
        # spells them anew, like this; scripts of v1 look for them so
        return cls((name.title(), value) for name, value in headers.items())

    def __missing__(self, name: Any) -> str:
        """Look again, in v1's spelling."""
        spelled = _spelled(name)
        if spelled != name and dict.__contains__(self, spelled):
            return dict.__getitem__(self, spelled)
        raise KeyError(name)

    def __contains__(self, name: Any) -> bool:
        """Tell if there is a header of this name, in any case."""
        return dict.__contains__(self, name) or dict.__contains__(self, _spelled(name))

    def get(self, name: Any, default: Any = None) -> Any:
        """Return a header, in any case."""
        # `dict.get` does not ask `__missing__`
        return self[name] if name in self else default  # noqa: SIM401  # get() is this


class RequestHeaders(Headers):
    """``request.headers`` of a script with ``@rawhttp``: as werkzeug's, to go through them gives pairs."""

    def __iter__(self) -> Any:
        """Go through the pairs, as v1's own sample does: ``for name, value in request.headers``."""
        # `dict(...)` and `**` ask `keys()` of what is no plain dict, so these stay what they were
        return iter(self.items())

    def get(self, name: Any, default: Any = None, type: Any = None) -> Any:  # noqa: A002  # werkzeug's
        """Return a header, made to a ``type``; the default if there is none, or it is none of that type."""
        return made_of(self, name, default, type)

    def getlist(self, name: Any, type: Any = None) -> List[Any]:  # noqa: A002  # werkzeug's
        """Return the values of a header: one, as a WSGI server joins those that repeat."""
        return [type(self[name]) if type else self[name]] if name in self else []

    get_all = getlist

    def has_key(self, name: Any) -> bool:
        """Tell if there is a header of this name, in any case."""
        return name in self

    def to_wsgi_list(self) -> List[Any]:
        """Return the pairs."""
        return list(self.items())


def made_of(values: Any, name: Any, default: Any, make: Any) -> Any:
    """Return a value, made to a type if there is one to make; the default if it is not there, or none of that type."""
    if name not in values:
        return default
    try:
        return make(values[name]) if make else values[name]
    except (TypeError, ValueError):
        return default


def _spelled(name: Any) -> Any:
    return name.title() if isinstance(name, str) else name
