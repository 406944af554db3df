"""Headers as scripts know them from v1: a dict with names such as ``X-Ms-Request-Id``, found in any case."""

from __future__ import annotations

from typing import Any, Dict, Mapping


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


def _spelled(name: Any) -> Any:
    return name.title() if isinstance(name, str) else name
