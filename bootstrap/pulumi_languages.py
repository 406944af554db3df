"""What other languages than Python need: Pulumi's hosts of YAML and Node.js, and its generator of Node.js SDKs.

Only tests ask for them: who uses the package from YAML or TypeScript has Pulumi's own CLI, which brings all of it.
"""

from __future__ import annotations

import json
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
NODE_HOST = "pulumi-language-nodejs"
NODE_SDK = ("github.com/pulumi/pulumi/sdk/v3", "v3.60.0", "h1:sJEzoL5Q/FbJ4O3y60ml0Rzj5jiHNnvnM5mGmEk6Phc=")
"""An SDK whose Go module contains the host's program; that of the CLI's version no longer does."""

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


def ensure_node_host() -> Path:
    """Return the folder of ``pulumi-language-nodejs``, which has to be on the PATH of the CLI.

    Raises:
        Missing: it is not on PATH, and cannot be built.
    """
    if found := shutil.which(NODE_HOST):
        return Path(found).parent
    module, version, checksum = NODE_SDK
    folder = cache_folder() / "pulumi-languages" / f"nodejs-{version}"
    if not (folder / NODE_HOST).exists():
        what = "the Node.js language host"
        _need_go(what)
        facts = json.loads(_go("mod", "download", "-json", f"{module}@{version}", folder=HERE, what=what))
        # a download by version takes what the proxy says; no go.sum of ours covers it
        if facts["Sum"] != checksum:
            raise Missing(f"{module} {version} has the checksum {facts['Sum']}, not {checksum}", BY_HAND)
        _build(folder / NODE_HOST, Path(facts["Dir"]), f"./nodejs/cmd/{NODE_HOST}", what)
    return folder


def _built(program: str, module: str, package: str, what: str) -> Path:
    """Build a program once; another version of its sources, or of what it is built of, is another folder."""
    sources = HERE / module
    folder = cache_folder() / "pulumi-languages" / f"{module}-{key_of(sources.iterdir())}"
    if not (folder / program).exists():
        _build(folder / program, sources, package, what)
    return folder / program


def _need_go(what: str) -> None:
    if shutil.which("go") is None:
        raise Missing(f"{what} of Pulumi is not on PATH, and there is no Go to build it", BY_HAND)


def _build(program: Path, sources: Path, package: str, what: str) -> None:
    _need_go(what)
    say(f"building {what} of Pulumi (a minute or two)")
    started = time.monotonic()
    with staged(program.parent) as work:
        # else Go asks git about the sources' folder, and fails in a checkout that git does not trust
        _go("build", "-buildvcs=false", "-o", str(work / program.name), package, folder=sources, what=what)
    say(f"built {what} in {time.monotonic() - started:.0f} s")


def _go(*arguments: str, folder: Path, what: str) -> str:
    done = subprocess.run(["go", *arguments], cwd=folder, capture_output=True, text=True, check=False)
    if done.returncode:
        say(done.stderr.strip()[-2000:])
        raise Missing(f"Go could not get or build {what} of Pulumi", BY_HAND)
    return done.stdout
