"""What other languages than Python need: Pulumi's YAML host and its generator of Node.js SDKs, built of Go modules.

Only tests ask for them: who uses the package from YAML or TypeScript has Pulumi's own CLI, which brings both.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from pathlib import Path

from .cache import cache_folder, key_of, staged
from .say import Missing, say

HERE = Path(__file__).parent
YAML_HOST = "pulumi-language-yaml"
YAML = ("pulumi_yaml", "github.com/pulumi/pulumi-yaml/cmd/pulumi-language-yaml", "the YAML language host")
CODEGEN = ("pulumi_codegen", ".", "the generator of SDKs")
BY_HAND = "install Go 1.26 or newer"


def ensure_yaml_host() -> Path:
    """Return the folder of ``pulumi-language-yaml``, which has to be on the PATH of the CLI.

    Raises:
        Missing: it is not on PATH, and cannot be built.
    """
    if found := shutil.which(YAML_HOST):
        return Path(found).parent
    return _built(YAML_HOST, *YAML).parent


def ensure_codegen() -> Path:
    """Return the program that reads a schema and writes a Node.js SDK into the folder it is told.

    Raises:
        Missing: it cannot be built.
    """
    return _built("pulumi-codegen-nodejs", *CODEGEN)


def _built(program: str, module: str, package: str, what: str) -> Path:
    """Build a program once; another version of its sources, or of what it is built of, is another folder."""
    sources = HERE / module
    folder = cache_folder() / "pulumi-languages" / f"{module}-{key_of(sources.iterdir())}"
    if not (folder / program).exists():
        _build(folder, sources, ("build", "-o", program, package), what)
    return folder / program


def _build(folder: Path, sources: Path, arguments: tuple[str, ...], what: str) -> None:
    if shutil.which("go") is None:
        raise Missing(f"{what} of Pulumi is not on PATH, and there is no Go to build it", BY_HAND)
    say(f"building {what} of Pulumi (a minute or two)")
    started = time.monotonic()
    with staged(folder) as work:
        shutil.copytree(sources, work, dirs_exist_ok=True)
        done = subprocess.run(["go", *arguments], cwd=work, capture_output=True, text=True, check=False)
        if done.returncode:
            say(done.stderr.strip()[-2000:])
            raise Missing(f"Go could not build {what} of Pulumi", BY_HAND)
    say(f"built {what} in {time.monotonic() - started:.0f} s")
