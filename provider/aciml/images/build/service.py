"""The image of a service: its environment's, with layers for the server, for each model and for the source."""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from ... import __version__
from ...blobs.catalog import AnyCatalog
from ...blobs.gzip import KEY
from ...blobs.store import BlobStore, write_layer
from ...core.compose import APP_ROOT, inputs_of, service_image, with_inputs
from ...core.errors import UserError
from ...core.image import Image, Layer, canonical_json, sha256_digest
from ...core.labels import service_labels
from ...core.layer import ROOT, WRITER, Entry
from ...core.phases import Phases
from ...core.place import Place
from ...core.progress import Progress
from ...core.reference import Reference
from ...model.service import Service, made_of
from ...server_files import VERSION
from ..plan.contents import Tree, model_tree, server_tree, source_name, source_tree, tree_hash
from ..plan.revision import commit_of
from ..plan.service import models_of
from ..remote.catalog import find_present
from ..remote.holders import hold
from ..remote.pushes import holder_of
from ..tools import Tools
from .push import mend, push
from .runner import Runner, runner_of, user_entries
from .summary import Cost, kilobytes, size_line


def build(tools: Tools, now: Service, progress: Progress) -> Image:
    """Return the service's image; layers that are missing are packed into this machine's cache, none is pushed.

    Raises:
        UserError: the environment's image is not in its registry.
        OutageError: the registry does not answer.
    """
    reference = Reference.parse(now.environment_image)
    environment = tools.load_image(reference)
    if environment is None:
        raise UserError(f"{reference} is not in its registry", "run the same command again")
    models, folder = models_of(now), Path(now.source_directory)
    runner = runner_of(tools, now, environment, reference, progress)
    layers = _layers(tools, now, runner, progress)
    labels = service_labels(
        environment,
        inputs_of(environment),
        commit_of(folder, (path for _, path in models)),
        title=now.repository.rpartition("/")[2],
        tool=__version__,
    )
    image = service_image(
        environment,
        layers,
        source=source_name(folder),
        entry=now.entry_script,
        models=tuple(model for model, _ in models),
        scripts=dict(now.scripts or {}),
        version=VERSION,
        labels=labels,
        runs=runner.runs,
        owner=runner.owner,
    )
    below = now.environment_image.partition("/")[2]  # without the host: an import knows by what name it came
    return with_inputs(image, {**made_of(now), "environment": below})


def preview(tools: Tools, now: Service, size: int, progress: Progress) -> Image:
    """Return the image as ``build`` does, and say how large it is and what of it has to be sent.

    Args:
        tools: of this machine.
        now: with its hashes; all that the image is made of is known.
        size: bytes of the image that is there; 0 if there is none, or nobody knows.
        progress: told the lines.

    Raises:
        UserError: the environment's image is not in its registry.
        OutageError: the registry does not answer.
    """
    image = build(tools, now, progress)
    environment = tools.load_image(Reference.parse(now.environment_image))
    below = {layer.digest for layer in environment.layers} if environment else set()
    # what the environment brings is mounted, and not sent
    own = [layer for layer in image.layers if layer.digest not in below]
    present = below
    if now.place and own:
        client = tools.client(now.place.login_server)
        present = below | find_present(client, now.place.repository, {layer.digest for layer in own})
    cost = Cost.of(image.layers, present)
    progress.note(size_line(size, sum(layer.size for layer in image.layers), sure=True))
    progress.note(f"{kilobytes(cost.bytes) if cost.bytes else 'nothing'} to upload, digest {image.digest}")
    return image


def update(tools: Tools, now: Service, place: Place, progress: Progress) -> Image:
    """Build the image and push it; what the environment brought is mounted from its repository.

    Raises:
        AcimlError: something outside fails; what was finished is kept and found again.
    """
    return mend(tools, progress, lambda: _update(tools, now, place, progress))


def _update(tools: Tools, now: Service, place: Place, progress: Progress) -> Image:
    phases = Phases(time.monotonic)
    with phases.timed("packing"):
        image = build(tools, now, progress)
    below = Reference.parse(now.environment_image)
    # distribution-spec 1.1, "Mounting a blob from another repository": no byte of the environment is sent again
    mounts = {layer.digest: below.repository for layer in image.layers}
    tools.keep_image(image)  # an export needs no registry then
    with phases.timed("push"):
        done = push(tools, image, place, mounts, progress)
    client, holder = tools.client(place.login_server), holder_of(progress.urn)
    hold(client, place.repository, image.digest, holder, took=phases.spans())
    reused = done.present + done.mounted
    told = [f"{done.uploaded} layers pushed ({done.uploaded_bytes / 1e6:.1f} MB), {reused} reused", phases.line()]
    progress.note("; ".join(filter(None, told)))
    return image


def _layers(tools: Tools, now: Service, runner: Runner, progress: Progress) -> tuple[Layer, ...]:
    """The source lies above server and models, in a layer of its own: a new script pushes neither again."""
    pack = partial(tree_layer, store=tools.store, catalog=tools.catalog, progress=progress)
    models = {model.name: model_tree(model, path) for model, path in models_of(now)}
    packed = [pack([tree], f"model {name}") for name, tree in models.items()]
    source = replace(source_tree(Path(now.source_directory)), owner=runner.owner)
    # v1's scripts write beside themselves and beside their models: the folders are theirs, files of models root's
    beside = [
        Tree(APP_ROOT.lstrip("/"), (), owner=runner.owner),
        *(replace(tree, owner=runner.owner) for tree in models.values()),
    ]
    folders = tuple(entry for tree in beside for entry in tree.folders())
    # the same bytes for every service that this release makes: one registry gets them once (decisions/image-files.md)
    server = pack([server_tree()], "scoring server")
    script = pack([source], f"source {source_name(Path(now.source_directory))}", folders=folders)
    first = [write_layer(user_entries(runner.accounts), tools.store)] if runner.accounts else []
    return (*first, server, *packed, script)


def tree_layer(  # by name
    trees: list[Tree],
    what: str,
    *,
    store: BlobStore,
    catalog: AnyCatalog,
    progress: Progress,
    folders: tuple[Entry, ...] = (),
) -> Layer:
    """Return the layer of the trees and of folders beside them, packed only if it was not packed before."""
    owners = sorted(
        {f"{entry.path} {entry.owner}" for entry in folders} | {f"{t.into} {t.owner}" for t in trees if t.owner != ROOT}
    )
    owned = f"-{sha256_digest(canonical_json(owners))[7:23]}" if owners else ""
    # whatever may write other bytes is in the key: the rules of layers, the compressor, and who owns what
    key = f"tree-{tree_hash(trees, catalog)}{owned}-{WRITER}-{KEY}"
    known = catalog.layer(key)
    # the row may outlive its blob, which clean-up takes (decisions/clean-up.md)
    if known and store.has(known.digest, known.size):
        return known
    entries = chain((entry for tree in trees for entry in tree.entries()), folders)
    layer = write_layer(entries, store, progress, what)
    catalog.put_layer(key, layer)
    return layer
