"""``aciml import DIR``: write a Pulumi project of the files that Azure ML v1 had."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import click

from ..core.errors import UserError
from ..core.v1.meaning import Meaning
from ..core.v1.script import AskedModel
from .names import checked_name
from .terminal import answer, json_option
from .v1_page import secret_command, secret_source
from .v1_project import Origin, Project, project_of, write_project
from .v1_search import find_deployment, find_inference, find_models, find_scaffold

# beside the files of v1, which stay usable: the project leads to them by relative paths
OUT = "deploy"
"""Folder of the project in that of the v1 project, whose files its paths lead to."""
_ADVICE = "name it by --model {}=PATH, or in models of __main__.py"
_FILE = click.Path(path_type=Path)


@click.command("import")
@click.argument("folder", metavar="DIR", type=_FILE)
@click.option("--out", type=_FILE, help=f"New or empty folder for the project; DIR/{OUT} without it.")
@click.option("--inference-config", type=_FILE, help="Inference config; found in DIR by its name without it.")
@click.option("--deployment-config", type=_FILE, help="Deployment config; found in DIR by its name without it.")
@click.option("--environment", type=_FILE, help="Folder of a saved environment (azureml_environment.json).")
@click.option("--model", "models", metavar="NAME=PATH", multiple=True, help="File or folder of a model; several.")
@click.option("--name", default="", help="Name of the project; that of DIR without it.")
@json_option
def command(
    folder: Path,
    out: Path | None,
    inference_config: Path | None,
    deployment_config: Path | None,
    environment: Path | None,
    models: tuple[str, ...],
    name: str,
    *,
    as_json: bool,
) -> None:
    """Write a Pulumi project that serves what the v1 project in DIR served.

    DIR has inferenceconfig.json (or .yml) and deploymentconfig.json, as `az ml model deploy` took them. Its files stay
    as they are.
    """
    if not folder.is_dir():
        raise UserError(f"{folder} is no folder", "name the folder of the v1 project")
    # a folder's own name may be no name of a project; one that was given is refused, one that was found is adapted
    called = checked_name(name or folder.resolve().name, given=bool(name))
    # before files are read: a wrong option is told at once
    given = _given_models(models)
    inference = inference_config or find_inference(folder)
    deployment = deployment_config or find_deployment(folder)
    meaning = _read(folder, inference, deployment, environment)
    origin = Origin(folder, _out(folder, out, meaning), inference, deployment, called)
    found, missing = _models(folder, given, meaning)
    # what a preview will refuse is no reason not to import: people mend it in the new project
    project = project_of(meaning, origin, found, [*_faults(meaning), *missing])
    write_project(project, origin.out)
    _say(project, meaning, origin, as_json=as_json)


def _faults(meaning: Meaning) -> list[str]:
    """Return what a preview will refuse of the script: told now, and imported all the same."""
    from ..core.imports import Brought
    from ..images.plan.script import Source, judge_scripts

    script = meaning.script
    if script is None or not Path(script).is_file():
        return []
    # v1 packed this folder, so modules are looked for in it
    given = next((one.value for one in meaning.service if one.argument == "source_directory"), None)
    folder = Path(script).parent if given is None or meaning.is_alone else Path(given)
    try:
        # a script beside its own source folder cannot be imported from there
        entry = str(Path(script).relative_to(folder))
    except ValueError:
        folder, entry = Path(script).parent, Path(script).name
    return judge_scripts(Source(folder, Brought(known=False)), {"": entry})[""]


# the same function as `from_v1` in a program, so both mean the same
def _read(folder: Path, inference: Path, deployment: Path, environment: Path | None) -> Meaning:
    # here and not above: it loads Pulumi's SDK
    from pulumi_aciml.v1 import read_v1

    meaning = read_v1(inference, deployment, environment, folder)
    # "it says nothing" is the outcome of null and of empty keys
    says = {one.key.partition(".")[0] for one in meaning.outcomes if one.why != "it says nothing"}
    if environment is None and not says & {"environment", "condaFile", "baseImage"}:
        # the CLI took the folder by a flag, so that no file names it
        scaffold = find_scaffold(folder)
        meaning = meaning if scaffold is None else read_v1(inference, deployment, scaffold, folder)
    if meaning.findings:
        why = [finding.why for finding in meaning.findings]
        # one fault stands in the line itself; of several each has its own
        raise UserError(why[0] if len(why) == 1 else "\n  ".join([f"{len(why)} things are wrong:", *why]))
    return meaning


def _out(folder: Path, out: Path | None, meaning: Meaning) -> Path:
    """Return the folder to write to: not in the one that goes into the image, and nobody else's."""
    source = next((one.value for one in meaning.service if one.argument == "source_directory"), None)
    place = out or folder / OUT
    # the project in the folder that is packed would be a part of the image, with its state and its keys
    if source is not None and not meaning.is_alone and _is_in(place, Path(source)):
        if out is not None:
            why = f"{out} is in {source}, all of which goes into the image"
            raise UserError(why, "name an --out that is not in it")
        whole = folder.resolve()
        # beside the folder, with its name: v1's source folder was often the repository itself
        place = whole.parent / f"{whole.name}-{OUT}"
    try:
        inside = next(place.iterdir(), None) if place.exists() else None
    except NotADirectoryError as error:
        raise UserError(f"{place} is a file", "name an --out that is new or empty") from error
    except OSError as error:
        raise UserError(f"{place} cannot be read: {error.strerror}", "name another --out") from error
    if inside is not None:
        raise UserError(f"{place} is not empty: {inside.name} is in it", "name an --out that is new or empty")
    return place


