"""``Model.get_model_path``, as scripts of v1 call it, without v1's package."""

from __future__ import annotations

import json

import pytest

from ..conftest import PYTHONS, Serve

SCRIPT = """
from azureml.core.model import Model
from azureml.core import Model as Same

def run(raw_data):
    try:
        name, version = raw_data.split(":") if ":" in raw_data else (raw_data, None)
        assert Same is Model
        with open(Model.get_model_path(name, version=version and int(version))) as file:
            return file.read()
    except FileNotFoundError as error:
        return str(error)
"""
FILES = {
    "azureml-models/iris/9/iris.txt": "nine",
    "azureml-models/iris/10/iris.txt": "ten",
    "azureml-models/two/1/a.txt": "a",
    "azureml-models/two/1/b.txt": "b",
    "plain.txt": "beside",
}


@pytest.mark.parametrize("version", PYTHONS)
def test_a_model_is_found_by_its_name_and_version(version: str, start: Serve) -> None:
    server = start(SCRIPT, FILES, version=version)

    def answer(asked: str) -> object:
        return json.loads(server.ask("POST", "/score", asked.encode(), {"Content-Type": "text/plain"}).body)

    assert answer("iris") == "ten"
    assert answer("iris:9") == "nine"
    assert (
        answer("iris:11") == "there is no model iris in version 11 in this image; models of the service are: iris, two"
    )
    assert answer("two") == "model two has 2 files and no folder for them"
    assert answer("rose") == "there is no model rose in this image; models of the service are: iris, two"
