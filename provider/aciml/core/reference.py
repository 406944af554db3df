"""Image references, as Docker and the OCI distribution specification write them."""

from __future__ import annotations

import re
from dataclasses import replace

from .errors import UserError
from .lean import lean

DEFAULT_REGISTRY = "docker.io"
_REGISTRY = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:]+\])(?::[0-9]{1,5})?")
# distribution-spec 1.1, "Pulling manifests", <name> and below it <reference> as a tag
_REPOSITORY = re.compile(r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
# image-spec, descriptor.md: sha256 is the one algorithm that everybody must know
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


_RULE = "use lower case, digits, ., _, - and /"
_LONGEST = 255  # distribution-spec 1.1: many clients refuse more, host included


SCRATCH = "scratch"
"""What a Dockerfile calls no image at all."""


def repository_fault(name: str) -> str:
    """Say what is wrong with the name of a repository, and which name would do; empty if it is one."""
    if _REPOSITORY.fullmatch(name):
        return f"has {len(name)} characters; {_LONGEST} are allowed" if len(name) > _LONGEST else ""
    lower = name.lower()
    # the usual one: a project's or a person's name, in capitals
    close = f"; did you mean {lower}?" if lower != name and _REPOSITORY.fullmatch(lower) else ""
    return f'is "{name[:60]}", which is not a repository name; {_RULE}, and begin and end with a letter or digit{close}'


def reference_fault(text: str) -> str:
    """Say why a text is no reference, and what to write; empty if it is one."""
    try:
        Reference.parse(text)
    except UserError as error:
        return str(error)
    return ""


@lean(frozen=True)
class Reference:
    """``registry/repository[:tag][@digest]``; ``registry`` is ``host`` or ``host:port``."""

    registry: str
    repository: str
    tag: str = ""
    digest: str = ""

    @classmethod
    def parse(cls, text: str) -> Reference:
        """Read a reference the way Docker does: no host means Docker Hub, no tag and no digest means ``latest``.

        Raises:
            UserError: the text is no reference; the message names the part that is wrong.
        Source: OCI distribution-spec 1.1, "pulling manifests"; Docker's normalisation of familiar names.
        """
        rest, at, digest = text.partition("@")
        if at and not _DIGEST.fullmatch(digest):  # what stands before it may be a password
            raise UserError(f'"{digest}" is not a digest', "write @sha256: and 64 hexadecimal digits after the name")
        head, slash, tail = rest.partition("/")
        # Docker's rule: without a dot, a colon or the word localhost the first part is a folder of Docker Hub
        named_host = bool(slash) and ("." in head or ":" in head or head == "localhost")
        registry, path = (head, tail) if named_host else (DEFAULT_REGISTRY, rest)
        path, colon, tag = path.partition(":")
        if not _REGISTRY.fullmatch(registry):
            raise UserError(f'"{text}": "{registry}" is not a registry', "write host or host:port")
        # Docker Hub keeps its official images there, and nobody writes it
        if registry == DEFAULT_REGISTRY and "/" not in path:
            path = f"library/{path}"
        if not _REPOSITORY.fullmatch(path):
            raise UserError(f'"{text}": "{path}" is not a repository name', _RULE)
        if colon and not _TAG.fullmatch(tag):
            raise UserError(f'"{text}": "{tag}" is not a tag', "use letters, digits, ., _ and -, at most 128")
        return cls(registry, path, tag or ("" if digest else "latest"), digest)

    def at(self, digest: str) -> Reference:
        """Return the same reference, pinned to ``digest``."""
        return replace(self, digest=digest)

    @property
    def manifest(self) -> str:
        """What a manifest request asks for: the digest if there is one, else the tag."""
        return self.digest or self.tag

    def __str__(self) -> str:
        """Write the reference in full, host included."""
        tag = f":{self.tag}" if self.tag else ""
        return f"{self.registry}/{self.repository}{tag}{'@' if self.digest else ''}{self.digest}"
