"""The environment that apps are in: found, made where there is none, and taken away with the last app of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ....core.errors import UserError
from ....core.progress import Progress
from ....model.group import Group
from ..arm.errors import AzureError
from ..arm.patience import LOOK_SECONDS, Clock
from ..arm.polling import pause
from . import environment
from .calls import AppCalls, Seen
from .site import Site

if TYPE_CHECKING:
    from ..arm.session import AzureSession

_LEAVING = frozenset({"scheduledfordelete", "deleting"})


class Home:
    """Environments of one subscription."""

    def __init__(self, session: AzureSession, calls: AppCalls) -> None:
        """Speak through ``calls``."""
        self._session, self._calls = session, calls

    def ensure(self, declared: Group, progress: Progress, clock: Clock) -> Seen:
        """Return the environment of an app, ready for it; it is made if it is named and not there.

        Raises:
            UserError: it is given by its id and not there, or is not as the declaration wants it and cannot become so.
            AzureError: it has failed, or cannot be made.
        """
        site = environment.environment_site(declared, self._session.config)
        wanted = environment.to_arm(declared, self._session.config)
        seen = self._left(site, progress, clock)
        app = declared.runs.container_app
        if seen is None:
            if app and app.has_id:
                raise UserError(f"there is no {site.title}", "correct containerApp.environment, or leave it out")
            progress.note(f"{site.title} is made: it takes some minutes, once for all services of the resource group")
            seen = self._calls.put_environment(site, wanted, progress, clock)
        else:
            # another app of the same update may be making it
            seen = self._calls.environment_ready(site, progress, clock)
        if wrong := [*environment.mismatches(wanted, seen)]:
            advice = "name another environment by containerApp.environment"
            raise UserError(f"{site.title} is not as it is declared: {'; '.join(wrong)}", advice)
        return self._completed(site, wanted, seen, progress, clock)

    def leave(self, environment_id: str, site: Site, progress: Progress, clock: Clock) -> None:
        """Take the environment away if it was made for services and no app is in it any more."""
        seen = self._calls.environment(site)
        # asked now, and not before the app was deleted: two apps may have gone at once
        if seen is None or not environment.is_ours(seen) or [*self._calls.apps_in(environment_id)]:
            return
        progress.note(f"{site.title} was made for services, and no app is in it any more: it goes too")
        try:
            self._calls.delete_environment(site, progress, clock)
        except AzureError as error:
            # an app came in meanwhile (409), or somebody else was quicker: neither is a fault of this deletion
            if not error.gone and error.status != 409:
                raise
            progress.note(f"{site.title} stays: {error.message}")

    def _left(self, site: Site, progress: Progress, clock: Clock) -> Seen | None:
        """Look at an environment; one that goes is waited for, because another app was the last in it."""
        seen = self._calls.environment(site)
        while seen is not None and environment.state_of(seen) in _LEAVING and clock.left:
            progress.say(f"{site.title} is being deleted, waiting until it can be made again")
            pause(LOOK_SECONDS, progress)
            seen = self._calls.environment(site)
        return seen

    def _completed(self, site: Site, wanted: Seen, seen: Seen, progress: Progress, clock: Clock) -> Seen:
        """Add what an environment of ours lacks; of somebody else's it is told, because it is not ours to change."""
        lacks = environment.lacks(wanted, seen)
        if not lacks:
            return seen
        names = ", ".join(sorted(lacks))
        if not environment.is_ours(seen):
            progress.warn(f"{site.title} is somebody else's, and lacks what is declared of it: {names}")
            return seen
        progress.note(f"{site.title} gets {names}")
        # a PUT of the whole, because a PATCH replaces lists: it would take the profiles of other apps away
        properties = {**(seen.get("properties") or {}), **lacks}
        kept = {name: value for name, value in properties.items() if name not in _READ_ONLY}
        logs = kept.get("appLogsConfiguration") or {}
        # the key is in no answer, and a request with the rest of it alone is refused
        if "appLogsConfiguration" not in lacks and logs.get("logAnalyticsConfiguration"):
            own = wanted["properties"].get("appLogsConfiguration")
            kept.pop("appLogsConfiguration")
            kept |= {"appLogsConfiguration": own} if own else {}
        body = {"location": seen["location"], "tags": seen.get("tags") or {}, "properties": kept}
        return self._calls.put_environment(site, body, progress, clock)


_READ_ONLY = frozenset(
    {"provisioningState", "defaultDomain", "staticIp", "deploymentErrors", "eventStreamEndpoint"}
    | {"privateEndpointConnections"}
)
