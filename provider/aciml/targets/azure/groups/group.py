"""A container group in ARM's JSON: the request that makes it, what two of them are compared by, and the way back.

The request is always the full model, because the service resets what is left out.

Source: containerInstance.json 2023-05-01; Microsoft's page "Update containers in Azure Container Instances" (properties
that are not given go back to their defaults, so all of them are sent with every PUT, secrets too).
"""

from __future__ import annotations

from typing import Any

from ....core.errors import UserError
from ....model.access import Account
from ....model.group import Group
from ....model.place import Place
from ....model.service_kind import ServiceKind
from ....model.tls import Tls
from ....model.volume import TLS_VOLUME
from ...protocol import GroupSpec
from .. import tagged
from ..region import plain_location
from . import (
    account,
    container,
    diagnostics,
    encryption,
    identity,
    network,
    probe,
    rights,
    size,
    tags,
    variable,
    volume,
)
from .answer import spelled
from .members import Json, given, named
from .place import Surroundings, location_of


def to_arm(spec: GroupSpec, around: Surroundings, pull: Account | None) -> dict[str, Any]:
    """Return the JSON of the PUT, with all secrets in it.

    Args:
        spec: the group; its ``name`` is the container's too, the group's own is in the URL.
        around: says subscription, resource group and region where the spec does not.
        pull: the account that the image needs; one that the spec gives for the same server wins.

    Returns:
        Equal specs give equal JSON: what has no order of its own is sorted.
    """
    declared, kind = spec.declared, spec.declared.kind
    # an image's own account may be said by the program, or follow from its registry
    accounts = account.all_accounts(declared, pull)
    properties = {
        "containers": [container.to_arm(spec)],
        "initContainers": [container.init_to_arm(one) for one in declared.init_containers],
        "imageRegistryCredentials": account.to_arm(accounts),
        # Always is v1's: a scoring service runs until it is stopped
        "restartPolicy": kind.restart_policy or "Always",
        # required by the specification, like `containers`
        "osType": kind.os_type or "Linux",
        # without ipAddress the group has no address, which is what None means
        "ipAddress": network.address_to_arm(declared, around),
        "volumes": volume.to_arm(declared.volumes, spec.certificate),
        "diagnostics": diagnostics.to_arm(declared.log_analytics),
        "subnetIds": [{"id": subnet}] if (subnet := network.subnet_id(declared, around)) else None,
        "dnsConfig": network.dns_to_arm(declared),
        "sku": kind.sku or "Standard",
        "priority": "Spot" if kind.is_spot else None,  # Regular is what it is without a word
        "confidentialComputeProperties": given(ccePolicy=kind.cce_policy),
        "encryptionProperties": encryption.to_arm(declared.encryption),
    }
    # `given` leaves out what is empty: the service's own defaults hold for that
    return given(
        location=location_of(declared, around),
        tags=tags.tags_of(spec),
        identity=identity.to_arm(declared, accounts),
        # sorted, so that equal specs are equal texts
        zones=sorted(str(zone) for zone in declared.place.zones),
        properties=given(**properties),
    )


def same(group: Json) -> dict[str, Any]:
    """Return a request or an answer with all defaults and nothing that only answers have (states, addresses).

    Lists without an order are sorted. Source of the defaults: containerInstance.json 2023-05-01 and its examples.
    """
    properties: Json = group.get("properties") or {}
    # ARM leaves out an object that was never set
    policy = (properties.get("confidentialComputeProperties") or {}).get("ccePolicy")
    return {
        # "West Europe" and westeurope are one place, and answers have either
        "location": plain_location(str(group.get("location") or "")),
        "tags": dict(group.get("tags") or {}),
        "zones": sorted(str(zone) for zone in group.get("zones") or ()),
        "identity": identity.same(group.get("identity") or {}),
        "containers": [container.same(item) for item in properties.get("containers") or ()],
        "initContainers": [container.same(item) for item in properties.get("initContainers") or ()],
        "imageRegistryCredentials": account.same(properties.get("imageRegistryCredentials") or ()),
        "restartPolicy": spelled(properties.get("restartPolicy"), "Always"),
        "osType": spelled(properties.get("osType"), "Linux"),
        "sku": spelled(properties.get("sku"), "Standard"),
        "priority": spelled(properties.get("priority"), "Regular"),
        "ipAddress": network.same_address(properties.get("ipAddress") or {}),
        "volumes": sorted((volume.same(item) for item in properties.get("volumes") or ()), key=named),
        "logAnalytics": diagnostics.same(properties.get("diagnostics") or {}),
        # a group in a virtual network has one subnet, in a list
        "subnetIds": [str(item["id"]) for item in properties.get("subnetIds") or ()],
        "dnsConfig": network.same_dns(properties.get("dnsConfig") or {}),
        "encryption": encryption.same(properties.get("encryptionProperties") or {}),
        "ccePolicy": str(policy or ""),
    }


def folded(group: Json) -> dict[str, Any]:
    """Return what ``same`` made of a group with ids, host names and labels in lower case."""
    return {
        **group,
        # ARM compares names without case, and answers keep what somebody wrote
        "tags": tagged.folded(group["tags"]),
        "containers": [container.folded(one) for one in group["containers"]],
        "initContainers": [container.folded(one) for one in group["initContainers"]],
        "identity": identity.folded(group["identity"]),
        "imageRegistryCredentials": account.folded(group["imageRegistryCredentials"]),
        "ipAddress": network.folded_address(group["ipAddress"]),
        "subnetIds": [name.lower() for name in group["subnetIds"]],
        "encryption": encryption.folded(group["encryption"]),
        "logAnalytics": diagnostics.folded(group["logAnalytics"]),
    }


