"""Write a setup folder as Azure ML v1 did: a Dockerfile with all it needs, from which plain ``docker build`` works."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from ...conda.channels import canonical_url, channel_url
from ...core.context import FileEntry
from ...core.errors import AcimlError, Cancelled, OutageError, UserError
from ...core.image import canonical_json, sha256_digest
from ...core.pip_package import PipPackage
from ...core.progress import Progress
from ...core.recipe import Recipe
from ...core.reference import Reference
from ...model.environment import Environment
from ...pip.fetch import fetch
from ...pip.resolve import resolve
from ...server_files import ENTRYPOINT
from ...settings import Settings
from ..remote.base import BaseImages
from ..tools import Tools
from . import setup_text as text
from .layout import refuse_full_folder


@dataclass(frozen=True)
class Setup:
    """A setup folder to be: contents by path; ``copied`` are files of this machine by path; ``name`` is the image's."""

    name: str
    files: Mapping[str, str]
    copied: Mapping[str, FileEntry] = field(default_factory=dict)


def pin_installer(tools: Tools, image: str, progress: Progress) -> str:
    """Return the installer's image with the digest that it has now; as it is, with a warning, if nobody tells that.

    Raises:
        UserError: ``image`` is no reference.
    """
    reference = Reference.parse(image)
    if reference.digest:
        return image
    try:
        return str(reference.at(BaseImages(tools).resolve(image, progress)))
    # ctrl-C is an AcimlError as well, and must not become a warning
    except Cancelled:
        raise
    except AcimlError as error:
        progress.warn(f"{image} is not pinned to a digest: {error.message}; name it with one by --installer")
        return image


def fetch_pip(tools: Tools, recipe: Recipe, declared: Environment, progress: Progress) -> Path | None:
    """Return the wheel of the pip that installs the environment's wheels; None if the environment brings one itself.

    Raises:
        UserError: the index has none for this Python.
        OutageError: the index does not answer.
    """
    if not recipe.pip or recipe.conda is None or recipe.conda.find("pip") is not None:
        return None
    # a pip of the pip section can as well install itself
    mine = [package for package in recipe.pip if package.name == "pip"]
    try:
        found = mine or _resolve_pip(tools, recipe.conda.python_version, declared, progress)
        return fetch(tuple(found), settings=tools.settings, progress=progress)[0]
    except OutageError as error:
        why = f"pip, which the folder needs to install its wheels: {error.message}"
        raise type(error)(why, "try again, or add pip to the environment's dependencies") from error


def _resolve_pip(
    tools: Tools, python_version: str, declared: Environment, progress: Progress
) -> tuple[PipPackage, ...]:
    lines, asked = (declared.pins.dependencies or {}).get("pip") or [], declared.packages
    return resolve(
        # from where the other wheels are: a closed network has no other index
        (*text.index_lines(lines), "pip"),
        conda={},
        python_version=python_version,
        glibc=declared.limits.facts()["__glibc"][0],
        folder=Path(asked.conda_file or asked.requirements_file or ".").parent,
        settings=tools.settings,
        progress=progress,
    )


def plan_setup(
    recipe: Recipe,
    declared: Environment,
    settings: Settings,
    *,
    mirrors: bool = False,
    installer: str = text.MICROMAMBA,
    pip: Path | None = None,
) -> Setup:
    """Return what an environment's setup folder has in it.

    Args:
        recipe: all that is in the image, pinned.
        declared: the environment, pinned.
        settings: mirrors of this machine.
        mirrors: whether conda packages are named at this machine's mirrors instead of at their channels.
        installer: image that installs the packages, from ``pin_installer``.
        pip: wheel of the pip that installs the wheels, from ``fetch_pip``.

    Raises:
        UserError: the environment is made in a way that a setup folder cannot tell.
    """
    _refuse(recipe, declared)
    files = _texts(recipe, declared, settings, mirrors=mirrors, installer=installer, pip=pip)
    # v1's form, azureml/azureml_<hash of what is in it>
    name = f"azureml_{sha256_digest(canonical_json(files)).removeprefix('sha256:')[:32]}"
    # not in the hash, since the image's name stands in it
    packages = declared.packages
    source = Path(packages.conda_file).read_text(encoding="utf-8") if packages.conda_file else packages.conda_text
    if source:
        mutated = text.mutated_conda_file(source, name)
        files["mutated_conda_dependencies.yml"] = mutated
    files |= _scripts(f"azureml/{name}")
    placed = {f"{text.SETUP}/{path}": content for path, content in files.items()}
    return Setup(f"azureml/{name}", placed, _copied(recipe, pip))


