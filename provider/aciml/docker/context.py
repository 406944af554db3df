"""Folders of the user, walked with their ignore files; what is found is sorted, and no time or umask is looked at."""

from __future__ import annotations

import functools
import hashlib
import math
import os
import stat
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ..core import context as rules
from ..core.context import FileEntry
from ..core.encoding import decoded
from ..core.errors import UserError
from ..core.lean import lean
from ..core.steps import Step
from ..core.unwanted import ENVIRONMENTS, PARTS, allowed, secret_in_content, secret_in_name, unwanted

Ignored = Callable[[str], bool]
DOCKER = ".dockerignore"


def walk(
    folder: Path,
    ignore_files: Sequence[str] = (DOCKER,),
    named: Collection[str] = (),
    out: list[LeftOut] | None = None,
) -> list[FileEntry]:
    """Return the files and symlinks below a folder, sorted by path, without what an ignore file names.

    ``.dockerignore`` is read as Docker reads it, any other ignore file as git reads ``.gitignore``. Symlinks are not
    followed; empty folders, sockets and devices are left out, and so is what never enters an image (``unwanted``).

    Args:
        folder: where to look.
        ignore_files: names of its ignore files.
        named: paths that a step copies by name; what never enters comes if it is one of them, or has one inside.
        out: gets what was left out as unwanted.

    Raises:
        UserError: the folder, a file's name or an ignore file cannot be read.
    """
    walked = _Walk(_rules_of(folder, ignore_files), [one.rstrip("/") for one in named], [] if out is None else out)
    return sorted(walked.below(folder, ""), key=lambda entry: entry.path.encode())


def left_out(folder: Path, ignore_files: Sequence[str] = (DOCKER,)) -> Ignored:
    """Return what tells whether ``walk`` leaves a file out, by its path relative to the folder; it need not exist.

    Raises:
        UserError: an ignore file cannot be read.
    """
    rejections = _rules_of(folder, ignore_files)

    # git names each file of an environment, and most of them lie in one folder
    is_unwanted = functools.cache(lambda path: _is_unwanted(folder, path))

    def is_left_out(path: str) -> bool:
        clean = PurePosixPath(path.rstrip("/"))
        family = [*reversed(clean.parents), clean][1:]
        if any(map(is_unwanted, family)):
            return True
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


@lean(frozen=True)
class SecretFile:
    """A file that has a secret: path relative to its folder, and what it has."""

    path: str
    what: str


_LOOKED_AT = 1 << 20  # bytes of a file that are looked at: keys and credentials are small, and so are their files


def secret_files(
    folder: Path, entries: Iterable[FileEntry], ignore_files: Sequence[str] = (DOCKER,), read_below: float = math.inf
) -> list[SecretFile]:
    """Return which of the files have secrets, without those that an ignore file lets in by name.

    Args:
        folder: that the files are of, with its ignore files.
        entries: the files.
        ignore_files: names of ignore files.
        read_below: bytes; of a file that has as many or more the name alone is judged.

    Raises:
        UserError: a file cannot be read.
    """
    texts = {
        name: decoded((folder / name).read_bytes(), str(folder / name))
        for name in ignore_files
        if (folder / name).is_file()
    }
    lets_in = [allowed(text, as_git=name != DOCKER) for name, text in texts.items()]
    found = ((entry.path, _secret_of(entry, read_below)) for entry in entries)
    return [SecretFile(path, what) for path, what in found if what and not any(rule(path) for rule in lets_in)]


def _secret_of(entry: FileEntry, read_below: float) -> str:
    # by both names: a link may call a file otherwise
    named = secret_in_name(entry.path) or secret_in_name(entry.source.as_posix())
    if named or entry.link or entry.size >= read_below:
        return named
    try:
        with entry.source.open("rb") as stream:
            return secret_in_content(entry.path, stream.read(_LOOKED_AT))
    except OSError as error:
        raise UserError(f"{entry.source} cannot be read: {error.strerror}", "mend it or ignore the file") from error


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
        text = decoded(path.read_bytes(), str(path))
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}", "mend that") from error
    if path.name == DOCKER:
        return _Rules(*rules.dockerignore(text))
    # here: most folders have no .gitignore
    from pathspec import GitIgnoreSpec

    try:
        spec = GitIgnoreSpec.from_lines(text.splitlines())
    except ValueError as error:
        raise UserError(f"{path}: {error}", "write patterns as in .gitignore") from error
    return _Rules(spec.match_file, brings_back=False)


@dataclass(frozen=True)
class LeftOut:
    """A file or folder that never enters an image, by its path relative to the folder that was walked."""

    path: str
    what: str


@dataclass(frozen=True)
class _Walk:
    """One look through a folder: ``named`` are paths that are wanted by name, ``out`` gets what is unwanted."""

    rejections: Sequence[_Rules]
    named: Sequence[str]
    out: list[LeftOut]

    def below(self, folder: Path, above: str) -> Iterator[FileEntry]:
        """Yield the files below a folder whose path begins with ``above``."""
        try:
            # a file system gives names in an order of its own
            found = sorted(os.scandir(folder), key=lambda item: item.name)
        except OSError as error:
            raise UserError(
                f"{folder} cannot be read: {error.strerror}", "check its name and its permissions"
            ) from error
        names = frozenset(item.name for item in found)
        for item in found:
            path = above + _checked(item.name, folder)
            if item.is_dir(follow_symlinks=False):
                closed = any(_closes(rule, path) for rule in self.rejections)
                if not closed and self._enters(path, Path(item.path), names, is_folder=True):
                    yield from self.below(Path(item.path), path + "/")
                continue
            ignored = any(rule.ignored(path) for rule in self.rejections)
            if not ignored and self._enters(path, Path(item.path), names, is_folder=False):
                yield from _entry(item, path)

    def _enters(self, path: str, place: Path, beside: frozenset[str], *, is_folder: bool) -> bool:
        may_be = is_folder or place.is_symlink() or place.name in ENVIRONMENTS
        what = unwanted(place.name, beside) or (_environment(path, place, beside) if may_be else "")
        if what and not any(_lies_in(one, path) for one in self.named):
            self.out.append(LeftOut(path, what))
            return False
        return True


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder}/")


def _environment(path: str, place: Path, beside: Collection[str]) -> str:
    """Say what kind of an environment a folder is, or is a part of; empty if it is none."""
    for mark, kind in ENVIRONMENTS.items():
        # a project that is an environment itself keeps what is not of it
        own = "/" not in path and mark in beside and place.name in PARTS and _is_of_environment(place)
        if own or (place / mark).exists():
            return kind
    return ""


def _is_of_environment(place: Path) -> bool:
    """Tell whether a folder at the top of an environment is what Python or conda made there."""
    if place.name in ENVIRONMENTS or place.is_symlink():
        return True
    made = ("activate", "activate.bat", "python", "python.exe", "site-packages", "python3*")
    return place.name.lower() == "include" or any(True for name in made for _ in place.glob(name))


def _is_unwanted(folder: Path, path: PurePosixPath) -> bool:
    # what is beside it matters for two kinds alone: not every file of a large folder has to look at all others
    matters = len(path.parts) == 1 or path.suffix in (".pyc", ".pyo")
    place, beside = folder / path, _names(folder / path.parent) if matters else frozenset[str]()
    return bool(unwanted(path.name, beside) or _environment(str(path), place, beside))


def _names(folder: Path) -> frozenset[str]:
    return frozenset(os.listdir(folder)) if folder.is_dir() else frozenset()  # noqa: PTH208  (names, not paths)


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
