"""One blob's way into a repository: mount, else one PUT, else chunks that go on after a cut.

Source: OCI distribution-spec 1.1, "pushing blobs".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Literal

import requests

from ..core.errors import OutageError
from ..core.progress import Progress
from .blob import ByteSource
from .errors import RegistryError
from .transport import Ask, Transport

Outcome = Literal["present", "mounted", "uploaded"]
_MB = 1_000_000
_BYTES = {"Content-Type": "application/octet-stream"}


class Body:
    """A part of a source as a request body: of known length, with a progress line, and an end for ctrl-C."""

    def __init__(self, stream: ByteSource, size: int, before_read: Callable[[int], None]) -> None:
        """``before_read`` is told how many bytes of this part are sent; it may raise to stop."""
        self._stream, self._size, self._before_read, self._sent = stream, size, before_read, 0

    @property
    def is_sent(self) -> bool:
        """Whether the last byte was read."""
        return self._sent == self._size

    def __len__(self) -> int:
        """Return the length, bytes; with it no transfer encoding is used."""
        return self._size

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over blocks."""
        return iter(lambda: self.read(1 << 20), b"")

    def read(self, size: int, /) -> bytes:
        """Return the next block, never beyond the length.

        Raises:
            OutageError: the source cannot be read, or ends too soon.
        """
        self._before_read(self._sent)
        wanted = min(size, self._size - self._sent)
        if not wanted:
            return b""
        try:
            block = self._stream.read(wanted)
        except OSError as error:  # not to be taken for an error of the connection
            raise OutageError(f"a stored layer cannot be read: {error.strerror}", "check the disk") from error
        if not block:
            message = f"a stored layer ends after {self._sent} of {self._size} bytes"
            raise OutageError(message, "remove the cache folder and run the same command again")
        self._sent += len(block)
        return block


