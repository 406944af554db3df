"""Faults of the connection and of the gateway: they hit a request before any service sees it."""

from __future__ import annotations

from .faults import Fault
from .http import ArmError, Response
from .identity import Authority
from .server import Cut
from .world import World

POLLED = ("/operations/", "operationstatuses/", "operationresults/")
NAMES = ("429", "500", "503", "slow", "cut", "no-region", "unauthorized", "wrong-tenant", "expired-token", "forbidden")


class Door:
    """What every request passes first."""

    def __init__(self, world: World, authority: Authority) -> None:
        self._world, self._authority = world, authority

    def fail(self, line: str) -> Response | None:
        """Answer ``METHOD /path`` with a fault that waits for it; None if there is none. Raises ``Cut``."""
        if any(folder in line.lower() for folder in POLLED) and self._world.faults.take(line, "operation-gone"):
            return ArmError(
                404, "OperationNotFound", f"The operation '{line.rpartition('/')[2]}' was not found."
            ).response()
        fault = self._world.faults.take(line, *NAMES)
        if fault is None:
            return None
        if fault.name == "slow":
            released = self._world.faults.released
            while not (released.wait(0.05) or self._world.closing.is_set()):
                pass
        if fault.name in {"slow", "cut"}:
            raise Cut
        return self._refusal(fault, line).response()

    def _refusal(self, fault: Fault, line: str) -> ArmError:
        if fault.name == "429":
            wait = {"Retry-After": str(fault.retry_after)}
            return ArmError(429, "TooManyRequests", "The request is being throttled.", wait)
        if fault.name == "500":
            return ArmError(500, "InternalServerError", "Encountered internal server error.")
        if fault.name == "503":
            return ArmError(503, "ServiceUnavailable", "The service is unavailable.")
        if fault.name == "forbidden":
            return self._forbidden(line)
        if fault.name == "no-region":
            kind = (
                "App/managedEnvironments" if "microsoft.app/" in line.lower() else "ContainerInstance/containerGroups"
            )
            text = (
                f"The provided location is not available for resource type 'Microsoft.{kind}'. "
                "List of available regions for the resource type is 'westus,eastus,westeurope,northeurope'."
            )
            return ArmError(400, "LocationNotAvailableForResourceType", text)
        return self._unauthorized(fault)

    def _unauthorized(self, fault: Fault) -> ArmError:
        if fault.name == "expired-token":
            text = "The access token expiry UTC time is earlier than current UTC time."
            return self._authority.refused("ExpiredAuthenticationToken", text)
        if fault.name == "wrong-tenant":
            text = (
                "The access token is from the wrong issuer 'https://sts.windows.net/99999999-0000-0000-0000-000000000000/'."
                f" It must match the tenant 'https://sts.windows.net/{self._world.tenant}/' associated with this "
                "subscription. Please use the authority (URL) "
                f"'https://login.windows.net/{self._world.tenant}' to get the token."
            )
            return self._authority.refused("InvalidAuthenticationTokenTenant", text)
        return self._authority.refused("InvalidAuthenticationToken", "The access token is invalid.")

    def _forbidden(self, line: str) -> ArmError:
        text = (
            f"The client '{self._world.client_id}' with object id '{self._world.object_id}' does not have "
            f"authorization to perform action on '{line.partition(' ')[2]}'."
        )
        return ArmError(403, "AuthorizationFailed", text)
