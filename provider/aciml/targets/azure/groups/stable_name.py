"""The name that clients call while groups change behind it: which one a service has, and how long it is remembered."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....core.errors import UserError
from ....core.progress import Progress
from ....model.rollout import StableName as Declared
from ...protocol import GroupSpec
from ..arm.patience import Clock
from ..arm.polling import pause
from .network import label_of
from .outside import Endpoint, Pool
from .pointer import Label, Pointed, StableName

if TYPE_CHECKING:
    from ..arm.session import AzureSession

DRAIN_SECONDS = 5.0
"""A group that nothing leads to any more serves for so long at least: for requests under way."""


def stable_name(session: AzureSession, spec: GroupSpec) -> StableName:
    """Return what a spec declares.

    Raises:
        UserError: nothing can lead from one group to another.
    """
    network, label = spec.declared.network, label_of(spec.declared, session.config)
    declared = spec.declared.updates.stable_name or Declared()
    if declared.traffic_manager_endpoint:
        return Endpoint(session, declared.traffic_manager_endpoint, label)
    if declared.application_gateway:
        return Pool(session, declared.application_gateway, declared.backend_pool or "", label)
    if not label:
        advice = "set stableName, give the group a public address with a label, or take rollout in_place"
        raise UserError(f"service {spec.name} has no name that could move from one group to another", advice)
    if network.dns_name_label_scope == "Noreuse":
        advice = "take another scope, set stableName, or take rollout in_place"
        raise UserError("dnsNameLabelScope Noreuse gives every group another host name, so it cannot move", advice)
    return Label(label)


def wait_out(pointed: Pointed, progress: Progress, clock: Clock) -> None:
    """Wait as long as clients may still go to where the name led before."""
    # resolvers remember the old answer for the TTL, so the old group serves as long (decisions/rollout.md)
    seconds = min(max(pointed.remembered, DRAIN_SECONDS), clock.left)
    progress.say(f"{pointed.host or 'the name'} leads to the new group; the old one serves for {seconds:g} s more")
    pause(seconds, progress)
