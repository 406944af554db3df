"""How requests to Azure Resource Manager are sent: over which connections, when again, and what of a refused token."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from azure.core.exceptions import HttpResponseError
from azure.core.pipeline import PipelineRequest, PipelineResponse, policies
from azure.core.pipeline.policies import HTTPPolicy, RetryPolicy
from azure.mgmt.core.policies import (
    ARMChallengeAuthenticationPolicy,
    ARMHttpLoggingPolicy,
)

if TYPE_CHECKING:
    from azure.core.credentials import TokenCredential
    from azure.core.pipeline.transport import RequestsTransport

USER_AGENT = "aciml"
TIMEOUTS = {"connection_timeout": 20, "read_timeout": 100}  # seconds
_POOL = 16  # connections kept open: as many as the plugin has workers
# azure-core's own 10 tries with pauses up to 120 s would say nothing for minutes when the network is down
RETRIES = {"retry_total": 4, "retry_connect": 2, "retry_backoff_max": 20}
LONGEST_WAIT = 60.0
"""Seconds of Retry-After that are waited for within a request; if Azure asks for more the user is told instead."""


def open_transport(ca_bundle: Path | None) -> RequestsTransport:
    """Return a transport over one session of requests; ``ca_bundle`` None trusts what the machine trusts."""
    import requests
    from azure.core.pipeline.transport import RequestsTransport
    from requests.adapters import HTTPAdapter

    session = requests.Session()
    session.mount("https://", HTTPAdapter(pool_connections=_POOL, pool_maxsize=_POOL))
    verify: Any = str(ca_bundle) if ca_bundle else True
    # the clients share it, and none of them may close it for the others
    return RequestsTransport(session=session, session_owner=False, connection_verify=verify, **TIMEOUTS)


def arm_policies(credential: TokenCredential, scope: str, forget: Callable[[str], None]) -> list[Any]:
    """Return new policies for one client, in the order of the SDK's own; ``forget`` drops a token that was refused.

    The SDK's policy that registers resource providers is left out: it would do so in a preview, and say nothing for
    half a minute (``session.AzureSession.register``).
    """
    return [
        # the outermost: it sees what is left after all tries
        PlainRefusal(),
        policies.RequestIdPolicy(),
        policies.HeadersPolicy(),
        policies.UserAgentPolicy(base_user_agent=USER_AGENT),
        policies.ProxyPolicy(),
        policies.ContentDecodePolicy(),
        policies.RedirectPolicy(),
        Patience(**RETRIES),
        Authentication(credential, scope, forget),
        policies.CustomHookPolicy(),
        # inside of the retries and of every poller, since both read the header that it mends
        ImmediateRetry(),
        policies.SensitiveHeaderCleanupPolicy(),
        ARMHttpLoggingPolicy(),
    ]


class Patience(RetryPolicy[Any, Any]):
    """The SDK's retries, honouring Retry-After, but never for longer than ``LONGEST_WAIT`` in one go."""

    def is_retry(self, settings: dict[str, Any], response: PipelineResponse[Any, Any]) -> bool:
        """Whether the answer is worth another request."""
        asked = self.get_retry_after(response)
        return super().is_retry(settings, response) and (asked is None or asked <= LONGEST_WAIT)

    def increment(self, settings: dict[str, Any], response: Any = None, error: Exception | None = None) -> bool:
        """Count an attempt; a certificate does not mend itself."""
        return super().increment(settings, response, error) and "certificate" not in str(error).lower()


class Authentication(ARMChallengeAuthenticationPolicy):
    """Takes a new token, once, when the service refuses one that we thought good."""

    def __init__(self, credential: TokenCredential, scope: str, forget: Callable[[str], None]) -> None:
        """Use one credential and one scope; the credential is told by ``forget`` what to drop."""
        super().__init__(credential, scope)
        self._forget = forget

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send; after 401 send again with another token."""
        response = super().send(request)
        if response.http_response.status_code != 401:
            return response
        self._forget(request.http_request.headers.get("Authorization", "").removeprefix("Bearer "))
        # the SDK's policy remembers the token beside its source
        self._token = None
        # once: a service that refuses a new token too would refuse any
        return super().send(request)


class ImmediateRetry(HTTPPolicy[Any, Any]):
    """Reads ``Retry-After: 0`` as it is meant: the SDK takes it for none and waits its own interval."""

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send and mend the answer's header."""
        response = self.next.send(request)
        headers = response.http_response.headers
        if headers.get("Retry-After") == "0":
            headers["Retry-After"] = "0.2"
        return response


class PlainRefusal(HTTPPolicy[Any, Any]):
    """Raises a refusal that is no JSON, such as a proxy's page: clients of Container Registry stumble on its body."""

    def send(self, request: PipelineRequest[Any]) -> PipelineResponse[Any, Any]:
        """Send and look at the answer, when all retries are over."""
        response = self.next.send(request)
        answer = response.http_response
        if answer.status_code >= 400:
            if hasattr(answer, "read"):  # what begins an operation is streamed
                answer.read()
            try:
                json.loads(answer.text())
            except ValueError:
                # the JSON error would be a second, misleading cause
                raise HttpResponseError(response=answer) from None
        return response
