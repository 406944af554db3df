"""An image that others need outlives the stack that made it: equal images of two stacks are one manifest."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from aciml.core.compose import with_inputs
from aciml.core.image import OCI_INDEX, OCI_MANIFEST, Image
from aciml.images.remote.holders import RUNS, hold, others_with
from aciml.images.remote.old_tags import Keep
from aciml.images.remote.pushes import holder_of
from aciml.registry.client import RegistryClient
from aciml.resources.protocol import Existing
from aciml.resources.pushed import delete_pushed
from tests.heard import Heard
from tests.images.remote.test_old_tags import Holder
from tests.simulators.registry import RegistrySimulator

_names = itertools.count()


@pytest.fixture(scope="module")
def registry() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as running:
        yield running


@pytest.fixture
def one(registry: RegistrySimulator) -> Iterator[Holder]:
    with RegistryClient(registry.host, wait=lambda _: None) as client:
        yield Holder(client, f"team/shared-{next(_names)}", "urn:one")


def delete(holder: Holder, image: Image, urn: str) -> list[str]:
    """Delete an image as its resource does, and return what is said."""
    tools: Any = SimpleNamespace(client=lambda _: holder.client)
    heard = Heard()
    heard.urn = urn
    reference = f"127.0.0.1:1/{holder.repository}:{image.tag}@{image.digest}"
    delete_pushed(tools, Existing(reference, {"image": reference}), heard)
    return heard.notes


def test_an_equal_environment_of_another_stack_stays(one: Holder) -> None:
    other = Holder(one.client, one.repository, "urn:two")
    image = one.push("equal", 0, Keep())
    other.push("equal", 0, Keep())

    (said,) = delete(one, image, "urn:one")
    assert "stays: others need it, by the tags aciml-held-" in said
    assert one.has(image) == [True]


def test_the_last_one_takes_it_away(one: Holder) -> None:
    image = one.push("alone", 0, Keep())

    assert delete(one, image, "urn:one") == []
    assert one.has(image) == [False]


def test_an_equal_service_of_another_stack_stays_until_that_goes_too(one: Holder) -> None:
    image = one.image("service")
    one.send(image)
    for urn in ("urn:one", "urn:two"):
        hold(one.client, one.repository, image.digest, holder_of(urn))

    assert delete(one, image, "urn:one")
    assert one.has(image) == [True]
    assert [tag for tag in one.client.tags(one.repository) if tag.startswith(RUNS)] == [RUNS + holder_of("urn:two")]
    assert delete(one, image, "urn:two") == []
    assert one.client.tags(one.repository) == []


def test_a_tag_of_somebody_else_holds_it(one: Holder) -> None:
    image = one.push("tagged", 0, Keep())
    one.send(image, "production")
    (said,) = delete(one, image, "urn:one")

    assert "by the tags production" in said
    assert one.has(image) == [True]


def test_an_index_of_somebody_else_holds_it(one: Holder) -> None:
    image = one.push("indexed", 0, Keep())
    entry = {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": len(image.manifest())}
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    one.client.put_manifest(one.repository, "both", index, OCI_INDEX)

    assert delete(one, image, "urn:one")
    assert one.has(image) == [True]


def test_a_service_of_another_stack_in_the_same_repository_holds_its_environment(one: Holder) -> None:
    environment = one.push("below", 0, Keep())
    service = with_inputs(one.image("on top"), {"environment": f"{one.repository}:x@{environment.digest}"})
    one.send(service)

    assert delete(one, environment, "urn:one")
    assert one.has(environment) == [True]


def test_a_record_is_written_once_and_follows_its_service(one: Holder) -> None:
    first, second = one.image("first"), one.image("second")
    holder = holder_of("urn:one")
    for image in (first, second):
        one.send(image)
        hold(one.client, one.repository, image.digest, holder)
        hold(one.client, one.repository, image.digest, holder)

    assert others_with(one.client, one.repository, first.digest, holder_of("urn:two")) == []
    assert others_with(one.client, one.repository, second.digest, holder_of("urn:two")) == [RUNS + holder]


def test_a_clean_up_of_an_environment_leaves_what_a_service_has(one: Holder) -> None:
    first = one.push("first", 0, Keep(tags=0))
    hold(one.client, one.repository, first.digest, holder_of("urn:service"))
    for day in range(1, 4):
        one.push(f"image {day}", day, Keep(tags=0))

    assert one.has(first) == [True]
