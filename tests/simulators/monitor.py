"""A Pulumi engine's resource monitor: keeps what is registered, and answers as the engine does."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import empty_pb2
from pulumi.runtime import proto
from pulumi.runtime.proto import resource_pb2, resource_pb2_grpc

from tests.simulators.engine import plain, struct

FEATURES = ("secrets", "resourceReferences", "outputValues", "aliasSpecs", "deletedWith", "transforms")
KNOWN: dict[str, dict[str, Any]] = {
    "aciml:registry:ContainerRegistry": {"loginServer": "127.0.0.1:5000"},
    "aciml:image:Environment": {"image": "made@sha256:1", "digest": "sha256:1"},
    "aciml:image:Service": {"image": "served@sha256:2"},
    "aciml:compute:ContainerGroup": {"scoringUri": "http://x/score", "state": "Running"},
}
"""Outputs by type, beside the inputs."""


@dataclass
class Monitor(resource_pb2_grpc.ResourceMonitorServicer):
    """``before`` is called for each custom resource; it may wait, speak to the plugin, or raise what is answered."""

    project: str
    stack: str
    before: Callable[[Any], None] = lambda _: None
    address: str = ""
    registered: dict[str, Any] = field(default_factory=dict)
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def GetDeploymentInfo(self, request: Any, context: Any) -> Any:  # noqa: N802  (names given by gRPC)
        context.abort(grpc.StatusCode.UNIMPLEMENTED, "older engines have none")

    def SupportsFeature(self, request: Any, context: Any) -> Any:  # noqa: N802
        return resource_pb2.SupportsFeatureResponse(hasSupport=request.id in FEATURES)

    def RegisterResource(self, request: Any, context: Any) -> Any:  # noqa: N802
        parent = request.parent.split("::")[2] + "$" if request.parent else ""
        urn = f"urn:pulumi:{self.stack}::{self.project}::{parent}{request.type}::{request.name}"
        with self._lock:
            self.registered[request.name] = request
        if not request.custom:
            return proto.RegisterResourceResponse(urn=urn)
        try:
            self.before(request)
        except ValueError as error:
            context.abort(grpc.StatusCode.UNKNOWN, str(error))
        state = {**plain(request.object), **KNOWN[request.type]}
        return proto.RegisterResourceResponse(urn=urn, id=f"id-{request.name}", object=struct(state))

    def RegisterResourceOutputs(self, request: Any, context: Any) -> Any:  # noqa: N802
        self.outputs[request.urn] = plain(request.outputs)
        return empty_pb2.Empty()

    def inputs(self, name: str) -> dict[str, Any]:
        """Return the inputs of a resource."""
        return plain(self.registered[name].object)


@contextmanager
def running_monitor(project: str = "scoring", stack: str = "local") -> Iterator[Monitor]:
    """Serve a monitor; ``address`` says where."""
    monitor = Monitor(project, stack)
    server = grpc.server(ThreadPoolExecutor(32))
    resource_pb2_grpc.add_ResourceMonitorServicer_to_server(monitor, server)
    monitor.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield monitor
    finally:
        server.stop(None).wait()
