"""The requests about container apps: each waits while another operation is under way, and none is believed blindly.

What the SDK's poller says of a PATCH may be a failure that looks like a success: on 202 with ``Location`` alone any 200
counts, also one whose body says Failed, and an empty one gives nothing (measured with 5.1.0; azure-cli issue 30078). So
after each write the resource is asked what has become of it.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from ....core.errors import AcimlError
from ....core.progress import Progress
from ..arm.errors import AzureError, translated
from ..arm.patience import (
    GOES_ON,
    LOOK_SECONDS,
    NEW_SECONDS,
    ROLE_TRIES,
    Again,
    Clock,
    asked_seconds,
    looked_for,
    sent,
    settled,
)
from ..arm.polling import TimedOut, pause, spoken_time, wait_for
from ..arm.session import AzureSession
from ..groups.members import Json
from . import environment
from .site import APPS, Site

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

Result = TypeVar("Result")
Seen = Mapping[str, Any]
BUSY: Mapping[str, int] = {
    "ContainerAppOperationInProgress": 1000,
    "ContainerAppLockConflict": 1000,
    "ManagedEnvironmentOperationInProgress": 1000,
    # an environment that was made just now
    "ManagedEnvironmentNotReadyForAppCreation": 1000,
}
"""Codes that ask for the same request again later; another write runs, and ends by itself, so the clock bounds it."""
UNAUTHORIZED = ("UNAUTHORIZED", "DENIED")
IMAGE_CODES = frozenset({"InvalidParameterValueInContainerTemplate", "WebhookInvalidParameterValue"})
"""What is answered for an image that is not there or may not be pulled; the second is the older word."""
FAILED = frozenset({"failed", "canceled"})
_SETTLED = frozenset({"", "succeeded", "failed", "canceled"})
OPERATION_FAILED = "ContainerAppOperationError"


@dataclass(frozen=True)
class Written:
    """What a write has left: the app as it is, and what the operation failed with, if it did.

    ``goes_on``: the operation was not waited for to its end.
    """

    seen: Seen
    error: AzureError | None = None
    goes_on: bool = False

    def good(self) -> Seen:
        """Return the app; raise what the operation failed with, if it did."""
        if self.error is not None:
            raise self.error
        return self.seen


def state_of(seen: Seen) -> str:
    """Return the provisioning state of an app, in lower case."""
    return str((seen.get("properties") or {}).get("provisioningState") or "").lower()


class AppCalls:
    """Requests through the SDK's client, in ARM's JSON: ``repr`` of its models prints the values of secrets."""

    def __init__(self, session: AzureSession) -> None:
        """Speak through ``session``."""
        self.session = session

    @property
    def _client(self) -> ContainerAppsAPIClient:
        return self.session.apps

    def get(self, site: Site) -> Seen | None:
        """Look at an app; None only if it is certainly gone."""
        return self._found(site, lambda: self._client.container_apps.get(site.resource_group, site.name, cls=_json))

    def get_settled(self, site: Site, progress: Progress, clock: Clock) -> Seen | None:
        """Look at an app when no operation on it is under way any more.

        Raises:
            TimedOut: the operation takes longer than the clock has.
        """
        return settled(
            site.title, lambda: self.get(site), state_of, lambda seen: state_of(seen) in _SETTLED, progress, clock
        )

    def put(
        self,
        site: Site,
        body: Json,
        progress: Progress,
        clock: Clock,
        *,
        accepted: Callable[[], None],
        granted: Callable[[], bool] = lambda: False,
        patience: float = math.inf,
    ) -> Written:
        """Put the full model and wait until the service is done with it, or for ``patience`` seconds.

        Args:
            site: where.
            body: ARM's JSON, with all secrets: what is left out is taken away.
            progress: hears of it.
            clock: bounds it.
            accepted: called as soon as the service has taken the request; what fails later may have changed something.
            patience: a revision that is not ready by then is asked itself; the operation goes on.
            granted: tells whether a role lets the app pull, so that it is only the registry that does not know yet.
        """
        content = _content(body)
        what = f"putting {site.title}"
        poller = self._sent(
            what,
            lambda: self._client.container_apps.begin_create_or_update(
                site.resource_group, site.name, content, content_type="application/json", cls=_json
            ),
            progress,
            clock,
            granted=granted,
        )
        # here and not after the wait: from now on what is there is perhaps no more what it was
        accepted()
        if patience < clock.left:
            # the service waits for a revision as long as it likes, which nobody knows beforehand
            try:
                wait_for(poller, what, progress, timeout=patience)
            except TimedOut:
                return Written(self.get(site) or {}, goes_on=True)
            except AzureError:
                pass  # read again below, with what the app says of itself
        return self._ended(site, what, poller, progress, clock)

    def patch(self, site: Site, body: Json, progress: Progress, clock: Clock, what: str = "") -> Seen:
        """Change a part of an app: a merge patch, in which lists are whole.

        Raises:
            AzureError: it failed, whatever the answer looked like.
        """
        content = _content(body)
        what = what or f"changing {site.title}"
        poller = self._sent(
            what,
            lambda: self._client.container_apps.begin_update(
                site.resource_group, site.name, content, content_type="application/json", cls=_json
            ),
            progress,
            clock,
        )
        return self._ended(site, what, poller, progress, clock).good()

    def _ended(self, site: Site, what: str, poller: Any, progress: Progress, clock: Clock) -> Written:
        """Wait for an operation, then ask the app itself.

        Raises:
            TimedOut: it still runs, or nobody can be asked.
            AzureError: the app is not there after all.
        """
        error: AzureError | None = None
        try:
            answer = wait_for(poller, what, progress, timeout=clock.left)
            # the body of an operation, and none of a resource: see the head of this module
            if isinstance(answer, Mapping) and str(answer.get("status") or "").lower() in FAILED:
                error = _failed(what, answer.get("error") or {})
        except AzureError as failed:
            error = failed
        try:
            seen = self._new(site, progress, clock)
        except AzureError as again:
            why = error.message if error else what
            raise TimedOut(f"{why}; nor can {site.title} be looked at: {again.message}", GOES_ON) from again
        if seen is None:
            raise error or _failed(what, {"message": f"{site.title} is not there"})
        # status 0 is a connection that broke, below 400 an operation that itself says it failed
        if error is not None and error.status > 0 and error.status >= 400 and state_of(seen) not in FAILED:
            # a question about the operation failed, and the operation did not
            progress.note(f"{error.message}; {site.title} itself is {state_of(seen)}, that counts")
            return Written(seen)
        # a PUT that is answered 200 with Failed in its body raises nothing
        if error is None and state_of(seen) in FAILED:
            error = _failed(what, {"message": f"{site.title} is {state_of(seen)}"})
        return Written(seen, error)

    def _new(self, site: Site, progress: Progress, clock: Clock) -> Seen | None:
        """Look at an app that was just put; a 404 has to last to be believed."""
        return looked_for(lambda: self.get_settled(site, progress, clock), progress, clock, there=True)

    def delete(self, site: Site, progress: Progress, clock: Clock) -> None:
        """Remove an app and wait until it is gone; fine if it is gone already."""
        what = f"deleting {site.title}"
        try:
            poller = self._sent(
                what,
                lambda: self._client.container_apps.begin_delete(site.resource_group, site.name, cls=_nothing),
                progress,
                clock,
            )
            wait_for(poller, what, progress, timeout=clock.left)
        except AzureError as error:
            if error.gone:
                return
            # whatever is wrong with the operation's own URL: what counts is that the app is gone
            if error.status < 400 or not self._goes(site, progress, clock):
                raise
            return
        # an empty 200 of a Location says nothing about what has become of it
        if not self._goes(site, progress, clock):
            raise _failed(what, {"message": f"{site.title} is still there"})

    def _goes(self, site: Site, progress: Progress, clock: Clock) -> bool:
        return looked_for(lambda: self.get_settled(site, progress, clock), progress, clock, there=False) is None

    def start(self, site: Site, progress: Progress, clock: Clock) -> Seen:
        """Start a stopped app."""
        what = f"starting {site.title}"
        poller = self._sent(
            what,
            lambda: self._client.container_apps.begin_start(site.resource_group, site.name, cls=_json),
            progress,
            clock,
        )
        return self._ended(site, what, poller, progress, clock).good()

    def secrets(self, site: Site) -> list[dict[str, Any]]:
        """Return names and values; no GET has the values, and a PUT without them takes the secrets away."""
        with translated(f"reading the secrets of {site.title}"):
            found: Any = self._client.container_apps.list_secrets(site.resource_group, site.name, cls=_json)
        return list((found or {}).get("value") or ())

    def token(self, site: Site) -> str:
        """Return the token that the streams of logs ask for."""
        with translated(f"asking for a token of {site.title}"):
            found: Any = self._client.container_apps.get_auth_token(site.resource_group, site.name, cls=_json)
        return str(((found or {}).get("properties") or {}).get("token") or "")

    def revisions(self, site: Site) -> list[Seen]:
        """Return all revisions, inactive ones too."""
        with translated(f"looking at the revisions of {site.title}"):
            pages = self._client.container_apps_revisions.list_revisions(
                site.resource_group, site.name, cls=lambda found: found
            )
            return [_plain(one) for one in pages]

    def revision(self, site: Site, name: str) -> Seen | None:
        """Return one revision; None if there is none."""
        return self._found(
            site,
            lambda: self._client.container_apps_revisions.get_revision(site.resource_group, site.name, name, cls=_json),
            f"revision {name}",
        )

    def replicas(self, site: Site, revision: str) -> list[Seen]:
        """Return the replicas of a revision; none where it is not known."""
        try:
            with translated(f"looking at the replicas of {revision}"):
                found: Any = self._client.container_apps_revision_replicas.list_replicas(
                    site.resource_group, site.name, revision, cls=_json
                )
        except AzureError as error:
            if error.status == 404:
                return []
            raise
        return list((found or {}).get("value") or ())

    def activate(self, site: Site, revision: str, progress: Progress, clock: Clock) -> None:
        """Run a revision again; the answer has no body, so whoever needs it looks."""
        self._verb("activate_revision", f"activating revision {revision}", site, revision, progress, clock)

    def deactivate(self, site: Site, revision: str, progress: Progress, clock: Clock) -> None:
        """Run a revision no more."""
        self._verb("deactivate_revision", f"deactivating revision {revision}", site, revision, progress, clock)

    def restart(self, site: Site, revision: str, progress: Progress, clock: Clock) -> None:
        """Start the replicas of a revision anew."""
        self._verb("restart_revision", f"restarting revision {revision}", site, revision, progress, clock)

    def _verb(self, verb: str, what: str, site: Site, revision: str, progress: Progress, clock: Clock) -> None:
        # three requests that differ by one word; they answer at once, and what they began goes on behind the answer
        call = getattr(self._client.container_apps_revisions, verb)
        self._sent(what, lambda: call(site.resource_group, site.name, revision), progress, clock)

    def environment(self, site: Site) -> Seen | None:
        """Look at an environment; None only if it is certainly gone."""
        return self._found(
            site, lambda: self._client.managed_environments.get(site.resource_group, site.name, cls=_json)
        )

    def put_environment(self, site: Site, body: Json, progress: Progress, clock: Clock) -> Seen:
        """Make an environment, or change one of ours, and wait until apps can be in it."""
        content = _content(body)
        what = f"making {site.title}"
        try:
            poller = self._sent(
                what,
                lambda: self._client.managed_environments.begin_create_or_update(
                    site.resource_group, site.name, content, content_type="application/json", cls=_json
                ),
                progress,
                clock,
            )
            wait_for(poller, what, progress, timeout=clock.left)
        except AzureError as error:
            if 0 < error.status < 400:
                self._told(site, error)
            # another run may be making the very same one: what counts is what is there
            if error.status not in (409, 0, 404):
                raise
            if self.environment(site) is None:
                raise
        return self.environment_ready(site, progress, clock)

    def environment_ready(self, site: Site, progress: Progress, clock: Clock) -> Seen:
        """Wait until an environment takes apps.

        Raises:
            AzureError: it has failed; the message has the service's words.
            TimedOut: it takes longer.
        """
        began = time.monotonic()
        missing = 0.0
        while True:
            seen = self.environment(site)
            state = environment.state_of(seen) if seen else "not there yet"
            if seen is not None and state == environment.READY:
                return seen
            if state in environment.BROKEN:
                self._told(site, _failed(f"looking at {site.title}", {}))
            # ARM's caches learn of what was just made one after the other
            missing = (missing or time.monotonic()) if seen is None else 0.0
            if missing and time.monotonic() - missing > NEW_SECONDS:
                raise _failed(f"looking at {site.title}", {"message": "it is not there"})
            passed = spoken_time(time.monotonic() - began)
            progress.say(f"{site.title} is {state}, waiting until apps can be in it: {passed}")
            if not clock.left:
                raise TimedOut(f"{site.title} is still {state} after {passed}", "run the same command again")
            pause(LOOK_SECONDS, progress)

    def _told(self, site: Site, error: AzureError) -> None:
        """Raise an error of an environment with what it says of itself."""
        said = ""
        with suppress(AcimlError):
            said = str(((self.environment(site) or {}).get("properties") or {}).get("deploymentErrors") or "")
        why = f"{site.title} has failed{f': {said}' if said else ''}"
        advice = (
            error.advice or "delete it (az containerapp env delete), or name another one by containerApp.environment"
        )
        raise AzureError(error.status, "ManagedEnvironmentNotProvisioned", f"{error.message}; {why}", advice) from error

    def delete_environment(self, site: Site, progress: Progress, clock: Clock) -> None:
        """Remove an environment, and wait until it is gone."""
        what = f"deleting {site.title}"
        poller = self._sent(
            what,
            lambda: self._client.managed_environments.begin_delete(site.resource_group, site.name, cls=_nothing),
            progress,
            clock,
        )
        wait_for(poller, what, progress, timeout=clock.left)

    def apps_in(self, environment_id: str) -> Iterator[str]:
        """Give the names of all apps of the subscription that are in an environment."""
        with translated("looking for container apps"):
            # ARM lists apps by resource group or by subscription, and an app may be in another group than its
            # environment
            every = [_plain(one) for one in self._client.container_apps.list_by_subscription()]
        for one in every:
            # ids of ARM have no case
            if environment.id_in(one).lower() == environment_id.lower():
                yield str(one.get("name"))

    def usages(self, location: str) -> list[Mapping[str, Any]]:
        """Return what a region has and allows."""
        with translated(f"asking what {location} has left for container apps"):
            return [_plain(one) for one in self._client.usages.list(location)]

    def environment_usages(self, site: Site) -> list[Mapping[str, Any]]:
        """Return what an environment has and allows."""
        with translated(f"asking what {site.title} has left"):
            found = self._client.managed_environment_usages.list(site.resource_group, site.name)
            return [_plain(one) for one in found]

    def put_storage(self, site: Site, name: str, body: Json) -> None:
        """Make a share known to an environment; the key of its account is sent each time, no answer has it."""
        with translated(f"making the share {name} known to {site.title}"):
            self._client.managed_environments_storages.create_or_update(
                site.resource_group,
                site.name,
                name,
                _content(body),
                content_type="application/json",
                cls=_nothing,
            )

    def drop_storages(self, site: Site, prefix: str) -> None:
        """Forget the shares of an app."""
        storages = self._client.managed_environments_storages
        with translated(f"looking for shares of {site.title}"):
            found: Any = storages.list(site.resource_group, site.name, cls=_json)
        for one in (found or {}).get("value") or ():
            if str(one.get("name") or "").startswith(prefix):
                with translated(f"forgetting the share {one['name']}"):
                    storages.delete(site.resource_group, site.name, str(one["name"]))

    def put_certificate(self, site: Site, name: str, body: Json) -> None:
        """Upload a certificate to an environment, unless it is there: its name tells what is in it."""
        certificates = self._client.certificates
        there = self._found(
            site,
            lambda: certificates.get(site.resource_group, site.name, name, cls=_json),
            f"the certificate {name} of {site.title}",
        )
        if there is not None:
            return
        with translated(f"uploading the certificate {name} to {site.title}"):
            certificates.create_or_update(
                site.resource_group, site.name, name, _content(body), content_type="application/json", cls=_nothing
            )

    def drop_certificates(self, site: Site, which: Callable[[str], bool]) -> None:
        """Remove uploaded certificates; one that is in use stays, the next update takes it."""
        _drop(self._client.certificates, site, which)

    def managed_certificate(self, site: Site, name: str) -> Seen | None:
        """Look at a certificate that Azure makes; None if there is none."""
        certificates = self._client.managed_certificates
        what = f"the certificate {name} of {site.title}"
        return self._found(site, lambda: certificates.get(site.resource_group, site.name, name, cls=_json), what)

    def begin_certificate(self, site: Site, name: str, body: Json, progress: Progress, clock: Clock) -> None:
        """Have Azure begin to make a certificate; how far it is, is asked by ``managed_certificate``."""
        certificates = self._client.managed_certificates
        self._sent(
            f"making the certificate {name}",
            lambda: certificates.begin_create_or_update(
                site.resource_group, site.name, name, _content(body), content_type="application/json", cls=_json,
                polling=False,
            ),
            progress,
            clock,
        )  # fmt: skip

    def drop_managed_certificates(self, site: Site, which: Callable[[str], bool]) -> None:
        """Remove certificates that Azure has made, as ``drop_certificates`` does."""
        _drop(self._client.managed_certificates, site, which)

    def _found(self, site: Site, ask: Callable[[], Any], what: str = "") -> Seen | None:
        try:
            with translated(f"looking at {what or site.title}"):
                found: Seen = ask()
                return found
        except AzureError as error:
            if error.gone or (error.status == 404 and error.code in _GONE):
                return None
            raise

    def _sent(
        self,
        what: str,
        send: Callable[[], Result],
        progress: Progress,
        clock: Clock,
        *,
        granted: Callable[[], bool] = lambda: False,
    ) -> Result:
        """Send a request, again and again while another write runs."""

        def again(error: AzureError, tries: int) -> Again | None:
            why = "another operation is under way" if error.code in BUSY else "its role is there, and not known yet"
            return Again(asked_seconds(error), why) if _passes(error, tries, granted) else None

        return sent(self.session, APPS, what, send, progress, clock, again)


def _drop(certificates: Any, site: Site, which: Callable[[str], bool]) -> None:
    with translated(f"looking for certificates of {site.title}"):
        found = list(certificates.list(site.resource_group, site.name))
    for name in filter(which, (str(one["name"]) for one in found)):
        try:
            with translated(f"removing the certificate {name}"):
                certificates.delete(site.resource_group, site.name, name)
        except AzureError as error:
            if error.status not in (400, 409) and not error.gone:
                raise


_GONE = frozenset({"RevisionNotFound", "ContainerAppNotFound", "ManagedEnvironmentNotFound"})


def _passes(error: AzureError, tries: int, granted: Callable[[], bool]) -> bool:
    if error.code in BUSY:
        return tries <= BUSY[error.code]
    if error.code in IMAGE_CODES and any(word in error.message.upper() for word in UNAUTHORIZED):
        return tries <= ROLE_TRIES and granted()
    return False


def _failed(what: str, error: Json) -> AzureError:
    """Return the error of an operation that failed, which was told by an answer with 200."""
    from ..arm.remedies import remedy

    code, words = str(error.get("code") or OPERATION_FAILED), str(error.get("message") or "the operation failed")
    return AzureError(200, code, f"{what}: Azure answered {code}: {words}", remedy(200, code, words, 0.0, {}))


def _content(body: Json) -> Any:
    """Return a body as bytes, which the client takes for a stream: its models drop fields that they do not know."""
    return json.dumps(body).encode()


def _json(pipeline_response: Any, _model: Any, _headers: Any) -> Any:
    text = pipeline_response.http_response.text()
    return json.loads(text) if text else None


def _nothing(_response: Any, _model: Any, _headers: Any) -> None:
    return None


def _plain(model: Any) -> dict[str, Any]:
    """Return a model of the SDK as JSON; as a mapping it has all fields, unknown ones too."""
    return dict(model.items())
