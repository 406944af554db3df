"""Looks for the files of a v1 project: its configs by their names, models by what the script asks for."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath

from ..core.errors import UserError
from ..core.unwanted import ENVIRONMENTS, unwanted
from ..core.v1.environment import ENVIRONMENT_FILE
from ..core.v1.keys import TARGETS
from ..core.v1.script import AskedModel, Asks
from ..core.v1.tree import TreeError, read_tree

_ENDINGS = (".json", ".yml", ".yaml")
# names in Microsoft's samples of `az ml model deploy`: inferenceconfig.json, ic.json, deployment_config_aci.yml
_INFERENCE = re.compile(r".*inference[-_.]?config.*|ic", re.IGNORECASE)
_DEPLOYMENT = re.compile(r".*deploy(?:ment)?[-_.]?config.*|aci[-_.]?config.*|dc", re.IGNORECASE)
_DEEPEST = 3
"""Folders below the project's that are looked into for a config."""
_MOST = 20_000
"""Files that are looked at for a model: a folder of data has more, and none of them is one."""


def find_inference(folder: Path) -> Path:
    """Return the inference config of a folder.

    Raises:
        UserError: there is none, or more than one.
    """
    advice = (
        'name it by --inference-config; who deployed by the SDK writes one, such as {"entryScript": "score.py", '
        '"sourceDirectory": "src"}, and gives its Environment, saved by save_to_directory, by --environment'
    )
    return _only(folder, _all(folder, _INFERENCE), "inference config", "--inference-config", advice)


def find_deployment(folder: Path) -> Path:
    """Return the deployment config of a folder.

    Raises:
        UserError: there is none, or more than one.
    """
    # v1 would take its defaults, in which nobody is asked for a key: too much for a file with a wrong name
    advice = 'name it by --deployment-config, or write one, such as {"computeType": "aci", "authEnabled": true}'
    found = _all(folder, _DEPLOYMENT)
    # a template of Microsoft's has one for each target, and only one of them can be meant here (MLOpsPython, scoring)
    here = [path for path in found if _compute_type(path) not in TARGETS]
    return _only(folder, here or found, "deployment config", "--deployment-config", advice)


def find_scaffold(folder: Path) -> Path | None:
    """Return the folder of a saved environment, if there is one.

    Raises:
        UserError: there are several.
    """
    found = [path.parent for path in _walk(folder, _DEEPEST) if path.name == ENVIRONMENT_FILE]
    if len(found) > 1:
        raise UserError(f"there are several environments: {_listed(found)}", "name one by --environment")
    return found[0] if found else None


def find_models(folder: Path, asks: Asks, skip: Sequence[Path]) -> tuple[dict[str, Path], list[AskedModel]]:
    """Return models by name, and those that the script asks for and that are not there.

    Args:
        folder: the v1 project's.
        asks: what the script asks for.
        skip: folders that have no models: the script's own files are none.
    """
    found: dict[str, Path] = {}
    missing: list[AskedModel] = []
    paths = list(_entries(folder)) if asks.models else []
    for asked in asks.models:
        if (place := _model(paths, asked, skip)) is None:
            missing.append(asked)
        else:
            found[_model_name(asked)] = place
    return found, missing


def _all(folder: Path, names: re.Pattern[str]) -> list[Path]:
    return [
        path
        for path in _walk(folder, _DEEPEST)
        if path.suffix.lower() in _ENDINGS and names.fullmatch(path.stem) and not _is_other(path, names)
    ]


def _compute_type(path: Path) -> str:
    """Return what a deployment config says it is for, in small letters; empty if it cannot be read."""
    try:
        root = read_tree(path.read_text("utf-8"))
        said = [value.data for name, _, value in root.pairs() if name == "computeType"] if root.is_map else []
    except (OSError, UnicodeDecodeError, TreeError):
        return ""
    return str(said[0]).lower() if said else ""


def _only(folder: Path, found: Sequence[Path], what: str, option: str, advice: str) -> Path:
    if not found:
        raise UserError(f"there is no {what} in {folder}", advice)
    if len(found) > 1:
        raise UserError(f"there are several files that may be the {what}: {_listed(found)}", f"name one by {option}")
    return found[0]


def _is_other(path: Path, names: re.Pattern[str]) -> bool:
    return names is _DEPLOYMENT and bool(_INFERENCE.fullmatch(path.stem))


def _listed(paths: Sequence[PurePath]) -> str:
    return ", ".join(sorted(map(str, paths)))


def _walk(folder: Path, depth: int, *, is_top: bool = True) -> Iterator[Path]:
    """Yield files, but for those of version control, caches and environments."""
    try:
        entries = sorted(os.scandir(folder), key=lambda one: one.name)
    except OSError as error:
        # somebody else's folder of data is no reason to stop
        if not is_top:
            return
        raise UserError(f"{folder} cannot be read: {error.strerror}", "mend that, or name another folder") from error
    names = {entry.name for entry in entries}
    # a project may be an environment itself (python -m venv .); one below it is not the user's
    if not is_top and names & ENVIRONMENTS.keys():
        return
    for entry in entries:
        if entry.is_file():
            yield Path(entry.path)
        elif depth and entry.is_dir(follow_symlinks=False) and not _is_passed(entry.name, names):
            yield from _walk(Path(entry.path), depth - 1, is_top=False)


def _is_passed(name: str, beside: Iterable[str]) -> bool:
    return name.startswith(".") or name == "node_modules" or bool(unwanted(name, beside))


def _entries(folder: Path) -> Iterator[Path]:
    """Yield files and folders below a folder, a bounded number of them."""
    seen: set[Path] = set()
    for count, path in enumerate(_walk(folder, _DEEPEST + 3)):
        if count >= _MOST:
            return
        for above in reversed(path.relative_to(folder).parents[:-1]):
            if (place := folder / above) not in seen:
                seen.add(place)
                yield place
        yield path


def _model(paths: Sequence[Path], asked: AskedModel, skip: Sequence[Path]) -> Path | None:
    """Return the one file or folder that a script means; several are as good as none."""
    parts = PurePath(asked.path).parts
    if parts:
        whole = [path for path in paths if path.parts[-len(parts) :] == parts]
        # what is registered is the first part: a folder, if the script looks into one
        found = {Path(*path.parts[: len(path.parts) - len(parts) + 1]) for path in whole}
    else:
        found = {path for path in paths if asked.name in (path.name, path.stem)}
        # a folder and the file in it may have the same name
        found = {path for path in found if path.parent not in found}
    found = {path for path in found if not any(path == one or one in path.parents for one in skip)} or found
    found = {path for path in found if path.suffix not in (".py", ".ipynb", ".md")}
    return next(iter(found)) if len(found) == 1 else None


def _model_name(asked: AskedModel) -> str:
    name = asked.name or PurePath(asked.path).parts[0].rpartition(".")[0] or PurePath(asked.path).parts[0]
    return re.sub(r"[^A-Za-z0-9._-]+", "-", name).strip("-.") or "model"
