"""A Pulumi engine's log service, and the plugin started the way the engine starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2_grpc

from aciml.properties import decode, encode
from tests.program import warm_python

PLUGIN = Path(__file__).resolve().parents[2] / "provider" / "pulumi-resource-aciml"


@dataclass
class EngineLogs(engine_pb2_grpc.EngineServicer):
    """Keeps every line that the plugin logs."""

    lines: list[Any] = field(default_factory=list)

    def Log(self, request: Any, context: Any) -> Any:  # noqa: N802  (name given by gRPC)
        self.lines.append(request)
        return empty_pb2.Empty()


@dataclass
class Plugin:
    """A running plugin and the log it speaks to."""

    stub: provider_pb2_grpc.ResourceProviderStub
    logs: EngineLogs

    def urn(self, token: str, name: str = "it") -> str:
        return f"urn:pulumi:local::scoring::{token}::{name}"

    def check(self, token: str, new: dict[str, Any], old: dict[str, Any] | None = None) -> Any:
        return self.stub.Check(proto.CheckRequest(urn=self.urn(token), news=struct(new), olds=struct(old or {})))

    def create(self, token: str, inputs: dict[str, Any], *, preview: bool = False) -> Any:
        return self.stub.Create(proto.CreateRequest(urn=self.urn(token), properties=struct(inputs), preview=preview))


def struct(values: dict[str, Any]) -> Any:
    """Write values as the engine sends them."""
    return encode(values)


def plain(message: Any) -> dict[str, Any]:
    """Read values that the plugin sent."""
    return decode(message)


@contextmanager
def running_plugin(cache: Path, config: dict[str, str], folder: Path | None = None) -> Iterator[Plugin]:
    """Start the plugin's executable beside an engine, in the project's ``folder``; configure it, and end it."""
    logs = EngineLogs()
    server = grpc.server(ThreadPoolExecutor(4))
    engine_pb2_grpc.add_EngineServicer_to_server(logs, server)
    address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    path = os.pathsep.join([str(warm_python()), str(Path(sys.executable).parent), os.environ["PATH"]])
    process = subprocess.Popen(
        [PLUGIN, address],
        stdout=subprocess.PIPE,
        cwd=folder,
        env={**os.environ, "PATH": path, "ACIML_CACHE": str(cache)},
    )
    assert process.stdout is not None
    port = int(process.stdout.readline())
    try:
        with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
            stub = provider_pb2_grpc.ResourceProviderStub(channel)
            stub.Configure(proto.ConfigureRequest(args=struct(config), acceptSecrets=True))
            yield Plugin(stub, logs)
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        server.stop(None).wait()
