"""What a stack's state says is deployed: our resources, of any program in any language, as typed values.

The state is asked for by ``pulumi stack export``, which alone knows where it lies and opens its secrets. Nothing here
asks the place where services run.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click

from ..core.errors import UserError
from ..core.meant import meant
from ..core.ownership import Urn
from ..model.config import FIELDS, TARGETS
from ..model.service import ENVIRONMENT_IMAGE
from ..properties import UNKNOWN, Secret, Values, is_unknown, reveal
from .refusals import refusal
from .stack import FOLDER, PROJECT, project_folder, read_yaml

REGISTRY, ENVIRONMENT = "aciml:registry:ContainerRegistry", "aciml:image:Environment"
IMAGE, GROUP = "aciml:image:Service", "aciml:compute:ContainerGroup"
_OURS = frozenset({REGISTRY, ENVIRONMENT, IMAGE, GROUP})
_COMPONENTS = "aciml:index:"
_PROVIDER = "pulumi:providers:aciml"
_STACK = "pulumi:pulumi:Stack"

# how a checkpoint writes what is no plain JSON (pulumi/sdk/go/common/resource/sig)
_SIGNATURE, _SECRET = "4dabf18193072939515e22adb298388d", "1b47061264138c4ac30d75fd1eb44270"

_Run = TypeVar("_Run", bound=Callable[..., Any])


def state_options(run: _Run) -> _Run:
    """Give a command ``--stack`` (``stack: str | None``) and ``--project`` (``project: Path | None``)."""
    run = click.option("--project", type=FOLDER, help=f"Folder of {PROJECT}; found from here without it.")(run)
    return click.option("--stack", help="Stack whose state is read; the selected one without it.")(run)


def service_argument(run: _Run) -> _Run:
    """Give a command the word SERVICE (``service: str | None``)."""
    return click.argument("service", required=False)(run)


@dataclass(frozen=True)
class Resource:
    """One resource of ours, as state keeps it.

    ``component`` is the name of the component that declared it, its own where a program declared it alone; a secret
    that was not asked for is ``Secret(UNKNOWN)``. ``modified`` is RFC 3339, empty in states of old CLIs.
    """

    urn: str
    id: str
    inputs: Values
    outputs: Values
    component: str
    parent: str = ""
    provider: str = ""
    modified: str = ""

    @property
    def token(self) -> str:
        """Type of the resource."""
        return Urn.parse(self.urn).token

    @property
    def name(self) -> str:
        """Name of the resource in the program."""
        return Urn.parse(self.urn).name

    def text(self, name: str) -> str:
        """Return an output, else an input, as text; empty if it is not there or not known."""
        for values in (self.outputs, self.inputs):
            if name in values and not is_unknown(values[name]):
                return str(reveal(values[name]))
        return ""


@dataclass(frozen=True)
class DeployedService:
    """A service: its container group, and what it is made of as far as this stack has made that.

    ``config`` is the configuration of the provider that manages the group, as ``choose_targets`` takes it; a secret in
    it that was not asked for is among ``hidden``.
    """

    group: Resource
    image: Resource | None = None
    environment: Resource | None = None
    config: Mapping[str, str] = field(default_factory=dict)
    hidden: frozenset[str] = frozenset()

    @property
    def name(self) -> str:
        """What users call it: the component's name."""
        return self.group.component

    @property
    def names(self) -> tuple[str, ...]:
        """All words that mean it: component, resource, the name on the target, the urn."""
        return tuple(dict.fromkeys((self.name, self.group.name, self.group.text("name"), self.group.urn)))

    @property
    def target(self) -> str:
        """The word for the place where it runs."""
        return self.config.get("target", TARGETS[0])


