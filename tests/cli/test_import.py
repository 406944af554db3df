"""``aciml import``: the project that a person finds, golden by its structure, and what is refused."""

from __future__ import annotations

import ast
import io
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from aciml import __version__
from aciml.cli import main
from aciml.cli.v1_project import Project, write_project
from aciml.core.errors import UserError
from tests.program import aciml

Run = Callable[..., "subprocess.CompletedProcess[str]"]
INFERENCE: dict[str, Any] = {"entryScript": "score.py", "sourceDirectory": "./src", "condaFile": "conda.yml"}
DEPLOYMENT: dict[str, Any] = {
    "computeType": "ACI",
    "containerResourceRequirements": {"cpu": 0.1, "memoryInGB": 2},
    "authEnabled": True,
    "keys": {"primaryKey": "hunter2", "secondaryKey": None},
}
SCORE = """
import os
from azureml.core.model import Model

def init():
    open(os.path.join(os.getenv("AZUREML_MODEL_DIR"), "a.pkl"))

def run(raw_data):
    return raw_data
"""
CONDA = "dependencies:\n  - python=3.11\n  - pip:\n      - azureml-defaults\n      - -r more.txt\n"
WRITTEN = {
    ".gitignore", "Pulumi.azure.yaml", "Pulumi.local.yaml", "Pulumi.yaml", "README.md", "__main__.py", "conda.yml",
    "requirements.txt",
}  # fmt: skip


