"""What a registry said, or that it said nothing, as one error with its facts."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http.client import BadStatusLine, RemoteDisconnected
from typing import Any
from urllib.parse import unquote, urlsplit

import requests
from requests import exceptions
from urllib3.exceptions import NameResolutionError, NewConnectionError, ReadTimeoutError

from ..core.clock import about_clock
from ..core.errors import OutageError
from ..core.pace import seconds_asked

# those that say "not now": 425 is "too early" (RFC 8470), 408 and 429 ask for another try by themselves
_TEMPORARY = frozenset({408, 425, 429, 500, 502, 503, 504})
_NO_DELETES = "the registry does not allow this; a registry:2 deletes only with REGISTRY_STORAGE_DELETE_ENABLED=true"
_LATER = "try again; see the registry's log if it stays"
_LONG = 60.0  # seconds; a Retry-After that is worth a word: it is hardly waited for
_ADVICE = {
    # a 404 of a request that writes: the repository is made by the first push, so the address is what is wrong
    404: "check the registry's address and the repository's name",
    400: "check the repository's name; the registry's log says more",
    # a pull-through cache answers pushes so
    405: "it takes no pushes: name the registry itself, and no mirror or cache of it",
    415: "it does not take images in OCI's format; a newer version of it does",
    413: "raise its upload limit or split the layer",
    # the upload of before is gone (distribution-spec, "Pushing a blob in chunks"): a new one begins with nothing
    416: "try again; the upload begins anew",
    429: "wait a few minutes and try again, or log in: known accounts have higher limits",
    507: "free some space in the registry's storage",
    # followed, an upload would hand our login to another host
    **dict.fromkeys((301, 302, 303, 307, 308), "it sends uploads on to another address: name that one, if it is yours"),
}
_BY_CODE = {
    "DIGEST_INVALID": "the bytes were changed on their way: run the same command again; look for a proxy in between",
    "SIZE_INVALID": "bytes were lost on their way: run the same command again; look for a proxy in between",
    **dict.fromkeys(
        ("MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"),
        "it lacks blobs that it took before: see its log and its storage, and whether something cleans up meanwhile",
    ),
    "MANIFEST_INVALID": "its log says what it does not take of the image; a newer version of it may",
    "TAG_INVALID": "check the image's tag",
}
"""By the registry's own word, which says more than the status. Source: distribution-spec 1.1, "error codes"."""


_SOFT_DELETED = re.compile(r"soft[- ]?deleted", re.IGNORECASE)
# the strongest first; who may delete may not always push, and asks for both
_RIGHTS = {"delete": "delete in the repository", "push": "push to the repository", "pull": "pull from the repository"}
ROLES: Mapping[str, str] = {"delete": "AcrDelete", "push": "AcrPush", "pull": "AcrPull"}
"""Azure's role for each right, where rights are given for a whole registry."""


class RegistryError(OutageError):
    """A registry that refuses, fails or is silent.

    ``status`` is the HTTP status, 0 if there was no answer; ``code`` the registry's own word, such as
    ``DIGEST_INVALID``; ``url`` has no credentials and no query; ``temporary`` says that the same request can succeed
    later; ``retry_after`` is the pause the registry asked for, seconds; ``blocked`` the address of this machine that a
    firewall keeps out, as the registry sees it. ``waited`` are seconds in which nothing came; ``spent`` says that it
    was tried as often as it may be. ``said`` has what the registry said, with its details, cut.
    """

    def __init__(
        self,
        message: str,
        advice: str = "",
        *,
        status: int = 0,
        code: str = "",
        url: str = "",
        temporary: bool = False,
        retry_after: float = 0.0,
        waited: float = 0.0,
        said: str = "",
        blocked: str = "",
    ) -> None:
        """Keep the facts beside the message."""
        super().__init__(message, advice)
        self.status = status
        self.code = code
        # urls of signed uploads end up in logs otherwise
        self.url = clean_url(url)
        self.blocked = blocked
        self.temporary = temporary
        self.retry_after = retry_after
        self.waited = waited
        self.spent = False
        self.said = said

    def after(self, tries: int, seconds: float) -> RegistryError:
        """Return itself, marked as one that is not tried again, with the number of tries in its message."""
        # once: several layers of trying lie over one another, and each would add its own number
        if not self.spent and tries > 1:
            self.message = f"{self.message} ({tries} tries, {seconds:.0f} s)"
            self.args = (self.message, *self.args[1:])
        self.spent = True
        return self


