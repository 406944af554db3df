"""What an image says of itself, under the keys that other tools read (OCI image-spec 1.1, annotations.md)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from .image import Image
from .reference import SCRATCH, Reference

OCI = "org.opencontainers.image."
REVISION, SOURCE, CREATED, TITLE, VERSION = (
    f"{OCI}{word}" for word in ("revision", "source", "created", "title", "version")
)
BASE_NAME, BASE_DIGEST, REF_NAME = f"{OCI}base.name", f"{OCI}base.digest", f"{OCI}ref.name"
TOOL = "io.aciml.version"
"""The version of aciml that put a service's image together; an environment's image does not depend on it."""

_URL = re.compile(
    r"(?P<scheme>https?|git|(?:git\+)?ssh|ssh\+git)://(?:[^@/]*@)?"
    r"(?P<host>[A-Za-z0-9.-]+|\[[0-9A-Fa-f:]+\])(?P<port>:\d+)?/(?P<path>[^?#\s@\\]+)"
)
# git-clone(1), "GIT URLS": the scp-like form
_SCP = re.compile(r"(?:(?P<user>[^@:/\s]+)@)?(?P<host>[A-Za-z0-9.-]+):(?P<path>[^?#\s@:\\]+)")


@dataclass(frozen=True)
class Commit:
    """A commit of the user's git: ``revision`` may end in ``-dirty``, ``created`` is RFC 3339, ``source`` a URL."""

    revision: str
    created: str
    source: str = ""


def environment_labels(image: Image, base: Reference, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the labels of an environment's image; they depend on what is in it alone.

    Args:
        image: as it is without them.
        base: what it stands on, pinned; a Dockerfile's own base if that makes it.
        inherited: labels of that base. What they say under OCI's keys is said of the base, so it is taken away;
            what a Dockerfile or a step of the user says stays.
    """
    mine = image.labels()
    foreign = {name for name, text in inherited.items() if name.startswith(OCI) and mine.get(name) == text}
    own = {name: text for name, text in mine.items() if name not in foreign}
    # an image that is called scratch has a registry; the Dockerfile's word has none
    below = {} if base.repository == SCRATCH and not base.registry else _base(base)
    return {**own, **below, CREATED: image.created}


def service_labels(
    environment: Image, made_of: Mapping[str, Any], commit: Commit | None, *, title: str, tool: str
) -> dict[str, str]:
    """Return what a service's image says beyond its environment; without a commit that is nothing new.

    Args:
        environment: the image below.
        made_of: what that was made of. Images of 0.1 have no labels, so the base is read here.
        commit: what the source is of; None if nobody knows.
        title: the service's name.
        tool: version of aciml.
    """
    known = environment.labels()
    labels: dict[str, str] = {}
    if BASE_NAME not in known and made_of.get("baseImage") and made_of.get("baseDigest"):
        labels = _base(Reference.parse(str(made_of["baseImage"])).at(str(made_of["baseDigest"])))
    # nor title and version: without a commit the image's bytes are those of before (decisions/labels.md)
    if commit is None:
        return labels
    labels |= {REVISION: commit.revision, CREATED: commit.created, TITLE: title, TOOL: tool}
    return labels | ({SOURCE: commit.source} if commit.source else {})


def web_url(remote: str) -> str:
    """Return where people find a git remote, without name and password; empty for what is no public address.

    ``git@host:x/y.git``, ``ssh://git@host/x/y`` and ``https://host/x/y.git`` are one place and become one text, so that
    it does not matter how somebody has cloned.
    """
    if found := _URL.fullmatch(remote.strip()):
        is_ssh = "ssh" in found["scheme"]
        # the port of ssh says nothing of the website's
        scheme, port = ("https", "") if is_ssh else (found["scheme"], found["port"] or "")
        return f"{scheme}://{found['host']}{port}/{_path(found['path'])}"
    found = _SCP.fullmatch(remote.strip())
    # `work:x/y` may be an alias of ~/.ssh/config, `c:/x` a drive: only this machine knows them
    if found and (found["user"] or "." in found["host"]) and not found["host"].startswith("."):
        return f"https://{found['host']}/{_path(found['path'])}"
    return ""


def _path(path: str) -> str:
    return path.strip("/").removesuffix(".git")


def _base(base: Reference) -> dict[str, str]:
    return {BASE_NAME: str(replace(base, digest="")), BASE_DIGEST: base.digest}
