"""The front's life: start workers, listen when one is ready, serve until SIGTERM, let nothing be lost."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from typing import Any, Optional

from .. import logs
from ..settings import Settings
from . import tls
from .connection import Connection
from .pool import Pool
from .site import HealthSite, Site

_LOG = logging.getLogger("aciml")


def main() -> int:
    """Serve until SIGTERM or SIGINT; return the exit code: 0, 1 (cannot listen) or 3 (the script cannot serve)."""
    try:
        settings = Settings.take()
        context = tls.open_context(settings.tls_cert, settings.tls_key)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    logs.configure(settings)
    return _new_loop().run_until_complete(Front(settings, context).live())


def _new_loop() -> Any:
    try:
        import uvloop
    except ImportError:  # Windows, or another interpreter
        return asyncio.new_event_loop()
    return uvloop.new_event_loop()


class Front:
    """One process from start to end."""

    def __init__(self, settings: Settings, context: Any) -> None:
        """Start the workers at once."""
        self._settings = settings
        self._context = context
        self._pool = Pool(settings, self._worker_ready, self._worker_failed)
        self._site = Site(settings, self._pool)
        self._health = HealthSite(self._site)
        self._events: "asyncio.Queue[Any]"
        self._server: Optional[Any] = None

    def _worker_ready(self) -> None:
        self._events.put_nowait("ready")

    def _worker_failed(self, code: int) -> None:
        self._events.put_nowait(code)

    async def live(self) -> int:
        """Return the exit code, at the end."""
        self._events = asyncio.Queue()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._events.put_nowait, "stop")
        if not await self._listen_for_probes():
            self._pool.kill()
            return 1
        self._tick()
        await self._pool.connect()
        while True:
            event = await self._events.get()
            if event == "stop":
                return await self._stop()
            if event == "ready":
                self._site.learn(self._pool.facts)
                if self._server is None and not await self._listen():
                    self._pool.kill()
                    return 1
            elif isinstance(event, int):
                self._pool.kill()
                return event

    async def _listen(self) -> bool:
        settings = self._settings
        self._server = await _open(self._site, settings.host, settings.port, self._context)
        if self._server is None:
            return False
        _LOG.info("listening on port %d", _port(self._server))
        return True

    async def _listen_for_probes(self) -> bool:
        """Open the health port, which stays open to the end; the main port has the same routes once it is open."""
        settings = self._settings
        if settings.health_port < 0 or settings.health_port == settings.port != 0:
            return True
        server = await _open(self._health, settings.host, settings.health_port, None)
        if server is None:
            print("ACIML_HEALTH_PORT names another port, or `off`", file=sys.stderr)
            return False
        _LOG.info("health on port %d", _port(server))
        return True

    def _tick(self) -> None:
        asyncio.get_running_loop().call_later(0.25, self._tick)
        self._site.sweep()
        self._health.sweep()

    async def _stop(self) -> int:
        if self._server is None:
            _LOG.info("stopped before init() was done")
            self._pool.kill()
            return 0
        _LOG.info("stopping: no new requests, the queue is finished first")
        self._server.close()
        self._site.drain()
        waited = 0.0
        while self._site.connections:
            await asyncio.sleep(0.01)
            if not self._pool.in_flight:
                waited += 0.01
            if waited > self._settings.drain:
                _LOG.warning("some clients did not take their answers in time")
                break
        self._pool.end()
        _LOG.info("stopped")
        return 0


async def _open(site: Site, host: str, port: int, context: Any) -> Optional[Any]:
    """Listen; None after a sentence on stderr if the port cannot be had."""
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(lambda: Connection(site), host, port, backlog=1024, ssl=context)
    except OSError as error:
        print("cannot listen on port %d: %s" % (port, os.strerror(error.errno or 0)), file=sys.stderr)
        return None


def _port(server: Any) -> int:
    port: int = server.sockets[0].getsockname()[1]
    return port
