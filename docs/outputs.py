"""The page of outputs: what each component says after an update, read from the schema."""

from __future__ import annotations

from typing import Any

from aciml.construct import COMPONENTS
from aciml.core.casing import snake_case
from aciml.schema import schema

from .tables import sentence, table

_HEAD = """# Outputs

What a component says after an update. In Python they are attributes of the component; YAML and the other languages of
Pulumi write them in camelCase. A program gives one on by `pulumi.export`, and `pulumi stack output NAME` prints it
(`--show-secrets` for keys).

"""


def page() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for token in COMPONENTS:
        spec = schema()["resources"][token]
        rows = [_row(name, one) for name, one in spec["properties"].items()]
        parts.append(f"## {token.rpartition(':')[2]}\n\n" + table(["output", "in YAML", "what it is"], rows))
    return "\n".join(parts)


def _row(name: str, spec: dict[str, Any]) -> list[str]:
    secret = " Secret." if spec.get("secret") else ""
    return [f"`{snake_case(name)}`", f"`{name}`", sentence(spec.get("description", "")) + secret]
