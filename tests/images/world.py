"""A base image in a registry, a channel, and a stack's project on disk: what the program ``aciml`` works with."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from aciml.blobs.store import BlobStore, write_layer
from aciml.core.image import Image
from aciml.core.layer import Entry
from aciml.core.progress import Silent
from aciml.registry.client import RegistryClient
from aciml.registry.push import push_image
from tests.program import PATH, aciml
from tests.simulators.channel import Package, hard_packages, make_channel
from tests.simulators.flat import nested

CONDA = """\
channels: [conda-forge]
dependencies: [python, noarchy, clash-b, meta, big]
variables: {GREETING: 'say "hi"'}
"""


@dataclass(frozen=True)
class World:
    """``folder`` holds the project; ``environ`` is what the program runs with."""

    folder: Path
    environ: dict[str, str]

    @property
    def cache(self) -> Path:
        return Path(self.environ["ACIML_CACHE"])

    def configure(self, **environment: object) -> None:
        """Write the stack's section ``environment``."""
        config = {"aciml:target": "memory", "scoring:environment": nested("environment", environment)}
        (self.folder / "stacks/Pulumi.local.yaml").write_text(json.dumps({"config": config}))

    def run(self, *words: str) -> str:
        """Run the program in the project's folder and return what it printed."""
        done = self.try_to_run(*words)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def try_to_run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return aciml(*words, folder=self.folder, environ=self.environ)


def make_world(folder: Path, base_host: str, **environment: object) -> World:
    """Write a project whose base image is ``team/base:1`` of a registry on this machine, and push that base."""
    base = push_base(folder / "base", base_host)
    channel = make_channel(folder / "channel", [*hard_packages(), Package("pip", "25.0", depends=("python",))])
    return write_project(
        folder, channel.as_uri(), **{"base_image": base, "glibc": "2.31", "server_requirements": False, **environment}
    )


def write_project(folder: Path, channel: str, **environment: object) -> World:
    """Write a project below ``folder`` for which conda-forge is at another URL; its stack is ``local``."""
    project = folder / "project"
    (project / "stacks").mkdir(parents=True)
    (project / "conda.yml").write_text(CONDA)
    (project / "Pulumi.yaml").write_text(json.dumps({"name": "scoring", "stackConfigDir": "stacks"}))
    mirrors = folder / "mirrors.toml"
    mirrors.write_text(f'[channels]\n"conda-forge" = "{channel}"\n')
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "HOME", "LANG")}
    ours = {
        "ACIML_CACHE": str(folder / "cache"),
        "ACIML_MIRRORS": str(mirrors),
        "PYTHONPATH": PATH,
    }
    world = World(project, {**kept, **ours})
    world.configure(conda_file="conda.yml", **environment)
    return world


def push_base(folder: Path, host: str, **settings: str) -> str:
    """Push a base image of one layer and return its reference."""
    store = BlobStore(folder)
    # an environment without packages is refused where it stands on a base without Python; nothing here runs it
    layer = write_layer(
        [Entry.of_bytes("etc/base", b"of all\n"), Entry.of_bytes("base/bin/python3", b"", mode=0o755)], store
    )
    image = Image(layers=(layer,), settings={"Env": ["PATH=/base/bin", "BASE=1"], **settings})
    with RegistryClient(host) as client:
        push_image(client, "team/base", "1", image, store, mount_from={}, progress=Silent())
    return f"{host}/team/base:1"
