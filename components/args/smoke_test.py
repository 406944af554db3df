"""The request that proves a service before an update is done."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pulumi

from .declared import shape


class HttpMethod(StrEnum):
    """Method of a request."""

    GET = "GET"
    """Ask."""
    POST = "POST"
    """Send a body."""


@shape
class SmokeTestArgs:
    """A request that must succeed before an update is done; if it does not, what served before serves again."""

    path: pulumi.Input[str] | None = None
    """Path to ask; ``/score`` if not said."""
    method: pulumi.Input[HttpMethod] | None = None
    """GET or POST; POST if not said."""
    body: pulumi.Input[str] | None = None
    """Body of the request; empty if not said."""
    content_type: pulumi.Input[str] | None = None
    """Its content type; ``application/json`` if not said."""
    expect_status: pulumi.Input[int] | None = None
    """Status that must come; 200 if not said."""
    expect_json: pulumi.Input[Mapping[str, Any]] | None = None
    """JSON object that must come; any answer if not said."""
