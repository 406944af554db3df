"""Accounts in URLs: what is one, what is none, and a text without it.

``https://user:${TOKEN}@host`` names a variable of the machine, ``git+ssh://git@host`` and ``https://user@host`` name a
user: none of them is a secret. ``https://user:hush@host`` and ``https://host/t/hush/channel`` are.
"""

from __future__ import annotations

import re

_USER_INFO = re.compile(r"(?P<before>://)(?P<user>[^/\s:@]*)(?P<password>:[^/\s@]*)?@")
_IN_PATH = re.compile(r"(?P<before>://[^\s]*?/t/)(?P<token>[^/\s]+)(?=/|$)")  # anaconda.org, quetz
VARIABLE = re.compile(r"\$\{(?P<name>[A-Za-z_][A-Za-z0-9_]*)\}")
# as long and as mixed as tokens are, and no name of a person: GitHub takes one in place of a user
_LIKE_TOKEN = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[A-Za-z0-9_-]{20,}")


def has_account(text: str) -> bool:
    """Tell whether a URL in the text has a password or token that is written out."""
    return any(_is_secret(found) for found in _USER_INFO.finditer(text)) or any(
        not VARIABLE.fullmatch(found["token"]) for found in _IN_PATH.finditer(text)
    )


def without_secret(text: str) -> str:
    """Return the text with ``***`` where a password or token is written out; variables and users stay."""
    text = _USER_INFO.sub(lambda found: f"{found['before']}***@" if _is_secret(found) else found[0], text)
    return _IN_PATH.sub(lambda found: found[0] if VARIABLE.fullmatch(found["token"]) else f"{found['before']}***", text)


def variables_in(text: str) -> list[str]:
    """Return the names of the variables that a text speaks of, as ``${NAME}``."""
    return [found["name"] for found in VARIABLE.finditer(text)]


def _is_secret(found: re.Match[str]) -> bool:
    password = (found["password"] or "").removeprefix(":")
    if password:
        return not VARIABLE.fullmatch(password)
    return bool(_LIKE_TOKEN.fullmatch(found["user"]))
