"""The volumes of a container group, and where its containers mount them.

Source: containerInstance.json 2023-05-01; Microsoft's pages "Troubleshoot" (names) and "Resource availability and quota
limits" (how many).
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any

from ..core.errors import Finding
from ..core.lean import lean
from ..properties import Unknown
from .declared import Declared, parts_of
from .shape import Field

KINDS = ("azure_file", "empty_dir", "secret", "git_repo")
TLS_VOLUME, TLS_FOLDER = "aciml-tls", "/var/aciml/tls"
"""Where the certificate is."""
MOST = 20
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


@lean(frozen=True, kw_only=True)
class AzureFile(Declared):
    """A share of a storage account; an answer of the service never has the key."""

    share_name: Annotated[str, Field("name of the share")]
    storage_account_name: Annotated[str, Field("storage account")]
    # no answer of the service has it: state keeps it, and each PUT sends it again
    storage_account_key: Annotated[str | None, Field("key of the account", secret=True)] = None
    read_only: Annotated[bool | None, Field("nothing may be written", default=False)] = None


@lean(frozen=True, kw_only=True)
class GitRepo(Declared):
    """A clone that is made once, before the containers start."""

    repository: Annotated[str, Field("URL to clone")]
    directory: Annotated[str | None, Field("folder to clone into")] = None
    revision: Annotated[str | None, Field("commit to check out")] = None


@lean(frozen=True, kw_only=True)
class Volume(Declared):
    """One volume, of one kind. ``empty_dir`` says nothing but that it is one; ``secret`` has plain texts by file."""

    name: Annotated[str, Field("name to mount by")]
    azure_file: Annotated[AzureFile | None, Field("a file share")] = None
    empty_dir: Annotated[Mapping[str, Any] | None, Field("an empty folder that lives as long as the group")] = None
    # plain here, and base64 on the wire alone: the service wants it, people do not
    secret: Annotated[Mapping[str, str] | None, Field("files by name, with their text", secret=True)] = None
    git_repo: Annotated[GitRepo | None, Field("a clone of a repository")] = None


@lean(frozen=True, kw_only=True)
class Mount(Declared):
    """Where a container sees a volume."""

    name: Annotated[str, Field("name of the volume")]
    mount_path: Annotated[str, Field("where it appears")]
    read_only: Annotated[bool | None, Field("nothing may be written", default=False)] = None


def known_items(items: Iterable[Any]) -> Iterator[Any]:
    """Give the items of a list that are known."""
    return (item for item in items if not isinstance(item, Unknown))


def volume_findings(volumes: tuple[Volume, ...], *, tls: bool) -> Iterator[Finding]:
    """Judge the volumes: their names, that each is of one kind, and how many there are.

    Args:
        volumes: as they are declared.
        tls: whether the group has a volume for its certificate too.
    """
    names: set[str] = set()
    for volume in known_items(volumes):
        if volume.name is not None:
            yield from _named(volume, names)
            names.add(volume.name)
        yield from _kind(volume)
        yield from _content(volume)
    # the certificate is a secret volume of ours, and counts among the twenty
    if (count := len(volumes) + tls) > MOST:
        with_ours = ", the certificate's among them," if tls else ""
        yield Finding("volumes", f"{count} volumes{with_ours} are more than {MOST}, the most of a group")


def _named(volume: Volume, before: set[str]) -> Iterator[Finding]:
    name = volume.name
    if not (5 <= len(name) <= 63 and _NAME.fullmatch(name)) or "--" in name:
        why = f'"{name}" is no volume name; use 5 to 63 lower-case letters, digits and single -, no - at the ends'
        yield volume.finding("name", why)
    if name in before:
        yield volume.finding("name", f'there are two volumes "{name}"; rename one')
    if name == TLS_VOLUME:
        yield volume.finding("name", f'"{name}" is the volume of the certificate; choose another name')


def _kind(volume: Volume) -> Iterator[Finding]:
    kinds = volume.knows(*KINDS)
    # the specification lets all four stand side by side, the service takes one
    if len(kinds) == 1 or (not kinds and volume.is_unsure(*KINDS)):
        return
    words = {name: parts_of(Volume)[name].wire for name in KINDS}
    named = f'volume "{volume.name}"' if volume.name else "the volume"
    has = f"has {' and '.join(words[kind] for kind in kinds)}" if kinds else "has no kind"
    yield Finding(volume.where, f"{named} {has}; give one of {', '.join(words.values())}")


def _content(volume: Volume) -> Iterator[Finding]:
    share, clone = volume.azure_file, volume.git_repo
    # optional in the specification, and still the only way in: the service mounts a share by nothing but this key
    if share and not share.storage_account_key and not share.is_unsure("storage_account_key"):
        yield share.finding("storage_account_key", "a file share is mounted with the account's key; give it")
    if volume.secret is not None and not volume.secret:
        yield volume.finding("secret", "a secret volume needs a file; give names and texts")
    # containerInstance.json, GitRepoVolume.directory: "must not contain or start with '..'"
    if clone and ".." in (clone.directory or ""):
        yield clone.finding("directory", f'"{clone.directory}" leaves the volume; write a name without ..')


def mount_findings(
    mounts: Iterable[Mount], volumes: tuple[Volume, ...], *, sure: bool, taken: Iterable[str] = ()
) -> Iterator[Finding]:
    """Judge the mounts of one container: of a declared volume each, at a path of its own.

    Args:
        mounts: as they are declared.
        volumes: those of the group.
        sure: whether all volumes of the group are known.
        taken: paths where something of ours is mounted.
    """
    named = [volume.name for volume in known_items(volumes) if volume.name is not None]
    sure, names, paths = sure and len(named) == len(volumes), set(named), set(taken)
    for mount in known_items(mounts):
        if mount.name is not None and mount.name not in names and sure:
            known = f"there are {', '.join(sorted(names))}" if names else "there are none; declare it in volumes"
            yield mount.finding("name", f'there is no volume "{mount.name}"; {known}')
        if mount.mount_path is not None:
            yield from _place(mount, paths)
            paths.add(_plain(mount.mount_path))


def _plain(path: str) -> str:
    """Return a path by which two are the same folder: no slash at the end, none twice."""
    return posixpath.normpath(path)


def _place(mount: Mount, before: set[str]) -> Iterator[Finding]:
    path = mount.mount_path
    # containerInstance.json, VolumeMount.mountPath: "Must not contain colon (:)"
    if not path.startswith("/") or ":" in path:
        yield mount.finding("mount_path", f'"{path}" is no path to mount at; start it with / and use no colon')
    if _plain(path) in before:
        yield mount.finding("mount_path", f"something is mounted at {path} already; choose another path")
