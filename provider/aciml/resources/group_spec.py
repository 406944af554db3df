"""From a group's inputs to the target's spec, and from what the target says to outputs."""

from __future__ import annotations

from ..model.declared import read, wires_of, written
from ..model.group import Group, Outputs
from ..model.keys import Keys
from ..model.rollout import STARTUP_SECONDS, Rollout
from ..model.runs_on import GROUP, RunsOn
from ..model.size import V1_CORES, V1_MEMORY, Size
from ..model.tls import Tls
from ..properties import Secret, Values, reveal
from ..targets.protocol import Certificate, GroupFacts, GroupSpec
from .certificate import stand_in

DEFAULTS: Values = written(
    read(Group, {}).but(
        size=Size(cpu_cores=V1_CORES, memory_gb=V1_MEMORY),
        port=0,
        keys=Keys(auth_enabled=False),
        environment_variables={},
        updates=Rollout(startup_timeout=STARTUP_SECONDS),
    )
)
"""What check fills where the target says nothing: v1's."""
PLAIN, SECURE = "environment_variables", "secure_environment_variables"
_BEFORE, _PLAIN, _SECURE = wires_of(Group, "init_containers", PLAIN, SECURE)
_SAME = written(
    read(Group, {}).but(
        tls=Tls(ssl_enabled=False),
        updates=Rollout(rollback=True),
        secure_environment_variables={},
        runs=RunsOn(runs_on=GROUP),
    )
)
"""What makes no difference whether it is said or not."""


def spec_of(
    inputs: Values, keys: Values, *, keep_port: int = 0, owner: str = "", certificate: Certificate | None = None
) -> GroupSpec:
    """Return what the target is asked for.

    Args:
        inputs: with nothing unknown.
        keys: both keys, or none.
        keep_port: taken when the inputs leave the port open.
        owner: urn of the resource.
        certificate: read from its files; without it the hash stands in for it, which is enough to compare.
    """
    declared = read(Group, reveal({**DEFAULTS, **_SAME, **secured(inputs), **keys}))
    # a port that was picked stays: callers know it
    declared = declared.but(port=declared.port or keep_port)
    return GroupSpec(declared, certificate or stand_in(declared.tls), owner)


def secured(inputs: Values) -> Values:
    """Return inputs in which a plain variable whose text is a secret is a secure one: the cloud shows the others.

    So in the containers that run before, too.
    """
    found = _secured(inputs)
    if isinstance(before := found.get(_BEFORE), list):
        found[_BEFORE] = [_secured(one) if isinstance(one, dict) else one for one in before]
    return found


def _secured(values: Values) -> Values:
    hidden = _hidden(values)
    if not hidden:
        return dict(values)
    said = values[_PLAIN]
    plain = said.value if isinstance(said, Secret) else said
    shown = {name: text for name, text in plain.items() if name not in hidden}
    return {**values, _PLAIN: shown, _SECURE: {**hidden, **(reveal(values.get(_SECURE)) or {})}}


def rehidden(old: Values, new: Values) -> list[str]:
    """Return the paths of plain variables whose text stays and becomes a secret, or is none any more.

    Texts compare as equal, secret or not. But what the cloud shows of them differs: who marks a text as secret wants
    it hidden, and not with the next other change.
    """
    said = {name for name, text in _texts(new).items() if name in _texts(old) and text == _texts(old)[name]}
    changed = said & (_hidden(old).keys() ^ _hidden(new).keys())
    paths = [f'{_PLAIN}["{name}"]' for name in sorted(changed)]
    before, after = (_hidden_before(values) for values in (old, new))
    same = reveal(old.get(_BEFORE)) == reveal(new.get(_BEFORE))
    return [*paths, *([_BEFORE] if same and before != after else [])]


def _texts(values: Values) -> Values:
    said = reveal(values.get(_PLAIN))
    return said if isinstance(said, dict) else {}


def _hidden(values: Values) -> Values:
    said = values.get(_PLAIN)
    plain = said.value if isinstance(said, Secret) else said
    if not isinstance(plain, dict):
        return {}
    return {name: text for name, text in plain.items() if isinstance(said, Secret) or isinstance(text, Secret)}


def _hidden_before(values: Values) -> list[set[str]]:
    said = values.get(_BEFORE)
    return [set(_hidden(one)) for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def state_of(inputs: Values, keys: Values, declared: Group, facts: GroupFacts) -> Values:
    """Return the outputs of a group that exists."""
    tls = declared.tls
    host = _named(facts.address, tls.ssl_cname or "" if tls.ssl_enabled else "")
    base = f"{facts.scheme or ('https' if tls.ssl_enabled else 'http')}://{host}"
    outputs = Outputs(
        state=facts.state,
        scoring_uri=f"{base}/score" if host else "",
        swagger_uri=f"{base}/swagger.json" if host else "",
        fqdn=facts.fqdn,
        ip=facts.ip,
        # of what runs and not of what was declared: after a failed update they are two
        image_digest=facts.image.rpartition("@")[2],
        owner=facts.owner,
    )
    return {**inputs, **keys, **written(read(Group, {}).but(image=facts.image, port=facts.port)), **written(outputs)}


def _named(address: str, cname: str) -> str:
    """Put the certificate's host name in the place of the address's host; the port stays."""
    if not cname or not address:
        return address
    _, colon, port = address.rpartition(":")
    return f"{cname}:{port}" if colon and port.isdigit() else cname
