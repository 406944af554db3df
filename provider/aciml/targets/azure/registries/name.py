"""Names of registries, which are unique in all of Azure."""

from __future__ import annotations

import re

from ....core.errors import Finding
from ....core.names import NameRule
from ....model.registry import Registry

RULE = NameRule(50, joint="")
"""No joint: the name is the first label of the login server, and Azure takes letters and digits alone."""
_NAME = re.compile(r"[a-zA-Z0-9]{5,50}")


def judge(registry: Registry) -> list[Finding]:
    """Judge a name; one that is not known yet is not judged."""
    if registry.name is None or _NAME.fullmatch(registry.name):
        return []
    why = f'"{registry.name}" is no registry name in Azure; use 5 to 50 letters and digits, no -'
    return [registry.finding("name", why)]
