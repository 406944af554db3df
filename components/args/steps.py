"""Dockerfile lines that run on the base: v1's ``extra_docker_file_steps``."""

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar

import pulumi

from .declared import Names, subject


class Builder(StrEnum):
    """Who runs the steps."""

    AUTO = "auto"
    """Docker if it answers, else the target."""
    DOCKER = "docker"
    """The Docker Engine."""
    ACR = "acr"
    """ACR Tasks."""


@subject
class StepsArgs:
    """Steps on the base, as ``lines`` or as a ``file``."""

    # `steps` says the rest of the words; the plugin's names are in states, and stay
    _properties: ClassVar[Mapping[str, str]] = {
        "lines": "extraSteps",
        "file": "extraStepsFile",
        "context": "stepsContext",
    }

    lines: Names | None = None
    """Dockerfile lines, in order, such as ``RUN apt-get install -y libgomp1``."""
    # v1 took nothing else: a list raised a TypeError there
    file: pulumi.Input[str] | None = None
    """File of Dockerfile lines, as v1 took it."""
    context: pulumi.Input[str] | None = None
    """Folder that COPY and ADD copy from; nothing can be copied if not said."""
    builder: pulumi.Input[Builder] | None = None
    """Who runs them; auto if not said."""
    lint_off: Names | None = None
    """Ids of lint rules that are switched off; none if not said."""
