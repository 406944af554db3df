"""Cores and memory of a group, and the limits of its container."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .declared import Declared
from .shape import Field

V1_CORES, V1_MEMORY = 0.1, 0.5
"""What v1 gave a service that said nothing: cores, GiB."""


@lean(frozen=True, kw_only=True)
class Size(Declared):
    """What the container is given (cores, GiB), and the most that it may take of what the group has."""

    # less than a cloud takes, which has its own least: what runs at home is no fault there (decisions/wrong-words.md)
    cpu_cores: Annotated[
        float | None, Field("CPU cores, as v1's cpu_cores", least=0.001, unit="cores", cost=cost.DELETE)
    ] = None
    memory_gb: Annotated[
        float | None, Field("memory in GiB, as v1's memory_gb", least=0.01, unit="GiB", cost=cost.DELETE)
    ] = None
    cpu_limit: Annotated[
        float | None,
        Field("most CPU cores the container may use", least=0, unit="cores", scope="cloud", cost=cost.LIMITS),
    ] = None
    memory_limit: Annotated[
        float | None,
        Field("most memory in GiB the container may use", least=0, unit="GiB", scope="cloud", cost=cost.LIMITS),
    ] = None
    # kept, so that a declaration with one is told that the service has retired them, and not that the word is unknown
    gpu: Annotated[
        Mapping[str, Any] | None, Field("GPUs, which the cloud has retired", scope="cloud", cost=cost.DELETE)
    ] = None


def size_findings(size: Size) -> Iterator[Finding]:
    """Judge limits and GPUs."""
    yield from _limit(size, "cpu_cores", "cpu_limit")
    yield from _limit(size, "memory_gb", "memory_limit")
    if size.gpu:
        # Source: Microsoft, container-instances-gpu: "GPU SKUs retired July 14, 2025"; the specification still has them
        why = "the service retired its GPUs on July 14, 2025, so no region has any"
        where = "serve the model where there are some, such as on Kubernetes"
        yield size.finding("gpu", f"{why}; drop gpu, or {where}")


def _limit(size: Size, name: str, limit: str) -> Iterator[Finding]:
    """A larger limit is answered with ContainerLimitGreaterThanContainerGroupTotalRequest."""
    asked, most, wire = getattr(size, name), getattr(size, limit), size.at(name)
    # a limit may not be less than the request, nor more than all that the group has (Microsoft, "Container groups")
    if asked is None or most is None or float(most) == float(asked):
        return
    if most < asked:
        why = f"is less than {wire} {asked:g}, which the container is given; write {asked:g} or drop it"
    else:
        why = f"is more than {wire} {asked:g}, which is all that the group has: it has one container; "
        why += f"write {wire} {most:g} instead"
    yield size.finding(limit, f"{size.at(limit)} {most:g} {why}")
