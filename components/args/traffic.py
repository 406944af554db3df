"""How requests move to a new revision of a service, and what it has to prove on the way."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, TypeAlias

import pulumi

from .declared import shape


@shape
class CanaryStepArgs:
    """So much of the traffic goes to the new revision, for so long; then the gate is asked."""

    _short: ClassVar[str] = "percent"

    percent: pulumi.Input[int]
    """Percent of the requests, 1 to 100; more than that of the step before."""
    pause: pulumi.Input[int] | None = None
    """Seconds before the gate is asked; 60 if not said."""


# for type checkers alone: Pulumi's analyzer knows no unions, so the schema's own module adds the number again
if TYPE_CHECKING:
    CanaryStep: TypeAlias = CanaryStepArgs | int
else:
    CanaryStep = CanaryStepArgs


@shape
class GateArgs:
    """What a new revision may not exceed at any step."""

    max_error_rate: pulumi.Input[float] | None = None
    """Share of its answers that may be 5xx; 0.01 if not said."""
    max_p99_ratio: pulumi.Input[float] | None = None
    """How many times the old revision's 99th percentile its own may be; 2 if not said."""
    max_differing: pulumi.Input[float] | None = None
    """Share of live answers that may differ while requests are copied; the share is only told if not said."""
    min_requests: pulumi.Input[int] | None = None
    """Requests without which rates are not judged; 20 if not said."""


@shape
class ToleranceArgs:
    """By how much numbers of golden answers may differ; a number passes if either of the two lets it."""

    path: pulumi.Input[str] | None = None
    """JSON path of the numbers, such as ``$.result[*].price``; all of them if not said."""
    absolute: pulumi.Input[float] | None = None
    """Difference that is none."""
    relative: pulumi.Input[float] | None = None
    """Difference that is none, as a share of the golden number."""


@shape
class TrafficArgs:
    """The way of a new revision to its traffic. Without any word it gets all of it once it is proven."""

    canary: pulumi.Input[Sequence[pulumi.Input[CanaryStep]]] | None = None
    """Steps, such as ``[10, 50]`` percent, or each with its pause; a last one of 100 goes without saying."""
    shadow: pulumi.Input[int] | None = None
    """Percent of the requests that the new revision gets a copy of before its first step; 0 if not said."""
    hold: pulumi.Input[bool] | None = None
    """Leave a new revision at 0 percent, where its label reaches it; false if not said."""
    label: pulumi.Input[str] | None = None
    """Name by which a new revision is reached; candidate if not said."""
    previous: pulumi.Input[int] | None = None
    """Old revisions that stay warm for a rollback; 1 if not said."""
    gate: pulumi.Input[GateArgs] | None = None
    """What each step may not exceed."""
    golden: pulumi.Input[str] | None = None
    """File of requests with the answers that they must get, relative to the folder of Pulumi.yaml."""
    tolerances: pulumi.Input[Sequence[pulumi.Input[ToleranceArgs]]] | None = None
    """By how much golden and live answers may differ, before what the file says of it; as the file says if not said."""
