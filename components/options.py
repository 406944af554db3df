"""Resource options of a component that its children have to follow."""

from __future__ import annotations

import pulumi


def child_of(parent: pulumi.Resource, token: str, opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:  # noqa: ARG001
    """Return the options of a component's child; it may take as long as its component (``custom_timeouts``)."""
    return pulumi.ResourceOptions(parent=parent, custom_timeouts=opts.custom_timeouts if opts else None)
