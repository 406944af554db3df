"""Packages of the stand-in channel: equal bytes for equal files, and a Python that works wherever it is put."""

from __future__ import annotations

import asyncio
import json
import subprocess
import zipfile
from pathlib import Path

import pytest
from conda_package_streaming.package_streaming import stream_conda_info
from rattler import Channel, GenericVirtualPackage, PackageName, Version, install, solve
from rattler.package.build_string import BuildString

from aciml.settings import Settings
from bootstrap.channel.conda_package import PLACEHOLDER, CondaPackage, write_package
from bootstrap.channel.wheels import stage_wheel
from tests.bootstrap.wheel import write_wheel

PACKAGE = CondaPackage("sample", "1.0", ("python",))
ASK_PYTHON = """
import json, ssl, sqlite3, lzma, sys, sysconfig, sample_module
print(json.dumps([sys.prefix, sysconfig.get_path("purelib"), sample_module.__file__]))
"""


def staged(folder: Path) -> Path:
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/tool").write_text(f"#!{PLACEHOLDER}/bin/python\n")
    (folder / "bin/tool").chmod(0o755)
    (folder / "data.bin").write_bytes(b"\0" + PLACEHOLDER.encode() + b"\0")
    (folder / "plain.txt").write_text("plain")
    (folder / "link").symlink_to("plain.txt")
    return folder


def info(package: Path) -> dict[str, bytes]:
    found = {}
    for tar, member in stream_conda_info(str(package)):
        content = tar.extractfile(member)
        found[member.name] = content.read() if content else b""
    return found


def test_equal_files_make_equal_packages_at_any_time_and_place(tmp_path: Path) -> None:
    one = write_package(PACKAGE, staged(tmp_path / "one"), tmp_path / "channel-one")
    two = write_package(PACKAGE, staged(tmp_path / "another/two"), tmp_path / "channel-two")

    assert one.name == two.name
    assert one.read_bytes() == two.read_bytes()
    with zipfile.ZipFile(one) as archive:
        assert {member.date_time[0] for member in archive.infolist()} == {2024}


def test_paths_tell_where_the_prefix_stands_and_in_which_kind_of_file(tmp_path: Path) -> None:
    found = info(write_package(PACKAGE, staged(tmp_path / "one"), tmp_path / "channel"))
    paths = {entry["_path"]: entry for entry in json.loads(found["info/paths.json"])["paths"]}

    assert {name: entry.get("file_mode") for name, entry in paths.items()} == {
        "bin/tool": "text",
        "data.bin": "binary",
        "link": None,
        "plain.txt": None,
    }
    assert paths["link"]["path_type"] == "softlink"
    assert json.loads(found["info/index.json"])["depends"] == ["python"]


def test_a_pure_wheel_becomes_a_noarch_package_with_its_scripts_and_needs(tmp_path: Path) -> None:
    wheel = write_wheel(tmp_path)
    package = stage_wheel(wheel, tmp_path / "staging")

    assert package.noarch == "python"
    assert package.entry_points == ("sample-tool = sample_module:main",)
    assert package.depends == ("numpy >=1.20", "python >=3.9", "python-tzdata")
    assert (tmp_path / "staging/site-packages/sample_module.py").exists()


@pytest.mark.channel
def test_the_python_of_the_stand_in_works_at_any_prefix(tmp_path: Path) -> None:
    channel = Settings.read().channels.get("conda-forge", "")
    if not channel.startswith("file:"):
        pytest.skip("conda-forge answers, so there is no stand-in")
    prefix = tmp_path / "some prefix".replace(" ", "-")
    asyncio.run(link(channel, prefix))
    (prefix / "lib/python3.11/site-packages/sample_module.py").write_text("")
    done = subprocess.run([prefix / "bin/python", "-c", ASK_PYTHON], env={}, capture_output=True, text=True, check=True)

    site = f"{prefix}/lib/python3.11/site-packages"
    assert json.loads(done.stdout) == [str(prefix), site, f"{site}/sample_module.py"]


async def link(channel: str, prefix: Path) -> None:
    glibc = GenericVirtualPackage(PackageName("__glibc"), Version("2.36"), BuildString("0"))
    wanted = [Channel(channel)], ["python", "aciml-prefix"]
    records = await solve(*wanted, platforms=["linux-64", "noarch"], virtual_packages=[glibc])
    await install(records, prefix, cache_dir=prefix.with_name("packages"), show_progress=False)