@dataclass(frozen=True)
class Deployed:
    """All of ours in one stack's state.

    ``others`` counts resources of other packages; ``pending`` names operations that were begun and whose end nobody
    wrote down.
    """

    stack: str
    registries: tuple[Resource, ...] = ()
    environments: tuple[Resource, ...] = ()
    images: tuple[Resource, ...] = ()
    services: tuple[DeployedService, ...] = ()
    others: int = 0
    pending: tuple[str, ...] = ()

    @classmethod
    def of_export(cls, text: str, stack: str = "") -> Deployed:
        """Read what ``pulumi stack export`` wrote.

        Args:
            text: JSON, with secrets shown or not.
            stack: its name where the state is empty and says none.

        Raises:
            UserError: it is no such JSON.
        """
        try:
            rows, pending = _rows(json.loads(text))
        except (ValueError, TypeError, AttributeError, LookupError) as error:
            why = f"the state of {f'stack {stack}' if stack else 'the selected stack'} cannot be read: {error}"
            raise UserError(why, "look at what `pulumi stack export` prints") from error
        named = next((Urn.parse(row["urn"]).stack for row in rows), stack)
        # what waits for its deletion after a replacement has a successor of the same urn
        ours = [_resource(row, rows) for row in rows if row.get("type") in _OURS and not row.get("delete")]
        kinds = {token: tuple(one for one in ours if one.token == token) for token in _OURS}
        found = (_service(group, kinds[IMAGE], kinds[ENVIRONMENT], rows) for group in kinds[GROUP])
        # in a state things stand as they were finished
        services = tuple(sorted(found, key=lambda one: (one.name, one.group.urn)))
        mine = ("aciml:", _PROVIDER, _STACK)
        others = sum(not str(row.get("type", "")).startswith(mine) for row in rows)
        return cls(named, kinds[REGISTRY], kinds[ENVIRONMENT], kinds[IMAGE], services, others, pending)

    @property
    def title(self) -> str:
        """Name the stack in a sentence."""
        return f"stack {self.stack}" if self.stack else "the selected stack"

    def service(self, word: str | None) -> DeployedService:
        """Return the service that a word means; the only one without a word.

        Raises:
            UserError: there is none, or nobody can tell which; the message lists them.
        """
        self.require_services()
        known = ", ".join(one.name for one in self.services)
        if word is None:
            if len(self.services) > 1:
                raise UserError(f"{self.title} has {len(self.services)} services: {known}", "name one of them")
            return self.services[0]
        found = [one for one in self.services if word in one.names]
        if len(found) == 1:
            return found[0]
        if found:
            urns = ", ".join(one.group.urn for one in found)
            raise UserError(f'"{word}" names {len(found)} services of {self.title}: {urns}', "give a urn")
        # by what people call it: nobody mistypes a urn
        near = meant(word, [name for one in self.services for name in one.names[:3]])
        advice = f'did you mean "{near}"?' if near else f"it has {known}"
        raise UserError(f'{self.title} has no service "{word}"', advice)

    def require_services(self) -> None:
        """Make sure that there is a service.

        Raises:
            UserError: there is none; the message says what is there instead.
        """
        if self.services:
            return
        if self.pending:
            advice = "run `pulumi refresh`, then `pulumi up`"
            raise UserError(f"{self.title} has no service yet; its last update was interrupted", advice)
        images = len(self.environments) + len(self.images) + len(self.registries)
        if images:
            raise UserError(f"{self.title} has registries and images, and no service", "run `pulumi up`")
        if self.others:
            count = "1 resource" if self.others == 1 else f"{self.others} resources"
            why = f"{self.title} has {count}, and none of aciml"
            raise UserError(why, "choose another --stack or --project")
        raise UserError(f"nothing is deployed in {self.title}", "run `pulumi up` first")

    def require_settled(self) -> None:
        """Make sure that no operation of before has an unknown end: nothing may be changed on top of it.

        Raises:
            UserError: there is one.
        """
        if self.pending:
            told = "; ".join(self.pending)
            raise UserError(f"{self.title} was interrupted while {told}", "run `pulumi refresh` first")


