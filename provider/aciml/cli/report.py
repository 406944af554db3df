"""``aciml report``: one page about an image, which needs nothing but a browser."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..core.errors import UserError
from ..core.reference import Reference
from ..settings import Settings
from .terminal import Terminal, answer, json_option

if TYPE_CHECKING:
    from ..images.report.contents import Report
    from ..images.report.kept_file import KeptImage
    from ..targets.protocol import Targets


@dataclass(frozen=True)
class _Wish:
    """What was asked for, in the words of the options."""

    named: str | None
    stack: str | None
    project: Path | None
    against: str
    output: Path | None
    estimate: bool
    opens: bool
    as_json: bool


@click.command("report")
@click.argument("named", required=False, metavar="[IMAGE | PATH | SERVICE]")
@click.option("--stack", help="Stack whose service is meant; the selected one where no IMAGE is given.")
@click.option("--project", type=click.Path(file_okay=False, path_type=Path), help="Folder of Pulumi.yaml.")
@click.option(
    "--against",
    default="",
    help="Image to compare with: a reference, a path, or :tag or @sha256:... of the same repository.",
)
@click.option(
    "--output", type=click.Path(dir_okay=False, path_type=Path), help="File; <repository>-<digest>.html here."
)
@click.option("--estimate", is_flag=True, help="Fetch no layer to know the sizes of packages that share one.")
@click.option("--open", "opens", is_flag=True, help="Open the page in the browser.")
@json_option
def command(**options: Any) -> None:
    """Write a page about an image: sizes, what changed, what is shared, where time went.

    The image is a reference (host/repository:tag, or @sha256:...), one in a file (an OCI layout, or an archive of
    docker save), or that of a SERVICE of a stack. It is compared with the one that was pushed before it. The page is
    one file, which asks for nothing. With --json the same facts are printed, and a page is written only where --output
    says so.
    """
    wish, terminal = _Wish(**options), Terminal()
    from ..images.report.gather import report_of
    from ..images.tools import Tools

    image, target = _wanted(wish)
    tools = Tools.of(target, Settings.read())
    report = report_of(tools, image, wish.against, terminal, read=not wish.estimate)
    terminal.done()
    path = None
    if wish.output or not wish.as_json:
        name = image.repository.rpartition("/")[2] if isinstance(image, Reference) else image.path.resolve().stem
        path = _write(report, wish.output or Path(f"{name}-{report.digest[7:19]}.html"))
    answer(report.to_json() | ({"page": str(path)} if path else {}), _lines(report, path), as_json=wish.as_json)
    if path and wish.opens:
        click.launch(path.resolve().as_uri())


def _wanted(wish: _Wish) -> tuple[Reference | KeptImage, Targets]:
    """Return the image, and the target whose accounts its registry may want."""
    # here and not above, since the help needs neither
    from ..images.report.kept_file import is_kept, read_kept
    from ..targets.choice import choose_targets

    if wish.named and not wish.stack and is_kept(wish.named):
        return read_kept(wish.named), choose_targets({}, Settings.read())
    # a service's name has none of these; an official image of Docker Hub can be written docker.io/library/debian:12
    if wish.named and not wish.stack and any(mark in wish.named for mark in "/:@"):
        return Reference.parse(wish.named), choose_targets({}, Settings.read())
    text, config = _deployed(wish)
    if not text:
        raise UserError("the state does not say which image that is", "run `pulumi up`, or name the image itself")
    return Reference.parse(text), choose_targets(config, Settings.read())


def _deployed(wish: _Wish) -> tuple[str, Mapping[str, str]]:
    """Return the image that a stack's state says, and the configuration of its targets.

    A word may name an environment, too; without a word that is meant where there are no services and but one of it.
    """
    from .deployed import StateSource

    source = StateSource.of(wish.stack, wish.project)
    state = source.state
    if any(service.hidden for service in state.services):
        state = source.shown  # the registry's login may be a secret of the provider's configuration
    named = [one for one in state.environments if wish.named in (one.component, one.name, one.urn)]
    only = [] if wish.named or state.services else list(state.environments)
    if len(found := named or only) == 1 and not any(wish.named in service.names for service in state.services):
        config = state.services[0].config if state.services else {}
        return found[0].text("image"), config
    service = state.service(wish.named)
    return service.group.text("image"), service.config


def _write(report: Report, path: Path) -> Path:
    """Write the page, whole or not at all."""
    from ..images.report.page import write_page

    text = write_page(report)
    new: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
        ) as file:
            new = Path(file.name)
            file.write(text)
        # a page is for others to read, and a temporary file is not
        new.chmod(0o644)
        new.replace(path)
    except OSError as error:
        if new is not None:
            with suppress(OSError):
                new.unlink()
        raise UserError(
            f"{path} cannot be written: {error.strerror}", "name a file by --output in a folder that is there"
        ) from error
    return path


def _lines(report: Report, path: Path | None) -> Iterator[str]:
    from ..images.report.page import bytes_as, counted

    yield f"{report.name}: {bytes_as(report.size)} in {counted(len(report.layers), 'layer')}"
    if report.against:
        moved = report.against.bytes
        moves = f"{bytes_as(moved.new)} new, {bytes_as(moved.shared)} shared"
        told = f"{counted(len(report.against.changes), 'difference')}, {moves}"
        yield f"against {report.against.name}: {told}"
    yield from report.notes
    if path:
        yield f"written to {path}"
