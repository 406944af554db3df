"""What Azure refuses, in its own words, with the cause and what to do next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ....core.errors import OutageError
from .answers import Answer, read_answer
from .outages import outage
from .remedies import remedy

if TYPE_CHECKING:
    from azure.core.exceptions import AzureError as SdkError

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

        A 404 about itself, not one about the subscription or the type, nor one without a code: that is a proxy's.
        """
        return self.status == 404 and self.code in _GONE


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
        code, seen, advice = outage(error)
        return AzureError(0, code, f"{what}: {seen}{_facts(tried)}", advice)
    answer = read_answer(error)
    return AzureError(answer.status, answer.code, f"{what}: {_said(answer)}{_facts(tried)}", remedy(answer, tried))


def _said(answer: Answer) -> str:
    failed = answer.status >= 400  # an operation that failed later is told by an answer with 200
    name = answer.code or (str(answer.status) if failed else "an error")
    if answer.code and failed:
        name += f" ({answer.status})"
    words = " ".join(answer.message.split()).rstrip(". ")
    return f"Azure answered {name}" + (f": {words}" if words else "")


def _facts(tried: dict[str, str]) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in tried.items() if value)
    return f" (tried: {facts})" if facts else ""
