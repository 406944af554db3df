"""Folders of the user, walked with their ignore files; what is found is sorted, and no time or umask is looked at."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pathspec import GitIgnoreSpec

from ..core import context as rules
from ..core.context import FileEntry
from ..core.errors import UserError
from ..core.steps import Step

Ignored = Callable[[str], bool]
_DOCKER = ".dockerignore"


def walk(folder: Path, ignore_files: Sequence[str] = (_DOCKER,)) -> list[FileEntry]:
    """Return the files and symlinks below a folder, sorted by path, without what an ignore file names.

    ``.dockerignore`` is read as Docker reads it, any other ignore file as git reads ``.gitignore``. Symlinks are not
    followed; empty folders, sockets and devices are left out.

    Raises:
        UserError: the folder, a file's name or an ignore file cannot be read.
    """
    return sorted(_walk(folder, "", _rules_of(folder, ignore_files)), key=lambda entry: entry.path.encode())


def left_out(folder: Path, ignore_files: Sequence[str] = (_DOCKER,)) -> Ignored:
    """Return what tells whether ``walk`` leaves a file out, by its path relative to the folder; it need not exist.

    Raises:
        UserError: an ignore file cannot be read.
    """
    rejections = _rules_of(folder, ignore_files)

    def is_left_out(path: str) -> bool:
        above = [str(parent) for parent in PurePosixPath(path).parents][:-1]
        # a folder is closed by a rule for itself, too
        above += [path.rstrip("/")] * (folder / path).is_dir()
        closed = any(_closes(rule, parent) for parent in above for rule in rejections)
        return closed or any(rule.ignored(path) for rule in rejections)

    return is_left_out


def _rules_of(folder: Path, ignore_files: Sequence[str]) -> list[_Rules]:
    return [_read_rules(folder / name) for name in ignore_files if (folder / name).is_file()]


def select_used(steps: Sequence[Step], entries: Iterable[FileEntry]) -> list[FileEntry]:
    """Return the files that the steps can COPY or ADD; the others count neither for the key nor for the build."""
    known = list(entries)
    used = rules.select_used(steps, {entry.path: entry.link for entry in known})
    return [entry for entry in known if entry.path in used]


def hash_context(entries: Iterable[FileEntry]) -> str:
    """Return the hash (hex) of files by path, executable bit and content.

    Raises:
        UserError: a file cannot be read.
    """
    return rules.hash_context(_facts(entry) for entry in entries)


def context_hash(steps: Sequence[Step], entries: Iterable[FileEntry]) -> str:
    """Return the hash of those files that the steps use; empty if no step reads the context."""
    return hash_context(select_used(steps, entries)) if rules.uses_context(steps) else ""


def _facts(entry: FileEntry) -> rules.ContextFile:
    if entry.link:
        return rules.ContextFile(entry.path, executable=False, content="", link=entry.link)
    try:
        with entry.source.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UserError(f"{entry.source} cannot be read: {error.strerror}", "mend it or ignore the file") from error
    return rules.ContextFile(entry.path, entry.executable, content)


@dataclass(frozen=True)
class _Rules:
    """``ignored`` is asked for files and folders; an ignored folder is entered only if ``brings_back``."""

    ignored: Ignored
    brings_back: bool


def _read_rules(path: Path) -> _Rules:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} cannot be read: {error}", "write it as plain text in UTF-8") from error
    if path.name == _DOCKER:
        return _Rules(*rules.dockerignore(text))
    try:
        spec = GitIgnoreSpec.from_lines(text.splitlines())
    except ValueError as error:
        raise UserError(f"{path}: {error}", "write patterns as in .gitignore") from error
    return _Rules(spec.match_file, brings_back=False)


def _walk(folder: Path, above: str, rejections: Sequence[_Rules]) -> Iterator[FileEntry]:
    try:
        # a file system gives names in an order of its own
        found = sorted(os.scandir(folder), key=lambda item: item.name)
    except OSError as error:
        raise UserError(f"{folder} cannot be read: {error.strerror}", "check its name and its permissions") from error
    for item in found:
        path = above + _checked(item.name, folder)
        if item.is_dir(follow_symlinks=False):
            if not any(_closes(rule, path) for rule in rejections):
                yield from _walk(Path(item.path), path + "/", rejections)
        elif not any(rule.ignored(path) for rule in rejections):
            yield from _entry(item, path)


def _closes(rule: _Rules, folder: str) -> bool:
    """Tell whether nothing below the folder can come back."""
    # asked both ways: git tells folders by a slash (gitignore, "Pattern format"), Docker does not
    return not rule.brings_back and (rule.ignored(folder) or rule.ignored(folder + "/"))


def _entry(item: os.DirEntry[str], path: str) -> Iterator[FileEntry]:
    facts = item.stat(follow_symlinks=False)
    if stat.S_ISLNK(facts.st_mode):
        target = os.readlink(item.path)  # noqa: PTH115  # Path would rewrite the text of the link
        yield FileEntry(path, Path(item.path), executable=False, size=0, link=_checked(target, Path(item.path)))
    elif stat.S_ISREG(facts.st_mode):
        # one bit, as in git: the others come from the umask of whoever has checked it out
        yield FileEntry(path, Path(item.path), bool(facts.st_mode & stat.S_IXUSR), facts.st_size)


def _checked(name: str, where: Path) -> str:
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{where}: the name {name!r} is not UTF-8", "rename the file, or ignore its folder") from error
    return name
