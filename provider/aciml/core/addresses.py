"""Addresses that are none: ``https//host``, ``https:/host``, ``htps://host``. Source: RFC 3986, 3.1 and 3.2."""

from __future__ import annotations

import re

_BROKEN = re.compile(
    r"(?P<scheme>https?)(?P<sign>:/(?!/)|//(?=[\w-]+\.)|:(?=[\w-]+\.\w)|;//|:///+(?=[\w-]+\.))(?P<rest>\S*)"
)
_SLIPS = re.compile(r"(?:h+t+ps?|htt?sp|htpp|ttps?|httpps?|httpss|htpps?|hhttps?|hptts?|thtps?):/{1,2}(?P<rest>\S*)")


def meant_address(text: str) -> str:
    """Return the address that was meant; empty if the text is right, or nothing like one."""
    if found := _BROKEN.fullmatch(text):
        return f"{found['scheme']}://{found['rest'].lstrip('/')}"
    found = _SLIPS.fullmatch(text)
    scheme = text.partition(":")[0]
    return f"https://{found['rest'].lstrip('/')}" if found and scheme not in {"http", "https"} else ""
