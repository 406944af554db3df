"""Telemetry of a service: there is no workspace that could tell the component, as v1's did."""

from collections.abc import Iterable, Iterator
from typing import Annotated

from ..core.errors import Finding
from ..core.lean import lean
from . import cost
from .declared import Declared
from .shape import Field

CONNECTION = "APPLICATIONINSIGHTS_CONNECTION_STRING"
"""The variable that tells a server its component of Application Insights."""


@lean(frozen=True, kw_only=True)
class Insights(Declared):
    """Where the server sends its telemetry."""

    # judged on every target: without a connection string it does nothing
    # at home and is refused in the cloud (decisions/wrong-words.md)
    enable_app_insights: Annotated[
        bool | None, Field("send telemetry to Application Insights", default=False, cost=cost.VARIABLE)
    ] = None
    app_insights_connection_string: Annotated[
        str | None, Field("connection string of the component", secret=True, cost=cost.VARIABLE)
    ] = None

    def variables(self) -> dict[str, str]:
        """Return the variable of the server, which is secret; nothing if telemetry is off."""
        connection = self.app_insights_connection_string
        return {CONNECTION: connection} if self.enable_app_insights and connection else {}


def insight_findings(insights: Insights, variables: Iterable[str], *, sure: bool) -> Iterator[Finding]:
    """Judge Application Insights.

    Args:
        insights: as it is declared.
        variables: names of the user's own variables, of which one may have the connection string.
        sure: whether these are all known.
    """
    name, string = "app_insights_connection_string", insights.app_insights_connection_string
    # who gave the variable himself, as one did with v1, goes on
    elsewhere = CONNECTION in variables or not sure
    if insights.enable_app_insights and not string and not insights.is_unsure(name) and not elsewhere:
        yield insights.finding(name, "enableAppInsights needs the connection string of the component; give it")
    if string and not insights.enable_app_insights and not insights.is_unsure("enable_app_insights"):
        why = "a connection string is set and enableAppInsights is not; set it or drop the string"
        yield insights.finding(name, why)
