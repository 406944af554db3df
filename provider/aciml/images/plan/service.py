"""Judge what a service is made of, and fill in the hashes of all its contents."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from ... import __version__
from ...core.compose import Model
from ...core.errors import Finding
from ...core.imports import Brought
from ...core.progress import Progress, Silent
from ...core.unknown import NOT_KNOWN
from ...docker.context import LeftOut, walk
from ...model.service import Service
from ..tools import Tools
from .contents import IGNORE_FILES, LINK_ADVICE, Tree, model_tree, server_tree, source_tree, tree_hash
from .folders import left_out_told, model_secrets_told, secrets_told, size_told
from .named_files import SHORT, named_files
from .script import Source, judge_scripts, warn_of_scripts

_SCRIPT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# v1's own form of a model's name
_MODEL = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._-]{0,254}")


def judge(now: Service, brought: Brought | None = None, progress: Progress | None = None) -> list[Finding]:
    """Report what is wrong with scripts and models, as far as it is known where they are.

    Args:
        now: as it is declared.
        brought: what its environment brings; None if nothing is known of it.
        progress: is warned of modules that nobody brings.
    """
    placed = [*_judge_source(now), *_judge_scripts(now)]
    # a script that is not there, or below no folder, cannot be read
    read = [] if placed else _judge_texts(now, brought or Brought(known=False), progress or Silent())
    return [*placed, *read, *_judge_models(now)]


def told_of_source(before: Service, now: Service, progress: Progress) -> None:
    """Tell of a source that is large, and of what never enters an image when the source is another one.

    Args:
        before: as it was last time.
        now: with its hashes.
        progress: is told.
    """
    if now.source_hash is None:
        return
    folder, out = Path(now.source_directory), list[LeftOut]()
    walk(folder, IGNORE_FILES, out=out)
    # with what links lead to, wherever that lies
    if line := size_told("the source", folder, source_tree(folder).files, IGNORE_FILES[-1]):
        progress.warn(line)
    if before.source_hash != now.source_hash and (line := left_out_told(out)):
        progress.note(line)


def with_hashes(tools: Tools, before: Service, now: Service) -> Service:
    """Return the service with the hashes of its contents, as far as it is known where they are.

    Args:
        tools: the catalog remembers the hashes of large files.
        before: as it was last time; one that says nothing if there is no such.
        now: judged.
    """
    catalog, waits = tools.catalog, set[str]()
    source, files = None, None
    if now.is_unsure("source_directory"):
        waits |= {"source_hash", "source_files"}
    else:
        tree = source_tree(Path(now.source_directory))
        source, files = tree_hash([tree], catalog), named_files(tree.hashes(catalog))
    models = {
        f"{model.name}:{model.version}": tree_hash([model_tree(model, path)], catalog)[:SHORT]
        if str(path) != NOT_KNOWN
        else NOT_KNOWN
        for model, path in models_of(now)
    }
    if now.is_unsure("models"):
        waits.add("model_hashes")
    # the server is a part of the image: another one is a difference, though nobody wrote a line
    # once for all services of a run: it is 126 files, and the same ones for each
    server = tools.answers.once("what the scoring server is", lambda: tree_hash([server_tree()], catalog))
    return now.but(
        source_hash=source,
        source_files=files,
        model_hashes=models,
        server_hash=server,
        server=_version(before, server),
        unsure=now.unsure | waits,
    )


def models_of(now: Service) -> list[tuple[Model, Path]]:
    """Return the models with file or folder of each, in the order of their names; a version not given is 1."""
    # each is a layer, and a map from another language may come in any order
    split = ((key.partition(":"), Path(path)) for key, path in sorted((now.models or {}).items()))
    return [(Model(name, version or "1"), path) for (name, _, version), path in split]


def _version(before: Service, digest: str) -> str:
    """Return the version of the server. It stays with the hash: it is that of the server in the image.

    Other files under the version of before are somebody's edit, and are told apart by the start of their hash.
    """
    said = before.server or ""
    if said and before.server_hash == digest:
        return said
    edited = said == __version__ or said.startswith(f"{__version__}+")
    return f"{__version__}+{digest[:8]}" if edited else __version__


def _judge_source(now: Service) -> Iterator[Finding]:
    if now.is_unsure("source_directory"):
        return
    folder = Path(now.source_directory)
    if not folder.is_dir():
        why = f"{folder} is not a folder; paths are relative to the folder of Pulumi.yaml"
        yield now.finding("source_directory", why)
        return
    tree = source_tree(folder)
    yield from _judge_links(now, "source_directory", tree)
    # after the links were followed: what they lead to would be in the image
    if why := secrets_told(folder, tree.files, IGNORE_FILES):
        yield now.finding("source_directory", why)
    if now.is_unsure("entry_script"):
        return
    entry, script = now.entry_script, folder / now.entry_script
    if not script.is_file():
        yield now.finding("entry_script", f"{script} does not exist; entryScript is relative to sourceDirectory")
    elif script.suffix != ".py":
        yield now.finding("entry_script", f"{entry} is not a Python file; its name must end in .py")


def _judge_scripts(now: Service) -> Iterator[Finding]:
    folder = Path(now.source_directory or "")
    for name, script in (now.scripts or {}).items():
        path = folder / script if script != NOT_KNOWN else folder
        if not _SCRIPT.fullmatch(name):
            yield now.finding("scripts", f'"{name}" is no part of a path; use letters, digits, . _ -', name)
        if script == NOT_KNOWN or now.is_unsure("source_directory"):
            continue
        if path.suffix != ".py" or not path.is_file():
            why = f"{path} is no Python file that exists; it is relative to sourceDirectory"
            yield now.finding("scripts", why, name)


def _judge_texts(now: Service, brought: Brought, progress: Progress) -> list[Finding]:
    """Judge what is in the scripts; see ``script``."""
    if now.is_unsure("source_directory"):
        return []
    source = Source(Path(now.source_directory), brought)
    more = {name: path for name, path in (now.scripts or {}).items() if path != NOT_KNOWN}
    entries = {"": now.entry_script, **more} if not now.is_unsure("entry_script") else more
    found = [
        now.finding("scripts", why, key) if key else now.finding("entry_script", why)
        for key, faults in judge_scripts(source, entries).items()
        for why in faults
    ]
    for line in warn_of_scripts(source, entries) if not found else ():
        progress.warn(line)
    return found


def _judge_models(now: Service) -> Iterator[Finding]:
    for key, path in (now.models or {}).items():
        name, _, version = key.partition(":")
        if not _MODEL.fullmatch(name) or (version and not _MODEL.fullmatch(version)):
            why = f'"{key}" is no model name; use name or name:version, letters, digits, . _ -'
            yield now.finding("models", why, key)
        if path == NOT_KNOWN:
            continue
        if not os.path.lexists(path):
            why = f"{path} does not exist; paths are relative to the folder of Pulumi.yaml"
            yield now.finding("models", why, key)
        else:
            tree = model_tree(Model(name, version or "1"), Path(path))
            yield from _judge_links(now, "models", tree, key)
            # a model that is one file is named by the user, and is what he wants
            if Path(path).is_dir() and (why := model_secrets_told(Path(path), tree.files, IGNORE_FILES)):
                yield now.finding("models", why, key)


def _judge_links(now: Service, field: str, tree: Tree, key: str | None = None) -> Iterator[Finding]:
    for fault in tree.faults:
        yield now.finding(field, f"{fault}; {LINK_ADVICE}", key)
