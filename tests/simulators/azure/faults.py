"""What can be made to go wrong, by name."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Literal, get_args

FaultName = Literal[
    "429",  # too many requests, Retry-After
    "500",
    "503",
    "slow",  # does not answer until the emulator ends or forgets its faults, then closes the connection
    "cut",  # closes the connection instead of answering
    "lost-answer",  # does the work, then closes the connection instead of answering
    "unauthorized",  # 401 InvalidAuthenticationToken
    "expired-token",  # 401 ExpiredAuthenticationToken
    "forbidden",  # 403 AuthorizationFailed
    "lro-failed",  # the operation ends as Failed, its work undone
    "lro-stuck",  # the operation stays InProgress until faults are forgotten or the resource is deleted
    "quota",  # ContainerGroupQuotaReached
    "capacity",  # ServiceUnavailable, region and size named
    "label-taken",  # DnsNameLabelAlreadyTaken
    "image-inaccessible",  # InaccessibleImage
    "registry-error",  # RegistryErrorResponse
    "transitioning",  # ContainerGroupTransitioning
    "invalid-update",  # InvalidContainerGroupUpdate
    "crash-loop",  # containers of the group end with 1 at once, again and again
    "operation-gone",  # 404 OperationNotFound when an operation is asked for, which goes on
    "late-to-be-seen",  # what is made is there, and two questions for it are answered by 404
    "restarted",  # containers of the group were restarted seven times before, and the count goes on after a PUT
    "patch-merges",  # a PATCH of a group adds its tags to those that are there
    "unregistered",  # the provider in ``match`` has to be registered, which is done after ``times`` looks
    "wrong-tenant",  # 401 InvalidAuthenticationTokenTenant: the login is of another tenant than the subscription
    "no-region",  # 400 LocationNotAvailableForResourceType: the region does not exist, or lacks the service
    "label-freed-late",  # the label of a group that is deleted is taken for two more PUTs
    "repairing",  # a GET of the group says Repairing
    "creating",  # a GET of the group says Creating
    "unhealthy",  # a GET of the group says Unhealthy
    "firewall",  # a registry answers 403 DENIED, with the address that it keeps out
    "oom",  # containers of the group end with 137
    "one-group",  # until reset: the login has rights on the resource group ``match`` alone; all else is 403
    "soft-delete",  # until reset: registries with ``match`` in their name keep what is deleted, and refuse its digest
    "abac",  # until reset: registries with ``match`` in their name give rights by repository; AcrPush counts not
    "location-says-200",  # what a Location tells about is Failed, and it is told with status 200
    "location-says-nothing",  # the last answer at a Location is an empty 200
    "failed-as-200",  # the PUT of an app is answered with 200 at once, and its body says Failed
    "revision-expired",  # the next revision is never ready: ContainerAppOperationError, Operation expired
    "revision-slow",  # the next revision is Provisioning until faults are forgotten
    "suffix-ignored",  # an app with a suffix that exists is taken, and nothing happens
    "lock-conflict",  # 409 ContainerAppLockConflict
    "environment-not-ready",  # 409 ManagedEnvironmentNotReadyForAppCreation
    "revision-unhealthy",  # a look at the revisions says Unhealthy and Degraded
    "environment-waiting",  # a GET of the environment says Waiting
    "environment-failed",  # the environment ends as Failed, with deploymentErrors
    "certificate-refused",  # no record shows that a host name is theirs: a managed certificate ends as Failed
]
NAMES: tuple[str, ...] = get_args(FaultName)


@dataclass
class Fault:
    """``match`` is searched in ``METHOD /path`` without regard to letter case; ``times`` is what is left."""

    name: str
    times: int
    match: str
    retry_after: int = 1


class Faults:
    """The faults that are still to happen; safe to use from several threads."""

    def __init__(self, also: tuple[str, ...] = ()) -> None:
        self._known = {*NAMES, *also}
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []
        self.released = threading.Event()

    def know(self, *names: str) -> None:
        """Accept more names (a part of the emulator takes them by itself)."""
        self._known.update(names)

    def add(self, name: str, *, times: int = 1, match: str = "", retry_after: int = 1) -> None:
        """Let the next ``times`` occasions that match go wrong.

        Raises:
            ValueError: nobody knows a fault of this name.
        """
        if name not in self._known:
            raise ValueError(f"no fault {name!r}; there are {', '.join(sorted(self._known))}")
        with self._lock:
            self._waiting.append(Fault(name, times, match.lower(), retry_after))

    def take(self, line: str, *names: str) -> Fault | None:
        """Return the first fault of one of these names that matches ``line``, and use it up."""
        with self._lock:
            for fault in self._waiting:
                if fault.name in names and fault.times > 0 and fault.match in line.lower():
                    fault.times -= 1
                    return fault
        return None

    def left(self, name: str) -> int:
        """Return how often a fault is still to happen."""
        with self._lock:
            return sum(fault.times for fault in self._waiting if fault.name == name)

    def clear(self) -> None:
        """Forget all faults and let go what hangs on one."""
        with self._lock:
            self._waiting.clear()
            self.released.set()
            self.released = threading.Event()
