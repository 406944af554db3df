"""The containers of a group in ARM's JSON: the one that serves, and those that run before it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ....model.container import InitContainer
from ....model.group import Group
from ...protocol import GroupSpec
from . import network, probe, rights, size, variable, volume
from .members import Json, given, named


def to_arm(spec: GroupSpec) -> dict[str, Any]:
    """Return the container that serves, named after the group.

    All lists without an order of their own are sorted, so that equal specs make equal requests.
    """
    declared = spec.declared
    mounts = [*declared.volume_mounts, *([volume.TLS_MOUNT] if spec.certificate else [])]
    # there is no port mapping: the server listens on the port that the address opens, so it is told that one
    port, tls = declared.own_port, spec.certificate is not None
    body = {
        "image": spec.image,
        "command": list(declared.command),
        "ports": network.ports_of(declared),
        "environmentVariables": variable.of_service(spec),
        "resources": size.to_arm(spec),
        "livenessProbe": probe.to_arm(declared.liveness_probe, port=port, tls=tls),
        "readinessProbe": probe.to_arm(declared.readiness_probe, port=port, tls=tls),
        "volumeMounts": volume.mounts_to_arm(mounts),
        "securityContext": rights.to_arm(declared.security_context),
    }
    return {"name": spec.name, "properties": given(**body)}


def init_to_arm(declared: InitContainer) -> dict[str, Any]:
    """Return a container that runs before."""
    body = {
        "image": declared.image,
        "command": list(declared.command),
        "environmentVariables": variable.to_arm(declared.environment_variables, declared.secure_environment_variables),
        "volumeMounts": volume.mounts_to_arm(declared.volume_mounts),
    }
    return {"name": declared.name, "properties": given(**body)}


def same(container: Json) -> dict[str, Any]:
    """Return what two descriptions of a container, of either kind, are compared by."""
    properties: Json = container.get("properties") or {}
    return {
        "name": named(container),
        "image": str(properties.get("image") or ""),
        "command": list(properties.get("command") or ()),
        "ports": network.same_ports(properties.get("ports") or []),
        "environmentVariables": variable.same(properties.get("environmentVariables") or []),
        "volumeMounts": volume.same_mounts(properties.get("volumeMounts") or ()),
        "resources": size.same(properties.get("resources") or {}),
        "livenessProbe": probe.same(properties.get("livenessProbe")),
        "readinessProbe": probe.same(properties.get("readinessProbe")),
        "securityContext": rights.same(properties.get("securityContext") or {}),
    }


def folded(container: Json) -> dict[str, Any]:
    """Return what ``same`` made of a container, without letter case where it does not count."""
    host, slash, rest = str(container["image"]).partition("/")
    probes = {name: probe.folded(container[name]) for name in ("livenessProbe", "readinessProbe")}
    # the rest of a reference is in lower case anyway, or a tag, in which case counts (distribution-spec 1.1, "pull")
    return {**container, **probes, "image": f"{host.lower() if slash else host}{slash}{rest}"}


def init_from_arm(container: Json, known: Group | None) -> InitContainer:
    """Return what ``same`` made of a container that runs before as it would be declared.

    Args:
        container: the container.
        known: what was declared of the group, which has the values of secure variables.
    """
    declared = next((one for one in known.init_containers if one.name == container["name"]), None) if known else None
    plain, secure = variable.split(
        container["environmentVariables"],
        declared.environment_variables if declared else None,
        declared.secure_environment_variables if declared else None,
    )
    return InitContainer(
        name=container["name"],
        image=container["image"],
        command=tuple(container["command"]),
        environment_variables=plain or None,
        # nothing rather than an empty map: what was not declared must not come back as declared
        secure_environment_variables=secure or None,
        volume_mounts=volume.mounts_from_arm(container["volumeMounts"]),
    )


def with_secrets(containers: Iterable[InitContainer], source: Iterable[InitContainer]) -> tuple[InitContainer, ...]:
    """Fill in values of secure variables that nobody can read back from containers of the same name."""
    # by name and not by place: a container that was put in between would get another's secrets
    known = {one.name.lower(): one.secure_environment_variables for one in source}
    return tuple(
        one.but(
            secure_environment_variables=variable.with_secrets(
                one.secure_environment_variables, known.get(one.name.lower())
            )
        )
        for one in containers
    )
