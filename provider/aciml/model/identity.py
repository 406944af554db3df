"""Ids of user-assigned identities, which groups and registries are given."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from ..core.errors import Finding

# Azure Resource Manager takes ids in any letter case, and answers in its own
_IDENTITY = re.compile(
    r"/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.ManagedIdentity/userAssignedIdentities/[^/]+",
    re.IGNORECASE,
)
_FORM = "/subscriptions/.../resourceGroups/.../providers/Microsoft.ManagedIdentity/userAssignedIdentities/..."


def id_findings(named: Iterable[tuple[str, str]]) -> Iterator[Finding]:
    """Judge ids, each given with the path of its property: neither a name nor a client id is one."""
    for where, name in named:
        if not _IDENTITY.fullmatch(name):
            yield Finding(where, f'"{name}" is no id of a user-assigned identity; write {_FORM}')
