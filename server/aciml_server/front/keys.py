"""Key authentication: ``Authorization: Bearer <key>`` with two keys, so that one can be changed at a time."""

from __future__ import annotations

import json
import logging
from hmac import compare_digest
from typing import Any, Sequence, Tuple

from .watch import Watch

_LOG = logging.getLogger("aciml")


class Keys:
    """The keys that are good now: those of a file, which may be replaced at any time, or given ones."""

    def __init__(self, given: Sequence[bytes], path: str = "") -> None:
        """Keys of the file at ``path`` replace the given ones.

        Raises:
            ValueError: the file cannot be read or has no key; a service that should have keys does not start without.
        """
        self._path = path
        self._watch = Watch([path])
        self.known = read(path) if path else tuple(given)
        """None at all if everybody is let in."""

    def allowed(self, authorization: bytes) -> bool:
        """Tell if the header's value holds one of the keys; without keys everybody is allowed.

        All keys are compared, each in constant time (RFC 6750, section 2.1).
        """
        if not self.known:
            return True
        scheme, _, given = authorization.partition(b" ")
        given = given.strip()
        equal = False
        # no early end: the time must not tell which key was nearly right, or how many there are
        for known in self.known:
            equal |= compare_digest(given, known)
        return equal and scheme.lower() == b"bearer"  # in any case: RFC 9110, section 11.1

    def look(self) -> None:
        """Take what the file says now; if that is nothing, say so once, and keep what was."""
        if not self._watch.changed():
            return
        try:
            self.known = read(self._path)
        except ValueError as error:
            _LOG.error("%s; the keys stay as they were", error)  # a trace tells nothing more
            return
        _LOG.info("the keys were read again: %d of them", len(self.known))


def read(path: str) -> Tuple[bytes, ...]:
    """Read keys: one a line, or a JSON object such as ``{"primary": "...", "secondary": "..."}``.

    Raises:
        ValueError: the file cannot be read, has no key, or has another form.
    """
    try:
        with open(path, "rb") as stream:
            text = stream.read().strip()
    except OSError as error:
        raise ValueError("the keys in %s cannot be read: %s" % (path, error.strerror)) from None
    # a key that begins with a brace is told to be no JSON, rather than guessed at
    found = _named(path, text) if text.startswith(b"{") else [line.strip() for line in text.splitlines()]
    keys = tuple(key for key in found if key)
    if not keys:
        raise ValueError("there is no key in %s" % path)
    return keys


def _named(path: str, text: bytes) -> "list[bytes]":
    try:
        found: Any = json.loads(text.decode())
    except ValueError:
        raise ValueError("%s is neither JSON nor keys, one a line" % path) from None
    if not isinstance(found, dict) or not all(isinstance(key, (str, type(None))) for key in found.values()):
        raise ValueError('%s must be like {"primary": "...", "secondary": "..."}' % path)
    return [key.encode() for key in found.values() if key]