class Upload:
    """Brings one blob into one repository; ``what`` names it in lines and errors, such as ``layer 3 of 12``."""

    def __init__(
        self,
        transport: Transport,
        repository: str,
        digest: str,
        size: int,
        source: Callable[[], ByteSource],
        progress: Progress,
        what: str = "blob",
    ) -> None:
        """Only take notes. ``source`` is called once for each attempt that sends bytes."""
        self._transport, self._repository, self._digest, self._size = transport, repository, digest, size
        self._source, self._progress, self._what = source, progress, what
        self._sized = f"{what} ({size / (1 << 20):.0f} MiB)" if size >= 1 << 20 else f"{what} ({size} bytes)"
        self._shown, self._renewed = -1, False
        self._furthest = 0  # bytes of the blob that were sent whole, in whichever attempt
        self._chunk = transport.limits.chunk

    def run(self, mount_from: str = "", *, known_missing: bool = False, anyway: bool = False) -> Outcome:
        """Upload the blob if it is missing.

        Args:
            mount_from: repository on the same registry that has the blob; empty if none is known.
            known_missing: a HEAD has just said so.
            anyway: send it whatever a HEAD says.

        Raises:
            RegistryError: the registry refused, or failed too often.
        """

        def attempt(number: int) -> Outcome:
            if not anyway and not (known_missing and number == 1) and self._is_there():
                return "present"  # also when a PUT was complete and only its answer was lost
            is_elsewhere = mount_from != self._repository and number == 1
            location = self._start(mount_from if is_elsewhere else "")
            if not location:
                return "mounted"
            try:
                # after a failure in chunks: another cut costs one of them and not the whole
                if number > 1 or self._size > self._transport.limits.whole:
                    self._send_chunks(location)
                else:
                    self._send_whole(location)
            except BaseException as error:
                self._cancel(location, error)
                raise
            return "uploaded"

        return self._transport.retry(attempt, self._may_begin_anew, self._progress)

    def _may_begin_anew(self, error: RegistryError) -> bool:
        """Say whether a new upload can succeed: this one is lost (404, 416), or its token has ended (401)."""
        if error.status == 401:
            # once: who lacks the right to push gets the same answer with each new token
            known, self._renewed = self._renewed, True
            return not known
        return error.temporary or error.status in (404, 416) or error.code.startswith("BLOB_UPLOAD_")

    def _cancel(self, location: str, error: BaseException) -> None:
        """Give an upload up, so that its bytes do not lie in the registry until somebody purges it."""
        # an upload that the registry has lost, or a registry that says nothing: there is nobody to tell
        if isinstance(error, RegistryError) and (error.waited or error.status in (404, 416)):
            return
        # deletion is a right of its own, which many accounts lack (distribution-spec 1.1 leaves uploads to time out)
        scope = (f"repository:{self._repository}:pull,push,delete",)
        self._transport.send_in_passing(Ask("DELETE", location, "a given-up upload", scope, (200, 202, 204, 404)))

    def _is_there(self) -> bool:
        url = f"/v2/{self._repository}/blobs/{self._digest}"
        scope = (f"repository:{self._repository}:pull,push",)
        return self._transport.send(Ask("HEAD", url, self._what, scope, (200, 404))).status_code == 200

    def _start(self, mount_from: str) -> str:
        """Open an upload and return its URL; empty if the blob was mounted, and nothing is left to do."""
        query = {"mount": self._digest, "from": mount_from} if mount_from else {}
        url = f"/v2/{self._repository}/blobs/uploads/"
        # 201: it is mounted. 202: the registry does not mount, and has opened an upload instead, which goes on as any
        # (distribution-spec 1.1, "Mounting a blob from another repository")
        ask = Ask("POST", url, self._sized, self._scope(mount_from), (201, 202), query=query, body=b"")
        try:
            response = self._transport.send(ask, self._progress)
        except RegistryError as error:
            # 401, 403: this account may not read there; the others: a registry, or a proxy before it, that knows no
            # mount (400, 405, 501). The blob is sent instead.
            if mount_from and error.status in (400, 401, 403, 404, 405, 501):
                return self._start("")
            raise
        self._heed_minimum(response)
        return "" if response.status_code == 201 else self._next(response, "")

    def _heed_minimum(self, response: requests.Response) -> None:
        """Make chunks as large as the registry asks for (distribution-spec 1.1, ``OCI-Chunk-Min-Length``)."""
        asked = response.headers.get("OCI-Chunk-Min-Length", "")
        self._chunk = max(self._transport.limits.chunk, int(asked) if asked.isdigit() else 0)

    def _scope(self, mount_from: str = "") -> tuple[str, ...]:
        mounted = (f"repository:{mount_from}:pull",) if mount_from else ()
        return (f"repository:{self._repository}:pull,push", *mounted)

    def _send_whole(self, location: str) -> None:
        with closing(self._source()) as stream:
            body = Body(stream, self._size, self._reporter(0))
            try:
                self._finish(location, body if self._size else b"")
            except RegistryError:
                self._furthest = self._size if body.is_sent else 0
                raise

    def _finish(self, location: str, body: Body | bytes) -> None:
        # a Location may have a query, in which registries keep their state: it is added to, never replaced
        url = f"{location}{'&' if '?' in location else '?'}digest={self._digest.replace(':', '%3A')}"
        ask = Ask("PUT", url, self._sized, self._scope(), (201, 204), headers=_BYTES, body=body)
        self._transport.send(ask, self._progress)

    def _send_chunks(self, location: str) -> None:
        with closing(self._source()) as stream:
            sent = 0
            while sent < self._size:
                try:
                    location = self._send_chunk(location, stream, sent)
                    # tries count for one chunk, or a long upload on a poor line would use them up
                    sent = min(self._size, sent + self._chunk)
                    if sent > self._furthest:  # what is sent once more is no step forward
                        self._furthest = sent
                        self._transport.came_forward()
                except RegistryError as error:
                    # 401: the token ended while a chunk of minutes was on its way
                    may_go_on = (error.temporary or error.status == 401) and stream.seekable()
                    if not may_go_on:
                        raise
                    self._transport.pause(error, self._progress)
                    location, sent = self._where(location)
                    stream.seek(sent)
            self._finish(location, b"")

    def _send_chunk(self, location: str, stream: ByteSource, sent: int) -> str:
        length = min(self._chunk, self._size - sent)
        # without `bytes` and total, unlike RFC 9110: so distribution-spec 1.1 has it ("Pushing a blob in chunks")
        headers = {**_BYTES, "Content-Range": f"{sent}-{sent + length - 1}"}
        body = Body(stream, length, self._reporter(sent))
        ask = Ask("PATCH", location, self._sized, self._scope(), (202, 204), headers=headers, body=body)
        return self._next(self._transport.send(ask), location)

    def _where(self, location: str) -> tuple[str, int]:
        """Ask how far an upload has come: its URL, and the bytes it has."""
        ask = Ask("GET", location, self._sized, self._scope(), (200, 202, 204))
        response = self._transport.send(ask, self._progress)
        # an upload that has nothing may say `0-0`, as one that has a single byte: that byte is sent again
        last = response.headers.get("Range", "").rpartition("-")[2]
        return self._next(response, location), int(last) + 1 if last.isdigit() and int(last) else 0

    def _next(self, response: requests.Response, otherwise: str) -> str:
        location = response.headers.get("Location", otherwise)
        if not location:
            message = f"{self._transport.host} opened an upload without saying where"
            raise RegistryError(message, "let its operator mend that", url=response.url)
        return self._transport.resolve(response.url, location)

    def _reporter(self, before: int) -> Callable[[int], None]:
        def report(sent: int) -> None:
            self._progress.checkpoint()
            done = before + sent
            percent = done * 100 // self._size
            if percent != self._shown and self._size >= _MB:
                self._shown = percent
                amount = f"{done // _MB} of {-(-self._size // _MB)} MB ({percent} %)"
                self._progress.say(f"{self._what}: {amount}")

        return report
