"""An image's own Python, from check to the pushed image: a registry, machines with caches of their own, no engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aciml.blobs.store import BlobStore, write_layer
from aciml.core.image import Image
from aciml.core.layer import Entry
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.registry.client import RegistryClient
from aciml.registry.push import push_image
from tests.heard import Heard
from tests.images.conftest import REPOSITORY, Machine, conda_file
from tests.pip.wheels import make_wheel

NewMachine = Callable[..., Machine]
NAMES = {"httptools": "0.6.4", "orjson": "3.10.15", "uvloop": "0.21.0"}
LDD = "#!/bin/bash\necho 'ldd (Debian GLIBC 2.36-9) 2.36'\n"


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    for name, version in NAMES.items():
        make_wheel(folder, name, version)
    monkeypatch.setenv("UV_FIND_LINKS", str(folder))
    # uv takes no variable for "no index": one that is an empty folder has nothing, and asks nobody
    monkeypatch.setenv("UV_INDEX_URL", (tmp_path / "empty").as_uri())
    return folder


def push(machine: Machine, tag: str, *entries: Entry, **variables: str) -> str:
    """Push a base of two layers, with the files in the upper one."""
    store = BlobStore(machine.shop.settings.cache / f"base-{tag}")
    system = write_layer([Entry.of_bytes("usr/bin/ldd", LDD.encode(), mode=0o755)], store)
    layers = (system, write_layer(list(entries), store))
    image = Image(layers, {"Env": [f"{name}={value}" for name, value in variables.items()]})
    with RegistryClient(machine.registry.host) as client:
        push_image(client, "team/own", tag, image, store, mount_from={}, progress=Silent())
    return f"{machine.registry.host}/team/own:{tag}"


def debian(version: str = "3.11") -> list[Entry]:
    """Return what Debian's package has of names."""
    return [
        Entry.of_bytes(f"usr/bin/python{version}", b"ELF", mode=0o755),
        Entry("usr/bin/python3", "symlink", target=f"python{version}"),
        Entry.of_bytes(f"usr/lib/python{version}/os.py", b""),
    ]


def checked(
    machine: Machine, base: str, old: dict[str, Any] | None = None, **more: Any
) -> tuple[dict[str, Any], list[str]]:
    new = {"loginServer": machine.registry.host, "repository": REPOSITORY, "baseImage": base, **more}
    found = machine.environment.check(old, new, machine.heard)
    return found.inputs, [f"{one.where}: {one.why}" for one in found.findings]


def image_of(machine: Machine, state: dict[str, Any]) -> Image:
    image = machine.shop.load_image(Reference.parse(state["image"]))
    assert image
    return image


def test_the_preview_says_the_digest_that_comes_and_every_machine_makes_the_same(new_machine: NewMachine) -> None:
    one, two = new_machine("one"), new_machine("two")
    base = push(one, "deb", *debian())
    inputs, findings = checked(one, base)
    assert findings == []
    assert inputs["python"] == {"path": "/usr/bin/python3", "version": "3.11", "libc": "2.36"}
    assert [line.partition("-")[0] for line in inputs["serverLock"].splitlines()] == [
        f"pip/{name}" for name in sorted(NAMES)
    ]

    state = one.up(inputs)
    assert one.preview(inputs)["digest"] == state["digest"]
    image = image_of(one, state)
    assert image.settings["Entrypoint"][0] == "/usr/bin/python3"
    assert "server httptools 0.6.4, orjson 3.10.15, uvloop 0.21.0 for Python 3.11" in json.dumps(image.history)
    # the second has never seen it: the registry tells, and nothing is made again
    assert two.preview(checked(two, base, inputs)[0])["digest"] == state["digest"]
    assert two.up(checked(two, base)[0])["digest"] == state["digest"]


def test_what_was_pinned_stays_whatever_the_index_has_by_then(new_machine: NewMachine, index: Path) -> None:
    machine = new_machine("one")
    base = push(machine, "deb", *debian())
    inputs = checked(machine, base)[0]
    state = machine.up(inputs)
    make_wheel(index, "orjson", "3.11.0")
    again = checked(machine, base, inputs)[0]
    assert again == inputs
    assert not machine.environment.diff(inputs, state, again).detail
    fresh = checked(new_machine("two"), base, inputs, lockMode="refresh")[0]
    assert "pip/orjson-3.11.0" in fresh["serverLock"].splitlines()[1]


