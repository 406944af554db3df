"""Which modules a script imports, and which of them nobody brings."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.imports import Brought, certain_imports, judge_imports, modules_of
from aciml.core.module_names import GONE, PACKAGES

KNOWN = Brought(frozenset({"python", "numpy", "pyyaml"}), frozenset({"numpy", "yaml", "_yaml"}), True, (3, 11))


def told(text: str, brought: Brought = KNOWN, local: tuple[str, ...] = (), anywhere: tuple[str, ...] = ()) -> list[str]:
    imports = certain_imports(ast.parse(text))
    return [f"{one.line}: {one.why}" for one in judge_imports(imports, text, local, brought, anywhere)]


def test_a_missing_module_is_told_with_its_line_and_the_package_that_is_usually_meant() -> None:
    assert told("import numpy\nimport sklearn.linear_model as lm\nfrom sklearn import svm\n") == [
        "2: sklearn is imported, and no package of the environment brings it; it is in scikit-learn: add that"
    ]
    (said,) = told("import cv2")
    assert "opencv-python-headless" in said
    assert (
        told("import json, os.path\nfrom yaml import safe_load\nfrom . import x\nimport helper", local=("helper",))
        == []
    )


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    import torch\nexcept ImportError:\n    torch = None",
        "try:\n    import torch\nexcept (ModuleNotFoundError, ValueError):\n    import tensorflow",
        "try:\n    import torch\nexcept:\n    pass",
        "try:\n    import torch\nexcept errors.Missing:\n    pass",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
        "def run(data):\n    import torch",
        "import contextlib\nwith contextlib.suppress(ImportError):\n    import torch",
        "import sys\nif sys.version_info < (3, 11):\n    import tomli",
        "from inference_schema.schema_decorators import input_schema",
        "from azureml.contrib.services.aml_request import rawhttp",
        "from azureml.core import Model",
        "from azureml.core.model import Model",
        "import sys\nsys.path.append('lib')\nimport mine",
    ],
)
def test_what_need_not_be_there_is_passed_over(text: str) -> None:
    assert told(text) == []


def test_an_import_that_certainly_runs_is_judged_wherever_it_stands() -> None:
    assert len(told("class A:\n    import torch")) == 1
    assert len(told("try:\n    import torch\nexcept ValueError:\n    pass\nfinally:\n    import transformers")) == 2
    assert "azureml-core" in told("from azureml.core import Workspace")[0]


def test_a_module_of_no_known_package_is_told_only_if_all_files_are_known() -> None:
    assert told("import nobody_has_this") != []
    partly = Brought(KNOWN.packages, KNOWN.modules, False, (3, 11))
    assert told("import nobody_has_this", partly) == []
    assert told("import sklearn", partly) != []
    assert told("import sklearn", Brought(frozenset({"scikit-learn"}))) == []
    assert told("import torch", Brought(frozenset({"pytorch"}))) == []
    assert told("import flask_thing", Brought(frozenset({"Flask.Thing"}), whole=True)) == []


def test_of_an_images_own_python_only_python_itself_is_judged() -> None:
    own = Brought(python=(3, 12), known=False)
    assert told("import sklearn, whatever", own) == []
    assert told("import imp", own) == [
        "1: imp is imported, which Python 3.12 has no more, and the environment has 3.12"
    ]


def test_modules_that_python_lost_or_has_not_yet_are_told_by_version() -> None:
    assert told("import tomllib", Brought(python=(3, 10), whole=True)) != []
    assert told("import tomllib, imp, distutils") == []
    assert told("import distutils.core", Brought(frozenset({"setuptools"}), python=(3, 12))) == []
    assert told("import cgi", Brought(python=(3, 13))) != []


def test_a_module_in_a_folder_of_the_source_is_told_as_that() -> None:
    (said,) = told("import helper", anywhere=("helper",))
    assert "lies in a folder of the source" in said
    assert told("import sys\nsys.path.insert(0, 'lib')\nimport helper", anywhere=("helper",)) == []


def test_the_modules_of_a_package_are_those_of_its_files() -> None:
    library = "lib/python3.11/site-packages"
    names = ["yaml/__init__.py", "_yaml/x.py", "six.py", "_c.cpython-311-x86_64-linux-gnu.so", "six-1.dist-info/RECORD"]
    assert modules_of([*(f"{library}/{name}" for name in names), "bin/six"]) == {"yaml", "_yaml", "six", "_c"}
    assert modules_of(["site-packages/numpy/__init__.py"]) == {"numpy"}


def test_the_tables_have_names_as_indexes_write_them() -> None:
    for module, packages in PACKAGES.items():
        assert module.isidentifier()
        assert packages
        assert all(name == name.lower() and "_" not in name for name in packages)
    assert not PACKAGES.keys() & GONE.keys()


_QUIET = "try:\n    import d\nexcept ImportError:\n    pass"
_LINES = st.lists(st.sampled_from(["import a", "from a.b import c", _QUIET, "from . import e", "x = 1"]), max_size=6)


@given(_LINES, st.sets(st.sampled_from("abcde")))
def test_what_is_brought_is_never_told(lines: list[str], modules: set[str]) -> None:
    found = told("\n".join(lines), Brought(modules=frozenset(modules), whole=True, python=(3, 11)))
    assert not any(one.split()[1] in modules for one in found)
