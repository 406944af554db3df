"""Package indexes: which there are, in which order they are asked, and which packages are on more than one.

A private index beside a public one is a way in for strangers: who puts a package of a private name on the public index
has it installed, if the resolver takes the best version of all ("dependency confusion"; pip issue 8606, uv's page
"Package indexes"). uv's default takes a package from the first index that has its name.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ..core.errors import UserError
from ..core.pip_package import PipPackage
from ..core.progress import Progress
from ..settings import Settings
from .accounts import Account, accounts_of, clean_url, realm_of
from .fetch import TIMEOUT, new_session

if TYPE_CHECKING:
    import requests

FIRST, BEST, REFUSE = "first-index", "unsafe-best-match", "refuse"
STRATEGIES = (FIRST, BEST, REFUSE)
"""Words for ``indexStrategy``: the first two are uv's; the last is the first, and no package may be on two indexes."""

DEFAULT = "https://pypi.org/simple"

_OPTION = re.compile(r"(?P<name>-i|--index-url|--extra-index-url|--no-index)(?:[ =]\s*(?P<url>\S+))?")
_VARIABLE = re.compile(r"\$\{([A-Z0-9_]+)\}")
_LOOKERS = 16  # questions at once
_NAMED = 5  # packages that are named one by one


@dataclass(frozen=True)
class Index:
    """An index by its URL without an account."""

    url: str
    account: Account | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Shared:
    """A package that several indexes have, in the order in which they are asked."""

    name: str
    urls: tuple[str, ...]


def indexes_of(lines: Iterable[str], environ: Mapping[str, str]) -> list[Index]:
    """Return the indexes in the order in which uv asks them.

    First those that are more (``UV_INDEX``, ``UV_EXTRA_INDEX_URL``, then ``--extra-index-url``), at the end the main
    one (``UV_DEFAULT_INDEX`` or ``UV_INDEX_URL``, then ``--index-url``, else PyPI), as tried with uv 0.13.

    Args:
        lines: of requirements, and of the files that they name.
        environ: variables of this process.
    """
    rows = list(lines)
    options = [found for text in rows if (found := _OPTION.match(text))]
    if any(found["name"] == "--no-index" for found in options):
        return []
    # `name=url` is uv's form for an index with a name
    more = [
        word.partition("=")[2] if re.match(r"[\w.-]+=", word) else word for word in environ.get("UV_INDEX", "").split()
    ]
    more += environ.get("UV_EXTRA_INDEX_URL", "").split()
    more += [found["url"] for found in options if found["name"] == "--extra-index-url" and found["url"]]
    main = [environ.get("UV_DEFAULT_INDEX", ""), environ.get("UV_INDEX_URL", "")]
    main += [found["url"] for found in options if found["name"] in ("-i", "--index-url") and found["url"]]
    # the first that is said: variables before options, as uv has it
    urls = [*more, next((url for url in main if url), DEFAULT)]
    accounts = accounts_of(rows, environ)
    clean = [clean_url(_VARIABLE.sub(lambda found: environ.get(found[1], found[0]), url)).rstrip("/") for url in urls]
    return [Index(url, accounts.get(realm_of(url))) for url in dict.fromkeys(clean)]


def order_note(indexes: Sequence[Index], strategy: str) -> str:
    """Say in which order several indexes are asked, and from which a package comes; empty with one."""
    if len(indexes) < 2:
        return ""
    rule = (
        "the best version of all is taken" if strategy == BEST else "a package comes from the first that has its name"
    )
    return f"indexes in the order in which they are asked: {', '.join(one.url for one in indexes)}; {rule}"


def find_shared(
    packages: Sequence[PipPackage], indexes: Sequence[Index], settings: Settings, progress: Progress
) -> list[Shared]:
    """Return the packages that more than one index has; each index is asked for each name. None with one index.

    An index that does not answer has nothing: it was asked a moment ago, and then its answer counted.
    """
    if len(indexes) < 2 or not packages:
        return []
    progress.say(f"looking for {len(packages)} packages on {len(indexes)} indexes")
    pairs = [(package.name, index) for package in packages for index in indexes]

    def look(pair: tuple[str, Index]) -> bool:
        progress.checkpoint()
        return _has(*pair, settings)

    with ThreadPoolExecutor(_LOOKERS, thread_name_prefix="indexes") as lookers:
        found = [pair for pair, there in zip(pairs, lookers.map(look, pairs), strict=True) if there]
    places: dict[str, list[str]] = {}
    for name, index in found:
        places.setdefault(name, []).append(index.url)
    return [Shared(name, tuple(urls)) for name, urls in sorted(places.items()) if len(urls) > 1]


