"""A stack that is written to disk is what the CLI would have made."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import pytest

from tests.e2e.new_stack import make_stack
from tests.e2e.program import needs_the_cli
from tests.e2e.project import run_pulumi
from tests.simulators.vault import URL, vault

pytestmark = [pytest.mark.e2e, needs_the_cli]


def left(folder: Path) -> dict[str, object]:
    """Return what the files below a folder say; keys and times are their own each time."""
    found: dict[str, object] = {}
    for path in folder.rglob("*.*"):
        if path.is_file():
            text = path.read_text(errors="replace").replace(str(folder), "FOLDER")
            text = re.sub(r"[\w+/=]{60,}", "KEY", re.sub(r'"time": ?"[^"]*"', '"time":"NOW"', text))
            found[str(path.relative_to(folder))] = json.loads(text) if path.suffix == ".json" else text
    return found


def test_it_is_what_the_cli_leaves(tmp_path: Path) -> None:
    project, ours, cli = tmp_path / "Pulumi.yaml", tmp_path / "ours", tmp_path / "cli"
    project.write_text(json.dumps({"name": "scoring", "runtime": "python"}))
    for each in (ours, cli):
        (each / "home").mkdir(parents=True)
        (each / "state").mkdir()

    make_stack(project, "dev", config=ours / "Pulumi.dev.yaml", state=ours / "state", home=ours / "home")
    places = {"PULUMI_HOME": str(cli / "home"), "PULUMI_BACKEND_URL": f"file://{cli / 'state'}"}
    words = ("stack", "init", "dev", "--secrets-provider", URL)
    run_pulumi(words, tmp_path, {**os.environ, **vault().environ, **places, "PULUMI_SKIP_UPDATE_CHECK": "1"}).check_ok()
    (tmp_path / "Pulumi.dev.yaml").rename(cli / "Pulumi.dev.yaml")

    written, made = left(ours), left(cli)
    assert len(written) == 4
    assert written.items() <= made.items()
    # nor does it leave other stacks: what else is there are copies, logs and attributes
    assert [name for name in made if name.endswith("stacks/scoring/dev.json")] == [
        "state/.pulumi/stacks/scoring/dev.json"
    ]
