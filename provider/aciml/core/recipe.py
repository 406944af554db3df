"""What an environment's image is made of, pinned: the value that planning hands to building and exporting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from .conda_lock import CondaLock
from .context import FileEntry
from .interpreter import Interpreter
from .lean import lean
from .pip_package import PipPackage
from .reference import SCRATCH, Reference
from .stages import Dockerfile
from .steps import Step


@lean(frozen=True)
class DockerfileBase:
    """A base that a Dockerfile makes.

    ``images`` maps each reference in it to the digest that it stands for; ``context`` are the files that it copies;
    ``key`` names the result; ``secrets`` by id are in no layer, no log and no key.
    """

    dockerfile: Dockerfile
    images: Mapping[str, str]
    context: tuple[FileEntry, ...]
    arguments: Mapping[str, str]
    key: str
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def below(self) -> Reference:
        """Image that the wanted stage stands on."""
        base = self.dockerfile.base
        return Reference("", SCRATCH) if base == SCRATCH else Reference.parse(base).at(self.images[base])

    @property
    def needs_buildkit(self) -> str:
        """Say what needs BuildKit; empty if nothing does."""
        # the classic builder knows no mounts, by which a secret comes (Dockerfile reference, "RUN --mount=type=secret")
        return self.dockerfile.needs_buildkit or ("buildSecrets" if self.secrets else "")


@lean(frozen=True)
class OwnPython:
    """The Python that the image brings itself, and what the scoring server needs beside it.

    ``asked`` is what the user says of its place; ``libc`` of the C library, empty if the image is to tell; ``needs``
    are requirements, none if the server's are not to be brought; ``found`` and ``wheels`` are not known while the image
    below is still to be built.
    """

    asked: str = ""
    libc: str = ""
    needs: tuple[str, ...] = ()
    found: Interpreter | None = None
    wheels: tuple[PipPackage, ...] = ()


@lean(frozen=True)
class Recipe:
    """All that is in the image, pinned.

    ``steps_key`` names what the steps make of the base, empty without steps; ``link_steps`` are the post-link scripts
    that run on top of the conda packages; ``inputs`` is what an import needs to know; ``compression`` a word of the
    property of that name, empty for the default.
    """

    base: Reference
    steps: tuple[Step, ...] = ()
    context: tuple[FileEntry, ...] = ()
    steps_key: str = ""
    conda: CondaLock | None = None
    pip: tuple[PipPackage, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, object] = field(default_factory=dict)
    compression: str = ""
    link_steps: tuple[Step, ...] = ()
    made: DockerfileBase | None = None
    """The Dockerfile that makes the base; ``base`` is then what it stands on."""
    own: OwnPython | None = None
    """The Python of the image itself, if that serves; there are no packages of ours then."""
    slim: bool = False
    """Whether of packages only what runs is in the image; see ``slim``."""

    @property
    def below(self) -> str:
        """Name what is below the packages: the steps, the Dockerfile, or the base."""
        return self.steps_key or (self.made.key if self.made else self.base.digest)

    @property
    def python(self) -> str:
        """The environment's Python as ``3.11``; empty without."""
        return self.conda.python_minor if self.conda else ""
