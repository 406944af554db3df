"""The plugin: reads the provider's configuration, picks the targets, routes each type token to its resource."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import grpc
from pulumi.provider.experimental import provider
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from . import __version__
from .core.errors import UserError
from .enginelog import EngineLog, RowProgress
from .model.config import SECRETS
from .properties import Values, decode, is_unknown, reveal
from .resources.catalog import resource_types
from .resources.protocol import Changes, Checked, Existing, Resource
from .servicer import MendedServicer
from .settings import Settings
from .speech import Speech, SpokenLog
from .targets.choice import choose_targets, config_findings, in_program_words, is_declared

Answer = TypeVar("Answer")


class Plugin(provider.Provider):
    """One provider for all resources of the package; it implements ``servicer.Life`` in worker threads."""

    def __init__(self, log: EngineLog) -> None:
        """Serve with lines going to ``log``; nothing is opened before ``configure``."""
        self.speech = Speech(Path.cwd())
        self._log = SpokenLog(log, self.speech)
        self._workers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resource")
        self._resources: dict[str, Resource] = {}

    async def get_schema(self, request: provider.GetSchemaRequest) -> provider.GetSchemaResponse:  # noqa: ARG002
        """Return the package's schema."""
        # here: Pulumi's analyzer reads all classes, for get-schema and SDKs alone
        from .schema import schema

        return provider.GetSchemaResponse(schema=json.dumps(schema()))

    async def check_config(self, request: provider.CheckRequest) -> provider.CheckResponse:
        """Name everything that is wrong in the provider's configuration at once."""
        given = decode(request.new_inputs)
        later = frozenset(key for key, value in given.items() if is_unknown(value))
        config = {key: str(value) for key, value in reveal(given).items()}
        findings = await self._run(lambda: config_findings(config, later))
        if is_declared(request.urn):
            findings = [in_program_words(finding) for finding in findings]
        # also what the program gave in the clear: the provider's inputs are in the state
        inputs = {
            key: value.with_secret(True) if key in SECRETS else value for key, value in request.new_inputs.items()
        }
        failures = [provider.CheckFailure(finding.where, finding.why) for finding in findings]
        return provider.CheckResponse(inputs=inputs, failures=failures)

    async def configure(self, request: provider.ConfigureRequest) -> provider.ConfigureResponse:
        """Build the resources over the chosen targets."""
        config = {key: str(value) for key, value in reveal(decode(request.args)).items()}
        settings = Settings.read().with_ca_bundle(config.get("caBundle", ""))
        self._resources = resource_types(choose_targets(config, settings), settings)
        # outputs are declined: the SDK's decoder crashes on one without a dependency list (pulumi 3.272)
        return provider.ConfigureResponse(
            accept_secrets=True, supports_preview=True, accept_outputs=False, accept_resources=False
        )

    async def construct(self, request: provider.ConstructRequest) -> provider.ConstructResponse:
        """Make a component for a program in another language; its children come back to this plugin meanwhile."""
        from .construct import construct

        self.speech.remember(request.resource_type, request.name)
        return await construct(request)

    async def cancel(self) -> None:
        """Let every checkpoint raise."""
        self._log.cancelled.set()

    def words(self, urn: str, text: str) -> str:
        """Return a message about a resource in the words of who declared it."""
        return self.speech.text(urn, text)

    async def life_check(self, urn: str, old: Values | None, new: Values) -> Checked:
        """Judge inputs."""
        checked = await self._run(lambda: self._resource(urn).check(old, new, RowProgress(self._log, urn)))
        return replace(checked, findings=[self.speech.finding(urn, finding) for finding in checked.findings])

    async def life_diff(self, urn: str, old: Values, state: Values, new: Values) -> Changes:
        """Compare inputs."""
        return await self._run(lambda: self._resource(urn).diff(old, state, new))

    async def life_create(self, urn: str, inputs: Values, *, preview: bool, seconds: float) -> Existing:
        """Make a resource."""
        progress = RowProgress(self._log, urn, seconds, strict=not preview and _is_image(urn))
        return await self._run(lambda: self._resource(urn).create(inputs, progress, preview=preview))

    async def life_update(self, urn: str, old: Existing, inputs: Values, *, preview: bool, seconds: float) -> Values:
        """Change a resource."""
        progress = RowProgress(self._log, urn, seconds, strict=not preview and _is_image(urn))
        return await self._run(lambda: self._resource(urn).update(old, inputs, progress, preview=preview))

    async def life_read(self, urn: str, known: Existing) -> Existing | None:
        """Look at a resource."""
        return await self._run(lambda: self._resource(urn).read(known, RowProgress(self._log, urn)))

    async def life_delete(self, urn: str, known: Existing, *, seconds: float) -> None:
        """Remove a resource."""
        progress = RowProgress(self._log, urn, seconds)
        return await self._run(lambda: self._resource(urn).delete(known, progress))

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        # gRPC is served by one thread: work of minutes in it would silence cancel, too
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def _resource(self, urn: str) -> Resource:
        token = _token(urn)
        if token not in self._resources:
            raise UserError(f"aciml has no resource type {token}", f"it has {', '.join(sorted(self._resources))}")
        return self._resources[token]


def _token(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _is_image(urn: str) -> bool:
    """Tell whether the work may end at any checkpoint: nothing has to be put back then."""
    # layers that were pushed are found again; a group that is half replaced has to be brought into order first
    return _token(urn).startswith("aciml:image:")


ORPHAN_SECONDS = 1.0
"""Between two looks for the engine."""


def main(words: list[str] | None = None) -> None:
    """Serve until the engine ends the process; print the port first, as the engine expects.

    Args:
        words: the engine's; those of the process without it, as a console script is called.
    """
    args = sys.argv[1:] if words is None else words
    parser = argparse.ArgumentParser(description="aciml, a Pulumi resource plugin")
    parser.add_argument("engine", nargs="?", default="", help="address of the Pulumi engine, host:port")
    # the engine adds flags of its own (logging, tracing), which are not ours to refuse
    engine: str = parser.parse_known_args(args)[0].engine
    try:
        asyncio.run(_serve(args, engine))
    except KeyboardInterrupt:
        pass
    finally:
        # py-rattler's threads can crash an interpreter that shuts down in order after a solve
        sys.stdout.flush()
        os._exit(0)


async def _serve(args: list[str], engine: str) -> None:
    log = EngineLog(engine)
    # while a component is made, each of its children keeps a thread waiting for the engine
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(max_workers=128, thread_name_prefix="waits"))
    server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
    servicer = MendedServicer(args, __version__, Plugin(log), engine, log)
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
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
