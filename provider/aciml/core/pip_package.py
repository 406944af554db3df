"""A wheel that an environment has, as a value that all share."""

from __future__ import annotations

from dataclasses import field

from .lean import lean

PIP = "pip/"
"""How a line of an environment's input ``lock`` begins that is a wheel."""


@lean(frozen=True)
class PipPackage:
    """A wheel: ``sha256`` names its bytes.

    ``url`` is where this machine gets it, without an account; ``account`` (user, password) is for that URL and is
    written nowhere.
    Neither is a part of what the wheel is. ``size`` in bytes follows from ``sha256``; 0 if nobody has said it yet.
    """

    name: str
    version: str
    file_name: str
    sha256: str
    url: str = field(default="", compare=False, repr=False)
    size: int = field(default=0, compare=False)
    account: tuple[str, str] | None = field(default=None, compare=False, repr=False)
