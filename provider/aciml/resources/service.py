"""``aciml:image:Service``: an environment, the scoring source and its models, as one pushed image."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..core.errors import Finding, OutageError, UserError
from ..core.phases import Phases
from ..core.progress import Progress
from ..core.reference import Reference
from ..core.scoring import judge_script
from ..core.unknown import NOT_KNOWN
from ..model.service import FIELDS
from ..model.shape import differing, is_imported, shape_findings
from ..model.unknowns import Seen, come_from_elsewhere, seen_of, unknown_paths
from ..properties import UNKNOWN, Values, reveal
from . import pushed
from .protocol import Changes, Checked, Existing

if TYPE_CHECKING:
    from ..core.compose import Model
    from ..core.image import Image, Layer
    from ..images.tools import Tools

# where they lie does not matter; sourceHash and modelHashes say what is in them, and serverHash what server is
_IGNORED = ("sourceDirectory", "models", "server")
_MADE_OF = ("environmentImage", "sourceDirectory", "entryScript", "scripts", "models")
_SCRIPT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_MODEL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}")


class Service:
    """A service's image; a change of the source alone makes and pushes one small layer."""

    def __init__(self, tools: Tools) -> None:
        """Build with this machine's cache, push with the target's credentials."""
        self._tools = tools

    def check(self, old: Values | None, new: Values, progress: Progress) -> Checked:  # noqa: ARG002
        """Judge script and models; fill the hashes of all contents, as far as it is known where they are."""
        findings = shape_findings(new, FIELDS)
        if findings or is_imported(new, FIELDS):
            return Checked(new, findings)
        seen = seen_of(new)
        findings = [*_judge_source(seen), *_judge_scripts(seen), *_judge_models(seen.values)]
        if findings:
            return Checked(new, findings)
        return Checked({**new, **self._hashes(old or {}, seen)})

    def diff(self, old: Values, state: Values, new: Values) -> Changes:  # noqa: ARG002
        """Name what differs; of another server the version, which tells people more than its hash."""
        paths = ("server" if path == "serverHash" else path for path in differing(old, new, _IGNORED))
        return Changes(dict.fromkeys(paths, "update"))

    def create(self, inputs: Values, progress: Progress, *, preview: bool) -> Existing:
        """Pack what is missing and push it; a preview packs into the cache only, and so knows the digest."""
        state = self._foreseen(inputs, progress) if preview else self._built(inputs, progress)
        return Existing("" if preview else str(state["image"]), state)

    def update(self, old: Existing, inputs: Values, progress: Progress, *, preview: bool) -> Values:  # noqa: ARG002
        """Pack and push the changed image; the one before stays in the registry."""
        return self._foreseen(inputs, progress) if preview else self._built(inputs, progress)

    def read(self, known: Existing, progress: Progress) -> Existing | None:
        """Ask the registry for the digest; only a 404 means that it is gone."""
        return pushed.read_pushed(self._tools, known, progress)

    def delete(self, known: Existing, progress: Progress) -> None:
        """Remove the manifest; layers that others use stay."""
        pushed.delete_pushed(self._tools, known, progress)

    def _hashes(self, old: Values, seen: Seen) -> Values:
        from ..images.build import application as app

        catalog, folder = self._tools.catalog, Path(str(seen.values.get("sourceDirectory", "")))
        is_there = "sourceDirectory" not in seen.unknown
        models: Values = {
            f"{model.name}:{model.version}": app.tree_hash([app.model_tree(model, path)], catalog)
            if str(path) != NOT_KNOWN
            else UNKNOWN
            for model, path in _models(seen.values)
        }
        return {
            "sourceHash": app.tree_hash([app.source_tree(folder)], catalog) if is_there else UNKNOWN,
            **_server(old, app.tree_hash([app.server_tree()], catalog)),
            "modelHashes": UNKNOWN if "models" in seen.unknown else models,
        }

    def _foreseen(self, inputs: Values, progress: Progress) -> Values:
        nothing = {**inputs, **pushed.NOTHING_FORESEEN}
        waiting = unknown_paths({name: inputs[name] for name in _MADE_OF if name in inputs})
        if waiting:
            if waiting != ["environmentImage"]:  # else its own row has told why
                progress.note(f"the image's digest is not known yet: {come_from_elsewhere(waiting)}")
            return nothing
        try:
            image = self._image(reveal(inputs), progress)
        except (OutageError, UserError):
            return nothing
        return {**inputs, **pushed.image_outputs(inputs, image)}

    def _built(self, inputs: Values, progress: Progress) -> Values:
        from ..core.place import Place
        from ..images.build.push import push

        phases = Phases(time.monotonic)
        with phases.timed("packing"):
            image = self._image(reveal(inputs), progress)
        below = Reference.parse(str(inputs["environmentImage"]))
        mounts = {layer.digest: below.repository for layer in image.layers}
        self._tools.keep_image(image)  # an export needs no registry then
        place = Place(str(inputs["loginServer"]), str(inputs["repository"]))
        with phases.timed("push"):
            done = push(self._tools, image, place, mounts, progress)
        reused = done.present + done.mounted
        told = [f"{done.uploaded} layers pushed ({done.uploaded_bytes / 1e6:.1f} MB), {reused} reused", phases.line()]
        progress.note("; ".join(filter(None, told)))
        return {**inputs, **pushed.image_outputs(inputs, image)}

    def _image(self, inputs: Values, progress: Progress) -> Image:
        from ..core.compose import inputs_of, service_image, with_inputs
        from ..core.labels import service_labels
        from ..images.build.application import source_name
        from ..images.build.revision import commit_of
        from ..server_files import VERSION

        reference = Reference.parse(str(inputs["environmentImage"]))
        environment = self._tools.load_image(reference)
        if environment is None:
            raise UserError(f"{reference} is not in its registry", "run the same command again")
        models, folder = _models(inputs), Path(str(inputs["sourceDirectory"]))
        layers = self._layers(inputs, progress)
        labels = service_labels(
            environment,
            inputs_of(environment),
            commit_of(folder, (path for _, path in models)),
            title=str(inputs["repository"]).rpartition("/")[2],
            tool=__version__,
        )
        image = service_image(
            environment,
            layers,
            source=source_name(folder),
            entry=str(inputs["entryScript"]),
            models=tuple(model for model, _ in models),
            scripts=dict(inputs.get("scripts") or {}),
            version=VERSION,
            labels=labels,
        )
        made_of: Values = {
            name: inputs[name]
            for name in ("entryScript", "scripts", "sourceHash", "modelHashes", "serverHash")
            if name in inputs
        }
        below = str(inputs["environmentImage"]).partition("/")[2]
        return with_inputs(image, {**made_of, "environment": below})

    def _layers(self, inputs: Values, progress: Progress) -> tuple[Layer, ...]:
        """Models lie below the source, each in a layer of its own: a new script does not push a model again."""
        from ..images.build import application as app

        tools = self._tools
        groups = {f"model {m.name}": [app.model_tree(m, path)] for m, path in _models(inputs)}
        groups["application"] = [app.server_tree(), app.source_tree(Path(str(inputs["sourceDirectory"])))]
        return tuple(
            app.tree_layer(trees, what, store=tools.store, catalog=tools.catalog, progress=progress)
            for what, trees in groups.items()
        )


