"""Container apps made, updated, read and removed: the SDK's client against the emulated cloud, replicas really run."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aciml.core.errors import UserError
from aciml.core.progress import Silent
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.protocol import GroupFailed
from tests.heard import Heard
from tests.simulators.azure.emulator import Emulator
from tests.simulators.azure.group_runtime_processes import Programs
from tests.targets.azure.apps.app_life import HOMES, AppLife, living_apps

pytestmark = pytest.mark.docker


@pytest.fixture
def life(
    emulator: Emulator, images: tuple[str, dict[str, str]], programs: Programs, tmp_path: Path
) -> Iterator[AppLife]:
    with living_apps(emulator, images[1], tmp_path, programs) as here:
        yield here


def test_an_app_is_made_with_its_environment_and_answers_by_tls(life: AppLife) -> None:
    facts = life.create()

    assert life.answer(facts) == "one"
    assert facts.id.endswith(f"/providers/Microsoft.App/containerApps/{life.name}")
    assert (facts.name, facts.image, facts.cpu, facts.memory_gb) == (life.name, life.images["serves"], 0.25, 0.5)
    assert (facts.state, facts.location, facts.scheme) == ("Running", "westeurope", "https")
    assert facts.port == int(facts.fqdn.rpartition(":")[2])  # of the emulated cloud; the real one has no other than 443
    assert life.homes() == ["aciml-westeurope"]
    # pinned by name: the next revision starts at 0 %
    (name,) = life.revisions()
    assert life.weights() == {name: 100}
    assert life.apps.read(facts.id, life.spec()) == facts
    assert life.counts("PUT", of=f"{life.name}") == 1


def test_a_new_image_is_a_revision_that_takes_over_without_a_gap(life: AppLife) -> None:
    facts = life.create()
    (first,) = life.revisions()
    life.emulator.forget()

    after = life.update(facts, life.spec(), life.spec("serves-too"))

    assert life.answer(after) == "two"
    assert after.address == facts.address
    (second,) = life.weights()
    assert second != first
    # one old revision stays warm
    assert life.revisions()[first]["active"]
    put = next(one for one in life.emulator.requests() if one.method == "PUT" and life.name in one.path)
    traffic = put.body["properties"]["configuration"]["ingress"]["traffic"]
    assert traffic == [{"revisionName": first, "weight": 100}]

    # the same content is the same revision: it is activated, and nothing is put
    life.emulator.forget()
    back = life.update(after, life.spec("serves-too"), life.spec())
    assert life.answer(back) == "one"
    assert life.weights() == {first: 100}
    assert life.counts("PUT", of=life.name) == 0


def test_a_revision_that_fails_gets_no_request_and_goes(life: AppLife) -> None:
    facts = life.create()
    (first,) = life.revisions()

    with pytest.raises(GroupFailed, match="ModuleNotFoundError: joblib") as caught:
        life.update(facts, life.spec(), life.spec("exits"))

    assert f"{first} served all the time" in str(caught.value)
    assert caught.value.facts is not None
    assert caught.value.facts.image == life.images["serves"]
    assert life.answer(facts) == "one"
    assert life.weights() == {first: 100}
    assert [name for name, one in life.revisions().items() if one["active"]] == [first]

    # the same again is tried again, and told again
    with pytest.raises(GroupFailed):
        life.update(facts, life.spec(), life.spec("exits"))
    assert life.weights() == {first: 100}
    # and the next good one goes through
    assert life.answer(life.update(facts, life.spec(), life.spec("serves-too"))) == "two"


def test_what_makes_no_revision_makes_none(life: AppLife) -> None:
    facts = life.create()
    before = set(life.revisions())

    life.update(facts, life.spec(), life.spec(tags={"team": "red"}))
    assert life.seen()["tags"]["team"] == "red"
    life.update(facts, life.spec(tags={"team": "red"}), life.spec(containerApp={"allowInsecure": True}))
    assert life.seen()["properties"]["configuration"]["ingress"]["allowInsecure"]
    assert "team" not in life.seen()["tags"]
    life.emulator.forget()
    life.update(facts, life.spec(containerApp={"allowInsecure": True}), life.spec(containerApp={"allowInsecure": True}))
    assert life.counts("PUT", "PATCH", "POST") == 0
    assert set(life.revisions()) == before


def test_a_changed_secret_makes_a_revision_and_the_old_one_keeps_its_own(life: AppLife) -> None:
    facts = life.create(secureEnvironmentVariables={"TOKEN": "first-text"})
    (first,) = life.revisions()
    old, new = (life.spec(secureEnvironmentVariables={"TOKEN": f"{one}-text"}) for one in ("first", "other"))

    life.update(facts, old, new)

    assert set(life.weights()) == set(life.revisions()) - {first}
    values = {one["value"] for one in life.apps.calls.secrets(life.apps.site(new))}
    assert values == {"first-text", "other-text"}
    # no name gives a text away, and nobody sees one
    assert "-text" not in str(life.seen())
    assert life.apps.read(facts.id, new) is not None
    drift = life.apps.read(facts.id, new).drift  # type: ignore[union-attr]
    assert drift is None
    seen = life.apps.read(facts.id, old).drift  # type: ignore[union-attr]
    assert seen is not None
    assert seen.names == ("secure_environment_variables",)


def test_the_last_app_takes_the_environment_along(life: AppLife) -> None:
    facts = life.create()
    other = replace(life.spec(), owner="urn:pulumi:dev::shop::aciml:compute:ContainerGroup::other").but(
        name=f"{life.name}o"
    )
    second = life.apps.create(other, Silent())

    life.apps.delete(facts.id, Heard())
    assert life.apps.read(facts.id) is None
    assert life.homes() == ["aciml-westeurope"]
    life.apps.delete(second.id, Heard())
    assert life.homes() == []
    life.apps.delete(second.id, Heard())


def test_an_environment_of_somebody_else_stays(life: AppLife) -> None:
    path = life.id.replace("containerApps", "managedEnvironments").replace(life.name, "theirs")
    life.session.call("PUT", path, "2026-07-01", {"location": "westeurope", "properties": {}})
    facts = life.create(containerApp={"environment": path})

    assert life.homes() == ["theirs"]
    life.apps.delete(facts.id, Heard())
    assert life.homes() == ["theirs"]


def test_an_environment_that_is_not_there_is_told(life: AppLife) -> None:
    path = life.id.replace("containerApps", "managedEnvironments").replace(life.name, "nobodys")

    with pytest.raises(UserError, match="there is no managed environment nobodys"):
        life.create(containerApp={"environment": path})
    assert life.counts("PUT", of=HOMES) == 0


def test_an_environment_that_fails_is_told_in_its_own_words(life: AppLife) -> None:
    life.emulator.fault("environment-failed")

    with pytest.raises(AzureError, match="AKSCapacityHeavyUsage"):
        life.create()
