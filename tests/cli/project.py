"""A project with a program by hand, on a channel and a base of this machine, for the commands that read programs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.images.world import World, make_world

PROGRAM = """\
import pulumi
import pulumi_aciml as aciml

config = pulumi.Config()
registry = aciml.Registry("models")
environment = aciml.EnvironmentImage(
    "sklearn",
    aciml.EnvironmentImageArgs(
        login_server=registry.login_server,
        base_image=config.require("base"),
        glibc="2.31",
        steps=aciml.StepsArgs(lines=json_lines) if (json_lines := config.get_object("steps")) else None,
        packages=aciml.PackagesArgs(conda_file="conda.yml", server_requirements=False),
    ),
)
service = aciml.ScoringService(
    "iris",
    aciml.ScoringServiceArgs(
        login_server=registry.login_server,
        environment_image=environment.image,
        source_directory="src",
        models={"iris": "iris.txt"},
        secure_environment_variables={"TOKEN": config.get_secret("token") or ""},
        run_as_root=True,
    ),
)
"""
STATE = {"version": 3, "deployment": {"resources": []}}


def make_program(folder: Path, host: str) -> World:
    """Write the project; its base is in the registry of ``host``, and Pulumi knows no state of it."""
    world = make_world(folder, host)
    project = world.folder
    (project / "Pulumi.yaml").write_text("name: scoring\nruntime: python\nstackConfigDir: stacks\n")
    (project / "__main__.py").write_text(PROGRAM)
    (project / "src").mkdir()
    (project / "src/score.py").write_text("def init():\n    pass\n\n\ndef run(raw_data):\n    return raw_data\n")
    (project / "iris.txt").write_text("model")
    configure(world, base=f"{host}/team/base:1")
    pulumi = folder / "bin/pulumi"
    pulumi.parent.mkdir()
    # all that is asked of it is what it keeps: the real one is asked by the tests in tests/e2e
    pulumi.write_text(f'#!/bin/sh\ncase "$*" in *"stack export"*) cat {folder / "state.json"};; *) exit 1;; esac\n')
    pulumi.chmod(0o755)
    world.environ["PATH"] = f"{pulumi.parent}:{world.environ['PATH']}"
    return world


def configure(world: World, **config: Any) -> None:
    """Write the stack's file."""
    said = {"aciml:target": "memory", **{f"scoring:{name}": value for name, value in config.items()}}
    (world.folder / "stacks/Pulumi.local.yaml").write_text(json.dumps({"config": said}, indent=1))


def leave_state(world: World, *rows: dict[str, Any]) -> None:
    """Let Pulumi answer with resources: each has type, name, inputs and outputs."""
    resources = [
        {**row, "urn": f"urn:pulumi:local::scoring::{row['type']}::{row['name']}", "custom": True} for row in rows
    ]
    state = {**STATE, "deployment": {"resources": resources}}
    (world.folder.parent / "state.json").write_text(json.dumps(state))
