"""``aciml:image:Environment``: base image, extra steps, conda and pip packages, as one pushed image.

Properties are read into an ``Environment`` of the model here, and written back here: further in nobody knows their
names on the wire.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import AcimlError, Cancelled, OutageError
from ..core.progress import Progress
from ..model.declared import wires_of
from ..model.environment import FIELDS, Environment, Pins, Steps, beside, filled, read_environment, with_lock_text
from ..model.shape import differing, is_imported, kind_findings, shape_findings, with_secrets
from ..properties import Values, reveal
from . import pushed
from .package_paths import by_name
from .protocol import Changes, Checked, Existing

if TYPE_CHECKING:
    from ..images.tools import Tools

(_STEPS,) = wires_of(Steps, "extra_steps")
(_STEPS_KEY,) = wires_of(Pins, "steps_key")
_BASE = wires_of(Pins, "base_digest", "base_images")


class EnvironmentImage:
    """An environment image. ``check`` pins everything, so the engine's own diff names each package that changes."""

    def __init__(self, tools: Tools) -> None:
        """Build with this machine's cache, push with the target's credentials."""
        self._tools = tools

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:
        """Judge all files at once; then resolve base and packages, keeping what did not change since last time."""
        # imported where it is needed: the solver and HTTP are slow to load, and other resources need neither
        from ..images.plan.check import check

        findings, new = shape_findings(new, FIELDS), with_secrets(new, FIELDS)
        # what has the wrong kind cannot be read; what was imported has no files here to be judged
        if kind_findings(new, FIELDS) or is_imported(new, FIELDS):
            return Checked(new, findings)
        before, now = read_environment(old or {}), read_environment(new)
        # with a wrong word, too, the files are judged: the user hears of all faults at once
        pinned, wrong = check(self._tools_for(now), before, now, progress, pins=not findings)
        return Checked({**new, **filled(pinned, new)}, [*findings, *wrong])

    def diff(self, old: Values, state: Values, new: Values) -> Changes:  # noqa: ARG002
        """Name what differs: packages by name, the base digest, the steps."""
        paths = by_name(old, new, differing(_said(old), _said(new), beside()))
        # a key tells people nothing: they want the step that they have changed
        if _STEPS_KEY in paths and reveal(old.get(_STEPS)) != reveal(new.get(_STEPS)):
            paths = [_STEPS if path == _STEPS_KEY else path for path in paths]
        return pushed.image_changes(paths)

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Build what is missing and push it; a preview shows the digest if all layers are known."""
        state = self._previewed({}, inputs, progress) if preview else self._updated({}, inputs, progress)
        return Existing("" if preview else str(state["image"]), state)

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Build and push the changed image; the one before stays in the registry."""
        if preview:
            return self._previewed(old.inputs, inputs, progress, pushed.size_of(old))
        return self._updated(old.inputs, inputs, progress)

    def read(self, known: Existing, progress: Progress) -> Existing | None:
        """Ask the registry for the digest; only a 404 means that it is gone. A base whose tag moved is let go."""
        seen = pushed.read_pushed(self._tools_for(read_environment(known.state)), known, progress)
        if seen:  # an image that is imported says its lock as a list
            seen = Existing(seen.id, with_lock_text(seen.state), with_lock_text(seen.inputs))
        if seen and seen.inputs and known.state and self._has_moved(known, progress):
            return Existing(seen.id, _without_base(seen.state), _without_base(seen.inputs))
        return seen

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the manifest; layers that others use stay."""
        from ..images.remote.pushes import forget_record, holder_of

        tools = self._tools_for(read_environment(known.state))
        pushed.delete_pushed(tools, known, progress)
        reference = pushed.reference_of(known)
        forget_record(tools.client(reference.registry), reference.repository, holder_of(progress.urn))

    def _has_moved(self, known: Existing, progress: Progress) -> bool:
        from ..images.plan.base import has_moved

        try:
            return has_moved(self._tools_for(read_environment(known.state)), read_environment(known.inputs), progress)
        except Cancelled:
            # before the outages: ctrl-C is an AcimlError too, and no reason for a warning
            raise
        except AcimlError as error:
            progress.warn(f"{error}; the base stays as it was")
            return False

    def _previewed(self, old: Values, inputs: Values, progress: Progress, size: int = 0) -> Values:
        from ..images.build.update import preview

        now = read_environment(inputs)
        pushed.told_if_shut_out(self._tools, now.place, progress)
        try:
            # nothing is made: layers are looked up by their keys, here and in the registry
            image = preview(self.tools_to_build(now), read_environment(old), now, size, progress)
        except OutageError:
            image = None  # a registry that is still to be made, or is down: the digest is not known, and no more
        return {**inputs, **(pushed.image_outputs(now.place, image) if image else pushed.NOT_KNOWN_YET)}

    def _updated(self, old: Values, inputs: Values, progress: Progress) -> Values:
        from ..images.build.update import update

        now = read_environment(inputs)
        assert now.place  # noqa: S101  # an update knows all its inputs
        pushed.require_way_in(self._tools, now.place)
        image = update(self.tools_to_build(now), read_environment(old), now, now.place, progress)
        return {**inputs, **pushed.image_outputs(now.place, image)}

    def _tools_for(self, now: Environment) -> Tools:
        from ..images.plan.base import with_base_login

        return with_base_login(self._tools.trusting(now.steps.ca_bundle or ""), now.base)

    def tools_to_build(self, now: Environment) -> Tools:
        """Return the tools of a pinned environment: with its bundle, the account of its base, those of its channels."""
        # whoever removes an image needs no account of a channel
        return self._tools_for(now).reaching((now.pins.dependencies or {}).get("channels", ()))


def _without_base(values: Values) -> Values:
    """Forget what the base was, so that the next check asks."""
    return {name: value for name, value in values.items() if name not in _BASE}


def _said(values: Values) -> Values:
    """Leave out what holds when nothing is said: to write it out changes nothing."""
    unsaid = {name: field.default for name, field in FIELDS.items() if field.default is not None}
    return {name: value for name, value in values.items() if name not in unsaid or unsaid[name] != reveal(value)}
