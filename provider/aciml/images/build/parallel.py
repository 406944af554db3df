"""Work side by side: the base beside the packages, and layers that are sent while others are made."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar

from ...core.errors import Cancelled
from ...core.image import Image, Layer
from ...core.phases import Timed, untimed
from ...core.place import Place
from ...core.progress import Progress, Through
from ..tools import Tools
from .push import explained

if TYPE_CHECKING:
    from ...registry.upload import Outcome


Answer = TypeVar("Answer")

# as many as the registry's client sends at once (decisions/registry-client.md)
_WORKERS = 4


class Stoppable(Through):
    """Progress of a part of the work, which also ends when another part has failed."""

    def __init__(self, inner: Progress) -> None:
        """Speak through ``inner``."""
        super().__init__(inner)
        self._stopped = threading.Event()

    def stop(self) -> None:
        """Let the next ``checkpoint`` raise."""
        self._stopped.set()

    def checkpoint(self) -> None:
        """Return at once, or raise ``Cancelled`` if the user asked to stop or another part failed."""
        super().checkpoint()
        if self._stopped.is_set():
            # as after ctrl-C, so that what this part has finished is kept in the same way
            raise Cancelled


class Worker(Generic[Answer]):
    """One piece of work in a thread of its own; leaving the block by an error stops it, and each exit waits for it."""

    def __init__(self, work: Callable[[Progress], Answer], progress: Progress) -> None:
        """Begin ``work``; it is given the progress that stops it."""
        self._progress = Stoppable(progress)
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="beside")
        self._future = self._pool.submit(work, self._progress)

    def answer(self) -> Answer:
        """Wait for the work, and return what it returned or raise what it raised."""
        return self._future.result()

    def raise_if_failed(self) -> None:
        """Raise what the work raised, if it has; return at once."""
        if self._future.done():
            self._future.result()

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        """Wait for the thread."""
        if kind is not None:
            self._progress.stop()
        # no thread outlives the block: what it works with is closed after it
        self._pool.shutdown(wait=True, cancel_futures=True)


class EarlyPush:
    """Sends what it is offered, several at once; the manifest follows when all is known (``pushing.push``).

    A layer that turns out not to be in the image stays behind without a name, and the registry's clean-up removes it.
    """

    def __init__(self, tools: Tools, place: Place, progress: Progress, timed: Timed = untimed) -> None:
        """Only take notes. ``tools`` has the blobs and the client; ``timed`` counts what is sent beside other work."""
        self._timed = timed
        self._tools, self._place, self._progress = tools, place, Stoppable(progress)
        self._pool = ThreadPoolExecutor(_WORKERS, thread_name_prefix="push")
        self._under_way: dict[Layer, Future[Outcome]] = {}

    def offer(self, layer: Layer) -> None:
        """Send a layer that is in the store, if the registry lacks it; return at once. Called from any thread.

        Raises:
            OutageError: one that was offered before could not be sent.
        """
        # asked at each offer: a registry that refuses ends the packing early
        for future in list(self._under_way.values()):
            if future.done():
                future.result()
        # two groups may have equal content, which is one blob
        if layer not in self._under_way:
            self._under_way[layer] = self._pool.submit(self._send, layer)

    def outcomes(self) -> Mapping[str, Outcome]:
        """Wait, and return by digest what became of each.

        Raises:
            OutageError: one could not be sent.
        """
        return {layer.digest: future.result() for layer, future in self._under_way.items()}

    def _send(self, layer: Layer) -> Outcome:
        self._progress.checkpoint()
        client = self._tools.client(self._place.login_server)
        opener = partial(self._tools.store.open, layer.digest)
        name = f"layer {layer.digest.removeprefix('sha256:')[:12]}"
        with explained(self._tools, Image((layer,)), self._progress), self._timed("push layers"):
            return client.upload_blob(
                self._place.repository, layer.digest, layer.size, opener, progress=self._progress, what=name
            )

    def __enter__(self) -> Self:
        """Begin."""
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        """Wait for what runs; after an error it is stopped, and what has not begun is left."""
        if kind is not None:
            self._progress.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
