"""The keys that clients show to a service: given, or made by ``check`` and kept in the inputs ever after."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from . import cost
from .declared import Declared
from .shape import Field


@dataclass(frozen=True, kw_only=True)
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


PRIMARY, SECONDARY = "ACIML_PRIMARY_KEY", "ACIML_SECONDARY_KEY"
"""Variables of the server. It lets in nobody without a key as soon as it has the first."""
ROTATED_BY: Mapping[str, str] = {"primary_key": "rotate_primary_key", "secondary_key": "rotate_secondary_key"}
"""By each key the text whose change makes it anew."""
