"""``python -m tests.upgrades.keep CHECKOUT``: bring the stacks up with a release, and keep their state as data.

To be run on every release (CONTRIBUTING.md). ``CHECKOUT`` is a tree of the repository at the release, whose
``.venv/packages`` leads to its own code. Its stacks are brought up by the real CLI with the plugin and components of
that tree; the program is the one kept beside the state, or today's if the release has none yet.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.parse import urlsplit

from aciml.blobs.store import BlobStore, write_layer
from aciml.core.image import Image
from aciml.core.layer import Entry
from aciml.core.progress import Silent
from aciml.registry.client import RegistryClient
from aciml.registry.push import push_image
from tests.images.world import push_base
from tests.simulators.azure import groups_life
from tests.simulators.azure.group_runtime import PaperGroup
from tests.upgrades.answering import INSIDE, PUBLIC, answering
from tests.upgrades.engine import dump_engine
from tests.upgrades.place import FIXTURES, HERE, STACKS, Place, kept, network, place
from tests.upgrades.world import dump_cloud, dump_registry

_OF_THIS_MACHINE = ("sourcePosition", "stackTrace")
"""What the engine notes beside a resource for its own messages."""


def main() -> None:
    """Keep all stacks of a release."""
    parser = argparse.ArgumentParser(prog="python -m tests.upgrades.keep", description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--stack", choices=STACKS, action="append")
    given = parser.parse_args()
    checkout = given.checkout.resolve()
    for stack in given.stack or STACKS:
        keep(stack, checkout, FIXTURES / _release(checkout) / stack)


def keep(stack: str, checkout: Path, to: Path) -> None:
    """Bring a stack up, and write its program, its state, and what registry and cloud have."""
    to.mkdir(parents=True, exist_ok=True)
    if not (to / "program.py").exists():
        shutil.copy(HERE / "programs" / f"{stack}.py", to / "program.py")
    with (
        tempfile.TemporaryDirectory() as folder,
        place(stack, Path(folder)) as at,
        answering(at.folder, [("", PUBLIC), ("", INSIDE)]),
        mock.patch.object(groups_life, "PaperGroup", _Near),
    ):
        at.checkout = checkout
        if stack == "local":
            _push_answering(at)
        else:
            push_base(at.folder / "base", at.registry.host)
        at.begin(to / "program.py")
        print(at.pulumi("up", "--yes", "--skip-preview").check_ok().text)
        at.pulumi("preview", "--expect-no-changes").check_ok()
        if stack == "local":
            at.ports = _ports(at)
        _write(to / "state.json", json.loads(at.pulumi("stack", "export").check_ok().text), at)
        # digests are of these bytes, so that a host in them stays as it was
        (to / "registry.json").write_text(json.dumps(dump_registry(at.registry), indent=1, sort_keys=True) + "\n")
        if at.cloud is not None:
            _write(to / "world.json", dump_cloud(at.cloud), at)
        elif stack == "local":
            _write(to / "world.json", dump_engine(at.name), at)
            at.pulumi("destroy", "--yes", "--skip-preview").check_ok()
        else:
            _write(to / "world.json", json.loads((at.folder / "cache/memory-target.json").read_text()), at)


def _push_answering(at: Place) -> None:
    """Push a base that an engine can run: its shell answers as a service does."""
    store, shell = BlobStore(at.folder / "base"), (HERE / "answers").read_bytes()
    layer = write_layer([Entry.of_bytes("bin/sh", shell, mode=0o755), Entry.of_bytes("tmp/empty", b"")], store)
    with RegistryClient(at.registry.host) as client:
        push_image(client, "team/base", "1", Image(layers=(layer,)), store, mount_from={}, progress=Silent())


def _ports(at: Place) -> tuple[str, str]:
    """Return the ports that the engine has chosen, of the registry and of the service."""
    said = json.loads(at.pulumi("stack", "output", "--json").check_ok().text)
    registry, service = said["login_server"], urlsplit(said["scoring_uri"]).netloc
    return registry.rpartition(":")[2], service.rpartition(":")[2]


def _write(path: Path, content: object, at: Place) -> None:
    text = kept(json.dumps(_portable(content), indent=1, sort_keys=True, ensure_ascii=False), at.hosts())
    assert str(at.folder) not in text, f"{path.name} names a folder of this machine"
    path.write_text(text + "\n")


def _portable(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _portable(value) for name, value in content.items() if name not in _OF_THIS_MACHINE}
    return [_portable(value) for value in content] if isinstance(content, list) else content


def _release(checkout: Path) -> str:
    lines = (checkout / "provider/aciml/__init__.py").read_text().splitlines()
    (version,) = [line.split('"')[1] for line in lines if line.startswith("__version__")]
    return ".".join(version.split(".")[:2])


class _Near(PaperGroup):
    """A group with an address of this machine, where one can answer for it: what else 10.x is here, nobody knows."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.ip = f"{network()}.{number}"


if __name__ == "__main__":
    main()
