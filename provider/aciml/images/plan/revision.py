"""Which commit of the user's git a service's files are of: asked of the program ``git``, which may not be there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from ...core.compose import Model
from ...core.errors import UserError
from ...core.labels import Commit, web_url
from ...docker.context import left_out
from .contents import IGNORE_FILES, model_tree, source_tree

_PATIENCE = 60.0  # seconds; a bound for a network drive that hangs
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",  # status writes no index then, and so runs no hook
    "GIT_ALLOW_PROTOCOL": "none",  # a partial clone would fetch what it lacks
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_LITERAL_PATHSPECS": "1",
    "LC_ALL": "C",
}
_ELSEWHERE = ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE")
"""What git sets for its hooks: it would answer for another repository than the source's."""

_OPTIONS = ("--no-pager", "-c", "core.fsmonitor=false")  # the option names a program, or starts a daemon that stays
_STATUS = (
    "status",
    "--porcelain=v1",
    "-z",
    "--untracked-files=all",
    # an ignored file in the image is in no commit: the revision alone does not give the image (decisions/labels.md)
    "--ignored=traditional",
    # with -z an entry of a rename has a second path, which would be taken for an entry
    "--no-renames",
    "--ignore-submodules=none",
)


def commit_of(source: Path, models: Iterable[Path]) -> Commit | None:
    """Return the commit that is checked out where the source lies; None if there is no git, repository or commit.

    A file that goes into the image and is not as in the commit makes the revision ``-dirty``, also one that git
    ignores: without it nobody can make the image again. Models outside of the repository are not judged. Nothing is
    raised, written, fetched or asked; a repository that git does not trust (``safe.directory``) is none.

    Args:
        source: the scoring source; what its ignore files name is not in the image and does not count.
        models: file or folder of each model.
    """
    try:
        top = Path(_git(source, "rev-parse", "--show-toplevel").removesuffix("\n"))
        seconds, revision = _git(source, "rev-list", "--max-count=1", "--timestamp", "HEAD").split()
        is_dirty = any(_differing(top, source, models))
        created = datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OSError, ValueError, OverflowError, UserError, subprocess.SubprocessError):
        return None
    return Commit(f"{revision}-dirty" if is_dirty else revision, created, _remote(source))


def _differing(top: Path, source: Path, models: Iterable[Path]) -> Iterator[str]:
    """Yield the files of the image that are not as in the commit, relative to ``top``."""
    folder, ignored = _below(top, source), left_out(source, IGNORE_FILES)
    for path in _changed(top, [folder]):
        inside = path if folder == "." else path.removeprefix(f"{folder}/")
        if not ignored(inside):
            yield path
    given = list(models)
    places = [_below(top, model) for model in given]
    # what links lead to goes into the image: it counts where it lies, and of the source it has to be in the repository
    led = source_tree(source).led_to(source)
    places += [_below(top, path) for path in led]
    places += [_below(top, path) for model in given for path in model_tree(Model(model.name, "1"), model).led_to(model)]
    yield from (str(path) for path in led if not _below(top, path))
    yield from _changed(top, [place for place in places if place])


def _below(top: Path, path: Path) -> str:
    """Return the path relative to ``top``, with ``/``; empty if it is not below. A file may be a link, which stays."""
    real = path.resolve() if path.is_dir() else path.parent.resolve() / path.name
    try:
        return real.relative_to(top.resolve()).as_posix()
    except ValueError:
        return ""


def _changed(top: Path, places: Sequence[str]) -> list[str]:
    if not places:
        return []
    return [entry[3:] for entry in _git(top, *_STATUS, "--", *places).split("\0") if entry]


def _remote(folder: Path) -> str:
    """Return the URL of origin as it is written: what ``insteadOf`` makes of it is this machine's affair."""
    try:
        return web_url(_git(folder, "config", "--get", "remote.origin.url"))
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""


def _git(folder: Path, *words: str) -> str:
    """Return what git says.

    Raises:
        OSError: there is no git.
        subprocess.SubprocessError: it fails, or does not end.
    """
    environ = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE}
    done = subprocess.run(
        # the program and no library: those read trust, filters and
        # configuration in ways of their own (decisions/labels.md)
        ["git", *_OPTIONS, *words],
        cwd=folder,
        env=environ | _QUIET,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        timeout=_PATIENCE,
        check=True,
    )
    # names of files are bytes, and not all of them are UTF-8
    return done.stdout.decode("utf-8", "surrogateescape")
