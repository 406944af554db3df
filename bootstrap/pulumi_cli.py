"""The Pulumi CLI and its Python language host: found, installed by Pulumi's installer, or built of their Go modules."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from .cache import cache_folder, staged
from .say import Missing, phase, say

INSTALLER = "https://get.pulumi.com"
VERSION = "3.274.1"
OLDEST = "3.257.0"
"""The oldest that is promised: the whole life of a stack ran with it; see decisions/bootstrap-pulumi-cli.md."""

ANSWER_SECONDS, INSTALL_SECONDS = 10, 300

CLI = "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"
NAMED = "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version"
"""What Pulumi's own build sets, so that the program knows its version."""

HERE = Path(__file__).parent / "pulumi"
SDK = "github.com/pulumi/pulumi/sdk/v3"
HOST_OF = ("v3.76.0", "h1:aqZxTCOArIYe5rsEbyc7MEQ2xLRvNeIuerbOCRlKKz0=")
"""An SDK whose Go module contains the language host's program; that of the CLI's version no longer does."""

EXEC_OF = (f"v{VERSION}", "h1:Sy2OifRLCPVmFMDTkp18yRk/YviwhJuGZU6vfLwruPM=")
EXEC = "pulumi-language-python-exec"
BY_HAND = f"curl -fsSL {INSTALLER} | sh   (or install Go 1.26 or newer)"


def ensure_pulumi() -> Path:
    """Return the folder of a Pulumi CLI that works and has its Python language host.

    Raises:
        Missing: neither the installer nor Go can be had.
    """
    if (found := shutil.which("pulumi")) and _works(Path(found)):
        if is_new_enough(version := _version(Path(found))):
            return Path(found).parent
        say(f"{found} is {version}, older than {OLDEST}, and is not used")
    folder = cache_folder() / "pulumi" / VERSION
    if not (folder / "bin/pulumi").exists() and not _install(folder):
        _build(folder)
    return folder / "bin"


def is_new_enough(version: str) -> bool:
    """Tell whether a CLI of this version (``v3.274.1``) is promised; one that knows none is somebody's own build."""
    numbers = re.match(r"v?(\d+)\.(\d+)\.(\d+)", version)
    return numbers is None or tuple(map(int, numbers.groups())) >= tuple(map(int, OLDEST.split(".")))


def _version(program: Path) -> str:
    return subprocess.run([program, "version"], capture_output=True, text=True, check=False).stdout.strip()


def _works(program: Path) -> bool:
    """Say whether it runs and finds the language host, beside itself or on PATH."""
    # without its Python host the CLI runs no program of ours
    host = program.resolve().with_name("pulumi-language-python").exists() or shutil.which("pulumi-language-python")
    if not program.exists() or not host:
        return False
    return subprocess.run([program, "version"], capture_output=True, check=False).returncode == 0


def _install(folder: Path) -> bool:
    """Run Pulumi's own installer; False if it cannot be reached or fails."""
    try:
        with urlopen(INSTALLER, timeout=ANSWER_SECONDS) as answer:
            script = answer.read()
    except (URLError, OSError):
        return False
    with phase(f"the Pulumi CLI is missing: installing {VERSION} with Pulumi's installer"), staged(folder) as work:
        # beside the user's own CLI, and his shell's files stay as they are
        command = ["sh", "-s", "--", "--version", VERSION, "--install-root", str(work), "--no-edit-path"]
        try:
            subprocess.run(command, input=script, capture_output=True, check=False, timeout=INSTALL_SECONDS)
        except subprocess.TimeoutExpired:
            say(f"Pulumi's installer did not end within {INSTALL_SECONDS} s")
        if not _works(work / "bin/pulumi"):
            shutil.rmtree(work / "bin", ignore_errors=True)
    return (folder / "bin/pulumi").exists()


def _build(folder: Path) -> None:
    if shutil.which("go") is None:
        raise Missing("the Pulumi CLI and its installer cannot be had, and there is no Go to build it", BY_HAND)
    what = f"the Pulumi CLI is missing and its installer does not answer: building {VERSION} of its Go modules, minutes"
    with phase(what), staged(folder) as work:
        target = work / "bin"
        target.mkdir()
        module = work / "build"
        # a module of our own, not `go install path@version`: that asks for the folders
        # above too, which some proxies refuse (decisions/bootstrap-pulumi-cli.md)
        shutil.copytree(HERE, module)
        _go(["build", "-ldflags", f"-X {NAMED}=v{VERSION}", "-o", str(target / "pulumi"), CLI], module, "the CLI")
        host = work / "host"
        # without the modes: Go keeps its modules read-only, and these are removed again
        shutil.copytree(_module(*HOST_OF), host, copy_function=shutil.copyfile)
        program = "pulumi-language-python"
        _go(["build", "-o", str(target / program), f"./python/cmd/{program}"], host, "the language host")
        shutil.copyfile(_module(*EXEC_OF) / "python/cmd" / EXEC, target / EXEC)
        (target / EXEC).chmod(0o755)
        for rest in (module, host):
            shutil.rmtree(rest)


def _module(version: str, checksum: str) -> Path:
    """Download the SDK's Go module and return its folder; its checksum is pinned as ``go.sum`` would."""
    facts = json.loads(_go(["mod", "download", "-json", f"{SDK}@{version}"], Path("/"), f"{SDK} {version}"))
    # a download by version takes what the proxy says; no go.sum of ours covers it
    if facts["Sum"] != checksum:
        raise Missing(f"{SDK} {version} has the checksum {facts['Sum']}, not {checksum}", BY_HAND)
    return Path(facts["Dir"])


def _go(arguments: list[str], folder: Path, what: str) -> str:
    command = ["go", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        say(done.stderr.strip()[-2000:])
        raise Missing(f"Go could not get or build {what} of Pulumi", BY_HAND)
    return done.stdout
