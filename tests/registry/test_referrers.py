"""Documents attached to images, in registries that know the referrers API and in those that do not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest

from aciml.core.image import Image
from aciml.core.progress import Silent
from aciml.registry.client import RegistryClient
from aciml.registry.push import push_image
from aciml.registry.referrers import Artifact, attach, attached, detach, fallback_tag, is_fallback_tag
from tests.registry.images import Shelf, noise, writes
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_program import RegistryProgram

KIND = "application/vnd.example.bill+json"
OTHER = "application/vnd.example.signature+json"
BILL = Artifact(KIND, b'{"of": "materials"}', {"org.opencontainers.image.created": "2020-01-02T03:04:05Z"})
SIGNATURE = Artifact(OTHER, b"signed")


@pytest.fixture
def modern() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as registry:
        registry.knows_referrers = True
        yield registry


@pytest.fixture(params=["simulator", "modern", pytest.param("program", marks=pytest.mark.registry)])
def registry(request: pytest.FixtureRequest) -> RegistrySimulator | RegistryProgram:
    found: RegistrySimulator | RegistryProgram = request.getfixturevalue(request.param)
    return found


def pushed(client: RegistryClient, repository: str) -> Image:
    shelf = Shelf()
    image = shelf.image([noise(repository, 100)])
    push_image(client, repository, "1", image, shelf, mount_from={}, progress=Silent())
    return image


def put(client: RegistryClient, repository: str, image: Image, artifact: Artifact) -> str:
    return attach(client, repository, image.manifest(), artifact, Silent())


def test_what_is_attached_is_found_and_is_what_was_given(client: RegistryClient, repository: str) -> None:
    image = pushed(client, repository)

    name = put(client, repository, image, BILL)
    put(client, repository, image, SIGNATURE)
    (found,) = attached(client, repository, image.digest, KIND)
    manifest = client.manifest(repository, name)

    assert found["digest"] == name
    assert manifest is not None
    described = json.loads(manifest.body)
    assert described["subject"]["digest"] == image.digest
    assert client.read_blob(repository, described["layers"][0]["digest"]) == BILL.body
    assert len(attached(client, repository, image.digest)) == 2


def test_attaching_again_writes_nothing(
    client: RegistryClient, repository: str, new_requests: Callable[[], list[str]]
) -> None:
    image = pushed(client, repository)
    first = put(client, repository, image, BILL)
    new_requests()

    assert put(client, repository, image, BILL) == first
    assert writes(new_requests()) == []


def test_only_the_own_kind_is_detached(client: RegistryClient, repository: str) -> None:
    image = pushed(client, repository)
    name, signature = (put(client, repository, image, artifact) for artifact in (BILL, SIGNATURE))

    assert detach(client, repository, image.digest, KIND) == 1

    assert client.head_manifest(repository, name) is None
    assert [entry["digest"] for entry in attached(client, repository, image.digest)] == [signature]
    assert detach(client, repository, image.digest, OTHER) == 1
    assert client.head_manifest(repository, fallback_tag(image.digest)) is None
    assert client.head_manifest(repository, image.digest) == image.digest


def test_what_is_not_attached_is_not_detached(
    client: RegistryClient, repository: str, new_requests: Callable[[], list[str]]
) -> None:
    image = pushed(client, repository)
    new_requests()

    assert detach(client, repository, image.digest, KIND) == 0
    assert writes(new_requests()) == []


def test_a_registry_that_lists_referrers_gets_no_tag_for_them(modern: RegistrySimulator) -> None:
    with RegistryClient(modern.host) as client:
        put(client, "team/app", pushed(client, "team/app"), BILL)

        assert client.tags("team/app") == ["1"]


def test_a_tag_of_referrers_is_known_by_its_form() -> None:
    digest = Image().digest

    assert is_fallback_tag(fallback_tag(digest))
    assert not is_fallback_tag("sha256-short")
    assert not is_fallback_tag("1.0")
