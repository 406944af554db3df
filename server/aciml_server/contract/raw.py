"""Raw mode: ``@rawhttp`` above ``run`` has it called with the request itself."""

from __future__ import annotations

from typing import Any, Callable, Dict

from ..values import Call
from .headers import Headers
from .modes import Arguments, Mode
from .parameters import HEADERS, Parameters, demand_defaults
from .request import AMLRequest, asked

__all__ = ["RawMode", "asked"]


class RawMode(Mode):
    """``run(request)``, with an ``AMLRequest``."""

    name = "raw"
    needs_headers = True

    def __init__(self, run: Callable[..., Any], parameters: Parameters) -> None:
        """Look at the parameters.

        Raises:
            ScriptError: more than one of them needs a value.
        """
        demand_defaults(parameters, "run", "the request")
        self.run = run
        self._headers = parameters.headers
        # by position where that can be: its name is the script's own affair
        self._named = parameters.named

    def arguments(self, call: Call) -> Arguments:
        """Return the request as the only argument, and the headers if they are asked for."""
        request = AMLRequest(call)
        named: Dict[str, Any] = {HEADERS: Headers(request.headers.items())} if self._headers else {}
        if self._named:
            return (), {self._named: request, **named}
        return (request,), named