def clean_url(url: str) -> str:
    """Return the URL without user, password, query and fragment: signed links carry secrets in the query."""
    parts = urlsplit(url)
    # upload locations and redirects to a storage have signatures in the query
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}" if parts.scheme else parts.path


def answered(
    host: str, response: requests.Response, what: str, account: str, scope: Sequence[str] = ()
) -> RegistryError:
    """Describe an answer that was not hoped for.

    Args:
        host: registry as the user knows it.
        response: its body is read for the registry's code and message.
        what: object of the sentence, such as ``layer 3 of 5 (412 MiB)``.
        account: user name that was tried; empty means anonymous.
        scope: what the request needs, such as ``repository:app:pull,push``.
    Source: OCI distribution-spec 1.1, "error codes".
    """
    status = response.status_code
    code, detail = _said(response)
    said = ": ".join(filter(None, (code, detail)))
    # Azure's words: "client with IP '203.0.113.7' is not allowed access"
    blocked = found.group(1) if (found := re.search(r"client with IP '([0-9a-fA-F.:]+)'", detail)) else ""
    # a 403 by an address is no matter of the account, whose rights may all be there
    if blocked and status == 403:
        message = (
            f"{host} has a firewall, which keeps {blocked} out, the address of this machine ({status}{_colon(code)})"
        )
        advice = f"let {blocked} in (ipRules), or run where the registry can be reached"
    # before the rights: whatever the status is, no role helps
    elif _SOFT_DELETED.search(detail):
        message = f"{host} keeps {what} as deleted, and takes it no more ({status}{_colon(said)})"
        advice = _restore(host, response.url or "")
    elif status in (401, 403):
        who = f'the account "{account}"' if account else "anonymous access"
        message = f"{host} refused {who} for {what} ({status}{_colon(said)})"
        advice = _lack(status, account, needed_right(scope))
    else:
        # where there is a code its words come last, since they are the longest
        message = f"{host} answered {status}{_colon(code or detail)} to {what}{_colon(detail if code else '')}"
        advice = _BY_CODE.get(code) or _ADVICE.get(status) or (_LATER if status >= 500 else "")
        if status == 405 and response.request is not None and response.request.method == "DELETE":
            advice = _NO_DELETES
    # a date counts from our own clock (RFC 9110, 10.2.3)
    wish = seconds_asked(response.headers.get("Retry-After", ""), time.time())
    if wish >= _LONG:
        message = f"{message}, and asks to wait {wish:.0f} s"
    return RegistryError(
        message,
        advice,
        status=status,
        code=code,
        url=response.url or "",
        temporary=status in _TEMPORARY,
        retry_after=wish,
        said=": ".join(filter(None, (said, _facts(response)))),
        blocked=blocked,
    )


def _restore(host: str, url: str) -> str:
    """Return the command that brings back what an Azure registry keeps after its deletion.

    Source: Microsoft, "Recover deleted artifacts with soft delete policy in Azure Container Registry".
    """
    # the address has the repository, which the user may never have written
    repository, _, reference = unquote(urlsplit(url).path.removeprefix("/v2/")).partition("/manifests/")
    # a digest has a colon, a tag cannot have one (OCI distribution-spec, "Pulling manifests")
    digest = reference if ":" in reference else ""
    named = f"{repository} -d {digest}" if digest else f"{repository}:{reference}"
    return (
        f"its soft delete policy is on: restore the image with `az acr manifest restore -r {host.partition('.')[0]} "
        f"-n {named}` and run the same command again, or turn the policy off (`az acr config soft-delete update`)"
    )


def no_registry(host: str, response: requests.Response, what: str) -> RegistryError:
    """Describe a good answer that no registry gives: the page of a proxy, of a login to a network, of a web site."""
    # the title alone: what else such a page says is for people with a browser
    title = re.search(rb"<title[^>]*>\s*([^<]{1,80})", response.content[:4000], re.IGNORECASE)
    called = f' "{" ".join(title[1].decode(errors="replace").split())}"' if title else ""
    message = f"{host} answered with a web page{called} to {what}: something else than the registry"
    advice = "check the address, and whether this network wants a login or has a proxy (HTTPS_PROXY)"
    return RegistryError(message, advice, url=response.url or "")


