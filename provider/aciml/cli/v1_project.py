"""The project that ``aciml import`` writes: a program, stack configs, and a page that says what became of each key."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path, PurePath
from typing import Any

from .. import __version__
from ..core.errors import UserError
from ..core.v1.desk import Given
from ..core.v1.meaning import Meaning
from ..core.v1.packages import CondaText
from ..core.v1.reading import shown
from .names import registry_of, slug_of
from .program_text import Expression, call_text
from .v1_page import Secret, page_of

INSIGHTS = "server.telemetry.app_insights_connection_string"
# camelCase, as all keys of a stack config (Pulumi's own convention)
_CONFIG_NAMES = {
    "primary_key": "primaryKey",
    "secondary_key": "secondaryKey",
    "base_password": "basePassword",
    INSIGHTS: "appInsightsConnectionString",
    "cpu_cores": "cpuCores",
    "memory_gb": "memoryGb",
}
"""Names in the stack config of what is no part of a program: secrets, and what differs from target to target."""


@dataclass(frozen=True)
class Origin:
    """Where a project comes from: its folder and files, and where it is written to."""

    folder: Path
    out: Path
    inference: Path
    deployment: Path
    name: str

    @property
    def slug(self) -> str:
        """A name that every target takes for its resources."""
        # container groups and registries take letters, digits and hyphens at most
        return slug_of(self.name)


@dataclass(frozen=True)
class Project:
    """What is written: texts and copies by path, and what a person still has to do."""

    texts: Mapping[str, str]
    copies: Mapping[str, Path] = field(default_factory=dict)
    secrets: tuple[Secret, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Paths of all files."""
        return sorted([*self.texts, *self.copies])


def project_of(meaning: Meaning, origin: Origin, models: Mapping[str, Path], missing: Sequence[str]) -> Project:
    """Return the project that files of v1 mean.

    Args:
        meaning: what they say, without findings.
        origin: where they are, and where the project will be.
        models: file or folder of each model, by name.
        missing: sentences about what is asked for and not there, or what a preview will refuse.

    Raises:
        UserError: an argument is not one that the components take; the message names all of them.
    """
    maker = _Maker(meaning, origin, models)
    # everything is made in memory first: a fault leaves no half of a project
    environment, service = maker.environment(), maker.service()
    _judge(environment, service, (*meaning.environment, *meaning.service))
    texts = {
        **_from_templates(origin, maker.sizes, maker.location),
        **maker.texts,
        "__main__.py": _program(origin, meaning, environment, service),
    }
    page = page_of(meaning.outcomes, origin.folder, origin.name, missing, maker.secrets)
    return Project({**texts, "README.md": page}, maker.copies, tuple(maker.secrets), tuple(missing))


def write_project(project: Project, out: Path) -> None:
    """Write a project, whole or not at all.

    Raises:
        UserError: the folder is not new or empty, or cannot be written.
    """
    # the uppermost folder that is not there yet: if all goes wrong it is removed again, and nothing of before is
    new = next((above for above in reversed([out, *out.parents]) if not above.exists()), None)
    beside: Path | None = None
    done = False
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        # on the same volume, for a rename does not cross one
        beside = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        beside.chmod(0o755)  # that of mkdtemp is for its owner alone
        for name, text in project.texts.items():
            # a folder in a template's or a copy's path
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
            (beside / name).write_text(text, encoding="utf-8", newline="\n")
        for name, source in project.copies.items():
            (beside / name).parent.mkdir(parents=True, exist_ok=True)
            # contents alone: rights and times of a v1 folder say nothing here
            shutil.copyfile(source, beside / name)
        # over an empty folder this works, over any other it does not: nothing of somebody's is lost
        beside.rename(out)
        done = True
    except OSError as error:
        raise UserError(f"{out} cannot be written: {error.strerror}", "mend that, or name another --out") from error
    # also ctrl-C: a hidden folder beside the user's own would stay
    finally:
        if not done:
            if beside is not None:
                shutil.rmtree(beside, ignore_errors=True)
            _remove_empty(out.parent, new)


