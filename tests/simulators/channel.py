"""A conda channel in a folder: real .conda files with what makes conda hard, without a network."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import io
import json
import tarfile
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import rattler.index
from conda_package_streaming.create import conda_builder

PLACEHOLDER = "/opt/" + "placehold_" * 20
"""The prefix in packages as they are built: long, so that a real one fits in its place in binaries."""

TIME = 1_600_000_000
"""When the packages were made, in seconds."""


@dataclass(frozen=True)
class PackedFile:
    """One path of a package.

    ``prefix`` is empty, ``text`` or ``binary``: how the placeholder in it is replaced; ``size`` is what ``paths.json``
    says if that is not the truth.
    """

    data: bytes = b""
    mode: int = 0o644
    mtime: int = TIME
    prefix: str = ""
    target: str = ""
    hard: str = ""
    size: int = -1


@dataclass(frozen=True)
class Package:
    """What a .conda file is made of."""

    name: str
    version: str = "1.0"
    build: str = "0"
    files: dict[str, PackedFile] = field(default_factory=dict)
    depends: tuple[str, ...] = ()
    noarch: str = ""
    entry_points: tuple[str, ...] = ()
    timestamp: int = TIME
    site_packages: str = ""

    @property
    def stem(self) -> str:
        """File name without its ending."""
        return f"{self.name}-{self.version}-{self.build}"

    @property
    def subdir(self) -> str:
        """Folder of the channel it is in."""
        return "noarch" if self.noarch else "linux-64"


def make_channel(folder: Path, packages: list[Package]) -> Path:
    """Write the packages and the index of a channel; return the folder."""
    for subdir in ("linux-64", "noarch"):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
    for package in packages:
        _write(folder / package.subdir, package)
    asyncio.run(rattler.index.index_fs(folder, write_zst=False, write_shards=False, force=True))
    for subdir in ("linux-64", "noarch"):
        _forget_indexing(folder / subdir / "repodata.json")
    return folder


def _forget_indexing(path: Path) -> None:
    """Drop when packages were indexed: that is now, and a cutoff would count it instead of when they were made."""
    repodata = json.loads(path.read_text())
    for record in {**repodata.get("packages", {}), **repodata.get("packages.conda", {})}.values():
        record.pop("indexed_timestamp", None)
    path.write_text(json.dumps(repodata))


def _write(folder: Path, package: Package) -> None:
    # a channel has the level 19, which is most of what a test with a channel of its own would cost
    with conda_builder(package.stem, folder, compression_level=1) as tar:
        for path, data in _info(package).items():
            _add(tar, path, PackedFile(data))
        for path, file in package.files.items():
            _add(tar, path, file)

    _forget_clock(folder / f"{package.stem}.conda")


def _forget_clock(path: Path) -> None:
    """Write the outer zip again: the builder stamps it with the time of day, and a package is known by its sha256."""
    with zipfile.ZipFile(path) as old:
        members = {name: old.read(name) for name in old.namelist()}
    with zipfile.ZipFile(path, "w") as new:
        for name, data in members.items():
            new.writestr(zipfile.ZipInfo(name), data)


def _add(tar: tarfile.TarFile, path: str, file: PackedFile) -> None:
    info = tarfile.TarInfo(path)
    info.mode, info.mtime, info.size = file.mode, file.mtime, len(file.data)
    if file.target:
        info.type, info.linkname, info.size = tarfile.SYMTYPE, file.target, 0
    if file.hard:
        info.type, info.linkname, info.size = tarfile.LNKTYPE, file.hard, 0
    tar.addfile(info, io.BytesIO(file.data))


def _info(package: Package) -> dict[str, bytes]:
    index = {
        "name": package.name,
        "version": package.version,
        "build": package.build,
        "build_number": 0,
        "depends": list(package.depends),
        "subdir": package.subdir,
        "arch": None if package.noarch else "x86_64",
        "platform": None if package.noarch else "linux",
        "timestamp": package.timestamp * 1000,
    }
    if package.noarch:
        index["noarch"] = package.noarch
    if package.site_packages:
        index["python_site_packages_path"] = package.site_packages
    info = {"index.json": index, "about.json": {}, "paths.json": {"paths_version": 1, "paths": _paths(package)}}
    if package.noarch == "python":
        link = {"noarch": {"type": "python", "entry_points": list(package.entry_points)}}
        info["link.json"] = {**link, "package_metadata_version": 1}
    return {f"info/{name}": json.dumps(value).encode() for name, value in info.items()}


def _paths(package: Package) -> list[dict[str, object]]:
    return [_path(path, file, package) for path, file in sorted(package.files.items())]


def _path(path: str, file: PackedFile, package: Package) -> dict[str, object]:
    data = package.files[file.hard].data if file.hard else b"" if file.target else file.data
    entry: dict[str, object] = {
        "_path": path,
        "path_type": "softlink" if file.target else "hardlink",
        "sha256": hashlib.sha256(data).hexdigest(),
        "size_in_bytes": len(data) if file.size < 0 else file.size,
    }
    if file.prefix:
        entry |= {"file_mode": file.prefix, "prefix_placeholder": PLACEHOLDER}
    return entry


def python_package(minor: str = "3.11", **changes: str) -> Package:
    """Return a stand-in for Python: the folders that noarch packages go to, and a program of that name."""
    program = PackedFile(b"\x7fELF" + PLACEHOLDER.encode() + b"/lib\0tail", 0o755, prefix="binary")
    files = {
        f"bin/python{minor}": program,
        "bin/python": PackedFile(target=f"python{minor}"),
        f"lib/python{minor}/os.py": PackedFile(b"# os\n"),
    }
    return Package("python", changes.get("version", f"{minor}.2"), "h0_cpython", files)


def hard_packages() -> list[Package]:
    """Return a set of packages with everything that is hard to pack."""
    prefix = PLACEHOLDER.encode()
    text = PackedFile(b"#!" + prefix + b"/bin/python\nprint('" + prefix + b"')\n", 0o775, prefix="text")
    long = "share/" + "/".join(["a-long-folder-name"] * 8) + "/" + "f" * 110
    return [
        python_package(),
        Package(
            "tool",
            files={
                "bin/tool": text,
                "lib/libtool.so.1": PackedFile(b"\0" + prefix + b"/share\0rest" * 3, 0o755, prefix="binary"),
                "lib/libtool.so": PackedFile(target="libtool.so.1"),
                "share/one": PackedFile(b"same", 0o664, TIME - 5),
                "share/two": PackedFile(hard="share/one", mode=0o664, mtime=TIME - 5),
                long: PackedFile(b"long"),
                "share/żółw 🐢.txt": PackedFile("ż".encode(), 0o600),
                "share/empty": PackedFile(b""),
            },
        ),
        Package(
            "noarchy",
            noarch="python",
            depends=("python", "tool"),
            entry_points=("noarchy = noarchy.cli:main",),
            files={
                "site-packages/noarchy/__init__.py": PackedFile(b"x = 1\n", mtime=TIME - 100),
                "site-packages/noarchy/cli.py": PackedFile(b"def main():\n    print('hi')\n", mtime=TIME - 100),
                "site-packages/noarchy/home.py": PackedFile(b"home = '" + prefix + b"'\n", prefix="text"),
                "python-scripts/noarchy-old": PackedFile(b"#!" + prefix + b"/bin/python\n", 0o755, prefix="text"),
            },
        ),
        Package("clash-a", files={"share/clash": PackedFile(b"from a"), "share/a": PackedFile(b"a")}),
        Package(
            "clash-b", depends=("clash-a",), files={"share/clash": PackedFile(b"from b"), "share/b": PackedFile(b"b")}
        ),
        Package("meta", depends=("tool",), noarch="generic"),
        Package("big", files={"lib/big.bin": PackedFile(_noise(2_500_000), 0o644)}),
    ]


@functools.cache
def _noise(size: int) -> bytes:
    """Return bytes that do not compress, the same each time."""
    return b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(size // 32))