@dataclass(frozen=True)
class StateSource:
    """Whose state is read: the project's folder, and a stack (empty: the selected one)."""

    folder: Path
    stack: str = ""

    @classmethod
    def of(cls, stack: str | None, project: Path | None) -> StateSource:
        """Find the project.

        Raises:
            UserError: there is no Pulumi.yaml, and the stack's name does not do without.
        """
        start = project or Path.cwd()
        # `organization/project/stack` is found by its name alone, from anywhere
        if stack and stack.count("/") == 2 and project is None:
            try:
                return cls(project_folder(start), stack)
            except UserError:
                return cls(start.resolve(), stack)
        folder = project_folder(start)
        # a broken file is told as all commands tell it, and not in the words of Pulumi's reader
        read_yaml(folder / PROJECT)
        return cls(folder, stack or "")

    @property
    def words(self) -> list[str]:
        """Options by which Pulumi finds the stack."""
        return ["--stack", self.stack] if self.stack else []

    @cached_property
    def state(self) -> Deployed:
        """The state without its secrets, for which neither a passphrase nor a key is needed.

        Raises:
            UserError: it cannot be had; one sentence says why.
        """
        return Deployed.of_export(self.pulumi("stack", "export"), self.stack)

    @cached_property
    def shown(self) -> Deployed:
        """The state with its secrets.

        Raises:
            UserError: it cannot be had; one sentence says why.
        """
        return Deployed.of_export(self.pulumi("stack", "export", "--show-secrets"), self.stack)

    def pulumi(self, *words: str, given: str | None = None) -> str:
        """Run Pulumi in the project and return what it printed.

        Args:
            words: of the command, without the stack.
            given: what it reads on standard input.

        Raises:
            UserError: it failed; the message has its reason, and no advice of another program's.
        """
        # a question would wait for an answer that nobody sees, since its output is read here
        command = ["pulumi", "--non-interactive", "--color", "never", *words, *self.words]
        try:
            done = _run(command, self.folder, given=given or "")
        except FileNotFoundError as error:
            if not self.folder.is_dir():
                raise UserError(f"{self.folder} is not a folder") from error
            advice = "install it (https://www.pulumi.com/docs/install) and put it on PATH"
            raise UserError("the Pulumi CLI is not on PATH, and only it can read a stack's state", advice) from error
        except OSError as error:
            raise UserError(f"the Pulumi CLI cannot be run: {error.strerror}", "look at what PATH leads to") from error
        if done.returncode:
            raise self._failure(done.stderr or done.stdout)
        return done.stdout

    def stream(self, *words: str) -> None:
        """Run Pulumi in the project and let it speak on standard error, where people see how far it is.

        Raises:
            UserError: it failed; it has said why.
        """
        command = ["pulumi", "--non-interactive", *words, *self.words]
        done = _run(command, self.folder, speaks=True)
        if done.returncode:
            raise UserError(f"`pulumi {words[0]}` failed (exit code {done.returncode}); it has said why above")

    def _failure(self, said: str) -> UserError:
        """Return Pulumi's refusal in one sentence."""
        return refusal(said, f"stack {self.stack}" if self.stack else "the selected stack", self._stacks)

    def _stacks(self) -> str:
        try:
            listed = subprocess.run(
                ["pulumi", "--non-interactive", "stack", "ls", "--json"],
                cwd=self.folder,
                capture_output=True,
                text=True,
                check=True,
                stdin=subprocess.DEVNULL,
            )
            names = [str(one["name"]) for one in json.loads(listed.stdout)]
        except (OSError, subprocess.CalledProcessError, ValueError, LookupError, TypeError):
            names = []
        return f"give --stack; stacks are {', '.join(names)}" if names else "this project has none: `pulumi stack init`"


