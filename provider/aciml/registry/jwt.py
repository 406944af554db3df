"""When a JSON Web Token ends. Its signature is the server's affair: here it only decides when to ask for the next one.

Source: RFC 7519 section 4.1.
"""

from __future__ import annotations

import base64
import json


def life(token: str, now: float) -> float | None:
    """Return for how many seconds a token is good, from now on; None if it does not say.

    Args:
        token: just issued; then its own span counts, and a clock that goes wrong on this machine does no harm.
        now: seconds since 1970, for tokens that name only their end.
    """
    try:
        middle = token.split(".")[1]
        # the parts of a token come without padding (RFC 7515, 2), and Python wants it
        claims = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
        # both are optional (RFC 7519, 4.1.5 and 4.1.6)
        start = claims.get("iat", claims.get("nbf", now))
        return float(claims["exp"]) - float(start)
    except (IndexError, KeyError, TypeError, ValueError, AttributeError):
        return None
