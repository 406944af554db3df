"""What is said when a failed change leaves nothing that serves."""

from __future__ import annotations

from datetime import datetime

from ....core.errors import AcimlError


def down(error: AcimlError, since: datetime | None) -> AcimlError:
    """Let an error that leaves nothing which serves say so, and since when; None: nothing served before."""
    if since is not None:
        error.message = f"{error.message}\nthe service is down since {since:%Y-%m-%d %H:%M:%S} UTC"
    return error
