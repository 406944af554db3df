"""Fetch wheels by their hash into this machine's cache."""

from __future__ import annotations

import hashlib
import itertools
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from ..blobs.presence import Presence
from ..core.clock import about_clock
from ..core.errors import OutageError
from ..core.pace import Paces, seconds_asked
from ..core.pip_package import PipPackage
from ..core.progress import Progress
from ..settings import Settings
from .accounts import clean_url
from .uv import ACCOUNT

if TYPE_CHECKING:
    import requests

AT_ONCE = 8
"""Wheels that are fetched at once."""

_BLOCK = 1 << 18
TIMEOUT = (10.0, 60.0)
"""Seconds to connect, and of silence."""

_PAUSES = (0.3, 1.0, 3.0)  # seconds before each further try
_PATIENCE = 60.0  # seconds; the longest Retry-After that is obeyed
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_GONE = frozenset({401, 403, 404, 410})
_LOOK = "look at the index, then try again"
_AGAIN = "run the same command again: the index is asked anew"


class WheelGoneError(OutageError):
    """A wheel is not to be had where it was; the index has to be asked where it is now."""


class _Interrupted(Exception):
    """Trying again can help; ``retry_after`` seconds are asked for by who is asked."""

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after = retry_after


def fetch(
    packages: tuple[PipPackage, ...],
    *,
    settings: Settings,
    progress: Progress,
    wait: Callable[[float], None] | None = None,
) -> list[Path]:
    """Return the wheels' files, in order; what is in the cache is not fetched again.

    Args:
        packages: what to fetch.
        settings: for the cache and the certificate bundle.
        progress: told which wheel is next, and asked whether to stop.
        wait: called with seconds between two tries, instead of the pace that all who ask a host share.

    Raises:
        WheelGoneError: a wheel is not where it was, or is refused.
        OutageError: the index does not answer, even after some tries, or answers with other bytes than were pinned.
    """
    presence = Presence.of(settings.cache)
    files = [kept_path(package, settings) for package in packages]
    missing = [
        (package, path)
        for package, path in zip(packages, files, strict=True)
        if not presence.use(path.parent) or not _is_whole(path, package)
    ]
    if not missing:
        return files
    sessions, at_once = threading.local(), min(AT_ONCE, len(missing))
    opened: list[requests.Session] = []
    count = itertools.count(1)
    paces = Paces(wait, time.monotonic) if wait else settings.paces

    def bring(row: tuple[PipPackage, Path]) -> None:
        progress.checkpoint()
        if not hasattr(sessions, "own"):  # a session is for one thread
            sessions.own = new_session(settings)
            opened.append(sessions.own)
        progress.say(f"fetching {row[0].file_name} ({next(count)} of {len(missing)})")
        row[1].parent.mkdir(parents=True, exist_ok=True)
        _fetch(row[0], row[1], sessions.own, progress, paces, settings.cache)

    pool = ThreadPoolExecutor(at_once, thread_name_prefix="wheels")
    try:
        # big ones first: at the end no thread has a long one alone
        for done in pool.map(bring, sorted(missing, key=lambda row: -row[0].size)):
            assert done is None  # noqa: S101  # the first that failed raises here
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        for session in opened:
            session.close()
    return files


def download(package: PipPackage, *, settings: Settings, progress: Progress) -> Path:
    """Return an archive's file, kept by its hash.

    Args:
        package: its ``url`` and ``account``; without ``sha256`` any bytes are right.
        settings: for the cache and the certificate bundle.
        progress: asked whether to stop.

    Raises:
        OutageError: its host does not answer, or has other bytes or none.
    """
    home = settings.cache / "wheels"
    if package.sha256 and _is_whole(kept_path(package, settings), package):
        return kept_path(package, settings)
    with tempfile.TemporaryDirectory(prefix="aciml-") as name, new_session(settings) as session:
        path = Path(name) / package.file_name
        _fetch(package, path, session, progress, settings.paces, settings.cache)
        folder = home / hashlib.sha256(path.read_bytes()).hexdigest()
        with Presence.of(settings.cache).new_file(folder) as (sink, new):
            sink.write(path.read_bytes())
            sink.flush()
            new.replace(folder / package.file_name)
        return folder / package.file_name


def kept_path(package: PipPackage, settings: Settings) -> Path:
    """Return where a wheel is kept, or would be."""
    # by content, and below it by name: distribution and version are read in the name
    return settings.cache / "wheels" / package.sha256 / package.file_name


def _is_whole(path: Path, package: PipPackage) -> bool:
    """Tell whether a wheel is kept; one that a full disk or a power cut has cut short is not."""
    return path.is_file() and package.size in (0, path.stat().st_size)


def new_session(settings: Settings) -> requests.Session:
    """Return a session that trusts the machine's certificates and takes files as they are."""
    # here, and below: HTTP is slow to load, and what is pinned and made is not fetched
    import requests

    session = requests.Session()
    session.verify = str(settings.ca_bundle) if settings.ca_bundle else True
    session.headers["Accept-Encoding"] = "identity"  # the hash is of the file as it is
    return session


