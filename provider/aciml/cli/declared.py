"""What a project declares of images and services, by the program itself, without Pulumi's engine.

A Python program is run with nobody behind it (``recorder.py``), so that all are read alike: those of this repository
with their sections of the stack config, and those that people write. What the last update left, Pulumi's state, fills
in what only an update knows: where the registry is, and what was pushed. Source: decisions/command-line.md.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..core.errors import UserError
from ..model.registry import LOGIN_SERVER
from ..model.service import ENVIRONMENT_IMAGE
from ..properties import UNKNOWN, Secret, Values, is_unknown
from . import deployed
from .recorder import HOST, PENDING
from .stack import PROJECT, config_of, decrypted, is_encrypted, placed, read_yaml, stacks_of

ENVIRONMENT, SERVICE = deployed.ENVIRONMENT, deployed.IMAGE
REGISTRY, GROUP = deployed.REGISTRY, deployed.GROUP
_KINDS = (REGISTRY, ENVIRONMENT, SERVICE, GROUP)
_PROVIDER = "pulumi:providers:aciml"
_RECORDER = Path(__file__).with_name("recorder.py")
_PATIENCE = 120.0
"""Seconds that a program may take to declare its resources; it waits for nobody, so most take one."""

# sdk/python/lib/pulumi/runtime/rpc.py: how the wire says that a value is not known, or is a secret
_UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
_SIGNED, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"
BY_OPTIONS = "give the files by options"
"""What commands that take files by options say of a program that nobody can read."""
HIDDEN = "secret-that-is-not-opened"
"""Stands for a secret of the config that nobody asked for: a word that most fields take."""


class ProgramError(UserError):
    """The program does not get to its end; ``file`` and ``line`` say where, if it is in the program's own files.

    ``told`` is the message without the place.
    """

    def __init__(self, told: str, advice: str = "", file: str = "", line: int = 0) -> None:
        """Keep the place."""
        super().__init__(f"{file}:{line}: {told}" if line else told, advice)
        self.told, self.file, self.line = told, file, line


@dataclass(frozen=True)
class Unset:
    """A value that the program requires of the config, and that nobody has set; ``file`` and ``line`` ask for it."""

    key: str
    """In full, such as ``scoring:primaryKey``."""
    is_secret: bool
    file: str = ""
    line: int = 0

    def told(self, stack: str) -> str:
        """Say it, with the command that sets it."""
        how = f"pulumi config set{' --secret' if self.is_secret else ''} {self.key} --stack {stack}"
        return f"{self.key} is not set in stack {stack}; set it: {how}"


@dataclass(frozen=True)
class Resource:
    """One of our resources, as a program declares it, with what the last update left of it.

    ``inputs`` have absolute paths, and ``UNKNOWN`` where only an update knows. ``before`` are the inputs of the last
    update with what ``check`` filled in, ``outputs`` what it left; both are empty if there was none.
    """

    kind: str
    name: str
    inputs: Values
    before: Values = field(default_factory=dict)
    outputs: Values = field(default_factory=dict)
    on: str = ""
    """Of a service the name of the resource whose image it stands on; empty if the program says it by itself."""
    config: Mapping[str, str] = field(default_factory=dict)
    """Of the provider that manages it: where it goes, and as whom."""
    by_options: bool = False
    """Whether it comes from the options of a command, and from no program."""

    @property
    def pushed(self) -> str:
        """Reference of the image that the last update pushed, with its digest; empty if there was none."""
        image = self.outputs.get("image")
        return image if isinstance(image, str) and "@" in image else ""

    @property
    def title(self) -> str:
        """The component's name, as its author knows it."""
        return self.name.removesuffix("-image").removesuffix("-group").removesuffix("-registry")


@dataclass(frozen=True)
class Declared:
    """What a stack of a project declares, in the order of the program; only our resources."""

    folder: Path
    stack: str
    resources: tuple[Resource, ...]
    config: Mapping[str, str] = field(default_factory=dict)
    """The stack's own configuration of the provider."""
    stateless: str = ""
    """Why the stack's state could not be read, if it could not."""
    unset: tuple[Unset, ...] = ()
    """What the config lacks; values that are made of it are not known."""
    by_state: str = ""
    """Of a program that only Pulumi runs its language: inputs are those of the last update. Empty of one in Python."""

    def of_kind(self, kind: str) -> list[Resource]:
        """Return the resources of a type."""
        return [one for one in self.resources if one.kind == kind]

    def one(self, kind: str, name: str = "") -> Resource:
        """Return the resource of a type, by its component's name if there are several.

        Raises:
            UserError: there is none, or it has to be named.
        """
        found = [one for one in self.of_kind(kind) if name in ("", one.title, one.name)]
        if len(found) == 1:
            return found[0]
        titles = ", ".join(one.title for one in self.of_kind(kind)) or "none"
        what = "environment" if kind == ENVIRONMENT else "service"
        raise UserError(
            f'the program declares no {what} "{name}"; it has {titles}'
            if name
            else f"the program declares {len(found)} of the kind {what}: {titles}",
            "choose one by --name" if self.of_kind(kind) else "declare it in the program",
        )


