"""A certificate that Azure makes and renews: from the host name that an app has already to its binding.

It takes minutes, in which the authority looks for a record in DNS; what record that is, is told while it is waited for.
Source: Microsoft, "Custom domain names and free managed certificates"; Microsoft.App, managedCertificates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ....core.errors import UserError
from ....core.progress import Progress
from ....model.container_app import ContainerApp
from ....model.group import Group
from ..arm.patience import Clock, settled
from . import certificate, ingress
from .calls import AppCalls, Seen
from .site import Site

_MADE, _PENDING = "succeeded", frozenset({"pending", "deleting", ""})


def is_made(seen: Seen | None) -> bool:
    """Tell whether a certificate can be bound."""
    return seen is not None and _state(seen) == _MADE


@dataclass(frozen=True)
class ManagedCertificate:
    """The one of an app; ``there`` is the environment."""

    calls: AppCalls
    declared: Group
    site: Site
    there: Site
    location: str

    @property
    def name(self) -> str:
        """Its name in the environment."""
        return certificate.managed_name(self.declared)

    @property
    def _app(self) -> ContainerApp:
        return self.declared.runs.container_app or ContainerApp()

    def is_made(self) -> bool:
        """Tell whether it is there, and can be bound."""
        return is_made(self.calls.managed_certificate(self.there, self.name))

    def bind(self, progress: Progress, clock: Clock) -> None:
        """Have it made if it is not, and let the app show it; the app has the host name already.

        Raises:
            UserError: Azure's authority does not believe that the host name is the user's; the app serves without it.
            TimedOut: it has not been made yet.
        """
        self._make(progress, clock)
        app = self.calls.get(self.site) or {}
        has = (((app.get("properties") or {}).get("configuration") or {}).get("ingress") or {}).get("customDomains")
        said = certificate.with_name(self.declared)
        wanted = ingress.to_arm(said, self.there.id, [])["customDomains"]
        if [_folded(one) for one in has or ()] != [_folded(one) for one in wanted]:
            body = {"properties": {"configuration": {"ingress": {"customDomains": wanted}}}}
            self.calls.patch(self.site, body, progress, clock, f"binding {self._app.custom_domain} to its certificate")

    def _make(self, progress: Progress, clock: Clock) -> None:
        seen = self.calls.managed_certificate(self.there, self.name)
        if seen is not None and _state(seen) not in _PENDING | {_MADE}:
            # nothing of it can be changed (ManagedCertNoUpdate): one that has failed is made anew
            self.calls.drop_managed_certificates(self.there, lambda name: name == self.name)
            seen = None
        if seen is None:
            progress.say(f"having Azure make a certificate for {self._app.custom_domain}")
            body = certificate.managed_to_arm(self._app, self.location)
            self.calls.begin_certificate(self.there, self.name, body, progress, clock)
        title, told = f"the certificate of {self._app.custom_domain}", set[str]()

        def look() -> Seen | None:
            found = self.calls.managed_certificate(self.there, self.name)
            if found is not None and _state(found) in _PENDING and (line := self._to_do(found)) and line not in told:
                told.add(line)
                progress.note(f"Azure makes {title} when it finds its record: {line}")
            return found

        seen = settled(title, look, _state, lambda one: _state(one) not in _PENDING, progress, clock)
        if seen is None or _state(seen) != _MADE:
            why = str(((seen or {}).get("properties") or {}).get("error") or "Azure does not say why")
            advice = self._to_do(seen or {}) or "look at the records of the host name"
            raise UserError(f"{title} could not be made: {why}", f"{advice}, then run the same command again")

    def _to_do(self, seen: Seen) -> str:
        app, home = self.calls.get(self.site) or {}, self.calls.environment(self.there) or {}
        entry = ((app.get("properties") or {}).get("configuration") or {}).get("ingress") or {}
        address = str((home.get("properties") or {}).get("staticIp") or "the environment's address")
        return certificate.to_do(self._app, seen, host=str(entry.get("fqdn") or ""), address=address)


def _state(seen: Seen) -> str:
    return str((seen.get("properties") or {}).get("provisioningState") or "").lower()


def _folded(domain: Mapping[str, Any]) -> tuple[str, str, str]:
    kind, id_ = str(domain.get("bindingType") or ""), str(domain.get("certificateId") or "")
    return str(domain["name"]).lower(), kind.lower(), id_.lower()
