"""Where an image goes, as a value that all share."""

from __future__ import annotations

from .lean import lean


@lean(frozen=True)
class Place:
    """Where an image goes."""

    login_server: str
    repository: str

    def __str__(self) -> str:
        """Write it as references begin: ``host/repository``."""
        return f"{self.login_server}/{self.repository}"
