"""What each difference costs while something is not known yet: what is known decides."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from ..model.shape import Fields
from ..model.standins import stood_in
from ..properties import Values, is_unknown
from ..targets.protocol import Action


def costs(
    paths: Sequence[str],
    old: Values,
    new: Values,
    fields: Fields,
    ask: Callable[[Values], Mapping[str, Action]],
    field_of: Callable[[str], str],
) -> dict[str, Action]:
    """Return what each path costs; one that makes no difference to the target is left out.

    Args:
        paths: where ``old`` and ``new`` differ.
        old: inputs as they were, all known.
        new: inputs; some may be unknown.
        fields: of the resource.
        ask: says what of given inputs, all known, costs what, by the name of a field.
        field_of: names the field that a path is about.
    """
    if not is_unknown(new):
        actions = ask(new)
        return {path: actions[field_of(path)] for path in paths if field_of(path) in actions}
    # with the old values in the gaps, and with two other ones each
    same, *others = (ask(values) for values in stood_in(old, new, fields))
    found: dict[str, Action] = {}
    for path in paths:
        unsure = is_unknown(new.get(path.partition("[")[0]))
        said = {actions.get(field_of(path)) for actions in (others if unsure else [same, *others])}
        # two answers are asked for instead of one guess. Where they differ: of what is known the cost that it has if
        # the unknown stays as it was, of what is unknown the cheaper one (decisions/unknown-inputs.md)
        cost = said.pop() if len(said) == 1 else "update" if unsure else same.get(field_of(path), "update")
        if cost or unsure:  # what is unknown is never said to be no change
            found[path] = cost or "update"
    return found
