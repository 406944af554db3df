"""``aciml doctor``: what is installed, reachable and allowed, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import click

from ..core.errors import AcimlError, UserError
from ..core.health import Line, State
from ..core.reference import Reference
from ..core.stages import is_known_image
from ..properties import Values, known
from ..settings import Settings
from ..targets.choice import choose_targets, config_findings, look_at_cloud
from . import examined
from .declared import ENVIRONMENT, HIDDEN, REGISTRY, Declared, ProgramError, declared
from .examined import Look, Subject
from .exit_code import ExitCode
from .stack import PROJECT, project_folder, read_yaml, stack_options
from .terminal import Terminal, answer, json_option

PATIENCE = 20.0
"""Seconds for all looks together: what has not answered by then is said to be silent."""


@click.command("doctor")
@stack_options
@json_option
def command(stack: str, project: Path | None, *, as_json: bool) -> int:
    """Look at what is installed, reachable and allowed; say what to do where something is not.

    In a project the stack's channels, registries, target and Azure account are looked at as well. Ends with 1 if
    something is broken, within half a minute.
    """
    progress = Terminal()
    progress.say("looking")
    lines, found = _stack(stack, project)
    try:
        settings = Settings.read()
    except UserError as error:
        lines.append(Line("settings", State.BROKEN, error.message, error.advice))
        # a mirrors file that is wrong would hide everything else: the rest is looked at without it
        settings = Settings.read({"ACIML_MIRRORS": ""})
    subject = _subject(found, settings)
    # the machine first: what is wrong there explains what is wrong in the stack
    lines = [*look(_looks(subject, found)), *lines]
    progress.done()
    broken = sum(line.state is State.BROKEN for line in lines)
    warned = sum(line.state is State.WARNING for line in lines)
    facts = {"lines": [asdict(line) for line in lines], "broken": broken, "warnings": warned}
    answer(facts, [*map(str, lines), f"{broken} broken, {warned} warning{'' if warned == 1 else 's'}"], as_json=as_json)
    return ExitCode.FAILED if broken else ExitCode.DONE


def look(looks: Sequence[tuple[str, Look]], patience: float = PATIENCE) -> list[Line]:
    """Look at everything at once, and return the lines in the order of the looks.

    Args:
        looks: each with its name, which is told if it does not come to an end.
        patience: seconds for all of them together.
    """
    # a thread each, since all of them wait for somebody
    pool = ThreadPoolExecutor(max_workers=max(len(looks), 1))
    futures = [(name, pool.submit(one)) for name, one in looks]
    wait([future for _, future in futures], timeout=patience)
    # whoever hangs is left behind: the process ends without it
    pool.shutdown(wait=False, cancel_futures=True)
    lines: list[Line] = []
    for name, future in futures:
        if not future.done():
            lines.append(Line(name, State.WARNING, f"no answer within {patience:.0f} s", "look at the network"))
        elif isinstance(error := future.exception(), AcimlError | OSError):
            lines.append(Line(name, State.BROKEN, str(error)))
        else:
            lines += future.result()
    return lines


def _stack(stack: str, project: Path | None) -> tuple[list[Line], Declared | None]:
    """Return what the stack declares; without a project there is nothing to say of one."""
    try:
        folder = project_folder(project or Path.cwd())
    except UserError as error:
        if project:
            return [Line("project", State.BROKEN, error.message, error.advice)], None
        # no project is a fact: people run this before they have one
        return [Line("project", State.OK, "none here; the machine alone was looked at")], None
    secrets: list[Line] = []
    try:
        try:
            # incomplete: a config that lacks a value still says most of what it uses
            found = declared(stack, folder, incomplete=True)
        except ProgramError:
            raise
        except UserError as error:
            # without its secrets the rest can be looked at all the same
            found = declared(stack, folder, secrets=False, incomplete=True)
            secrets = [Line("secrets", State.WARNING, error.message, error.advice)]
    except UserError as error:
        return [Line("stack", State.BROKEN, f"{stack}: {error.message}", error.advice)], None
    # outputs are what an update left: without them it was never brought up
    count = sum(bool(one.outputs) for one in found.resources)
    said = f"{stack} declares {len(found.resources)} resources, {count} of them are up"
    wrong = [Line("stack config", State.BROKEN, one.why) for one in config_findings(found.config)]
    # what was found and what to do about it are one sentence there
    wrong += [Line("stack config", State.BROKEN, *one.told(stack).split("; ", 1)) for one in found.unset]
    return [Line("stack", State.OK, said), *secrets, *wrong], found


def _subject(found: Declared | None, settings: Settings) -> Subject:
    subject = Subject(settings)
    if found is None:
        return subject
    # without a word the target is this machine, as everywhere
    target = found.config.get("target", "local")
    inputs = [known(one.inputs) for one in found.of_kind(ENVIRONMENT)]
    hosts = [host for one in inputs for host in _hosts(one)]
    # a registry that was made is asked as well: that is where images are pushed
    hosts += [str(one.outputs["loginServer"]) for one in found.of_kind(REGISTRY) if one.outputs.get("loginServer")]
    # the provider's bundle goes before that of an environment
    bundle = found.config.get("caBundle") or next((str(one["caBundle"]) for one in inputs if "caBundle" in one), "")
    steps = any(one.get("extraSteps") or one.get("extraStepsFile") or one.get("dockerfile") for one in inputs)
    return replace(
        subject,
        settings=settings.with_ca_bundle(bundle),
        channels=tuple(dict.fromkeys(name for one in inputs for name in _channels(one))) or subject.channels,
        registries=tuple(dict.fromkeys(hosts)) or subject.registries,
        # at home everything runs in it; in the cloud only steps may need it
        needs_docker=target == "local" or any(one.get("builder") == "docker" and steps for one in inputs),
        plugin_folder=_plugin_folder(found.folder),
    )


def _hosts(inputs: Values) -> list[str]:
    """Return the registries of what an environment stands on."""
    image = str(inputs.get("baseImage") or "")
    # a Dockerfile's bases are named in it, and `aciml lint` reads those
    return [Reference.parse(image).registry] if image and is_known_image(image) else []


def _channels(inputs: Values) -> list[str]:
    """Return the channels of its conda.yml; one that is wrong is for ``aciml lint`` to tell."""
    from ..core.condafile import parse_conda_file

    try:
        path = Path(str(inputs["condaFile"]))
        return list(parse_conda_file(path.read_text(encoding="utf-8-sig"), path.name).channels)
    except (KeyError, OSError, ValueError, AcimlError):
        return []


def _plugin_folder(folder: Path) -> str:
    plugins = read_yaml(folder / PROJECT).get("plugins")
    # a list of packages and plugins (Pulumi.yaml, "plugins.providers")
    named = plugins.get("providers") if isinstance(plugins, dict) else None
    ours = [one for one in named or () if isinstance(one, dict) and one.get("name") == "aciml" and one.get("path")]
    return str((folder / str(ours[0]["path"])).resolve()) if ours else ""


def _looks(subject: Subject, found: Declared | None) -> list[tuple[str, Look]]:
    settings = subject.settings
    looks: list[tuple[str, Look]] = [
        ("Python", examined.python),
        ("aciml", examined.aciml),
        ("plugin", partial(examined.plugin, subject)),
        ("Pulumi", examined.pulumi),
        ("Docker", partial(examined.docker, subject)),
        ("cache", partial(examined.cache, settings)),
        ("CA bundle", partial(examined.bundle, settings)),
        ("proxy", examined.proxies),
        ("mirrors", partial(examined.mirrors, settings)),
        *((f"channel {name}", partial(examined.channel, name, settings)) for name in subject.channels),
        ("package index", partial(examined.index, settings)),
        # each by its own name: a registry that is down shall not hide the others
        *((f"registry {host}", _registry(host, subject, found)) for host in subject.registries),
        ("clock", partial(examined.clock, settings)),
    ]
    # a login without its secret would be refused, and that says nothing
    if found and HIDDEN not in found.config.values():
        looks.append(("Azure", partial(look_at_cloud, found.config, settings)))
    return looks


# inside, since only few projects name a registry, and the client is heavy to load
def _registry(host: str, subject: Subject, found: Declared | None) -> Look:
    from ..images.tools import Tools
    from ..registry.limits import ClientLimits

    def ask(host: str) -> None:
        config = dict(found.config) if found and not config_findings(found.config) else {}
        tools = Tools.of(choose_targets(config, subject.settings), subject.settings)
        # one try each: whoever runs this wants to know how it is now
        with tools.glance(host, ClientLimits(connect=4.0, idle=8.0, attempts=1)) as client:
            client.ping()

    # by its mirror, if it has one: that is who answers
    return partial(examined.registry, host, ask, subject.settings.registries.get(host, ""))
