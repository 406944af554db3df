"""Where a channel is on this machine, and what it is called everywhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from urllib.parse import urlsplit, urlunsplit

from ..core.account_in_url import VARIABLE, variables_in
from ..core.errors import UserError
from ..core.meant import either
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
        if known in settings.private_channels:
            return settings.private_channels[known]
    return Channel(_alias(name)).base_url.rstrip("/")


def with_accounts(settings: Settings, channels: Iterable[str], environ: Mapping[str, str]) -> Settings:
    """Return settings that reach channels whose URLs speak of variables: ``https://user:${TOKEN}@host/channel``.

    Args:
        settings: of this machine.
        channels: as a conda file lists them.
        environ: variables of this machine.

    Raises:
        UserError: a variable is not set.
    """
    found: dict[str, str] = {}
    for channel in channels:
        names = variables_in(channel)
        if lacking := [name for name in names if name not in environ]:
            why = f"channel {channel} needs the variable {either(lacking)}, which is not set"
            raise UserError(why, "set it where pulumi runs")
        if names:
            found[channel_name(channel)] = VARIABLE.sub(lambda match: environ[match["name"]], channel).rstrip("/")
    return replace(settings, private_channels=found) if found else settings


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
