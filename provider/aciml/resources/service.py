"""``aciml:image:Service``: an environment image with models, source and server on top, as one pushed image."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..core.errors import OutageError, UserError
from ..core.progress import Progress
from ..model.service import FIELDS, read_service
from ..model.shape import differing, is_imported, shape_findings
from ..model.unknowns import come_from_elsewhere, encoded, gaps
from ..properties import Values, is_unknown, reveal
from . import pushed
from .protocol import Changes, Checked, Existing

if TYPE_CHECKING:
    from ..images.tools import Tools

# where they lie does not matter; sourceHash and modelHashes say what is in them, and serverHash what server is
_IGNORED = ("sourceDirectory", "models", "server", "sourceFiles")
_NAMED = 20
"""Files of the source that are named one by one; after that a hash for all of them is read more easily."""
_ODD = frozenset('[]"\\')
"""What would end the path of a property."""
_MADE_OF = ("entry_script", "environment_image", "models", "scripts", "source_directory")


class ServiceImage:
    """A service's image; a change of the source alone makes and pushes one small layer."""

    def __init__(self, tools: Tools) -> None:
        """Build with this machine's cache, push with the target's credentials."""
        self._tools = tools

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:
        """Judge script and models; fill the hashes of all contents, as far as it is known where they are."""
        from ..images.plan.service import judge, told_of_source, with_hashes

        findings = shape_findings(new, FIELDS)
        if findings or is_imported(new, FIELDS):
            return Checked(new, findings)
        now = read_service(new)
        if findings := judge(now):
            return Checked(new, findings)
        before = read_service(old or {})
        hashed = with_hashes(self._tools, before, now)
        told_of_source(before, hashed, progress)
        return Checked({**new, **{name: value for name, value in encoded(hashed).items() if FIELDS[name].filled}})

    def diff(self, old: Values, state: Values, new: Values) -> Changes:  # noqa: ARG002
        """Name what differs; of another server the version, which tells people more than its hash."""
        told = {"serverHash": ["server"], "sourceHash": _files(old, new)}
        paths = [shown for path in differing(old, new, _IGNORED) for shown in told.get(path, [path])]
        return Changes(dict.fromkeys(paths, "update"))

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Pack what is missing and push it; a preview packs into the cache only, and so knows the digest."""
        state = self._previewed(inputs, progress) if preview else self._updated(inputs, progress)
        return Existing("" if preview else str(state["image"]), state)

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:
        """Pack and push the changed image; the one before stays in the registry."""
        if not preview:
            return self._updated(inputs, progress)
        if line := _files_line(old.inputs, inputs):
            progress.note(line)
        return self._previewed(inputs, progress, pushed.size_of(old))

    def read(self, known: Existing, progress: Progress) -> Existing | None:
        """Ask the registry for the digest; only a 404 means that it is gone."""
        return pushed.read_pushed(self._tools, known, progress)

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the manifest; layers that others use stay."""
        pushed.delete_pushed(self._tools, known, progress)

    def _previewed(self, inputs: Values, progress: Progress, size: int = 0) -> Values:
        from ..images.build.service import preview

        now, nothing = read_service(inputs), {**inputs, **pushed.NOT_KNOWN_YET}
        if waiting := gaps(now, *_MADE_OF):
            progress.note(f"the image's digest is not known yet: {come_from_elsewhere(waiting)}")
            return nothing
        if now.is_unsure("repository"):  # its last part is the image's title, and so in the digest
            return nothing
        try:
            image = preview(self._tools, now, size, progress)
        except (OutageError, UserError):
            # the environment may not be pushed yet, or its registry not be there: the update says what is wrong then
            return nothing
        return {**inputs, **pushed.image_outputs(now.place, image)}

    def _updated(self, inputs: Values, progress: Progress) -> Values:
        from ..images.build.service import update

        now = read_service(inputs)
        assert now.place  # noqa: S101  # an update knows all its inputs
        return {**inputs, **pushed.image_outputs(now.place, update(self._tools, now, now.place, progress))}


def _files_line(old: Values, new: Values) -> str:
    """Name the files of the source that differ, for a preview without ``--diff``; empty if there are none to name."""
    if _files(old, new) in ([], ["sourceHash"]):
        return ""
    before, after = reveal(old["sourceFiles"]), reveal(new["sourceFiles"])
    names = [name for name in sorted(before.keys() | after.keys()) if before.get(name) != after.get(name)]
    marks = [f"{'+' if name not in before else '-' if name not in after else '~'} {name}" for name in names]
    more = f" and {len(marks) - _NAMED} more" if len(marks) > _NAMED else ""
    return f"source: {', '.join(marks[:_NAMED])}{more}" if marks else ""


def _files(old: Values, new: Values) -> list[str]:
    """Return the files of the source that differ, as paths of ``sourceFiles``; its hash where they say nothing."""
    before, after = old.get("sourceFiles"), new.get("sourceFiles")
    # states of 0.2 have none, and a source that is not known yet neither
    if before is None or after is None or is_unknown(after):
        return ["sourceHash"]
    paths = differing({"sourceFiles": before}, {"sourceFiles": after}, ())
    few = [path for path in paths if not _ODD & set(path[len('sourceFiles["') : -len('"]')])][:_NAMED]
    # another name of the folder is another source of the same files
    return few if few and len(few) == len(paths) else [*few, "sourceHash"]
