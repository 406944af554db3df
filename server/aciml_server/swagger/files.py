"""The documents that a user lays beside the script; each takes the place of the one that would be made."""

from __future__ import annotations

import logging
import os
from typing import Optional, Sequence

_LOG = logging.getLogger("aciml")
_NAMES = {"2": ("swagger.json", "swagger2.json"), "3": ("swagger3.json",), "3.1": ("swagger3.1.json",)}
"""As in v1, which looks into the app root; the folder of the script is looked into after it."""


def read(version: str, folders: Sequence[str]) -> Optional[bytes]:
    """Return the user's own document for ``2``, ``3`` or ``3.1``, as it is; None without one or if it is no JSON."""
    import json

    for name in _NAMES[version]:
        for folder in folders:
            path = os.path.join(folder, name)
            try:
                with open(path, "rb") as file:
                    content = file.read()
                # only to see that it is JSON; it is sent as the user wrote it, order and spaces included
                json.loads(content)
            # the usual case is silent; a file that is there and no good is told, or nobody would know why ours is shown
            except FileNotFoundError:
                continue
            except (OSError, ValueError) as error:
                _LOG.warning("%s is not used: %s", path, error)
                continue
            return content
    return None
