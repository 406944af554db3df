"""A conda file of v1 as one that is solved here: what v1 did by itself is written down, what it needed is left out.

v1 put Python and pip in where a file had none, with a line in a log; its server was the package
``azureml-defaults``.
"""

from __future__ import annotations

import io
import json
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from ..interpreter import old_python

PYTHON = "python=3.10"
"""What v1 put in for a file without Python (CondaDependencies of azureml-core 1.61: 3.10.18)."""
DEFAULTS = "azureml-defaults"
"""The package that brought v1's server."""

_PROJECT = re.compile(r"\s*([A-Za-z0-9._-]+)")
# CondaDependencies.create of azureml-core 1.61 puts both in, and they say what holds without them
_USUAL_INDEX = re.compile(
    r"--(?:find-links|extra-index-url|index-url)[ =]\s*https://pypi\.(?:python\.)?org/simple\S*\s*"
)
_FILE = re.compile(r"(-r|--requirement|-c|--constraint)([ =]\s*)(\S+)(.*)", re.DOTALL)


@dataclass(frozen=True)
class CondaText:
    """The text of a conda file, and the folder that paths in it are relative to (empty: the project's)."""

    text: str
    home: str = ""

    def placed(self, home: str) -> str:
        """Return the text as it has to be where its folder is called ``home``; paths in the pip section follow."""
        if home in ("", "."):
            return self.text
        content = _load(self.text)
        if content is None or not _move(content, home):
            return self.text
        return _dump(content)


@dataclass(frozen=True)
class Amended:
    """A conda file as it is solved here; ``notes`` say what was changed, nothing if it stays."""

    text: str
    notes: tuple[str, ...] = ()


def amend(text: str, *, keep_core: bool = False) -> Amended:
    """Return a conda file of v1 with what v1 did by itself.

    Args:
        text: of the file. What cannot be read stays: whoever solves it says what is wrong, with its line.
        keep_core: the script imports of ``azureml.core`` what the server does not have.
    """
    content = _load(text)
    if content is None:
        return Amended(text)
    needs = content.setdefault("dependencies", [])
    if not isinstance(needs, list):
        return Amended(text)
    notes = [*_without_server(needs, keep_core=keep_core), *_with_python(needs), *_with_pip(needs)]
    return Amended(_dump(content), tuple(notes)) if notes else Amended(text)


def too_old(text: str) -> str:
    """Say that a conda file asks for a Python that the scoring server does not run on; empty if it does not."""
    content = _load(text)
    needs = content.get("dependencies") if content is not None else None
    found = (old_python(one) for one in (needs if isinstance(needs, list) else []) if isinstance(one, str))
    return next(filter(None, found), "")


def text_of_conda(content: Mapping[str, Any]) -> str:
    """Return the conda file that an inline ``condaDependencies`` is."""
    # JSON first: what YAML built may hold the same list twice, which would be written as an anchor
    return _dump(json.loads(json.dumps(content, default=str)))


def _load(text: str) -> Any:
    try:
        content = YAML().load(text)
    except (YAMLError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def _dump(content: Any) -> str:
    yaml = YAML()
    yaml.width = 1000  # a long requirement stays in one line
    yaml.indent(mapping=2, sequence=4, offset=2)
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()


def _pip_of(needs: list[Any]) -> Any:
    sections = [one["pip"] for one in needs if isinstance(one, dict) and isinstance(one.get("pip"), list)]
    return sections[0] if sections else None


def _without_server(needs: list[Any], *, keep_core: bool) -> list[str]:
    pip, notes = _pip_of(needs), []
    if pip is None:
        return []
    for at, line in reversed(list(enumerate(pip))):
        if not isinstance(line, str):
            continue
        if _USUAL_INDEX.fullmatch(line):
            del pip[at]
            notes.append(f"{line.split()[0].partition('=')[0]} of the usual index is left out")
        elif _project(line) == DEFAULTS and keep_core:
            pip[at] = "azureml-core" + line.strip()[len(DEFAULTS) :]
            notes.append(f"{DEFAULTS} is azureml-core, which the script imports; the server comes with the image")
        elif _project(line) == DEFAULTS:
            del pip[at]
            notes.append(f"{DEFAULTS} is left out: the server comes with the image")
    if not pip:
        needs.remove(next(one for one in needs if isinstance(one, dict) and one.get("pip") is pip))
    return notes[::-1]


def _with_python(needs: list[Any]) -> list[str]:
    if any(isinstance(one, str) and _project(one.rpartition("::")[2]) == "python" for one in needs):
        return []
    needs.insert(0, PYTHON)
    return [f"{PYTHON} is put in, as v1 did"]


def _with_pip(needs: list[Any]) -> list[str]:
    pip = _pip_of(needs)
    if not pip or any(isinstance(one, str) and _project(one.rpartition("::")[2]) == "pip" for one in needs):
        return []
    needs.insert(next(at for at, one in enumerate(needs) if isinstance(one, dict)), "pip")
    return ["pip is put in, as conda did"]


def _project(line: str) -> str:
    found = _PROJECT.match(line)
    return re.sub(r"[-_.]+", "-", found[1]).lower() if found else ""


def _move(content: Any, home: str) -> bool:
    pip = _pip_of(content["dependencies"]) if isinstance(content.get("dependencies"), list) else None
    moved = False
    if pip is None:
        return False
    for at, line in enumerate(pip):
        if isinstance(line, str) and (new := _moved(line.strip(), home)) != line.strip():
            pip[at], moved = new, True
    return moved


def _moved(line: str, home: str) -> str:
    named = _FILE.match(line)
    if named and "://" not in named[3] and not named[3].startswith("/"):
        return f"{named[1]}{named[2]}{posixpath.join(home, named[3])}{named[4]}"
    return f"./{posixpath.normpath(posixpath.join(home, line))}" if line.startswith(("./", "../")) else line
