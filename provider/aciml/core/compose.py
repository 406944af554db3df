"""What an environment and a service add to an image's layers and settings."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from . import account
from .image import Image, Layer, canonical_json
from .layer import FOLDER_TIME, PREFIX, ROOT, Entry
from .lean import lean

ANNOTATION = "io.aciml.inputs"
"""Manifest annotation with what an image was made of, as JSON; an import reads it back."""

# where v1's images had the application; scripts of v1 were written for it
APP_ROOT = "/var/azureml-app"
ENTRYPOINT = "/opt/aciml/entrypoint.sh"
STARTER = "/opt/aciml/entrypoint.py"
"""Looks for a shell to run ``ENTRYPOINT`` in, and does without where a slim base has none."""

SERVER_ROOT = "/opt/aciml/server"
NEEDS_ROOT = "/opt/aciml/needs"
"""What the server needs beside an image's own Python; ``server/run.py`` puts it at the end of the path."""

# v1's port (azmlinfsrv, SERVER_PORT), which probes and clients of v1 already know
SERVER_PORT = 5001
UNPRIVILEGED = f"{SERVER_ROOT}/unprivileged.py"
"""Begins as root, opens the service's port, and goes on as the user that it is told."""

Runs = Literal["user", "from_root", "root"]
"""As whom a service runs: as a user from the beginning, as one that a first step as root becomes, or as root."""

# what Docker gives a container whose image sets no PATH (moby,
# DefaultPathEnv); written out, since ours is put before it
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@lean(frozen=True)
class Model:
    """A model in the image: below ``azureml-models/<name>/<version>``, as v1 placed it."""

    name: str
    version: str

    @property
    def folder(self) -> str:
        """Where it is in the image."""
        return f"{APP_ROOT}/azureml-models/{self.name}/{self.version}"


def environment_image(
    base: Image,
    conda: tuple[Layer, ...],
    pip: tuple[Layer, ...],
    entry: Layer,
    *,
    created: str,
    variables: Mapping[str, str],
    python: bool = False,
    interpreter: str = "",
    told: Mapping[str, str] | None = None,
) -> Image:
    """Lay the conda environment over the base; v1's variables are set, and activation scripts run at start.

    Args:
        base: the base image, with the layers of the extra steps if there are any.
        conda: layers of the conda environment; none leaves the base's own Python alone.
        pip: layers of the pip section and of what the server needs.
        entry: layer with the entry point that sources the activation scripts.
        created: RFC 3339; the time of the newest package, never the clock.
        variables: the section ``variables`` of conda.yml.
        python: the environment has one. It starts the image then, so that a base needs no shell.
        interpreter: path of the image's own Python, if that is to serve; it starts the image then.
        told: what the image's history says of conda layers, by digest.
    """
    # a layer twice in one image helps nobody and has crashed tools before
    added = dict.fromkeys((*conda, *pip, entry))
    said = {**{layer.digest: "pip packages" for layer in pip}, entry.digest: "entry point", **(told or {})}
    image = replace(base, created=created).append(*added, told=said)
    if conda:
        image = image.with_env(**_conda_variables(base.env()))
    # the user's variables come after conda's own, so that they win; CMD ["bash"] is how v1's environments ended
    start = own_entry_command(interpreter) if interpreter else entry_command(python=python)
    image = image.with_env(**variables).with_settings(Entrypoint=start, Cmd=["bash"])
    # the base's annotations speak of the base alone; with_inputs writes those of this image
    return replace(image, annotations={})


def _conda_variables(env: Mapping[str, str]) -> dict[str, str]:
    # the variables that v1's images had, which scripts and native libraries read
    libraries = env.get("LD_LIBRARY_PATH", "")
    return {
        "PATH": f"{PREFIX}/bin:{env.get('PATH', _PATH)}",
        "AZUREML_CONDA_ENVIRONMENT_PATH": PREFIX,
        "LD_LIBRARY_PATH": f"{PREFIX}/lib:{libraries}" if libraries else f"{PREFIX}/lib",
        "AZUREML_ENVIRONMENT_IMAGE": "True",
    }


