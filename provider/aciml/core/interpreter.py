"""The Python that an image brings itself: found in the names of its files, its links followed, its version read.

Nothing is run and nothing is pulled: a layer is read once, and what is kept of it are the names that matter here.
Sources: OCI image-spec 1.1, layer.md ("Whiteouts": how an upper layer takes away what a lower one has); PEP 405
(pyvenv.cfg stands beside the folder that has a venv's interpreter); the README of pyenv (its shims, and ``version``).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, field
from posixpath import basename, dirname, join, normpath

from .lean import lean

OLDEST = (3, 8)
"""The oldest Python that the scoring server runs on; see ``server``."""
OLDEST_PYTHON = ".".join(map(str, OLDEST))

WHY_OLDEST = "its loop, uvloop 0.19, has no files for 3.7 and older, and its own code speaks 3.8"
"""Why it is the oldest. Source: Requires-Python of uvloop on PyPI; ``server/requirements.txt`` asks for it."""

NAMES = ("python3", "python")
"""How interpreters are called, the likelier first: on old systems ``python`` is Python 2."""

# an image that sets no PATH gets this one (moby, DefaultPathEnv)
USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

USUAL_FOLDERS = (
    "/opt/conda/bin", "/opt/miniconda/bin", "/opt/miniconda3/bin", "/opt/miniforge3/bin", "/opt/anaconda3/bin",
    "/opt/venv/bin", "/venv/bin", "/app/.venv/bin", "/app/venv/bin", "/root/.pyenv/shims", "/opt/pyenv/shims",
)  # fmt: skip
"""Where people put one that is in no PATH, the likelier first."""

_HOMES = (("VIRTUAL_ENV", "bin"), ("CONDA_PREFIX", "bin"), ("CONDA_DIR", "bin"), ("PYENV_ROOT", "shims"))
"""Variables of an image that name the folder of a Python, and what is below it."""

_ASKED = re.compile(r"\s*python\s*(?P<rest>[\s=<>~!].*)?", re.IGNORECASE)
_BOUND = re.compile(r"(?P<sign>==?|<=|<|~=)?\s*(?P<major>\d+)(?:\.(?P<minor>\d+))?(?P<more>[.\d]*)")

_MOST_LINKS = 40  # path_resolution(7): more are a loop
_PROGRAM = re.compile(r"(python|pypy)(\d+)?(?:\.(\d+))?(t)?")
_LIBRARY = re.compile(r"(.*/)?lib(?:64)?/(python|pypy)(\d+)\.(\d+)(t?)/os\.py[co]?")
_SAID = re.compile(r"^\s*version(?:_info)?\s*=\s*(\d+)\.(\d+)", re.MULTILINE)
_DEEPEST_LINK = 4  # parts of a path: links of folders and programs are near the root, those of libraries are not
_FOLDERS_OF_PROGRAMS = ("bin", "sbin", "shims")
_DULL = ("usr/share/", "usr/include/", "etc/ssl/", "proc/", "sys/", "dev/", "var/lib/")
_TEXTS = ("pyvenv.cfg",)
_LIBC = re.compile(r"(?:usr/)?lib(?:64|32)?/(?:x86_64-linux-gnu/)?libc-(\d+\.\d+)\.so")
_MUSL = re.compile(r"(?:usr/)?lib/ld-musl-[^/]+")
LDD = "usr/bin/ldd"
_LDD_VERSION = re.compile(r"ldd \([^)\n]*\) (\d+\.\d+)")
# musllinux wheels are made for 1.2 (PEP 656), which Alpine has since 3.13 of 2021
MUSL = "musl 1.2"
"""What stands for the C library of an image that has musl."""


@lean(frozen=True)
class Listing:
    """What matters of one layer, or of an image: paths without a leading slash.

    ``programs`` are files that may be run; ``links`` have their targets by path; ``libraries`` are the files by which a
    Python's own library is known; ``texts`` are small files with what is in them; ``gone`` are the marks of removal;
    ``libc`` is ``2.36`` or ``musl 1.2``, empty if it is not here.
    """

    programs: tuple[str, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)
    libraries: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    gone: tuple[str, ...] = ()
    libc: str = ""

    def to_json(self) -> str:
        """Write it; equal listings have equal texts."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def of_json(cls, text: str) -> Listing:
        """Read what ``to_json`` wrote."""
        told = json.loads(text)
        lists = {name: tuple(told[name]) for name in ("programs", "libraries", "gone")}
        return cls(**lists, links=told["links"], texts=told["texts"], libc=told["libc"])


