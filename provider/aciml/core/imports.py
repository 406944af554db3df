"""Which modules a script imports when it is loaded, and which of them nobody brings; a pure rule.

A module is told only if it is certainly imported and likely missing: a false alarm is worse than a miss.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import field

from packaging.utils import canonicalize_name

from .errors import Level
from .lean import lean
from .module_names import BROUGHT_BY_SERVER, GONE, NEW, PACKAGES
from .scoring import Fault

_QUIET = frozenset({"ImportError", "ModuleNotFoundError", "Exception", "BaseException"})
_BESIDE = re.compile(r"\bsys\.path\b|\bsite\.addsitedir\b")
_DECORATION = re.compile(r"^(?:python[-_.]|py[-_.]?)|(?:[-_.]python|[-_.]py|[-_]base|[-_]core)$")


@lean(frozen=True)
class Import:
    """A module that is imported, as it is written: ``a.b.c``; ``name`` is what is taken of it, empty for all."""

    module: str
    line: int
    names: tuple[str, ...] = ()
    level: int = 0

    @property
    def top(self) -> str:
        """What has to be found first."""
        return self.module.partition(".")[0]

    @property
    def is_of_server(self) -> bool:
        """Whether the server stands in for all of it: ``from azureml.core import Model`` names a module's parent."""
        whole = [f"{self.module}.{name}." for name in self.names] or [f"{self.module}."]
        return all(one.startswith(BROUGHT_BY_SERVER) for one in whole)


def certain_imports(tree: ast.Module) -> list[Import]:
    """Return what a module certainly imports while it is loaded, in order.

    What stands in a function, below an ``if`` (``TYPE_CHECKING`` among them), in a ``try`` that catches an
    ``ImportError``, or in a ``with`` that may, is left out.
    """
    return list(_imports(tree.body))


def _imports(body: Sequence[ast.stmt]) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (Import(alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            names = tuple(alias.name for alias in node.names)
            yield Import(node.module or "", node.lineno, names, node.level)
        # the body of a class runs when it is defined
        elif isinstance(node, ast.ClassDef):
            yield from _imports(node.body)
        elif isinstance(node, ast.Try):
            if not any(_catches(handler.type) for handler in node.handlers):
                yield from _imports(node.body)
            # what a handler imports is only for the case that the rest fails
            yield from _imports(node.finalbody)


def _catches(caught: ast.expr | None) -> bool:
    """Tell whether a handler takes an import that fails; one that nobody can read may."""
    if caught is None:
        return True
    # a name with a dot, or a variable, may be anything: then it may well be an ImportError
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(not isinstance(one, ast.Name) or one.id in _QUIET for one in parts)


@lean(frozen=True)
class Brought:
    """What an environment brings.

    ``packages`` are all names of conda packages and wheels; ``modules`` the top modules of those whose files are known;
    ``whole`` if that is all of them. ``python`` is its version, None if it is not known.
    """

    packages: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    whole: bool = False
    python: tuple[int, int] | None = None
    known: bool = field(default=True)
    """Whether anything is known of packages: of an image's own Python nothing is."""

    @property
    def names(self) -> frozenset[str]:
        """The packages, each by the name that all spellings share."""
        return frozenset(canonicalize_name(name) for name in self.packages)


def modules_of(paths: Iterable[str]) -> frozenset[str]:
    """Return the top modules among the files of a package, by their paths, in which ``site-packages`` is a folder."""
    found = set()
    for path in paths:
        _, mark, rest = f"/{path}".partition("/site-packages/")
        if not mark or not rest:
            continue
        top, slash, _ = rest.partition("/")
        # none of them can be imported
        if top.endswith((".dist-info", ".egg-info", ".pth", ".data", "__pycache__")):
            continue
        found.add(top if slash else top.partition(".")[0])
    return frozenset(found)


def judge_imports(
    imports: Iterable[Import], text: str, local: Collection[str], brought: Brought, anywhere: Collection[str] = ()
) -> Iterator[Fault]:
    """Warn of modules that neither the environment, the source folder nor Python brings; each once.

    Args:
        imports: of one file.
        text: that file, in which the path may be changed.
        local: top modules of the source folder.
        brought: by the environment.
        anywhere: names of modules at any depth of the source folder, which count if the path is changed.
    """
    told = set[str]()
    looks_elsewhere = bool(_BESIDE.search(text))
    for one in imports:
        top = one.top
        is_known = top in local or one.is_of_server
        if one.level or not top or top in told or is_known:
            continue
        # the script changes where modules are looked for: only a module that is certainly a package's is told then
        if looks_elsewhere and (top in anywhere or top not in PACKAGES):
            continue
        if why := _missing(top, brought, beside=top in anywhere):
            told.add(top)
            yield Fault(one.line, why, Level.WARNING)


def _missing(top: str, brought: Brought, *, beside: bool) -> str:
    if why := _of_python(top, brought):
        return why
    # by the Python that runs this and not by the environment's: the two tables have what differs
    if top in sys.stdlib_module_names or top in GONE or top in NEW or not brought.known or top in brought.modules:
        return ""
    if beside:
        return f"{top} is imported, which lies in a folder of the source; only the source folder itself is looked in"
    usual = PACKAGES.get(top)
    if usual is None:
        # only where all files are known is it certain that no package of another name brings it
        is_sure = brought.whole and not _may_bring(top, brought.names)
        return f"{top} is imported, and neither a package nor the source folder brings it" if is_sure else ""
    if _has_any(usual, brought.names) or _may_bring(top, brought.names):
        return ""
    return f"{top} is imported, and no package of the environment brings it; it is in {usual[0]}: add that"


def _of_python(top: str, brought: Brought) -> str:
    """Say that a module of Python is not in the environment's version; empty if it is, or none of them."""
    if brought.python is None or top in brought.modules:
        return ""
    has = f"and the environment has {_text(brought.python)}"
    # setuptools brings a distutils of its own
    is_back = top == "distutils" and "setuptools" in brought.names
    if top in GONE and brought.python >= GONE[top] and not is_back:
        return f"{top} is imported, which Python {_text(GONE[top])} has no more, {has}"
    if top in NEW and brought.python < NEW[top]:
        return f"{top} is imported, which came with Python {_text(NEW[top])}, {has}"
    return ""


def _text(version: tuple[int, int]) -> str:
    return f"{version[0]}.{version[1]}"


def _has_any(usual: Sequence[str], names: frozenset[str]) -> bool:
    return any(canonicalize_name(name) in names for name in usual)


def _may_bring(top: str, names: frozenset[str]) -> bool:
    """Tell whether a package is called so much like a module that it may be its."""
    wanted = _bare(top)
    return any(wanted in (_bare(name), name) for name in names)


def _bare(name: str) -> str:
    return re.sub(r"[-_.]", "", _DECORATION.sub("", canonicalize_name(name)))