def service_image(
    environment: Image,
    layers: tuple[Layer, ...],
    *,
    source: str,
    entry: str,
    models: tuple[Model, ...],
    scripts: Mapping[str, str] | None = None,
    version: str = "",
    labels: Mapping[str, str] | None = None,
    runs: Runs = "root",
    owner: tuple[int, int] = ROOT,
) -> Image:
    """Lay the application over an environment and start the scoring server in it.

    Args:
        environment: the environment's image.
        layers: that of the scoring server; one of each model, in their order; that of the source.
        source: name of the source folder below the app root.
        entry: the scoring script, relative to the source folder.
        models: what is below ``azureml-models``.
        scripts: more scripts by the name in their path, relative to the source folder.
        version: what the server says it is: that of this tool.
        labels: put to those of the environment.
        runs: as whom the service runs; a user of the environment that is not root stays.
        owner: uid and gid of that user.
    """
    # what is there before them is the user of the service: a layer of its own, since it depends on the base alone
    names = [
        *["user of the service"] * (len(layers) - len(models) - 2),
        "scoring server",
        *(f"model {model.name} {model.version}" for model in models),
        f"source {source}",
    ]
    told = {layer.digest: name for layer, name in zip(layers, names, strict=False)}
    image = environment.append(*dict.fromkeys(layers), told=told).with_env(
        AML_APP_ROOT=APP_ROOT,
        AZUREML_SOURCE_DIRECTORY=source,
        AZUREML_ENTRY_SCRIPT=f"{source}/{entry}",
        # v1: the model's own folder if there is one, the folder of all if there are more
        AZUREML_MODEL_DIR=models[0].folder if len(models) == 1 else f"{APP_ROOT}/azureml-models",
        # stdout is a pipe here, where Python keeps what is printed
        # in a buffer: a killed container's last lines would be lost
        PYTHONUNBUFFERED="1",
        # said here and not in the server's files: a release that leaves
        # them as they were has the same layer (decisions/wheel.md)
        **({"ACIML_VERSION": version} if version else {}),
        **_scripts(source, scripts or {}),
    )
    # labels and not annotations: an engine gives its containers the labels of their image (decisions/labels.md)
    if labels:
        image = image.with_labels({**image.labels(), **labels})
    return _run_by(image, runs, owner).with_settings(
        # by its place and not by PATH: what is found there first need not be what was asked for
        Cmd=[own_interpreter(environment) or "python", f"{SERVER_ROOT}/run.py"],
        ExposedPorts={f"{SERVER_PORT}/tcp": {}},
        WorkingDir=APP_ROOT,
    )


def _run_by(image: Image, runs: Runs, owner: tuple[int, int]) -> Image:
    """Say who runs it, by numbers: a name would need the image's files to be understood (and Kubernetes refuses it)."""
    said = str(image.settings.get("User") or "")
    if runs == "root":
        return image if account.is_root(said) else image.with_settings(User="0:0")
    numbers = f"{owner[0]}:{owner[1]}"
    # a base that brings its own user knows why; its home is that of its line in passwd
    if account.is_root(said):
        image = image.with_env(HOME=account.HOME).with_settings(User=numbers)
    if runs == "user" or owner == ROOT:
        return image
    begin = [*(image.settings.get("Entrypoint") or ())]
    python = begin[0] if begin and (begin[0].endswith("/python") or STARTER in begin) else "python"
    first = [python, "-I", "-S", "-B", UNPRIVILEGED, *begin]
    return image.with_env(ACIML_USER=numbers).with_settings(User="0:0", Entrypoint=first)


def _scripts(source: str, scripts: Mapping[str, str]) -> dict[str, str]:
    # canonical, since it is in the image's config and so in its digest
    paths = {name: f"{source}/{script}" for name, script in scripts.items()}
    return {"ACIML_MODELS": canonical_json(paths).decode()} if paths else {}


def with_inputs(image: Image, inputs: Mapping[str, object]) -> Image:
    """Return the image with what it was made of in its manifest: names, versions and hashes, no path and no secret."""
    return replace(image, annotations={ANNOTATION: canonical_json(inputs).decode()})


def inputs_of(image: Image) -> dict[str, Any]:
    """Return what ``with_inputs`` wrote; empty for an image of somebody else."""
    return dict(json.loads(image.annotations.get(ANNOTATION, "{}")))


def entry_point(script: bytes, path: str = ENTRYPOINT) -> Entry:
    """Return the entry point's file."""
    return Entry.of_bytes(path.lstrip("/"), script, mode=0o755, mtime=FOLDER_TIME)


def entry_command(*, python: bool) -> list[str]:
    """Return what an image begins with; the environment's Python reads no variable, no site and writes nothing."""
    # -I and -S: a PYTHONPATH or a .pth file of the image must not decide whether the container starts
    return [f"{PREFIX}/bin/python", "-I", "-S", "-B", STARTER] if python else [ENTRYPOINT]


def own_entry_command(interpreter: str) -> list[str]:
    """Return what an image begins with whose own Python serves: as above, so that it needs no shell either."""
    return [interpreter, "-I", "-S", "-B", STARTER]


def own_interpreter(environment: Image) -> str:
    """Return the image's own Python that an environment begins with; empty if it has another one, or none."""
    begin = [*(environment.settings.get("Entrypoint") or ())]
    return str(begin[0]) if STARTER in begin and begin[0] != f"{PREFIX}/bin/python" else ""


def content_hash(files: Mapping[str, str]) -> str:
    """Return one hash over path and content hash of each file; order does not matter."""
    return hashlib.sha256(canonical_json(dict(files))).hexdigest()
