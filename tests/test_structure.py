"""The plan of the house, held: who may import whom, and which type tokens exist."""

from __future__ import annotations

import ast
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "provider" / "aciml"
# folder -> folders of the package that it may import from; "" is the package's version
ALLOWED = {
    "core": {"core"},
    "model": {"core", "model", "properties"},
    "blobs": {"core", "blobs"},
    "registry": {"core", "registry"},
    "conda": {"core", "blobs", "conda", "settings"},
    "pip": {"core", "blobs", "pip", "settings"},
    "docker": {"core", "docker", "registry", "settings"},
    "targets": {"", "core", "model", "docker", "registry", "blobs", "targets", "settings"},
    "images": {
        "",
        "core",
        "model",
        "blobs",
        "conda",
        "pip",
        "docker",
        "registry",
        "images",
        "settings",
        "server_files",
    },
    "resources": {
        "",
        "core",
        "model",
        "images",
        "registry",
        "resources",
        "properties",
        "settings",
        "server_files",
        "targets.protocol",
    },
}
# rooms of images, and those that each may look into
ROOMS = {
    "remote": {"remote"},
    "plan": {"plan", "remote"},
    "export": {"export", "remote"},
    "build": {"build", "plan", "remote", "export"},
}
NO_IO = {
    "os",
    "io.open",
    "socket",
    "subprocess",
    "tempfile",
    "time",
    "random",
    "secrets",
    "requests",
    "urllib",
    "http",
    "shutil",
}


def modules(folder: str) -> list[Path]:
    return sorted((PACKAGE / folder).rglob("*.py"))


def imports_of(path: Path, *, members: bool = False) -> set[str]:
    """Return dotted names of the modules that a module imports; with ``members`` also of what it takes from them."""
    here = list(path.relative_to(PACKAGE).with_suffix("").parts)
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level:
            base = here[: len(here) - node.level]
            module = ".".join(["aciml", *base, *(node.module.split(".") if node.module else [])])
            found |= {module} | ({f"{module}.{alias.name}" for alias in node.names} if members else set())
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("folder", sorted(ALLOWED))
def test_imports_point_inward(folder: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules(folder)
        for name in imports_of(path)
        if name.startswith("aciml.") and not _allowed(name.removeprefix("aciml."), ALLOWED[folder])
    ]

    assert wrong == []


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_rooms_of_images_look_one_way(room: str) -> None:
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules(f"images/{room}")
        for name in imports_of(path)
        for other in ROOMS
        if _allowed(name, {f"aciml.images.{other}"}) and other not in ROOMS[room]
    ]

    assert wrong == []


def test_no_two_modules_of_the_images_need_each_other() -> None:
    """Lazy imports and those for types count: what needs each other is one thing in two files."""
    folders = ("core", "model", "blobs", "registry", "conda", "pip", "docker", "images")
    needs = {_dotted(path): imports_of(path, members=True) for folder in folders for path in modules(folder)}
    order = TopologicalSorter({name: found & needs.keys() - {name} for name, found in needs.items()})

    order.prepare()  # raises if there is a circle


def _dotted(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(["aciml", *(parts[:-1] if parts[-1] == "__init__" else parts)])


def _allowed(name: str, allowed: set[str]) -> bool:
    return any(name == one or name.startswith(f"{one}.") for one in allowed)


def test_the_core_does_no_io() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in modules("core")
        for name in imports_of(path)
        if name.split(".")[0] in NO_IO or name in NO_IO
    ]
    opened = [
        path.name
        for path in modules("core")
        if "open(" in path.read_text().replace(".open(", "").replace("reopen(", "")
    ]

    assert wrong == []
    assert opened == []


def test_the_server_imports_what_it_brings_and_what_the_user_may_have() -> None:
    import sys

    names = {alias.split(".")[0] for path in (ROOT / "server").rglob("*.py") for alias in _absolute(path)}
    brought = {"httptools", "uvloop", "orjson"}
    if_there = {"numpy", "pandas", "pyarrow", "dateutil", "debugpy", "zstandard", "inference_schema"}
    newer = {"compression"}  # of Python 3.14

    assert names - set(sys.stdlib_module_names) <= {"aciml_server", "azureml"} | brought | if_there | newer


def _absolute(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module)
    return found


def test_components_know_of_the_plugin_only_what_may_be_declared() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in sorted((ROOT / "components").rglob("*.py"))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        for name in _modules_of(node)
        if name.split(".")[0] == "aciml" and not name.startswith(("aciml.core", "aciml.model", "aciml.properties"))
    ]

    assert wrong == []


def _modules_of(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module and not node.level else []


def test_type_tokens_are_those_of_the_plan() -> None:
    from aciml.schema import schema

    assert set(schema()["resources"]) == {
        "aciml:index:Registry",
        "aciml:index:EnvironmentImage",
        "aciml:index:ScoringService",
        "aciml:registry:ContainerRegistry",
        "aciml:image:Environment",
        "aciml:image:Service",
        "aciml:compute:ContainerGroup",
    }


def test_azure_is_named_in_few_places() -> None:
    said = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any(
            isinstance(node, ast.Import | ast.ImportFrom)
            and any("azure" in name for name in [getattr(node, "module", "") or "", *(a.name for a in node.names)])
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        )
    }

    assert said <= {"targets/choice.py"} | {name for name in said if name.startswith("targets/azure")}
