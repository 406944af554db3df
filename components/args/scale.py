"""Replicas of a service that runs as a container app."""

import pulumi

from .declared import shape


@shape
class ScaleArgs:
    """How many replicas run. At home, where Swarm has no autoscaler, the least of them run."""

    min_replicas: pulumi.Input[int] | None = None
    """Replicas that always run; 1 if not said. 0 in the cloud alone: the next request waits for a whole start then."""
    max_replicas: pulumi.Input[int] | None = None
    """Most replicas; as many as the least if not said."""
    concurrent_requests: pulumi.Input[int] | None = None
    """Requests that one replica has at a time before there is another one; 10 if not said."""
    cool_down: pulumi.Input[int] | None = None
    """Seconds without a request before the last replica goes, where none has to run; 300 if not said."""
