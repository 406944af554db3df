"""What pages say of names, codes and variables is what the code has."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

import pytest

from aciml.construct import COMPONENTS
from aciml.core.casing import snake_case
from aciml.schema import schema
from aciml.targets.azure.config import SOURCES
from pulumi_aciml.args.declared import arguments_of, leaves_of
from tests.docs.pages import PAGES, ROOT

# azureml-core 1.61: names of parameters, from the signatures of its classes
V1 = {
    "AciWebservice.deploy_configuration": (
        "cpu_cores memory_gb tags properties description location auth_enabled ssl_enabled enable_app_insights "
        "ssl_cert_pem_file ssl_key_pem_file ssl_cname dns_name_label primary_key secondary_key collect_model_data "
        "cmk_vault_base_url cmk_key_name cmk_key_version vnet_name subnet_name"
    ),
    "InferenceConfig": (
        "entry_script runtime conda_file extra_docker_file_steps source_directory enable_gpu description base_image "
        "base_image_registry cuda_version environment"
    ),
    "ContainerImage.image_configuration": (
        "execution_script runtime conda_file docker_file schema_file dependencies enable_gpu tags properties "
        "description base_image base_image_registry cuda_version"
    ),
    "Environment": (
        "name version environment_variables inferencing_stack_version python.conda_dependencies "
        "python.conda_dependencies_file python.user_managed_dependencies python.interpreter_path docker.base_image "
        "docker.base_dockerfile docker.build_context docker.base_image_registry docker.platform spark databricks r "
        "from_conda_specification from_pip_requirements from_existing_conda_environment from_dockerfile "
        "from_docker_image from_docker_build_context register get list label clone build build_local get_image_details "
        "save_to_directory add_private_pip_wheel"
    ),
    "Webservice and AciWebservice": (
        "update wait_for_deployment get_logs get_keys regen_key get_token swagger_uri add_tags remove_tags "
        "add_properties delete serialize deserialize list"
    ),
    "LocalWebservice": "update reload run get_logs wait_for_deployment deploy_to_cloud get_keys regen_key",
    "Model": "Model.register Model.get_model_path Model.deploy Model.package Model.profile",
}
PARAMETERS = (PAGES / "migration/parameters.md").read_text(encoding="utf-8")
SERVER = (PAGES / "reference/server.md").read_text(encoding="utf-8")
VARIABLES = (PAGES / "reference/variables.md").read_text(encoding="utf-8")


def section(text: str, title: str) -> str:
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def rows(text: str) -> Iterator[list[str]]:
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip() for cell in line.strip("|").split(" | ")]


@pytest.mark.parametrize("title", V1)
def test_each_parameter_of_v1_has_a_row(title: str) -> None:
    first = " ".join(cells[0] for cells in rows(section(PARAMETERS, title)))
    told = {name.partition("(")[0] for name in re.findall(r"`([^`]+)`", first)}

    assert [name for name in V1[title].split() if name not in told] == []


@cache
def ours() -> frozenset[str]:
    """Return all names of arguments, as paths, and those of outputs."""
    found = set()
    for token, (_, cls) in COMPONENTS.items():
        found |= {argument.name for argument in arguments_of(cls)}
        found |= {".".join(path) for path, _ in leaves_of(cls)}
        found |= {path[0] for path, _ in leaves_of(cls)}
        found |= {".".join(path[:-1]) for path, _ in leaves_of(cls)}
        found |= {snake_case(name) for name in schema()["resources"][token]["properties"]}
    return frozenset(found)


def test_each_name_of_ours_on_the_page_of_parameters_exists() -> None:
    named = {
        word
        for cells in rows(PARAMETERS)
        for word in re.findall(r"`([a-z][a-z_]*(?:\.[a-z_]+)*)`", cells[1] if len(cells) > 1 else "")
    }
    not_arguments = {"conda.yml", "score.py", "swagger.json", "dependencies", "channels", "python", "cmk_identity"}

    assert len(named) > 50
    assert sorted(named - ours() - not_arguments) == []


def test_status_codes_of_the_server_are_on_its_page() -> None:
    told = {int(code) for code in re.findall(r"^\| (\d{3}) \|", SERVER, re.MULTILINE)}
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "server/aciml_server").rglob("*.py"))
    said = {int(number) for number in re.findall(r"\b(?:refusal|Answer)\((\d{3})", code)} | {200}

    assert told == said


def test_headers_of_the_server_are_on_its_page() -> None:
    told = {*re.findall(r"^\| `([a-z-]+)` \|", SERVER, re.MULTILINE)}
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "server/aciml_server").rglob("*.py"))
    said = {name.lower() for name in re.findall(r"\b(x-(?:ms|request|aciml)-[a-z-]+|traceid)\b", code)}

    assert said - {"x-request-id"} <= told
    assert {"x-request-id", "authorization", "retry-after", "traceparent"} <= told


def test_routes_of_the_server_are_on_its_page() -> None:
    for route in ("/", "/score", "/score/<name>", "/swagger.json?version=", "/docs", "/metrics", "/live`, `/ready"):
        assert f"| `{route}` |" in SERVER


def test_variables_of_the_plugin_are_on_its_page() -> None:
    for key, names in SOURCES.items():
        assert all(f"`{name}`" in VARIABLES for name in names), key
        assert key.startswith("oidcRequest") or f"`aciml:{key}` | `{names[0]}`" in VARIABLES, key
    code = (ROOT / "provider/aciml/settings.py").read_text(encoding="utf-8")
    assert {*re.findall(r'"((?:ACIML|SSL)_[A-Z_]+)"', code)} <= {*re.findall(r"`([A-Z_]+)`", VARIABLES)}


def test_prices_are_those_that_the_live_tests_count_with() -> None:
    from tests.live.azure_live import BASIC_DAY, CORE_SECOND, GIB_SECOND

    text = (PAGES / "guides/cost.md").read_text(encoding="utf-8")
    day = 86_400
    for figure in (CORE_SECOND * day, GIB_SECOND * day, (CORE_SECOND + GIB_SECOND) * day, BASIC_DAY):
        assert f"{figure:.2f}" in text
    assert f"{(2 * CORE_SECOND + 4 * GIB_SECOND) * day:.2f}" in text
    for page in ("README.md", "docs/pages/index.md"):
        assert f"{(CORE_SECOND + GIB_SECOND) * day:.2f}" in (ROOT / page).read_text(encoding="utf-8")


def test_limits_on_the_page_of_questions_are_those_of_the_code() -> None:
    from aciml.core.partition import ALL_LAYERS, SERVICE_LAYERS
    from aciml.targets.azure.service import LARGEST_IMAGE

    text = (PAGES / "questions.md").read_text(encoding="utf-8")
    assert f"{LARGEST_IMAGE / 1e9:.0f} GB" in text
    assert f"| {ALL_LAYERS}, with {SERVICE_LAYERS} kept for the service " in text
    for anchor in ("private-channel", "private-base-image", "image-size", "https", "rollback"):
        assert f"{{ #{anchor} }}" in text