def _is_in(path: Path, folder: Path) -> bool:
    # links are followed: a folder may be reached by several names
    real, above = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
    return real == above or above in real.parents


def _given_models(models: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for one in models:
        name, sign, path = one.partition("=")
        if not (name and sign and path):
            raise UserError(f'--model "{one}" is not NAME=PATH', "write it as --model iris=models/iris.pkl")
        if name in found:
            raise UserError(f"--model {name} is given twice", "give each model a name of its own")
        if not Path(path).exists():
            # by its path as it was given: a relative one is the shell's
            raise UserError(f"--model {one}: {path} does not exist", "name its file or folder")
        found[name] = Path(path)
    return found


def _models(folder: Path, given: Mapping[str, Path], meaning: Meaning) -> tuple[dict[str, Path], list[str]]:
    """Return models by name, and sentences about those that are missing."""
    asks, script = meaning.asks, meaning.script
    if given:
        # who names models names all of them: those that are looked for could only be a second copy
        missing = [one for one in asks.models if one.name and one.name not in given]
        # v1 loads a model by its name in a workspace, so the names of files tell which
        return dict(given), [_missing(one, script) for one in missing]
    source = next((Path(one.value) for one in meaning.service if one.argument == "source_directory"), None)
    # a folder that is packed anyway brings what is in it
    skip = [source] if source is not None and source.resolve() != folder.resolve() else []
    found, missing = find_models(folder, asks, skip)
    told = [_missing(one, script) for one in missing]
    # by AZUREML_MODEL_DIR alone nobody sees which ones
    if asks.model_dir and not found and not missing:
        why = f"{script}:{asks.model_dir} asks for models; which ones v1 kept in its workspace"
        told = [f"{why}: `az ml model download` has them; {_ADVICE.format('NAME')}"]
    return found, told


def _missing(asked: AskedModel, script: object) -> str:
    # model.pkl/1 and model.pkl are one model to the workspace: names have neither folder nor ending
    name = asked.shown.partition("/")[0].partition(".")[0]
    why = f'{script}:{asked.line} asks for the model "{asked.shown}", which v1 kept in its workspace'
    return f"{why}: `az ml model download` has it; {_ADVICE.format(shlex.quote(name))}"


def _say(project: Project, meaning: Meaning, origin: Origin, *, as_json: bool) -> None:
    facts = {
        "folder": str(origin.out),
        "files": project.names,
        "missing": list(project.missing),
        # with the command that sets each, so that a script need not know its form
        "secrets": [{**asdict(one), "command": secret_command(one)} for one in project.secrets],
        "keys": [{**asdict(one), "fate": str(one.fate)} for one in meaning.outcomes],
    }
    lines = [f"wrote {len(project.names)} files into {origin.out}; its README.md says what became of each key"]
    lines += [f"  {one}" for one in meaning.outcomes if one.told]
    # told last: what is still to do is what people look for at the end
    lines += [f"to do: {one}" for one in project.missing]
    lines += [
        "next:",
        f"  cd {shlex.quote(str(origin.out))}",
        "  python3 -m venv .venv && . .venv/bin/activate && pip install -r requirements.txt",
        "  pulumi stack init local",
        *(f"  {secret_command(one)}    # {secret_source(one)}" for one in project.secrets),
        "  pulumi up",
    ]
    answer(facts, lines, as_json=as_json)
