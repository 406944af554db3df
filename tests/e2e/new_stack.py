"""A new stack as ``pulumi stack init`` leaves it on disk, without a CLI that has to start for it.

That it is what the CLI leaves: ``test_new_stack.py``.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from tests.simulators.vault import URL, vault


def make_stack(project: Path, stack: str, *, config: Path, state: Path, home: Path) -> None:
    """Make a stack whose key is in the vault, and select it.

    Args:
        project: the file ``Pulumi.yaml``.
        stack: its name.
        config: where its config lies.
        state: the folder of the backend.
        home: ``PULUMI_HOME``.
    """
    name = _name_of(project)
    key = vault().kept(os.urandom(32))
    config.write_text(f"secretsprovider: {URL}\nencryptedkey: {key}\n")
    kept = state / ".pulumi/stacks" / name / f"{stack}.json"
    kept.parent.mkdir(parents=True)
    (state / ".pulumi/meta.yaml").write_text("version: 1\n")
    deployment = {
        "manifest": {"time": "2026-01-01T00:00:00Z", "magic": "", "version": ""},
        "secrets_providers": {"type": "cloud", "state": {"url": URL, "encryptedkey": key}},
        "metadata": {},
    }
    full = f"organization/{name}/{stack}"
    kept.write_text(json.dumps({"version": 3, "checkpoint": {"stack": full, "latest": deployment}}))
    # sdk/go/common/workspace/workspace.go: which stack is selected is kept by the path of the project
    place = hashlib.sha1(str(project.resolve()).encode(), usedforsecurity=False).hexdigest()
    selected = home / "workspaces" / f"{name}-{place}-workspace.json"
    selected.parent.mkdir(exist_ok=True)
    selected.write_text(json.dumps({"stacks": {f"file://{state}": full}}))


def _name_of(project: Path) -> str:
    text = project.read_text()
    if text.startswith("{"):
        return str(json.loads(text)["name"])
    return next(line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("name:"))
