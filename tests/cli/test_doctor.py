"""``aciml doctor``: one process for what it tells, and each look by value."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest

from aciml.cli import examined
from aciml.cli.doctor import look
from aciml.core.errors import OutageError
from aciml.core.health import Line, State
from aciml.settings import Settings
from aciml.targets.azure.config import AzureConfig
from aciml.targets.azure.health import allowed, looks
from aciml.targets.choice import look_at_cloud
from tests.cli.project import configure, make_program
from tests.simulators.azure.emulator import Emulator
from tests.simulators.registry import RegistrySimulator


def test_a_stack_is_looked_at_and_what_is_broken_ends_with_1(tmp_path: Path) -> None:
    with RegistrySimulator() as registry:
        world = make_program(tmp_path, registry.host)
        told = json.loads(world.try_to_run("doctor", "--json").stdout)
    (tmp_path / "channel").rename(tmp_path / "gone")
    configure(world, base=f"{registry.host}/team/base:1", token={"secure": "v1:x"})
    world.environ["SSL_CERT_FILE"] = str(tmp_path / "none.pem")
    broken = world.try_to_run("doctor")

    lines = {line["name"]: line for line in told["lines"]}
    assert {"Python", "aciml", "plugin", "Pulumi", "cache", "mirrors", "clock", "channel conda-forge"} <= lines.keys()
    assert lines["channel conda-forge"]["state"] == lines["registry"]["state"] == "ok"
    assert lines["registry"]["found"] == f"{registry.host} answers"
    assert "declares 4 resources" in lines["stack"]["found"]
    assert broken.returncode == 1
    for text in ("CA bundle", "channel conda-forge", "registry"):
        assert any(row.startswith("broken") and text in row for row in broken.stdout.splitlines()), text
    # the fake of Pulumi opens no secret: all else is looked at
    assert any(row.startswith("warning  secrets") for row in broken.stdout.splitlines())
    assert "Traceback" not in broken.stderr


def test_who_hangs_is_left_behind_and_who_fails_is_told() -> None:
    gate = threading.Event()

    def hang() -> list[Line]:
        gate.wait()
        return []

    def fail() -> list[Line]:
        raise OutageError("no", "try again")

    lines = look([("slow", hang), ("bad", fail), ("good", examined.aciml)], patience=0.2)
    gate.set()

    assert [(line.name, line.state) for line in lines] == [
        ("slow", State.WARNING),
        ("bad", State.BROKEN),
        ("aciml", State.OK),
    ]


@pytest.mark.parametrize(
    ("said", "state", "found"),
    [
        ("v3.274.1", State.OK, "v3.274.1 ("),
        ("", State.WARNING, "/pulumi does not say which version it is"),
        ("dev", State.WARNING, 'says "dev" as its version'),
        ("v3.100.0", State.BROKEN, "v3.100.0 ("),
    ],
)
def test_a_pulumi_that_is_old_or_says_no_version_is_told(
    said: str, state: State, found: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "pulumi"
    program.write_text(f'#!/bin/sh\n[ "$1" = version ] && echo "{said}" || echo me\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")

    line, *_ = examined.pulumi()

    assert found in line.found
    assert (line.state, bool(line.advice)) == (state, state is not State.OK)


def test_a_cache_that_cannot_be_written_to_is_broken(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    (line,) = examined.cache(Settings(tmp_path / "file/cache"))

    assert (line.state, line.advice) == (State.BROKEN, "name another folder by ACIML_CACHE")


def test_a_proxy_is_told_without_its_password() -> None:
    (line,) = examined.proxies({"HTTPS_PROXY": "http://me:secret@proxy:3128"})

    assert line.found == "HTTPS_PROXY=http://***@proxy:3128"
    assert examined.proxies({}) == []


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ([{"actions": ["*"], "notActions": []}], True),
        ([{"actions": ["*"], "notActions": ["microsoft.containerinstance/*"]}], False),
        ([{"actions": ["*/read"]}], False),
        ([{"actions": ["*/read"]}, {"actions": ["Microsoft.ContainerInstance/containerGroups/*"]}], True),
        ([], False),
    ],
)
def test_rights_are_read_as_azure_reads_them(permissions: list[dict[str, Any]], expected: object) -> None:
    assert allowed("Microsoft.ContainerInstance/containerGroups/write", permissions) is expected


def states(lines: list[Line]) -> dict[str, str]:
    return {line.name: line.state for line in lines}


def test_azure_is_looked_at_as_far_as_it_answers(emulator: Emulator, tmp_path: Path) -> None:
    settings = Settings(tmp_path)

    fine = look_at_cloud(emulator.config(), settings)
    gone = look_at_cloud(emulator.config(resourceGroup="elsewhere"), settings)
    stranger = look_at_cloud(emulator.config(clientSecret="wrong"), settings)
    silent = look_at_cloud(emulator.config(subscriptionId=""), settings)

    assert states(fine) == {
        "Azure login": "ok", "subscription": "ok", "provider": "ok", "resource group": "ok", "rights": "ok",
    }  # fmt: skip
    assert gone[-1].name == "resource group"
    assert gone[-1].state is State.BROKEN
    assert "az group create --name elsewhere" in gone[-1].advice
    assert [(line.name, line.state) for line in stranger] == [("Azure login", State.BROKEN)]
    assert [line.name for line in silent] == ["Azure config"]


def test_a_provider_that_is_not_registered_and_a_right_that_is_missing_are_told(emulator: Emulator) -> None:
    class Session:
        def token(self, scope: str) -> str:
            return scope

        def call(self, method: str, path: str, api_version: str, body: Any = None, what: str = "") -> Any:
            if path.endswith("/permissions"):
                return {"value": [{"actions": ["*/read"], "notActions": []}]}
            return {"state": "Enabled", "registrationState": "NotRegistered"}

    lines = list(looks(AzureConfig.read(emulator.config(), {}), Session()))

    assert states(lines) == {
        "Azure login": "ok", "subscription": "ok", "provider": "warning", "resource group": "ok", "rights": "broken",
    }  # fmt: skip
    assert "container groups and registries" in lines[-1].found
