"""What a registry's firewall says to this machine, and to Azure's own services.

Source: Microsoft, "Configure public IP network rules", "Connect privately by Private Link", and "Allow trusted services
to securely access a network-restricted container registry".
"""

from __future__ import annotations

from ....model.registry import Network, Registry
from ....registry.errors import RegistryError
from .body import from_arm
from .finder import Seen


def is_closed(network: Network) -> bool:
    """Tell whether a firewall keeps everybody out but trusted services; whom its addresses let in, is not judged."""
    return network.public_network_access is False or (_denies(network) and not network.ip_rules)


def told_of_closing(old: Registry | None, new: Registry) -> str:
    """Say of a registry that is to be closed what still gets in; empty if it is open, or was closed before."""
    if not is_closed(new.network) or (old is not None and is_closed(old.network)):
        return ""
    what = "publicNetworkAccess: false" if new.network.public_network_access is False else "networkDefaultAction: Deny"
    passes = (
        "container groups do not pass either, since trustedServicesBypass is false"
        if new.network.trusted_services_bypass is False
        else "container groups pull by pullIdentity, as a trusted service"
    )
    return (
        f"{what}, and no ipRules: images are pushed to it only from where its private endpoint can be reached; {passes}"
    )


def explained(error: RegistryError, seen: Seen | None) -> RegistryError:
    """Say of a refusal which rule it is, what lets this machine in, and whether Azure's services still pass.

    Args:
        error: the registry's answer, which names the address that it keeps out.
        seen: the registry as ARM shows it; None if it may not be seen.
    """
    if seen is None:
        return error
    network, name = from_arm(seen).network, str(seen["name"])
    rule, advice = _rule(network, name, error.blocked)
    message = f"{error.message}: {rule}" if rule else error.message
    return RegistryError(
        message,
        f"{advice}; {_trusted(network, name)}",
        status=error.status,
        code=error.code,
        url=error.url,
        blocked=error.blocked,
        said=error.said,
    )


def _rule(network: Network, name: str, blocked: str) -> tuple[str, str]:
    there = "run where its private endpoint can be reached"
    if network.public_network_access is False:
        return (
            "its public access is off",
            f"{there}, or set publicNetworkAccess: true, networkDefaultAction: Deny and ipRules: [{blocked}]",
        )
    let_in = f"let {blocked} in (ipRules, or `az acr network-rule add --name {name} --ip-address {blocked}`)"
    if not _denies(network):
        # a perimeter around several resources has rules that ARM does not show of the registry
        return "", f"{let_in}, or {there}; ask who runs the network for a rule that is not the registry's own"
    others = f"its rules let {', '.join(network.ip_rules)} in" if network.ip_rules else "its rules let no address in"
    return others, f"{let_in}, or {there}"


def _trusted(network: Network, name: str) -> str:
    if network.trusted_services_bypass is False:
        return (
            "container groups are kept out too, since trusted services may not pass: set trustedServicesBypass: true, "
            f"or run `az acr update --name {name} --allow-trusted-services true`"
        )
    return "container groups still pull by pullIdentity, as a trusted service (trustedServicesBypass)"


def _denies(network: Network) -> bool:
    return str(network.network_default_action).lower() == "deny"
