"""The build context as values: which files it has, which of them the steps use, and their hash.

Source: Dockerfile reference, ".dockerignore file" and "COPY"; the matching of patterns follows moby/patternmatcher.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .image import canonical_json
from .lean import lean
from .steps import Step

# Dockerfile reference, "ADD": addresses and repositories, which the builder fetches; they are no files of the context
_REMOTE = re.compile(r"(https?|ftp|git|ssh)://|git@", re.IGNORECASE)


_HOPS = 40  # links on one path, as Linux has it (path_resolution(7))
_TOKEN = re.compile(
    r"(?P<any>\*\*/?)|(?P<star>\*)|(?P<one>\?)|(?P<set>\[[^\]]+\])|\\(?P<escaped>.)|(?P<plain>.)", re.DOTALL
)


@dataclass(frozen=True)
class ContextFile:
    """A file as the key sees it. ``content`` is the SHA-256 of the bytes (hex), or empty for a symlink to ``link``."""

    path: str
    executable: bool
    content: str
    link: str = ""


@lean(frozen=True)
class CopySources:
    """What one COPY or ADD reads.

    ``paths`` are relative to the context; ``certain`` is False where a variable hides some of them. ``leaving`` are
    paths that climb out of the context, as they were written.
    """

    paths: tuple[str, ...] = ()
    leaving: tuple[str, ...] = ()
    certain: bool = True


def hash_context(files: Iterable[ContextFile]) -> str:
    """Return a SHA-256 (hex) over path, executable bit and content or symlink target; order does not matter."""
    # of the mode only the executable bit: a umask or a checkout on
    # Windows must not make another key (decisions/extra-steps.md)
    rows = sorted([file.path, file.executable, file.link, file.content] for file in files)
    return hashlib.sha256(canonical_json(rows)).hexdigest()


def context_sources(step: Step) -> CopySources | None:
    """Return what a step takes from the context; None if it takes nothing (RUN, a URL, another stage, a heredoc)."""
    if step.instruction not in {"COPY", "ADD"} or step.heredoc:
        return None
    flags, words = split_copy(step.arguments)
    if "from" in flags:
        return None
    found = [word for word in words[:-1] if not _REMOTE.match(word)]
    if not found:
        return None
    plain = [word for word in found if "$" not in word]
    # Dockerfile reference, "COPY": a leading slash is the context's root, not the machine's
    normal = [(word, posixpath.normpath(word.lstrip("/") or ".")) for word in plain]
    return CopySources(
        paths=tuple(path for _, path in normal if not _climbs(path)),
        leaving=tuple(word for word, path in normal if _climbs(path)),
        certain=len(plain) == len(found),
    )


def split_copy(arguments: str) -> tuple[dict[str, str], list[str]]:
    """Split the arguments of COPY or ADD into flags (``chown`` -> ``1000``) and words; the last word is the target."""
    flags: dict[str, str] = {}
    rest = arguments.strip()
    while match := re.match(r"--([A-Za-z-]+)(?:=(\S*))?\s+", rest):
        flags[match[1].lower()] = match[2] or ""
        rest = rest[match.end() :]
    # Dockerfile reference, "COPY": the JSON form is for paths with blanks
    if rest.startswith("["):
        try:
            words = json.loads(rest)
            return flags, [str(word) for word in words]
        except ValueError:
            pass  # Docker too reads broken JSON as plain words
    try:
        return flags, shlex.split(rest)
    except ValueError:
        return flags, rest.split()


def uses_context(steps: Iterable[Step]) -> bool:
    """Tell whether any step reads the context folder."""
    return any(context_sources(step) is not None for step in steps)


def named_by(steps: Iterable[Step]) -> frozenset[str]:
    """Return the files and folders that steps copy by their own names; a wildcard names nothing."""
    sources = (context_sources(step) for step in steps)
    return frozenset(path for one in sources if one for path in one.paths if not any(sign in path for sign in "*?["))


def select_used(steps: Sequence[Step], paths: Iterable[str]) -> frozenset[str]:
    """Return the paths that the steps can read: the others are neither hashed nor sent to the engine.

    Args:
        steps: of a Dockerfile.
        paths: of the context; as a mapping it says where links lead, see ``matching``.
    """
    files = _links_of(paths)
    used: set[str] = set()
    for step in steps:
        sources = context_sources(step)
        if sources is None:
            continue
        # a variable may name any file: one too many in the key builds once too often, one too few not at all
        if not sources.certain:
            return frozenset(files)
        used.update(*(matching(source, files) for source in sources.paths))
    return frozenset(used)


def matching(source: str, paths: Iterable[str]) -> frozenset[str]:
    """Return the paths that a COPY of ``source`` (a file, a folder or a wildcard) reads; nothing if it would fail.

    The builder follows a link that is named, inside the context as if that were the whole disk, and leaves links as
    they are that lie in a folder (tried with the engine's classic builder).

    Args:
        source: as ``context_sources`` returns it.
        paths: of the context; as a mapping by path the target of a link, empty for a file.
    """
    files = _links_of(paths)
    if source == ".":
        return frozenset(files)
    if any(sign in source for sign in "*?["):
        # Generous on purpose: "*" also crosses "/", so that nothing Docker would take is left out.
        found = {path for path in files if _fits_or_parent(path, source)}
        return frozenset(found.union(*(_read(path, files) for path in found if files[path])))
    return _read(source, files)


def dangling(source: str, paths: Iterable[str]) -> list[str]:
    """Say of each link that a COPY of ``source`` names and cannot follow where it leads; sorted."""
    files, is_wild = _links_of(paths), any(sign in source for sign in "*?[")
    named = [path for path in files if path == source or (is_wild and fnmatch.fnmatchcase(path, source))]
    return [
        f'"{path}" is a link to "{files[path]}", which is not in the context, so that the build finds no such file'
        for path in sorted(named)
        if files[path] and not _read(path, files)
    ]


def _links_of(paths: Iterable[str]) -> Mapping[str, str]:
    return paths if isinstance(paths, Mapping) else dict.fromkeys(paths, "")


def _read(source: str, files: Mapping[str, str]) -> frozenset[str]:
    """Return what is at a path or below it, and the links on the way there; nothing if nothing is there."""
    real, way = _follow(source, files)
    found = {path for path in files if real in ("", path) or path.startswith(f"{real}/")} if real is not None else ()
    return frozenset({*found, *way}) if found else frozenset()


def _follow(path: str, files: Mapping[str, str]) -> tuple[str | None, list[str]]:
    """Return the path after all links, and these; None if they go in circles."""
    real, way, todo = list[str](), list[str](), path.split("/")[::-1]
    while todo:
        part = todo.pop()
        if part == "..":
            del real[-1:]  # above the root there is the root (path_resolution(7))
        elif part not in ("", "."):
            real.append(part)
        target = files.get("/".join(real), "") if real else ""
        if target:
            way.append("/".join(real))
            if len(way) > _HOPS:
                return None, way
            real = [] if target.startswith("/") else real[:-1]
            todo += target.split("/")[::-1]
    return "/".join(real), way


def _fits_or_parent(path: str, wildcard: str) -> bool:
    # in Go's patterns a backslash quotes the next sign (filepath.Match); fnmatch knows no such thing
    plain = wildcard.replace("\\", "")
    return any(fnmatch.fnmatchcase(part, wildcard) or part == plain for part in (path, *parents(path)))


def _climbs(path: str) -> bool:
    return path == ".." or path.startswith("../")


def parents(path: str) -> list[str]:
    """Return the folders above a relative path, outermost first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) for count in range(1, len(parts))]


