"""What a scoring script must have, judged from its text before anything is built.

An error is what certainly fails when the script is loaded; whatever may be otherwise by then is passed over.
Source: how ``server/aciml_server`` takes a script (``contract/script.py``, ``contract/parameters.py``), as v1 did.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence

from .errors import Level
from .lean import lean
from .meant import meant

HEADERS = "request_headers"
"""The parameter that gets the headers of a request; all others are data."""

_ENTRIES = ("run", "run_batch")
_NEAR_INIT = 0.75  # two letters that changed places
# by these a name comes to be that no assignment shows
_DYNAMIC = re.compile(r"\bglobals\(\)|\bexec\(|\bsetattr\(|\bvars\(\)|__getattr__|driver_module")
_WIDE = ((b"\xff\xfe", "UTF-16"), (b"\xfe\xff", "UTF-16"))
Function = ast.FunctionDef | ast.AsyncFunctionDef


@lean(frozen=True)
class Fault:
    """What is wrong at a line of a script; 0 if it is not about one."""

    line: int
    why: str
    level: Level = Level.ERROR

    def told(self, name: str) -> str:
        """Return it with file and line."""
        return f"{name}:{self.line}: {self.why}" if self.line else f"{name} {self.why}"


@lean(frozen=True)
class Script:
    """A script that was read: its tree, None if it cannot be parsed, and what is wrong with its text then."""

    tree: ast.Module | None
    text: str = ""
    faults: tuple[Fault, ...] = ()


def read_script(source: bytes | str, python: tuple[int, int] | None = None) -> Script:
    """Parse a script by the grammar of the Python that will run it.

    Args:
        source: bytes, whose encoding is found as Python finds it (a mark at the start, or a comment that names it).
        python: version of the environment's Python; None if it is not known.
    """
    mine = sys.version_info[:2]
    # a newer Python than this one may take what this one does not know: that is no certain fault
    level = Level.WARNING if python and python > mine else Level.ERROR
    if isinstance(source, bytes):
        for mark, encoding in _WIDE:
            if source.startswith(mark):
                return Script(None, "", (Fault(1, f"is {encoding}, which Python does not read; save it as UTF-8"),))
    try:
        # v1 found out in the container, and a deployment timed out after half an hour (MachineLearningNotebooks #1025)
        # an older grammar is held to as well: a walrus or a match that this Python knows would fail in the image
        tree = ast.parse(source, feature_version=python if python and python < mine else None)
    except SyntaxError as error:
        return Script(None, "", (Fault(error.lineno or 1, f"{_reason(error, python, mine)}", level),))
    except (ValueError, RecursionError, MemoryError) as error:
        return Script(None, "", (Fault(0, f"cannot be imported: {error}"),))
    text = source if isinstance(source, str) else source.decode("utf-8", "replace")
    return Script(tree, text)


def _reason(error: SyntaxError, python: tuple[int, int] | None, mine: tuple[int, int]) -> str:
    # PEP 263: without a declaration a script is UTF-8
    if "codec can't decode" in (error.msg or "") or "Non-UTF-8" in (error.msg or ""):
        found = re.search(r"0x[0-9a-f]{2}|\\x[0-9a-f]{2}", error.msg)
        byte = f" (byte {found[0].replace(chr(92), '0')})" if found else ""
        return f"is not UTF-8{byte}, and cannot be imported; save it as UTF-8"
    said = f"{error.msg}; the script cannot be imported"
    if python and python != mine:
        said += f" by the environment's Python {python[0]}.{python[1]}"
    return said


def judge_script(source: bytes | str, name: str, python: tuple[int, int] | None = None) -> str:
    """Return what is certainly wrong with a scoring script by itself, or nothing.

    Args:
        source: the script.
        name: its path, for the message.
        python: version of the environment's Python; None if it is not known.
    """
    script = read_script(source, python)
    faults = script.faults if script.tree is None else judge_entry(Bindings.of(script), {})
    return "; ".join(fault.told(name) for fault in faults if fault.level is Level.ERROR)


@lean(frozen=True)
class Bindings:
    """What names a module has when it is loaded.

    ``functions`` are those whose one and only binding is a plain ``def`` of the module itself; ``names`` are all that
    it may bind; ``imported`` says of a name from which module it comes, if that is certain; ``stars`` are modules of
    which all names are taken; ``is_open`` if it may have names that nobody can see.
    """

    functions: dict[str, Function]
    names: frozenset[str]
    imported: dict[str, ast.ImportFrom]
    stars: tuple[ast.ImportFrom, ...]
    is_open: bool = False

    @classmethod
    def of(cls, script: Script) -> Bindings:
        """Look at a module that was parsed."""
        if script.tree is None:
            return cls({}, frozenset(), {}, (), is_open=True)
        found = list(_bound(script.tree.body, certain=True))
        names = [name for name, _, _ in found]
        # what is bound twice, or in a branch, may be either
        once = {name: node for name, node, certain in found if certain and names.count(name) == 1}
        functions = {name: node for name, node in once.items() if isinstance(node, Function)}
        imported = {name: node for name, node in once.items() if isinstance(node, ast.ImportFrom)}
        stars = tuple(node for name, node, _ in found if name == "*" and isinstance(node, ast.ImportFrom))
        # a function may bind them, so they count as names that may be there
        declared = {name for node in ast.walk(script.tree) if isinstance(node, ast.Global) for name in node.names}
        return cls(functions, frozenset(names) | declared, imported, stars, bool(_DYNAMIC.search(script.text)))

    def has(self, name: str) -> bool:
        """Tell whether the module may have a name."""
        return name in self.names or self.is_open or bool(self.stars)


def _bound(body: Sequence[ast.stmt], *, certain: bool) -> Iterator[tuple[str, ast.AST, bool]]:
    """Give the names that statements bind in their own scope, and whether that certainly happens."""
    for node in body:
        if isinstance(node, Function | ast.ClassDef):
            yield node.name, node, certain
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], node, certain
        else:
            for name in _stored(node):
                yield name, node, False
            for inner in _blocks(node):
                yield from _bound(inner, certain=False)


def _blocks(node: ast.stmt) -> Iterator[Sequence[ast.stmt]]:
    """Give the blocks of a statement that are in the same scope."""
    for name in ("body", "orelse", "finalbody"):
        yield getattr(node, name, None) or ()
    for handler in getattr(node, "handlers", ()):
        yield handler.body
    for case in getattr(node, "cases", ()):
        yield case.body


_LIKE_RUN = frozenset(
    ("rum", "rn", "ru", "runn", "rnu", "urn", "run_", "_run", "run_model", "predict", "score", "inference", "run")
)
"""Names of a function that people write for ``run``: slips, and what others call it."""


def _stored(node: ast.AST) -> Iterator[str]:
    """Give the names that a statement stores to by itself, without the blocks in it."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.stmt):
            continue
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store | ast.Del):
            yield child.id
        # the names of a handler and of patterns are no nodes
        if isinstance(child, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and child.name:
            yield child.name
        yield from _stored(child)


def _nearly_run(bindings: Bindings) -> tuple[int, str]:
    """Return the line of a function that is probably meant to be ``run``, and the question; 0 and nothing without."""
    # of several nobody knows which one was meant
    near = [name for name in bindings.functions if name.lower() in _LIKE_RUN]
    if len(near) != 1:
        return 0, ""
    return bindings.functions[near[0]].lineno, f"; did you mean {near[0]}() to be it?"


def judge_entry(bindings: Bindings, others: dict[str, Bindings]) -> Iterator[Fault]:
    """Report a script without ``run``, and functions that the server cannot call.

    Args:
        bindings: of the script.
        others: of modules of the source folder that it takes names from, by their names as they are written.
    """
    names = [name for name in _ENTRIES if _may_have(bindings, name, others)]
    if not names:
        line, near = _nearly_run(bindings)
        called = "the server calls it for each request (and init() once, if there is one)"
        yield Fault(line, f"has no function run(raw_data); {called}{near}")
    if not _may_have(bindings, "init", others):
        yield from _mistyped_init(bindings)
    for name in ("init", *_ENTRIES):
        # with run_batch nobody calls run
        if (function := bindings.functions.get(name)) and not (name == "run" and "run_batch" in names):
            yield from judge_function(name, function)


def _mistyped_init(bindings: Bindings) -> Iterator[Fault]:
    """Warn of an ``inti()``: without it the server starts, and the first request finds no model."""
    for name, function in bindings.functions.items():
        asks = function.args
        if meant(name, ["init"], _NEAR_INIT) and not (asks.args or asks.posonlyargs or asks.kwonlyargs):
            yield Fault(function.lineno, f"{name}() is called by nobody; did you mean init()?", Level.WARNING)


def _may_have(bindings: Bindings, name: str, others: dict[str, Bindings]) -> bool:
    if name in bindings.names or bindings.is_open:
        return True
    # a star takes no name with an underscore in front, and run has none
    return any(others[star.module].has(name) if star.module in others else True for star in bindings.stars)


def judge_function(name: str, function: Function) -> Iterator[Fault]:
    """Report a function that cannot be called as the server calls it; what is below a decorator nobody knows."""
    if function.decorator_list:
        return
    if name == "init":
        yield from _judge_init(function)
        return
    arguments = function.args
    wrong = [one.arg for one in arguments.posonlyargs]
    wrong += [f"*{arguments.vararg.arg}"] if arguments.vararg else []
    wrong += [f"**{arguments.kwarg.arg}"] if arguments.kwarg else []
    if wrong:
        why = f"{name}() cannot take positional-only arguments, *args or **kwargs ({', '.join(wrong)})"
        yield Fault(function.lineno, f"{why}: name them, as in {name}(raw_data)")
        return
    # what is left is filled from the body
    data = [one for one in _parameters(arguments) if one[0].arg != HEADERS]
    if not data:
        beside = f" beside {HEADERS}" if arguments.args or arguments.kwonlyargs else ""
        yield Fault(function.lineno, f"{name}() takes no data: give it a parameter{beside}, as in {name}(raw_data)")
        return
    bare = [one.arg for one, has_default in data[1:] if not has_default]
    # with types the body is taken apart by the names of the parameters, so that more than one may be without a default
    if bare and (name == "run_batch" or _is_text(data[0][0].annotation)):
        why = f"{name}() gets one argument, and nothing for {', '.join(bare)}: give defaults"
        yield Fault(function.lineno, why + ("" if name == "run_batch" else ", or annotate all parameters with types"))
    if name == "run_batch" and isinstance(function, ast.AsyncFunctionDef):
        yield Fault(function.lineno, "run_batch() is a coroutine: write it with def, or have an async run() without it")


def _judge_init(function: Function) -> Iterator[Fault]:
    needed = [one.arg for one, has_default in _parameters(function.args) if not has_default]
    needed = [*(one.arg for one in function.args.posonlyargs), *needed] if not function.args.defaults else needed
    if needed:
        yield Fault(function.lineno, f"init() is called without arguments, and needs {', '.join(needed)}: write init()")
    elif isinstance(function, ast.AsyncFunctionDef):
        why = "init() is a coroutine, which the server does not wait for: write it with def"
        yield Fault(function.lineno, why, Level.WARNING)


def _parameters(arguments: ast.arguments) -> list[tuple[ast.arg, bool]]:
    """Return the parameters that can be given by name, and whether each has a default."""
    plain = arguments.args
    first = len(plain) - len(arguments.defaults)
    found = [(one, number >= first) for number, one in enumerate(plain)]
    named = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    return [*found, *((one, held is not None) for one, held in named)]


def _is_text(annotation: ast.expr | None) -> bool:
    """Tell whether a parameter certainly gets the body as it came."""
    return annotation is None or (isinstance(annotation, ast.Name) and annotation.id == "str")
