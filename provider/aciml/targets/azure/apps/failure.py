"""Why a revision does not serve: what the service says of it, of its replicas, and what its containers wrote last."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from ...hints import hint
from ..groups.failure import SHOWN_LINES, blotted
from ..groups.members import Json
from .revision import Seen, containers_in, error_in, name_of, state_of

RESTARTS = 2
"""A container that was restarted so often is in a crash loop; one end may be a dependency that was late."""
# the service's system log writes: Container 'x' was terminated with exit code '1' and reason 'ProcessExited'
_CODE = re.compile(r"exit(?:ed)?(?: with)?(?: code|Code)?[ :=']+(\d+)", re.IGNORECASE)

_EXPIRED = "operation expired"


@dataclass(frozen=True)
class Failure:
    """``what`` begins with the subject's verb; ``replica`` and ``container`` are whose log tells more, or empty."""

    what: str
    replica: str = ""
    container: str = ""
    exit_code: int | None = None
    lines: tuple[str, ...] = ()

    def describe(self, subject: str, secrets: Iterable[str] = ()) -> str:
        """Tell it to the user, with the last log lines, ``secrets`` blotted out."""
        said = hint(self.lines, self.exit_code) if self.lines or self.exit_code else ""
        parts = [f"{subject} {self.what}{f': {said}' if said else ''}"]
        if self.lines:
            shown = "\n  ".join(self.lines[-SHOWN_LINES:])
            parts.append(f'last log lines of container "{self.container}":\n  {shown}')
        return blotted("\n".join(parts), secrets)


def failure_in(seen: Seen, replicas: Iterable[Json]) -> Failure | None:
    """Return why a revision will not serve, if that is certain."""
    looked = list(replicas)
    if found := _crash_loop(seen, looked):
        return found
    if state_of(seen) == "Failed" and _EXPIRED in error_in(seen).lower():
        # the service's own deadline, of which it says no more than these two words (reference of its errors)
        what = f"never answered 200: Azure has given up revision {name_of(seen)} before startup_timeout was over"
        return _with_replica(f'{what} ("{error_in(seen)}")', looked)
    if state_of(seen) == "Failed":
        return _with_replica(f"failed: revision {name_of(seen)}: {error_in(seen) or 'no reason was given'}", looked)
    return None


def late(seen: Seen, replicas: Iterable[Json], what: str) -> Failure:
    """Return the failure of a revision that was not ready in time."""
    looked = list(replicas)
    said = error_in(seen)
    if not looked and not said:
        # a full quota shows as nothing else (azure-container-apps issue 1417)
        said = "it has no replica: the cores of its environment may be used up (az containerapp env list-usages)"
    return _with_replica(f"{what}{f'; {said}' if said else ''}", looked)


def _crash_loop(seen: Seen, replicas: list[Json]) -> Failure | None:
    for replica in replicas:
        for container in containers_in(replica):
            restarts = int(container.get("restartCount") or 0)
            # one that is ready now has come up after all
            if restarts < RESTARTS or container.get("ready"):
                continue
            details = str(container.get("runningStateDetails") or "")
            code = code_in(details)
            ended = f"exited with code {code}, and" if code is not None else "ended and"
            name = str(container.get("name") or "")
            what = f'failed: container "{name}" of revision {name_of(seen)} {ended} was restarted {restarts} times'
            return Failure(what, str(replica.get("name") or ""), name, code)
    return None


def _with_replica(what: str, replicas: list[Json]) -> Failure:
    # of several the one that is not ready tells why
    for replica in sorted(replicas, key=_readiness):
        for container in containers_in(replica):
            details = str(container.get("runningStateDetails") or "")
            name = str(container.get("name") or "")
            return Failure(what, str(replica.get("name") or ""), name, code_in(details))
    return Failure(what)


def _readiness(replica: Json) -> bool:
    return all(one.get("ready") for one in containers_in(replica))


def code_in(details: str) -> int | None:
    """Return the exit code that details of a container tell; None for 0, and where none is told."""
    found = _CODE.search(details)
    return int(found[1]) if found and int(found[1]) else None