def wants_program(path: str) -> bool:
    """Tell whether a file that may be run can be an interpreter: by its folder, or by its name."""
    return basename(dirname(path)) in _FOLDERS_OF_PROGRAMS or bool(_PROGRAM.fullmatch(basename(path)))


def wants_link(path: str) -> bool:
    """Tell whether a link may be on the way to an interpreter."""
    if ".so" in basename(path) or path.startswith(_DULL):
        return False
    return path.count("/") < _DEEPEST_LINK or wants_program(path)


def wants_library(path: str) -> bool:
    """Tell whether a file is the one by which a Python's library is known."""
    return bool(_LIBRARY.fullmatch(path))


def wants_text(path: str) -> bool:
    """Tell whether what is in a file matters."""
    return basename(path) in _TEXTS or path == LDD or path.endswith("pyenv/version")


def libc_of(path: str, text: str = "", target: str = "") -> str:
    """Return the C library that a file, or a link by its target, tells of; empty for nearly all files."""
    if _MUSL.fullmatch(path):
        return MUSL
    if path == LDD and (said := _LDD_VERSION.search(text)):
        return said[1]
    # up to glibc 2.33 its file has the version, and libc.so.6 leads there
    found = _LIBC.fullmatch(path) or _LIBC.fullmatch(f"lib/{basename(target)}")
    return found[1] if found else ""


def merged(layers: Iterable[Listing]) -> Listing:
    """Return what an image has whose layers, lowest first, are these."""
    programs, libraries = dict[str, None](), dict[str, None]()
    links, texts, libc = dict[str, str](), dict[str, str](), ""
    for layer in layers:
        for mark in layer.gone:
            for kept in (programs, libraries, links, texts):
                _remove(kept, mark)
        for path in layer.links:
            programs.pop(path, None)
        for path in layer.programs:
            links.pop(path, None)
        programs |= dict.fromkeys(layer.programs)
        libraries |= dict.fromkeys(layer.libraries)
        links |= layer.links
        texts |= layer.texts
        libc = layer.libc or libc
    return Listing(tuple(sorted(programs)), links, tuple(sorted(libraries)), texts, (), libc)


def _remove(kept: dict[str, object] | dict[str, None] | dict[str, str], mark: str) -> None:
    """Apply a whiteout: ``etc/.wh.name`` removes ``etc/name`` and all below it, ``.wh..wh..opq`` all beside it."""
    folder, name = dirname(mark), basename(mark)
    gone = folder if name == ".wh..wh..opq" else join(folder, name.removeprefix(".wh."))
    for path in [one for one in kept if one.startswith(f"{gone}/") or (one == gone and name != ".wh..wh..opq")]:
        del kept[path]


@lean(frozen=True)
class Interpreter:
    """A Python of an image.

    ``path`` is how it is to be started (a venv is known by that, so links are not followed in it); ``version`` is
    ``3.11``, empty if nothing tells it; ``kind`` is ``python`` or ``pypy``; ``free`` if it is built without the lock of
    the interpreter; ``libc`` is that of the image.
    """

    path: str
    version: str = ""
    kind: str = "python"
    free: bool = False
    libc: str = ""

    @property
    def is_new_enough(self) -> bool:
        """Whether the scoring server runs on it."""
        return self.version == "" or tuple(map(int, self.version.split("."))) >= OLDEST

    def facts(self) -> dict[str, str]:
        """Return it as the input ``python`` has it."""
        return {"path": self.path, "version": self.version, "libc": self.libc}

    @classmethod
    def of_facts(cls, facts: Mapping[str, str]) -> Interpreter:
        """Read what ``facts`` gave."""
        return cls(facts["path"], facts["version"], libc=facts.get("libc", ""))