def _remove_empty(folder: Path, first: Path | None) -> None:
    """Remove the folders that were made for nothing, from ``folder`` up to ``first``."""
    while first is not None and (folder == first or first in folder.parents):
        # up to the first that was there before, and no further
        try:
            folder.rmdir()
        # somebody has put something there meanwhile
        except OSError:
            return
        folder = folder.parent


class _Maker:
    """Makes arguments of what files mean; files that have to be written are gathered."""

    def __init__(self, meaning: Meaning, origin: Origin, models: Mapping[str, Path]) -> None:
        self.meaning, self.origin, self.models = meaning, origin, models
        self.texts: dict[str, str] = {}
        self.copies: dict[str, Path] = {}
        self.secrets: list[Secret] = []
        self.sizes: dict[str, tuple[float, float]] = {}
        self.location = ""

    def environment(self) -> dict[str, Any]:
        return self._nested(map(self._written, self.meaning.environment))

    def service(self) -> dict[str, Any]:
        given = list(self.meaning.service)
        # only where v1 asked for it: the connection string is one more secret to set
        if any(one.argument == "enable_app_insights" for one in given):
            # v1's workspace knew it; judged on every target (decisions/wrong-words.md)
            given.append(Given(INSIGHTS, "", key="appInsightsEnabled", secret=True))
        found = self._nested(iter(given))
        # of the provider and not of the service: a location belongs to the target azure
        self.location = str(found.pop("location", ""))
        if self.meaning.is_alone and self.meaning.script is not None:
            # v1 sent the script alone; beside it there may be all of a repository
            found["source_directory"] = "src"
            self.copies[f"src/{self.meaning.script.name}"] = Path(self.meaning.script)
        if self.models:
            # relative to the new project, where `pulumi up` runs
            found["models"] = {name: self._path(PurePath(path)) for name, path in self.models.items()}
        return found

    def _nested(self, given: Iterator[Given]) -> dict[str, Any]:
        from pulumi_aciml.v1 import nested

        return nested(given, self._value)

    def _written(self, one: Given) -> Given:
        """Return the argument with a file that is written, for a text that a person would not put into a program."""
        # written as a file of its own, so that people edit it as any other conda.yml
        if one.argument == "packages.conda_text" and isinstance(one.value, CondaText):
            self.texts["conda.yml"] = one.value.placed(self._path(PurePath(one.value.home)) if one.value.home else "")
            return Given("packages.conda_file", "conda.yml", one.where, one.key)
        # a text in the config becomes a file: a Dockerfile in a string nobody can lint
        if one.argument == "dockerfile.text":
            self.texts["Dockerfile"] = str(one.value).rstrip("\n") + "\n"
            return Given("dockerfile.file", "Dockerfile", one.where, one.key)
        return one

    def _value(self, one: Given) -> Any:
        # a map of variables: each is a secret by its own name
        if one.secret and isinstance(one.value, Mapping):
            return {name: self._secret(name, one) for name in one.value}
        if one.secret:
            return self._secret(_CONFIG_NAMES[one.argument], one)
        # two values of one number: at home a part of a core, on Azure one at least
        if one.cloud is not None:
            name = _CONFIG_NAMES[one.argument]
            self.sizes[name] = (float(one.value), one.cloud)
            return Expression(f'config.get_float("{name}")')
        return self._path(one.value) if isinstance(one.value, PurePath) else one.value

    def _secret(self, name: str, one: Given) -> Expression:
        # once for each: the commands that set them are told at the end
        self.secrets.append(Secret(name, one.where, one.key))
        return Expression(f'config.require_secret("{name}")')

    def _path(self, path: PurePath) -> str:
        # links are followed first: `..` behind a link leads elsewhere
        # with slashes on every system: the program is kept in git
        return Path(os.path.relpath(os.path.realpath(path), os.path.realpath(self.origin.out))).as_posix()


