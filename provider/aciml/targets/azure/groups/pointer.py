"""What leads clients to the group that serves while groups change behind it: the promise, and a group's own DNS label.

How much gap each has is in ``decisions/rollout.md``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .state import Seen, properties_in

LONGEST_LABEL = 63


@dataclass(frozen=True)
class Pointed:
    """Where clients find the service: host name or address.

    They may go for ``remembered`` seconds to where it led before; ``same_port``: they call the group's own port;
    ``shared`` are hosts that it leads to as well, and that are none of the service's.
    """

    host: str = ""
    remembered: float = 0.0
    same_port: bool = True
    shared: tuple[str, ...] = ()


class StableName(Protocol):
    """What leads to the group that serves. Slots are ``blue``, ``green``, or empty for the group of the plain name."""

    @property
    def is_label(self) -> bool:
        """Tell whether it is the group's own DNS label, which no two groups can have."""

    def label(self, slot: str, *, serving: bool) -> str:
        """Return the label of the group in a slot; empty for none."""

    def holder(self, groups: Mapping[str, Seen]) -> str | None:
        """Return the slot of the group that it leads to; None if it leads to none of them."""

    def point_to(self, seen: Seen, before: Iterable[Seen] = ()) -> Pointed:
        """Let it lead to a group from now on, in the place of the service's groups of before."""

    def pointed(self) -> Pointed:
        """Return where clients find the service; empty if that is the group's own name."""

    def forget(self, groups: Iterable[Seen]) -> None:
        """Lead to none of these groups any more, as far as it can lead to nobody."""


def host_of(seen: Seen) -> str:
    """Return the host name of a group, else its address."""
    address = properties_in(seen).get("ipAddress") or {}
    # the name first: an address usually stays over an update, but that is not promised (Microsoft, update page)
    return str(address.get("fqdn") or address.get("ip") or "")


def label_beside(label: str, slot: str) -> str:
    """Return the label of a slot whose group does not serve, or that an outside name leads to; empty for none."""
    # the label is cut and not the ending, since the ending is what makes two of them: 63 characters (RFC 1035, 2.3.4)
    ending = f"-{slot or 'base'}"
    return f"{label[: LONGEST_LABEL - len(ending)].rstrip('-')}{ending}" if label else ""


@dataclass(frozen=True)
class Label:
    """The DNS label of the group itself: one gives it up, then the other takes it, and nobody answers in between."""

    name: str
    is_label: bool = True

    def label(self, slot: str, *, serving: bool) -> str:
        """Return the label itself for the group that serves, one beside it for the other."""
        return self.name if serving else label_beside(self.name, slot)

    def holder(self, groups: Mapping[str, Seen]) -> str | None:
        """Find the group with the label."""
        for slot, seen in groups.items():
            held = str((properties_in(seen).get("ipAddress") or {}).get("dnsNameLabel") or "")
            # names of DNS know no letter case (RFC 4343)
            if held.lower() == self.name.lower():
                return slot
        return None

    def point_to(self, seen: Seen, before: Iterable[Seen] = ()) -> Pointed:  # noqa: ARG002 - put with the group
        """Do nothing more."""
        return Pointed()

    def pointed(self) -> Pointed:
        """Return nothing: it is the group's own name."""
        return Pointed()

    def forget(self, groups: Iterable[Seen]) -> None:
        """Do nothing: the label goes with its group."""