def declared(
    stack: str, folder: Path, *, secrets: bool = True, state: bool = True, incomplete: bool = False, instead: str = ""
) -> Declared:
    """Return what the program declares for a stack.

    Args:
        stack: name of the stack.
        folder: of Pulumi.yaml.
        secrets: whether secrets of the config are needed; without, ``HIDDEN`` stands for each, and no
            Pulumi is needed.
        state: whether to ask Pulumi for what the last update left; a program in another language is always looked for
            there.
        incomplete: whether to go on where the config lacks what the program requires; see ``Declared.unset``.
        instead: what a user can do with this command where nothing can be read of a program.

    Raises:
        ProgramError: the program ends with an error; the message is its own.
        UserError: there is no such stack, nobody but Pulumi can run the program, or the config lacks something.
    """
    unset: list[Unset] = []
    project, config = read_yaml(folder / PROJECT), _config(stack, folder, secrets=secrets)
    is_ours = _language(project) == "python"
    # of a program in another language the state is all there is to read
    left, why = state_of(stack, folder) if state or not is_ours else ({}, "")
    provider = {key.removeprefix("aciml:"): str(value) for key, value in config.items() if key.startswith("aciml:")}
    if is_ours:
        rows, unset = _run(project, stack, folder, config, _secret_keys(stack, folder))
        told = _recorded(rows)
    elif any(kind in (ENVIRONMENT, SERVICE) for kind, _ in left):
        # what the last update got: paths are the same, files are read as they are now
        told = list(_of_state(left.values()))
    elif _language(project) == "yaml" and not any(written_in_yaml(folder)):
        raise UserError(
            f"{folder / PROJECT} declares no image of aciml", f"{instead}, or declare one" if instead else "declare one"
        )
    else:
        raise UserError(
            f"the program is written in {_language(project)}, which only Pulumi runs, and no update of the stack "
            f"{stack} has left an image whose inputs could be read{f' ({why})' if why else ''}",
            f"{instead}, or run pulumi up once" if instead else "run pulumi up once",
        )
    if unset and not incomplete:
        raise _lacking(unset, stack)
    wishes = [replace(one, config=one.config or provider) for one in told]
    resources = tuple(_completed(wishes, left, _home(project, folder)[0]))
    return Declared(folder, stack, resources, provider, why, tuple(unset), "" if is_ours else _language(project))


def _lacking(unset: Iterable[Unset], stack: str) -> UserError:
    rows = list(unset)
    if len(rows) == 1:
        return UserError(rows[0].told(stack))
    names = ", ".join(f"{one.key}{' (secret)' if one.is_secret else ''}" for one in rows)
    how = f"set each: pulumi config set KEY --stack {stack}, with --secret where it is one"
    return UserError(f"stack {stack} lacks {len(rows)} values that the program requires: {names}", how)


def state_of(stack: str, folder: Path) -> tuple[dict[tuple[str, str], deployed.Resource], str]:
    """Return our resources of the stack's state by type and name, and why there are none if it cannot be read."""
    try:
        found = deployed.StateSource(folder, stack).state
    # who has no Pulumi, or was never up, is not stopped: all that is asked can be said without
    except UserError as error:
        return {}, error.message
    groups = [one.group for one in found.services]
    ours = (*found.registries, *found.environments, *found.images, *groups)
    return {(one.token, one.name): one for one in ours}, ""


def _config(stack: str, folder: Path, *, secrets: bool) -> dict[str, Any]:
    """Return the stack's config by full keys; a stack that has said nothing has no file."""
    project = read_yaml(folder / PROJECT)
    # a project before its first `pulumi stack init`
    if not stacks_of(folder):
        return _defaults(project)
    _, config, name = config_of(stack, folder)
    if is_encrypted(config):
        config = decrypted(stack, folder) if secrets else _hidden(config)
    return {**_defaults(project), **{key if ":" in key else f"{name}:{key}": one for key, one in config.items()}}


