"""HTTP with logging in, waiting and trying again; knows nothing of images."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from http.cookiejar import DefaultCookiePolicy
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar
from urllib.parse import urljoin, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase

from ..core.credentials import Credentials
from ..core.pace import Pace
from ..core.progress import Progress, Silent
from .auth import Login
from .errors import RegistryError, answered, is_page, no_registry, unreachable
from .hosts import account_for, base_url, is_local
from .limits import ClientLimits
from .pace import Effort
from .whole_head import POOLS

T = TypeVar("T")
_CONNECTIONS = 32  # kept open; more than the workers of a push


class Stream(Protocol):
    """A body of known length that is read once."""

    def __len__(self) -> int:
        """Return its length, bytes."""

    def __iter__(self) -> Iterator[bytes]:
        """Iterate over its blocks."""

    def read(self, size: int, /) -> bytes:
        """Return at most ``size`` bytes; empty at the end."""


@dataclass(frozen=True)
class Ask:
    """One request. ``url`` is absolute or a path; ``what`` names the object for errors; ``accept`` are good answers."""

    method: str
    url: str
    what: str
    scope: tuple[str, ...] = ()
    accept: tuple[int, ...] = (200,)
    headers: dict[str, str] = field(default_factory=dict)
    query: dict[str, str] = field(default_factory=dict)
    body: bytes | Stream | None = None
    stream_answer: bool = False
    hasty: bool = False
    """Nothing hangs on the answer: it is not waited for."""

    @property
    def can_repeat(self) -> bool:
        """Say whether the body can be sent once more."""
        return self.body is None or isinstance(self.body, bytes)


class _Adapter(HTTPAdapter):
    """Sends bodies in large blocks (urllib3 alone: 16 KiB at a time), and takes no half of a head for an answer."""

    def __init__(self, block: int) -> None:
        self._block = block
        # requests keeps ten; more at once would open and close a connection each
        super().__init__(pool_connections=_CONNECTIONS, pool_maxsize=_CONNECTIONS)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs, blocksize=self._block)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def proxy_manager_for(self, proxy: Any, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs, blocksize=self._block)
        manager.pool_classes_by_scheme = POOLS
        return manager


class _Header(AuthBase):
    """Sets the header, or none; being there, it keeps requests from looking into ~/.netrc."""

    def __init__(self, header: str) -> None:
        self._header = header

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._header:
            request.headers["Authorization"] = self._header
        return request


class Transport:
    """The way to one registry; safe to use from several threads."""

    def __init__(
        self,
        host: str,
        credentials: Credentials,
        *,
        ca_bundle: Path | None,
        mirror: str,
        limits: ClientLimits,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        """Prepare connections; none is opened yet."""
        self.host, self.limits, self._pace = host, limits, pace or Pace(wait, clock)
        self._thread = threading.local()  # the effort that this thread's requests are a part of
        self.base = base_url(host, mirror)
        self.login = Login(host, account_for(credentials, mirror), self._fetch_token, clock)
        self._verify: bool | str = str(ca_bundle) if ca_bundle else True
        self._session = requests.Session()
        self._session.trust_env = not is_local(urlsplit(self.base).netloc)  # no proxy on the way to this machine
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))  # cookies are shared, hence unsafe
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Adapter(limits.block))

    def close(self) -> None:
        """Close all connections."""
        self._session.close()

    def send(self, ask: Ask, progress: Progress | None = None) -> requests.Response:
        """Send a request and return one of the answers it accepts; the caller closes it if it streams.

        Raises:
            RegistryError: another answer, or none, after some tries; a body that streams is sent once only.
        """
        if not ask.can_repeat:
            return self._send_once(ask, progress)
        return self.retry(lambda _: self._send_once(ask, progress), lambda error: error.temporary, progress)

    def send_in_passing(self, ask: Ask) -> None:
        """Send a request once, and let be whatever comes of it."""
        try:
            self._send_once(replace(ask, hasty=True)).close()
        except RegistryError:
            return

    def send_plainly(self, ask: Ask, progress: Progress | None = None) -> requests.Response:
        """Send a request without logging in, otherwise like ``send``; its body can be repeated.

        Raises:
            RegistryError: another answer than those it accepts, or none, after some tries.
        """

        def once(_: int) -> requests.Response:
            response = self._exchange(ask, self.base + ask.url, "")
            if response.status_code in ask.accept:
                return response
            with response:
                raise answered(self.host, response, ask.what, "", ask.scope)

        return self.retry(once, lambda error: error.temporary, progress)

    def retry(
        self, action: Callable[[int], T], again: Callable[[RegistryError], bool], progress: Progress | None = None
    ) -> T:
        """Call ``action`` with 1, 2, ... until it returns, fails for good, or tries run out; pause in between.

        Tries of requests inside of ``action`` count as tries of the whole.
        """
        outer: Effort | None = getattr(self._thread, "effort", None)
        self._thread.effort = outer or Effort(began=self._pace.rounds)
        try:
            made = self._tried(action, again, progress)
        finally:
            self._thread.effort = outer
        if outer is None:  # a request of an upload that goes well is no upload that does
            self._pace.came_forward()
        return made

    def _tried(
        self, action: Callable[[int], T], again: Callable[[RegistryError], bool], progress: Progress | None
    ) -> T:
        attempt = 1
        while True:
            try:
                return action(attempt)
            except RegistryError as error:
                # the number too: an upload that comes forward and is lost, again and again, has to end
                if not again(error):
                    raise
                if attempt >= self.limits.attempts:
                    raise error.after(attempt, self._thread.effort.lost) from error.__cause__
                self.pause(error, progress)
            attempt += 1

    def pause(self, error: RegistryError, progress: Progress | None = None) -> None:
        """Wait as long as the registry asked for, else 0.5, 1, 2, 4 seconds; ctrl-C ends it within a second.

        Raises:
            RegistryError: the error itself, if this thread's work has been tried often or long enough.
        """
        listener, effort = progress or Silent(), getattr(self._thread, "effort", None) or Effort()
        left = effort.failed(error, self.limits)
        effort.look(self._pace.rounds_since(effort.began), self.limits)
        listener.say(f"{error.message}; trying again in {left:.0f} s")
        self._pace.hold(left, listener.checkpoint)

    def came_forward(self) -> None:
        """Take note that a part of the work is done for good: tries are counted from here."""
        if effort := getattr(self._thread, "effort", None):
            effort.tries, effort.lost = 0, 0.0
        self._pace.came_forward()

    def take_retries(self) -> str:
        """Return ``3 retries, 14 s`` for what was tried again since the last call; empty if nothing was."""
        return self._pace.take_line()

    def resolve(self, ask_url: str, location: str) -> str:
        """Return the absolute URL of a ``Location``; a registry behind a TLS proxy may call itself http."""
        # a Location may be relative (RFC 9110, 10.2.2)
        url = urljoin(ask_url, location)
        if url.startswith("http://") and self._is_ours(url):
            return self.base.partition(":")[0] + url[len("http") :]
        return url

    def _is_ours(self, url: str) -> bool:
        return urlsplit(url).netloc == urlsplit(self.base).netloc

    def _send_once(self, ask: Ask, progress: Progress | None = None) -> requests.Response:
        mark = 0 if ask.hasty else self._pace.enter((progress or Silent()).checkpoint)
        # while this thread waited for its turn others may have found that the host stays as it is
        if (effort := getattr(self._thread, "effort", None)) and not ask.hasty:
            effort.look(self._pace.rounds_since(effort.began), self.limits)
        rounds = self._pace.rounds
        try:
            response = self._answer(ask)
        except RegistryError as error:
            if not error.temporary:
                self._pace.good(mark)
            elif not ask.hasty:
                self._pace.failed(rounds)
            raise
        self._pace.good(mark)
        return response

    def _answer(self, ask: Ask) -> requests.Response:
        url = ask.url if "://" in ask.url else self.base + ask.url
        ours = self._is_ours(url)  # an upload may go to another host, which gets no password
        sent = self.login.header(ask.scope) if ours else ""
        response = self._exchange(ask, url, sent)
        # the first 401 says which scheme and which realm (RFC 9110, 11.6.1); nobody is logged in before
        if response.status_code == 401 and ours:
            self.login.learn(response, ask.scope, sent)
            # a body that streams is used up by now; the next attempt opens it anew, with what was learnt
            fresh = self.login.header(ask.scope) if ask.can_repeat else sent
            if fresh != sent:
                response.close()
                response = self._exchange(ask, url, fresh)
        # a HEAD too says what its body would be; a storage elsewhere answers as it likes
        if response.status_code == 200 and ours and is_page(response):
            with response:
                raise no_registry(self.host, response, ask.what)
        if response.status_code in ask.accept:
            return response
        with response:
            raise self.login.refusal(response, ask.what, ask.scope)

    def _exchange(self, ask: Ask, url: str, authorization: str) -> requests.Response:
        # urllib3 bounds each write by the connect timeout; a body may stall longer than a connection.
        connect = self.limits.connect if ask.can_repeat else self.limits.idle
        idle = self.limits.connect if ask.hasty else self.limits.idle
        try:
            return self._session.request(
                ask.method,
                url,
                params=ask.query,
                data=ask.body,
                # identity: requests undoes gzip by itself, and a blob's bytes have to be those that its digest names
                headers={"User-Agent": "aciml", "Accept-Encoding": "identity", **ask.headers},
                auth=_Header(authorization),
                timeout=(connect, idle),
                verify=self._verify,
                stream=ask.stream_answer,
                # blobs are often redirected to a storage service; the Location of an upload is an answer, to be read
                allow_redirects=ask.method in ("GET", "HEAD"),
            )
        except requests.RequestException as error:
            raise unreachable(self.host, url, error, self.limits.idle) from error
        except OSError as error:
            # requests looks for the bundle before it asks; any other is of the file that is sent, and whoever opened it
            if "TLS CA certificate bundle" not in str(error):
                raise
            raise unreachable(self.host, url, error) from error

    def _fetch_token(
        self, url: str, pairs: list[tuple[str, str]], authorization: str, method: Literal["GET", "POST"] = "GET"
    ) -> requests.Response:
        try:
            return self._session.request(
                method,
                url,
                params=pairs if method == "GET" else None,
                data=pairs if method == "POST" else None,
                allow_redirects=method == "GET",  # a form may hold an identity token, which is for this server alone
                headers={"User-Agent": "aciml"},
                auth=_Header(authorization),
                timeout=(self.limits.connect, self.limits.idle),
                verify=self._verify,
            )
        except requests.RequestException as error:
            raise unreachable(f"the token server of {self.host}", url, error) from error
