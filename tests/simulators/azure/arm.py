"""What Azure Resource Manager asks of every call before a resource provider sees it."""

from __future__ import annotations

import re

from .http import ArmError, Request
from .identity import Authority
from .world import World

API_VERSIONS: dict[str, tuple[str, ...]] = {
    "microsoft.containerinstance": ("2023-05-01",),
    "microsoft.containerregistry": (
        "2025-11-01", "2025-03-01-preview", "2023-07-01", "2023-11-01-preview", "2019-06-01-preview", "2019-04-01",
    ),
    "microsoft.managedidentity": ("2018-11-30", "2023-01-31", "2024-11-30"),
    "microsoft.authorization": ("2018-01-01-preview", "2020-04-01-preview", "2020-10-01", "2022-04-01"),
    "microsoft.insights": ("2018-01-01", "2019-07-01", "2021-05-01", "2023-10-01", "2024-02-01"),
    "microsoft.network": (
        "2018-08-01", "2022-04-01", "2023-05-01", "2023-09-01", "2023-11-01", "2024-01-01", "2024-05-01",
    ),
    # what is stable, by azure-mgmt-appcontainers and the OpenAPI folders
    "microsoft.app": (
        "2026-07-01", "2026-01-01", "2025-07-01", "2025-01-01", "2024-03-01", "2023-05-01", "2022-10-01", "2022-03-01",
    ),
    "microsoft.resources": (
        "2019-10-01", "2020-06-01", "2021-04-01", "2022-09-01", "2024-03-01", "2024-11-01", "2025-04-01",
    ),
}  # fmt: skip
_GROUP = re.compile(
    r"/subscriptions/(?P<subscription>[^/]+)(/resourceGroups/(?P<group>[^/]+)(?P<inside>/.+)?)?(/.*)?", re.IGNORECASE
)


class Arm:
    """Token, api-version, subscription and resource group of calls to ``/subscriptions`` and ``/providers``."""

    def __init__(self, world: World, authority: Authority) -> None:
        self._world, self._authority = world, authority

    def check(self, request: Request) -> None:
        """Raises ``ArmError`` 401, 400 or 404."""
        if request.path.lower().split("/")[1:2] not in (["subscriptions"], ["providers"], ["tenants"]):
            return
        self._authority.check(request)
        self._check_version(request)
        self._check_registered(_provider(request.path))
        found = _GROUP.fullmatch(request.path)
        if not found:
            return
        self._check_rights(request)
        if found["subscription"].lower() != self._world.subscription.lower():
            text = f"The subscription '{found['subscription']}' could not be found."
            raise ArmError(404, "SubscriptionNotFound", text)
        where = f"/subscriptions/{self._world.subscription}/resourceGroups/{found['group']}"
        if found["group"] and found["inside"] and self._world.get(where) is None:
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{found['group']}' could not be found.")

    def _check_rights(self, request: Request) -> None:
        """Refuse what is outside of the one resource group that the login has rights on."""
        only, path = self._world.only_group, request.path
        here = f"/subscriptions/{self._world.subscription}"
        own = f"{here}/resourceGroups/{only}".lower()
        # whoever has a role anywhere in a subscription sees that it is there, and a list of its resource groups;
        # an operation is asked about by whoever began it
        free = (here.lower(), f"{here}/resourcegroups".lower())
        is_free = request.method == "GET" and path.lower() in free
        asks = re.search(r"/(operations|\w*operation(results|statuses))/", path, re.IGNORECASE)
        if not only or is_free or asks or f"{path}/".lower().startswith(f"{own}/"):
            return
        action, scope = _action(request.method, path)
        text = (
            f"The client '{self._world.client_id}' with object id '{self._world.object_id}' does not have "
            f"authorization to perform action '{action}' over scope '{scope}' or the scope is invalid. If access was "
            "recently granted, please refresh your credentials."
        )
        raise ArmError(403, "AuthorizationFailed", text)

    def _check_registered(self, namespace: str) -> None:
        if namespace.lower() in self._world.unregistered:
            text = (
                f"The subscription is not registered to use namespace '{namespace}'. "
                "See https://aka.ms/rps-not-found for how to register subscriptions."
            )
            raise ArmError(409, "MissingSubscriptionRegistration", text)

    def _check_version(self, request: Request) -> None:
        version = request.query.get("api-version", "")
        if not version:
            text = "The api-version query parameter (?api-version=) is required for all requests."
            raise ArmError(400, "MissingApiVersionParameter", text)
        provider = _provider(request.path)
        known = API_VERSIONS.get(provider.lower(), ())
        if known and version not in known:
            text = (
                f"No registered resource provider found for API version '{version}' for '{provider}'. "
                f"The supported api-versions are '{', '.join(known)}'."
            )
            raise ArmError(400, "NoRegisteredProviderFound", text)


def _provider(path: str) -> str:
    """Return the namespace that answers: the last one that the path names."""
    parts = path.split("/")
    places = [number for number, part in enumerate(parts) if part.lower() == "providers"]
    if not places or places[-1] + 1 >= len(parts) or len(parts) <= places[-1] + 2:
        return "Microsoft.Resources"
    # to register a provider is Resource Manager's own affair
    return "Microsoft.Resources" if parts[places[-1] + 2 :] == ["register"] else parts[places[-1] + 1]


_VERBS = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete", "POST": "action"}


def _action(method: str, path: str) -> tuple[str, str]:
    """Return what a request does, and where, as Azure names it: Microsoft.X/kind/verb over /subscriptions/..."""
    place, _, rest = path.rpartition("/providers/")
    names = rest.split("/") if place else ["Microsoft.Resources", *path.split("/")[3:]]
    kinds = [names[0], *names[1::2]]
    if method == "POST" and len(names) % 2:  # the last part is what is to be done
        kinds.append(names[-1])
    return "/".join([*kinds, _VERBS[method]]), path if len(names) > 2 else (place or path)
