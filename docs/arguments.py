"""The page of all arguments: words from the classes; ranges, defaults, secrecy and costs from the model's table."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aciml.construct import COMPONENTS
from aciml.model.judge import TABLES
from aciml.model.shape import Field, Fields, range_of
from aciml.schema import schema
from pulumi_aciml.args.declared import Argument, arguments_of, is_subject

_HEAD = """# Arguments

Every argument of the components, in the words of Python and of the stack config; YAML and the other languages of Pulumi
write the same in camelCase. This page is made of the classes in `components/args/` and of the table in
`provider/aciml/model/` by `make pages`, and a test holds it to them.

*required* arguments have to be given; what is *secret* is encrypted in the state and never shown again, and so is any
other argument whose value arrives as a secret; one that is *no secret* is read by others, in an image's name, labels or
files, a URL, an id or a tag, and a secret there is refused; *cloud* has no effect on the local target, where it is
judged and named in one warning. The cost is that of a change in the cloud:
**in place** restarts the containers and keeps the address, **tags** restarts nothing, **replaced** makes the thing anew
(a group is gone for a minute or two), **nothing** sends nothing. On the local target all but a name changes in place.
"""
_COSTS = {"in_place": "in place", "tags": "tags", "replace": "replaced", "none": "nothing"}


@dataclass(frozen=True)
class Row:
    """One argument on the page."""

    word: str
    kind: str
    what: str
    facts: str
    cost: str

    def __str__(self) -> str:
        """Return a line of a table."""
        return f"| `{self.word}` | {self.kind} | {self.what} | {self.facts} | {self.cost} |"


def page() -> str:
    """Return the whole page."""
    parts = [_HEAD]
    shown: set[type[Any]] = set()
    for token, (_, cls) in COMPONENTS.items():
        spec = schema()["resources"][token]
        fields = {name: row for child in cls._children for name, row in TABLES[child].items()}
        parts.append(f"## {token.rpartition(':')[2]}\n\n{_sentence(spec['description'])}\n")
        parts += _tables(cls, spec["inputProperties"], fields, "", shown)
    return "\n".join(parts)


def _tables(
    cls: type[Any], specs: Mapping[str, Any], fields: Fields, path: str, shown: set[type[Any]]
) -> Iterator[str]:
    """Give a table of the class, then those of the classes inside that have none yet."""
    rows = [str(_row(argument, specs[argument.key], fields)) for argument in arguments_of(cls)]
    yield "\n".join(["| argument | kind | what it is | facts | change |", "| --- | --- | --- | --- | --- |", *rows])
    yield ""
    for argument in arguments_of(cls):
        inside = argument.declared
        if inside is None or inside in shown or not hasattr(inside, "_is_subject"):
            continue
        shown.add(inside)
        where = f"{path}{argument.name}"
        spec = schema()["types"][f"aciml:index:{inside.__name__.removesuffix('Args')}"]
        inner = fields if is_subject(inside) else fields[argument.wire].fields or {}
        yield f"### `{where}`\n\n{_sentence(spec.get('description', ''))}\n"
        yield from _tables(inside, spec["properties"], inner, f"{where}.", shown)


def _row(argument: Argument, spec: Mapping[str, Any], fields: Fields) -> Row:
    field = fields.get(argument.wire)
    facts = _facts(argument, field)
    cost = _COSTS[field.cost.action] if field and field.cost else ""
    return Row(argument.name, _kind(argument), _sentence(spec.get("description", "")), facts, cost)


def _kind(argument: Argument) -> str:
    inside = argument.declared.__name__ if argument.declared else ""
    if argument.kind == "object" and inside:
        return inside
    many = {"array": f"list of {inside or argument.of}", "object": f"map of {argument.of}"}
    return many.get(argument.kind, argument.kind)


def _facts(argument: Argument, field: Field | None) -> str:
    said = ["required"] if argument.required else []
    if field is not None:
        said += [word for word in map(str, field.words) if word]
        said += [" ".join(filter(None, (range_of(field), field.unit)))]
        said += ["secret"] if field.secret else ["no secret"] if field.shown else []
        said += ["cloud"] if field.scope == "cloud" else []
        said += [] if field.default is None else [f"default `{_shown(field.default)}`"]
    return ", ".join(filter(None, said))


def _shown(value: Any) -> str:
    return (
        str(value).lower() if isinstance(value, bool) else f"{value:.15g}" if isinstance(value, float) else str(value)
    )


def _sentence(text: str) -> str:
    """Return the first paragraph on one line, safe in a table."""
    return " ".join(text.partition("\n\n")[0].split()).replace("``", "`").replace("|", "\\|")
