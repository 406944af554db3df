"""A blob of Azure Storage behind a link that carries its own permission (SAS). The link is a secret: nobody sees it.

Source: Azure Storage REST API, "Put Blob", "Get Blob", "Get Blob Properties".
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self
from urllib.parse import urlsplit

from ....core.errors import OutageError, UserError
from ....core.progress import Progress

if TYPE_CHECKING:
    import requests

LARGEST = 5000 << 20  # bytes that one Put Blob takes, since version 2019-12-12
# said with each request: without it the link's own version counts, and older ones take 64 or 256 MiB in one Put Blob
_VERSION = "2019-12-12"
_TIMES = (20, 100)  # seconds to connect, and without a byte
_TRIES = 4
_LONGEST_WAIT = 30.0  # seconds
_TEMPORARY = frozenset({408, 429, 500, 502, 503, 504})
_META = "x-ms-meta-"
_SIGNATURE = re.compile(r"(?i)\bsig=[^&\s\"']+")


class LinkRefusedError(OutageError):
    """The storage no longer takes the link; a new one may be good."""


@dataclass(frozen=True)
class BlobFacts:
    """``size`` in bytes; ``metadata`` by name in lower case."""

    size: int
    metadata: Mapping[str, str]


class BlobLink:
    """One blob, a context manager. When the storage refuses or is silent, ``OutageError`` says so without the link."""

    def __init__(self, url: str, ca_bundle: Path | None, wait: Callable[[float], None] = time.sleep) -> None:
        """Ask nothing yet.

        Args:
            url: with its signature.
            ca_bundle: PEM file with the authorities to trust; None for the usual ones.
            wait: pauses for some seconds.
        """
        self._url, self._wait = url, wait
        self._verify: str | bool = str(ca_bundle) if ca_bundle else True
        self.host = urlsplit(url).hostname or "the storage"
        self._opened: requests.Session | None = None

    def close(self) -> None:
        """Close the connection."""
        if self._opened is not None:
            self._opened.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def __repr__(self) -> str:
        """Show no signature."""
        return f"BlobLink({self.host})"

    def upload(self, stream: IO[bytes], size: int, what: str, progress: Progress) -> None:
        """Write the blob in one request.

        Raises:
            UserError: it is larger than one request may be.
        """
        if size > LARGEST:
            message = (
                f"{what}: {size / (1 << 20):.0f} MiB packed, more than the {LARGEST >> 20} MiB that {self.host} takes"
            )
            raise UserError(message, "name what the steps do not need in .dockerignore")
        headers = {"x-ms-blob-type": "BlockBlob", "Content-Type": "application/octet-stream"}

        def body() -> _Told:
            # each try sends the whole body again: Put Blob cannot go on
            stream.seek(0)
            return _Told(stream, size, what, progress)

        self._send("PUT", what, headers, body).close()

    def facts(self) -> BlobFacts | None:
        """Return what is known of the blob; None if there is none yet."""
        with self._send("HEAD", "looking at a log", {}) as response:
            if response.status_code == 404:
                return None
            named = {name.lower(): value for name, value in response.headers.items()}
        metadata = {name.removeprefix(_META): value for name, value in named.items() if name.startswith(_META)}
        return BlobFacts(int(named.get("content-length", 0)), metadata)

    def read(self, start: int, end: int) -> bytes:
        """Return the bytes from ``start`` to before ``end``, fewer if the blob ends sooner."""
        with self._send("GET", "reading a log", {"x-ms-range": f"bytes={start}-{end - 1}"}) as response:
            # 416: the log has nothing behind `start` yet
            if response.status_code in (404, 416):
                return b""
            content = response.content
        # 200 is the whole blob: something on the way has passed over the range
        return content[start:end] if response.status_code == 200 else content

    def _send(
        self, method: str, what: str, headers: Mapping[str, str], body: Callable[[], Any] = lambda: None
    ) -> requests.Response:
        """Ask, again if that can help; 404 and 416 are answers to GET and HEAD."""
        # not by the SDK for blobs: that would be one more dependency
        # for one PUT and some ranges (decisions/acr-tasks.md)
        for attempt in range(1, _TRIES + 1):
            problem, pause = "", 0.5 * 2**attempt
            response = self._ask(method, {"x-ms-version": _VERSION, **headers}, body())
            if isinstance(response, str):
                problem = response
            elif response.ok or (method != "PUT" and response.status_code in (404, 416)):
                return response
            else:
                response.close()
                # 401 and 403 are final for this link, not for the work: who holds it may ask for another one
                self._raise_final(response, what)
                problem, pause = f"answered {response.status_code}", _asked_pause(response, pause)
            if attempt < _TRIES:
                self._wait(min(pause, _LONGEST_WAIT))
        raise OutageError(f"{what}: {self.host} {problem}", "run the same command again in some minutes")

    def _ask(self, method: str, headers: Mapping[str, str], body: Any) -> requests.Response | str:
        """Return the answer, or why there is none."""
        # as words and not as an exception: the library's own ones show the URL, and with it the signature
        import requests

        try:
            return self._session().request(
                method, self._url, headers=dict(headers), data=body, timeout=_TIMES, verify=self._verify
            )
        except requests.exceptions.SSLError:
            return "has a certificate that is not trusted (see aciml:caBundle)"
        except requests.Timeout:
            return "does not answer in time"
        except requests.RequestException:
            return "cannot be reached, or cut the connection"

    def _session(self) -> requests.Session:
        import requests

        if self._opened is None:
            self._opened = requests.Session()
        return self._opened

    def _raise_final(self, response: requests.Response, what: str) -> None:
        status, code = response.status_code, response.headers.get("x-ms-error-code", "")
        if status in _TEMPORARY:
            return
        message = f"{what}: {self.host} answered {status}{f' {code}' if code else ''}"
        if status in (401, 403):
            raise LinkRefusedError(
                message, "see that this machine may reach the storage, then run the same command again"
            )
        raise OutageError(message, "run the same command again")


class _Told:
    """A stream that tells how much of it was read, and hears ctrl-C."""

    def __init__(self, stream: IO[bytes], size: int, what: str, progress: Progress) -> None:
        self._stream, self._size, self._what, self._progress = stream, size, what, progress
        self._read = self._percent = 0

    # `requests` reads the length from here; without one it sends chunks, which Put Blob does not take
    def __len__(self) -> int:
        return self._size

    def read(self, count: int = -1) -> bytes:
        self._progress.checkpoint()
        block = self._stream.read(count)
        self._read += len(block)
        percent = 100 * self._read // max(self._size, 1)
        # one line for each percent: blocks are so small that every one would be a line
        if percent > self._percent:
            self._percent = percent
            self._progress.say(f"{self._what}: {percent} % of {self._size / 1e6:.1f} MB")
        return block


def _asked_pause(response: requests.Response, usual: float) -> float:
    with suppress(ValueError):
        return float(response.headers.get("Retry-After", ""))
    return usual


class _NoSignatures(logging.Filter):
    """Takes signatures out of what the HTTP library logs of its requests."""

    def filter(self, record: logging.LogRecord) -> bool:
        if isinstance(record.args, tuple):
            record.args = tuple(
                _SIGNATURE.sub("sig=...", item) if isinstance(item, str) else item for item in record.args
            )
        return True


# at import and not when a link is opened: who turns debugging on, now or later, gets no signature
logging.getLogger("urllib3.connectionpool").addFilter(_NoSignatures())
