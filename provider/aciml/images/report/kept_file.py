"""An image in a file: an OCI layout (a folder, or a tar of one), or what ``docker save`` wrote; nothing is unpacked.

Sources: OCI image-spec 1.1, "Image Layout Specification"; Docker image specification 1.2, "Combined Image JSON +
Filesystem Changeset Format". Docker writes both into one archive since its version 25.
"""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Any

from ...core.errors import UserError
from ...core.image import Image, sha256_digest
from ...registry.pull import INDEXES

PREFIX = "oci:"
"""How a path is said where it could be taken for something else; `aciml build --to` says it so, too."""
_NAME = "org.opencontainers.image.ref.name"
_LONG_NAME = "io.containerd.image.name"  # containerd and Docker keep the whole name beside it
_INDEX, _LIST = "index.json", "manifest.json"
_LARGEST = 32 << 20  # bytes of a manifest or config
_DEEPEST = 4  # indexes in indexes: buildx makes two
_BLOCK = 1 << 20
_HEX = re.compile(r"[0-9a-f]{64}")
_WRITE = "write it by aciml export or build, docker save, skopeo or buildx"


@dataclass(frozen=True)
class KeptImage:
    """An image of a file. ``digest`` is that of its manifest, or of its config where the file has no manifest."""

    path: Path
    name: str
    digest: str
    image: Image
    _files: _Files = field(repr=False, compare=False)
    _places: dict[str, str] = field(repr=False, compare=False)

    @property
    def title(self) -> str:
        """The path, with the image's name if the file says one."""
        return f"{self.path} ({self.name})" if self.name else str(self.path)

    @contextmanager
    def blob(self, digest: str) -> Iterator[Iterator[bytes]]:
        """Open a layer of the image as it lies in the file."""
        with self._files.open(self._places[digest]) as stream:
            yield iter(partial(stream.read, _BLOCK), b"")


def is_kept(text: str) -> bool:
    """Tell whether a text means an image in a file, and not one in a registry, or a service."""
    path, _ = _split(text)
    return text.startswith(PREFIX) or path.is_file() or _is_layout(path) or _looks_like_a_path(text)


def read_kept(text: str) -> KeptImage:
    """Read an image of a file.

    Args:
        text: path of a layout or an archive, with ``:tag`` or ``:name`` behind it where there are several images.

    Raises:
        UserError: there is none, it is damaged, or it has to be named.
    """
    path, wanted = _split(text)
    if not path.exists():
        raise UserError(f"{path} does not exist", "name a layout, an archive, or an image by host/repository:tag")
    try:
        files = _Folder(path) if path.is_dir() else _Tar(path)
        # first: what Docker writes since version 25 is both, and the layout has the digests of the registry
        if files.has(_INDEX):
            return _of_layout(path, files, wanted)
        if files.has(_LIST):
            return _of_archive(path, files, wanted)
    except (tarfile.TarError, EOFError) as error:
        # tarfile tells what each of its decompressors thought, a line each
        raise UserError(f"{path} is no whole tar", _WRITE) from error
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror or error}", _WRITE) from error
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise UserError(f"{path} is damaged, or no image that we know: {error}", _WRITE) from error
    raise UserError(f"{path} is neither an OCI layout nor an archive of docker save", _WRITE)


def _split(text: str) -> tuple[Path, str]:
    """Divide a path from the name behind it: what exists as it is written has none."""
    said = text.removeprefix(PREFIX)
    if Path(said).exists():
        return Path(said), ""
    # a name may have a colon itself, and a path may
    # from the left: the shortest path that exists
    for at in [found.start() for found in re.finditer(":", said)]:
        if Path(said[:at]).exists():
            return Path(said[:at]), said[at + 1 :]
    return Path(said), ""


def _is_layout(path: Path) -> bool:
    return any((path / name).is_file() for name in (_INDEX, _LIST))


def _looks_like_a_path(text: str) -> bool:
    return text.startswith(("./", "../", "/", "~")) or text.endswith((".tar", ".tar.gz", ".tgz"))


class _Files:
    """Files by their path in a layout, whatever holds it."""

    def has(self, name: str) -> bool:
        raise NotImplementedError

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        raise NotImplementedError

    def size(self, name: str) -> int:
        raise NotImplementedError

    def json(self, name: str) -> tuple[Any, bytes]:
        """Return a small file, and its bytes."""
        # a file that somebody sent: an index of gigabytes must not fill the memory
        if self.size(name) > _LARGEST:
            raise ValueError(f"{name} has {self.size(name)} bytes")
        with self.open(name) as stream:
            body = stream.read()
        return json.loads(body), body


class _Folder(_Files):
    def __init__(self, path: Path) -> None:
        self._path = path

    def has(self, name: str) -> bool:
        return (self._path / name).is_file()

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        return (self._path / name).open("rb")

    def size(self, name: str) -> int:
        return (self._path / name).stat().st_size