def _judge(environment: Mapping[str, Any], service: Mapping[str, Any], given: Sequence[Given]) -> None:
    """Have the components' own classes judge the arguments: what they refuse is told before anything is written."""
    from pulumi_aciml import EnvironmentImageArgs, ScoringServiceArgs
    from pulumi_aciml.args.reading import LATER, Problem
    from pulumi_aciml.config import read_section

    def known(value: Any) -> Any:
        # what a secret or a number will be is not known here, and needs not be to be judged
        if isinstance(value, Mapping):
            return {name: known(inner) for name, inner in value.items()}
        return LATER if isinstance(value, Expression) else value

    problems: list[Problem] = []
    read_section(EnvironmentImageArgs, known(environment), "", {"login_server"}, problems)
    read_section(ScoringServiceArgs, known(service), "", {"login_server", "environment_image"}, problems)
    if problems:
        # by the argument, so that a fault is told by the line of the file that it came from
        from_file = {one.argument: f"{one.where}: {one.key}: " for one in given if one.where}
        lines = [f"{from_file.get(one.where.partition('[')[0], '')}{one}" for one in problems]
        raise UserError("the files say what is refused here:\n  " + "\n  ".join(lines))


_PROGRAM = '''"""Serve {script}, as {inference} and {deployment} did with Azure ML v1."""

import pulumi
import pulumi_aciml as aciml

config = pulumi.Config()

registry = aciml.Registry("{slug}", aciml.RegistryArgs(**config.get_object("registry", {{}})))
environment = aciml.EnvironmentImage(
    "environment",
    {environment},
)
service = aciml.ScoringService(
    "{slug}",
    {service},
)

pulumi.export("scoring_uri", service.scoring_uri)
{keys}pulumi.export("image", service.image)
'''


def _program(origin: Origin, meaning: Meaning, environment: Mapping[str, Any], service: Mapping[str, Any]) -> str:
    from pulumi_aciml import EnvironmentImageArgs, ScoringServiceArgs

    host = {"login_server": Expression("registry.login_server")}
    image = {"environment_image": Expression("environment.image")}
    script = meaning.script.name if meaning.script is not None else "the script"
    # quoted in a docstring: a name alone, no path
    return _PROGRAM.format(
        script=script,
        inference=origin.inference.name,
        deployment=origin.deployment.name,
        slug=origin.slug,
        environment=call_text(EnvironmentImageArgs, {**host, **environment}, 1),
        service=call_text(ScoringServiceArgs, {**host, **image, **service}, 1),
        # without authentication there is no key to show
        keys='pulumi.export("primary_key", service.primary_key)\n' if service.get("auth_enabled") else "",
    )


def _from_templates(origin: Origin, sizes: Mapping[str, tuple[float, float]], location: str) -> dict[str, str]:
    """Return the files that `aciml new` writes as well, and in the stack configs what differs between targets."""
    words = {
        "name": origin.name,
        "slug": origin.slug,
        "registry": registry_of(origin.slug),
        "version": __version__,
    }
    folder = files(__package__) / "template"
    texts: dict[str, str] = {}
    # `dot-`: a template with the name .gitignore would be one, and git would obey it here
    for name in ("Pulumi.yaml", "Pulumi.local.yaml", "Pulumi.azure.yaml", "requirements.txt", "dot-gitignore"):
        text = (folder / f"{name}.in").read_text(encoding="utf-8")
        for word, value in words.items():
            text = text.replace("{{" + word + "}}", value)
        texts[name.replace("dot-", ".")] = text
    for at, name in enumerate(("Pulumi.local.yaml", "Pulumi.azure.yaml")):
        # behind the template's own keys, in the section that ends the file
        for key, values in sizes.items():
            texts[name] += f"  {origin.name}:{key}: {shown(values[at])}\n"
    if location:
        texts["Pulumi.azure.yaml"] = texts["Pulumi.azure.yaml"].replace(
            # ARM takes "West Europe" as well; the config shows it as its own lists do
            "aciml:location: westeurope",
            f"aciml:location: {location.replace(' ', '').lower()}",
        )
    return texts
