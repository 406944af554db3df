"""Logs of containers: a stream beside Azure Resource Manager, with a token of its own.

Source: `az containerapp logs show` (azure-cli-extensions, containerapp), which asks ``getAuthtoken`` and then
``logStreamEndpoint`` of the container with ``follow``, ``tailLines`` and ``output=text``.
"""

from __future__ import annotations

import json
import ssl
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit

from ....core.errors import OutageError
from ...observed import Event

LONGEST = 300.0
"""Seconds without a line after which a stream that is followed is opened anew; the service lets it end by itself."""
FEW = 30.0
MOST_LINES = 300
"""The service gives no more lines at once."""


def trust(bundle: Path | None) -> ssl.SSLContext:
    """Return whom to trust: the machine's authorities, or those of ``aciml:caBundle``."""
    return ssl.create_default_context(cafile=str(bundle) if bundle else None)


def read(
    endpoint: str, token: str, bundle: Path | None, *, tail: int, follow: bool = False
) -> Iterator[tuple[str, str]]:
    """Give time (RFC 3339, or empty) and text of each line.

    Raises:
        OutageError: nobody answers, or it is refused.
    """
    for line in _lines(endpoint, token, bundle, tail=tail, follow=follow):
        yield _line(line)


def events(endpoint: str, token: str, bundle: Path | None) -> list[Event]:
    """Return what the service has written about an app, its system log, oldest first.

    Source: `az containerapp logs show --type system`, which asks ``eventStreamEndpoint`` of the app.

    Raises:
        OutageError: as ``read``.
    """
    lines = _lines(endpoint, token, bundle, tail=MOST_LINES)
    return [found for line in lines if (found := _event(line))]


def _lines(endpoint: str, token: str, bundle: Path | None, *, tail: int, follow: bool = False) -> Iterator[str]:
    count = min(tail or MOST_LINES, MOST_LINES)
    join = "&" if "?" in endpoint else "?"
    url = f"{endpoint}{join}follow={str(follow).lower()}&tailLines={count}&output=json"
    if urlsplit(url).scheme not in ("http", "https"):
        raise OutageError(f"{endpoint} is no address of a log")
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310 - looked at above
    verify = trust(bundle) if url.startswith("https") else None
    try:
        with urllib.request.urlopen(request, timeout=LONGEST if follow else FEW, context=verify) as answer:  # noqa: S310
            for line in answer:
                yield line.decode("utf-8", "replace").rstrip("\r\n")
    except HTTPError as error:
        raise OutageError(f"the log cannot be read: it answers {error.code}") from error
    except OSError as error:
        raise OutageError(f"the log cannot be read: {getattr(error, 'reason', error)}") from error


def _line(text: str) -> tuple[str, str]:
    try:
        said = json.loads(text)
    except ValueError:
        return "", text
    if not isinstance(said, dict) or "Log" not in said:
        return "", text
    return str(said.get("TimeStamp") or ""), str(said["Log"])


def _event(text: str) -> Event | None:
    """Return the event of a line; None for one that tells of the stream itself, such as that it is connected."""
    try:
        said = json.loads(text)
    except ValueError:
        return None
    if not isinstance(said, dict) or not said.get("Reason"):
        return None
    told = {name: str(said.get(name) or "") for name in ("Reason", "Msg", "TimeStamp", "ReplicaName")}
    return Event(told["Reason"], told["Msg"], told["TimeStamp"], int(said.get("Count") or 1), told["ReplicaName"])