class _Tar(_Files):
    """A tar, plain or compressed; opened anew for each file, so that several threads may read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        with tarfile.open(path) as tar:
            self._members = {one.name.removeprefix("./"): one for one in tar.getmembers() if not one.isdir()}

    def has(self, name: str) -> bool:
        return name in self._members

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        with tarfile.open(self._path) as tar:
            # old Docker links a layer that several images have
            found = tar.extractfile(self._members[name])
            if found is None:
                raise LookupError(f"{name} is no file")
            yield found

    def size(self, name: str) -> int:
        member = self._members[name]
        if member.isreg():
            return member.size
        with self.open(name) as stream:
            return stream.seek(0, 2)


def _of_layout(path: Path, files: _Files, wanted: str) -> KeptImage:
    index, _ = files.json(_INDEX)
    rows = _of_platform(index["manifests"])
    # turned round, so that of two with one name the first counts
    named = {_named(row): row for row in reversed(rows)}
    row = named[_chosen(path, list(map(_named, rows)), wanted)]
    body, digest = _manifest(path, files, row)
    config, text = files.json(_blob(str(body["config"]["digest"])))
    _require_platform(path, config)
    image = Image.read(json.dumps(body).encode(), text)
    places = {layer.digest: _blob(layer.digest) for layer in image.layers}
    _require_layers(path, files, places)
    return KeptImage(path, _named(row), digest, image, files, places)


def _named(row: Any) -> str:
    said = row.get("annotations") or {}
    return str(said.get(_LONG_NAME) or said.get(_NAME) or "")


def _chosen(path: Path, names: list[str], wanted: str) -> str:
    """Return the name of the image that is meant; its tag alone will do."""
    found = [name for name in names if wanted in ("", name) or name.endswith(f":{wanted}")]
    if len(found) == 1:
        return found[0]
    known = ", ".join(name or "one without a name" for name in names) or "none"
    why = f'has no image "{wanted}"' if wanted and not found else f"has {len(names)} images"
    raise UserError(f"{path} {why}: {known}", f"name one, as {path}:{names[0] if names else 'TAG'}")


def _manifest(path: Path, files: _Files, row: Any) -> tuple[Any, str]:
    """Follow indexes to the manifest for Linux and amd64; an index may hold attestations, too."""
    for _ in range(_DEEPEST):
        digest = str(row["digest"])
        body, text = files.json(_blob(digest))
        if sha256_digest(text) != digest:
            raise ValueError(f"{digest} is not what is in it")
        if str(body.get("mediaType") or row.get("mediaType")) not in INDEXES and "manifests" not in body:
            return body, digest
        if not (fit := _of_platform(body["manifests"])):
            raise UserError(f"{path} has no image for linux/amd64", "name another one")
        row = fit[0]
    raise ValueError("indexes that lead to indexes")


def _of_platform(rows: list[Any]) -> list[Any]:
    """Return the rows for Linux and amd64, and those that do not say what they are for."""
    said = [(row.get("platform") or {}, row) for row in rows]
    return [row for one, row in said if not one or (one.get("os"), one.get("architecture")) == ("linux", "amd64")]


def _of_archive(path: Path, files: _Files, wanted: str) -> KeptImage:
    """Read what docker save wrote until 24: no manifest, so that a layer is called by its diff_id, or by its file."""
    listed, _ = files.json(_LIST)
    rows = {", ".join(row.get("RepoTags") or ()): row for row in listed}
    name = _chosen(path, list(rows), wanted)
    config, text = files.json(str(rows[name]["Config"]))
    _require_platform(path, config)
    layers = []
    places = {}
    for file, diff_id in zip(rows[name]["Layers"], config["rootfs"]["diff_ids"], strict=True):
        stem = PurePosixPath(file).name.partition(".")[0]
        digest = f"sha256:{stem}" if file.endswith(".gz") and _HEX.fullmatch(stem) else str(diff_id)
        media = "application/vnd.oci.image.layer.v1.tar" + ("+gzip" if file.endswith(".gz") else "")
        places[digest] = str(file)
        _require_layers(path, files, {digest: str(file)})
        layers.append({"digest": digest, "size": files.size(str(file)), "mediaType": media})
    image = Image.read(json.dumps({"layers": layers}).encode(), text)
    return KeptImage(path, name, sha256_digest(text), image, files, places)


def _require_layers(path: Path, files: _Files, places: dict[str, str]) -> None:
    lacking = [digest for digest, place in places.items() if not files.has(place)]
    if lacking:
        raise UserError(f"{path} lacks {lacking[0]}, a layer of its image", _WRITE)


def _require_platform(path: Path, config: Any) -> None:
    found = (config.get("os") or "linux", config.get("architecture") or "amd64")
    if found != ("linux", "amd64"):
        raise UserError(f"{path} is for {'/'.join(found)}, not linux/amd64", "name an image for that platform")


def _blob(digest: str) -> str:
    algorithm, _, name = digest.partition(":")
    # a digest comes from the file: it must not lead out of the folder
    if not (re.fullmatch(r"[a-z0-9+._-]+", algorithm) and re.fullmatch(r"[0-9a-fA-F]{32,128}", name)):
        raise ValueError(f"{digest} is no digest")
    return f"blobs/{algorithm}/{name}"
