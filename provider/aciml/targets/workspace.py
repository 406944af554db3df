"""Where the plugin runs: what tells two clones of one stack apart, and two users of one Docker."""

from __future__ import annotations

import socket
from pathlib import Path

from .. import __version__
from ..core.ownership import Claim, Owner, digest_of

_DIGITS = 12


def this_workspace() -> str:
    """Return a hash of machine, user and the folder of Pulumi.yaml, in which the engine starts the plugin.

    It is no secret and tells nothing: labels have it, paths and names of people stay here.
    """
    # home stands for the user: two of them share one Docker, and perhaps one folder
    return digest_of(socket.gethostname(), str(Path.home()), str(Path.cwd()))[:_DIGITS]


def claim_of(urn: str, workspace: str, known_as: str | None = None) -> Claim:
    """Return the claim of a resource; see ``Claim`` for what state remembers."""
    return Claim(Owner(urn, workspace, __version__), known_as)
