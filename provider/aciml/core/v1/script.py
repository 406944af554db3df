"""What a script of v1 asks of its surroundings: models by name or by file, and modules of ``azureml``."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeGuard

from ..module_names import BROUGHT_BY_SERVER

MODEL_DIR = "AZUREML_MODEL_DIR"
EXAMPLE = "EXAMPLE_ENV_VAR"
"""A variable that each new Environment of v1 had, and users found in their containers (MLOpsPython #272)."""


@dataclass(frozen=True)
class AskedModel:
    """A model that a script asks for: a name that was registered, or a path in the model folder; by line."""

    line: int
    name: str = ""
    path: str = ""

    @property
    def shown(self) -> str:
        """What it is called."""
        return self.name or self.path


@dataclass(frozen=True)
class Asks:
    """All that a script asks for; ``modules`` by line."""

    models: tuple[AskedModel, ...] = ()
    model_dir: int = 0
    """Line in which the folder of models is asked for, or a model whose name is not written; 0 if none is."""
    modules: tuple[tuple[int, str], ...] = ()
    has_example: bool = False
    """Whether the variable that v1 put into each environment is read: samples of v1 did."""


def asks_of(text: str) -> Asks:
    """Return what a script asks for; of one that cannot be parsed nothing, and others say so."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return Asks()
    models: dict[str, AskedModel] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and (asked := _asked(node)) is not None:
            # an outer call has the inner one in it: the longer path is what is opened
            models.setdefault(asked.shown, asked)
        elif isinstance(node, ast.BinOp) and (asked := _joined(node)) is not None:
            models.setdefault(asked.shown, asked)
    places = [node.lineno for node in ast.walk(tree) if _is_place(node)]
    longest = [one for one in models.values() if not any(_is_part(one, other) for other in models.values())]
    has_example = any(isinstance(node, ast.Constant) and node.value == EXAMPLE for node in ast.walk(tree))
    return Asks(tuple(longest), min(places, default=0), tuple(_modules(tree)), has_example)


def _is_place(node: ast.AST) -> TypeGuard[ast.Constant | ast.Attribute]:
    named = isinstance(node, ast.Attribute) and node.attr == "get_model_path"
    return named or (isinstance(node, ast.Constant) and node.value == MODEL_DIR)


def _is_part(one: AskedModel, other: AskedModel) -> bool:
    return bool(one.path and other.path and other.path.startswith(f"{one.path}/"))


def _asked(node: ast.Call) -> AskedModel | None:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    if name == "get_model_path":
        given = [*node.args[:1], *(one.value for one in node.keywords if one.arg == "model_name")]
        texts = [one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        return AskedModel(node.lineno, name=texts[0]) if texts else None
    # os.path.join(os.getenv("AZUREML_MODEL_DIR"), "model.pkl"), and Path(...).joinpath
    if name in ("join", "joinpath") and _mentions(node):
        outer = node.args[1:] if name == "join" else node.args
        parts = [one.value for one in outer if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if parts and len(parts) == len(outer):
            return AskedModel(node.lineno, path="/".join(part.strip("/") for part in parts))
    return None


def _joined(node: ast.BinOp) -> AskedModel | None:
    """Read ``Path(os.environ["AZUREML_MODEL_DIR"]) / "model.pkl"``."""
    parts: list[str] = []
    left: ast.expr = node
    while isinstance(left, ast.BinOp) and isinstance(left.op, ast.Div):
        if not (isinstance(left.right, ast.Constant) and isinstance(left.right.value, str)):
            return None
        parts.insert(0, left.right.value)
        left = left.left
    return AskedModel(node.lineno, path="/".join(parts)) if parts and _mentions(left) else None


def _mentions(node: ast.AST) -> bool:
    return any(isinstance(one, ast.Constant) and one.value == MODEL_DIR for one in ast.walk(node))


def _modules(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("azureml") and not f"{name}.".startswith(BROUGHT_BY_SERVER):
                yield node.lineno, name
