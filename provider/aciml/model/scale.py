"""How many replicas of a service run, and what makes them more or fewer.

Source: Microsoft, "Set scaling rules in Azure Container Apps" (up to 1,000 replicas; 10 concurrent requests and a
cool-down of 300 s if nothing is said). Swarm has no autoscaler (moby/swarmkit issue 2354), so at home the least runs.
"""

from collections.abc import Iterator
from typing import Annotated

from ..core.errors import Finding
from ..core.lean import lean
from .declared import Declared
from .shape import Field

MOST = 1000
"""Replicas of one revision. The portal stops at 300, the service does not."""
LEAST_REPLICAS = 1
"""Not the cloud's own 0: the first request after a quiet hour would wait for the whole start of a model."""
CONCURRENT_REQUESTS, COOL_DOWN = 10, 300
"""What the cloud does if nothing is said: requests that one replica answers at a time, seconds until the last goes."""


@lean(frozen=True, kw_only=True)
class Scale(Declared):
    """Replicas of a service that runs as a container app."""

    min_replicas: Annotated[
        int | None, Field("replicas that always run", least=0, most=MOST, default=LEAST_REPLICAS)
    ] = None
    # as many as the least: nobody's bill grows by a word that was not said
    max_replicas: Annotated[int | None, Field("most replicas; as many as the least without it", least=1, most=MOST)] = (
        None
    )
    concurrent_requests: Annotated[
        int | None,
        Field(
            "requests that one replica has at a time before there is another one", least=1, default=CONCURRENT_REQUESTS
        ),
    ] = None
    cool_down: Annotated[
        int | None,
        Field("seconds without a request before the last replica goes", least=1, unit="seconds", default=COOL_DOWN),
    ] = None

    @property
    def least(self) -> int:
        """Return how many replicas always run."""
        return LEAST_REPLICAS if self.min_replicas is None else self.min_replicas

    @property
    def greatest(self) -> int:
        """Return how many replicas may run."""
        # one at least: an app of 0 and 0 would never answer anybody
        return self.max_replicas or max(1, self.least)


def scale_findings(scale: Scale) -> Iterator[Finding]:
    """Judge whether the most is at least the least."""
    least, most = scale.min_replicas, scale.max_replicas
    # the default of the least counts too: max 0 is out of the table's range already
    if most is not None and least is not None and most < least:
        why = f"{scale.at('max_replicas')} {most} is less than {scale.at('min_replicas')} {least}"
        yield scale.finding("max_replicas", f"{why}; write {least} or more")
