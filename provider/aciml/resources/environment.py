"""``aciml:image:Environment``: base image, extra steps, conda and pip packages, as one pushed image."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import AcimlError, Cancelled, Finding, OutageError, UserError
from ..core.progress import Progress
from ..core.reference import Reference
from ..model.environment import FIELDS
from ..model.shape import differing, is_imported, kind_findings, shape_findings, with_secrets
from ..model.unknowns import any_unknown
from ..properties import Values, reveal
from . import pushed
from .environment_known import judged_values, pin_known, seen_environment, waiting_line
from .protocol import Changes, Checked, Existing

if TYPE_CHECKING:
    from ..core.image import Image
    from ..core.place import Place
    from ..images.tools import Tools

# Where a file lies does not matter, what is in it does; the others are this machine's affair, or who may ask.
_DOCKERFILE = ("dockerfile", "dockerfileText", "buildContext")
_PATHS = (*_DOCKERFILE, "condaFile", "requirementsFile", "explicitFile", "lockFile", "extraStepsFile", "stepsContext")
_WAYS = ("serverRequirements", "builder", "lockMode", "previewLayers", "refreshBase", "lintOff", "keepTags", "keepDays")
_ACCESS = ("caBundle", "baseUsername", "basePassword", "buildSecrets")
_IGNORED = (*_PATHS, *_WAYS, *_ACCESS, "glibc", "virtualPackages", "excludeNewer", "extraSteps", "lock")
_WHERE = ("loginServer", "repository")
_ABOUT_PLACE = (*_WHERE, "lock", "baseDigest", "baseKey", "compression")
_UNSAID: Values = {"compression": "gzip", "postLink": "fail", "sbom": True}
"""What holds when nothing is said: to write it out changes nothing."""


class Environment:
    """An environment image. ``check`` pins everything, so the engine's own diff names each package that changes."""

    def __init__(self, tools: Tools) -> None:
        """Build with this machine's cache, push with the target's credentials."""
        self._tools = tools

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:
        """Judge all files at once; then resolve base and packages, keeping what did not change since last time."""
        from ..images.plan.base import judge_base_size, judge_python
        from ..images.plan.recipe import judge_pinned
        from ..images.plan.sources import read_sources

        findings, new = shape_findings(new, FIELDS), with_secrets(new, FIELDS)
        if kind_findings(new, FIELDS) or is_imported(new, FIELDS):
            return Checked(new, findings)
        seen = seen_environment(new)
        plain, sources = seen.values, read_sources(seen.values, seen.unknown)
        findings += [
            *_judge_ca(plain),
            *_judge_base(plain, seen.unknown),
            *self._judge_builder(plain),
            *sources.findings,
        ]
        if findings:
            return Checked(new, findings)
        try:
            pinned = pin_known(self._tools_for(new), old or {}, new, sources, progress)
            plain = judged_values(pinned)
            judged = judge_pinned(self._knowing(pinned, old or {}), old or {}, plain, sources.steps, progress)
            return Checked(pinned, [*judge_python(plain), *judge_base_size(self._tools_for(pinned), plain), *judged])
        except UserError as error:
            return Checked(new, [Finding(getattr(error, "where", "condaFile"), str(error))])

    def diff(self, old: Values, state: Values, new: Values) -> Changes:  # noqa: ARG002
        """Name what differs: packages by name, the base digest, the steps."""
        paths = differing(_said(old), _said(new), _IGNORED)
        if "stepsKey" in paths:
            paths.remove("stepsKey")
            paths += [name for name in ("extraSteps",) if old.get(name) != new.get(name)] or ["stepsKey"]
        if not any(path.startswith(("packages", "pipPackages")) for path in paths) and old.get("lock") != new.get(
            "lock"
        ):
            paths.append("lock")
        return Changes(dict.fromkeys(paths, "update"))

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Build what is missing and push it; a preview shows the digest if all layers are known."""
        state = self._foreseen({}, inputs, progress) if preview else self._built({}, inputs, progress)
        return Existing("" if preview else str(state["image"]), state)

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Build and push the changed image; the one before stays in the registry."""
        return self._foreseen(old.inputs, inputs, progress) if preview else self._built(old.inputs, inputs, progress)

    def read(self, known: Existing, progress: Progress) -> Existing | None:
        """Ask the registry for the digest; only a 404 means that it is gone. A base whose tag moved is let go."""
        seen = pushed.read_pushed(self._tools_for(known.state), known, progress)
        if seen and seen.inputs and known.state and self._has_moved(known, progress):
            return Existing(seen.id, _without_base(seen.state), _without_base(seen.inputs))
        return seen

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the manifest; layers that others use stay."""
        from ..images.remote.old_tags import leave

        pushed.delete_pushed(self._tools_for(known.state), known, progress)
        leave(self._tools_for(known.state), str(known.state.get("image") or known.id), progress)

    def _has_moved(self, known: Existing, progress: Progress) -> bool:
        from ..images.plan.base import has_moved

        try:
            return has_moved(self._tools_for(known.state), known.inputs, progress)
        except Cancelled:
            raise
        except AcimlError as error:
            progress.warn(f"{error}; the base stays as it was")
            return False

    def _knowing(self, inputs: Values, old: Values) -> Tools:
        """Return a tools that has asked the registry what it knows of packages that this machine never saw."""
        from ..images.remote.catalog import answers, knowing

        tools = self._tools_for(inputs)
        if any_unknown(inputs, _ABOUT_PLACE) or old.get("lock") == inputs.get("lock"):
            return tools
        return knowing(tools, inputs, _place(inputs)) if answers(tools, _place(inputs)) else tools

    def _foreseen(self, old: Values, inputs: Values, progress: Progress) -> Values:
        from ..images.build.update import foresee

        nothing = {**inputs, **pushed.NOTHING_FORESEEN}
        if waiting := waiting_line(old, inputs):
            progress.note(waiting)
            return nothing
        place = None if any_unknown(inputs, _WHERE) else _place(inputs)
        try:
            image = foresee(self._tools_for(inputs), old, seen_environment(inputs).values, place, progress)
        except OutageError:
            image = None  # a registry that is still to be made, or is down: the digest is not known, and no more
        return _with_image(inputs, image) if image else nothing

    def _built(self, old: Values, inputs: Values, progress: Progress) -> Values:
        from ..images.build.steps import read_builder
        from ..images.build.update import bring
        from ..images.export.sbom import settle_bill
        from ..images.remote.old_tags import tidy

        tools, place = self._tools_for(inputs), _place(inputs)
        by = read_builder(str(inputs.get("builder", "")), tools)
        recipe, image = bring(tools, old, reveal(inputs), place, progress, by)
        client, wanted = tools.client(place.login_server), inputs.get("sbom") is not False
        settle_bill(client, place.repository, recipe, image, progress, wanted=wanted)
        tidy(tools, place, image, inputs, progress)
        return _with_image(inputs, image)

    def _judge_builder(self, values: Values) -> list[Finding]:
        from ..images.build.steps import read_builder

        try:
            read_builder(str(values.get("builder", "")), self._tools)
        except UserError as error:
            return [Finding("builder", str(error))]
        return []

    def _tools_for(self, inputs: Values) -> Tools:
        from ..images.plan.base import with_base_login

        seen = seen_environment(inputs)
        return with_base_login(self._tools.trusting(str(seen.values.get("caBundle", ""))), seen.values, seen.unknown)


def _without_base(values: Values) -> Values:
    """Forget what the base was, so that the next check asks."""
    return {name: value for name, value in values.items() if name not in ("baseDigest", "baseImages")}


def _said(values: Values) -> Values:
    return {name: value for name, value in values.items() if _UNSAID.get(name) != value}


def _judge_ca(values: Values) -> list[Finding]:
    path = str(values.get("caBundle", ""))
    if path and not Path(path).expanduser().is_file():
        return [Finding("caBundle", f"{path} is not a file; give the path of a PEM file")]
    return []


def _judge_base(values: Values, unknown: frozenset[str]) -> list[Finding]:
    from ..images.plan.dockerfile import judge_sources

    findings = judge_sources(values, unknown)
    if findings or not values.get("baseImage"):
        return findings
    try:
        Reference.parse(str(values["baseImage"]))
    except AcimlError as error:
        return [Finding("baseImage", str(error))]
    return []


def _place(inputs: Values) -> Place:
    from ..core.place import Place

    return Place(*(str(reveal(inputs[name])) for name in _WHERE))


def _with_image(inputs: Values, image: Image) -> Values:
    return {**inputs, **pushed.image_outputs(inputs, image)}
