"""Requests to a service that was just started: does it answer, and does a sample request get what it should?

The same for every target. Proxies of the environment are used for public addresses alone; redirects are not followed.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import ssl
import urllib.request
from collections.abc import Mapping
from dataclasses import field
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.parse import urlsplit

from ..core.lean import lean
from ..model.rollout import SmokeTest
from .protocol import Certificate

ANSWER_SECONDS = 5.0
"""How long one question of the health gate may take."""
SMOKE_SECONDS = 60.0
"""How long the sample request may take: a first inference can be slow."""
_TRIES = 2
_CERTIFICATE_WANTED = "it wants a certificate of the client"
# enough for an error's own words; a whole page of HTML would push the log lines off the screen
_SHOWN = 300
# an answer may be endless, and only its start is shown
_READ = 1 << 20


@lean(frozen=True)
class Answer:
    """What came back. ``status`` 0: nothing did, and ``why`` is ``refused``, ``unreachable``, ...

    ``body`` is the start of it, at most a MiB unless more was asked for, ``text`` the same as text; ``headers`` by
    their names in lower case.
    """

    status: int
    text: str = ""
    why: str = ""
    body: bytes = field(default=b"", repr=False, compare=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def serves(self) -> bool:
        """Tell whether somebody is there who serves, be it only those who show a certificate."""
        # it let a stranger in as far as its own policy, so it is up; nobody here has a client's key to go further
        return self.status == 200 or self.why == _CERTIFICATE_WANTED

    def __str__(self) -> str:
        """Say the status, or why there is none."""
        return str(self.status) if self.status else f"no answer: {self.why}"


def trust(certificate: Certificate | None) -> ssl.SSLContext | None:
    """Return how to verify a server that was given this certificate; None without one, for plain HTTP.

    The server has to show a certificate of the given chain. Its name is not compared: a group is asked by its own
    address, and the certificate names what the user's DNS points there.

    Raises:
        ssl.SSLError: the chain is no PEM.
    """
    if certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # not verify_mode: who answers must still hold the key that was given
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # the chain may lack its root
    context.load_verify_locations(cadata=certificate.chain.decode("ascii", "replace"))
    return context


def ask(
    url: str,
    verify: ssl.SSLContext | None = None,
    *,
    method: str = "GET",
    body: bytes | None = None,
    headers: dict[str, str] | None = None,
    timeout: float = ANSWER_SECONDS,
    most: int = _READ,
) -> Answer:
    """Send one request; ``timeout`` in seconds for each step of it. Never raises for what the server does.

    Of an answer at most ``most`` bytes are read.
    """
    # a service that redirects would be proven by whatever stands where it points
    handlers: list[urllib.request.BaseHandler] = [_AsItIs()]
    if _is_near(urlsplit(url).hostname or ""):
        # proxies of the environment stand outside of this machine's
        # networks, and answer 502 or 503 in place of the service
        handlers.append(urllib.request.ProxyHandler({}))
    if verify is not None:
        handlers.append(urllib.request.HTTPSHandler(context=verify))
    request = urllib.request.Request(url, body, headers or {}, method=method)  # noqa: S310 - http or https, our own
    try:
        with urllib.request.build_opener(*handlers).open(request, timeout=timeout) as answer:
            came = answer.read(most)
            named = {name.lower(): text for name, text in answer.headers.items()}
            return Answer(answer.status, came.decode("utf-8", "replace"), body=came, headers=named)
    except (OSError, HTTPException) as error:
        # URLError, ssl.SSLError and time-outs are OSErrors; HTTPException (no HTTP at all) is not
        return Answer(0, why=_why(error))


def knock(url: str, certificate: Certificate | None) -> Answer:
    """Ask whether a server serves, also one that lets in nobody without a certificate; never raises."""
    verify = trust(certificate)
    answer = ask(url, verify)
    if answer.status or verify is None or not (certificate and certificate.authorities):
        return answer
    return Answer(0, why=_CERTIFICATE_WANTED) if _wants_certificate(url, verify) else answer


def _wants_certificate(url: str, verify: ssl.SSLContext) -> bool:
    """Tell whether the server shows its own certificate in a handshake, and then lets nobody in who has none."""
    parts = urlsplit(url)
    try:
        with (
            socket.create_connection((parts.hostname or "", parts.port or 443), ANSWER_SECONDS) as plain,
            verify.wrap_socket(plain, server_hostname=parts.hostname) as connection,
        ):
            # in TLS 1.3 the client is done before the server has judged its
            # certificate: a refusal comes with the first read (RFC 8446, 2)
            return _is_refused(connection)
    except OSError:
        return False


def _is_refused(connection: ssl.SSLSocket) -> bool:
    """Tell whether the server ends a connection that nobody wrote to; not all servers say why."""
    try:
        return connection.recv(1) == b""
    except TimeoutError:
        # a server that lets everybody in waits for a request, longer than we do
        return False
    except ssl.SSLError as error:
        return "CERTIFICATE_REQUIRED" in str(error.reason)
    except ConnectionError:
        # some close with a reset in place of an alert
        return True


def run_smoke(base_url: str, smoke: SmokeTest, key: str = "", verify: ssl.SSLContext | None = None) -> str:
    """Send the sample request and compare what comes.

    Args:
        base_url: ``http(s)://host:port`` without a path.
        smoke: the request, and what has to come.
        key: sent as ``Authorization: Bearer``; empty if the service asks for none.
        verify: see ``trust``.

    Returns:
        Nothing when it is as it should be, else what came instead: one clause with the start of the body.
    """
    # some frameworks refuse a content type that comes without a body (Fastify does)
    headers = {"Content-Type": smoke.content_type} if smoke.body else {}
    if key:
        headers["Authorization"] = f"Bearer {key}"
    body = smoke.body.encode() if smoke.body else None
    url = f"{base_url.rstrip('/')}/{smoke.path.lstrip('/')}"
    for _ in range(_TRIES):  # a balancer may drop the first connection
        answer = ask(url, verify, method=smoke.method, body=body, headers=headers, timeout=SMOKE_SECONDS)
        if answer.status:
            break
    wrong = _compare(answer, smoke)
    said = f"{smoke.method} {smoke.path} {wrong}" if wrong else ""
    # services in a debug mode answer with the headers that they got
    return said.replace(key, "[secret]") if key else said


def _compare(answer: Answer, smoke: SmokeTest) -> str:
    if not answer.status:
        return f"got {answer}"
    if answer.status != smoke.expect_status:
        return f"answered {answer.status} instead of {smoke.expect_status}{_shown(answer.text)}"
    if smoke.expect_json is None:
        return ""
    try:
        came: Any = json.loads(answer.text)
    except ValueError:
        return f"answered {answer.status} with a body that is no JSON{_shown(answer.text)}"
    # compared as values: white space and the order of names are nobody's promise (RFC 8259, 1 and 2)
    if came == smoke.expect_json:
        return ""
    return f"answered {_short(json.dumps(came))} instead of {_short(json.dumps(smoke.expect_json))}"


def _shown(text: str) -> str:
    return f": {_short(text)}" if text.strip() else ", without a body"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}..."


class _AsItIs(urllib.request.HTTPErrorProcessor):
    """Gives every answer back: a 404 is no exception, and a redirect is not followed."""

    def http_response(self, request: urllib.request.Request, response: Any) -> Any:  # noqa: ARG002 - urllib's interface
        return response

    https_response = http_response


def _is_near(host: str) -> bool:
    """Tell whether an address is private or this machine's own; proxies are not for those."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return host == "localhost"


def _why(error: Exception) -> str:
    # urllib wraps all that happens while connecting, and nothing that happens while reading
    reason = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
    if isinstance(reason, ssl.SSLCertVerificationError):
        return f"its certificate is not the one that was given ({reason.verify_message})"
    if isinstance(reason, ssl.SSLError):
        return f"no TLS ({reason.reason or reason})"
    return next((said for kind, said in _REASONS if isinstance(reason, kind)), _system(reason))


_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (socket.gaierror, "unknown name"),
    (TimeoutError, "unreachable (time-out)"),
    (ConnectionRefusedError, "refused"),
    (ConnectionError, "closed"),
    (HTTPException, "no HTTP"),
)


def _system(error: Exception) -> str:
    return f"unreachable ({getattr(error, 'strerror', None) or type(error).__name__})"
