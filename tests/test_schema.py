"""The schema says of each thing what it is; its examples are programs."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

import pulumi_aciml
from aciml.model.config import SECRETS
from aciml.model.judge import TABLES
from aciml.schema import schema

ROOT = Path(__file__).resolve().parents[1]
SPEC = schema()
COMPONENTS = [token for token, resource in SPEC["resources"].items() if resource.get("isComponent")]
JSON_OF_USERS = {
    "aciml:index:SmokeTest.expectJson": "an answer of the user's script",
    "aciml:index:Volume.emptyDir": "the cloud's empty object",
    "aciml:index:Container.gpu": "refused, whatever it says",
    "aciml:compute:ContainerGroup.gpu": "the same",
    "aciml:image:Environment.dependencies": "an output: what is asked for, as conda.yml has it",
}


def properties() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield all properties with their place."""
    for owners in (SPEC["resources"], SPEC["types"]):
        for owner, spec in owners.items():
            for kind in ("inputProperties", "properties"):
                for name, property_ in spec.get(kind, {}).items():
                    yield f"{owner}.{name}", property_
    for name, property_ in SPEC["config"]["variables"].items():
        yield f"config.{name}", property_


def test_everything_is_described() -> None:
    bare = [where for where, property_ in properties() if not property_.get("description")]
    bare += [owner for kind in ("resources", "types") for owner, one in SPEC[kind].items() if not one["description"]]
    bare += [
        f"{owner}.{word['name']}"
        for owner, one in SPEC["types"].items()
        for word in one.get("enum", ())
        if not word.get("description")
    ]

    assert bare == []


def test_any_is_where_users_give_json_of_their_own() -> None:
    found = {where for where, property_ in properties() if "pulumi.json#/Any" in json.dumps(property_)}

    assert found == JSON_OF_USERS.keys()


def test_references_lead_to_types() -> None:
    referred = set(re.findall(r'"#/types/([^"]+)"', json.dumps(SPEC)))

    assert referred == SPEC["types"].keys()
    assert not [name for name in SPEC["types"] if name.endswith("Args")]


@pytest.mark.parametrize("token", sorted(TABLES))
def test_secrets_of_the_tables_are_secrets_of_the_schema(token: str) -> None:
    inputs = SPEC["resources"][token]["inputProperties"]

    assert {name for name, field in TABLES[token].items() if field.secret} == {
        name for name, one in inputs.items() if one.get("secret")
    }


def test_the_provider_is_configured_with_secrets_and_enums() -> None:
    variables = SPEC["config"]["variables"]

    assert {name for name, one in variables.items() if one.get("secret")} == SECRETS
    assert [word["value"] for word in SPEC["types"]["aciml:index:Target"]["enum"]] == ["local", "azure"]
    assert variables["target"]["$ref"] == "#/types/aciml:index:Target"
    assert SPEC["provider"]["inputProperties"] == variables


def test_defaults_are_those_of_the_tables_and_stand_at_inputs_of_resources_alone() -> None:
    """With one inside of an object, SDKs make the whole object secret or unknown if one of its fields is."""
    inside = [
        name for name, one in SPEC["types"].items() if any("default" in p for p in one.get("properties", {}).values())
    ]
    outputs = [
        name for name, one in SPEC["resources"].items() if any("default" in p for p in one["properties"].values())
    ]

    assert inside == []
    assert outputs == []
    for token, fields in TABLES.items():
        for name, one in SPEC["resources"][token]["inputProperties"].items():
            assert "default" not in one or one["default"] == fields[name].default
    assert SPEC["resources"]["aciml:index:ScoringService"]["inputProperties"]["rollback"]["default"] is True


def examples(token: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SPEC["resources"][token]["description"], re.DOTALL)


@pytest.mark.parametrize("token", COMPONENTS)
def test_each_component_has_an_example_in_three_languages(token: str) -> None:
    assert all(examples(token, language) for language in ("python", "typescript", "yaml"))


@pytest.mark.parametrize("token", COMPONENTS)
def test_examples_in_yaml_use_words_of_the_schema(token: str) -> None:
    for text in examples(token, "yaml"):
        for resource in YAML(typ="safe").load(StringIO(text))["resources"].values():
            spec = SPEC["resources"][resource["type"].replace("aciml:", "aciml:index:")]
            given = resource.get("properties", {})
            assert given.keys() <= spec["inputProperties"].keys()
            assert set(spec.get("requiredInputs", ())) <= given.keys()


@pytest.mark.parametrize("token", COMPONENTS)
def test_examples_in_typescript_are_of_the_package_by_its_name(token: str) -> None:
    for text in examples(token, "typescript"):
        assert f'from "{SPEC["language"]["nodejs"]["packageName"]}"' in text


def test_examples_in_python_are_programs_that_types_check(tmp_path: Path) -> None:
    head = "import pulumi_aciml as aciml\n"
    known = f"{head}registry: aciml.Registry\nenvironment: aciml.EnvironmentImage\n"
    for token in COMPONENTS:
        for index, text in enumerate(examples(token, "python")):
            names = {node.attr for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Attribute)}
            assert {name for name in names if name[0].isupper()} <= set(dir(pulumi_aciml))
            body = text if "aciml.Registry(" in text else known + text
            (tmp_path / f"{token.rpartition(':')[2].lower()}_{index}.py").write_text(body)
    files = sorted(str(path) for path in tmp_path.glob("*.py"))
    # with the settings of the house: what they import is in mypy's cache, if all was checked before
    command = [sys.executable, "-m", "mypy", *files]
    said = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert said.returncode == 0, said.stdout