def write_setup(setup: Setup, folder: Path, progress: Progress) -> None:
    """Write the folder; it must not be there, or be empty.

    Raises:
        UserError: there is something in it.
    """
    refuse_full_folder(folder)
    for path, entry in sorted(setup.copied.items()):
        progress.checkpoint()
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(entry.source, target, follow_symlinks=False)
        if not entry.link:
            # as in a layer: no umask of whoever exports gets into the build
            target.chmod(0o755 if entry.executable else 0o644)
    for path, content in sorted(setup.files.items()):
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content, encoding="utf-8")
        target.chmod(0o755 if target.suffix == ".sh" else 0o644)


def _refuse(recipe: Recipe, declared: Environment) -> None:
    if declared.base.has_dockerfile:
        made_of = declared.base.dockerfile_property
        advice = "build the base once, push it, and name it as baseImage"
        raise UserError(f"a base made of {made_of} cannot be exported as a setup folder", advice)
    if recipe.own and recipe.own.needs:
        why = "what the server needs beside the image's own Python is a layer that no Dockerfile of ours makes"
        raise UserError(f"{why}, so that it cannot be exported as a setup folder", "export a layout or an archive")


def _texts(
    recipe: Recipe, declared: Environment, settings: Settings, *, mirrors: bool, installer: str, pip: Path | None
) -> dict[str, str]:
    lines = (declared.pins.dependencies or {}).get("pip") or []
    files = {
        "Dockerfile": text.dockerfile(
            recipe.base,
            recipe.steps,
            recipe.variables,
            conda=recipe.conda is not None,
            pip=recipe.pip,
            pip_args="".join(f" {line}" for line in text.index_lines(lines)),
            installer=installer,
            pip_wheel=pip.name if pip else "",
        ),
        "entrypoint.sh": ENTRYPOINT.read_text(encoding="utf-8"),
    }
    if recipe.conda:
        files[text.CONDA_LIST] = text.conda_list(
            recipe.conda, lambda channel: channel_url(channel, settings) if mirrors else canonical_url(channel)
        )
    if recipe.pip:
        files[text.PIP_LIST] = text.pip_list(recipe.pip)
    return files


def _scripts(image: str) -> dict[str, str]:
    """Return v1's two scripts: one says whether the image is there, the other makes it."""
    return {
        "docker_env_checker.sh": text.script(
            "Ends with 0 if the image is on this machine.", f"docker image inspect {image} >/dev/null 2>&1"
        ),
        "docker_env_builder.sh": text.script(
            "Builds the image; options of docker build can be given.",
            f'exec docker build -f {text.SETUP}/Dockerfile -t {image} "$@" .',
        ),
    }


def _copied(recipe: Recipe, pip: Path | None) -> dict[str, FileEntry]:
    """Return the files that steps copy, wheels of the user's, and the pip that installs them."""
    found = {entry.path: entry for entry in recipe.context}
    if pip:
        path = f"{text.SETUP}/{pip.name}"
        found[path] = FileEntry(path, pip, executable=False, size=0)
    for package in recipe.pip:
        # no other machine can get a wheel that is a file of this one (decisions/export.md)
        if text.is_local(package):
            path = f"{text.SETUP}/{text.WHEELS}/{package.file_name}"
            found[path] = FileEntry(path, Path(unquote(urlsplit(package.url).path)), executable=False, size=0)
    return found