def from_arm(group: Json, known: Group | None) -> Group:
    """Return what ``same`` made of a group as it would be declared, without what is not there.

    Args:
        group: what ``same`` returned; folded or not.
        known: what was declared. It says which tags are v1's properties and which identities are listed, names the
            subnet as the answer should, and has the values of secure variables, which answers have not. None for a
            group that nobody declared: the most natural words are chosen, and secrets are left out.
    """
    # by its name: a group that somebody made by hand may have several
    serving = next((c for c in group["containers"] if known and c["name"] == known.name), group["containers"][0])
    # no property of ours could show a second container, and it must not go unnoticed
    others = [one["image"] for one in group["containers"] if one is not serving]
    own, opened = _ports(group, serving)
    told = variable.from_arm(serving["environmentVariables"], known)
    mounts = serving["volumeMounts"]
    # the certificate's volume, mount and variable together are TLS
    has_volume = any(one["name"] == TLS_VOLUME for one in group["volumes"])
    is_mounted = any(one["name"] == TLS_VOLUME for one in mounts)
    tls = has_volume and is_mounted and variable.TLS_CERT in serving["environmentVariables"]
    return Group(
        image=" + ".join([serving["image"], *others]),  # somebody else's container shows as another image
        size=size.from_arm(serving["resources"]),
        port=own,
        keys=told.keys,
        tls=Tls(ssl_enabled=tls),
        environment_variables=told.plain,
        # answers have no secrets: those that were declared are still there, by name
        secure_environment_variables=told.secure,
        # variables of the server are properties of ours, and not of the group's own
        server=told.server,
        insights=told.insights,
        place=Place(location=group["location"] or None, zones=tuple(group["zones"])),
        tagged=tags.from_arm(group["tags"], known),
        network=network.from_arm(group, opened, known),
        encryption=encryption.from_arm(group["encryption"]),
        command=tuple(serving["command"]),
        kind=ServiceKind(
            os_type=group["osType"],
            restart_policy=group["restartPolicy"],
            sku=group["sku"],
            priority=group["priority"],
            cce_policy=group["ccePolicy"] or None,
        ),
        liveness_probe=probe.from_arm(serving["livenessProbe"]),
        readiness_probe=probe.from_arm(serving["readinessProbe"]),
        volumes=tuple(volume.from_arm(one) for one in group["volumes"] if one["name"] != TLS_VOLUME),
        volume_mounts=volume.mounts_from_arm(mounts),
        init_containers=tuple(container.init_from_arm(one, known) for one in group["initContainers"]),
        access=identity.from_arm(group, known),
        log_analytics=diagnostics.from_arm(group["logAnalytics"]),
        security_context=rights.from_arm(serving["securityContext"]),
    )


def _ports(group: Json, serving: Json) -> tuple[int, list[tuple[int, str]]]:
    """Return the service's port and the others; those of the address count, if there is one."""
    # of the address first: ports of a container are those inside
    opened: list[tuple[int, str]] = group["ipAddress"]["ports"] or serving["ports"]
    told = serving["environmentVariables"].get(variable.PORT, {}).get("value", "")
    first = opened[0] if opened else (0, "TCP")
    # what the server was told decides: the list of ports is sorted, and its first may be another's
    own = next((port for port in opened if str(port[0]) == told and port[1] == "TCP"), first)
    return own[0], [port for port in opened if port != own]


def with_secrets(group: Group, source: Group) -> Group:
    """Fill in secrets that ``group`` lacks, because nobody can read them back, from ``source``, for what is in both.

    Short-lived tokens of registries are those of ``source`` too, whatever ``group`` has.
    """
    insights = group.insights
    if insights.enable_app_insights and insights.app_insights_connection_string is None:
        # a connection string that somebody declared and an answer does not have is not gone
        insights = insights.but(
            app_insights_connection_string=source.insights.app_insights_connection_string or None,
        )
    access = group.access
    if source.access.image_registry_credentials:
        known = source.access.image_registry_credentials
        # tokens of a registry live for hours: what state has is the latest
        accounts = account.with_tokens(account.with_secrets(access.image_registry_credentials, known), known)
        access = access.but(image_registry_credentials=accounts)
    return group.but(
        volumes=volume.with_secrets(group.volumes, source.volumes),
        init_containers=container.with_secrets(group.init_containers, source.init_containers),
        access=access,
        log_analytics=diagnostics.with_secrets(group.log_analytics, source.log_analytics),
        insights=insights,
    )


def require_one_container(seen: Json) -> str:
    """Return the name of the container that serves.

    Raises:
        UserError: several containers serve in the group, which no properties describe.
    """
    # init containers do not count: they have ended when the group serves
    names = [str(item.get("name")) for item in (seen.get("properties") or {}).get("containers") or ()]
    if len(names) != 1:
        why = f'container group "{seen.get("name")}" has {len(names)} containers ({", ".join(names)})'
        raise UserError(why, "a service is one container, and others only run before it; import a group of one")
    return names[0]
