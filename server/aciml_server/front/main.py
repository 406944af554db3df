"""The front's life: start workers, listen when one is ready, serve until SIGTERM, let nothing be lost."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
import socket
import sys
from typing import Any, List, Optional

from .. import logs
from ..answers import refusal
from ..settings import SECRETS, Settings
from . import given
from .books import Books
from .concealed import conceal
from .door import Door, bind, port_of
from .keys import Keys
from .pool import Pool
from .site import HealthSite, Site
from .steady import hold_code
from .tls import Tls

_LOG = logging.getLogger("aciml")
_RARELY = (20_000, 20, 50)  # a request is freed by its count; looking for cycles costs a tenth of its time
_TICK = 0.25  # seconds between two looks at slow clients, keys and certificates
_GRACE = 0.25  # seconds after SIGTERM in which a connection that looks idle may still bring a request
_HURRY = 0.5  # seconds in which the last refusals are sent


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code: 0, 1 (cannot listen) or 3 (the script cannot serve)."""
    try:
        given.take(os.environ)
        conceal(SECRETS)
        settings = Settings.take()
        tls = Tls(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
        keys = Keys(settings.keys, settings.keys_file)
    except ValueError as error:
        # there is no log yet: its form is one of the settings
        print(error, file=sys.stderr)
        return 1
    logs.configure(settings)
    for warning in settings.warnings:
        _LOG.warning(warning)
    _allow_connections(settings.max_connections)
    try:
        probes = _listen_for_probes(settings)
    except OSError as error:
        _say_no(settings.health_port, error)
        print("ACIML_HEALTH_PORT names another port, or `off`", file=sys.stderr)
        return 1
    front = Front(settings, tls, keys, probes)
    # what is loaded by now stays to the end; the collector need not look at it again
    gc.freeze()
    gc.set_threshold(*_RARELY)
    try:
        code: int = _new_loop().run_until_complete(front.live())
        return code
    finally:
        front.books.close()


def _listen_for_probes(settings: Settings) -> Optional[socket.socket]:
    """Open the health port, which stays open to the end; the main port has the same routes once it is open.

    It comes before the workers: the last line of the log is to be theirs, if they cannot start.
    """
    # 0 twice is two ports: the system gives each socket another one
    if settings.health_port < 0 or settings.health_port == settings.port != 0:
        return None
    sock = bind(settings.host, settings.health_port)
    _LOG.info("health on port %d", port_of(sock))
    return sock


def _say_no(port: int, error: OSError) -> None:
    why = os.strerror(error.errno or 0)
    if isinstance(error, PermissionError):
        why += "; take a port from 1024 on, or run_as_root: true"
    print("cannot listen on port %d: %s" % (port, why), file=sys.stderr)


def _new_loop() -> Any:
    try:
        import uvloop
    except ImportError:  # Windows, or another interpreter
        return asyncio.SelectorEventLoop()
    return uvloop.new_event_loop()


def _allow_connections(count: int) -> None:
    """Raise the limit of open descriptors as far as it may be, if it is too low."""
    try:
        import resource
    except ImportError:  # Windows has none
        return
    # each connection is a descriptor; the usual 1024 would refuse clients long before ``max_connections``
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    # the rest is for workers (a socket, its copy, a pidfd and a pipe each), log, probes and files
    wanted = count + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


class Front:
    """One process from start to end."""

    def __init__(self, settings: Settings, tls: Tls, keys: Keys, probes: Optional[socket.socket]) -> None:
        """Start the workers at once. ``probes`` is the socket of the health port."""
        self._settings = settings
        self._tls = tls
        self.books = Books(settings)
        self._pool = Pool(settings, self._worker_ready, self._worker_failed)
        self._site = Site(settings, self._pool, self.books)
        self._site.keys = keys
        self._health = HealthSite(self._site)
        self._door = Door(self._site, lambda: tls.context)
        self._probes = Door(self._health, lambda: None)
        self._socket = probes
        self._events: "asyncio.Queue[Any]"
        self._listens = False

    def _worker_ready(self) -> None:
        self._events.put_nowait("ready")

    def _worker_failed(self, code: int) -> None:
        self._events.put_nowait(code)

    async def live(self) -> int:
        """Return the exit code, at the end."""
        self._events = asyncio.Queue()
        self.books.watch(self._site)
        self._hear_signals()
        if self._socket is not None:
            self._probes.take(self._socket)
        self._tick()
        await self._pool.connect()
        hold_code()  # the workers load their scripts meanwhile
        while True:
            event = await self._events.get()
            if event == "stop":
                return await self._stop()
            if event == "ready":
                self._site.learn(self._pool.facts)
                if not self._listens and not self._listen():
                    self._pool.kill()
                    return 1
            elif isinstance(event, int):
                self._pool.kill()
                return event

    def _hear_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            try:
                loop.add_signal_handler(number, self._events.put_nowait, "stop")
            except NotImplementedError:  # Windows
                signal.signal(number, lambda *_: loop.call_soon_threadsafe(self._events.put_nowait, "stop"))

    def _listen(self) -> bool:
        try:
            port = self._door.open(self._settings.host, self._settings.port)
        except OSError as error:
            _say_no(self._settings.port, error)
            return False
        self._listens = True
        _LOG.info("listening on port %d", port)
        return True

    def _tick(self) -> None:
        asyncio.get_running_loop().call_later(_TICK, self._tick)
        self._site.sweep()
        self._health.sweep()
        self._site.keys.look()
        self._tls.look()

    async def _stop(self) -> int:
        if not self._listens:
            _LOG.info("stopped before init() was done")
            self._pool.kill()
            return 0
        _LOG.info("stopping: no new requests, the queue is finished first")
        # who has connected is served; the filter makes new ones try again, at another replica
        self._door.shut()
        self._site.drain()
        await asyncio.sleep(_GRACE)
        self._door.close()
        code = await self._finish()
        await self._pool.finish()
        _LOG.info("stopped")
        return code

    async def _finish(self) -> int:
        """Wait until all clients have their answers; not for ever for those that do not take them."""
        waited = 0.0
        site, pool = self._site, self._pool
        while site.connections or self._door.entering:
            for connection in list(site.connections):
                connection.close_if_idle()
            await asyncio.sleep(0.01)
            if not pool.in_flight:
                waited += 0.01
            if waited > self._settings.drain:
                _LOG.warning("%d clients did not take their answers in time", len(site.connections))
                break
            if not self._events.empty():
                event = self._events.get_nowait()
                if event != "ready":
                    await self._hurry()
                    return event if isinstance(event, int) else 0
        return 0

    async def _hurry(self) -> None:
        """Answer with 503 what is not scored yet."""
        waiting: List[Any] = list(self._site.connections)
        _LOG.warning("stopping at once; %d connections are open", len(waiting))
        for connection in waiting:
            connection.refuse_all(refusal(503, "the service is stopping", (("retry-after", "1"),)))
        waited = 0.0
        while self._site.connections and waited < _HURRY:
            await asyncio.sleep(0.01)
            waited += 0.01
        self._pool.kill()
