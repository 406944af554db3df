"""Every block of code on a page is what it says: programs type-check and run, configs are read, commands exist."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import ModuleType
from typing import Any

import pulumi
import pytest
from jsonschema import Draft7Validator
from pulumi.runtime import config as runtime_config
from pulumi.runtime import mocks, settings
from ruamel.yaml import YAML

import pulumi_aciml as aciml
from aciml.core.condafile import parse_conda_file
from aciml.core.golden.file import parse as parse_golden
from aciml.core.lint import lint_dockerfile, lint_steps
from aciml.core.steps import parse_steps
from aciml.model.config import FIELDS
from aciml.schema import schema
from aciml.settings import Settings
from aciml.targets.choice import config_findings
from aciml_server.contract.model import Model
from aciml_server.values import Answer, Call
from pulumi_aciml.args.reading import Problem
from pulumi_aciml.config import read_section
from tests.docs.pages import PAGES, ROOT, Block, blocks, blocks_of, pages
from tests.docs.shell_words import commands, fault
from tests.docs.texts import is_printed

TEMPLATE = ROOT / "provider/aciml/cli/template"
CHECKED = {"python", "yaml", "sh", "json", "dockerfile", "toml", "text", "console"}
ARGS = {
    "registry": (aciml.RegistryArgs, set[str]()),
    "environment": (aciml.EnvironmentImageArgs, {"login_server"}),
    "service": (aciml.ScoringServiceArgs, {"login_server", "environment_image"}),
}
_SCRIPT = re.compile(r"^(?:async )?def (?:run|run_batch)\(", re.MULTILINE)
PROGRAMS = [block for block in blocks_of("python") if not _SCRIPT.search(block.text)]
SCRIPTS = [block for block in blocks_of("python") if _SCRIPT.search(block.text)]


def test_every_block_is_of_a_kind_that_is_checked_or_says_why_not() -> None:
    assert sum(page.read_text(encoding="utf-8").count("```") for page in pages()) == 2 * len(list(blocks()))
    assert [f"{block}: {block.kind}" for block in blocks() if not block.why and block.kind not in CHECKED] == []


def test_all_programs_type_check(tmp_path: Path) -> None:
    names = {}
    for number, block in enumerate(PROGRAMS):
        names[f"program_{number}.py"] = str(block)
        (tmp_path / f"program_{number}.py").write_text(block.text)
    # in one run: to read Pulumi's SDK and the components takes longer than all programs together
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--python-version", "3.11", *names],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT / ".venv/packages"), "MYPY_CACHE_DIR": str(tmp_path / "cache")},
        capture_output=True,
        text=True,
        check=False,
    )
    said = re.sub(r"program_\d+\.py", lambda found: names[found[0]], done.stdout)
    assert done.returncode == 0, said


_IMAGE = f"127.0.0.1:5000/azureml/x:y@sha256:{'0' * 64}"


class Answers(mocks.Mocks):
    """Answers each resource with its inputs and what others need of it."""

    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str, dict[str, Any]]:
        if args.typ == "pulumi:pulumi:StackReference":
            return args.name, {"name": args.name, "outputs": dict.fromkeys(("image", "environment"), _IMAGE)}
        known = {"loginServer": "127.0.0.1:5000", "image": _IMAGE}
        return args.name, {**args.inputs, **known, "scoringUri": "http://x/score"}

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[Any, Any], list[tuple[str, str]] | None]:
        return {}, None


@pytest.mark.parametrize("block", PROGRAMS, ids=str)
def test_a_program_runs(block: Block, monkeypatch: pytest.MonkeyPatch, loop: None) -> None:
    monkeypatch.chdir(ROOT)  # paths of files that a program reads are those of the repository
    monkeypatch.setattr(pulumi.Config, "require", lambda _, key: _required(key))
    monkeypatch.setattr(pulumi.Config, "require_secret", lambda _, key: pulumi.Output.secret(_required(key)))
    monkeypatch.setattr(pulumi.runtime, "get_root_directory", lambda: str(ROOT))
    beside = (_config(one) for one in blocks_of("yaml") if one.page == block.page)
    config = next((_texts(found) for found in beside if found), {})
    monkeypatch.setenv("PULUMI_CONFIG", json.dumps(config))
    runtime_config.set_all_config(config)
    mocks.set_mocks(Answers(), project="scoring", stack="local")

    @pulumi.runtime.test  # type: ignore[untyped-decorator]  # the SDK does not type it
    def run() -> None:
        exec(compile(block.text, str(block), "exec"), {"__name__": "__main__"})

    try:
        run()
    finally:
        runtime_config.set_all_config({})


def _required(key: str) -> str:
    return {"host": "127.0.0.1:5000", "environment": _IMAGE}.get(key, "00000000-0000-0000-0000-000000000000")


@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_a_script_answers_the_sample_of_a_new_project(
    block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "linear.json").write_text((TEMPLATE / "models/linear.json.in").read_text())
    monkeypatch.setenv("AZUREML_MODEL_DIR", str(tmp_path))
    script = ModuleType("score")
    exec(compile(block.text, str(block), "exec"), script.__dict__)
    script.init()

    # by the server's own code, with its rules of what `run` may be
    body = (TEMPLATE / "sample.json.in").read_bytes()
    answer = Model("", script, 60_000.0).score(Call("POST", "/score", "", {"content-type": "application/json"}, body))

    assert isinstance(answer, Answer)
    assert answer.status == 200, answer.body


@pytest.mark.parametrize("block", blocks_of("yaml"), ids=str)
def test_a_document_of_yaml_is_what_its_reader_takes(block: Block) -> None:
    found = _yaml(block)
    judge = next((judge for key, judge in _JUDGES.items() if key in found), None)
    assert judge is not None, f"{block}: nobody reads a document with {', '.join(map(str, found))}"
    judge(block, found)


@cache
def _yaml(block: Block) -> Mapping[Any, Any]:
    found = YAML(typ="safe", pure=True).load(block.text)
    assert isinstance(found, dict), f"{block}: not a map"
    return found


def _config(block: Block) -> Mapping[str, Any]:
    found = _yaml(block).get("config")
    return found if isinstance(found, dict) else {}


def _texts(config: Mapping[str, Any]) -> dict[str, str]:
    return {key: value if isinstance(value, str) else json.dumps(value) for key, value in config.items()}


def _judge_config(block: Block, found: Mapping[Any, Any]) -> None:
    settings.configure(settings.Settings(project="scoring", stack="local"))
    problems: list[Any] = []
    provider = {}
    for key, value in found["config"].items():
        project, _, name = key.partition(":")
        if project == "aciml":
            provider[name] = str(value)
        else:
            args, wired = ARGS[name]
            read_section(args, value, f"{key}.", wired, problems)
    assert provider.keys() <= FIELDS.keys(), str(block)
    # a page does not say whose subscription it is
    findings = [one for one in config_findings(provider) if "is not set" not in one.why]
    assert [*map(str, problems), *findings] == [], str(block)


def _judge_conda(block: Block, found: Mapping[Any, Any]) -> None:
    assert parse_conda_file(block.text, "conda.yml").specs


def _judge_project(block: Block, found: Mapping[Any, Any]) -> None:
    assert found["name"]
    if found["runtime"] == "yaml":
        problems = [*_resource_problems(found["resources"])]
        assert problems == [], str(block)


def _resource_problems(resources: Mapping[str, Any]) -> Iterator[str]:
    for name, resource in resources.items():
        kind, _, what = resource["type"].partition(":")
        spec = schema()["resources"].get(f"{kind}:index:{what}")
        if spec is None:
            yield f"{name}: there is no {resource['type']}"
            continue
        given = resource.get("properties", {})
        yield from _unknown(name, given, spec["inputProperties"])
        yield from (f"{name}.{one} is missing" for one in spec.get("requiredInputs", ()) if one not in given)


def _unknown(path: str, given: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[str]:
    for key, value in given.items():
        if key not in known:
            yield f"{path}.{key} is unknown"
        elif isinstance(value, dict) and "$ref" in known[key]:
            inside = schema()["types"][known[key]["$ref"].removeprefix("#/types/")]
            yield from _unknown(f"{path}.{key}", value, inside["properties"])


def _judge_pipeline(name: str) -> Any:
    def judge(block: Block, found: Mapping[Any, Any]) -> None:
        # YAML 1.1 reads `on` as a truth; the schema has the word
        published = (files("check_jsonschema") / f"builtin_schemas/vendor/{name}.json").read_text(encoding="utf-8")
        plain = {"on" if key is True else key: value for key, value in found.items()}
        errors = [error.message for error in Draft7Validator(json.loads(published)).iter_errors(plain)]
        assert errors == [], str(block)

    return judge


def _judge_golden(block: Block, _: Mapping[Any, Any]) -> None:
    # the pictures of a page lie nowhere
    assert all(one.expected for one in parse_golden(block.text, "golden.yaml", lambda _: b"").requests)


_JUDGES: Mapping[Any, Any] = {
    "requests": _judge_golden,
    "config": _judge_config,
    "dependencies": _judge_conda,
    "runtime": _judge_project,
    "jobs": _judge_pipeline("github-workflows"),
    "stages": _judge_pipeline("azure-pipelines"),
    "steps": _judge_pipeline("azure-pipelines"),
}
"""A key that a kind of document has, and who reads it."""


@pytest.mark.parametrize("block", blocks_of("sh"), ids=str)
def test_commands_of_a_block_exist(block: Block) -> None:
    read = subprocess.run(["bash", "-n"], input=block.text, capture_output=True, text=True, check=False)
    assert (read.returncode, read.stderr) == (0, ""), str(block)
    assert [why for words in commands(block.text) if (why := fault(words))] == [], str(block)


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_in_the_text_exist(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(r"`((?:aciml|make|pulumi) [a-z][^`]*)`", text)
    wrong = [why for one in named for words in commands(re.sub(r"[<>…]", "x", one)) if (why := fault(words))]

    # in the text a command or an option may be named without what it needs
    assert [why for why in wrong if not re.search("is missing|requires an argument", why)] == []


@pytest.mark.parametrize("block", blocks_of("console"), ids=str)
def test_commands_of_a_session_exist(block: Block) -> None:
    typed = [line.removeprefix("$ ") for line in block.text.splitlines() if line.startswith("$ ")]

    assert typed, f"{block}: a session has a command behind a dollar"
    assert [why for line in typed for words in commands(line) if (why := fault(words))] == [], str(block)


@pytest.mark.parametrize("block", blocks_of("text", "console"), ids=str)
def test_what_a_page_shows_as_printed_is_printed_by_the_code(block: Block) -> None:
    # names, sizes and the words of other programs differ; something of it has to be ours
    lines = [line for line in block.text.splitlines() if not line.startswith("$ ")]
    if not lines:  # a session in which nothing is printed
        return
    assert any(is_printed(line) or _is_data(line) for line in lines), str(block)


def _is_data(line: str) -> bool:
    """Tell whether a line is an answer or a reference, of which no text is in the code."""
    try:
        return isinstance(json.loads(line), dict | list)
    except ValueError:
        return bool(re.fullmatch(r"\S+@sha256:[0-9a-f]{64}", line))


@pytest.mark.parametrize("block", blocks_of("json"), ids=str)
def test_a_document_of_json_is_one(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", blocks_of("toml"), ids=str)
def test_mirrors_are_read(block: Block, tmp_path: Path) -> None:
    (tmp_path / "mirrors.toml").write_text(block.text)
    read = Settings.read({"ACIML_MIRRORS": str(tmp_path / "mirrors.toml"), "ACIML_CACHE": str(tmp_path)})

    assert tomllib.loads(block.text).keys() <= {"channels", "registries", "wheels"}
    assert read.channels or read.registries or read.wheels


@pytest.mark.parametrize("block", blocks_of("dockerfile"), ids=str)
def test_steps_and_dockerfiles_have_no_finding(block: Block) -> None:
    if re.search("^FROM ", block.text, re.MULTILINE):
        findings = lint_dockerfile(block.text, where="dockerfile", context_files=())
    else:
        findings = lint_steps(parse_steps(block.text, "steps"), context_files=(), base="debian:bookworm-slim")
    assert [one.why for one in findings] == [], str(block)


def test_a_wrong_block_is_found() -> None:
    wrong = {
        "aciml lok": "lok",
        "aciml lock --chek": "--chek",
        "aciml export --format tar x": "tar",
        "make upp": "there is no make upp",
        "frobnicate now": "not a program",
        "az frobnicate": "not in the list",
    }
    said = {text: "".join(filter(None, map(fault, commands(text)))) for text in wrong}

    assert [text for text, words in wrong.items() if words not in said[text]] == []
    assert [*_resource_problems({"a": {"type": "aciml:Registry", "properties": {"prot": 1}}})] == ["a.prot is unknown"]
    assert not is_printed("the moon is full, and nothing else is known of it")
    problems: list[Problem] = []
    read_section(aciml.ScoringServiceArgs, {"sourcedirectory": "x"}, "scoring:service.", ARGS["service"][1], problems)
    assert problems
    assert PAGES.is_dir()
