"""``aciml lint`` as a pipeline runs it: a program, files of a stack or by name, places that an editor finds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from aciml.cli.lint import Told
from aciml.core.errors import Level
from tests.cli.project import configure, leave_state, make_program
from tests.images.world import World
from tests.simulators.registry import RegistrySimulator


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with RegistrySimulator() as registry:
        made = make_program(tmp_path, registry.host)
        # nobody may be asked: whoever tries fails
        registry.fail("server-error", ".", times=10_000)
        yield made


def test_a_stack_is_judged_with_all_places_at_once(world: World) -> None:
    fine = world.try_to_run("lint")
    assert (fine.returncode, fine.stdout, fine.stderr) == (0, "nothing is wrong\n", "")

    (world.folder / "conda.yml").write_text("dependencies:\n- python=>3\n")
    (world.folder / "src/score.py").write_text("def init():\n    pass\ndef run(:\n")
    configure(world, base="debian:12", steps=["RUN apt-get isntall x", "RUN file y"])
    told = world.try_to_run("lint", "--json")
    github = world.try_to_run("lint", "--format", "github", "--project", str(world.folder))

    facts = json.loads(told.stdout)
    found = {(one["file"], one["line"], one["rule"], one["level"]) for one in facts["findings"]}
    assert told.returncode == 1
    assert found >= {
        ("conda.yml", 2, "", "error"),
        ("src/score.py", 3, "", "error"),
        ("__main__.py", 0, "apt-command", "error"),
        ("__main__.py", 0, "program-missing", "warning"),
    }
    assert {one["resource"] for one in facts["findings"]} == {"sklearn", "iris"}
    assert (facts["errors"], facts["warnings"]) == (3, 1)
    assert '::error file=conda.yml,line=2,title=aciml lint::"python=>3" is not a version' in github.stdout
    assert "::warning file=__main__.py,title=program-missing::" in github.stdout


def test_what_ends_the_program_is_told_with_its_place(world: World) -> None:
    program = world.folder / "__main__.py"
    text = program.read_text()
    program.write_text(text.replace('base_image=config.require("base")', 'base_imag="x"'))
    mistyped = json.loads(world.try_to_run("lint", "--json").stdout)
    program.write_text("import pulumi\n1 / 0\n")
    broken = world.try_to_run("lint")
    program.unlink()
    gone = world.try_to_run("lint")

    assert "did you mean base_image?" in mistyped["findings"][0]["message"]
    assert mistyped["findings"][0]["file"] == "__main__.py"
    assert broken.stdout.startswith("__main__.py:2: error: ZeroDivisionError: division by zero\n")
    assert (broken.returncode, gone.returncode) == (1, 1)
    assert "__main__.py does not exist" in gone.stderr
    assert "Traceback" not in broken.stderr + gone.stderr


def test_what_the_config_lacks_is_told_with_its_command_and_the_rest_is_judged(world: World) -> None:
    program = world.folder / "__main__.py"
    text = program.read_text()
    program.write_text(text.replace('config.get_secret("token") or ""', 'config.require_secret("token")'))
    (world.folder / "conda.yml").write_text("dependencies:\n- python=4\n")
    secret = world.try_to_run("lint")
    configure(world)
    both = world.try_to_run("lint")
    program.write_text(text.replace('glibc="2.31"', 'glibc=str(config.require_int("libc"))'))
    number = world.try_to_run("lint")
    elsewhere = world.try_to_run("plan")

    set_it = "is not set in stack local; set it: pulumi config set"
    old = 'conda.yml:2: error: "python=4": there is no Python 4'
    assert (secret.returncode, both.returncode, number.returncode) == (1, 1, 1)
    assert f": error: scoring:token {set_it} --secret scoring:token --stack local\n" in secret.stdout
    assert old in secret.stdout
    assert "2 errors" in secret.stdout
    assert "scoring:base " + set_it + " scoring:base --stack local" in both.stdout
    assert "scoring:token" in both.stdout
    assert old in both.stdout
    # no number is unknown in Python: what comes after it is not seen
    assert "scoring:libc" in number.stdout
    assert "scoring:base" in number.stdout
    assert old not in number.stdout
    assert "stack local lacks 2 values that the program requires: scoring:base, scoring:libc" in elsewhere.stderr
    assert "Missing required" not in secret.stdout + both.stdout + number.stdout + elsewhere.stderr


def test_of_a_program_that_only_pulumi_runs_it_says_what_was_judged(world: World) -> None:
    program = {
        "name": "scoring", "runtime": "yaml", "stackConfigDir": "stacks",
        "resources": {"iris": {"type": "aciml:ScoringService"}, "sklearn": {"type": "aciml:index:EnvironmentImage"}},
    }  # fmt: skip
    (world.folder / "Pulumi.yaml").write_text(json.dumps(program, indent=1))
    registry = {"type": "aciml:registry:ContainerRegistry", "name": "models-registry", "inputs": {"name": "models"}}
    inputs = {"condaFile": str(world.folder / "conda.yml"), "baseImage": "debian:12", "glibc": "2.31"}
    inputs |= {"loginServer": "registry.invalid", "repository": "azureml/sklearn"}
    environment = {"type": "aciml:image:Environment", "name": "sklearn", "inputs": inputs}
    leave_state(world, registry)
    nothing = world.try_to_run("lint")
    leave_state(world, registry, environment)
    half = world.try_to_run("lint")
    facts = json.loads(world.try_to_run("lint", "--json").stdout)

    assert nothing.returncode == 1
    assert "no update of the stack local has left an image whose inputs could be read" in nothing.stderr
    assert "Pulumi.yaml:6: warning: iris (ScoringService) was not judged: no update of stack local" in half.stdout
    assert "only Pulumi runs a program in yaml: judged with the inputs of the last update: sklearn\n" in half.stdout
    assert (half.returncode, facts["judged"], facts["warnings"]) == (0, ["sklearn"], 1)


def test_a_section_of_the_stack_config_is_told_by_its_line(world: World) -> None:
    root = Path(__file__).resolve().parents[2]
    (world.folder / "__main__.py").write_text((root / "__main__.py").read_text())
    (world.folder / "stacks/Pulumi.local.yaml").write_text(
        "config:\n"
        "  aciml:target: memory\n"
        "  scoring:environment:\n"
        "    base_image: debian:12\n"
        "    steps:\n"
        "      lines:\n"
        "        - RUN true\n"
        "        - RUN apt-get isntall x\n"
        "  scoring:service:\n"
        "    source_directory: src\n"
        "    models: {iris: gone.txt}\n"
    )
    judged = world.try_to_run("lint")
    config = world.folder / "stacks/Pulumi.local.yaml"
    config.write_text(config.read_text().replace("base_image", "base_imag").replace("source_directory", "sourcedir"))
    config.write_text(config.read_text() + "    repository: {secure: v1:x}\n")
    mistyped = world.try_to_run("lint")

    assert "stacks/Pulumi.local.yaml:8: error: step 2" in judged.stdout
    assert "stacks/Pulumi.local.yaml:11: error: gone.txt does not exist" in judged.stdout
    assert "stacks/Pulumi.local.yaml:4: error: scoring:environment.base_imag" in mistyped.stdout
    assert "stacks/Pulumi.local.yaml:10: error: scoring:service.sourcedir" in mistyped.stdout
    # no Pulumi opens a secret here: that it is one is all that counts
    assert "stacks/Pulumi.local.yaml:12: error: scoring:service.repository is a secret" in mistyped.stdout


def test_files_by_name_need_no_project(world: World, tmp_path: Path) -> None:
    home = World(tmp_path / "elsewhere", world.environ)
    home.folder.mkdir()
    (home.folder / "steps").write_text("COPY here /there\nRUN pip instal x\n")
    (home.folder / "Dockerfile").write_text("FROM debian:12\nRUM true\n")
    (home.folder / "env.yml").write_text("dependencies:\n- python\n")
    (home.folder / "warns").write_text("FROM debian:12\nRUN cd /tmp\n")
    words = ["lint", "--steps", "steps", "--dockerfile", "Dockerfile", "--conda", "env.yml", "--json"]

    told = json.loads(home.try_to_run(*words).stdout)
    (home.folder / "ctx").mkdir()
    strict = home.try_to_run("lint", "--dockerfile", "warns", "--strict")
    lenient = home.try_to_run("lint", "--dockerfile", "warns", "--context", "ctx")
    gone = home.try_to_run("lint", "--conda", "nope.yml", "--json")

    assert [(one["file"], one["line"], one["rule"]) for one in told["findings"]] == [
        ("steps", 2, "pip-command"),
        ("Dockerfile", 2, ""),
    ]
    assert (strict.returncode, lenient.returncode) == (1, 0)
    assert strict.stdout.startswith("warns:2:")
    assert gone.returncode == 1
    assert json.loads(gone.stdout)["error"]["message"] == "nope.yml does not exist"


def test_an_annotation_is_one_line_whatever_is_in_it() -> None:
    told = Told(Level.REMARK, "a,b:c.yml", 3, 0, "", "", "", "50% of\nit")

    assert told.annotation() == "::notice file=a%2Cb%3Ac.yml,line=3,title=aciml lint::50%25 of%0Ait"
