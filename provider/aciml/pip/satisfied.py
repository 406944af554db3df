"""Whether versions are what a pip section asks for, as far as its lines alone can tell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from packaging.markers import default_environment
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name

from .lines import read_lines


def unsatisfied(requirements: tuple[str, ...], folder: Path, have: Mapping[str, str], python_version: str) -> list[str]:
    """Name the requirements that the versions do not satisfy; options, files and markers of others are passed over.

    Args:
        requirements: lines of the ``pip:`` section.
        folder: where conda.yml is.
        have: version by canonical name of the distribution.
        python_version: of the environment, such as ``3.11.9``.

    Raises:
        UserError: a file that the lines name is missing.
    """
    environment = _environment(python_version)
    return [why for line in read_lines(requirements, folder) if (why := _fault(line.text, have, environment))]


def _fault(text: str, have: Mapping[str, str], environment: dict[str, str]) -> str:
    try:
        # options of one requirement, such as --hash, stand behind it
        wanted = Requirement(text.partition(" --")[0])
    except InvalidRequirement:
        return ""
    if wanted.marker and not wanted.marker.evaluate(environment):
        return ""
    version = have.get(canonicalize_name(wanted.name))
    if version is None:
        return f"pip: {wanted} is not in it"
    # pre-releases too: whether one would be chosen is not the question, it is there
    fits = wanted.url or wanted.specifier.contains(version, prereleases=True)
    return "" if fits else f"pip: {wanted} is not satisfied by {version}"


def _environment(python: str) -> dict[str, str]:
    """Return what markers see in the image, whatever machine this is."""
    linux = {"sys_platform": "linux", "platform_system": "Linux", "platform_machine": "x86_64", "os_name": "posix"}
    versions = {"python_full_version": python, "python_version": ".".join(python.split(".")[:2])}
    return {**{name: str(value) for name, value in default_environment().items()}, **linux, **versions}