@lean(frozen=True)
class Search:
    """What came of a search: the Python that serves, or why there is none.

    ``looked`` are the folders, in order; ``found`` all interpreters that were met, the first of which counts.
    """

    looked: tuple[str, ...]
    found: tuple[Interpreter, ...] = ()

    @property
    def chosen(self) -> Interpreter | None:
        """The Python that serves: the first of a version 3; None if there is none."""
        # `python` of an old system is Python 2, which nobody means any more
        threes = [one for one in self.found if not one.version.startswith("2.")]
        return next(iter(threes), None)


def find_python(files: Listing, variables: Mapping[str, str], asked: str = "") -> Search:
    """Return the Python of an image.

    Args:
        files: of the image.
        variables: its environment variables; PATH decides first, as a shell in it would find one.
        asked: path of the interpreter, or its name for PATH alone; empty to look for one.
    """
    image = _Image(files, variables)
    if asked.startswith("/"):
        return Search((asked,), tuple(image.interpreters([asked])))
    in_path = image.path_folders
    if asked:
        return Search(tuple(in_path), tuple(image.interpreters(join(folder, asked) for folder in in_path)))
    folders = [*in_path, *image.home_folders, *(one for one in USUAL_FOLDERS if one not in in_path)]
    places = [join(folder, name) for folder in folders for name in NAMES]
    # Debian without python3-minimal's link, deadsnakes: only the name with the version is there
    numbered = [path for folder in in_path for path in image.numbered(folder)]
    found = image.interpreters([*places, *numbered, *image.venvs()])
    return Search(tuple(dict.fromkeys(folders)), tuple({one.path: one for one in found}.values()))


