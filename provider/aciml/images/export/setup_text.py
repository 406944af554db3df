"""The texts of a setup folder: the Dockerfile and the lists it installs, in the order that Azure ML v1 kept.

From the base by its digest: extra steps, conda and pip packages, environment variables, entry point.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence

from ruamel.yaml import YAML

from ...conda.channels import channel_name
from ...core.compose import ENTRYPOINT
from ...core.conda_lock import CondaLock
from ...core.layer import PREFIX
from ...core.pip_package import PipPackage
from ...core.reference import Reference
from ...core.steps import Step
from ...pip.lines import without_account

SETUP = "azureml-environment-setup"
"""Folder of the generated files, below the build context, as v1 called it."""

CONDA_LIST = "conda-linux-64.lock"
PIP_LIST = "requirements.txt"
WHEELS = "wheels"
# not the base's own conda: few bases have one (decisions/export.md)
MICROMAMBA = "docker.io/mambaorg/micromamba:2.3.3"
"""Image that installs the packages unless another one is named; nothing of it is in the result."""

# what Docker gives a container whose image sets no PATH (moby, DefaultPathEnv)
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def dockerfile(
    base: Reference,
    steps: Sequence[Step],
    variables: Mapping[str, str],
    *,
    conda: bool,
    pip: Sequence[PipPackage] = (),
    pip_args: str = "",
    installer: str = MICROMAMBA,
    pip_wheel: str = "",
) -> str:
    """Return the Dockerfile; the classic builder reads it too, unless a step has a heredoc.

    Args:
        base: with its digest.
        steps: extra steps, in order.
        variables: the section ``variables`` of conda.yml.
        conda: whether there is a list of conda packages.
        pip: the wheels.
        pip_args: options that say where wheels are.
        installer: image that installs the packages, with its digest if that is known.
        pip_wheel: name of the pip that installs the wheels; without one it is the environment's own.
    """
    # heredocs are of the newer syntax (Dockerfile reference, "Here-documents"); the classic builder has none
    head = ["# syntax=docker/dockerfile:1"] if any(step.heredoc for step in steps) else []
    parts = [
        *head,
        *(_conda_stage(installer, pip=pip, pip_args=pip_args, pip_wheel=pip_wheel) if conda else []),
        f"FROM {base.registry}/{base.repository}@{base.digest}",
        *[step.text for step in steps],
        *(_conda_settings() if conda else []),
        *[f"ENV {name}={_quoted(value)}" for name, value in variables.items()],
        f"COPY {SETUP}/entrypoint.sh {ENTRYPOINT}",
        f'ENTRYPOINT ["{ENTRYPOINT}"]',
        'CMD ["bash"]',
    ]
    return "\n".join(parts) + "\n"


def _conda_stage(installer: str, *, pip: Sequence[PipPackage], pip_args: str, pip_wheel: str) -> list[str]:
    # a wheel is a zip that Python can run: so pip installs the others, and is not in the environment itself
    runs = f"{pip_wheel}/pip" if pip_wheel else "-m pip"
    command = [
        f"micromamba create --yes --prefix {PREFIX} --file {CONDA_LIST}",
        *([f"{PREFIX}/bin/python {runs} install {_PIP}{pip_args} --requirement {PIP_LIST}"] if pip else []),
        # as v1's Dockerfile did: it would be a second copy of all packages
        f"rm -rf {PREFIX}/pkgs",
    ]
    lists = [f"{SETUP}/{name}" for name in filter(None, (CONDA_LIST, PIP_LIST if pip else "", pip_wheel))]
    tag = "# A tag, which may move: its registry did not answer when this was written."
    return [
        *([] if "@" in installer else [tag]),
        f"ARG MICROMAMBA={installer}",
        "FROM ${MICROMAMBA} AS conda",
        "USER root",
        f"WORKDIR /{SETUP}",
        f"COPY {' '.join(lists)} ./",
        *([f"COPY {SETUP}/{WHEELS} {WHEELS}"] if any(map(is_local, pip)) else []),
        "RUN " + " \\\n && ".join(command),
        "",
    ]


# the list is the whole lock: pip must neither add to it nor build anything
_PIP = "--no-deps --no-cache-dir --require-hashes --only-binary :all:"


def _conda_settings() -> list[str]:
    """Return what our own image sets, in its order; the base's own values stay behind ours."""
    return [
        f"COPY --from=conda {PREFIX} {PREFIX}",
        f'ENV PATH="{PREFIX}/bin:${{PATH:-{_PATH}}}"',
        f"ENV AZUREML_CONDA_ENVIRONMENT_PATH={PREFIX}",
        f'ENV LD_LIBRARY_PATH="{PREFIX}/lib${{LD_LIBRARY_PATH:+:${{LD_LIBRARY_PATH}}}}"',
        "ENV AZUREML_ENVIRONMENT_IMAGE=True",
    ]


def _quoted(value: str) -> str:
    # Dockerfile reference, "Environment replacement": in double quotes these three still count
    for character in ("\\", '"', "$"):
        value = value.replace(character, f"\\{character}")
    return f'"{value}"'


def conda_list(lock: CondaLock, url_of: Callable[[str], str]) -> str:
    """Return the packages as an explicit list: one URL with its sha256 per line, which is never solved again."""
    lines = [
        # micromamba reads #sha256: so (mamba, specs/package_info.cpp); known from its source, not from a run
        f"{url_of(one.channel)}/{one.subdir}/{one.file_name.replace('!', '%21')}#sha256:{one.sha256}"
        for one in lock.packages
    ]
    return "\n".join(["# platform: linux-64", "@EXPLICIT", *lines]) + "\n"


def pip_list(packages: Sequence[PipPackage]) -> str:
    """Return the wheels with their hashes; those that are files lie beside the list."""
    return "".join(f"{_named(package)} --hash=sha256:{package.sha256}\n" for package in packages)


def is_local(package: PipPackage) -> bool:
    """Tell whether a wheel is a file of the user's, and not one of an index."""
    return package.url.startswith("file:")


def _named(package: PipPackage) -> str:
    return f"./{WHEELS}/{package.file_name}" if is_local(package) else f"{package.name}=={package.version}"


def index_lines(requirements: Sequence[str]) -> list[str]:
    """Return those lines of a pip section that say where wheels are, without accounts."""
    words = ("--index-url", "-i", "--extra-index-url", "--find-links", "-f", "--no-index", "--pre", "--trusted-host")
    return [without_account(line) for line in requirements if line.replace("=", " ").split(" ")[0] in words]


def mutated_conda_file(text: str, name: str) -> str:
    """Return a conda.yml under another name, as v1 did; nothing else is changed but that no channel has a token."""
    yaml = YAML()
    content = yaml.load(text)
    content["name"] = name
    for at, channel in enumerate(content.get("channels") or []):
        content["channels"][at] = channel_name(str(channel))
    written = io.StringIO()
    yaml.dump(content, written)
    return written.getvalue()


def script(name: str, words: str) -> str:
    """Return a shell script that runs in the folder above the setup's."""
    return f'#!/bin/sh\n# {name}\nset -eu\ncd "$(dirname "$0")/.."\n{words}\n'