def dockerignore(text: str) -> tuple[Callable[[str], bool], bool]:
    """Read a ``.dockerignore`` file.

    Returns:
        A function that tells whether a relative path is ignored, and whether any rule brings paths back (``!``): if
        none does, an ignored folder need not be looked into.
    """
    # not `exclude_paths` of the docker package: it always brings Dockerfile back, and
    # looks at one parent folder only, which is wrong for ** (decisions/extra-steps.md)
    rules: list[tuple[bool, re.Pattern[str]]] = []
    for line in text.removeprefix("\ufeff").splitlines():
        said = line.strip()
        # a comment is told by the very first sign of a line, before blanks are cut (moby/patternmatcher, ignorefile)
        if not said or line.startswith("#"):
            continue
        back = said.startswith("!")
        # Docker cleans patterns by Go's filepath.Clean: a slash in front and ./ say nothing
        clean = posixpath.normpath(said.removeprefix("!").strip()).lstrip("/")
        if clean not in {"", "."}:
            rules.append((back, pattern(clean)))

    def ignored(path: str) -> bool:
        family = (path, *parents(path))
        verdict = False
        for back, rule in rules:
            # the last rule that fits decides, and one that fits a folder fits all in it (moby/patternmatcher)
            if verdict is back and any(rule.fullmatch(member) for member in family):
                verdict = not back
        return verdict

    return ignored, any(back for back, _ in rules)


def pattern(text: str) -> re.Pattern[str]:
    """Turn a Go file pattern with ``**`` into a regular expression."""

    def part(match: re.Match[str]) -> str:
        if match["any"]:
            # ** stands for any number of folders, none among them
            return ".*" if match.end() == len(text) else "(?:.*/)?"
        # filepath.Match: neither * nor ? goes over a slash
        if match["star"]:
            return "[^/]*"
        if match["one"]:
            return "[^/]"
        if match["set"]:
            return match["set"].replace("\\", "\\\\")
        return re.escape(match["escaped"] or match["plain"])

    return re.compile(_TOKEN.sub(part, text))


@dataclass(frozen=True)
class FileEntry:
    """A file or symlink. ``path`` is relative, with ``/``; ``size`` in bytes; ``link`` is a symlink's target."""

    path: str
    source: Path
    executable: bool
    size: int
    link: str = ""
