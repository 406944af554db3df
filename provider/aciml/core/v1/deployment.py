"""The deployment config: size, keys, TLS and network of a service."""

from __future__ import annotations

from collections.abc import Mapping

from .desk import Desk, Given
from .keys import DEPLOYMENT, TARGETS, Fate
from .reading import Said, shown

LEAST = 1.0
"""Cores and GiB that a container group has at least (Microsoft, "Container groups"); v1's default was less."""

_ENCRYPTION = ("vaultBaseUrl", "keyName", "keyVersion")
_SUBNET = ("vnetName", "subnetName")
_SSL = ("sslCertificate", "sslKey", "cname")
_AS_THEY_ARE = (
    "appInsightsEnabled",
    "location",
    "dnsNameLabel",
    "description",
    "scoringTimeoutMs",
    "tags",
    "properties",
)


def read_deployment(desk: Desk, text: str, name: str) -> str:
    """Take what a deployment config says for the service; return its compute type, empty if it is none of ours."""
    root = desk.reading.tree(text, name)
    if root is None:
        return ""
    said = desk.reading.said(root, DEPLOYMENT, name)
    compute = _compute(desk, said, name)
    if not compute:
        return ""
    _size(desk, said, "containerResourceRequirements.cpu")
    _size(desk, said, "containerResourceRequirements.memoryInGB")
    _keys(desk, said)
    _ssl(desk, said)
    for key in _AS_THEY_ARE:
        desk.take(desk.service, said, key)
    _together(desk, said, _ENCRYPTION)
    _together(desk, said, _SUBNET)
    _port(desk, said, compute)
    return compute


def _compute(desk: Desk, said: Mapping[str, Said], name: str) -> str:
    given = said.get("computeType")
    if given is None:
        if not desk.reading.has_fault("computeType"):
            desk.reading.fault(f"{name}:1", "computeType", "it is missing; write aci or local")
        return ""
    compute = given.text.lower()  # v1 took any letter case
    if compute in ("aci", "local"):
        return compute
    advice = TARGETS.get(compute, "v1 knew no such type; write aci or local")
    desk.reading.fault(given.where, "computeType", f'"{given.text}": {advice}')
    return ""


def _size(desk: Desk, said: Mapping[str, Said], name: str) -> None:
    if (given := said.get(name)) is None:
        return
    number, argument = float(given.value.data), given.key.to.partition(".")[2]
    if not 0 < number < float("inf"):
        desk.reading.fault(given.where, name, "it must be greater than 0")
        return
    cloud = LEAST if number < LEAST else None
    desk.service.append(Given(argument, number, given.where, name, cloud=cloud))
    if cloud is not None:
        # v1's own default is refused by today's API: the file stays right, and what becomes of it is said
        why = f"{shown(number)} at home; on Azure {shown(LEAST)}, the least that a container group has"
        desk.reading.note(given, Fate.USED, argument, why, told=True)


def _keys(desk: Desk, said: Mapping[str, Said]) -> None:
    asked = said.get("authEnabled")
    given = [said[name] for name in ("keys.primaryKey", "keys.secondaryKey") if name in said]
    if asked is not None:
        desk.take(desk.service, said, "authEnabled")
    for one in given:
        if asked is None:
            # a mistyped authEnabled is told as an unknown key; where it is left out, the keys say what was meant
            why = "a key is given, and authEnabled is not: the service would be open; write authEnabled: true"
            desk.reading.fault(one.where, one.key.path, why)
        elif asked.value.truth():
            desk.take(desk.service, said, one.key.path)
        else:
            desk.pass_over(one, "authEnabled is false: nobody is asked for a key, as in v1")


def _ssl(desk: Desk, said: Mapping[str, Said]) -> None:
    asked, given = said.get("sslEnabled"), [said[name] for name in _SSL if name in said]
    if asked is not None and asked.value.truth():
        for name in _SSL:
            if name not in said:
                desk.reading.fault(asked.where, name, "it is missing; sslEnabled needs certificate, key and cname")
            desk.take(desk.service, said, name)
    elif asked is None and given:
        # as with keys: who names a certificate does not mean plain HTTP
        why = "sslEnabled is not given: the service would speak plain HTTP; write sslEnabled: true, or drop it"
        desk.reading.fault(given[0].where, given[0].key.path, why)
    elif asked is not None:
        desk.pass_over(asked, "false: plain HTTP, as in v1", told=False)
        for one in given:
            desk.pass_over(one, "sslEnabled is false, as in v1")


def _together(desk: Desk, said: Mapping[str, Said], names: tuple[str, ...]) -> None:
    given = [said[name] for name in names if name in said]
    if given and len(given) < len(names):
        missing = ", ".join(name for name in names if name not in said)
        desk.reading.fault(given[0].where, given[0].key.path, f"{missing} is missing; v1 wanted all of them or none")
    for one in given:
        desk.take(desk.service, said, one.key.path)


def _port(desk: Desk, said: Mapping[str, Said], compute: str) -> None:
    if (given := said.get("port")) is None:
        return
    if compute != "local":
        desk.pass_over(given, "v1 read it with computeType local alone")
    elif isinstance(given.value.data, int) and 0 <= given.value.data <= 65535:
        desk.service.append(Given("port", given.value.data, given.where, "port"))
    else:
        desk.reading.fault(given.where, "port", "it must be a whole number from 0 to 65535")
