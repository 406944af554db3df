"""Fetch one commit of a Git repository, by the program git: it alone knows the user's keys, helpers and hosts."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from ..core.errors import OutageError, UserError
from ..core.progress import Progress
from ..settings import Settings
from .lines import without_account
from .source import Source
from .uv import last_said, wait_for

# their versions come from tags, which a fetch of one commit leaves out
_BY_TAGS = re.compile(
    r"setuptools[_-]scm|hatch-vcs|versioneer|\bpbr\b|dunamai|dynamic-versioning|flit[_-]scm|setuptools-git"
)


def checked_out(
    url: str, source: Source, into: Path, shown: str, settings: Settings, progress: Progress
) -> tuple[Path, str]:
    """Put the files of a commit into a folder that is new, and return the folder and the commit.

    Args:
        url: with its account.
        source: for the ref, and the folder that is going to be built.
        into: the folder.
        shown: what messages begin with.
        settings: for the certificate bundle.
        progress: asked whether to stop.

    Raises:
        UserError: there is no such repository or ref, or it wants an account.
        OutageError: its host does not answer.
    """
    into.mkdir()
    git = _Git(into, progress, settings)
    git.run("init", "--quiet")
    wanted = source.ref or "HEAD"
    said = git.tried("fetch", "--quiet", "--depth", "1", url, wanted)
    # a short commit, or a server that gives no commit by its name: all of it, then (git-fetch, "refspec")
    if said and _is_no_ref(said) and source.ref:
        said = git.tried("fetch", "--quiet", "--tags", url, "+refs/heads/*:refs/remotes/origin/*")
        found = git.said("rev-parse", "--verify", "--quiet", f"{source.ref}^{{commit}}")
        if not said and not found:
            raise UserError(
                f"{shown}: it has no branch, tag or commit {source.ref}", "write one that it has behind the @"
            )
        wanted = found
    elif not said:
        wanted = "FETCH_HEAD"
    if said:
        raise _not_given(shown, without_account(said), url)
    git.run("checkout", "--quiet", "--detach", wanted)
    commit = git.said("rev-parse", "HEAD")
    if any(_BY_TAGS.search(_text(into / source.folder / name)) for name in ("pyproject.toml", "setup.py", "setup.cfg")):
        git.tried("fetch", "--quiet", "--tags", "--unshallow", url)
    if (into / ".gitmodules").is_file():
        git.run("submodule", "--quiet", "update", "--init", "--recursive", "--depth", "1")
    return into, commit


class _Git:
    """The program git in one folder; it asks nobody anything."""

    def __init__(self, folder: Path, progress: Progress, settings: Settings) -> None:
        found = shutil.which("git")
        if not found:
            why = "pip: a line names a git repository, and there is no git on this machine"
            raise UserError(why, "install git, or name an archive of it or a wheel")
        bundle = {"GIT_SSL_CAINFO": str(settings.ca_bundle)} if settings.ca_bundle else {}
        # a question for a password would hang where nobody sits; keys and helpers of the user count
        quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "true", "LC_ALL": "C"}
        ssh = {} if os.environ.get("GIT_SSH_COMMAND") else {"GIT_SSH_COMMAND": "ssh -o BatchMode=yes"}
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX"))
        }
        self._command = [found, "-c", "protocol.file.allow=always", "-c", "core.autocrlf=false"]
        self._env, self._folder, self._progress = {**kept, **bundle, **quiet, **ssh}, folder, progress

    def tried(self, *arguments: str) -> str:
        """Run it; return why it failed, empty if it did not."""
        code, said = wait_for([*self._command, *arguments], folder=self._folder, env=self._env, progress=self._progress)
        return (said or f"git ended with {code}") if code else ""

    def run(self, *arguments: str) -> None:
        if said := self.tried(*arguments):
            raise UserError(
                f"pip: git {arguments[0]} failed: {without_account(last_said(said))}", "look at the repository"
            )

    def said(self, *arguments: str) -> str:
        return subprocess.run(  # of our own words
            [*self._command, *arguments], cwd=self._folder, env=self._env, capture_output=True, text=True, check=False
        ).stdout.strip()


def _is_no_ref(said: str) -> bool:
    return bool(
        re.search(r"couldn't find remote ref|not our ref|unadvertised object|no such remote ref", said, re.IGNORECASE)
    )


_SILENT = re.compile(
    r"could not resolve host|timed out|connection refused|failed to connect|unreachable|early eof|hung up|HTTP 5\d\d",
    re.IGNORECASE,
)


def _not_given(shown: str, said: str, url: str) -> UserError | OutageError:
    why = last_said(said)
    if _SILENT.search(said):
        return OutageError(f"{shown}: its host does not answer: {why}", "look at the network, then try again")
    if re.search(
        r"authentication|could not read (?:username|password)|permission denied|terminal prompts", said, re.IGNORECASE
    ):
        how = (
            "a key that ssh has"
            if url.startswith("ssh")
            else "a credential helper of git, ~/.netrc, or ${TOKEN}@ in the URL"
        )
        return UserError(f"{shown}: it is not there, or wants an account: {why}", f"look at the URL, and give {how}")
    return UserError(f"{shown}: git does not get it: {why}", "look at the URL and at what follows the @")


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
