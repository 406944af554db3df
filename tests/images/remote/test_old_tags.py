"""Old images of a repository go after a push, and nothing goes that anybody may need."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.core.compose import with_inputs
from aciml.core.credentials import Credentials
from aciml.core.image import OCI_INDEX, OCI_MANIFEST, Image
from aciml.core.progress import Silent
from aciml.images.remote.old_tags import Keep, RepositoryTags, choose_old, settle_old_tags
from aciml.images.remote.pushes import Push, PushRecord, forget_record, holder_of
from aciml.registry.client import RegistryClient
from aciml.registry.push import push_image
from aciml.registry.referrers import CYCLONEDX, Artifact, attach, fallback_tag
from tests.azure.conftest import Account, login_server, make_registry, registries
from tests.heard import Heard
from tests.registry.conftest import program, registry, simulator
from tests.registry.images import Shelf, noise
from tests.simulators.registry import RegistrySimulator
from tests.simulators.registry_program import RegistryProgram

if TYPE_CHECKING:
    from tests.simulators.azure.emulator import Emulator

__all__ = ["Account", "arm_options", "login_server", "make_registry", "program", "registries", "registry", "simulator"]
DAY = 86400.0
NOW = 1_800_000_000.0
_names = itertools.count(1)


class Holder(Heard):
    """One environment of one stack, which pushes to a repository as the days go by."""

    def __init__(self, client: RegistryClient, repository: str, urn: str = "urn:one") -> None:
        super().__init__()
        self.client, self.repository, self.urn = client, repository, urn
        self.shelf = Shelf()

    def push(self, name: str, day: float, keep: Keep, *, contents: tuple[str, ...] = ()) -> Image:
        """Push an environment and clean up, on this day."""
        image = self.image(name, *contents)
        self.send(image)
        settle_old_tags(self.client, self.repository, image, keep, self, lambda: NOW + day * DAY)
        return image

    def image(self, name: str, *contents: str) -> Image:
        blobs = [noise(one, 300) for one in (*contents, name)]
        return with_inputs(self.shelf.image(blobs), {"lock": [name]})

    def send(self, image: Image, tag: str = "") -> None:
        push_image(self.client, self.repository, tag or image.tag, image, self.shelf, mount_from={}, progress=Silent())

    def has(self, *images: Image) -> list[bool]:
        return [self.client.head_manifest(self.repository, image.digest) is not None for image in images]


@pytest.fixture
def client(registry: RegistrySimulator | RegistryProgram) -> Iterator[RegistryClient]:
    with RegistryClient(registry.host, wait=lambda _: None) as made:
        yield made


@pytest.fixture
def repository() -> str:
    return f"team/environment-{next(_names)}"


@pytest.fixture
def holder(client: RegistryClient, repository: str) -> Holder:
    return Holder(client, repository)


def test_the_newest_stay(holder: Holder) -> None:
    images = [holder.push(f"image {day}", day, Keep(tags=2)) for day in range(5)]

    assert holder.has(*images) == [False, False, True, True, True]
    assert not holder.warnings
    assert any("2 old" in line or "1 old" in line for line in holder.notes)


def test_the_young_stay(holder: Holder) -> None:
    images = [holder.push(f"image {day}", day, Keep(days=2.5)) for day in range(5)]

    assert holder.has(*images) == [False, False, True, True, True]


def test_what_either_limit_keeps_stays(holder: Holder) -> None:
    images = [holder.push(f"image {day}", day, Keep(tags=1, days=2.5)) for day in range(5)]

    assert holder.has(*images) == [False, False, True, True, True]


def test_without_a_limit_everything_stays(holder: Holder) -> None:
    images = [holder.push(f"image {day}", day * 1000, Keep()) for day in range(4)]

    assert all(holder.has(*images))


def test_ages_are_known_of_what_was_pushed_before_anybody_set_a_limit(holder: Holder) -> None:
    images = [holder.push(f"image {day}", day, Keep()) for day in range(4)]
    images.append(holder.push("last", 4, Keep(days=1.5)))

    assert holder.has(*images) == [False, False, False, True, True]


def test_the_image_before_stays_for_the_service_that_is_not_updated_yet(holder: Holder) -> None:
    images = [holder.push(f"image {day}", day, Keep(tags=0)) for day in range(3)]

    assert holder.has(*images) == [False, True, True]


def test_an_image_that_comes_again_is_young_again(holder: Holder) -> None:
    first = holder.push("first", 0, Keep(tags=1))
    second = holder.push("second", 1, Keep(tags=1))
    holder.push("first", 2, Keep(tags=1))
    holder.push("third", 3, Keep(tags=1))

    assert holder.has(first, second) == [True, False]


def test_the_images_of_another_stack_stay_however_old(holder: Holder, client: RegistryClient) -> None:
    other = Holder(client, holder.repository, "urn:two")
    theirs = [other.push(f"theirs {day}", day, Keep()) for day in range(3)]
    for day in range(100, 104):
        holder.push(f"mine {day}", day, Keep(tags=0, days=1))

    assert other.has(*theirs) == [False, True, True]


def test_an_image_with_a_tag_of_somebody_else_stays(holder: Holder) -> None:
    first = holder.push("first", 0, Keep(tags=0))
    holder.send(first, "production")
    for day in range(1, 4):
        holder.push(f"image {day}", day, Keep(tags=0))

    assert holder.has(first) == [True]
    assert holder.client.head_manifest(holder.repository, "production") == first.digest


def test_an_image_in_an_index_of_somebody_else_stays(holder: Holder) -> None:
    first = holder.push("first", 0, Keep(tags=0))
    entry = {"mediaType": OCI_MANIFEST, "digest": first.digest, "size": len(first.manifest())}
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    holder.client.put_manifest(holder.repository, "both", index, OCI_INDEX)
    for day in range(1, 4):
        holder.push(f"image {day}", day, Keep(tags=0))

    assert holder.has(first) == [True]


def test_a_service_in_the_same_repository_stays_and_so_does_its_environment(holder: Holder) -> None:
    environment = holder.push("first", 0, Keep(tags=0))
    service = with_inputs(
        environment.append(holder.shelf.layer(b"score.py")),
        {"environment": f"{holder.repository}:{environment.tag}@{environment.digest}"},
    )
    holder.send(service)
    for day in range(1, 4):
        holder.push(f"image {day}", day, Keep(tags=0))

    assert holder.has(environment, service) == [True, True]


def test_images_that_nobody_of_us_pushed_stay(holder: Holder) -> None:
    foreign = holder.shelf.image([b"foreign"])
    holder.send(foreign, "abcdef012345")
    holder.send(holder.shelf.image([b"another"]), "v1")
    for day in range(0, 40, 10):
        holder.push(f"image {day}", day, Keep(tags=0))

    assert holder.has(foreign) == [True]
    assert {"abcdef012345", "v1"} <= set(holder.client.tags(holder.repository))


def test_the_build_of_steps_stays_as_long_as_an_image_made_by_it(holder: Holder) -> None:
    holder.send(holder.image("old", "base"), "steps-old")
    for day in range(0, 9, 3):
        holder.push(f"early {day}", day, Keep(tags=0), contents=("base", "old"))
    assert "steps-old" in holder.client.tags(holder.repository)
    holder.send(holder.image("new", "base"), "steps-new")
    for day in range(9, 18, 3):
        holder.push(f"late {day}", day, Keep(tags=0), contents=("base", "new"))

    tags = holder.client.tags(holder.repository)
    assert "steps-new" in tags
    assert "steps-old" not in tags


def test_what_a_killed_build_left_goes_after_a_day_and_not_before(holder: Holder) -> None:
    for tag in ("raw-1", "trust-1", "steps-1"):
        holder.send(holder.image(f"left {tag}"), tag)
    holder.push("first", 0, Keep(days=7))
    holder.push("second", 0.9, Keep(days=7))
    assert {"raw-1", "trust-1", "steps-1"} <= set(holder.client.tags(holder.repository))
    holder.push("third", 1.1, Keep(days=7))

    assert not {"raw-1", "trust-1", "steps-1"} & set(holder.client.tags(holder.repository))


def test_the_bill_of_materials_goes_with_its_image(holder: Holder) -> None:
    first = holder.push("first", 0, Keep(tags=0))
    bill = attach(holder.client, holder.repository, first.manifest(), Artifact(CYCLONEDX, b"{}"), holder)
    for day in range(1, 4):
        holder.push(f"image {day}", day, Keep(tags=0))

    assert holder.has(first) == [False]
    assert holder.client.head_manifest(holder.repository, bill) is None
    assert holder.client.head_manifest(holder.repository, fallback_tag(first.digest)) is None


def test_records_do_not_pile_up(holder: Holder) -> None:
    for day in range(4):
        holder.push(f"image {day}", day, Keep(tags=0))

    tags = holder.client.tags(holder.repository)
    assert len([tag for tag in tags if tag.startswith("aciml-held-")]) == 1
    assert len(tags) == 3


def test_a_holder_that_is_gone_holds_nothing(holder: Holder, client: RegistryClient) -> None:
    other = Holder(client, holder.repository, "urn:two")
    theirs = [other.push(f"theirs {day}", day, Keep()) for day in range(3)]
    mine = holder.push("mine", 3, Keep())
    forget_record(client, holder.repository, holder_of("urn:two"))
    forget_record(client, holder.repository, holder_of("urn:three"))

    assert [tag for tag in client.tags(holder.repository) if tag.startswith("aciml-held-")] == [
        f"aciml-held-{holder_of('urn:one')}"
    ]
    assert all(holder.has(mine, *theirs))


def test_a_damaged_record_is_begun_anew_and_nothing_is_lost(holder: Holder) -> None:
    images = [holder.push(f"image {day}", day, Keep(tags=0)) for day in range(2)]
    (record,) = (tag for tag in holder.client.tags(holder.repository) if tag.startswith("aciml-held-"))
    holder.client.put_manifest(holder.repository, record, images[0].manifest(), OCI_MANIFEST)
    images.append(holder.push("last", 9, Keep(tags=0)))

    assert all(holder.has(*images))
    assert not holder.warnings


def test_a_registry_that_fails_is_a_warning_and_no_more(repository: str) -> None:
    with RegistrySimulator() as simulated, RegistryClient(simulated.host, wait=lambda _: None) as asked:
        holder = Holder(asked, repository)
        images = [holder.push(f"image {day}", day, Keep(tags=0)) for day in range(2)]
        simulated.fail("method-not-allowed", "DELETE .*/manifests/", times=9)
        images.append(holder.push("third", 2, Keep(tags=0)))

        assert all(holder.has(*images))
        assert len(holder.warnings) == 1
        assert f"old images of {repository} stay" in holder.warnings[0]
        simulated.fail("forbidden", "GET .*/tags/list")
        holder.push("fourth", 3, Keep())
        assert len(holder.warnings) == 1


@pytest.fixture
def arm_options(emulator: Emulator) -> dict[str, object]:
    return {
        "base_url": emulator.endpoint,
        "credential_scopes": [f"{emulator.endpoint}/.default"],
        "connection_verify": str(emulator.ca_bundle),
        "retry_total": 0,
    }


@pytest.mark.registry
def test_old_images_go_from_a_registry_of_azure(emulator: Emulator, login_server: str) -> None:
    from tests.simulators.azure.registries_fronts import Fronts
    from tests.simulators.azure.tokens import TOKEN_USER

    fronts = emulator.world.parts["fronts"]
    assert isinstance(fronts, Fronts)
    account = Credentials(TOKEN_USER, fronts.password(login_server))
    with RegistryClient(login_server, account, wait=lambda _: None) as asked:
        holder = Holder(asked, "team/environment")
        images = [holder.push(f"image {day}", day, Keep(tags=1)) for day in range(4)]

        assert holder.has(*images) == [False, False, True, True]
        assert not holder.warnings


pushes = st.builds(
    lambda number, day: Push(f"sha256:{number:064x}", NOW - day * DAY), st.integers(0, 9), st.integers(0, 90)
)


@given(
    st.lists(st.lists(pushes, max_size=8), min_size=1, max_size=3),
    st.none() | st.integers(0, 5),
    st.none() | st.integers(0, 60),
    st.sets(st.integers(0, 9)),
)
@settings(max_examples=200, deadline=None)
def test_no_choice_takes_what_somebody_needs(
    histories: list[list[Push]], tags: int | None, days: int | None, foreign: set[int]
) -> None:
    held = {}
    for number, history in enumerate(histories):
        record = PushRecord()
        for push in sorted(history, key=lambda one: one.time):
            record = record.with_push(push)
        held[str(number)] = record
    everything = {f"{number:012x}": f"sha256:{number:064x}" for number in range(10)}
    named = frozenset(f"sha256:{number:064x}" for number in foreign)

    gone = {everything[tag] for tag in choose_old(RepositoryTags(everything, held, named), Keep(tags, days), NOW)}

    known = {push.digest for record in held.values() for push in record.pushes}
    needed = {push.digest for record in held.values() for push in record.needed}
    young = {
        push.digest
        for record in held.values()
        for push in record.pushes
        if days is not None and NOW - push.time < days * DAY
    }
    assert gone <= known - needed - young - named
    assert not gone or (tags, days) != (None, None)
    if tags is not None:
        assert len(known - gone) >= min(len(known), tags + 1)