def test_images_of_one_python_share_the_layer_of_the_servers_needs(new_machine: NewMachine) -> None:
    machine = new_machine("one")
    first = push(machine, "deb", *debian())
    venv = Entry("srv/venv/bin/python", "symlink", target="/usr/bin/python3.11")
    second = push(machine, "venv", *debian(), venv, PATH="/srv/venv/bin:/usr/bin")
    images = [image_of(machine, machine.up(checked(machine, base)[0])) for base in (first, second)]
    assert images[0].layers[2:] == images[1].layers[2:]
    assert images[1].settings["Entrypoint"][0] == "/srv/venv/bin/python"


def test_an_interpreter_is_taken_as_said_and_is_a_difference(new_machine: NewMachine) -> None:
    machine = new_machine("one")
    conda = [Entry.of_bytes("opt/conda/bin/python3.12", b"", mode=0o755)]
    conda.append(Entry("opt/conda/bin/python", "symlink", target="python3.12"))
    base = push(machine, "both", *debian(), *conda)
    before = checked(machine, base)[0]
    after, findings = checked(machine, base, before, interpreterPath="/opt/conda/bin/python")
    assert findings == []
    assert after["python"]["version"] == "3.12"
    assert machine.environment.diff(before, {}, after).detail == {"interpreterPath": "update"}


def test_what_cannot_serve_is_told_with_what_was_looked_for_and_where(new_machine: NewMachine, tmp_path: Path) -> None:
    machine = new_machine("one")
    bare = push(machine, "bare", Entry.of_bytes("etc/x", b""), PATH="/app/bin:/usr/bin")
    old = push(machine, "old", *debian("3.6"))
    link = Entry("usr/bin/python3", "symlink", target="pypy3.10")
    pypy = push(machine, "pypy", Entry.of_bytes("usr/bin/pypy3.10", b"", mode=0o755), link)
    dull = push(machine, "dull", Entry.of_bytes("usr/bin/python3", b"", mode=0o755))
    root = push(machine, "root", Entry.of_bytes("root/x/bin/python3.11", b"", mode=0o755))

    def why(base: str, **more: Any) -> str:
        (said,) = checked(machine, base, **more)[1]
        return said

    none = why(bare)
    assert none.startswith("baseImage: no python3 or python is in ")
    for word in ("/app/bin, /usr/bin, /opt/conda/bin", "apt-get install -y python3", "serverRequirements", "condaFile"):
        assert word in none
    assert "is Python 3.6, but the scoring server needs 3.8 or newer" in why(old)
    assert "is PyPy 3.10" in why(pypy)
    assert "cannot be told from its files" in why(dull)
    assert why(bare, interpreterPath="/x/python").startswith("interpreterPath: /x/python is no program in")
    assert "no path from the root" in why(bare, interpreterPath="bin/python")
    both = {"condaFile": str(conda_file(tmp_path / "c", "python")), "glibc": "2.31", "serverRequirements": False}
    assert "give one of them" in why(bare, interpreterPath="python3", **both)
    assert checked(machine, bare, serverRequirements=False)[1] == []
    assert checked(machine, root, interpreterPath="/root/x/bin/python3.11")[1] == []
    assert "in the home of root" in machine.heard.warnings[-1]


def test_an_environment_of_an_older_release_stays_as_it_is_until_something_changes(new_machine: NewMachine) -> None:
    machine = new_machine("one")
    base = push(machine, "deb", *debian())
    made = checked(machine, base, serverRequirements=False)[0]
    older = {name: value for name, value in made.items() if name != "serverRequirements"}
    now, findings = checked(machine, base, older)
    assert findings == []
    assert not machine.environment.diff(older, {}, now).detail
    assert "python" not in now
    asked = checked(machine, base, older, interpreterPath="python3")[0]
    assert asked["python"]["path"] == "/usr/bin/python3"


def test_without_the_servers_needs_an_interpreter_starts_the_image_all_the_same(new_machine: NewMachine) -> None:
    machine = new_machine("one")
    base = push(machine, "deb", *debian())
    inputs = checked(machine, base, interpreterPath="python3.11", serverRequirements=False)[0]
    image = image_of(machine, machine.up(inputs))
    assert image.settings["Entrypoint"][0] == "/usr/bin/python3.11"
    assert len(image.layers) == 3


def test_layers_are_read_once_a_machine(new_machine: NewMachine) -> None:
    machine = new_machine("one")
    base = push(machine, "deb", *debian())
    checked(machine, base)
    machine.heard = Heard()
    before = len(machine.registry.requests())
    checked(machine, base, interpreterPath="python3")
    asked = machine.registry.requests()[before:]
    assert not [one for one in asked if "/blobs/" in str(one)]