def is_page(response: requests.Response) -> bool:
    """Tell whether an answer is a web page; the distribution API has none."""
    return response.headers.get("Content-Type", "").partition(";")[0].strip().lower() == "text/html"


def needed_right(scope: Sequence[str], roles: Mapping[str, str] = ROLES) -> str:
    """Say which right a scope stands for, in the registry's words and in Azure's; empty if it is about no repository.

    Args:
        scope: what a request needs, such as ``repository:app:pull,push``.
        roles: Azure's role for each right.

    Source: learn.microsoft.com, "Azure Container Registry roles and permissions".
    """
    # the first is the repository that is written to; a mount names another one after it
    kind, _, rest = (scope[0] if scope else "").partition(":")
    name, _, actions = rest.rpartition(":")
    # in the order of the table, the strongest first
    wanted = [action for action in _RIGHTS if action in actions.split(",")]
    if kind != "repository" or not name or not wanted:
        return ""
    return f'the right to {_RIGHTS[wanted[0]]} "{name}" (in Azure the role {roles[wanted[0]]})'


def _lack(status: int, account: str, right: str) -> str:
    """Say what to do: 401 is about who it is, 403 about what that one may do (RFC 9110, 15.5.2 and 15.5.4)."""
    # who asked without an account needs one before any right
    if not account:
        return f"log in to it first{f', with an account that has {right}' if right else ''}"
    if status == 403 and right:
        return f"give that account {right}"
    return f"check user name and password, and that the account {f'has {right}' if right else 'may do this'}"


def unreachable(host: str, url: str, error: Exception, idle: float = 0.0) -> RegistryError:
    """Describe a request that got no answer, or only half of one; ``idle``: seconds of silence that are borne."""
    reason, advice, temporary = _reason(url, error)
    waited = idle if _is_silence(error) else 0.0
    return RegistryError(f"{host} {reason}", advice, url=url, temporary=temporary, waited=waited)


def _is_silence(error: BaseException) -> bool:
    """Tell whether time ran out, at whatever depth: urllib3 calls a write that stalls a broken connection."""
    if isinstance(error, TimeoutError | exceptions.Timeout | ReadTimeoutError):
        return True
    # requests hides the cause in the arguments, urllib3 in `reason`
    inner = [item for item in (*error.args, getattr(error, "reason", None)) if isinstance(item, BaseException)]
    return any(_is_silence(item) for item in inner)


def _is_no_http(error: BaseException) -> bool:
    """Tell whether something came that is no answer of HTTP; nothing at all is a closed connection."""
    if isinstance(error, BadStatusLine):
        return not isinstance(error, RemoteDisconnected)
    return any(_is_no_http(item) for item in error.args if isinstance(item, BaseException))


def _for_good(error: Exception) -> tuple[str, str] | None:
    """Return what happened and what to do if that mends itself by no further try, each of which would take its time."""
    # before ConnectionError, of which SSLError is a kind
    if isinstance(error, exceptions.SSLError):
        return _distrust(str(getattr(error.args[0] if error.args else None, "reason", None) or error))
    # requests looks for the bundle itself, and raises what a file that cannot be read raises
    if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
        return f"cannot be asked: {error}", "mend ca_bundle, or SSL_CERT_FILE"
    if isinstance(error, exceptions.TooManyRedirects):
        return "sends every request on in a circle", "check the registry's address, and what stands before it"
    # kinds that a further try may mend; every other one would fail in the same way
    broken = exceptions.ConnectionError | exceptions.Timeout | exceptions.ChunkedEncodingError
    if isinstance(error, requests.RequestException) and not isinstance(error, broken):
        return f"could not be asked: {error}", "check the registry's address"
    return None


