"""Where wheels are on this machine, and where they are for everyone: the table ``wheels`` of the mirrors file."""

from __future__ import annotations

from ..settings import Settings
from .accounts import clean_url


def official_url(url: str, settings: Settings) -> str:
    """Return the URL that everyone knows, without an account; a lock file has this one."""
    return _moved(clean_url(url), {mirror: official for official, mirror in settings.wheels.items()})


def url_here(url: str, settings: Settings) -> str:
    """Return the URL to fetch a wheel of a lock file from on this machine."""
    return _moved(url, settings.wheels)


def _moved(url: str, places: dict[str, str]) -> str:
    for start, other in places.items():
        # with the slash: .../simple must not be taken for the start of .../simple-old
        if url.startswith(f"{start.rstrip('/')}/"):
            return other.rstrip("/") + url[len(start.rstrip("/")) :]
    return url
