"""Where a channel is on this machine, and what it is called everywhere."""

from __future__ import annotations

import re
from urllib.parse import urlsplit, urlunsplit

from ..settings import Settings

_PASSWORD = re.compile(r"://[^/\s@]+@")
_IN_PATH = re.compile(r"/t/[^/\s]+/")
_TOKEN = re.compile(r"^/t/[^/]+/")


def channel_url(name: str, settings: Settings) -> str:
    """Return the URL to fetch a channel from: its mirror if this machine has one, else where the name points."""
    from rattler import Channel

    official = canonical_url(name)
    # people write either into mirrors.toml
    for known in (name, official, channel_name(name)):
        if known in settings.channels:
            return settings.channels[known].rstrip("/")
    return Channel(_alias(name)).base_url.rstrip("/")


def canonical_url(name: str) -> str:
    """Return the URL that everyone knows the channel by, without a token or a password; no mirror is in it."""
    from rattler import Channel

    return Channel(_alias(channel_name(name))).base_url.rstrip("/")


def channel_name(name: str) -> str:
    """Return the name under which a channel is written down: short if it has one, without a token or a password."""
    from rattler import Channel

    if "://" not in name:
        return name.rstrip("/")
    parts = urlsplit(name)
    host = parts.netloc.rpartition("@")[2]
    path = _TOKEN.sub("/", parts.path).rstrip("/")
    url = urlunsplit((parts.scheme, host, path, "", ""))
    short = path.strip("/")
    # short only if rattler makes the same URL of it, so that it leads back
    known = bool(short) and parts.scheme == "https" and Channel(short).base_url.rstrip("/") == url
    return short if known else url


def redacted(text: str) -> str:
    """Return the text of an error without the passwords and tokens of URLs in it."""
    return _IN_PATH.sub("/t/***/", _PASSWORD.sub("://***@", text))


def _alias(name: str) -> str:
    """``defaults`` is several channels to conda; ``main`` is the one with packages for Linux."""
    return "main" if name == "defaults" else name
