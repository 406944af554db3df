"""Where a container group is reached: its kind of address, its label, its subnet, its ports.

Source: Microsoft's pages on virtual networks, on reusing DNS names and on spot containers, and the service's questions
and answers (ports).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..core.errors import Finding
from .said import Said

PORTS = 5
RESERVED_PORTS = (
    range(22, 23),
    range(1025, 1028),
    range(3389, 3400),
    range(9999, 10000),
    range(19000, 19001),
    range(19080, 19081),
    range(19100, 19101),
    range(19390, 19391),
    range(20000, 30001),
    range(49152, 65535),
)
_LABEL = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_SUBNET = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/virtualNetworks/[^/]+/subnets/[^/]+",
    re.IGNORECASE,
)
_FORM = "/subscriptions/.../resourceGroups/.../providers/Microsoft.Network/virtualNetworks/.../subnets/..."
_NAMES = ("vnetName", "subnetName")


def has_subnet(said: Said) -> bool:
    """Tell whether the group is to run in a virtual network, as far as it is known."""
    return bool(said.get("subnetId") or (said.get("vnetName") and said.get("subnetName")))


def address_type(said: Said) -> str:
    """Return Public, Private or None: what is said, else what the rest allows; empty if that is not known yet.

    Source: Microsoft's pages on virtual networks (no public address in one) and on spot containers (no public address,
    no virtual network; terraform-provider-azurerm asks for None).
    """
    if given := said.get("ipAddressType"):
        return str(given)
    if said.unsure("ipAddressType", "subnetId", *_NAMES, "priority"):
        return ""
    if has_subnet(said):
        return "Private"
    return "None" if said.get("priority") == "Spot" else "Public"


def label_findings(said: Said) -> Iterator[Finding]:
    """Judge the DNS label."""
    label = said.get("dnsNameLabel")
    if not label:
        return
    if not (5 <= len(label) <= 63 and _LABEL.fullmatch(label)):
        form = "use 5 to 63 lower-case letters, digits and -, a letter first"
        yield said.finding("dnsNameLabel", f'"{label}" is no label; {form}')
    kind = address_type(said)
    if kind not in ("Public", "") and said.get("priority") != "Spot" and not said.unsure("priority"):
        why = "in a virtual network there is none" if has_subnet(said) else f"ipAddressType is {kind}"
        yield said.finding("dnsNameLabel", f"a label names a public address, and {why}; drop dnsNameLabel")


def network_findings(said: Said) -> Iterator[Finding]:
    """Judge the virtual network; v1 wanted both names or none."""
    named, unsure = [name for name in _NAMES if said.get(name)], said.unsure(*_NAMES)
    if len(named) == 1 and not unsure:
        (missing,) = set(_NAMES) - set(named)
        yield said.finding(missing, f"{named[0]} is set and {missing} is not; give both or none")
    subnet = said.get("subnetId")
    if subnet and not _SUBNET.fullmatch(subnet):
        yield said.finding("subnetId", f'"{subnet}" is no id of a subnet; write {_FORM}')
    if subnet and named:
        yield said.finding(named[0], f"subnetId and {named[0]} both say where to run; drop one of them")
    if said.get("vnetResourceGroup") and not named and not unsure:
        why = "vnetResourceGroup goes with vnetName and subnetName; give them or drop it"
        yield said.finding("vnetResourceGroup", why)
    if has_subnet(said) and said.get("ipAddressType") == "Public":
        why = "a group in a virtual network has no public address; write Private or None"
        yield said.finding("ipAddressType", why)
    alone = not named and not subnet and not said.unsure(*_NAMES, "subnetId")
    if said.get("ipAddressType") == "Private" and alone:
        why = "a private address needs a virtual network; give subnetId, or vnetName and subnetName"
        yield said.finding("ipAddressType", why)


def port_findings(said: Said) -> Iterator[Finding]:
    """Judge the ports besides the service's: how many, which, and each once."""
    own = int(said.get("port") or 0) or (443 if said.get("sslEnabled") else 80)
    opened = set() if said.unsure("port", "sslEnabled") else {(own, "TCP")}
    for declared in said.each("ports"):
        if declared.get("port") is None or declared.unsure("protocol"):
            continue
        port = (int(declared.get("port")), str(declared.get("protocol", "TCP")))
        if port in opened:
            why = f"port {port[0]}/{port[1]} is open already; the service's own is {own}/TCP"
            yield declared.finding("port", why)
        opened.add(port)
        yield from reserved_finding(declared.at("port"), port[0])
    if len(opened) > PORTS:
        why = f"{len(opened)} ports with the service's own are more than {PORTS}, the most of an address"
        yield said.finding("ports", why)


def reserved_finding(where: str, port: int) -> Iterator[Finding]:
    """Judge whether a cloud's service opens a port."""
    for taken in RESERVED_PORTS:
        if port in taken:
            several = f"{taken[0]} to {taken[-1]} are" if len(taken) > 1 else f"{port} is"
            yield Finding(where, f"port {port} cannot be opened: {several} reserved by the service; choose another")
