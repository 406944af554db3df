"""The workspace that gets the logs of a container group, in ARM's JSON."""

from __future__ import annotations

from typing import Any

from ....model.declared import read, written
from ....model.diagnostics import LogAnalytics
from .answer import spelled
from .members import Json, given, lowered, some

_MEMBERS = ("workspaceId", "workspaceKey", "logType", "metadata")


def to_arm(workspace: LogAnalytics | None) -> dict[str, Any] | None:
    """Return ``diagnostics`` of the request."""
    return {"logAnalytics": given(**written(workspace))} if workspace else None


def same(diagnostics: Json) -> dict[str, Any]:
    """Return what two workspaces are compared by."""
    said = some(diagnostics.get("logAnalytics") or {}, *_MEMBERS)
    return {**said, "logType": spelled(said["logType"], "")} if "logType" in said else said


def folded(analytics: Json) -> dict[str, Any]:
    """Return a workspace in which the letter case of its id does not count: it is a UUID."""
    return lowered(analytics, "workspaceId")


def from_arm(analytics: Json) -> LogAnalytics | None:
    """Return what ``same`` made of a workspace, without its key."""
    said = {name: value for name, value in analytics.items() if name != "workspaceKey"}
    return read(LogAnalytics, said) if said else None


def forgiven(wanted: LogAnalytics | None, has: LogAnalytics | None) -> tuple[LogAnalytics | None, LogAnalytics | None]:
    """Return both as far as both tell: the specification's examples answer with the id alone.

    What nobody has said is the service's own: it may fill in the kind of logs.
    """
    if wanted is None or has is None:
        return wanted, has
    said, told = written(wanted), written(has)
    both = said.keys() & told.keys()
    said, told = ({name: one[name] for name in both} for one in (said, told))
    return read(LogAnalytics, said), read(LogAnalytics, told)


def with_secrets(workspace: LogAnalytics | None, source: LogAnalytics | None) -> LogAnalytics | None:
    """Fill in the key, and what an answer may not have, from the same workspace."""
    if workspace is None or source is None or workspace.workspace_key is not None:
        return workspace
    # each workspace has keys of its own: that of another one would be sent in vain
    if workspace.workspace_id != source.workspace_id:
        return workspace
    return read(LogAnalytics, {**written(source), **written(workspace)})
