"""The wheel: what is in it, what it is called, and that it is the checkout's."""

from __future__ import annotations

import compileall
import configparser
import email
import importlib
import json
import os
import re
import sys
import tarfile
import zipfile
from email.message import Message
from pathlib import Path

import pytest

import aciml
from aciml.schema import schema
from aciml.server_files import SERVER, find_server
from tests.installed import ROOT, build, dist, run

PLACES = {"components": "pulumi_aciml", "provider/aciml": "aciml", "server": "aciml/server"}
PLUGIN_FILES = {"aciml/pulumi-plugin.json", "pulumi_aciml/pulumi-plugin.json"}


@pytest.fixture(scope="module")
def built() -> Path:
    """A folder with the sdist, and the wheel that was made from it."""
    return dist()


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    return next(built.glob("*.whl"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What an installer makes of the wheel, bytecode included."""
    folder = tmp_path_factory.mktemp("site-packages")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    assert compileall.compile_dir(folder, quiet=1)
    return folder


def sources() -> dict[str, Path]:
    """Return the files of the checkout that are to be in the wheel, by their name there."""
    said = run(["git", "ls-files", "--cached", "--others", "--exclude-standard", *PLACES], cwd=ROOT)
    names = {name: _placed(name) for name in said.splitlines() if (ROOT / name).exists()}
    return {place: ROOT / name for name, place in names.items()}


def _placed(name: str) -> str:
    folder = next(folder for folder in PLACES if name.startswith(f"{folder}/"))
    return PLACES[folder] + name.removeprefix(folder)


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        return email.message_from_bytes(archive.read(f"aciml-{aciml.__version__}.dist-info/METADATA"))


def test_the_wheel_has_the_files_of_the_checkout_byte_for_byte_and_no_others(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}

    expected = {name: path.read_bytes() for name, path in sources().items()}
    assert files.keys() - PLUGIN_FILES == expected.keys()
    assert [name for name in expected if files[name] != expected[name]] == []


def test_nothing_of_a_general_name_is_installed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}

    assert tops == {"aciml", "pulumi_aciml", f"aciml-{aciml.__version__}.dist-info"}
    assert wheel.name == f"aciml-{aciml.__version__}-py3-none-any.whl"


def test_both_packages_say_that_they_are_typed(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        assert {"aciml/py.typed", "pulumi_aciml/py.typed"} <= set(archive.namelist())


def test_the_wheel_of_the_sdist_is_the_wheel_of_the_checkout(wheel: Path, tmp_path: Path) -> None:
    assert wheel.read_bytes() == build(tmp_path, "--wheel").read_bytes()


def test_the_sdist_has_what_the_wheel_needs_and_little_else(built: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        members = archive.getmembers()

    names = {member.name.partition("/")[2] for member in members}
    around = {"CHANGELOG.md", "LICENSE", "README.md", "PKG-INFO", "pyproject.toml", "hatch_build.py", ".gitignore"}
    assert names == around | {str(path.relative_to(ROOT)) for path in sources().values()}
    assert all(member.isfile() for member in members)


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    said = metadata(wheel)

    assert said["Name"] == "aciml"
    assert said["License-Expression"] == "Apache-2.0"
    assert said["License-File"] == "LICENSE"
    assert said["Requires-Python"] == ">=3.11"
    assert said["Author"]
    assert said["Keywords"]
    assert {line.partition(",")[0] for line in said.get_all("Project-URL", [])} >= {"Source", "Changelog", "Issues"}
    assert "Typing :: Typed" in said.get_all("Classifier", [])
    assert "# aciml" in str(said.get_payload())


def test_what_does_not_decide_the_bytes_of_images_is_asked_for_by_a_range(wheel: Path) -> None:
    needs = [line.replace(" ", "") for line in metadata(wheel).get_all("Requires-Dist", [])]

    exact = {re.split(r"[=<>!~]", line)[0] for line in needs if "==" in line}
    assert exact == {"py-rattler", "installer", "deflate", "zstandard", "flask-swagger-ui"}
    assert [line for line in needs if line.startswith("pulumi")] == ["pulumi<4,>=3.257"]


def test_the_scripts_of_the_wheel_start_without_an_argument(wheel: Path) -> None:
    said = configparser.ConfigParser()
    with zipfile.ZipFile(wheel) as archive:
        said.read_string(archive.read(f"aciml-{aciml.__version__}.dist-info/entry_points.txt").decode())

    scripts = dict(said["console_scripts"])
    assert scripts == {"aciml": "aciml.start:program", "pulumi-resource-aciml": "aciml.plugin:main"}
    for place in scripts.values():
        module, _, name = place.partition(":")
        assert callable(getattr(importlib.import_module(module), name))


def test_the_version_is_written_once(wheel: Path) -> None:
    words = re.compile(rf"""(["']|version:\s*|==\s*)v?{re.escape(aciml.__version__)}(?![\d.])""")
    files = [*sources().values(), ROOT / "pyproject.toml", ROOT / "hatch_build.py", *(ROOT / "provider").glob("*.*")]
    found = [path for path in files if path.is_file() and words.search(path.read_text(encoding="utf-8"))]

    assert found == [ROOT / "provider/aciml/__init__.py"]
    assert metadata(wheel)["Version"] == schema()["version"] == aciml.__version__


def test_pulumi_is_told_which_plugin_the_package_needs(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        said = [json.loads(archive.read(name)) for name in sorted(PLUGIN_FILES)]

    assert said == [{"resource": True, "name": "aciml", "version": aciml.__version__}] * 2


LAYER = """
import sys
from pathlib import Path
import aciml
from aciml.blobs.catalog import Catalog
from aciml.blobs.store import BlobStore
from aciml.core.progress import Silent
from aciml.images.build.service import tree_layer
from aciml.images.plan.contents import server_tree, tree_hash
from aciml.images.server_needs import server_needs
from aciml.server_files import ENTRYPOINT, SERVER
folder = Path(sys.argv[1])
catalog = Catalog(folder / "catalog.sqlite")
print(tree_hash([server_tree()], catalog))
print(tree_layer([server_tree()], "server", store=BlobStore(folder), catalog=catalog, progress=Silent()))
print(server_needs(), ENTRYPOINT.read_bytes())
print(SERVER, Path(aciml.__file__).parent, sep="\\n")
"""


def test_the_server_has_the_same_layer_from_a_wheel_and_from_a_checkout(unpacked: Path, tmp_path: Path) -> None:
    def ask(package_path: Path, cache: Path) -> tuple[list[str], Path, Path]:
        environ = {**os.environ, "PYTHONPATH": str(package_path)}
        *facts, server, package = run([sys.executable, "-c", LAYER, cache], tmp_path, environ).splitlines()
        return facts, Path(server), Path(package)

    ours, server, _ = ask(ROOT / "provider", tmp_path / "ours")
    theirs, inside, package = ask(unpacked, tmp_path / "theirs")

    assert ours == theirs
    assert server == ROOT / "server"
    assert inside == unpacked / "aciml/server"
    assert package == unpacked / "aciml"


def test_a_checkout_that_is_reached_by_a_link_has_its_server(tmp_path: Path) -> None:
    (tmp_path / "aciml").symlink_to(ROOT / "provider/aciml")

    assert find_server(tmp_path / "aciml") == SERVER == ROOT / "server"


def test_a_package_without_a_server_says_where_it_was_looked_for(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"neither in .*aciml/server nor in .*; install aciml again"):
        find_server(tmp_path / "provider/aciml")


def test_no_link_is_in_the_repository() -> None:
    """The Pulumi CLI packs a repository that a plugin is added from with code that refuses links."""
    said = run(["git", "ls-files", "--stage"], cwd=ROOT)

    assert [line for line in said.splitlines() if line.startswith("120000")] == []