def _server(old: Values, digest: str) -> Values:
    """Return hash and version of the server. The version stays with the hash: it is that of the server in the image.

    Other files under the version of before are somebody's edit, and are told apart by the start of their hash.
    """
    said = str(old.get("server", ""))
    if said and old.get("serverHash") == digest:
        return {"serverHash": digest, "server": said}
    edited = said == __version__ or said.startswith(f"{__version__}+")
    return {"serverHash": digest, "server": f"{__version__}+{digest[:8]}" if edited else __version__}


def _judge_source(seen: Seen) -> list[Finding]:
    values = seen.values
    if "sourceDirectory" in seen.unknown:
        return []
    folder = Path(str(values["sourceDirectory"]))
    if not folder.is_dir():
        why = f"{folder} is not a folder; paths are relative to the folder of Pulumi.yaml"
        return [Finding("sourceDirectory", why)]
    if "entryScript" in seen.unknown:
        return []
    entry = str(values["entryScript"])
    script = folder / entry
    if not script.is_file():
        return [Finding("entryScript", f"{script} does not exist; entryScript is relative to sourceDirectory")]
    if script.suffix != ".py":
        return [Finding("entryScript", f"{entry} is not a Python file; its name must end in .py")]
    return [Finding("entryScript", why)] if (why := _judged(script)) else []


def _judge_scripts(seen: Seen) -> list[Finding]:
    findings, folder = [], Path(str(seen.values.get("sourceDirectory", "")))
    for name, script in dict(seen.values.get("scripts") or {}).items():
        where, path = f'scripts["{name}"]', folder / str(script)
        if not _SCRIPT.fullmatch(name):
            findings.append(Finding(where, f'"{name}" is no part of a path; use letters, digits, . _ -'))
        if script == NOT_KNOWN or "sourceDirectory" in seen.unknown:
            continue
        if path.suffix != ".py" or not path.is_file():
            findings.append(Finding(where, f"{path} is no Python file that exists; it is relative to sourceDirectory"))
        elif why := _judged(path):
            findings.append(Finding(where, why))
    return findings


def _judged(script: Path) -> str:
    return judge_script(script.read_text(encoding="utf-8", errors="replace"), str(script))


def _judge_models(values: Values) -> list[Finding]:
    findings = []
    for key, path in dict(values.get("models", {})).items():
        name, _, version = key.partition(":")
        where = f'models["{key}"]'
        if not _MODEL.fullmatch(name) or (version and not _MODEL.fullmatch(version)):
            findings.append(
                Finding(where, f'"{key}" is no model name; use name or name:version, letters, digits, . _ -')
            )
        if path != NOT_KNOWN and not Path(str(path)).exists():
            findings.append(Finding(where, f"{path} does not exist; paths are relative to the folder of Pulumi.yaml"))
    return findings


def _models(values: Values) -> list[tuple[Model, Path]]:
    from ..core.compose import Model

    named: dict[str, Any] = dict(values.get("models", {}))
    split = ((key.partition(":"), Path(str(path))) for key, path in sorted(named.items()))
    return [(Model(name, version or "1"), path) for (name, _, version), path in split]
