"""Key authentication: ``Authorization: Bearer <key>`` with two keys, so that one can be changed at a time."""

from __future__ import annotations

import hmac
from typing import Sequence


def allowed(keys: Sequence[bytes], authorization: bytes) -> bool:
    """Tell if the header's value holds one of the keys; without keys everybody is allowed.

    All keys are compared, in constant time (RFC 6750, section 2.1).
    """
    if not keys:
        return True
    scheme, _, key = authorization.strip().partition(b" ")
    given = key.strip()
    equal = False
    for known in keys:
        equal |= hmac.compare_digest(given, known)
    return equal and scheme.lower() == b"bearer"
