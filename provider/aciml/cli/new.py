"""``aciml new DIR``: write a small project that serves a model, into a folder that is new or empty."""

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
from .terminal import answer, json_option

TARGETS = ("local", "azure")
_ENDING, _DOT = ".in", "dot-"
"""Ends a template's name, so that no tool takes it for what it will be; ``dot-`` begins what will be hidden."""


@click.command("new")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--name", default="", help="Name of the project; that of the folder without it.")
@click.option(
    "--target", type=click.Choice(TARGETS), default=TARGETS[0], show_default=True, help="Where it goes first."
)
@json_option
def command(folder: Path, name: str, target: str, *, as_json: bool) -> None:
    """Write a small project that serves a model into DIR, which is new or empty."""
    called = checked_name(name or folder.resolve().name, given=bool(name))
    _require_empty(folder)
    written = list(_write(folder, _words(called, target)))
    lines = [
        f"wrote {len(written)} files into {folder}; its README.md says how to go on:",
        f"  cd {shlex.quote(str(folder))}",
        "  python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt",
        f"  pulumi stack init {target} && pulumi up",
    ]
    answer({"folder": str(folder), "name": called, "files": sorted(map(str, written))}, lines, as_json=as_json)


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
    return {"name": name, "slug": slug, "registry": registry_of(slug), "target": target, "version": __version__}


def _write(folder: Path, words: dict[str, str]) -> Iterator[Path]:
    """Write all files, none over another, and return their paths as they are written."""
    for source, parts in _templates(files(__package__) / "template", ()):
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
