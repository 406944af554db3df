"""Key authentication: ``Authorization: Bearer <key>`` with two keys, so that one can be changed at a time."""

from __future__ import annotations

import hmac
from typing import Sequence


def allowed(keys: Sequence[bytes], authorization: str) -> bool:
    """Tell if the header's value holds one of the keys; without keys everybody is allowed.

    All keys are compared, in constant time (RFC 6750, section 2.1).
    """
    scheme, _, key = authorization.strip().partition(" ")
    given = key.strip().encode("latin-1", "replace")  # http.server decodes headers as latin-1
    equal = [hmac.compare_digest(given, known) for known in keys]
    return not keys or (scheme.lower() == "bearer" and any(equal))
