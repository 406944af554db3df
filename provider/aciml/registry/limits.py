"""All limits of the client, with their units and reasons."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1 << 20


@dataclass(frozen=True)
class ClientLimits:
    """How big, how long, how often.

    ``whole``: bytes up to which a blob goes in one PUT; registries in the cloud are several times slower with chunks,
    and one PUT of many gigabytes is often cut. ``chunk``: bytes of a chunk above that, or after a failure.
    ``block``: bytes handed to the socket at once. ``document``: largest manifest or config read into memory, bytes.
    ``connect`` and ``idle``: seconds without a connection, or without a byte; a request as a whole has no limit.
    ``attempts``: tries of one request, or of an upload with all requests that it is made of, without coming forward.
    ``budget``: seconds that such tries may wait in all, pauses and silence. ``patience``: longest ``Retry-After``
    obeyed, seconds.
    Source: dotnet/sdk PR 33336 (one PUT), opencontainers/artifacts issue 55 (9 GB cut), ACR: manifests up to 4 MiB.
    """

    whole: int = 1024 * MIB
    chunk: int = 64 * MIB
    block: int = MIB
    document: int = 8 * MIB
    connect: float = 10.0
    idle: float = 60.0
    attempts: int = 5
    budget: float = 180.0
    patience: float = 60.0


HASTY = ClientLimits(connect=5.0, idle=15.0, attempts=1)
"""For questions of a preview that a registry may leave open."""
