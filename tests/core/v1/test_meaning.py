"""What v1's files mean as arguments: where files are, base, packages, steps, sizes, keys."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.core.v1.keys import Fate
from aciml.core.v1.packages import CondaText, amend
from aciml.core.v1.script import asks_of

from .files import CONDA, FILES, SCRIPT, given, read, saved, whys


def test_files_of_the_inference_config_are_relative_to_its_source_directory() -> None:
    meaning = given(read({"extraDockerfileSteps": "s/steps"}, files={"src/s/steps": "RUN a\n"}))

    assert meaning["source_directory"] == "src"
    assert meaning["packages.conda_file"] == "src/conda.yml"
    assert meaning["steps.file"] == "src/s/steps"
    assert "steps.context" not in meaning


def test_a_file_beside_the_source_directory_is_not_taken_and_told() -> None:
    said = whys(read({"condaFile": "top.yml"}, files={"top.yml": CONDA}))

    assert said == [
        "ic.json:4: condaFile: src/top.yml does not exist; top.yml does, but v1 took it relative to sourceDirectory"
    ]


def test_without_a_source_directory_the_script_goes_alone() -> None:
    meaning = read(
        {"sourceDirectory": None, "entryScript": "sub/score.py"}, files={"sub/score.py": SCRIPT, "conda.yml": CONDA}
    )

    assert meaning.is_alone
    assert given(meaning)["source_directory"] == "sub"
    assert given(meaning)["entry_script"] == "score.py"


def test_a_path_of_windows_is_one() -> None:
    assert given(read({"sourceDirectory": ".\\src"}))["source_directory"] == "src"


@pytest.mark.parametrize("key", ["extraDockerfileSteps", "extraDockerFileSteps"])
def test_steps_are_taken_in_both_spellings_as_lines(key: str) -> None:
    lines = ["RUN apt-get update", "COPY my_configs/ /etc/my/"]
    meaning = given(read({key: lines}))

    assert meaning["steps.lines"] == lines
    assert meaning["steps.context"] == "src"


@pytest.mark.parametrize(
    ("said", "image"),
    [
        ({}, "debian:bookworm-slim"),
        ({"baseImage": "a/b:1"}, "a/b:1"),
        ({"baseImage": "a/b:1", "baseImageRegistry": "reg.example"}, "reg.example/a/b:1"),
        ({"baseImage": "reg.example/a/b:1", "baseImageRegistry": "reg.example"}, "reg.example/a/b:1"),
        ({"baseImage": "b", "baseImageRegistry": {"address": "https://reg.example/"}}, "reg.example/b"),
        ({"baseImage": "b", "baseImageRegistry": {"address": None}}, "b"),
    ],
)
def test_a_registry_is_a_text_or_an_object(said: dict[str, Any], image: str) -> None:
    assert given(read(said))["base_image"] == image
    inline = {"environment": {"docker": said}}
    assert given(read({"condaFile": None, **inline}))["base_image"] == image


def test_the_account_of_a_registry_is_a_secret() -> None:
    account = {"address": "reg.example", "username": "u", "password": "hunter2"}
    meaning = read({"baseImage": "b", "baseImageRegistry": account})

    assert given(meaning)["base_username"] == "u"
    assert [one.argument for one in meaning.environment if one.secret] == ["base_password"]
    assert "hunter2" not in str(meaning.outcomes) + repr(meaning.environment)


def test_v1_s_defaults_stay_at_home_and_are_raised_in_the_cloud() -> None:
    size = {"containerResourceRequirements": {"cpu": 0.1, "memoryInGB": 1.5}}
    meaning = read(None, size)
    sizes = {
        one.argument: (one.value, one.cloud) for one in meaning.service if one.argument in ("cpu_cores", "memory_gb")
    }

    assert sizes == {"cpu_cores": (0.1, 1.0), "memory_gb": (1.5, None)}
    assert ["0.1 at home; on Azure 1" in one.why for one in meaning.outcomes if one.told] == [True]


def test_flat_keys_of_encryption_and_network_are_placed_below_azure() -> None:
    flat = {"vaultBaseUrl": "https://v.example", "keyName": "k", "keyVersion": "1", "vnetName": "v", "subnetName": "s"}
    meaning = given(read(None, flat))

    assert meaning["azure.encryption.cmk_vault_base_url"] == "https://v.example"
    assert meaning["azure.network.subnet_name"] == "s"


def test_a_port_counts_at_home_alone() -> None:
    assert given(read(None, {"computeType": "local", "port": 6789}))["port"] == 6789
    assert "port" not in given(read(None, {"port": 6789}))


def test_keys_count_where_they_are_asked_for() -> None:
    keys = {"keys": {"primaryKey": "one", "secondaryKey": "two"}}

    assert given(read(None, {"authEnabled": True, **keys}))["secondary_key"] == "two"
    assert given(read(None, {"authEnabled": False, **keys})).get("primary_key") is None


def test_the_environment_of_a_file_counts_before_flat_keys() -> None:
    inline = {
        "name": "e",
        "docker": {"baseImage": "own:1"},
        "python": {"condaDependencies": {"dependencies": ["python=3.12"]}},
    }
    meaning = read({"environment": inline, "baseImage": "other:1", "extraDockerfileSteps": ["RUN a"]})

    assert given(meaning)["base_image"] == "own:1"
    assert given(meaning)["packages.conda_text"] == CondaText("dependencies:\n  - python=3.12\n")
    assert given(meaning)["steps.lines"] == ["RUN a"]
    assert {one.key for one in meaning.outcomes if one.told} == {"condaFile", "baseImage"}


def test_variables_are_the_service_s_and_what_is_named_like_a_secret_is_one() -> None:
    variables = {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE", "LEVEL": 3, "ON": True, "STORAGE_KEY": "hunter2"}
    meaning = given(read({"environment": {"environmentVariables": variables}, "condaFile": None}))

    assert meaning["environment_variables"] == {"LEVEL": "3", "ON": "true"}
    assert meaning["secure_environment_variables"] == {"STORAGE_KEY": "hunter2"}


def test_the_variable_of_each_environment_stays_where_the_script_reads_it() -> None:
    said = {"environment": {"environmentVariables": {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}}, "condaFile": None}
    reads = {"src/score.py": 'import os\ndef run(a):\n    return os.environ["EXAMPLE_ENV_VAR"]\n'}
    without = read(said)
    fates = [(one.fate, "is left out" in one.why) for one in without.outcomes if one.key.endswith("Variables")]

    assert given(read(said, files=reads))["environment_variables"] == {"EXAMPLE_ENV_VAR": "EXAMPLE_VALUE"}
    assert "environment_variables" not in given(without)
    assert fates == [(Fate.NOT_GIVEN, True)]


def test_the_name_of_an_environment_in_a_workspace_takes_the_saved_one() -> None:
    said = {"environment": "AzureML-sklearn", "condaFile": None}

    assert "beside it, as environment" in whys(read(said))[0]
    assert given(read(said, files=saved("own"), scaffold="env"))["base_image"] == "myreg.azurecr.io/azureml/own:1"
    two = read({"environment": {"docker": {"baseImage": "a:1"}}, "condaFile": None}, files=saved("own"), scaffold="env")
    assert whys(two) == ["ic.json:5: environment: another environment is given beside it; keep one"]


@pytest.mark.parametrize("place", ["env", "env/azureml_environment.json"])
def test_an_environment_that_the_sdk_saved_is_read(place: str) -> None:
    meaning = read({"condaFile": None}, files=saved("plain"), scaffold=place)
    text = given(meaning)["packages.conda_text"].text

    assert given(meaning)["base_image"].startswith("mcr.microsoft.com/azureml/openmpi")
    assert "python=3.8.13" in text
    assert "  - azureml-defaults" not in text
    assert "environment_variables" not in given(meaning)
    assert {one.key for one in meaning.outcomes if one.told} == {"python.condaDependenciesFile"}


def test_a_saved_dockerfile_is_the_base() -> None:
    meaning = given(read({"condaFile": None}, files=saved("dockerfile"), scaffold="env"))
    packages = meaning["packages.conda_text"].text

    assert meaning["dockerfile.file"] == "env/BaseDockerfile"
    assert "base_image" not in meaning
    # what the SDK puts into every file is left out, and pip is put in before its section
    assert "index.html" not in packages
    assert packages.index("- pip\n") < packages.index("- pip:") < packages.index("inference-schema")


def test_an_image_with_its_own_python_keeps_its_packages() -> None:
    meaning = given(read({"condaFile": None}, files=saved("own"), scaffold="env"))

    assert meaning["base_image"] == "myreg.azurecr.io/azureml/own:1"
    assert meaning["packages.interpreter_path"] == "/opt/venv/bin/python"
    assert meaning["base_password"] == "hunter2"
    assert not {"packages.conda_file", "packages.conda_text"} & meaning.keys()
    assert meaning["environment_variables"] == {"A": "1"}


@pytest.mark.parametrize(("name", "key"), [("r", "r"), ("spark", "spark.packages")])
def test_a_saved_environment_for_r_or_spark_is_refused(name: str, key: str) -> None:
    assert [finding.where for finding in read({"condaFile": None}, files=saved(name), scaffold="env").findings] == [key]


def test_a_dockerfile_is_a_text_or_a_path() -> None:
    def base(text: str) -> dict[str, Any]:
        return given(
            read(
                {"condaFile": None, "environment": {"docker": {"baseImage": None, "baseDockerfile": text}}}, files=FILES
            )
        )

    assert base("FROM debian\nRUN a\n")["dockerfile.text"] == "FROM debian\nRUN a\n"
    assert base("score.py")["dockerfile.file"] == "src/score.py"


def test_a_file_that_may_not_be_read_is_told() -> None:
    said = whys(read(files={"src/conda.yml": None, "src/score.py": None}))

    assert said == [
        "ic.json:2: entryScript: src/score.py cannot be read: Permission denied",
        "ic.json:4: condaFile: src/conda.yml cannot be read: Permission denied",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("dependencies:\n  - python=3.11\n  - numpy\n", None),
        ("dependencies: [python=3.11, {pip: [azureml-defaults]}]\n", "dependencies: [python=3.11]\n"),
        ("dependencies:\n  - numpy\n", "dependencies:\n  - python=3.10\n  - numpy\n"),
        (
            "dependencies:\n  - python=3.11\n  - pip:\n      - azureml_defaults==1.33.0 # v1\n      - x\n",
            "dependencies:\n  - python=3.11\n  - pip\n  - pip:\n      - x\n",
        ),
        ("dependencies:\n  - conda-forge::python=3.11\n", None),
        ("not: [closed\n", None),
        ("- a list\n", None),
        ("dependencies: 3\n", None),
    ],
)
def test_a_conda_file_says_what_v1_did_by_itself(before: str, after: str | None) -> None:
    amended = amend(before)

    assert amended.text == (before if after is None else after)
    assert bool(amended.notes) is (after is not None)


@pytest.mark.parametrize(
    ("spec", "old"),
    [("python=3.6.2", True), ("python==3.7", True), ("conda-forge::python=2.7", True), ("python=3.8.13", False),
     ("python>=3.6", False), ("python=3.10", False), ("python-dateutil=2.8", False)],
)  # fmt: skip
def test_a_python_of_v1_s_time_is_told(spec: str, *, old: bool) -> None:
    meaning = read(files={"src/conda.yml": f"dependencies:\n  - {spec}\n  - python-x\n"})

    assert any(f"{spec} is older than 3.8" in one.why and one.told for one in meaning.outcomes) is old


def test_a_model_whose_name_is_not_written_is_asked_for() -> None:
    asks = asks_of("import os\nx = Model.get_model_path(os.environ['NAME'])\n")

    assert (asks.models, asks.model_dir) == ((), 2)


def test_a_script_that_needs_more_of_v1_keeps_its_package() -> None:
    script = "from azureml.core import Workspace\nfrom azureml.core.model import Model\ndef run(d): return d\n"
    conda = "dependencies:\n  - python=3.11\n  - pip\n  - pip:\n      - azureml-defaults==1.55.0\n"
    text = given(read(files={"src/score.py": script, "src/conda.yml": conda}))["packages.conda_text"].text

    assert "- azureml-core==1.55.0" in text


def test_paths_of_a_pip_section_follow_the_text() -> None:
    text = "dependencies:\n  - python=3.11\n  - pip\n  - pip:\n      - -r r.txt\n      - ./w.whl\n      - numpy\n"

    assert CondaText(text).placed("../src") == text.replace("-r r.txt", "-r ../src/r.txt").replace("./w", "./../src/w")
    assert CondaText(text).placed("") == text


@pytest.mark.parametrize(
    ("line", "asked"),
    [
        ('Model.get_model_path("iris")', "iris"),
        ('Model.get_model_path(model_name="iris", version=2)', "iris"),
        ('os.path.join(os.getenv("AZUREML_MODEL_DIR"), "a.pkl")', "a.pkl"),
        ('os.path.join(os.environ["AZUREML_MODEL_DIR"], "model", "w.h5")', "model/w.h5"),
        ('Path(os.environ["AZUREML_MODEL_DIR"]) / "m" / "a.pkl"', "m/a.pkl"),
        ('Path(os.environ["AZUREML_MODEL_DIR"]).joinpath("a.pkl")', "a.pkl"),
    ],
)
def test_models_are_found_in_a_script(line: str, asked: str) -> None:
    asks = asks_of(f"import os\ndef init():\n    x = {line}\n")

    assert [(one.shown, one.line) for one in asks.models] == [(asked, 3)]


def test_a_script_that_cannot_be_parsed_asks_for_nothing() -> None:
    assert asks_of("def run(:\n") == asks_of("")