class _Image:
    """The files of an image, asked for by paths as a process in it would."""

    def __init__(self, files: Listing, variables: Mapping[str, str]) -> None:
        self._files, self._variables = files, variables
        self._programs = frozenset(files.programs)

    @property
    def path_folders(self) -> list[str]:
        parts = (self._variables.get("PATH") or USUAL_PATH).split(":")
        return list(dict.fromkeys(normpath(part) for part in parts if part.startswith("/")))

    @property
    def home_folders(self) -> list[str]:
        named = ((self._variables.get(name, ""), below) for name, below in _HOMES)
        return [normpath(join(home, below)) for home, below in named if home.startswith("/")]

    def interpreters(self, paths: Iterable[str]) -> Iterator[Interpreter]:
        for path in paths:
            if (real := self._program(path)) is not None:
                kind, version, free = self._version(path, real)
                # what pyenv puts in PATH is a script that looks for the version that is chosen
                start = f"/{real}" if self._is_shim(path) else path
                yield Interpreter(start, version, kind, free, self._files.libc)

    def numbered(self, folder: str) -> list[str]:
        """Return the interpreters of a folder that have a version in their name, the newest first."""
        inside = self.resolve(folder)
        names = [basename(path) for path in (*self._programs, *self._files.links) if dirname(path) == inside]
        found = [(int(said[3]), name) for name in names if (said := _PROGRAM.fullmatch(name)) and said[2] and said[3]]
        return [join(folder, name) for _, name in sorted(found, reverse=True) if name.startswith("python3")]

    def venvs(self) -> list[str]:
        """Return the interpreters of venvs, wherever they are."""
        return [f"/{dirname(path)}/bin/python" for path in sorted(self._files.texts) if path.endswith("/pyvenv.cfg")]

    def resolve(self, path: str) -> str | None:
        """Return where a path leads when all links in it are followed, without a leading slash; None for a loop."""
        left, done, followed = [part for part in path.split("/") if part], list[str](), 0
        while left:
            part = left.pop(0)
            if part == ".":
                continue
            if part == "..":
                done = done[:-1]
                continue
            target = self._files.links.get("/".join([*done, part]))
            if target is None:
                done.append(part)
                continue
            followed += 1
            if followed > _MOST_LINKS:
                return None
            left = [one for one in target.split("/") if one] + left
            done = [] if target.startswith("/") else done
        return "/".join(done)

    def _program(self, path: str) -> str | None:
        if self._is_shim(path):
            path = self._behind_shim(path)
        real = self.resolve(path)
        return real if real in self._programs else None

    def _is_shim(self, path: str) -> bool:
        return basename(dirname(path)) == "shims" and "pyenv" in path

    def _behind_shim(self, path: str) -> str:
        root = dirname(dirname(path))
        said = self._variables.get("PYENV_VERSION") or self._files.texts.get(f"{root.lstrip('/')}/version", "")
        # several may be chosen, the first is the one that counts (pyenv global)
        version = next(iter(said.replace(":", " ").split()), "")
        return f"{root}/versions/{version}/bin/{basename(path)}" if version else ""

    def _version(self, path: str, real: str) -> tuple[str, str, bool]:
        """Return kind, version and whether it is free-threaded: by its own name, by pyvenv.cfg, by its library."""
        said = _PROGRAM.fullmatch(basename(real))
        kind = said[1] if said else "python"
        if said and said[2] and said[3]:
            return kind, f"{said[2]}.{said[3]}", bool(said[4])
        home = self.resolve(dirname(dirname(path)))
        if told := _SAID.search(self._files.texts.get(f"{home}/pyvenv.cfg", "")):
            return kind, f"{told[1]}.{told[2]}", False
        libraries = {
            (one[2], f"{one[3]}.{one[4]}", bool(one[5]))
            for one in map(_LIBRARY.fullmatch, self._files.libraries)
            if one and (one[1] or "").rstrip("/") == dirname(dirname(real))
        }
        # two libraries under one prefix do not tell whose is whose
        fitting = [one for one in libraries if one[0] == kind and (not said or not said[2] or one[1][0] == said[2])]
        return fitting[0] if len(fitting) == 1 else (kind, "", False)


def looked_in(folders: Sequence[str]) -> str:
    """Say where an interpreter was looked for, in the words of a message."""
    return ", ".join(folders)


def old_python(spec: str) -> str:
    """Say that a requirement of conda's, such as ``python=3.7``, leaves none that the server runs on; empty if not.

    One sentence for an import of v1's files and for a preview: half of v1's files are of the time of 3.6.
    """
    asked = _ASKED.fullmatch(spec.rpartition("::")[2])
    bounds = re.split(r"[,\s]+(?=[=<>~!\d])", (asked["rest"] or "").strip()) if asked else []
    if not any(map(_is_below, bounds)):
        return ""
    # what a pickle needs is its library, not its Python: it opens under a newer one that has the same
    return (
        f"{spec.strip()} is older than {OLDEST_PYTHON}, which the scoring server needs: {WHY_OLDEST}. Ask for a newer"
        f" one, such as python={OLDEST_PYTHON}, with the libraries at the versions that made the model; or write"
        " server_requirements: false, if this image serves nothing"
    )


def _is_below(bound: str) -> bool:
    """Tell whether a part such as ``<3.8`` or ``=3.7`` leaves nothing that is new enough."""
    found = _BOUND.match(bound.strip())
    if not found:
        return False
    major, minor, sign = int(found["major"]), found["minor"], found["sign"] or "="
    if minor is None:
        # `=3`, `<=3` and `~=3` leave all of 3
        return major < OLDEST[0] or (sign == "<" and major == OLDEST[0])
    # PEP 440, "Compatible release": ~=3.7 is below 4, ~=3.7.1 below 3.8
    if sign == "~=" and not found["more"].strip("."):
        return major < OLDEST[0]
    version = (major, int(minor))
    # `<3.8.1` leaves 3.8.0
    return version < OLDEST or (sign == "<" and version == OLDEST and not found["more"].strip(".0"))
