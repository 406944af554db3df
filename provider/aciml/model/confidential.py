"""Rights of the container, and what only Confidential groups have.

Source: containerInstance.json 2023-05-01.
"""

import base64
import binascii
from collections.abc import Iterator
from typing import Annotated

from ..core.errors import Finding
from ..core.lean import lean
from .declared import Declared
from .service_kind import ServiceKind
from .shape import Field


@lean(frozen=True, kw_only=True)
class Capabilities(Declared):
    """Linux capabilities."""

    add: Annotated[tuple[str, ...], Field("to add")] = ()
    drop: Annotated[tuple[str, ...], Field("to drop")] = ()


@lean(frozen=True, kw_only=True)
class SecurityContext(Declared):
    """What the processes of the container may do. What is not said is for the service to fill in."""

    privileged: Annotated[bool | None, Field("all rights (sku Confidential)")] = None
    allow_privilege_escalation: Annotated[bool | None, Field("a process may gain rights")] = None
    run_as_user: Annotated[int | None, Field("user id", least=0)] = None
    run_as_group: Annotated[int | None, Field("group id", least=0)] = None
    # containerInstance.json: base64 of the profile's JSON, so it is passed on as it is
    seccomp_profile: Annotated[str | None, Field("seccomp profile, base64")] = None
    capabilities: Annotated[Capabilities | None, Field("capabilities")] = None


def confidential_findings(kind: ServiceKind, context: SecurityContext | None) -> Iterator[Finding]:
    """Judge what only Confidential groups have."""
    sku, policy = kind.sku or "Standard", kind.cce_policy
    plain = sku != "Confidential" and not kind.is_unsure("sku")
    # confidentialComputeProperties is refused beside any other sku
    if policy and plain:
        why = f"a policy for confidential computing needs sku Confidential, not {sku}"
        yield kind.finding("cce_policy", why)
    if policy and not _is_base64(policy):
        yield kind.finding("cce_policy", "ccePolicy is not base64; encode the policy")
    if context and context.privileged and plain:
        yield context.finding("privileged", f"a privileged container needs sku Confidential, not {sku}")


def _is_base64(text: str) -> bool:
    try:
        # without validate it drops what is no base64, and takes any text
        base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True
