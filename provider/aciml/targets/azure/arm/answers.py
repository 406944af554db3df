"""Reading an error answer of Azure Resource Manager: the code that says most, and the service's words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .remedies import known

if TYPE_CHECKING:
    from azure.core.exceptions import HttpResponseError


@dataclass(frozen=True)
class Answer:
    """``status`` of HTTP; ``code`` and ``message`` as the service wrote them; both empty if it wrote none.

    ``wait`` is what Retry-After asks for, seconds; 0 if nothing.
    """

    status: int
    code: str
    message: str
    wait: float = 0.0


def read_answer(error: HttpResponseError) -> Answer:
    """Return the innermost code that we know, else the outermost one.

    ARM wraps the words of a service: in ``details``, in ``innererror``, or as JSON text in ``message``; an operation
    that failed later has them under ``error`` or ``properties.error`` of its own body.
    """
    body = _body(error)
    told = list(_told(body))
    status = int(error.status_code or 0)
    if not told:
        return Answer(status, "", "" if body is not None else _plain(error), _wait(error))
    best = next((pair for pair in reversed(told) if known(pair[0])), told[0])
    return Answer(status, *best, _wait(error))


def _body(error: HttpResponseError) -> Any:
    try:
        return json.loads(error.response.text())  # type: ignore[union-attr]  # the caller has checked
    except Exception:  # noqa: BLE001 - a body that is gone, cut or no JSON: there are no words then
        return None


def _told(node: Any) -> Iterator[tuple[str, str]]:
    """Yield (code, message), outermost first."""
    if not isinstance(node, Mapping):
        return
    code, message = node.get("code"), node.get("message")
    if isinstance(code, str) and code:
        yield code, str(message or "")
    if isinstance(message, str) and message.lstrip().startswith("{"):
        yield from _told(_json(message))
    for key in ("error", "properties", "innererror"):
        yield from _told(node.get(key))
    for detail in node.get("details") or ():
        yield from _told(detail)


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _plain(error: HttpResponseError) -> str:
    """Return the reason of an answer that is no JSON, such as that of a proxy."""
    return str(error.reason or "")


def _wait(error: HttpResponseError) -> float:
    response: Any = error.response
    said = str(response.headers.get("Retry-After", "")) if response is not None else ""
    return float(said) if said.replace(".", "", 1).isdigit() else 0.0