def write(folder: Path, **files: Any) -> None:
    """Write files; ``__`` is a slash, and what is no text is JSON."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content, indent=1))


@pytest.fixture
def v1(tmp_path: Path) -> Path:
    folder = tmp_path / "iris_v1"
    write(
        folder,
        **{
            "inferenceconfig.json": INFERENCE,
            "deploymentconfig.json": DEPLOYMENT,
            "src/score.py": SCORE,
            "src/conda.yml": CONDA,
            "outputs/a.pkl": "model",
        },
    )
    return folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """The program in this process: loading it takes longer than most of what it does here."""
    monkeypatch.chdir(tmp_path)

    def run_it(*words: str) -> subprocess.CompletedProcess[str]:
        out, err = io.StringIO(), io.StringIO()
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["import", *words])
        return subprocess.CompletedProcess(words, code, out.getvalue(), err.getvalue())

    return run_it


@pytest.fixture
def process(tmp_path: Path) -> Run:
    """The program as a process of its own."""

    def run_it(*words: str) -> subprocess.CompletedProcess[str]:
        return aciml("import", *words, folder=tmp_path)

    return run_it


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def read_yaml(path: Path) -> Any:
    return YAML(typ="safe", pure=True).load(path.read_text())


def calls(program: str) -> dict[str, dict[str, str]]:
    """Return the arguments of each call of a class, as they are written."""
    return {
        call.func.attr: {str(one.arg): ast.unparse(one.value) for one in call.keywords}
        for call in ast.walk(ast.parse(program))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr.endswith("Args")
    }


def test_the_project_says_what_the_files_said(process: Run, v1: Path) -> None:
    before = bytes_of(v1)

    done = process("iris_v1")

    assert done.returncode == 0, done.stderr
    deploy = v1 / "deploy"
    after = bytes_of(v1)
    assert {name: after[name] for name in before} == before
    assert {name.removeprefix("deploy/") for name in after.keys() - before.keys()} == WRITTEN
    made = calls((deploy / "__main__.py").read_text())
    assert made["EnvironmentImageArgs"] == {
        "login_server": "registry.login_server",
        "base_image": "'debian:bookworm-slim'",
        "packages": "aciml.PackagesArgs(conda_file='conda.yml')",
    }
    assert made["ScoringServiceArgs"] == {
        "login_server": "registry.login_server",
        "environment_image": "environment.image",
        "source_directory": "'../src'",
        "entry_script": "'score.py'",
        "models": "{'a': '../outputs/a.pkl'}",
        "cpu_cores": "config.get_float('cpuCores')",
        "memory_gb": "2",
        "auth_enabled": "True",
        "primary_key": "config.require_secret('primaryKey')",
    }
    assert read_yaml(deploy / "Pulumi.yaml").items() >= {"name": "iris_v1", "runtime": "python", "main": "."}.items()
    assert read_yaml(deploy / "Pulumi.local.yaml")["config"] == {"aciml:target": "local", "iris_v1:cpuCores": 0.1}
    azure = read_yaml(deploy / "Pulumi.azure.yaml")["config"]
    assert (azure["aciml:target"], azure["iris_v1:cpuCores"]) == ("azure", 1)
    assert (deploy / "requirements.txt").read_text() == f"aciml~={__version__}\n"
    needs = read_yaml(deploy / "conda.yml")["dependencies"]
    assert needs == ["python=3.11", "pip", {"pip": ["-r ../src/more.txt"]}]


def test_no_secret_of_the_files_is_in_the_project_and_the_command_says_where_it_goes(run: Run, v1: Path) -> None:
    done = run("iris_v1")

    assert "hunter2" not in done.stdout + done.stderr
    assert all(b"hunter2" not in content for content in bytes_of(v1 / "deploy").values())
    line = "pulumi config set --secret primaryKey    # in iris_v1/deploymentconfig.json:9, keys.primaryKey"
    assert line in done.stdout
    assert "pulumi config set --secret primaryKey\npulumi up" in (v1 / "deploy/README.md").read_text()


def test_the_page_says_what_became_of_each_key_without_a_path_of_this_machine(run: Run, v1: Path) -> None:
    assert run(str(v1)).returncode == 0
    page = (v1 / "deploy/README.md").read_text()
    rows = dict(line.split(" | ", 1) for line in page.splitlines() if line.startswith("| `"))

    assert set(rows) == {
        "| `entryScript`", "| `sourceDirectory`", "| `condaFile`", "| `computeType`", "| `authEnabled`",
        "| `containerResourceRequirements.cpu`", "| `containerResourceRequirements.memoryInGB`",
        "| `keys.primaryKey`", "| `keys.secondaryKey`",
    }  # fmt: skip
    assert rows["| `keys.secondaryKey`"] == "deploymentconfig.json:10 | not given | it says nothing |"
    assert rows["| `condaFile`"].startswith("inferenceconfig.json:4 | used: `packages` | azureml-defaults is left out")
    assert str(v1.parent) not in page


def test_the_program_is_declared_with_all_that_it_says(run: Run, v1: Path) -> None:
    files: Mapping[str, Any] = {
        "inferenceconfig.json": {
            **INFERENCE,
            "condaFile": None,
            "extraDockerFileSteps": ["RUN echo a", "COPY my.conf /etc/my.conf"],
            "environment": {
                "docker": {"baseDockerfile": "FROM debian:bookworm-slim\nRUN true\n", "baseImage": None},
                "environmentVariables": {"LEVEL": "1", "API_TOKEN": "hunter2"},
                "python": {"condaDependencies": {"dependencies": ["python=3.11", "numpy"]}},
            },
        },
        "deploymentconfig.json": {
            **DEPLOYMENT, "location": "West Europe", "appInsightsEnabled": True,
            "vnetName": "v", "subnetName": "s", "tags": {"team": "a"}, "scoringTimeoutMs": 1000,
            "sslEnabled": True, "sslCertificate": "c.pem", "sslKey": "k.pem", "cname": "iris.example",
        },
        "c.pem": "", "k.pem": "",
    }  # fmt: skip
    write(v1, **files)

    assert (done := run("iris_v1")).returncode == 0, done.stderr

    made = calls((v1 / "deploy/__main__.py").read_text())
    assert made["DockerfileArgs"] == {"file": "'Dockerfile'"}
    assert made["StepsArgs"]["context"] == "'../src'"
    assert made["TlsArgs"] == {
        "ssl_cert_pem_file": "'../c.pem'", "ssl_key_pem_file": "'../k.pem'", "ssl_cname": "'iris.example'",
    }  # fmt: skip
    assert made["NetworkArgs"] == {"vnet_name": "'v'", "subnet_name": "'s'"}
    assert made["LimitsArgs"] == {"scoring_timeout_ms": "1000"}
    assert made["TelemetryArgs"] == {
        "app_insights_connection_string": "config.require_secret('appInsightsConnectionString')"
    }
    service = made["ScoringServiceArgs"]
    assert service["secure_environment_variables"] == "{'API_TOKEN': config.require_secret('API_TOKEN')}"
    assert service["environment_variables"] == "{'LEVEL': '1'}"
    assert "location" not in service
    assert read_yaml(v1 / "deploy/Pulumi.azure.yaml")["config"]["aciml:location"] == "westeurope"
    assert (v1 / "deploy/Dockerfile").read_text() == "FROM debian:bookworm-slim\nRUN true\n"
    assert all(b"hunter2" not in content for content in bytes_of(v1 / "deploy").values())


def test_the_program_is_laid_out_as_a_formatter_would(run: Run, v1: Path) -> None:
    steps = [
        "RUN apt-get update && apt-get install -y --no-install-recommends libgomp1",
        "RUN rm -rf /var/lib/apt/lists",
    ]
    write(v1, **{"inferenceconfig.json": {**INFERENCE, "extraDockerfileSteps": steps, "description": 'Says "iris"'}})
    assert run("iris_v1").returncode == 0
    ruff = [str(Path(sys.executable).with_name("ruff")), "--isolated", "--config", "line-length=120"]

    done = subprocess.run(
        [*ruff, "format", "--diff", str(v1 / "deploy/__main__.py")], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout


def test_the_answer_as_json_has_all_that_a_script_needs(run: Run, v1: Path) -> None:
    facts = json.loads(run("iris_v1", "--json").stdout)

    assert facts["folder"] == "iris_v1/deploy"
    assert set(facts["files"]) == WRITTEN
    assert facts["missing"] == []
    assert facts["secrets"][0]["command"] == "pulumi config set --secret primaryKey"
    fates = {one["key"]: one["fate"] for one in facts["keys"]}
    assert fates["entryScript"] == "used"


def test_a_model_that_is_nowhere_is_said_with_what_to_do(run: Run, v1: Path) -> None:
    (v1 / "outputs/a.pkl").unlink()

    done = run("iris_v1", "--json")

    assert done.returncode == 0
    (missing,) = json.loads(done.stdout)["missing"]
    assert missing.startswith('iris_v1/src/score.py:6 asks for the model "a.pkl"')
    assert "--model a=PATH" in missing
    assert "What is still to be done" in (v1 / "deploy/README.md").read_text()


def test_what_a_preview_will_refuse_of_the_script_is_said_and_it_is_imported_all_the_same(run: Run, v1: Path) -> None:
    (v1 / "src/score.py").write_text("def init():\n    pass\ndef run(:\n")

    done = run("iris_v1")

    assert done.returncode == 0, done.stderr
    assert "to do: iris_v1/src/score.py:3: invalid syntax" in done.stdout
    assert "- src/score.py:3: invalid syntax" in (v1 / "deploy/README.md").read_text()


def test_models_are_given_by_name(run: Run, v1: Path, tmp_path: Path) -> None:
    write(tmp_path, **{"far/b.pkl": "b"})

    assert run("iris_v1", "--model", "b=far/b.pkl", "--model", "a:3=iris_v1/outputs").returncode == 0

    made = calls((v1 / "deploy/__main__.py").read_text())
    assert ast.literal_eval(made["ScoringServiceArgs"]["models"]) == {"b": "../../far/b.pkl", "a:3": "../outputs"}


def test_a_script_that_v1_sent_alone_is_copied_alone(run: Run, v1: Path) -> None:
    alone = {"entryScript": "src/score.py", "condaFile": "src/conda.yml"}
    write(v1, **{"inferenceconfig.json": alone, "src/secret.txt": "not for the image"})

    assert run("iris_v1").returncode == 0

    assert [path.name for path in (v1 / "deploy/src").iterdir()] == ["score.py"]
    assert calls((v1 / "deploy/__main__.py").read_text())["ScoringServiceArgs"]["source_directory"] == "'src'"


def test_a_project_is_not_written_into_what_goes_into_the_image(run: Run, v1: Path, tmp_path: Path) -> None:
    whole = {"entryScript": "src/score.py", "sourceDirectory": ".", "condaFile": "src/conda.yml"}
    write(v1, **{"inferenceconfig.json": whole})

    refused(run("iris_v1", "--out", "iris_v1/x"), "iris_v1/x is in iris_v1, all of which goes into the image")
    assert run("iris_v1").returncode == 0
    made = calls((tmp_path / "iris_v1-deploy/__main__.py").read_text())
    assert made["ScoringServiceArgs"]["source_directory"] == "'../iris_v1'"


def test_yaml_and_names_of_samples_are_found(run: Run, tmp_path: Path) -> None:
    write(
        tmp_path / "p",
        **{
            "config/inference_config.yml": "entryScript: score.py\nsourceDirectory: src\n",
            "config/deployment_config_aci.yml": "computeType: aci\nauthEnabled: yes\n",
            # a template has one for each target: that for Kubernetes cannot be meant
            "config/deployment_config_aks.yml": "computeType: AKS\nautoScaler:\n  minReplicas: 1\n",
            "src/score.py": SCORE,
            "venv/pyvenv.cfg": "",
            "venv/inferenceconfig.json": "{}",
        },
    )

    assert (done := run("p")).returncode == 0, done.stderr
    assert read_yaml(tmp_path / "p/deploy/conda.yml") == {"dependencies": ["python=3.10"]}


def test_an_environment_that_was_saved_beside_the_files_is_taken(run: Run, v1: Path) -> None:
    write(
        v1,
        **{
            "inferenceconfig.json": {**INFERENCE, "condaFile": None},
            "env/azureml_environment.json": {"docker": {"baseImage": "own:1"}},
            "env/conda_dependencies.yml": "dependencies:\n  - python=3.12\n",
        },
    )

    assert (done := run("iris_v1")).returncode == 0, done.stderr
    made = calls((v1 / "deploy/__main__.py").read_text())
    assert made["EnvironmentImageArgs"]["base_image"] == "'own:1'"
    assert made["PackagesArgs"] == {"conda_file": "'../env/conda_dependencies.yml'"}


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stdout
    assert done.stderr.startswith("aciml: ")
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize(
    ("words", "files", "told"),
    [
        (["nowhere"], {}, ["nowhere is no folder"]),
        (["iris_v1", "--inference-config", "no.json"], {}, ["no.json does not exist"]),
        (["iris_v1", "--inference-config", "iris_v1"], {}, ["iris_v1 is a folder"]),
        (["iris_v1", "--environment", "iris_v1/src"], {}, ["there is no azureml_environment.json"]),
        (["iris_v1", "--model", "x"], {}, ['--model "x" is not NAME=PATH']),
        (["iris_v1", "--model", "x=no.pkl"], {}, ["no.pkl does not exist"]),
        (["iris_v1", "--name", "a b"], {}, ['"a b" cannot be the name']),
        (["iris_v1"], {"inferenceconfig.json": "{"}, ["iris_v1/inferenceconfig.json:1: this is not JSON"]),
        (["iris_v1"], {"ic.json": "{}"}, ["several files", "ic.json, iris_v1/inferenceconfig.json", "--inference-con"]),
        (["iris_v1"], {"dc.yml": "a: 1"}, ["several files", "--deployment-config"]),
        (["iris_v1"], {"deploy/mine.txt": "mine"}, ["iris_v1/deploy is not empty: mine.txt is in it", "--out"]),
        (["iris_v1", "--out", "iris_v1/outputs/a.pkl"], {}, ["iris_v1/outputs/a.pkl is a file"]),
        (["iris_v1", "--out", "iris_v1/outputs/a.pkl/x"], {}, ["iris_v1/outputs/a.pkl/x"]),
        (
            ["iris_v1"],
            {
                "deploymentconfig.json": {"computeType": "aks", "authEnable": True},
                "inferenceconfig.json": {"enableGpu": True},
            },
            ["4 things are wrong", "did you mean authEnabled?", "Kubernetes", "no GPUs", "entryScript: it is missing"],
        ),
        (
            ["iris_v1"],
            {"deploymentconfig.json": {"computeType": "aci", "dnsNameLabel": "Not A Label"}},
            ["iris_v1/deploymentconfig.json:3: dnsNameLabel: ", "use 5 to 63 lower-case letters"],
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_written(
    run: Run, v1: Path, tmp_path: Path, words: list[str], files: dict[str, Any], told: list[str]
) -> None:
    write(v1, **files)
    before = bytes_of(tmp_path)

    refused(run(*words), *told)

    assert bytes_of(tmp_path) == before
    assert list(tmp_path.rglob(".*")) == []


def test_a_folder_without_configs_says_how_to_go_on(process: Run, run: Run, v1: Path) -> None:
    (v1 / "deploymentconfig.json").rename(v1 / "deploymentconfg.json")
    refused(process("iris_v1"), "there is no deployment config in iris_v1", '"authEnabled": true')
    (v1 / "inferenceconfig.json").unlink()
    refused(run("iris_v1"), "there is no inference config in iris_v1", "--inference-config")


def test_a_mistake_is_told_as_json_too(run: Run, v1: Path) -> None:
    done = run("nowhere", "--json")

    assert json.loads(done.stdout)["error"]["message"] == "nowhere is no folder"


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_what_is_interrupted_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Any) -> None:
    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr("shutil.copyfile", interrupted)
    project = Project({"a/b.txt": "b"}, {"c.py": tmp_path / "c.py"})

    with pytest.raises((KeyboardInterrupt, UserError)):
        write_project(project, tmp_path / "new/deeper/deploy")

    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_somebody_fills_meanwhile_stays_theirs(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/theirs").write_text("theirs")

    with pytest.raises(UserError, match="out cannot be written"):
        write_project(Project({"a": "a"}), tmp_path / "out")

    assert bytes_of(tmp_path) == {"out/theirs": b"theirs"}
