"""``aciml new DIR``: write a small project that serves a model, into a folder that is new or empty.

With ``--pipelines`` also what a service of pipelines runs; in a project that is there, that alone.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path

import click

from .. import __version__
from ..core.errors import UserError
from .names import checked_name, registry_of, slug_of
from .stack import PROJECT, read_yaml
from .terminal import answer, json_option

TARGETS = ("local", "azure")
PIPELINES = ("github", "azure")
_STACKS, _PROGRAM, _REQUIREMENTS = "stacks", "program", "requirements.txt"
_ENDING, _DOT = ".in", "dot-"
"""Ends a template's name, so that no tool takes it for what it will be; ``dot-`` begins what will be hidden."""


@click.command("new")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", default="", help="Name of the project; that of the folder without it.")
@click.option(
    "--target", type=click.Choice(TARGETS), default=TARGETS[0], show_default=True, help="Where it goes first."
)
@click.option(
    "--pipelines", type=click.Choice(PIPELINES), help="Add pipelines; in a project that is there, them alone."
)
@json_option
def command(folder: Path, name: str, target: str, pipelines: str | None, *, as_json: bool) -> None:
    """Write a small project that serves a model into DIR, which is new or empty.

    With --pipelines DIR may be a project of Pulumi: what its pipelines need is added, and no file is changed.
    """
    if pipelines and (folder / PROJECT).is_file():
        added, kept, lines = _add_pipelines(folder, pipelines)
        facts = {"folder": str(folder), "files": sorted(map(str, added)), "kept": sorted(map(str, kept))}
        answer(facts, lines, as_json=as_json)
        return
    called = checked_name(name or folder.resolve().name, given=bool(name))
    _require_empty(folder)
    words, own = _words(called, target), files(__package__)
    written: list[Path] = []
    # first, since one of them is the program: with a place for the image that another stack has proven
    for part in (_PROGRAM, _STACKS, pipelines) if pipelines else ():
        written += _write(folder, own / "pipelines" / part, words)
    written += _write(folder, own / "template", words, keep=bool(pipelines))
    lines = [
        f"wrote {len(written)} files into {folder}; its README.md says how to go on:",
        f"  cd {shlex.quote(str(folder))}",
        "  python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt",
        f"  pulumi stack init {target} && pulumi up",
        *(_told_of_pipelines(pipelines) if pipelines else ()),
    ]
    answer({"folder": str(folder), "name": called, "files": sorted(map(str, written))}, lines, as_json=as_json)


def _add_pipelines(folder: Path, pipelines: str) -> tuple[list[Path], list[Path], list[str]]:
    """Add the files of pipelines to a project; return what was written, what was kept, and what to say.

    Raises:
        UserError: a file of the pipelines is there already; nothing is written.
    """
    project = read_yaml(folder / PROJECT)
    words = _words(str(project.get("name") or folder.resolve().name), "azure")
    if not (folder / _REQUIREMENTS).is_file():
        words["install"] = f'"aciml~={__version__}"'
    own, stacks = (files(__package__) / "pipelines" / part for part in (pipelines, _STACKS))
    if there := [str(path) for path in _places(own, folder) if path.exists()]:
        advice = "move it away first, or write its steps into it by hand"
        raise UserError(f"{', '.join(there)} is there already; nothing was written", advice)
    # where Pulumi itself looks for the configs of this project's stacks
    configs = folder / str(project.get("stackConfigDir") or ".")
    kept = [path for path in _places(stacks, configs) if path.exists()]
    written = [*_write(folder, own, words), *_write(configs, stacks, words, keep=True)]
    lines = [
        f"wrote {len(written)} files into {folder}: {', '.join(str(path.relative_to(folder)) for path in written)}",
        *([f"kept as they are: {', '.join(map(str, kept))}"] if kept else []),
        "the program has to take an image where a stack says `promote`: the documentation's page Pipelines says how",
        *_told_of_pipelines(pipelines),
    ]
    return written, kept, lines


def _places(templates: Traversable, folder: Path) -> list[Path]:
    return [folder.joinpath(*parts) for _, parts in _templates(templates, ())]


def _told_of_pipelines(pipelines: str) -> list[str]:
    place = "the settings of the repository" if pipelines == "github" else "a variable group and a service connection"
    return [
        "for the pipelines choose a name for the registry in Pulumi.staging.yaml, then commit what this writes:",
        "  aciml lock --stack staging",
        f"what their runs need ({place}) is on the documentation's page Pipelines",
    ]


def _require_empty(folder: Path) -> None:
    try:
        found = next(folder.iterdir(), None) if folder.exists() else None
    except NotADirectoryError as error:
        raise UserError(f"{folder} is a file", "name a folder that is new or empty") from error
    if found:
        raise UserError(f"{folder} is not empty: {found.name} is in it", "name a folder that is new or empty")


def _words(name: str, target: str) -> dict[str, str]:
    """Return what stands for the names in double braces.

    ``slug`` is a name that every target takes for its resources, ``registry`` one that Azure takes for a registry.
    """
    slug = slug_of(name)
    return {
        "name": name,
        "slug": slug,
        "registry": registry_of(slug),
        "target": target,
        "version": __version__,
        "install": f"-r {_REQUIREMENTS}",
    }


def _write(folder: Path, templates: Traversable, words: dict[str, str], *, keep: bool = False) -> Iterator[Path]:
    """Write all files, none over another, and return their paths as they are written; ``keep``: not those there are."""
    for source, parts in _templates(templates, ()):
        if keep and folder.joinpath(*parts).exists():
            continue
        text = source.read_text(encoding="utf-8")
        # a template language would be a dependency for a handful of words (decisions/new-project.md)
        for word, value in words.items():
            text = text.replace("{{" + word + "}}", value)
        path = folder.joinpath(*parts)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            # x: a file that came after the look at the folder is not written over
            with path.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}", "mend that, or name another DIR") from error
        yield path


def _templates(folder: Traversable, above: tuple[str, ...]) -> Iterator[tuple[Traversable, tuple[str, ...]]]:
    """Return each template with the path that its file has in a project."""
    for entry in sorted(folder.iterdir(), key=lambda one: one.name):
        name = re.sub(f"^{_DOT}", ".", entry.name)
        if entry.is_dir():
            yield from _templates(entry, (*above, name))
        elif name.endswith(_ENDING):
            yield entry, (*above, name.removesuffix(_ENDING))
