"""Where the service of the cloud sends the logs of a group. Source: containerInstance.json 2023-05-01."""

from collections.abc import Mapping
from typing import Annotated, Literal

from ..core.lean import lean
from .declared import Declared
from .shape import Field


@lean(frozen=True, kw_only=True)
class LogAnalytics(Declared):
    """A workspace; an answer of the service has its id, and may have no more."""

    workspace_id: Annotated[str, Field("id of the workspace")]
    # required in a PUT and left out of every answer, so state is the only one that has it
    workspace_key: Annotated[str, Field("its key", secret=True)]
    log_type: Annotated[
        Literal["ContainerInsights", "ContainerInstanceLogs"] | None,
        Field("ContainerInsights or ContainerInstanceLogs"),
    ] = None
    metadata: Annotated[Mapping[str, str] | None, Field("metadata to send along")] = None
