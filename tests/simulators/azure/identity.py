"""The authority: its documents, its token endpoint, the endpoint of managed identities, and the check of tokens."""

from __future__ import annotations

import hashlib
import time
import uuid
from typing import Any
from urllib.parse import parse_qs

import jwt

from .http import ArmError, Request, Response, Router
from .world import World

ARM_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")
REGISTRY_AUDIENCES = ("https://containerregistry.azure.net",)
IDENTITY_SECRET = "let-me-in"  # what a host with a managed identity has in IDENTITY_HEADER
LIFE = 3600


class Authority:
    """Makes and checks tokens. ``life`` in seconds; ``assertions`` are the federated tokens that are good."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._key = uuid.uuid4().hex + uuid.uuid4().hex
        self.life = LIFE
        self.assertions: set[str] = {"federated-token"}
        self.certificates: list[Any] = []  # public keys that a client may sign assertions with
        self.issued = 0

    def issue(self, audience: str, *, subject: str = "", life: int | None = None) -> str:
        """Return a token; ``audience`` without ``/.default``."""
        now = int(time.time())
        who = subject or self._world.object_id
        self.issued += 1
        claims = {
            "aud": audience, "iss": f"{self._world.base}/{self._world.tenant}/v2.0", "iat": now, "nbf": now,
            "exp": now + (self.life if life is None else life), "tid": self._world.tenant, "oid": who, "sub": who,
            "appid": self._world.client_id, "idtyp": "app", "uti": uuid.uuid4().hex, "ver": "1.0",
        }  # fmt: skip
        return jwt.encode(claims, self._key, algorithm="HS256")

    def claims(self, token: str, audiences: tuple[str, ...]) -> dict[str, Any]:
        """Return what a token says. Raises ``ArmError`` 401."""
        try:
            seen: dict[str, Any] = jwt.decode(token, self._key, algorithms=["HS256"], options={"verify_aud": False})
        except jwt.ExpiredSignatureError as error:
            raise self.refused(
                "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time."
            ) from error
        except jwt.InvalidTokenError as error:
            raise self.refused("InvalidAuthenticationToken", "The access token is invalid.") from error
        if str(seen["aud"]).rstrip("/") not in {each.rstrip("/") for each in audiences}:
            message = f"The access token has been obtained for wrong audience or resource '{seen['aud']}'."
            raise self.refused("InvalidAuthenticationTokenAudience", message)
        return seen

    def check(self, request: Request) -> dict[str, Any]:
        """Check the token of a call to ARM."""
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise self.refused("AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
        return self.claims(token, (*ARM_AUDIENCES, self._world.base))

    def refused(self, code: str, message: str) -> ArmError:
        """Return a 401 with its challenge."""
        where = f"{self._world.base}/{self._world.tenant}"
        challenge = f'Bearer authorization_uri="{where}", error="invalid_token", error_description="{message}"'
        return ArmError(401, code, message, {"WWW-Authenticate": challenge})

    def install(self, router: Router) -> None:
        """Answer below ``/{tenant}``."""
        for version in ("/v2.0", ""):
            router.add("GET", f"/{{tenant}}{version}/.well-known/openid-configuration", self._documents)
        for path in ("/{tenant}/oauth2/v2.0/token", "/{tenant}/oauth2/token"):
            router.add("POST", path, self._token)
        router.add("GET", "/common/discovery/instance", self._instance)
        router.add("GET", "/metadata/identity/oauth2/token", self._managed)
        router.add("GET", "/msi/token", self._managed)

    def _documents(self, request: Request, tenant: str) -> Response:
        self._check_tenant(tenant)
        where = f"{self._world.base}/{tenant}"
        return Response(200, {
            "issuer": f"{where}/v2.0", "token_endpoint": f"{where}/oauth2/v2.0/token",
            "authorization_endpoint": f"{where}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{where}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{where}/discovery/v2.0/keys", "response_types_supported": ["code"],
            "subject_types_supported": ["pairwise"], "id_token_signing_alg_values_supported": ["RS256"],
        })  # fmt: skip

    def _instance(self, request: Request) -> Response:
        host = self._world.base.partition("://")[2]
        endpoint = f"{self._world.base}/{self._world.tenant}/v2.0/.well-known/openid-configuration"
        known = [{"preferred_network": host, "preferred_cache": host, "aliases": [host]}]
        return Response(200, {"tenant_discovery_endpoint": endpoint, "api-version": "1.1", "metadata": known})

    def _token(self, request: Request, tenant: str) -> Response:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        self._check_tenant(tenant)
        if form.get("grant_type") != "client_credentials":
            said = form.get("grant_type", "")
            raise _Refusal("unsupported_grant_type", 70003, f"The app requested an unsupported grant type '{said}'.")
        if form.get("client_id") != self._world.client_id:
            text = f"Application with identifier '{form.get('client_id')}' was not found in the directory '{tenant}'."
            raise _Refusal("unauthorized_client", 700016, text)
        self._check_proof(form)
        scope = form.get("scope", "") or form.get("resource", "")
        audience = scope.split(" ")[0].removesuffix("/.default")
        return Response(200, self._answer(self.issue(audience)))

    def _answer(self, token: str) -> dict[str, Any]:
        return {"token_type": "Bearer", "expires_in": self.life, "ext_expires_in": self.life, "access_token": token}

    def _check_tenant(self, tenant: str) -> None:
        if tenant.lower() not in {self._world.tenant.lower(), "common", "organizations"}:
            text = f"Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID."
            raise _Refusal("invalid_request", 90002, text, 400)

    def _check_proof(self, form: dict[str, str]) -> None:
        if "client_assertion" in form:
            if not self._is_good(form["client_assertion"]):
                raise _Refusal(
                    "invalid_client", 70021, "No matching federated identity record found for presented assertion."
                )
        elif form.get("client_secret") != self._world.client_secret:
            text = f"Invalid client secret provided for app '{self._world.client_id}'."
            raise _Refusal("invalid_client", 7000215, text)

    def _is_good(self, assertion: str) -> bool:
        if assertion in self.assertions:
            return True
        for key in self.certificates:
            try:
                jwt.decode(assertion, key, algorithms=["RS256", "PS256"], options={"verify_aud": False})
            except jwt.InvalidTokenError:
                continue
            return True
        return False

    def _managed(self, request: Request) -> Response:
        if request.headers.get("x-identity-header", IDENTITY_SECRET) != IDENTITY_SECRET:
            return Response(401, {"statusCode": 401, "message": "X-IDENTITY-HEADER is wrong"})
        audience = request.query.get("resource", "")
        client = request.query.get("client_id", "")
        if client and not any(client == each.get("properties", {}).get("clientId") for each in self._identities()):
            text = {"error": "invalid_request", "error_description": "Identity not found"}
            return Response(400, text)
        token = self.issue(audience)
        now = int(time.time())
        more = {"resource": audience, "expires_on": str(now + self.life), "not_before": str(now), "client_id": client}
        return Response(200, {**self._answer(token), "expires_in": str(self.life), **more})

    def _identities(self) -> list[dict[str, Any]]:
        return self._world.of_kind("Microsoft.ManagedIdentity/userAssignedIdentities")


class _Refusal(ArmError):
    """An answer of the token endpoint, in its own shape."""

    def __init__(self, error: str, number: int, text: str, status: int = 401) -> None:
        super().__init__(status, error, f"AADSTS{number}: {text}")
        self._number = number

    def response(self) -> Response:
        trace = hashlib.sha256(self.message.encode()).hexdigest()[:32]
        said = f"{self.message} Trace ID: {trace} Correlation ID: {trace} Timestamp: 2026-01-01 00:00:00Z"
        more = {"trace_id": trace, "correlation_id": trace, "timestamp": "2026-01-01 00:00:00Z"}
        return Response(
            self.status, {"error": self.code, "error_description": said, "error_codes": [self._number], **more}
        )
