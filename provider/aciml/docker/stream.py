"""Long calls to the engine: its messages as they come, with an ear for ctrl-C even while the engine is silent."""

from __future__ import annotations

import json
import queue
import re
import threading
from collections.abc import Generator, Mapping
from contextlib import suppress
from typing import IO, TYPE_CHECKING, Any

from ..core.progress import Progress
from .engine import lost_engine

if TYPE_CHECKING:
    import docker
    import requests

_VERSIONED = re.compile(r"/v\d")
_LOOK_SECONDS = 0.2  # how soon ctrl-C is seen
_JOIN_SECONDS = 5.0
Message = dict[str, Any]


def messages(
    client: docker.DockerClient,
    path: str,
    *,
    progress: Progress,
    params: Mapping[str, str],
    headers: Mapping[str, str] | None = None,
    data: IO[bytes] | None = None,
) -> Generator[Message, None, None]:
    """Post to the engine and give its messages; wrap it in ``contextlib.closing``, which stops the engine's work.

    Args:
        client: of the engine.
        path: such as ``/build``; the version is put before it if it has none.
        progress: is asked several times a second whether to stop.
        params: query.
        headers: besides the usual ones.
        data: body, streamed.

    Raises:
        docker.errors.APIError: the engine refuses.
        OutageError: the engine stops answering.
        Cancelled: the user stopped.
    """
    pump = _Pump(client)
    # a daemon: an engine that stays silent must not keep the process from ending
    thread = threading.Thread(target=pump.run, args=(path, params, headers, data), daemon=True)
    thread.start()
    try:
        while True:
            progress.checkpoint()
            with suppress(queue.Empty):
                item = pump.mailbox.get(timeout=_LOOK_SECONDS)
                if item is None:
                    return
                if isinstance(item, Exception):
                    raise item
                yield item
    finally:
        # before the join: closing the connection is what ends the read, and the engine's work
        pump.stop()
        thread.join(_JOIN_SECONDS)


class _Pump:
    """Reads one answer in a thread of its own; an ordinary read cannot be interrupted."""

    def __init__(self, client: docker.DockerClient) -> None:
        self.mailbox: queue.SimpleQueue[Message | Exception | None] = queue.SimpleQueue()
        self._client = client
        self._lock = threading.Lock()
        self._stopped = False
        self._response: requests.Response | None = None

    def run(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str] | None, data: IO[bytes] | None
    ) -> None:
        import requests
        import urllib3
        from docker.errors import APIError, DockerException

        try:
            self._read(path, params, headers, data)
            self.mailbox.put(None)
        except APIError as error:
            self.mailbox.put(error)
        except (requests.RequestException, urllib3.exceptions.HTTPError, DockerException, OSError, ValueError) as error:
            self.mailbox.put(lost_engine(error))
        except Exception as error:  # noqa: BLE001  # a thread has nobody else to tell
            self.mailbox.put(error)

    def _read(
        self, path: str, params: Mapping[str, str], headers: Mapping[str, str] | None, data: IO[bytes] | None
    ) -> None:
        import requests
        from docker.errors import create_api_error_from_http_exception

        api = self._client.api
        url = api.base_url + (path if _VERSIONED.match(path) else f"/v{api.api_version}{path}")
        with api.post(url, params=dict(params), headers=dict(headers or {}), data=data, stream=True) as response:
            try:
                response.raise_for_status()
            except requests.HTTPError as error:
                create_api_error_from_http_exception(error)
            # ctrl-C may come between the answer and this line; then nobody would close it any more
            with self._lock:
                self._response = response
                if self._stopped:
                    return
            # one JSON value a line (Docker Engine API, "Build an image")
            for line in response.iter_lines():
                if line.strip():
                    self.mailbox.put(json.loads(line))

    def stop(self) -> None:
        """End the read; the engine sees the connection close and stops what it does."""
        from docker.errors import DockerException
        from docker.types import CancellableStream

        with self._lock:
            self._stopped = True
            if self._response is not None:
                with suppress(OSError, AttributeError, DockerException):
                    # it shuts the socket itself; closing the response would wait for the very read that hangs
                    CancellableStream(iter(()), self._response).close()
