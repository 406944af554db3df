"""What Azure refuses, in its own words, with the cause and what to do next; and why no answer came at all."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....core.errors import OutageError
from .remedies import known, remedy

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError as SdkError
    from azure.core.exceptions import HttpResponseError

_NETWORK = "check the network and the proxy (HTTPS_PROXY), then run the same command again"
_GONE = ("ResourceNotFound", "ResourceGroupNotFound", "ParentResourceNotFound", "NotFound", "ContainerGroupNotFound")


class AzureError(OutageError):
    """Azure answered an error, or nothing.

    ``status`` is that of HTTP, 0 if there was no answer (an operation that failed later has the status of the answer
    that told so, such as 200); ``code`` is the most telling code of the answer, or DnsError, ConnectionError,
    CertificateError, TimeoutError, ConnectionCut if there is none.
    """

    def __init__(self, status: int, code: str, message: str, advice: str = "") -> None:
        """Keep the facts beside the message."""
        super().__init__(message, advice)
        self.status = status
        self.code = code

    @property
    def gone(self) -> bool:
        """Whether the resource certainly does not exist.

        A 404 about itself, not one about the subscription or the type, nor one without a code: that is a proxy's. And
        a subscription that does not know the provider has nothing of it: Azure unregisters none that is in use.
        """
        return (self.status == 404 and self.code in _GONE) or self.code == "MissingSubscriptionRegistration"


@contextmanager
def translated(what: str, **tried: str) -> Iterator[None]:
    """Turn the exceptions of the SDK into ``AzureError``.

    Args:
        what: what was tried, such as ``creating container group score``; begins the message.
        tried: facts that help with limits, such as ``region="westeurope"``, ``size="2 cores, 4 GiB"``; in the message.

    Raises:
        AzureError: the SDK raised one of its own.
    """
    from azure.core.exceptions import AzureError as SdkError

    try:
        yield
    except SdkError as error:
        raise azure_error(error, what, tried) from error


def azure_error(error: SdkError, what: str, tried: dict[str, str]) -> AzureError:
    """Return our error for one of the SDK; see ``translated``."""
    from azure.core.exceptions import HttpResponseError

    if not isinstance(error, HttpResponseError) or error.response is None:
        code, seen, advice = _outage(error)
        return AzureError(0, code, f"{what}: {seen}{_facts(tried)}", advice)
    answer = read_answer(error)
    return AzureError(
        answer.status,
        answer.code,
        f"{what}: {_said(answer)}{_facts(tried)}",
        remedy(answer.status, answer.code, answer.message, answer.wait, tried),
    )


def _said(answer: Answer) -> str:
    failed = answer.status >= 400  # an operation that failed later is told by an answer with 200
    name = answer.code or (str(answer.status) if failed else "an error")
    if answer.code and failed:
        name += f" ({answer.status})"
    # the services' messages have line breaks, and end with a full stop or without
    words = " ".join(answer.message.split()).rstrip(". ")
    return f"Azure answered {name}" + (f": {words}" if words else "")


def _facts(tried: dict[str, str]) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in tried.items() if value)
    return f" (tried: {facts})" if facts else ""


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
    # the innermost code is the service's own; what wraps it (Conflict, DeploymentFailed) says nothing
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
    # Retry-After may also be a date (RFC 9110, 10.2.3); ARM writes seconds
    return float(said) if said.replace(".", "", 1).isdigit() else 0.0


def _outage(error: SdkError) -> tuple[str, str, str]:
    """Return a code, what was seen, and advice for an exception without an HTTP answer."""
    from azure.core.exceptions import ServiceRequestTimeoutError, ServiceResponseError, ServiceResponseTimeoutError

    text = str(error)
    where = _host(text)
    # azure-core has one class for all that goes wrong while connecting: what it was is in the text of urllib3 alone
    if re.search(r"NameResolution|getaddrinfo|Name or service not known|nodename nor servname", text):
        return "DnsError", f"the name{where} cannot be resolved", f"check aciml:cloud and the DNS; {_NETWORK}"
    # before the time-outs: a proxy that opens TLS is the usual reason, and another bundle the only cure
    if re.search(r"CERTIFICATE_VERIFY_FAILED|certificate verify failed|SSLError|SSLCertVerification", text):
        why = _first(r"certificate verify failed: ([^(\"']+)", text) or "TLS failed"
        return (
            "CertificateError",
            f"the certificate{where} is not trusted ({why})",
            "set aciml:caBundle to your CA's file",
        )
    if isinstance(error, ServiceRequestTimeoutError | ServiceResponseTimeoutError):
        return "TimeoutError", f"no answer{where} in time", _NETWORK
    # cut while it answered: whether the request has counted nobody knows, so callers look before they send again
    if isinstance(error, ServiceResponseError):
        return "ConnectionCut", f"the connection{where} was cut", _NETWORK
    return "ConnectionError", f"no connection{where.replace(' of', ' to', 1)} ({_reason(text)})", _NETWORK


def _host(text: str) -> str:
    host = _first(r"host='([^']+)'", text)
    port = _first(r"host='[^']+', port=(\d+)", text)
    if not host:
        return ""
    return f" of {host}" if port in ("", "443") else f" of {host}:{port}"


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    return found.group(1).strip() if found else ""


def _reason(text: str) -> str:
    """Return the last reason of a chain of wrapped exceptions."""
    # no more of the text than that: the URL in front of it may hold a signature
    reason = _first(r"\[Errno -?\d+\] ([^'\")]+)", text)
    return reason or "the network refuses"