def _reason(url: str, error: Exception) -> tuple[str, str, bool]:
    """Return what happened, what to do, and whether trying again can help."""
    if told := _for_good(error):
        return (*told, False)
    inner = getattr(error.args[0] if error.args else None, "reason", None)
    if _is_no_http(error):
        return "does not speak HTTP at that port", "check the port, and whether it is that of the registry", False
    again = "check that it runs and that the network reaches it, then run the same command again"
    if isinstance(error, exceptions.ProxyError):
        return _of_proxy(url, str(error))
    # the particular first: classes of requests contain one another (a ConnectTimeout is a ConnectionError)
    kinds: list[tuple[bool, str, str]] = [
        (isinstance(inner, NameResolutionError), "is not a known host name", "check its address and your network"),
        (isinstance(error, exceptions.ConnectTimeout), "did not answer in time", again),
        (isinstance(inner, NewConnectionError), f"could not be reached: {_short(inner)}", again),
        (_is_silence(error), "went silent in the middle of a request", again),
    ]
    for matches, reason, advice in kinds:
        if matches:
            return reason, advice, True
    return "closed the connection in the middle of a request", again, True


def _distrust(words: str) -> tuple[str, str]:
    """Return why TLS failed and what to do, by OpenSSL's words."""
    # OpenSSL's way of saying that the other side's first bytes are no TLS
    if any(sign in words for sign in ("wrong version number", "WRONG_VERSION_NUMBER", "record layer failure")):
        return "does not speak https at that port", "check the port; only registries of this machine are asked by http"
    if "no certificate or crl found" in words or "NO_CERTIFICATE_OR_CRL_FOUND" in words:
        return "could not be trusted: the certificate bundle has no certificate", "mend ca_bundle, or SSL_CERT_FILE"
    clock = about_clock(words, datetime.now(UTC))
    # the line of CPython's source says nothing to a user
    why = re.sub(r" \(_ssl\.c:\d+\)?", "", _short(words))
    return (
        f"could not be trusted: {why}",
        clock or "if its certificate is from your own authority, name that in ca_bundle or SSL_CERT_FILE",
    )


def _of_proxy(url: str, words: str) -> tuple[str, str, bool]:
    """Return which proxy stands in the way and what it said, what to do, and whether trying again can help."""
    # requests reads HTTP_PROXY and NO_PROXY by itself, so it knows who was asked
    proxy = clean_url(requests.utils.get_environ_proxies(url).get(urlsplit(url).scheme, ""))
    said = re.search(r"Tunnel connection failed: (\d+ [^'\")]*)", words)
    what = f": it answered {said[1]}" if said else f": {_short(words)}" if "Errno" in words else ""
    advice = "check HTTP_PROXY, HTTPS_PROXY, NO_PROXY, and what the proxy lets through"
    if said and said[1].startswith("407"):
        advice = "put its user and password into HTTPS_PROXY (http://user:password@host:port)"
    # a proxy that refuses will refuse again; one that fails may not
    refused = bool(said and said[1].startswith("4"))
    return f"could not be reached through the proxy{f' {proxy}' if proxy else ''}{what}", advice, not refused


def _short(error: object) -> str:
    """Return the last part of a nested message: ``[Errno 111] Connection refused`` becomes ``Connection refused``."""
    return str(error).rpartition(": ")[2].rpartition("] ")[2].rstrip("')\"")


def _said(response: requests.Response) -> tuple[str, str]:
    """Return the registry's error code and message; empty if it sent none."""
    try:
        # the first alone: others repeat it for each layer
        first: Any = json.loads(response.content)["errors"][0]
        code, message = str(first.get("code", "")), str(first.get("message", ""))
        # many registries only repeat the code in other letters, which tells nobody anything
        message = "" if message.upper().replace(" ", "_") == code else message
        # cut: some registries put a whole page into it
        return code, " ".join(message[:200].split())
    except (requests.RequestException, ValueError, LookupError, TypeError, AttributeError):
        return "", ""  # an error page may be anything, or break off


def _facts(response: requests.Response) -> str:
    """Return the details of all errors in an answer, such as the digests that it lacks."""
    try:
        # they are read for digests that the registry lacks, and shown to nobody
        return " ".join(str(error.get("detail") or "") for error in json.loads(response.content)["errors"])[:4000]
    except (requests.RequestException, ValueError, LookupError, TypeError, AttributeError):
        return ""


def _colon(text: str) -> str:
    return f": {text}" if text else ""
