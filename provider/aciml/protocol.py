"""Messages and stubs of Pulumi's protocol, from the SDK's generated modules but without the SDK around them.

``import pulumi.runtime.proto`` runs ``pulumi/__init__.py`` first: the automation API, OpenTelemetry, dill, YAML, 0.12 s
of CPU that a plugin has no use for unless it makes a component (``component_servicer.py``). The generated modules need
gRPC and protobuf alone. Loaded twice, by us and by the SDK, they give the same classes: protobuf has one a message.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pulumi.runtime.proto import (
        engine_pb2,
        engine_pb2_grpc,
        errors_pb2,
        plugin_pb2,
        provider_pb2,
        provider_pb2_grpc,
        status_pb2,
    )

__all__ = [
    "engine_pb2",
    "engine_pb2_grpc",
    "errors_pb2",
    "plugin_pb2",
    "provider_pb2",
    "provider_pb2_grpc",
    "status_pb2",
]

_SDK = "pulumi.runtime.proto"
_OURS = f"{__name__}.generated"


def __getattr__(name: str) -> ModuleType:
    """Load one of the modules when it is first asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # where the SDK is loaded already, in a program or a test, its modules are at hand
    package = _SDK if _SDK in sys.modules else _package()
    loaded = importlib.import_module(f"{package}.{name}")
    globals()[name] = loaded
    return loaded


def _package() -> str:
    """Make a package whose modules are those in the SDK's folder, and return its name."""
    if _OURS not in sys.modules:
        found = importlib.util.find_spec("pulumi")
        if found is None or not found.submodule_search_locations:
            raise ModuleNotFoundError("the Pulumi SDK is not installed", name="pulumi")
        package = ModuleType(_OURS)
        package.__path__ = [str(Path(each) / "runtime" / "proto") for each in found.submodule_search_locations]
        sys.modules[_OURS] = package
    return _OURS
