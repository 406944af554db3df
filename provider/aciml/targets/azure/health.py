"""Whether a stack can work in Azure: login, subscription, resource group, resource providers, rights."""

from __future__ import annotations

import fnmatch
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

from ...core.errors import AcimlError
from ...core.health import Line, State
from ...settings import Settings
from .arm.errors import AzureError
from .config import AzureConfig, config_findings

_API = "2022-09-01"
_PERMISSIONS_API = "2022-04-01"
_PROVIDERS = ("Microsoft.ContainerInstance", "Microsoft.ContainerRegistry")
_REGISTER = "az provider register --namespace"
_ACTIONS = {
    "container groups": "Microsoft.ContainerInstance/containerGroups/write",
    "registries": "Microsoft.ContainerRegistry/registries/write",
}
"""What an update of both writes; Contributor on the resource group has all of it."""


class Caller(Protocol):
    """What is asked of a session."""

    def call(self, method: str, path: str, api_version: str, body: Any = None, what: str = "") -> Any | None:
        """Call Azure Resource Manager; None if nothing is found."""

    def token(self, scope: str) -> str:
        """Return a token."""


def look(config: Mapping[str, str], settings: Settings) -> list[Line]:
    """Look at all of it in turn: without a login nothing else can be asked."""
    if findings := config_findings(config, os.environ):
        return [Line("Azure config", State.BROKEN, finding.why) for finding in findings]
    from .arm.session import AzureSession

    read = AzureConfig.read(config, os.environ)
    session = AzureSession(read, settings)
    try:
        return list(looks(read, session))
    finally:
        session.close()


def looks(config: AzureConfig, session: Caller) -> Iterator[Line]:
    """Yield a line for each thing, until one is broken that all others need."""
    try:
        session.token(config.cloud.scope)
    except AcimlError as error:
        yield Line("Azure login", State.BROKEN, error.message, error.advice)
        return
    yield Line("Azure login", State.OK, f"by {config.auth}, {config.cloud.authority_host}")
    try:
        yield from _subscription(config, session)
    except AcimlError as error:
        yield Line("Azure", State.BROKEN, error.message, error.advice)


def _subscription(config: AzureConfig, session: Caller) -> Iterator[Line]:
    here = f"/subscriptions/{config.subscription_id}"
    found = session.call("GET", here, _API, what="looking for the subscription")
    if found is None:
        advice = "az account list shows yours; set aciml:subscriptionId"
        yield Line("subscription", State.BROKEN, f"{config.subscription_id} is not there for this login", advice)
        return
    state = str(found.get("state", ""))
    fine = state == "Enabled"
    named = f"{found.get('displayName', '')} ({config.subscription_id}) is {state}"
    yield Line("subscription", State.OK if fine else State.BROKEN, named, "" if fine else "enable it in the portal")
    for namespace in _PROVIDERS:
        yield _provider(session, here, namespace)
    yield from _group(config, session, here)


def _provider(session: Caller, here: str, namespace: str) -> Line:
    try:
        found = session.call("GET", f"{here}/providers/{namespace}", _API, what=f"looking for {namespace}") or {}
    except AzureError as error:
        if error.status != 403:
            raise
        # a login with rights on one resource group may not look, and need not: others have registered it, mostly
        advice = f"if an update says MissingSubscriptionRegistration, an owner runs {_REGISTER} {namespace}"
        return Line("provider", State.WARNING, f"this login may not look whether {namespace} is registered", advice)
    state = str(found.get("registrationState") or "not there")
    fine = state == "Registered"
    # an update registers it, if it may: a warning, since not every login may
    advice = "" if fine else f"{_REGISTER} {namespace}"
    return Line("provider", State.OK if fine else State.WARNING, f"{namespace} is {state}", advice)


def _group(config: AzureConfig, session: Caller, here: str) -> Iterator[Line]:
    name, scope = config.resource_group, here
    # rights are asked for at the narrowest place there is: many logins have them on their resource group alone
    if session.call("GET", f"{here}/resourcegroups/{name}", _API, what=f"looking for resource group {name}"):
        yield Line("resource group", State.OK, name)
        scope = f"{here}/resourceGroups/{name}"
    elif config.create_resource_group:
        yield Line("resource group", State.OK, f"{name} is not there, and is made by the update")
    else:
        advice = f"az group create --name {name} --location {config.location}, or aciml:createResourceGroup: true"
        yield Line("resource group", State.BROKEN, f"{name} is not there", advice)
        return
    path = f"{scope}/providers/Microsoft.Authorization/permissions"
    found = session.call("GET", path, _PERMISSIONS_API, what="looking for rights")
    if found is None:
        yield Line("rights", State.WARNING, "cannot be looked up", "an update says what it may not do")
        return
    missing = [what for what, action in _ACTIONS.items() if not allowed(action, found.get("value") or ())]
    if missing:
        advice = "give this login the role Contributor on the resource group"
        yield Line("rights", State.BROKEN, f"this login may not write {' and '.join(missing)}", advice)
    else:
        yield Line("rights", State.OK, f"this login may write {' and '.join(_ACTIONS)}")


def allowed(action: str, permissions: Sequence[Mapping[str, Any]]) -> bool:
    """Tell whether some role gives an action, and does not take it back.

    Source: Microsoft, "Understand Azure role definitions": names have wildcards, and what one role takes back another
    may give.
    """
    return any(
        _names(action, one.get("actions") or ()) and not _names(action, one.get("notActions") or ())
        for one in permissions
    )


def _names(action: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(action.lower(), str(pattern).lower()) for pattern in patterns)
