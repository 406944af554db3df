"""Resource options of a component that its children have to follow.

The SDK and the engine hand on parent, providers, protection, aliases, transforms and transformations by themselves.
"""

from __future__ import annotations

from typing import Any

import pulumi

from aciml.core.casing import camel_case, snake_case
from aciml.model.judge import OUTPUTS, TABLES

from .args.places import wire_paths


def child_of(
    parent: pulumi.Resource, token: str, cls: type[Any], opts: pulumi.ResourceOptions | None
) -> pulumi.ResourceOptions:
    """Return the options of a component's child.

    Args:
        parent: the component.
        token: type of the child.
        cls: the component's class of arguments, in whose words ``ignore_changes``, ``replace_on_changes`` and
            ``hide_diffs`` are; ``additional_secret_outputs`` are names of the component's outputs.
        opts: options of the component.
    """
    if opts is None:
        return pulumi.ResourceOptions(parent=parent)
    return pulumi.ResourceOptions(
        parent=parent,
        # none of these are handed on by Pulumi, for which children are
        # resources that a user has written (decisions/arguments.md)
        custom_timeouts=opts.custom_timeouts,
        depends_on=opts.depends_on,  # for the way back: what a component depends on outlives its children
        retain_on_delete=opts.retain_on_delete,
        deleted_with=opts.deleted_with,
        # in the user's paths, so they are translated; what is meant for another child alone is no path of this one
        ignore_changes=_of_child(token, cls, opts.ignore_changes),
        delete_before_replace=opts.delete_before_replace,
        replace_on_changes=_of_child(token, cls, opts.replace_on_changes),
        replacement_trigger=opts.replacement_trigger,
        replace_with=opts.replace_with,
        hide_diffs=_of_child(token, cls, opts.hide_diffs),
        additional_secret_outputs=_outputs(token, opts.additional_secret_outputs),
    )


def _of_child(token: str, cls: type[Any], paths: list[str] | None) -> list[str] | None:
    """Return the property paths of the child that paths of the component mean; none if it has none of them."""
    meant = [wire for path in paths or () for wire in wire_paths(cls, path)]
    # Pulumi's word for "all properties"
    found = [wire for wire in meant if wire == "*" or wire.partition(".")[0].partition("[")[0] in TABLES[token]]
    return found or None


def _outputs(token: str, names: list[str] | None) -> list[str] | None:
    """Return the outputs of the child that outputs of the component come from, in either spelling."""
    return [name for name in map(camel_case, map(snake_case, names or ())) if name in OUTPUTS[token]] or None
