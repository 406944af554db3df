"""No module needs another that needs it: imports inside functions and those for types alone count, too.

Such a pair cannot be read, tested or moved alone. Who gets into one moves what both need into a third module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.imports import imports_in

ROOT = Path(__file__).parents[1]
PACKAGES = {
    "aciml": ROOT / "provider" / "aciml",
    "bootstrap": ROOT / "bootstrap",
    "pulumi_aciml": ROOT / "components",
    "aciml_server": ROOT / "server" / "aciml_server",
}


def imports_of(package: str, folder: Path) -> dict[str, set[str]]:
    """Return the modules of a package, and for each those of the package that it names in any import."""
    modules = {}
    for path in sorted(folder.rglob("*.py")):
        parts = (package, *path.relative_to(folder).with_suffix("").parts)
        modules[".".join(parts).removesuffix(".__init__")] = path
    return {
        name: {owner for target in _targets(name, path) if (owner := _owner(target, modules)) not in ("", name)}
        for name, path in modules.items()
    }


def _targets(module: str, path: Path) -> Iterator[str]:
    # a relative import begins at the package, which is the module itself only where it is an __init__
    package = module.split(".") if path.name == "__init__.py" else module.split(".")[:-1]
    for node in imports_in(path):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        else:
            base = [*package[: len(package) - node.level + 1], node.module] if node.level else [node.module]
            prefix = ".".join(part for part in base if part)
            yield from (f"{prefix}.{alias.name}" for alias in node.names)


def _owner(target: str, modules: dict[str, Path]) -> str:
    """Return the module that a dotted name is, or is in; empty for another package's."""
    while target and target not in modules:
        target = target.rpartition(".")[0]
    return target


def cycles(imports: dict[str, set[str]]) -> list[set[str]]:
    """Return the groups of modules in which each reaches each: the strongly connected components above one."""
    reach = {name: _reached(imports, name) for name in imports}
    found = []
    for name in imports:
        group = {other for other in reach[name] if name in reach[other]}
        if len(group) > 1 and group not in found:
            found.append(group)
    return found


def _reached(imports: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    ahead = [start]
    while ahead:
        for other in imports[ahead.pop()] - seen:
            seen.add(other)
            ahead.append(other)
    return seen


@pytest.mark.parametrize("package", PACKAGES)
def test_no_module_needs_one_that_needs_it(package: str) -> None:
    assert cycles(imports_of(package, PACKAGES[package])) == []


def test_imports_in_functions_and_for_types_are_seen(tmp_path: Path) -> None:
    (tmp_path / "__init__.py").touch()
    (tmp_path / "a.py").write_text("def late():\n    from . import b\n", encoding="utf-8")
    (tmp_path / "b.py").write_text("if TYPE_CHECKING:\n    from .c import C\n", encoding="utf-8")
    (tmp_path / "c.py").write_text("import pack.a\nimport os\n", encoding="utf-8")
    (tmp_path / "d.py").write_text("from . import a\n", encoding="utf-8")

    assert cycles(imports_of("pack", tmp_path)) == [{"pack.a", "pack.b", "pack.c"}]
