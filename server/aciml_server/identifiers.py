"""The three request ids of the v1 contract."""

from __future__ import annotations

import uuid
from typing import Dict, Mapping, Tuple

REQUEST, LEGACY, CLIENT = "x-request-id", "x-ms-request-id", "x-ms-client-request-id"
LIMIT = 100
"""Characters of an id; a longer one is refused with 431."""


def identify(headers: Mapping[str, str]) -> Tuple[Dict[str, str], str]:
    """Return the ids to send back, and why the request is refused (empty if it is not).

    ``x-request-id`` is echoed or new; ``x-ms-request-id`` is echoed, else the client's id, else the request's;
    ``x-ms-client-request-id`` is echoed or copied from ``x-ms-request-id``. An id that cannot be sent back is not.
    """
    given = {name: headers[name] for name in (REQUEST, LEGACY, CLIENT) if headers.get(name)}
    wrong = ""
    for name, value in list(given.items()):
        if len(value) > LIMIT or not (value.isascii() and value.isprintable()):
            wrong = wrong or "%s must have at most %d printable ASCII characters" % (name, LIMIT)
            del given[name]
    request = given.get(REQUEST) or str(uuid.uuid4())
    legacy = given.get(LEGACY) or given.get(CLIENT) or request
    sent = {REQUEST: request, LEGACY: legacy}
    client = given.get(CLIENT) or given.get(LEGACY)
    if client:
        sent[CLIENT] = client
    return sent, wrong
