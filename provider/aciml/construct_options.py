"""What the engine sends with a component that the SDK's server passes over, or stumbles on."""

from __future__ import annotations

from typing import Any

import pulumi
from google.protobuf import struct_pb2
from pulumi.provider.server import ProviderServicer
from pulumi.runtime import rpc

_SIGNATURE, _OUTPUT = rpc._special_sig_key, rpc._special_output_value_sig  # noqa: SLF001  (constants of the protocol)


def complete_outputs(value: struct_pb2.Value) -> None:
    """Write out what an output value leaves out, at any depth: an unknown one has no value, others no dependencies.

    The SDK's decoder needs all of it. Source: the engine's ``rpc.go``, ``MarshalPropertyValue``.
    """
    kind = value.WhichOneof("kind")
    if kind == "list_value":
        for item in value.list_value.values:
            complete_outputs(item)
    if kind != "struct_value":
        return
    fields = value.struct_value.fields
    if _SIGNATURE in fields and fields[_SIGNATURE].string_value == _OUTPUT:
        # an unknown output is sent without one
        if "value" not in fields:
            fields["value"].string_value = rpc.UNKNOWN
        if "dependencies" not in fields:
            # protobuf drops a list that nobody has touched, and the decoder asks for the field
            fields["dependencies"].list_value.SetInParent()
        if "secret" not in fields:
            fields["secret"].bool_value = False
    for inner in fields.values():
        complete_outputs(inner)


def construct_options(request: Any) -> pulumi.ResourceOptions:
    """Return all options of a component that ``ConstructRequest`` carries.

    The SDK's older server for components decodes all but two of them.
    """
    options: pulumi.ResourceOptions = ProviderServicer._construct_options(request)  # noqa: SLF001
    times = request.customTimeouts
    more = pulumi.ResourceOptions(
        additional_secret_outputs=list(request.additionalSecretOutputs) or None,
        # proto3 has no absent text: an empty one is "not said", which the SDK writes as None
        custom_timeouts=pulumi.CustomTimeouts(times.create or None, times.update or None, times.delete or None)
        if request.HasField("customTimeouts")
        else None,
    )
    return pulumi.ResourceOptions.merge(options, more)
