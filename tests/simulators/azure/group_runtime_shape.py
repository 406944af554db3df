"""A container of a group in Docker's words."""

from __future__ import annotations

import base64
from typing import Any

from .group_runtime_engine import Engine

Json = dict[str, Any]
_GIB = 1 << 30
_LEAST = 6 << 20  # Docker refuses less memory


def environment(container: Json) -> dict[str, str]:
    """Return the variables of a container, the secret ones too."""
    variables = container["properties"].get("environmentVariables") or []
    return {each["name"]: str(each.get("secureValue") or each.get("value") or "") for each in variables}


def create(engine: Engine, container: Json, *, image: str, name: str, holder: str, binds: list[str]) -> str:
    """Create a container of a group beside its holder, or without a network, and return its id."""
    properties = container["properties"]
    security = properties.get("securityContext") or {}
    config = engine.api.create_host_config(
        network_mode=f"container:{holder}" if holder else "none",
        binds=binds,
        **_amounts(engine, properties),
        **_rights(security),
    )
    command = properties.get("command") or None
    made = engine.api.create_container(
        image,
        name=name,
        command=properties.get("args") or None,
        entrypoint=command,
        environment=environment(container),
        host_config=config,
        user=_user(security),
        labels=engine.labels,
    )
    return str(made["Id"])


def hold(engine: Engine, name: str, dns: Json) -> str:
    """Start what holds the network of a group and return its id."""
    config = engine.api.create_host_config(
        dns=dns.get("nameServers") or None,
        dns_search=(dns.get("searchDomains") or "").split() or None,
        dns_opt=(dns.get("options") or "").split() or None,
    )
    made = engine.api.create_container(
        engine.holder_image(), name=name, hostname="SandboxHost", host_config=config, labels=engine.labels
    )
    engine.api.start(made["Id"])
    return str(made["Id"])


def address(engine: Engine, holder: str) -> str:
    """Return the address of a group on Docker's bridge."""
    seen = engine.api.inspect_container(holder)["NetworkSettings"]
    return str(seen.get("IPAddress") or next(iter(seen["Networks"].values()))["IPAddress"])


def _amounts(engine: Engine, properties: Json) -> Json:
    """Cores and memory: the limit, else the request; never more cores than the machine has."""
    resources = properties.get("resources")
    if not resources:
        return {}
    most = {**resources["requests"], **{key: value for key, value in (resources.get("limits") or {}).items() if value}}
    cores = max(0.01, min(float(most["cpu"]), engine.cores))
    memory = max(_LEAST, int(float(most["memoryInGB"]) * _GIB))
    return {"nano_cpus": int(cores * 1e9), "mem_limit": memory, "memswap_limit": memory}


def _rights(security: Json) -> Json:
    capabilities = security.get("capabilities") or {}
    options = []
    if security.get("allowPrivilegeEscalation") is False:
        options.append("no-new-privileges:true")
    if security.get("seccompProfile"):
        options.append(f"seccomp={base64.b64decode(security['seccompProfile']).decode()}")
    return {
        "privileged": bool(security.get("privileged")),
        "cap_add": capabilities.get("add") or None,
        "cap_drop": capabilities.get("drop") or None,
        "security_opt": options or None,
    }


def _user(security: Json) -> str | None:
    if security.get("runAsUser") is None:
        return None
    group = security.get("runAsGroup")
    return f"{security['runAsUser']}" + ("" if group is None else f":{group}")
