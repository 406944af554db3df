"""``aciml comment``: a preview as the comment of a pull request."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from ..core.errors import UserError
from .terminal import answer, json_option, say


@click.command("comment")
@click.argument("preview", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True), default="-")
@click.option(
    "--post", type=click.Choice(["github", "azure"]), help="Put it on the pull request that the run is about."
)
@click.option("--pull-request", type=click.IntRange(1), help="Number of the pull request; the run says it without.")
@click.option("--stack", default="", help="Name to show and to find the comment by; that of the preview without.")
@click.option(
    "--golden",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="File with what `aciml golden check --json` printed; repeat it.",
)
@click.option("--report", default="", metavar="URL", help="Link to a report, such as an artifact of the run.")
@json_option
def command(
    preview: Path,
    post: str | None,
    pull_request: int | None,
    stack: str,
    golden: tuple[Path, ...],
    report: str,
    *,
    as_json: bool,
) -> None:
    """Write a preview as Markdown for a pull request.

    PREVIEW is a file with what `pulumi preview --json` printed, or an event log of the engine; standard input without.
    With --post the comment of before is changed in place: there is one for each stack.
    """
    # here and not above: HTTP is slow to load
    from ..review.golden import read_check
    from ..review.markdown import comment_of, marker_of
    from ..review.posting import GITHUB_LIMIT, service_of
    from ..review.preview import read_preview

    if report and not report.startswith(("https://", "http://")):
        raise UserError(f'--report is "{report}", which is no address', "give one that begins with https://")
    # before the preview is read: what is missing in the environment is missing every time
    service = service_of(post, os.environ, pull_request) if post else None
    read = read_preview(*_text(preview))
    checks = [read_check(*_text(path)) for path in golden]
    limit = service.limit if service else GITHUB_LIMIT
    text = comment_of(read, limit, stack=stack, report=report, golden=checks)
    facts = {
        "stack": stack or read.stack,
        "failed": bool(read.errors),
        "changes": [{"op": one.op, "urn": one.urn} for one in read.changes],
        "comment": text,
    }
    if service is None:
        answer(facts, [text.rstrip("\n")], as_json=as_json)
        return
    try:
        where = service.put(marker_of(stack or read.stack), text)
    except UserError:
        # who may not comment (a fork) still has it, in the log of the run
        if not as_json:
            say(text)
        raise
    answer({**facts, "url": where}, [where], as_json=as_json)


def _text(path: Path) -> tuple[str, str]:
    """Return the text and its name in messages."""
    if str(path) == "-":
        if sys.stdin.isatty():
            raise UserError("no preview was given", "name a file, or pipe: pulumi preview --json | aciml comment")
        return sys.stdin.buffer.read().decode(errors="replace"), "standard input"
    try:
        return path.read_bytes().decode(errors="replace"), str(path)
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "name what the command before it wrote") from error