def _secret_keys(stack: str, folder: Path) -> list[str]:
    """Return the keys that have a secret in them, as the engine names them to a program."""
    if not stacks_of(folder):
        return []
    _, config, name = config_of(stack, folder)
    return [key if ":" in key else f"{name}:{key}" for key, value in config.items() if is_encrypted(value)]


def _defaults(project: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Pulumi.yaml says for all stacks (Pulumi, "Project-level configuration")."""
    said = project.get("config")
    found = {}
    for key, value in said.items() if isinstance(said, Mapping) else ():
        plain = value.get("value", value.get("default")) if isinstance(value, Mapping) else value
        if plain is not None:
            found[key if ":" in key else f"{project.get('name', '')}:{key}"] = plain
    return found


def _hidden(value: Any) -> Any:
    if isinstance(value, Mapping):
        # as Pulumi writes a secret into the file: a map of this one key
        return HIDDEN if set(value) == {"secure"} else {key: _hidden(one) for key, one in value.items()}
    return [_hidden(one) for one in value] if isinstance(value, list) else value


def holds_secret(value: Any) -> bool:
    """Tell whether inputs, read without secrets, have one in them: as such, or as the word that stands for it."""
    if isinstance(value, Mapping):
        return any(holds_secret(one) for one in value.values())
    if isinstance(value, list):
        return any(map(holds_secret, value))
    # a program that reads it by `config.get` has the word alone, and may have put it in a longer text
    return isinstance(value, Secret) or (isinstance(value, str) and HIDDEN in value)


def _language(project: Mapping[str, Any]) -> str:
    runtime = project.get("runtime")
    return str(runtime.get("name") if isinstance(runtime, Mapping) else runtime)


def _home(project: Mapping[str, Any], folder: Path) -> tuple[Path, Path]:
    """Return where the program runs, and its first file (Pulumi, "Project file", main)."""
    # a file or a folder; Pulumi runs the program in that folder, and paths in it are relative to there
    main = (folder / str(project.get("main") or ".")).resolve()
    return (main.parent, main) if main.is_file() else (main, main / "__main__.py")


def _python(project: Mapping[str, Any], folder: Path) -> str:
    """Return the program's own Python: that of its virtual environment, else the one that is active."""
    runtime = project.get("runtime")
    options = (runtime.get("options") if isinstance(runtime, Mapping) else None) or {}
    # by uv there is .venv if nothing else is said (Pulumi, "Python", toolchain)
    named = options.get("virtualenv") or (".venv" if options.get("toolchain") == "uv" else "")
    inside = "Scripts/python.exe" if os.name == "nt" else "bin/python"
    own = folder / str(named) / inside
    return str(own) if named and own.is_file() else sys.executable


def _run(
    project: Mapping[str, Any], stack: str, folder: Path, config: Mapping[str, Any], secret: list[str]
) -> tuple[list[dict[str, Any]], list[Unset]]:
    where, script = _home(project, folder)
    if not script.is_file():
        raise UserError(f"{script} does not exist", f"mend main in {folder / PROJECT}")
    # the SDK reads all config as texts, a map or list as JSON, and what is secret by its keys
    texts = {key: one if isinstance(one, str) else json.dumps(one) for key, one in config.items()}
    said = {"PULUMI_CONFIG": json.dumps(texts), "PULUMI_CONFIG_SECRET_KEYS": json.dumps(secret)}
    words = [_python(project, folder), str(_RECORDER), str(where), str(script), str(project.get("name", "")), stack]
    try:
        done = subprocess.run(
            words, env=os.environ | said, cwd=where, capture_output=True, text=True, check=False, timeout=_PATIENCE
        )
        told = json.loads(done.stdout)
    except subprocess.TimeoutExpired as error:
        raise ProgramError(
            f"{script} did not end within {_PATIENCE:.0f} seconds", "run it by pulumi preview"
        ) from error
    except ValueError as error:
        last = (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
        raise ProgramError(f"{script} cannot be run: {last}", "mend the program, or what it imports") from error
    places = [(one["key"], bool(one["secret"]), *(one["at"] or (str(script), 0))) for one in told["unset"]]
    unset = [Unset(*one) for one in dict.fromkeys(places)]
    if "error" not in told:
        return list(told["resources"]), unset
    # a secret has a stand-in that programs can work with; a plain value that is missing may be used at once
    if any(not one.is_secret for one in unset):
        # what a program does with a value that nobody has set says nothing: first that is to be set
        return [], unset
    file, line = told["at"] or (str(script), 0)
    raise ProgramError(str(told["error"]), "", file, line)


def _recorded(rows: list[dict[str, Any]]) -> list[Resource]:
    """Return our resources; a service knows on whose image it stands."""
    providers = {
        row["name"]: {key: str(value) for key, value in decoded(row["inputs"]).items() if isinstance(value, str)}
        for row in rows
        if row["type"] == _PROVIDER
    }
    found = []
    for row in rows:
        if row["type"] not in _KINDS:
            continue
        inputs = decoded(row["inputs"])
        # urn::id, and the urn ends with the name
        config = providers.get(row["provider"].rpartition("::")[0].rpartition("::")[2], {})
        on = _number(inputs.get(ENVIRONMENT_IMAGE))
        name = rows[on]["name"] if on is not None and on < len(rows) else ""
        found.append(Resource(row["type"], row["name"], inputs, on=name, config=config))
    hosts = {HOST.format(at): row["name"] for at, row in enumerate(rows)}
    # the name stands for the address until state tells it
    return [replace(one, inputs=_without_standins(one.inputs, hosts)) for one in found]


def _number(image: Any) -> int | None:
    text = image if isinstance(image, str) else ""
    return int(text.rpartition("@sha256:")[2]) if f":{PENDING}@sha256:0000" in text else None


@dataclass(frozen=True)
class _Address:
    """The login server of a registry that the program declares, by its name."""

    name: str


def _without_standins(inputs: Values, hosts: Mapping[str, str]) -> Values:
    found = dict(inputs)
    # a program may as well give a registry of its own, which is a plain address
    host = found.get(LOGIN_SERVER)
    if isinstance(host, str) and host in hosts:
        found[LOGIN_SERVER] = _Address(hosts[host])
    if _number(found.get(ENVIRONMENT_IMAGE)) is not None:
        found[ENVIRONMENT_IMAGE] = UNKNOWN
    return found


def _of_state(rows: Iterable[deployed.Resource]) -> Iterator[Resource]:
    """Yield the resources as the last update had them; what only an update knows is not known again."""
    from ..model.judge import TABLES

    made = {one.text("image"): one.name for one in rows if one.token == ENVIRONMENT}
    for one in rows:
        # what check filled last time is filled anew: with it a change of the files would not show
        filled = {name for name, field in TABLES.get(one.token, {}).items() if field.filled}
        inputs = {name: value for name, value in one.inputs.items() if name not in filled}
        on = made.get(one.text(ENVIRONMENT_IMAGE), "") if one.token == SERVICE else ""
        yield Resource(one.token, one.name, inputs | ({ENVIRONMENT_IMAGE: UNKNOWN} if on else {}), on=on)


def written_in_yaml(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield name and type (``EnvironmentImage``) of our images and services that a Pulumi.yaml itself declares."""
    program = read_yaml(folder / PROJECT).get("resources")
    for name, one in program.items() if isinstance(program, Mapping) else ():
        token = str(one.get("type", "")) if isinstance(one, Mapping) else ""
        # a type may be written without its module: aciml:ScoringService (Pulumi YAML, "Resources")
        head, _, kind = token.rpartition(":")
        if head in ("aciml", "aciml:index") and kind in COMPONENTS:
            yield str(name), kind


COMPONENTS = {"EnvironmentImage": ENVIRONMENT, "ScoringService": SERVICE}
"""Components whose files are judged, and the resource of each that has them."""


def _completed(
    found: list[Resource], state: Mapping[tuple[str, str], deployed.Resource], home: Path
) -> Iterator[Resource]:
    """Fill in what the last update left."""
    for one in found:
        left, inputs = state.get((one.kind, one.name)), dict(one.inputs)
        if isinstance(address := inputs.get(LOGIN_SERVER), _Address):
            registry = state.get((REGISTRY, address.name))
            inputs[LOGIN_SERVER] = (registry.text(LOGIN_SERVER) if registry else "") or UNKNOWN
        before, outputs = (left.inputs, left.outputs) if left else ({}, {})
        yield replace(one, inputs=placed(inputs, home), before=before, outputs=outputs)


def decoded(value: Any) -> Any:
    """Return values as the engine writes them in JSON as ours: whole numbers, secrets, and what is not known."""
    # within a text as well: who puts an address together of a value that is not set, does not know the address
    if isinstance(value, str) and _UNKNOWN in value:
        return UNKNOWN
    if isinstance(value, Mapping):
        if value.get(_SIGNED) == _SECRET:
            inner = decoded(value.get("value"))
            return inner if is_unknown(inner) else Secret(inner)
        found = {key: decoded(one) for key, one in value.items() if not key.startswith("__")}
        return {key: one for key, one in found.items() if one is not None}
    if isinstance(value, list):
        return [decoded(one) for one in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
