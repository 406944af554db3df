"""What the client promises against any registry."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aciml.blobs.store import BlobStore, DamagedBlobError
from aciml.core.errors import Cancelled, OutageError, UserError
from aciml.core.image import OCI_INDEX, OCI_MANIFEST, Image, sha256_digest
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.registry.base import copy_image
from aciml.registry.client import RegistryClient
from aciml.registry.limits import ClientLimits
from aciml.registry.pull import pull_image
from aciml.registry.push import Pushed, push_image
from tests.heard import Heard
from tests.registry.images import Shelf, noise, writes
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_program import RegistryProgram

Requests = Callable[[], list[str]]
MB = 1_000_000


def push(client: RegistryClient, repository: str, shelf: Shelf, image: Image, tag: str = "1", **mounts: str) -> Pushed:
    sources = {f"sha256:{name}": source for name, source in mounts.items()}
    return push_image(client, repository, tag, image, shelf, mount_from=sources, progress=Silent())


def test_a_registry_answers_a_ping(client: RegistryClient) -> None:
    client.ping()


def test_what_is_pushed_can_be_pulled_with_the_same_digest(client: RegistryClient, repository: str) -> None:
    shelf = Shelf()
    image = shelf.image([noise(repository, 3 * MB), b"", noise("b", 10)])

    pushed = push(client, repository, shelf, image)
    pulled = pull_image(client, Reference(client.host, repository, "1"))

    sizes = sum(layer.size for layer in image.layers) + len(image.config())
    assert pushed == Pushed(image.digest, uploaded=4, uploaded_bytes=sizes)
    assert (pulled.digest, pulled.image, pulled.media_type) == (image.digest, image, OCI_MANIFEST)
    assert str(pulled.reference) == f"{client.host}/{repository}:1@{image.digest}"
    with client.blob(repository, image.layers[0].digest) as blob:
        assert b"".join(blob) == shelf.blobs[image.layers[0].digest]


def test_nothing_is_written_when_all_is_there(client: RegistryClient, repository: str, new_requests: Requests) -> None:
    shelf = Shelf()
    image = shelf.image([noise(repository, 1000), noise("x", 20)])
    push(client, repository, shelf, image)
    new_requests()

    again = push(client, repository, shelf, image)

    assert again == Pushed(image.digest, present=3)
    asked = new_requests()
    assert asked
    assert writes(asked) == []


def test_a_new_tag_writes_one_manifest(client: RegistryClient, repository: str, new_requests: Requests) -> None:
    shelf = Shelf()
    image = shelf.image([noise(repository, 1000)])
    push(client, repository, shelf, image)
    new_requests()

    push(client, repository, shelf, image, "2")

    assert writes(new_requests()) == [f"PUT /v2/{repository}/manifests/2"]
    assert client.tags(repository) == ["1", "2"]


def test_a_changed_layer_is_the_only_one_sent(client: RegistryClient, repository: str, new_requests: Requests) -> None:
    shelf = Shelf()
    push(client, repository, shelf, shelf.image([noise("a", 500), noise("b", 600), noise(repository, 700)]))
    shelf.opened.clear()
    new_requests()

    changed = shelf.image([noise("a", 500), noise(f"{repository}, changed", 650), noise(repository, 700)])
    pushed = push(client, repository, shelf, changed)

    assert shelf.opened == [changed.layers[1].digest]
    assert (pushed.uploaded, pushed.present) == (2, 2)  # the layer and the config
    assert len(writes(new_requests())) == 2 * 2 + 1  # POST and PUT each, then the manifest


def test_a_layer_of_another_repository_is_mounted(client: RegistryClient, repository: str) -> None:
    shelf = Shelf()
    image = shelf.image([noise(repository, 5000)])
    push(client, f"{repository}-old", shelf, image)
    shelf.opened.clear()

    name = image.layers[0].digest.removeprefix("sha256:")
    pushed = push(client, repository, shelf, image, **{name: f"{repository}-old"})

    assert (pushed.mounted, pushed.uploaded) == (1, 1)
    assert shelf.opened == []


def test_a_mount_from_a_repository_that_lacks_the_layer_becomes_an_upload(
    client: RegistryClient, repository: str
) -> None:
    shelf = Shelf()
    image = shelf.image([noise(repository, 5000)])

    name = image.layers[0].digest.removeprefix("sha256:")
    pushed = push(client, repository, shelf, image, **{name: f"{repository}-never"})

    assert (pushed.mounted, pushed.uploaded) == (0, 2)


def test_after_an_interrupted_push_the_next_sends_only_the_rest(client: RegistryClient, repository: str) -> None:
    shelf = Shelf()
    image = shelf.image([noise(f"{repository}{number}", 4 * MB) for number in range(4)])
    brake = Heard("layer 3 of 4: 1 of 4 MB")
    with pytest.raises(Cancelled):
        push_image(client, repository, "1", image, shelf, mount_from={}, progress=brake, workers=1)
    assert client.manifest(repository, "1") is None
    shelf.opened.clear()

    pushed = push(client, repository, shelf, image)

    assert sorted(shelf.opened) == sorted(layer.digest for layer in image.layers[2:])
    assert (pushed.present, pushed.uploaded) == (2, 3)


def test_a_large_layer_goes_in_chunks(
    registry: RegistrySimulator | RegistryProgram, repository: str, new_requests: Requests
) -> None:
    content = noise(repository, 1_000_000)
    limits = ClientLimits(whole=500_000, chunk=300_000, block=65_536)
    with RegistryClient(registry.host, limits=limits) as client:
        outcome = client.upload_blob(repository, sha256_digest(content), len(content), lambda: io.BytesIO(content))

        assert outcome == "uploaded"
        assert client.read_blob(repository, sha256_digest(content)) == content
    methods = [line.partition(" ")[0] for line in writes(new_requests())]
    assert methods == ["POST", "PATCH", "PATCH", "PATCH", "PATCH", "PUT"]


def test_bytes_that_are_not_those_named_are_refused(client: RegistryClient, repository: str) -> None:
    with pytest.raises(OutageError, match=r"answered 400: DIGEST_INVALID to blob \(5 bytes\)"):
        client.upload_blob(repository, sha256_digest(b"other"), 5, lambda: io.BytesIO(b"bytes"))
    assert not client.has_blob(repository, sha256_digest(b"other"))


def test_a_blob_that_is_damaged_on_this_machine_is_not_sent(
    client: RegistryClient, repository: str, tmp_path: Path
) -> None:
    store, content = BlobStore(tmp_path / "blobs"), noise(repository, 3 * MB)
    digest = store.put(content)
    store.path(digest).write_bytes(content[:-1] + bytes([content[-1] ^ 1]))

    for limits in (ClientLimits(), ClientLimits(whole=1 * MB, chunk=1 * MB)):
        with RegistryClient(client.host, wait=lambda _: None, limits=limits) as other, pytest.raises(DamagedBlobError):
            other.upload_blob(repository, digest, len(content), lambda: store.open(digest))
    assert not client.has_blob(repository, digest)
    store.put_chunks([content])
    assert client.upload_blob(repository, digest, len(content), lambda: store.open(digest)) == "uploaded"


def test_a_source_that_ends_too_soon_is_named_and_not_waited_for(client: RegistryClient, repository: str) -> None:
    with pytest.raises(OutageError, match="a stored layer ends after 5 of 9 bytes"):
        client.upload_blob(repository, sha256_digest(b"bytes"), 9, lambda: io.BytesIO(b"bytes"))


def test_what_is_not_there_is_none(client: RegistryClient, repository: str) -> None:
    absent = sha256_digest(repository.encode())

    assert client.manifest(repository, "1") is None
    assert client.head_manifest(repository, absent) is None
    assert not client.has_blob(repository, absent)
    assert client.tags(repository) == []
    with pytest.raises(UserError, match=f"has no image {repository}:1"):
        pull_image(client, Reference(client.host, repository, "1"))


def test_a_deleted_manifest_is_gone_and_can_be_deleted_again(client: RegistryClient, repository: str) -> None:
    shelf = Shelf()
    image = shelf.image([noise(repository, 100)])
    push(client, repository, shelf, image)

    assert client.delete_manifest(repository, image.digest)

    assert client.head_manifest(repository, "1") is None
    assert not client.delete_manifest(repository, image.digest)


def test_an_index_is_resolved_to_linux_amd64(client: RegistryClient, repository: str) -> None:
    shelf = Shelf()
    image = shelf.image([noise(repository, 100)])
    push(client, repository, shelf, image)
    entry = {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": len(image.manifest())}
    platform = {"platform": {"os": "linux", "architecture": "amd64"}}
    body = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry | platform]}).encode()
    client.put_manifest(repository, "all", body, OCI_INDEX)

    pulled = pull_image(client, Reference(client.host, repository, "all"))

    assert pulled.digest == image.digest
    with pytest.raises(UserError, match="is not made for linux/arm64, only for linux/amd64"):
        pull_image(client, Reference(client.host, repository, "all"), architecture="arm64")


@pytest.fixture
def base() -> tuple[Shelf, Image]:
    shelf = Shelf()
    return shelf, shelf.image([noise("base 1", 2 * MB), noise("base 2", 3 * MB)])


def test_a_base_image_is_copied_byte_for_byte_and_only_once(
    client: RegistryClient, repository: str, simulator: RegistrySimulator, base: tuple[Shelf, Image]
) -> None:
    shelf, image = base
    with RegistrySimulator() as far, RegistryClient(far.host) as source:
        push(source, "library/base", shelf, image)
        reference = Reference(far.host, "library/base", "1")
        digest = copy_image(source, reference, client, repository, progress=Silent())
        before = len(far.requests())
        copy_image(source, reference, client, repository, progress=Silent())
        second = far.requests()[before:]
        copy_image(source, reference.at(digest), client, repository, progress=Silent())
        third = far.requests()[before + len(second) :]

    assert digest == image.digest
    pulled = pull_image(client, Reference(client.host, repository, "", digest))
    assert pulled.image == image
    config = sha256_digest(image.config())
    assert second == ["GET /v2/library/base/manifests/1", f"GET /v2/library/base/blobs/{config}"]
    assert third == []  # the source may be out of reach


def test_base_layers_that_are_there_are_not_downloaded(
    client: RegistryClient, repository: str, base: tuple[Shelf, Image], new_requests: Requests
) -> None:
    shelf, image = base
    push(client, repository, shelf, Image(layers=image.layers[:1]))
    with RegistrySimulator() as far, RegistryClient(far.host) as source:
        push(source, "library/base", shelf, image)
        before = len(far.requests())
        new_requests()
        reference = Reference(far.host, "library/base", "1")
        copy_image(source, reference, client, repository, progress=Silent())

        downloaded = [line.rpartition("/")[2] for line in far.requests()[before:] if "/blobs/" in line]
    assert sorted(set(downloaded)) == sorted({image.layers[1].digest, sha256_digest(image.config())})
    assert f"PUT /v2/{repository}/manifests/{image.digest}" in writes(new_requests())


def test_a_base_image_of_the_same_registry_is_mounted(
    client: RegistryClient, repository: str, base: tuple[Shelf, Image], new_requests: Requests
) -> None:
    shelf, image = base
    push(client, f"{repository}-base", shelf, image)
    new_requests()

    copy_image(client, Reference(client.host, f"{repository}-base", "1"), client, repository, progress=Silent())

    asked = new_requests()
    layers = [layer.digest for layer in image.layers]
    assert writes(asked) == [f"POST /v2/{repository} upload"] * 3 + [f"PUT /v2/{repository}/manifests/{image.digest}"]
    assert not [line for line in asked if line.startswith("GET") and line.rpartition("/")[2] in layers]


def test_a_push_on_top_of_a_copied_base_needs_no_base_bytes(
    client: RegistryClient, repository: str, base: tuple[Shelf, Image]
) -> None:
    shelf, image = base
    push(client, repository, shelf, image, "base")
    mine = Shelf()
    whole = image.append(mine.layer(noise(repository, 100)))

    pushed = push(client, repository, mine, whole)

    assert (pushed.present, pushed.uploaded) == (2, 2)


def test_a_push_says_how_far_each_layer_is(client: RegistryClient, repository: str) -> None:
    shelf, listener = Shelf(), Heard()
    image = shelf.image([noise(repository, 12 * MB), noise("small", 10)])

    push_image(client, repository, "1", image, shelf, mount_from={}, progress=listener)

    assert "3 of 3 blobs to push, 13 MB at most" in listener.lines
    assert "layer 1 of 2: 6 of 12 MB (52 %)" in listener.lines
    assert "layer 1 of 2: 12 of 12 MB (100 %)" in listener.lines
