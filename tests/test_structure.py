"""The plan of the house, held: who may import whom, and which type tokens exist."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.conftest import LONG
from tests.imports import Import, imports_in

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
    "review": {"core", "model", "review"},
    "targets": {"", "core", "model", "docker", "pip.fetch", "pip.mirrors", "registry", "targets", "settings"},
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
        # how a service is asked, which is the same for every target
        "targets.golden",
        "targets.smoke",
    },
}
_IMAGES = ALLOWED["images"] - {"images"} | {"images.server_needs", "images.tools"}
# rooms of one target, by the same rule: a file of one does not reach into another target, or up to what chooses one
ROOMS = {
    "images/remote": _IMAGES | {"images.remote"},
    "images/plan": _IMAGES | {"images.plan", "images.remote"},
    "images/export": _IMAGES | {"images.export", "images.remote"},
    "images/report": _IMAGES | {"images.report", "images.remote"},
    "images/build": _IMAGES | {"images.build", "images.plan", "images.remote", "images.export"},
    "targets/home": {"core", "model", "targets"},
    "targets/memory": {
        "core",
        "model",
        *(f"targets.{one}" for one in ("canary", "golden", "home", "hints", "memory", "observed", "protocol")),
        *("targets.revisions", "targets.runs_on", "targets.smoke"),
    },
    "targets/local": {
        "core",
        "docker",
        "settings",
        # of the swarm: what is declared of replicas, and Envoy, whose program is in a wheel
        *("model", "pip.fetch", "pip.mirrors", "registry.hosts", "targets.canary"),
        *(f"targets.{one}" for one in ("home", "hints", "image_told", "local", "observed", "protocol")),
        *(
            "targets.golden",
            "targets.revisions",
            "targets.runs_on",
            "targets.smoke",
            "targets.witness",
            "targets.workspace",
        ),
    },
    "targets/azure/arm": {"core", "settings", "targets.azure.arm", "targets.azure.config"},
    "targets/azure/registries": {
        "core",
        "model",
        "registry",
        "targets.protocol",
        *(f"targets.azure.{one}" for one in ("arm", "config", "ownership", "region", "registries", "tagged")),
    },
    "targets/azure/tasks": {"core", "targets.azure.arm", "targets.azure.registries", "targets.azure.tasks"},
}
KNOWS_ACR = {
    "core/builder.py",  # the user's word for a builder
    "model/environment.py",  # the same, as a word of the table
    "model/registry.py",  # a source
    "registry/errors.py",  # names of the roles that a refused account lacks
    "registry/limits.py",  # a source
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


@cache
def imports_of(path: Path) -> set[str]:
    """Return dotted names of what a module imports; those of the package without its name."""
    here = list(path.relative_to(PACKAGE).with_suffix("").parts)
    found: set[str] = set()
    for node in imports_in(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif node.level:
            base = here[: len(here) - node.level]
            found.add("aciml." + ".".join([*base, *(node.module.split(".") if node.module else [])]))
        elif node.module:
            found.add(node.module)
    return found


@pytest.mark.parametrize("folder", sorted(ALLOWED | ROOMS))
def test_imports_point_inward(folder: str) -> None:
    allowed = (ALLOWED | ROOMS)[folder]
    wrong = [
        f"{path.relative_to(PACKAGE)} imports {name}"
        for path in modules(folder)
        for name in imports_of(path)
        if name.startswith("aciml.") and not _allowed(name.removeprefix("aciml."), allowed)
    ]

    assert wrong == []


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
    if_there = {"numpy", "pandas", "pyarrow", "dateutil", "debugpy", "zstandard", "inference_schema", "werkzeug"}
    newer = {"compression"}  # of Python 3.14

    assert names - set(sys.stdlib_module_names) <= {"aciml_server", "azureml"} | brought | if_there | newer


def _absolute(path: Path) -> set[str]:
    found: set[str] = set()
    for node in imports_in(path):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif not node.level and node.module:
            found.add(node.module)
    return found


_FOR_COMPONENTS = ("aciml.core", "aciml.model", "aciml.properties", "aciml.stack_file")
"""What both processes share: rules, values, and what a stack's file says is a secret."""


def test_components_know_of_the_plugin_only_what_may_be_declared() -> None:
    wrong = [
        f"{path.name} imports {name}"
        for path in sorted((ROOT / "components").rglob("*.py"))
        for node in imports_in(path)
        for name in _modules_of(node)
        if name.split(".")[0] == "aciml" and not name.startswith(_FOR_COMPONENTS)
    ]

    assert wrong == []


def _modules_of(node: Import) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    return [node.module] if node.module and not node.level else []


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


def test_azure_is_imported_where_targets_are_chosen_alone() -> None:
    said = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if any("azure" in name for node in imports_in(path) for name in _named(node))
    }

    assert {name for name in said if not name.startswith("targets/azure")} <= {"targets/choice.py"}


def _named(node: Import) -> list[str]:
    module = node.module or "" if isinstance(node, ast.ImportFrom) else ""
    return [module, *(one.name for one in node.names)]


def test_only_azure_knows_the_word_acr() -> None:
    said = {
        str(path.relative_to(PACKAGE))
        for path in PACKAGE.rglob("*.py")
        if re.search(r"\bacr", path.read_text(encoding="utf-8"), re.IGNORECASE)
    }

    assert {name for name in said if not name.startswith("targets/azure/")} <= KNOWS_ACR
    code = {name for name in said if name.startswith("targets/azure/") and _has_identifier(PACKAGE / name, "acr")}
    assert {name.rpartition("/")[0] for name in code} <= {"targets/azure/registries", "targets/azure/tasks"}


def test_the_files_that_begin_a_run_are_there() -> None:
    assert [name for name in LONG if not (ROOT / "tests" / name).is_file()] == []


def _has_identifier(path: Path, word: str) -> bool:
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    names = (getattr(node, key, "") for node in nodes for key in ("id", "name", "attr"))
    return any(str(name).lower().strip("_").startswith(word) for name in names)
