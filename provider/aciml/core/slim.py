"""What ``slim`` leaves out of packages: files that no program loads, each kind with its reason, as data.

A rule looks at a path below the environment's prefix and at nothing else, so that what is left out is known without a
look at the disk and is the same on every machine. Two kinds of package are spared: one whose own code imports tests
keeps those (``tests_imported``), and one that compiles when it runs keeps headers and libraries (``COMPILING``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from .layer import Entry

VERSION = "1"
"""Version of these rules, a part of the key of each layer that they were used for: raise it when one changes."""


@dataclass(frozen=True)
class Rule:
    """One kind of file that is left out: ``path`` finds it, ``spares`` finds those of them that stay."""

    name: str
    why: str
    path: re.Pattern[str]
    spares: re.Pattern[str]


_SITE = r"lib/python\d+\.\d+/site-packages/"
_NONE = re.compile(r"(?!)")
TESTS = "tests"
"""Name of the rule that a package's own code may overrule."""

COMPILING = (
    # torch.compile and cpp_extension write C++ and compile it against torch/include
    "torch", "functorch", "torchvision", "torchaudio",
    # its kernels are linked at run time with files of triton/backends/*/{include,lib}
    "triton",
    # NVRTC gets the headers of CUDA from these when a kernel is compiled
    "cupy", "cupyx", "nvidia", "pycuda", "numba_cuda", "warp", "taichi",
    "pyopencl", "tvm", "cppyy", "cppyy_backend", "cppyy_cling",
    # compilers themselves
    "Cython", "pythran", "pybind11", "nanobind", "cffi", "ziglang", "cmake", "deepspeed", "aesara", "pytensor",
    "jaxlib",
)  # fmt: skip
"""Folders of site-packages whose packages compile when they run: all of theirs but tests stays."""

_COMPILING = re.compile(_SITE + f"(?:{'|'.join(COMPILING)})/")

RULES = (
    Rule(
        "static libraries",
        "only a linker reads an archive; a program loads shared libraries (ELF, ld.so(8))",
        re.compile(r".*\.(?:a|la)"),
        # R and Julia link at run time, Cling too; conda has them in folders of their own
        re.compile(f"{_COMPILING.pattern}.*|lib/(?:R|julia)/.*"),
    ),
    Rule(
        "headers",
        "only a compiler reads them",
        re.compile(
            r"include/.*"
            rf"|{_SITE}(?:.*/)?include/.*\.(?:h|hh|hpp|hxx|cuh|inl|ipp|tcc)"
            r"|lib/cmake/.*|share/cmake/.*|(?:lib|share)/pkgconfig/.*"
        ),
        # sysconfig.parse_config_h and a few packages read it to know how Python was made
        re.compile(rf"{_COMPILING.pattern}.*|include/python[^/]*/pyconfig\.h"),
    ),
    Rule(
        TESTS,
        "a package's tests are run by those who make it; their bytecode goes with them",
        # not "test": django.test and many others are what users import; at the top it is a name of its own
        re.compile(rf"{_SITE}[^/]+/(?:.*/)?tests/.*"),
        _NONE,
    ),
    Rule(
        "tests of Python",
        "the tests of the standard library; support modules of it are for tests alone (docs.python.org, test)",
        re.compile(r"lib/python\d+\.\d+/(?:test|idlelib/idle_test|lib2to3/tests|unittest/test|tkinter/test|ctypes/test)/.*"),
        _NONE,
    ),
    Rule(
        "documentation",
        "people read it, on other machines than one that serves",
        re.compile(r"(?:share/)?(?:doc|man|info|gtk-doc|help)/.*"),
        # a licence goes with what it is of
        re.compile(r"(?i:.*(?:licen[cs]e|copying|notice|copyright)[^/]*)"),
    ),
)  # fmt: skip

# "from a.tests.b import c", "import a.tests"; then "from a import b, tests", also in brackets over several lines
_INSIDE = re.compile(rb"^[ \t]*(?:from|import)[ \t]+([.\w]*\btests\b)", re.MULTILINE)
_NAMED = re.compile(
    rb"^[ \t]*from[ \t]+([.\w]+)[ \t]+import[ \t]*(?:\([^)]*?\btests\b|[^(\n#]*?\btests\b)", re.MULTILINE
)


def rule_of(path: str) -> Rule | None:
    """Return the rule that finds a path below the prefix, such as ``lib/libz.a``; None if it stays."""
    return next((rule for rule in RULES if rule.path.fullmatch(path) and not rule.spares.fullmatch(path)), None)


def package_of(path: str) -> str:
    """Return the folder of site-packages that a path is in; empty if it is in none."""
    found = re.match(rf"{_SITE}([^/]+)/", path)
    return found[1] if found else ""


def tests_imported(path: str, source: bytes) -> set[str]:
    """Return the folders of tests, below the prefix, that a module imports something of.

    Args:
        path: of the module, below the prefix.
        source: its text; what it imports by a name that is made at run time is not seen.
    """
    inside = [found[1].decode() for found in _INSIDE.finditer(source)]
    above = [found[1].decode() for found in _NAMED.finditer(source)]
    # of dots alone no dot is between them and the name
    named = [f"{module}tests" if module.endswith(".") else f"{module}.tests" for module in above]
    return {folder for module in (*inside, *named) if (folder := _folder_of(module, path))}


def _folder_of(module: str, path: str) -> str:
    """Return the folder of a dotted name of tests, as a module at ``path`` sees it; empty if it is in no package."""
    name = module.lstrip(".")
    dots = len(module) - len(name)
    # PEP 328: one dot is the package that the module is in, and each further one the package above
    above = path.split("/")[:-dots] if dots else re.match(_SITE, path)[0].rstrip("/").split("/")  # type: ignore[index]
    parts = name.split(".")
    folder = "/".join([*above, *parts[: parts.index("tests") + 1]])
    return folder if re.match(rf"{_SITE}[^/]+/", folder) else ""


def leave_out(entries: Iterable[Entry], below: str = "") -> tuple[list[Entry], dict[str, int]]:
    """Return the entries of one package that stay, and the bytes that go, by the name of the rule.

    Args:
        entries: all that the package brings; code is read only if the package has tests that would go.
        below: what their paths begin with above the prefix, such as ``azureml-envs/aciml/``.
    """
    every = {entry.path.removeprefix(below): entry for entry in entries}
    gone = {path: rule.name for path in every if (rule := rule_of(path)) is not None}
    needed = _needed_tests(every, gone)
    kept, saved = list[Entry](), dict[str, int]()
    for path, entry in every.items():
        name = gone.get(path)
        if name is None or (name == TESTS and path.startswith(needed)):
            kept.append(entry)
        else:
            saved[name] = saved.get(name, 0) + entry.size
    return kept, saved


def _needed_tests(every: Mapping[str, Entry], gone: Mapping[str, str]) -> tuple[str, ...]:
    """Return the folders of tests that code which stays imports, and so on for the code in them."""
    tested = {package_of(path) for path, rule in gone.items() if rule == TESTS}
    code = [path for path in every if path.endswith(".py") and package_of(path) in tested]
    needed, todo = set[str](), [path for path in code if path not in gone]
    while todo:
        path = todo.pop()
        for folder in tests_imported(path, _text(every[path])) - {one.rstrip("/") for one in needed}:
            needed.add(f"{folder}/")
            todo += [one for one in code if one in gone and one.startswith(f"{folder}/")]
    return tuple(needed)


def _text(entry: Entry) -> bytes:
    if entry.open is None:
        return b""
    with entry.open() as stream:
        return stream.read()
