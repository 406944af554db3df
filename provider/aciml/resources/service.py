"""``aciml:image:Service``: an environment image with models, source and server on top, as one pushed image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ..core.errors import Finding, OutageError, UserError
from ..core.progress import Progress
from ..model.declared import wires_of
from ..model.service import FIELDS, Service, read_service, service_findings
from ..model.shape import differing, is_imported, shape_findings
from ..model.unknowns import come_from_elsewhere, encoded, gaps
from ..properties import Values, is_unknown, reveal
from . import pushed
from .protocol import Changes, Checked, Existing

if TYPE_CHECKING:
    from ..images.tools import Tools

# where they lie does not matter; sourceHash and modelHashes say what is in them, and serverHash what server is
_IGNORED = wires_of(Service, "source_directory", "models", "server", "source_files")
_NAMED = 20
"""Files of the source that are named one by one; after that a hash for all of them is read more easily."""
# a name with one of these ends the path of a property in Pulumi's own diff
_ODD = frozenset('[]"\\')
"""What would end the path of a property."""
_FOLDER, _FILES, _SOURCE = wires_of(Service, "source_directory", "source_files", "source_hash")
_EXISTING, _MODELS, _SERVER = wires_of(Service, "existing_image", "model_hashes", "server_hash")
# what is passed over where an image that exists is run
_PASSED_OVER = ("environment_image", "source_directory", "models", "scripts")
_MADE_OF = ("entry_script", "environment_image", "models", "scripts", "source_directory")


class ServiceImage:
    """A service's image; a change of the source alone makes and pushes one small layer."""

    def __init__(self, tools: Tools) -> None:
        """Build with this machine's cache, push with the target's credentials."""
        self._tools = tools

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:
        """Judge script and models; fill the hashes of all contents, as far as it is known where they are."""
        from ..images.plan.brought import brought_to
        from ..images.plan.service import judge, told_of_source, with_hashes

        findings = shape_findings(new, FIELDS)
        # an import has no inputs to judge: the state is looked at instead
        if findings or is_imported(new, FIELDS):
            return Checked(new, findings)
        now = read_service(new)
        if findings := [*service_findings(now)]:
            return Checked(new, findings)
        # nothing is built: what is judged is whether the image is there
        if now.existing_image or now.is_unsure("existing_image"):
            return Checked(new, self._judge_existing(now, progress))
        if findings := judge(now, brought_to(self._tools, now), progress):
            return Checked(new, findings)
        before = read_service(old or {})
        hashed = with_hashes(self._tools, before, now)
        told_of_source(before, hashed, progress)
        return Checked({**new, **{name: value for name, value in encoded(hashed).items() if FIELDS[name].filled}})

    def diff(self, old: Values, state: Values, new: Values) -> Changes:  # noqa: ARG002
        """Name what differs; of another server the version, which tells people more than its hash."""
        # what is passed over beside an image that exists is no difference, and it costs nothing
        # by place and digest, whatever tag is written beside it
        if _EXISTING in old and _EXISTING in new:
            differs = _existing(old) != _existing(new)
            return pushed.image_changes([_EXISTING] if differs else [])
        if _EXISTING in old or _EXISTING in new:
            return pushed.image_changes([_EXISTING])
        told = {_SERVER: ["server"], _SOURCE: _files(old, new)}
        # of both: to destroy or refresh, the engine sends a state's own inputs as the new ones
        old, new = {**old, **_short_models(old)}, {**new, **_short_models(new)}
        paths = [shown for path in differing(old, new, _IGNORED) for shown in told.get(path, [path])]
        return pushed.image_changes(paths)

    def named_changes(self, old: Values, new: Values) -> list[str]:
        """Return what differs as people call it: files of the source and models by their names, else the property."""
        paths = self.diff(old, {}, new).detail
        # properties that are paths of their own files are told below
        names = {path.partition("[")[0] for path in paths} - {_FILES, _SOURCE, _MODELS}
        lines = [_files_line(old, new), _models_line(old, new)]
        if _SOURCE in paths and not lines[0]:
            lines[0] = "source"
        return [*sorted(names), *filter(None, lines)]

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Pack what is missing and push it; a preview packs into the cache only, and so knows the digest."""
        # the id of a preview is unknown, and the engine takes none
        state = self._previewed(inputs, progress) if preview else self._updated(inputs, progress)
        return Existing("" if preview else str(state["image"]), state)

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Pack and push the changed image; the one before stays in the registry."""
        if not preview:
            return self._updated(inputs, progress, old)
        for line in (_files_line(old.inputs, inputs), _models_line(old.inputs, inputs)):
            if line:
                progress.note(line)
        return self._previewed(inputs, progress, pushed.size_of(old))

    def read(self, known: Existing, progress: Progress) -> Existing | None:
        """Ask the registry for the digest; only a 404 means that it is gone."""
        return pushed.read_pushed(self._tools, known, progress)

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the manifest; layers that others use stay, and so does an image that was not made by this resource."""
        if _EXISTING in known.state:
            from ..images.remote.holders import let_go
            from ..images.remote.pushes import holder_of

            reference = pushed.reference_of(known)
            let_go(self._tools.client(reference.registry), reference.repository, holder_of(progress.urn))
            return
        pushed.delete_pushed(self._tools, known, progress)

    def _judge_existing(self, now: Service, progress: Progress) -> list[Finding]:
        from ..images.remote.existing import is_missing

        passed = [now.at(name) for name in _PASSED_OVER if now.knows(name) or now.is_unsure(name)]
        if passed:
            progress.note(f"passed over, since an image that exists is run: {', '.join(passed)}")
        reference = now.existing
        why = is_missing(self._tools, reference) if reference else ""
        return [now.finding("existing_image", why)] if why else []

    def _previewed(self, inputs: Values, progress: Progress, size: int = 0) -> Values:
        from ..images.build.service import preview

        now, nothing = read_service(inputs), {**inputs, **pushed.NOT_KNOWN_YET}
        # an image that exists costs nothing to name
        if _EXISTING in inputs:
            return self._foreseen(now, inputs)
        if waiting := gaps(now, *_MADE_OF):
            progress.note(f"the image's digest is not known yet: {come_from_elsewhere(waiting)}")
            return nothing
        if now.is_unsure("repository"):  # its last part is the image's title, and so in the digest
            return nothing
        # a registry that lets nobody in is told before anything is built
        pushed.told_if_shut_out(self._tools, now.place, progress)
        try:
            image = preview(self._tools, now, size, progress)
        except (OutageError, UserError):
            # or its registry is not there: the update says what is wrong then
            progress.note("the image's digest is not known yet: the environment's image cannot be read before its push")
            return nothing
        return {**inputs, **pushed.image_outputs(now.place, image)}

    def _foreseen(self, now: Service, inputs: Values) -> Values:
        """Return what is known of an image that exists: its name, whoever answers."""
        from ..images.remote.existing import glance

        reference = now.existing
        if reference is None:
            # by name and digest, whoever answers: the update says if it is gone
            return {**inputs, **pushed.NOT_KNOWN_YET}
        named = {"image": str(reference), "digest": reference.digest}
        if (image := glance(self._tools, reference)) is None:
            return {**inputs, **pushed.NOT_KNOWN_YET, **named}
        return {**inputs, **pushed.image_outputs(None, image), **named}

    def _updated(self, inputs: Values, progress: Progress, old: Existing | None = None) -> Values:
        from ..images.build.service import update

        now = read_service(inputs)
        if reference := now.existing:
            from ..images.remote.existing import take
            from ..images.remote.pushes import holder_of

            # a service that ran another image holds that one until this one is taken
            before = pushed.reference_of(old) if old else None
            image = take(self._tools, reference, holder_of(progress.urn), before, progress)
            return {**inputs, **pushed.image_outputs(None, image), "image": str(reference)}
        assert now.place  # noqa: S101  # an update knows all its inputs
        pushed.require_way_in(self._tools, now.place)
        return {**inputs, **pushed.image_outputs(now.place, update(self._tools, now, now.place, progress))}


def _files_line(old: Values, new: Values) -> str:
    """Name the files of the source that differ, for a preview without ``--diff``; empty if there are none to name."""
    # for a preview without --diff, in which properties are not shown
    before, after = old.get(_FILES), new.get(_FILES)
    if before is None or after is None or is_unknown(after):
        return ""
    return _marks("source", reveal(before), reveal(after))


def _models_line(old: Values, new: Values) -> str:
    """Name the models that differ, each with its version; empty if there are none, or not all are known."""
    before, after = (_short_models(values).get(_MODELS) for values in (old, new))
    if is_unknown(before) or is_unknown(after):
        return ""
    return _marks("models", reveal(before) or {}, reveal(after) or {})


def _marks(of: str, before: Mapping[str, object], after: Mapping[str, object]) -> str:
    # by name, and not by hash: people know their files
    names = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    marks = [f"{'+' if name not in before else '-' if name not in after else '~'} {name}" for name in names]
    more = f" and {len(marks) - _NAMED} more" if len(marks) > _NAMED else ""
    return f"{of}: {', '.join(marks[:_NAMED])}{more}" if marks else ""


def _files(old: Values, new: Values) -> list[str]:
    """Return the files of the source that differ, as paths of ``sourceFiles``; its hash where they say nothing."""
    before, after = old.get(_FILES), new.get(_FILES)
    # states of 0.2 have none, and a source that is not known yet neither
    if before is None or after is None or is_unknown(after):
        return [_SOURCE]
    paths = differing({_FILES: before}, {_FILES: after}, ())
    if any(_ODD & set(path[len(_FILES) + len('["') : -len('"]')]) for path in paths):
        return [_FILES]  # the engine shows the entries of a map that differ, however they are called
    # another name of the folder is another source of the same files; how many more there are is said in words
    return paths[:_NAMED] or [_SOURCE if old.get(_FOLDER) == new.get(_FOLDER) else _FOLDER]


def _short_models(values: Values) -> Values:
    """Return the hashes of models with as many digits as they have now: until 0.2 states have all of them."""
    from ..images.plan.named_files import SHORT

    hashes = values.get(_MODELS)
    if not isinstance(hashes, Mapping):
        return {} if hashes is None else {_MODELS: hashes}
    return {_MODELS: {name: one[:SHORT] if isinstance(one, str) else one for name, one in hashes.items()}}


def _existing(values: Values) -> object:
    """Return which image is meant: the same one by another spelling is no difference."""
    now = read_service(values)
    reference = now.existing
    return (reference.registry, reference.repository, reference.digest) if reference else now.existing_image
