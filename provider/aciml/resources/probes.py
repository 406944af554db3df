"""The probes of a group that says nothing of them: they ask the server's own health port, which is not public."""

from __future__ import annotations

from ..model.declared import written
from ..model.group import Group
from ..model.probe import Probe
from ..properties import UNKNOWN, Values, is_unknown, reveal

_PROBES = ("liveness_probe", "readiness_probe")


def settled(defaults: Group, given: Values) -> Values:
    """Return the defaults of a target with probes that fit what is given.

    Another command than the image's may not be our server, and without a health port nobody answers: no probes then.
    With a health port that is not known yet they are not known either.
    """
    port = reveal(given.get(defaults.server.at("health_port")))
    if defaults.at("command") in given or (not is_unknown(port) and port == 0):
        return without_probes(defaults)
    named = [name for name in _PROBES if getattr(defaults, name) is not None]
    if is_unknown(port):
        return {**without_probes(defaults), **{defaults.at(name): UNKNOWN for name in named}}
    # wrong by itself: whoever judges it says so, and one message is enough
    if not isinstance(port, int):
        return written(defaults)
    return written(defaults.but(**{name: _at(getattr(defaults, name), port) for name in named}))


def without_probes(defaults: Group) -> Values:
    """Return the defaults of a group that was not declared: what probes it has is seen."""
    return written(defaults.but(liveness_probe=None, readiness_probe=None))


def _at(probe: Probe, port: int) -> Probe:
    return probe.but(http_get=probe.http_get.but(port=port)) if probe.http_get else probe
