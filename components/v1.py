"""Arguments from the files of Azure ML v1: the core says what they mean, here they are read and made into classes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path, PurePath
from typing import Any, TypeVar

import pulumi

from aciml.core.errors import Finding
from aciml.core.v1.desk import Given, Unreadable
from aciml.core.v1.meaning import Meaning, Source, meaning_of
from aciml.core.v1.packages import CondaText

from .args.declared import arguments_of, is_subject
from .args.places import advice_for
from .v1_error import V1Error

Args = TypeVar("Args")
AnyPath = str | os.PathLike[str]


class Disk:
    """Sees files of this machine; paths are relative to the folder of the process."""

    def read(self, path: PurePath) -> str:
        """Return a file's text.

        Raises:
            Unreadable: it cannot be read, or is no text.
        """
        try:
            # editors on Windows begin a file with a mark, which is no part of the text
            return Path(path).read_text(encoding="utf-8-sig")
        except OSError as error:
            raise Unreadable(f"{path} cannot be read: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise Unreadable(f"{path} is no text; save it as UTF-8") from error

    def is_file(self, path: PurePath) -> bool:
        """Tell whether there is a file."""
        return _is(Path(path).is_file)

    def is_folder(self, path: PurePath) -> bool:
        """Tell whether there is a folder."""
        return _is(Path(path).is_dir)


def read_v1(
    inference_config: AnyPath,
    deployment_config: AnyPath | None = None,
    environment: AnyPath | None = None,
    start: AnyPath = "",
) -> Meaning:
    """Return what files of v1 mean; a file that cannot be read is one of the findings.

    Args:
        inference_config: path of the file.
        deployment_config: path of the file; None reads the other alone.
        environment: folder of a saved environment, for an inference config without one.
        start: where v1's command ran, which paths were relative to.
    """
    disk, missing = Disk(), list[Finding]()
    inference = _source(disk, inference_config, missing)
    deployment = None if deployment_config is None else _source(disk, deployment_config, missing)
    scaffold = None if environment is None else PurePath(os.fspath(environment))
    # v1 took paths from where its command ran; people ran it in the folder of the file, too
    roots = tuple(dict.fromkeys([PurePath(os.fspath(start)), PurePath(os.fspath(inference_config)).parent]))
    if missing:
        return Meaning((), (), (), tuple(missing))
    return meaning_of(disk, roots, inference or Source("", ""), deployment, scaffold)


def environment_from_v1(
    cls: type[Args], more: Mapping[str, Any], *, inference_config: AnyPath, environment: AnyPath | None
) -> Args:
    """Return arguments of an environment's image; see ``EnvironmentImageArgs.from_v1``."""
    meaning = read_v1(inference_config, None, environment)
    return _made(cls, meaning, meaning.environment, more)


def service_from_v1(
    cls: type[Args],
    more: Mapping[str, Any],
    *,
    inference_config: AnyPath,
    deployment_config: AnyPath,
    environment: AnyPath | None,
) -> Args:
    """Return arguments of a service; see ``ScoringServiceArgs.from_v1``."""
    meaning = read_v1(inference_config, deployment_config, environment)
    made = _made(cls, meaning, meaning.service, more)
    if meaning.is_alone and meaning.script is not None:
        folder = _in_project(meaning.script.parent)
        _tell(
            f"v1 sent {meaning.script} alone; here all of {folder} goes into the image, but for what .amlignore names"
        )
    for outcome in meaning.outcomes:
        if outcome.told:
            _tell(str(outcome))
    return made


def nested(given: Iterable[Given], value_of: Any) -> dict[str, Any]:
    """Return values by the names of arguments, those of subjects in a map of their own.

    Args:
        given: what the files say.
        value_of: returns what stands for one of them.
    """
    found: dict[str, Any] = {}
    for one in given:
        *above, name = one.argument.split(".")
        place = found
        for word in above:
            place = place.setdefault(word, {})
        place[name] = value_of(one)
    return found


def _source(disk: Disk, path: AnyPath, missing: list[Finding]) -> Source | None:
    name = os.fspath(path)
    if not disk.is_file(PurePath(name)):
        why = "is a folder" if disk.is_folder(PurePath(name)) else "does not exist"
        missing.append(Finding("", f"{name} {why}; name the file"))
        return None
    try:
        return Source(name, disk.read(PurePath(name)))
    except Unreadable as error:
        missing.append(Finding("", str(error)))
        return None


def _is(asks: Any) -> bool:
    try:
        return bool(asks())
    except (OSError, ValueError):  # a name that is too long, or that no file can have
        return False


def _made(cls: type[Args], meaning: Meaning, given: Sequence[Given], more: Mapping[str, Any]) -> Args:
    problems = [finding.why for finding in meaning.findings]
    known = {argument.name for argument in arguments_of(cls)}
    # said here: the class would name the line of this call, which is none of the user's
    problems += [
        f"{name} is no argument of {cls.__name__}; {advice_for(cls, name)}" for name in more if name not in known
    ]
    if problems:
        raise V1Error(problems)
    return _object(cls, nested(given, _value), more)


def _object(cls: type[Args], said: Mapping[str, Any], more: Mapping[str, Any]) -> Args:
    """Return an object of the class; what the program gives counts, and a subject that both give is filled up."""
    values: dict[str, Any] = {}
    for argument in arguments_of(cls):
        ours, theirs = more.get(argument.name), said.get(argument.name)
        inner = argument.declared
        if inner is not None and is_subject(inner) and isinstance(theirs, Mapping):
            if ours is None:
                values[argument.name] = _object(inner, theirs, {})
            elif isinstance(ours, inner):
                own = {one.name: getattr(ours, one.name) for one in arguments_of(inner)}
                values[argument.name] = _object(inner, theirs, own)
            else:
                values[argument.name] = ours
        elif ours is not None or theirs is not None:
            values[argument.name] = theirs if ours is None else ours
    return cls(**values)


def _value(one: Given) -> Any:
    value = one.value
    if one.cloud is not None and pulumi.Config("aciml").get("target") != "local":
        value = one.cloud
    if isinstance(value, PurePath):
        value = _in_project(value)
    if isinstance(value, CondaText):
        value = value.placed(_in_project(PurePath(value.home)))
    return pulumi.Output.secret(value) if one.secret else value


def _in_project(path: PurePath) -> str:
    """Return a path as the plugin takes it, relative to the folder of Pulumi.yaml; an absolute one stays."""
    if path.is_absolute():
        return str(path)
    root = Path(pulumi.runtime.get_root_directory() or "")
    # with `main` in Pulumi.yaml a program runs below that folder; some language hosts do not say which
    return os.path.relpath(path, root) if root.is_absolute() else str(path)


# once, though environment and service read the same file
@cache
def _tell(line: str) -> None:
    # nothing is wrong with it: v1 and this target call things otherwise
    pulumi.log.info(line)
