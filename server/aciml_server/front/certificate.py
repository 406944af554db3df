"""When a certificate ends, read from its DER form: nothing of ``ssl`` is needed for it (RFC 5280, section 4.1)."""

from __future__ import annotations

import base64
import calendar
import os
import re
import time
from typing import Dict, List, Optional, Tuple

_PEM = re.compile(b"-----BEGIN CERTIFICATE-----(.+?)-----END", re.DOTALL)
_VALIDITY = 3
"""Number of the field in TBSCertificate, after its optional version."""
_known: Dict[str, Tuple[float, Optional[int]]] = {}


def expiry_of_file(path: str) -> Optional[int]:
    """Return the first certificate's end in seconds of the epoch; None if the file cannot be read.

    It is read again when it changed.
    """
    try:
        changed = os.stat(path).st_mtime
        if path not in _known or _known[path][0] != changed:
            with open(path, "rb") as file:
                _known[path] = (changed, expiry(file.read()))
        return _known[path][1]
    except OSError:
        return None


def expiry(pem: bytes) -> Optional[int]:
    """Return the end of the first certificate of a PEM text; None if there is none."""
    found = _PEM.search(pem)
    if found is None:
        return None
    try:
        certificate = _fields(base64.b64decode(found[1]))[0][1]
        fields = _fields(_fields(certificate)[0][1])
        if fields[0][0] == 0xA0:  # the version, which may be left out
            del fields[0]
        kind, when = _fields(fields[_VALIDITY][1])[1]
        # both have seconds and end in Z, whatever ASN.1 allows (RFC 5280, section 4.1.2.5)
        form = "%y%m%d%H%M%SZ" if kind == 0x17 else "%Y%m%d%H%M%SZ"  # UTCTime or GeneralizedTime
        return calendar.timegm(time.strptime(when.decode("ascii"), form))
    except (ValueError, IndexError):
        return None


def _fields(data: bytes) -> List[Tuple[int, bytes]]:
    """Split DER into its fields, each a tag and its content."""
    found, at = [], 0
    while at < len(data):
        tag, size, at = data[at], data[at + 1], at + 2
        if size & 0x80:
            more = size & 0x7F
            size, at = int.from_bytes(data[at : at + more], "big"), at + more
        found.append((tag, data[at : at + size]))
        at += size
    return found
