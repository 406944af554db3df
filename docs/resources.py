"""The page of resources: what components are made of, as state and previews show it, read from the schema."""

from __future__ import annotations

from typing import Any

from aciml.construct import COMPONENTS
from aciml.schema import schema

from .tables import sentence, table

_HEAD = """# Resources

The components declare these. They are what a preview, the state and `pulumi stack export` show; programs use the
components. A property that changes with each build, such as `packages` or `sourceHash`, is found by the plugin in its
`check`, so that the engine itself shows what is different.

"""


def page() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    for token, spec in schema()["resources"].items():
        if token not in COMPONENTS:
            parts.append(f"## `{token}`\n\n{sentence(spec['description'])}\n")
            parts += _tables(spec)
    return "\n".join(parts)


def _tables(spec: dict[str, Any]) -> list[str]:
    inputs, properties = spec["inputProperties"], spec["properties"]
    outputs = {name: one for name, one in properties.items() if name not in inputs}
    needed = {*spec.get("requiredInputs", ())}
    given = [[f"`{name}`", _kind(one), _what(one, required=name in needed)] for name, one in inputs.items()]
    told = [[f"`{name}`", _kind(one), _what(one, required=False)] for name, one in outputs.items()]
    head = ["input", "kind", "what it is"]
    return [table(head, given), table(["output", *head[1:]], told)]


def _what(spec: dict[str, Any], *, required: bool) -> str:
    words = [
        sentence(spec.get("description", "")),
        "Required." if required else "",
        "Secret." * bool(spec.get("secret")),
    ]
    return " ".join(filter(None, words))


def _kind(spec: dict[str, Any]) -> str:
    if "$ref" in spec:
        return str(spec["$ref"]).rpartition(":")[2]
    inside = spec.get("items") or spec.get("additionalProperties") or {}
    names = {"array": "list of ", "object": "map of "}
    return names[spec["type"]] + _kind(inside) if inside else str(spec.get("type", ""))
