"""Specs of container groups to test with, made of properties by their names on the wire."""

from __future__ import annotations

from typing import Any

from aciml.model.declared import read
from aciml.model.group import FIELDS, Group
from aciml.model.shape import sound
from aciml.targets.protocol import Certificate, Drift, GroupFacts, GroupSpec


def declared(**properties: Any) -> Group:
    """What is declared, without any default of the resource."""
    return read(Group, sound(properties, FIELDS, ranges=False))


def spec(name: str, image: str, *, certificate: Certificate | None = None, owner: str = "", **said: Any) -> GroupSpec:
    """A spec; with a certificate the service speaks TLS."""
    tls = {"sslEnabled": True} if certificate else {}
    return GroupSpec(declared(name=name, image=image, **tls, **said), certificate, owner)


def drift_of(facts: GroupFacts | None) -> dict[str, Any]:
    """The properties that were seen, by their names on the wire; None for one that was taken away."""
    return told(facts.drift if facts else None)


def told(drift: Drift | None) -> dict[str, Any]:
    """The same of a drift."""
    return drift.properties() if drift else {}
