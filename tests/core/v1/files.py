"""A folder in memory, and v1's files in it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath
from typing import Any

from aciml.core.v1.desk import Unreadable
from aciml.core.v1.meaning import Meaning, Source, meaning_of

ENVIRONMENTS = Path(__file__).with_name("environments")
"""What ``Environment.save_to_directory`` of azureml-core 1.61 wrote, as it is."""
SCRIPT = "def run(raw_data):\n    return raw_data\n"
CONDA = "dependencies:\n  - python=3.11\n"
INFERENCE: dict[str, Any] = {"entryScript": "score.py", "sourceDirectory": "src", "condaFile": "conda.yml"}
DEPLOYMENT: dict[str, Any] = {"computeType": "aci"}
FILES = {"src/score.py": SCRIPT, "src/conda.yml": CONDA}


@dataclass
class Memory:
    """Files by path; None cannot be read."""

    files: Mapping[str, str | None] = field(default_factory=lambda: dict(FILES))

    def read(self, path: PurePath) -> str:
        text = self.files[path.as_posix()]
        if text is None:
            raise Unreadable(f"{path} cannot be read: Permission denied")
        return text

    def is_file(self, path: PurePath) -> bool:
        return path.as_posix() in self.files

    def is_folder(self, path: PurePath) -> bool:
        return any(path in PurePath(one).parents for one in self.files)


def text_of(content: Any) -> str:
    return content if isinstance(content, str) else json.dumps(content, indent=2)


def read(
    inference: Any = None,
    deployment: Any = None,
    files: Mapping[str, str | None] | None = None,
    scaffold: str | None = None,
) -> Meaning:
    """Return what files mean: what is given is added to two small ones; a text is a whole file."""
    first = inference if isinstance(inference, str) else {**INFERENCE, **(inference or {})}
    second = deployment if isinstance(deployment, str) else {**DEPLOYMENT, **(deployment or {})}
    return meaning_of(
        Memory({**FILES, **(files or {})}),
        (PurePath(),),
        Source("ic.json", text_of(first)),
        Source("dc.json", text_of(second)),
        None if scaffold is None else PurePath(scaffold),
    )


def whys(meaning: Meaning) -> list[str]:
    return [finding.why for finding in meaning.findings]


def given(meaning: Meaning) -> dict[str, Any]:
    """Return all arguments by path; a path as a text."""
    assert whys(meaning) == []
    pairs = [*meaning.environment, *meaning.service]
    return {one.argument: str(one.value) if isinstance(one.value, PurePath) else one.value for one in pairs}


def saved(name: str, into: str = "env") -> dict[str, str | None]:
    """Return the files of a saved environment below a folder."""
    return {f"{into}/{path.name}": path.read_text() for path in (ENVIRONMENTS / name).iterdir()}
