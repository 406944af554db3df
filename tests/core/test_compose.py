"""What an environment and a service add to an image."""

from __future__ import annotations

import pytest

from aciml.core.compose import Model, Runs, environment_image, service_image
from aciml.core.image import Image, Layer

BASE = Image((Layer("sha256:b", "sha256:bb", 1),), {"Env": ["PATH=/bin", "A=1"], "Cmd": ["sh"], "User": "app"})
CONDA = (Layer("sha256:c", "sha256:cc", 2), Layer("sha256:d", "sha256:dd", 3))
PIP = Layer("sha256:p", "sha256:pp", 4)
ENTRY = Layer("sha256:e", "sha256:ee", 5)


def made(conda: tuple[Layer, ...] = CONDA, pip: tuple[Layer, ...] = (PIP,)) -> Image:
    return environment_image(BASE, conda, pip, ENTRY, created="2024-01-01T00:00:00Z", variables={"MODE": "x"})


def test_layers_lie_in_order_base_conda_pip_entry() -> None:
    assert [layer.diff_id for layer in made().layers] == ["sha256:" + name for name in "bcdpe"]


def test_the_variables_of_v1_are_set() -> None:
    env = made().env()

    assert env["PATH"] == "/azureml-envs/aciml/bin:/bin"
    assert env["AZUREML_CONDA_ENVIRONMENT_PATH"] == "/azureml-envs/aciml"
    assert env["LD_LIBRARY_PATH"] == "/azureml-envs/aciml/lib"
    assert env["AZUREML_ENVIRONMENT_IMAGE"] == "True"
    assert env["A"] == "1"
    assert env["MODE"] == "x"


def test_an_image_without_conda_keeps_its_own_python() -> None:
    env = made((), ()).env()

    assert env["PATH"] == "/bin"
    assert "LD_LIBRARY_PATH" not in env


def test_what_the_base_sets_stays() -> None:
    assert made().settings["User"] == "app"
    assert made().created == "2024-01-01T00:00:00Z"


def test_equal_layers_are_laid_once() -> None:
    image = environment_image(BASE, (CONDA[0], CONDA[0]), (), ENTRY, created="", variables={})

    assert len(image.layers) == 3


def test_one_model_is_the_model_folder_and_several_are_below_it() -> None:
    one, two = Model("diabetes", "1"), Model("other", "2")

    def model_dir(*models: Model) -> str:
        return service_image(made(), (PIP,), source="src", entry="score.py", models=models).env()["AZUREML_MODEL_DIR"]

    assert model_dir(one) == "/var/azureml-app/azureml-models/diabetes/1"
    assert model_dir(one, two) == "/var/azureml-app/azureml-models"
    assert model_dir() == "/var/azureml-app/azureml-models"


def test_a_service_runs_the_server_on_v1s_port_with_v1s_variables() -> None:
    image = service_image(made(), (PIP,), source="src", entry="sub/score.py", models=())

    assert image.settings["Cmd"] == ["python", "/opt/aciml/server/run.py"]
    assert image.settings["Entrypoint"] == ["/opt/aciml/entrypoint.sh"]
    assert image.settings["ExposedPorts"] == {"5001/tcp": {}}
    assert image.env()["AZUREML_ENTRY_SCRIPT"] == "src/sub/score.py"
    assert image.env()["AZUREML_SOURCE_DIRECTORY"] == "src"


def test_a_service_says_the_version_of_the_tool_that_made_it() -> None:
    image = service_image(made(), (PIP,), source="src", entry="score.py", models=(), version="1.2.3")

    assert image.env()["ACIML_VERSION"] == "1.2.3"


def test_the_history_names_what_lies_in_each_layer() -> None:
    told = {layer.digest: f"conda {layer.diff_id[-1]} 1" for layer in CONDA}
    environment = environment_image(BASE, CONDA, (PIP,), ENTRY, created="2024-01-01T00:00:00Z", variables={}, told=told)
    layers = tuple(Layer(f"sha256:{name}", f"sha256:{name}{name}", 6) for name in "oms")
    image = service_image(environment, layers, source="src", entry="score.py", models=(Model("diabetes", "1"),))

    assert [entry["created_by"].removeprefix("aciml: ") for entry in image.history] == [
        "of the base image",
        "conda c 1",
        "conda d 1",
        "pip packages",
        "entry point",
        "scoring server",
        "model diabetes 1",
        "source src",
    ]
    assert {entry["created"] for entry in image.history} == {"2024-01-01T00:00:00Z"}


def served(user: str, runs: Runs, owner: tuple[int, int]) -> Image:
    environment = made().with_settings(User=user or None)
    return service_image(environment, (PIP,), source="src", entry="score.py", models=(), runs=runs, owner=owner)


@pytest.mark.parametrize("user", ["", "root", "0", "0:0"])
def test_a_service_is_a_user_by_numbers_whatever_root_is_called(user: str) -> None:
    image = served(user, "user", (10001, 10001))

    assert image.settings["User"] == "10001:10001"
    assert image.env()["HOME"] == "/home/aciml"
    assert image.settings["Entrypoint"] == ["/opt/aciml/entrypoint.sh"]


def test_a_user_that_base_or_step_has_chosen_stays() -> None:
    image = served("app", "user", (500, 500))

    assert image.settings["User"] == "app"
    assert "HOME" not in image.env()


@pytest.mark.parametrize(("user", "owner"), [("", (10001, 10001)), ("app", (500, 50))])
def test_who_begins_as_root_becomes_the_user_before_anything_else(user: str, owner: tuple[int, int]) -> None:
    image = served(user, "from_root", owner)

    assert image.settings["User"] == "0:0"
    assert image.env()["ACIML_USER"] == f"{owner[0]}:{owner[1]}"
    first = ["python", "-I", "-S", "-B", "/opt/aciml/server/unprivileged.py"]
    assert image.settings["Entrypoint"] == [*first, "/opt/aciml/entrypoint.sh"]


def test_root_where_it_is_asked_for() -> None:
    assert served("", "root", (0, 0)).settings.get("User") is None
    assert served("app", "root", (0, 0)).settings["User"] == "0:0"
    assert "HOME" not in served("", "root", (0, 0)).env()
