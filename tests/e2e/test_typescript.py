"""The schema as Pulumi's own tools take it: bound, made into a TypeScript SDK, compiled, and run once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from aciml.schema import schema
from bootstrap.cache import cache_folder, key_of, only_one_run, staged
from bootstrap.pulumi_languages import ensure_codegen, ensure_node_host
from bootstrap.say import Missing
from tests.e2e.project import CONDA, LONG, ROOT, SCORE, Project

pytestmark = pytest.mark.e2e
PROGRAMS = Path(__file__).parent / "typescript"


@dataclass
class Node:
    """A folder with a program, what it depends on, and the SDK."""

    folder: Path
    compiled: subprocess.CompletedProcess[str] | None = None
    """What the compiler said."""

    @property
    def sdk(self) -> Path:
        return self.folder / "program/node_modules/pulumi-aciml"

    def run(self, *command: str, where: Path | None = None) -> subprocess.CompletedProcess[str]:
        """Run a program with ``tsc`` on PATH."""
        path = f"{self.folder / 'node_modules/.bin'}{os.pathsep}{os.environ['PATH']}"
        return subprocess.run(
            command,
            cwd=where or self.folder / "program",
            env={**os.environ, "PATH": path},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LONG,
        )

    def compile(self) -> subprocess.CompletedProcess[str]:
        """Compile the programs, strictly, together and once: what they stand on takes longer than they do."""
        if self.compiled is None:
            for program in PROGRAMS.glob("*.ts"):
                shutil.copy(program, self.folder / "program")
            shutil.copy(PROGRAMS / "tsconfig.json", self.folder / "program")
            self.compiled = self.run("tsc")
        return self.compiled


def had(ensure: Callable[[], Path]) -> Path:
    """Return what bootstrap finds or builds, or skip."""
    try:
        with only_one_run():
            return ensure()
    except Missing as missing:
        pytest.skip(str(missing))


def installed_modules() -> Path:
    """Return a folder with what package-lock.json names, installed once."""
    if shutil.which("npm") is None:
        raise Missing("there is no npm, which TypeScript comes by", "install Node.js 20 or newer")
    files = [PROGRAMS / "package.json", PROGRAMS / "package-lock.json"]
    folder = cache_folder() / "pulumi-languages" / f"node-modules-{key_of(files)}"
    if not folder.exists():
        with staged(folder) as work:
            for file in files:
                shutil.copy(file, work / file.name)
            command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False, timeout=LONG)
            if done.returncode:
                raise Missing(f"npm could not install TypeScript: {done.stderr.strip()[-500:]}", "see npm's log")
    return folder / "node_modules"


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Node:
    """The SDK, made of the schema and compiled by its own script, as the CLI does it for a user."""
    codegen, modules = had(ensure_codegen), had(installed_modules)
    node = Node(tmp_path_factory.mktemp("typescript"))
    (node.folder / "node_modules").symlink_to(modules)
    node.sdk.mkdir(parents=True)
    shutil.copy(PROGRAMS / "package.json", node.folder / "program/package.json")
    made = subprocess.run([codegen, node.sdk], input=json.dumps(schema()), capture_output=True, text=True, check=False)
    assert (made.returncode, made.stderr) == (0, "")
    compiled = node.run("node", "scripts/postinstall.js", where=node.sdk)
    assert compiled.returncode == 0, compiled.stdout
    return node


def test_the_binder_of_pulumi_finds_no_fault_in_the_schema(tmp_path: Path) -> None:
    codegen = had(ensure_codegen)
    said = subprocess.run([codegen, tmp_path], input=json.dumps(schema()), capture_output=True, text=True, check=False)

    assert (said.returncode, said.stderr) == (0, "")


def test_the_binder_would_say_so() -> None:
    codegen = had(ensure_codegen)
    wrong = {**schema(), "meta": {"moduleFormat": "(.*)"}}
    said = subprocess.run([codegen, "/dev/null"], input=json.dumps(wrong), capture_output=True, text=True, check=False)

    assert "collides with module registry" in said.stderr


def test_the_cli_reads_the_same_schema_from_the_executable() -> None:
    if shutil.which("pulumi") is None:
        pytest.skip("the Pulumi CLI is not on PATH; run `make test`")
    said = subprocess.run(
        ["pulumi", "package", "get-schema", ROOT / "provider/pulumi-resource-aciml"],
        env={**os.environ, "PULUMI_SKIP_UPDATE_CHECK": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=LONG,
    )

    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout)["resources"].keys() == schema()["resources"].keys()
    assert json.loads(said.stdout)["types"].keys() == schema()["types"].keys()


def test_generated_names_read_well_and_descriptions_are_comments(node: Node) -> None:
    inputs = (node.sdk / "types/input.ts").read_text()
    service = (node.sdk / "scoringService.ts").read_text()
    words = (node.sdk / "types/enums/index.ts").read_text()

    assert "export interface ProbeArgs {" in inputs
    assert "ArgsArgs" not in inputs
    assert "* Milliseconds that ``run`` may take" in inputs
    assert "* CPU cores; 0.1 if not said, 1 on Azure." in service
    assert 'BlueGreen: "blue_green"' in words
    assert 'import * as aciml from "pulumi-aciml"' in service
    assert "pulumi.secret(args.primaryKey)" in service
    assert "pulumi.secret(args.clientSecret)" in (node.sdk / "provider.ts").read_text()
    assert json.loads((node.sdk / "package.json").read_text())["version"] == schema()["version"]


def test_a_program_with_nested_types_enums_secrets_and_providers_compiles_strictly(node: Node) -> None:
    said = node.compile().stdout

    # what is wrong is all in the other program
    assert [line for line in said.splitlines() if "error TS" in line and not line.startswith("misspelt.ts(")] == []
    assert (node.folder / "program/bin/index.js").is_file()


def test_each_misspelt_word_is_named_by_the_compiler(node: Node) -> None:
    said = node.compile()

    assert said.returncode != 0
    assert said.stdout.count("error TS") == 3
    for word in ("'cpuCoers'", "'prot'", "'\"ztsd\"'"):
        assert word in said.stdout


class NodeProject(Project):
    """The compiled program, for the real engine."""

    def __init__(self, node: Node, host: Path) -> None:
        self.folder, self.name, self.host = node.folder / "program", "tsscoring", host
        for part in ("state", "src"):
            (self.folder / part).mkdir()
        self.write("src/score.py", SCORE)
        self.write("conda.yml", CONDA)
        plugins = {"providers": [{"name": "aciml", "path": str(ROOT / "provider")}]}
        self.write("Pulumi.yaml", json.dumps({"name": self.name, "runtime": "nodejs", "plugins": plugins}))
        self.make_stack()
        words = ("--secret", "token=hush-hush-hush", "--plaintext", "aciml:target=local")
        self.pulumi("config", "set-all", *words).check_ok()

    @property
    def config_file(self) -> Path:
        """The stack's config."""
        return self.folder / f"Pulumi.{self.stack}.yaml"

    def save(self) -> None:
        """Leave the config to the CLI."""

    def environ(self) -> dict[str, str]:
        """Return the environment of CLI calls, with the Node.js host on PATH."""
        known = super().environ()
        return {**known, "PATH": f"{known['PATH']}{os.pathsep}{self.host}"}


@pytest.fixture
def program(node: Node, tools: None) -> Iterator[NodeProject]:
    """The program, compiled."""
    node.compile()
    project = NodeProject(node, had(ensure_node_host))
    yield project
    project.clean()


@pytest.mark.docker
def test_the_engine_previews_the_program(program: NodeProject) -> None:
    said = program.pulumi("preview", "--json").check_ok()
    steps = json.loads(said.text[said.text.index("{\n") :])["steps"]
    made = {step["urn"].rpartition("::")[2]: step for step in steps}

    assert {"models-registry", "sklearn-image", "diabetes-image", "diabetes-group", "bare"} <= made.keys()
    assert {made[name]["op"] for name in ("models-registry", "diabetes-group")} == {"create"}
    inputs = made["diabetes-group"]["newState"]["inputs"]
    assert inputs["scoringTimeoutMs"] == 60000
    assert inputs["livenessProbe"] == {"httpGet": {"port": 5000, "path": "/live"}, "periodSeconds": 10}
    assert made["diabetes-group"]["newState"]["protect"] is True
    assert "::home::" in made["diabetes-group"]["newState"]["provider"]
    assert "::default" in made["models-registry"]["newState"]["provider"]
    assert "hush-hush-hush" not in said.text
