"""Who this machine is to a package index. Accounts stay in memory: no URL that is kept or shown has one.

They come from where uv takes them: URLs in files that the section names, ``${NAME}`` in them, and the variables
``UV_INDEX_URL`` and its like. What has no account here is left to ``requests``, which reads ``~/.netrc``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from urllib.parse import unquote, urlsplit, urlunsplit

Account = tuple[str, str]

_URL = re.compile(r"https?://[^\s#;]+")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_PORTS = {"http": 80, "https": 443}
_INDEXES = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_FIND_LINKS")


def accounts_of(texts: Iterable[str], environ: Mapping[str, str]) -> dict[str, Account]:
    """Return user and password by ``realm_of`` the index.

    Args:
        texts: lines of requirements; ``${NAME}`` in them stands for a variable, as uv and pip have it.
        environ: variables of this process.
    """
    found: dict[str, Account] = {}
    settings = [environ.get(name, "") for name in _INDEXES]
    for text in [*texts, *settings]:
        # as pip and uv: a variable that is not set stays as it is written
        expanded = _VARIABLE.sub(lambda match: environ.get(match[1], match[0]), text)
        for url in _URL.findall(expanded):
            parts = urlsplit(url)
            if parts.username or parts.password:
                found.setdefault(realm_of(url), (unquote(parts.username or ""), unquote(parts.password or "")))
    for name, url in re.findall(r"(?:^|\s)([\w.-]+)=(\S+)", environ.get("UV_INDEX", "")):
        # uv, "Providing credentials directly": UV_INDEX_<NAME>_USERNAME and _PASSWORD
        known = "UV_INDEX_" + re.sub(r"\W", "_", name).upper()
        user, password = environ.get(f"{known}_USERNAME", ""), environ.get(f"{known}_PASSWORD", "")
        if user or password:
            found.setdefault(realm_of(url), (user, password))
    return found


def realm_of(url: str) -> str:
    """Return scheme, host and port: an account is shown to no other."""
    parts = urlsplit(url)
    # https://host and https://host:443 are one
    return f"{parts.scheme}://{parts.hostname}:{parts.port or _PORTS.get(parts.scheme, 0)}"


def clean_url(url: str) -> str:
    """Return the URL without its account."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))
