"""The keys that clients show to a service: given, or made by ``check`` and kept in the inputs ever after."""

from collections.abc import Collection, Mapping
from typing import Annotated

from ..core.lean import lean
from . import cost
from .declared import Declared
from .shape import Field


@lean(frozen=True, kw_only=True)
class Keys(Declared):
    """Two keys, so that clients can move from one to the other while it is made anew."""

    # off if not said, as in v1
    auth_enabled: Annotated[
        bool | None, Field("ask for a key in the header Authorization: Bearer <key>", default=False, cost=cost.VARIABLE)
    ] = None
    primary_key: Annotated[
        str | None,
        Field("first key; made if keys are asked for and none is given", secret=True, cost=cost.VARIABLE),
    ] = None
    secondary_key: Annotated[str | None, Field("second key; made like the first", secret=True, cost=cost.VARIABLE)] = (
        None
    )
    # a text and not a switch, which would make another key with every update until it is set back
    rotate_primary_key: Annotated[
        str | None, Field("any text; another text makes a new first key, the second stays", cost=cost.ROTATION)
    ] = None
    rotate_secondary_key: Annotated[
        str | None, Field("any text; another text makes a new second key, the first stays", cost=cost.ROTATION)
    ] = None

    @property
    def shown(self) -> str:
        """Return the key that a client shows; empty if nobody asks for one."""
        return self.primary_key or "" if self.auth_enabled else ""

    def variables(self) -> dict[str, str]:
        """Return the server's variables, all of them secret; none if nobody asks for keys."""
        # secret ones, since plain variables are shown to whoever may read the group
        given = {PRIMARY: self.primary_key, SECONDARY: self.secondary_key}
        return {name: key for name, key in given.items() if key is not None} if self.auth_enabled else {}


def told_to_callers(changed: Collection[str], now: Keys) -> str:
    """Say what changes mean for those who call with a key; empty if nothing.

    Args:
        changed: names of properties that differ.
        now: as it is declared.
    """
    if "auth_enabled" in changed:
        return "whoever calls needs a key from then on" if now.auth_enabled else "nobody is asked for a key any more"
    keys = [name.partition("_")[0] for name in ROTATED_BY if name in changed or ROTATED_BY[name] in changed]
    if not keys or not now.auth_enabled:
        return ""
    if len(keys) == len(ROTATED_BY):
        return "both keys of before are refused from then on"
    (other,) = {name.partition("_")[0] for name in ROTATED_BY} - set(keys)
    return f"the {keys[0]} key of before is refused from then on, the {other} one holds"


PRIMARY, SECONDARY = "ACIML_PRIMARY_KEY", "ACIML_SECONDARY_KEY"
"""Variables of the server. It lets in nobody without a key as soon as it has the first."""
ROTATED_BY: Mapping[str, str] = {"primary_key": "rotate_primary_key", "secondary_key": "rotate_secondary_key"}
"""By each key the text whose change makes it anew."""
