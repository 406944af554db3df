"""The packages of an environment."""

from enum import StrEnum

import pulumi

from .declared import Texts, subject


class LockMode(StrEnum):
    """What a lock file is for."""

    AUTO = "auto"
    """It is used where it fits."""
    FROZEN = "frozen"
    """It has to fit: without it, or with one out of date, the preview fails."""
    REFRESH = "refresh"
    """It is passed over: packages are solved anew."""


class IndexStrategy(StrEnum):
    """Which of several package indexes a wheel comes from."""

    FIRST_INDEX = "first-index"
    """The first that has a package of its name, as uv has it."""
    UNSAFE_BEST_MATCH = "unsafe-best-match"
    """The one with the best version, as pip has it: whoever may put packages on one of them decides."""
    REFUSE = "refuse"
    """The first; and a package that is on two of them is refused."""


class PostLink(StrEnum):
    """What is done about packages with post-link scripts."""

    FAIL = "fail"
    """They are refused, by name."""
    STEP = "step"
    """The scripts run in a build on top."""
    IGNORE = "ignore"
    """The scripts do not run."""


@subject
class PackagesArgs:
    """What is installed, from one of ``conda_file``, ``conda_text``, ``requirements_file`` and ``explicit_file``.

    Without any of them the image's own Python serves, with the packages that it has.
    """

    conda_file: pulumi.Input[str] | None = None
    """conda.yml with its ``pip:`` section, relative to the folder of Pulumi.yaml."""
    conda_text: pulumi.Input[str] | None = None
    """Text of a conda.yml; paths in its pip section are relative to the folder of Pulumi.yaml."""
    requirements_file: pulumi.Input[str] | None = None
    """requirements.txt, instead of a conda.yml."""
    explicit_file: pulumi.Input[str] | None = None
    """``@EXPLICIT`` list of package URLs, instead of a conda.yml."""
    interpreter_path: pulumi.Input[str] | None = None
    """Without any of these: Python of the image itself, such as ``/opt/venv/bin/python``; found in it if not said."""
    lock_file: pulumi.Input[str] | None = None
    """Lock file; the conda.yml's name with ``.lock`` beside it if not said."""
    # frozen is for pipelines, where nobody reads a warning
    lock_mode: pulumi.Input[LockMode] | None = None
    """What the lock file is for; auto if not said."""
    exclude_newer: pulumi.Input[str] | None = None
    """Packages newer than this time (RFC 3339) do not exist; all exist if not said."""
    index_strategy: pulumi.Input[IndexStrategy] | None = None
    """Which of several package indexes a wheel comes from; first-index if not said."""
    virtual_packages: Texts | None = None
    """Virtual packages and versions, such as ``__cuda: "12.4"``."""
    # resolved together with the user's own, so that a version that cannot
    # be is told before anything runs (decisions/scoring-server.md)
    server_requirements: pulumi.Input[bool] | None = None
    """Bring what the scoring server needs, if conda does not; true if not said."""
    post_link: pulumi.Input[PostLink] | None = None
    """What is done about post-link scripts; fail if not said."""