def _run(
    command: list[str], folder: Path, *, given: str = "", speaks: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run a program to its end; ctrl-C is heard when it has ended.

    The terminal gives ctrl-C to it as well, and the CLI ends an update by it in an orderly way, which takes a while:
    whoever kills it meanwhile (as ``subprocess.run`` does) leaves a locked stack and operations without an end.
    """
    out, err = (sys.stderr, None) if speaks else (subprocess.PIPE, subprocess.PIPE)
    child = subprocess.Popen(command, cwd=folder, stdin=subprocess.PIPE, stdout=out, stderr=err, text=True)
    interrupted, input_ = False, given or None
    while True:
        try:
            said, wrong = child.communicate(input_)
            break
        except KeyboardInterrupt:
            interrupted, input_ = True, None
    if interrupted:
        raise KeyboardInterrupt
    return subprocess.CompletedProcess(command, child.returncode, said or "", wrong or "")


def _rows(export: Any) -> tuple[list[Mapping[str, Any]], tuple[str, ...]]:
    deployment = export["deployment"] or {}
    rows = [row for row in deployment.get("resources") or () if row["urn"]]
    begun = deployment.get("pending_operations") or ()
    return rows, tuple(f"{one['type']} {Urn.parse(one['resource']['urn']).name}" for one in begun)


def _resource(row: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Resource:
    parent = next((one for one in rows if one["urn"] == row.get("parent")), {})
    # one that a program declared without a component of ours is known by its own name
    by_component = str(parent.get("type", "")).startswith(_COMPONENTS)
    return Resource(
        urn=row["urn"],
        id=str(row.get("id", "")),
        inputs=_values(row.get("inputs") or {}),
        outputs=_values(row.get("outputs") or {}),
        component=Urn.parse(parent["urn"] if by_component else row["urn"]).name,
        parent=str(parent.get("urn", "")),
        # `<urn>::<id>`: the provider of before may be there too, while what it made is replaced
        provider=str(row.get("provider", "")).rpartition("::")[0],
        modified=str(row.get("modified") or ""),
    )


def _service(
    group: Resource, images: Iterable[Resource], environments: Iterable[Resource], rows: Iterable[Mapping[str, Any]]
) -> DeployedService:
    runs = {group.text("image"), str(reveal(group.inputs.get("image", "")))}
    # by the parent's urn: programs may have two components of one name, each within another component of theirs
    siblings = [one for one in images if group.parent.count(_COMPONENTS) and one.parent == group.parent]
    # its own component's image, else the one that its group runs: a program may build the two apart
    image = next((one for one in (*siblings, *images) if one in siblings or one.text("image") in runs), None)
    below = image.text(ENVIRONMENT_IMAGE) if image else ""
    environment = next((one for one in environments if below and one.text("image") == below), None)
    provider = next((one for one in rows if one["urn"] == group.provider), {})
    given = {name: value for name, value in _values(provider.get("inputs") or {}).items() if name in FIELDS}
    hidden = frozenset(name for name, value in given.items() if is_unknown(value))
    config = {name: str(reveal(value)) for name, value in given.items() if name not in hidden and name != "version"}
    return DeployedService(group, image, environment, config, hidden)


def _values(properties: Mapping[str, Any]) -> Values:
    found = {name: _value(value) for name, value in properties.items() if not name.startswith("__")}
    return {name: value for name, value in found.items() if value is not None}


def _value(value: Any) -> Any:
    if isinstance(value, dict):
        # in an export without secrets there is a ciphertext in the place of the plaintext
        if value.get(_SIGNATURE) == _SECRET:
            shown = value.get("plaintext")
            return Secret(UNKNOWN) if shown is None else Secret(_value(json.loads(shown)))
        if _SIGNATURE in value:  # an asset, an archive, a reference: none of our properties is one
            return UNKNOWN
        return _values(value)
    if isinstance(value, list):
        return [_value(item) for item in value]
    # a state keeps what the plugin was told as numbers, and all numbers of JSON's are one kind there
    return int(value) if isinstance(value, float) and value.is_integer() else value


@dataclass(frozen=True)
class Chosen:
    """The service that a command is about, and where its state was read."""

    source: StateSource
    state: Deployed
    service: DeployedService

    @classmethod
    def of(cls, stack: str | None, project: Path | None, word: str | None, *, secrets: bool = False) -> Chosen:
        """Find it; with ``secrets`` its keys are known.

        Raises:
            UserError: there is no such stack or service, or the state cannot be had.
        """
        source = StateSource.of(stack, project)
        state = source.shown if secrets else source.state
        return cls(source, state, state.service(word))

    def with_secrets(self) -> Chosen:
        """Return the same with its secrets."""
        state = self.source.shown
        return replace(self, state=state, service=state.service(self.service.group.urn))

    def enter(self) -> None:
        """Go into the project's folder, as the plugin does: paths of inputs are relative to it."""
        os.chdir(self.source.folder)
