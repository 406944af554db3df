"""The plugin's server: one thread for gRPC, and a look for the engine."""

from __future__ import annotations

import asyncio
import os
from concurrent.futures import ThreadPoolExecutor

import grpc.aio

from .enginelog import EngineLog
from .protocol import provider_pb2_grpc
from .router import Router
from .servicer import Servicer

ORPHAN_SECONDS = 1.0
"""Between two looks for the engine."""
# as the SDK's own server has it (`pulumi.runtime._grpc_settings`): states of big stacks are more than gRPC's 4 MiB,
# and a call may wait for long behind others
_OPTIONS = [
    ("grpc.max_receive_message_length", 400 * 1024 * 1024),
    ("grpc.server_max_unrequested_time_in_server", 30 * 60),
]


def run(engine: str) -> None:
    """Serve the engine at an address, ``host:port``, until it is gone; empty: nobody is told of anything."""
    asyncio.run(_serve(engine))


async def _serve(engine: str) -> None:
    log = EngineLog(engine)
    # while a component is made, each of its children keeps a thread waiting for the engine
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=128, thread_name_prefix="waits"))
    server = grpc.aio.server(options=_OPTIONS)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(Servicer(Router(log), engine, log), server)
    # this machine alone: whoever reaches the port may create and delete with our login
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)  # noqa: T201  (the engine reads it)
    ends = (server.wait_for_termination(), _orphaned(os.getppid()))
    await asyncio.wait([asyncio.ensure_future(each) for each in ends], return_when=asyncio.FIRST_COMPLETED)


async def _orphaned(engine: int) -> None:
    """Wait until the engine's process is gone."""
    # an engine that is killed ends none of its plugins; one that went on alone would change what the next
    # `up` is already working on (decisions/plugin.md)
    while os.getppid() == engine:  # noqa: ASYNC110  # nothing tells of it
        await asyncio.sleep(ORPHAN_SECONDS)
