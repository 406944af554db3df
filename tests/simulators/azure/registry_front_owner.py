"""What the server of one registry asks of the rest of the emulator, and what it counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from . import tokens
from .http import Request, Response


@dataclass
class Traffic:
    """What went through a registry: bytes of bodies, and ``METHOD /path status`` in the order of the answers."""

    up: int = 0
    down: int = 0
    lines: list[str] = field(default_factory=list)

    @property
    def requests(self) -> int:
        return len(self.lines)


class Owner(Protocol):
    """What a front asks of the rest of the emulator."""

    mint: tokens.Mint
    backend_host: str

    def properties(self, name: str) -> dict[str, Any] | None:
        """Return ``properties`` of the registry now; None if there is none of this name."""

    def gate(self, name: str) -> tokens.Gate:
        """Return who may do what there now."""

    def keeps_deleted(self, name: str) -> bool:
        """Tell whether the registry has its soft delete policy on."""

    def fault(self, line: str, *names: str) -> Any:
        """Return a fault that is to happen to this request, or None."""

    def hang(self) -> None:
        """Return when faults are forgotten or the emulator ends."""

    def latency(self) -> float:
        """Return seconds to add to each answer."""

    def data_url(self, backend: str, digest: str) -> str:
        """Return where the bytes of a blob are."""

    def seen(self, request: Request, response: Response) -> None:
        """Look at a request of ACR's own API and its answer."""

    def broken(self, line: str, error: Exception) -> None:
        """Take note of a fault of the emulator itself."""