# PEP 691; some servers answer nothing else, others HTML alone
_ACCEPT = {"Accept": "application/vnd.pypi.simple.v1+json, text/html;q=0.5"}


@contextmanager
def _asked_for(name: str, index: Index, settings: Settings) -> Iterator[requests.Response]:
    """Ask an index for the page of a name; of the answer only the head is read, since pages have megabytes."""
    with (
        new_session(settings) as session,
        session.get(
            f"{index.url}/{name}/", stream=True, timeout=TIMEOUT, auth=index.account, headers=_ACCEPT
        ) as answer,
    ):
        yield answer


def _has(name: str, index: Index, settings: Settings, *, files: bool = True) -> bool:
    """Tell whether an index has a page for a name; without ``files`` one that names no file at all."""
    # here: HTTP is slow to load, and an unchanged section asks no index
    import requests

    try:
        with _asked_for(name, index, settings) as answer:
            if answer.status_code != 200 or files:
                return answer.status_code == 200
            start = answer.raw.read(_START, decode_content=True)
            return not any(ending in start for ending in (b".whl", b".tar.gz", b".zip"))
    except requests.RequestException:
        return False


_LARGEST = 64 << 20  # bytes of a page that are read


def page_of(name: str, index: Index, settings: Settings) -> str:
    """Return an index's page of a package, JSON or HTML; empty if it has none, or does not answer."""
    import requests

    try:
        with _asked_for(name, index, settings) as answer:
            if answer.status_code != 200:
                return ""
            return answer.raw.read(_LARGEST, decode_content=True).decode("utf-8", "replace")
    except (requests.RequestException, OSError):
        return ""


_START = 1 << 20  # bytes of a page that are looked through for a file
_NOBODYS = "aciml-asks-for-what-no-index-has"
"""A name that no index has: whoever has a page of it has one of anything."""


def stranger(name: str, indexes: Sequence[Index], settings: Settings) -> str:
    """Return the first index that answers to any name with the same kind of page, as a login does; empty if none does.

    Args:
        name: of a package of whose page an index has been asked, and that had no files.
        indexes: those that were asked.
        settings: for the certificate bundle.
    """
    # some private indexes answer 200 with an empty list to any name: they have files for the names that they know
    found = (one for one in indexes if _has(name, one, settings, files=False) and _has(_NOBODYS, one, settings))
    return next((one.url for one in found), "")


def shared_note(shared: Sequence[Shared], strategy: str) -> str:
    """Say which packages are on several indexes and where they come from; empty without such."""
    if not shared:
        return ""
    named = "; ".join(_place(one, strategy) for one in shared[:_NAMED])
    more = f"; and {len(shared) - _NAMED} more" if len(shared) > _NAMED else ""
    count = "1 package is" if len(shared) == 1 else f"{len(shared)} packages are"
    return f"{count} on several indexes: {named}{more} (indexStrategy)"


def refuse_shared(shared: Sequence[Shared]) -> None:
    """Let no package be on two indexes.

    Raises:
        UserError: one is.
    """
    if shared:
        advice = "take it from one index alone, or write indexStrategy: first-index if the first is the right one"
        raise UserError(f"pip: {shared_note(shared, REFUSE).removesuffix(' (indexStrategy)')}", advice)


def _place(one: Shared, strategy: str) -> str:
    others = " and ".join(one.urls[1:])
    if strategy == FIRST:
        return f"{one.name} is taken from {one.urls[0]}, and is on {others}, too"
    return f"{one.name} is on {one.urls[0]} and {others}"


def ask_indexes(
    lines: Sequence[str], packages: Sequence[PipPackage], strategy: str, settings: Settings, progress: Progress
) -> None:
    """Say the order of several indexes, and which packages more than one has.

    Raises:
        UserError: one has, and the strategy is to refuse that.
    """
    indexes = indexes_of(lines, os.environ)
    if order := order_note(indexes, strategy):
        progress.note(order)
    shared = find_shared(packages, indexes, settings, progress)
    if strategy == REFUSE:
        refuse_shared(shared)
    if note := shared_note(shared, strategy):
        progress.warn(note)