def _fetch(
    package: PipPackage, path: Path, session: requests.Session, progress: Progress, paces: Paces, cache: Path
) -> None:
    where = urlsplit(package.url).netloc.rpartition("@")[2]
    pace = paces.of(where)
    for number, pause in enumerate((*_PAUSES, None), start=1):
        mark = pace.enter(progress.checkpoint)
        try:
            _fetch_once(package, path, session, progress, cache)
        except _Interrupted as error:
            # who is asked to wait for an hour wants to know it, not to wait
            if pause is None or error.retry_after > _PATIENCE:
                times = f", asked {number} times" if number > 1 else ""
                message = f"{urlsplit(package.url).hostname} does not give {package.file_name}{times}: {error}"
                raise OutageError(message, "look at the network, then try again") from error.__cause__
            progress.say(f"fetching {package.file_name} again in {error.retry_after or pause:.0f} s")
            pace.hold(error.retry_after or pause, progress.checkpoint)
        except OutageError:
            pace.good(mark)  # it answered, and what it said is not about its load
            raise
        else:
            pace.good(mark)
            return


def _fetch_once(package: PipPackage, path: Path, session: requests.Session, progress: Progress, cache: Path) -> None:
    digest = hashlib.sha256()
    with Presence.of(cache).new_file(path.parent) as (sink, name):
        for block in _blocks(package, session):
            progress.checkpoint()
            digest.update(block)
            sink.write(block)
        if package.sha256 and digest.hexdigest() != package.sha256:
            # an index may have put another file under the name; it knows where the right one is, or that there is none
            wanted = f"sha256 {package.sha256} expected, {digest.hexdigest()} got"
            raise WheelGoneError(f"{clean_url(package.url)} gave other bytes than were pinned: {wanted}", _AGAIN)
        sink.flush()
        name.replace(path)


def _blocks(package: PipPackage, session: requests.Session) -> Iterator[bytes]:
    import requests
    from requests import exceptions

    parts = urlsplit(package.url)
    if parts.scheme == "file":
        yield from _of_file(Path(unquote(parts.path)))
        return
    try:
        with session.get(package.url, stream=True, timeout=TIMEOUT, auth=package.account) as answer:
            _judge(answer, package)
            yield from answer.iter_content(_BLOCK)
    # first: to requests it is a ConnectionError, and trying again would not help
    except exceptions.SSLError as error:
        if "wrong version number" in str(error).lower().replace("_", " "):
            message = f"{parts.netloc.rpartition('@')[2]} does not speak https"
            raise OutageError(message, "look at the index, which names that address") from error
        clock = about_clock(str(error), datetime.now(UTC))
        advice = clock or "give the certificate bundle by caBundle or SSL_CERT_FILE"
        raise OutageError(f"the certificate of {parts.hostname} is not trusted", advice) from error
    except (exceptions.ConnectionError, exceptions.Timeout, exceptions.ChunkedEncodingError) as error:
        raise _Interrupted(_why(error)) from error
    except requests.RequestException as error:
        why = "it sends every request on in a circle" if isinstance(error, exceptions.TooManyRedirects) else str(error)
        raise OutageError(f"{parts.hostname} does not give {package.file_name}: {why}", _LOOK) from error
    except OSError as error:
        # requests looks for the bundle before it asks; any other is of the disk, and whoever opened the cache tells it
        if "TLS CA certificate bundle" not in str(error):
            raise
        raise OutageError(f"{parts.hostname} is not asked: {error}", "mend caBundle, or SSL_CERT_FILE") from error


def _why(error: requests.RequestException) -> str:
    """Say in words what happened to a request that may go well another time."""
    from requests import exceptions

    words = str(error)
    kinds = (
        (isinstance(error, exceptions.ProxyError), "the proxy does not let it through (HTTPS_PROXY, NO_PROXY)"),
        (any(sign in words for sign in ("NameResolution", "Failed to resolve")), "its name is not known"),
        ("refused" in words, "the connection is refused"),
        ("unreachable" in words, "no way leads there from this network"),
        (isinstance(error, exceptions.Timeout) or "timed out" in words, "it said nothing for too long"),
    )
    return next((said for applies, said in kinds if applies), "it closed the connection in the middle")


def _judge(answer: requests.Response, package: PipPackage) -> None:
    status = answer.status_code
    if status < 300:
        # the page of a proxy, or of a login to a network; its hash would only say that it is another file
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            message = f"{urlsplit(package.url).hostname} answered with a web page to {package.file_name}"
            raise OutageError(message, "look whether this network wants a login or has a proxy (HTTPS_PROXY)")
        return
    if status in _TEMPORARY:
        asked = seconds_asked(answer.headers.get("Retry-After", ""), time.time())
        wish = f" and asks to wait {asked:.0f} s" if asked > _PATIENCE else ""
        # 429 without it (RFC 6585, 4) still says "too many": never more than one question a second
        raise _Interrupted(f"it answered {status}{wish}", asked or (1.0 if status == 429 else 0.0))
    message = f"{urlsplit(package.url).hostname} answered {status} to {package.file_name}"
    if status in _GONE:
        raise WheelGoneError(message, ACCOUNT if status in (401, 403) else _AGAIN)
    raise OutageError(message, _LOOK)


def _of_file(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as source:
            while block := source.read(_BLOCK):
                yield block
    except OSError as error:
        raise WheelGoneError(f"{path} cannot be read: {error.strerror}", _AGAIN) from error
