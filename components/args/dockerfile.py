"""A Dockerfile that makes the base of an environment."""

from collections.abc import Mapping
from typing import ClassVar

import pulumi

from .declared import Texts, subject


@subject
class DockerfileArgs:
    """The base as a Dockerfile, a ``file`` or a ``text``, instead of ``base_image``."""

    # `dockerfile` says the rest of the words; the plugin's names are in states, and stay
    _properties: ClassVar[Mapping[str, str]] = {
        "file": "dockerfile",
        "text": "dockerfileText",
        "context": "buildContext",
        "target": "buildTarget",
        "args": "buildArgs",
        "secrets": "buildSecrets",
    }

    file: pulumi.Input[str] | None = None
    """Path of the Dockerfile, relative to the folder of Pulumi.yaml."""
    text: pulumi.Input[str] | None = None
    """Text of the Dockerfile."""
    context: pulumi.Input[str] | None = None
    """Folder that COPY and ADD copy from; nothing can be copied if not said."""
    target: pulumi.Input[str] | None = None
    """Stage that is the base; the last one if not said."""
    args: Texts | None = None
    """Build arguments, by name."""
    secrets: Texts | None = None
    """Secrets of ``RUN --mount=type=secret``, by id; a secret."""
