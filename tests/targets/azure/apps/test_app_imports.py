"""A stack without container apps imports nothing of them: a preview is waited for by people."""

from __future__ import annotations

import json
import subprocess
import sys

_PROGRAM = """
import json, sys
from pathlib import Path
from aciml.core.progress import Silent
from aciml.model.declared import read
from aciml.model.group import Group
from aciml.settings import Settings
from aciml.targets.azure import AzureTarget
from aciml.targets.azure.config import AzureConfig
from aciml.targets.protocol import GroupSpec

told = {"subscriptionId": "00000000-0000-0000-0000-000000000001", "resourceGroup": "g", "location": "westeurope"}
service = AzureTarget(AzureConfig.read(told, {}), Settings(Path(sys.argv[2]))).service
image = "registry.example/a@sha256:" + 64 * "0"
one = read(Group, {"name": "iris", "image": image, "runsOn": sys.argv[1], "location": "westeurope"})
service.defaults(sys.argv[1])
service.changes(GroupSpec(one), GroupSpec(one))
service.effect({"image": "update"}, one)
names = ("azure.mgmt.appcontainers", "aciml.targets.azure.apps.app", "aciml.targets.azure.apps.life")
print(json.dumps([name for name in names if name in sys.modules]))
"""


def imported(kind: str, folder: object) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _PROGRAM, kind, str(folder)], capture_output=True, text=True, check=True
    )
    found: list[str] = json.loads(done.stdout)
    return found


def test_a_container_group_imports_nothing_of_container_apps(tmp_path: object) -> None:
    assert imported("container_group", tmp_path) == []


def test_a_preview_of_a_container_app_imports_no_sdk(tmp_path: object) -> None:
    assert imported("container_app", tmp_path) == ["aciml.targets.azure.apps.app"]
