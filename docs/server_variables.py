"""The page of the server's variables, read from the table that the server itself reads."""

from __future__ import annotations

from dataclasses import MISSING, Field, fields
from typing import Any

from aciml_server.setting import setting_of
from aciml_server.settings import Settings

from .tables import table

_HEAD = """# Variables of the server

What the scoring server in the container reads from its environment, or from `config.json` in the app folder or beside
the script (or the file that `AZUREML_CONFIG_FILE` names). Names without `ACIML_` are those of v1, of OpenTelemetry, or
of Application Insights. Most of them have an argument in [`server`](arguments.md#server): use that, since it is checked
in the preview. What has none goes to `environment_variables`. This page is made of the server's own table.

*0* switches off what may be off. What is *secret* is taken out of the environment before your script runs.

"""
_KEYS = """
`ACIML_PRIMARY_KEY` and `ACIML_SECONDARY_KEY` hold the keys of a service with `auth_enabled`. Without one of them, and
without `ACIML_KEYS_FILE`, everybody who reaches the port may call `/score`.
"""


def page() -> str:
    """Return the whole page."""
    rows = [row for one in fields(Settings) if (row := _row(one))]
    return _HEAD + table(["variable", "default", "what it is"], rows) + _KEYS


def _row(one: Field[Any]) -> list[str]:
    said = setting_of(one)
    if said is None:
        return []
    unit = f"; {said.unit}" if said.unit else ""
    secret = "; secret" if said.secret else ""
    return [", ".join(f"`{name}`" for name in said.variables), _default(one), f"{said.doc}{unit}{secret}"]


def _default(one: Field[Any]) -> str:
    value = one.default if one.default is not MISSING else ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, float):
        return f"`{value:.15g}`"
    return f"`{value}`" if value not in ("", ()) else ""
