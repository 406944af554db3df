"""Which images a service had, as its repository remembers it, and an image that exists as a service's own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from aciml.core.compose import with_inputs
from aciml.core.errors import UserError
from aciml.core.image import OCI_MANIFEST, Image
from aciml.core.place import Place
from aciml.core.progress import Silent
from aciml.images.build.push import push
from aciml.images.remote.holders import RUNS, hold, others_with, runs_of
from aciml.images.tools import Tools
from aciml.registry.client import RegistryClient
from aciml.resources.protocol import Existing
from aciml.resources.service import ServiceImage
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.heard import Heard
from tests.simulators.registry import RegistrySimulator

REPOSITORY = "azureml/iris"
ONE, TWO, THREE = (f"sha256:{digit * 64}" for digit in "123")


@pytest.fixture
def registry() -> Iterator[RegistrySimulator]:
    simulator = RegistrySimulator()
    yield simulator
    simulator.close()


@pytest.fixture
def client(registry: RegistrySimulator) -> Iterator[RegistryClient]:
    with RegistryClient(registry.host) as one:
        yield one


def test_a_record_remembers_what_ran_and_since_when(client: RegistryClient) -> None:
    clock = count(1000, 60)
    for digest in (ONE, TWO, TWO, THREE, ONE):
        hold(client, REPOSITORY, digest, "me", lambda: next(clock))

    ran = runs_of(client, REPOSITORY)["me"]

    assert [run.digest for run in ran] == [ONE, TWO, THREE, ONE]
    assert [run.since for run in ran] == [1000, 1060, 1120, 1180]


def test_what_ran_before_is_remembered_and_not_held(client: RegistryClient) -> None:
    hold(client, REPOSITORY, ONE, "me")
    hold(client, REPOSITORY, TWO, "me")

    assert others_with(client, REPOSITORY, ONE, "somebody") == []
    assert others_with(client, REPOSITORY, TWO, "somebody") == [f"{RUNS}me"]


def test_the_record_of_an_older_version_is_the_beginning(client: RegistryClient) -> None:
    hold(client, REPOSITORY, ONE, "me")
    manifest = client.manifest(REPOSITORY, f"{RUNS}me")
    assert manifest is not None
    old = json.loads(manifest.body)
    del old["annotations"]["io.aciml.ran"]
    client.put_manifest(REPOSITORY, f"{RUNS}me", json.dumps(old).encode(), OCI_MANIFEST)

    hold(client, REPOSITORY, TWO, "me", lambda: 5)

    assert [(run.digest, run.since) for run in runs_of(client, REPOSITORY)["me"]] == [(ONE, 0), (TWO, 5)]


def heard() -> Heard:
    return Heard(urn="urn:pulumi:s::p::aciml:image:Service::iris-image")


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools.of(MemoryTarget(), Settings(tmp_path))


def pushed(tools: Tools, registry: RegistrySimulator, **made_of: Any) -> Image:
    image = with_inputs(Image(architecture="amd64", created="2026-01-01T00:00:00Z"), made_of)
    tools.keep_image(image)
    push(tools, image, Place(registry.host, REPOSITORY), {}, Silent())
    return image


def inputs(registry: RegistrySimulator, image: str, **more: Any) -> dict[str, Any]:
    return {"loginServer": registry.host, "repository": REPOSITORY, "entryScript": "score.py", "existingImage": image,
            **more}  # fmt: skip


def test_an_image_that_exists_is_run_as_it_is(tools: Tools, registry: RegistrySimulator) -> None:
    image, resource, progress = pushed(tools, registry, entryScript="score.py"), ServiceImage(tools), heard()
    said = inputs(registry, image.digest, sourceDirectory="nowhere", models={"m": "none"})

    checked = resource.check(None, said, progress)
    foreseen = resource.create(checked.inputs, progress, preview=True)
    made = resource.create(checked.inputs, progress, preview=False)

    assert checked.findings == []
    assert "passed over, since an image that exists is run: sourceDirectory, models" in progress.notes
    full = f"{registry.host}/{REPOSITORY}:{image.tag}@{image.digest}"
    assert (made.id, made.state["digest"], made.state["layers"]) == (full, image.digest, 0)
    assert foreseen.state["image"] == made.state["image"] == full
    ran = runs_of(tools.client(registry.host), REPOSITORY)
    assert [run.digest for runs in ran.values() for run in runs] == [image.digest]


def test_its_deletion_leaves_it_and_takes_the_record(tools: Tools, registry: RegistrySimulator) -> None:
    image, resource, progress = pushed(tools, registry, entryScript="score.py"), ServiceImage(tools), heard()
    made = resource.create(inputs(registry, image.digest), progress, preview=False)

    resource.delete(Existing(made.id, made.state), progress)

    client = tools.client(registry.host)
    assert client.head_manifest(REPOSITORY, image.digest) == image.digest
    assert runs_of(client, REPOSITORY) == {}


def test_an_image_that_is_not_there_is_refused_before_anything_is_done(
    tools: Tools, registry: RegistrySimulator
) -> None:
    pushed(tools, registry)
    resource = ServiceImage(tools)

    (finding,) = resource.check(None, inputs(registry, ONE), heard()).findings

    assert finding.where == "existingImage"
    assert f"{registry.host}/{REPOSITORY} has no image {ONE}" in finding.why
    with pytest.raises(UserError, match="has no image"):
        resource.create(inputs(registry, ONE), heard(), preview=False)


def test_a_registry_that_does_not_answer_is_no_reason_to_refuse(tools: Tools) -> None:
    said = {"existingImage": f"127.0.0.1:1/a@{ONE}", "repository": "a", "entryScript": "score.py"}
    resource = ServiceImage(tools)

    assert resource.check(None, said, heard()).findings == []
    assert resource.create(said, heard(), preview=True).state["image"] == f"127.0.0.1:1/a@{ONE}"


def test_what_was_not_made_as_a_service_is_told(tools: Tools, registry: RegistrySimulator) -> None:
    image, progress = pushed(tools, registry, lock=[]), heard()

    ServiceImage(tools).create(inputs(registry, image.digest), progress, preview=False)

    assert any("was not made as the image of a service" in text for text in progress.warnings)


@pytest.mark.parametrize(
    ("old", "new", "paths"),
    [
        ({"existingImage": ONE}, {"existingImage": TWO}, ["existingImage"]),
        ({"existingImage": ONE}, {"existingImage": f"r:1/a@{ONE}"}, []),
        ({"existingImage": ONE, "sourceDirectory": "a"}, {"existingImage": ONE, "sourceDirectory": "b"}, []),
        ({"sourceHash": "a", "sourceDirectory": "a"}, {"existingImage": ONE}, ["existingImage"]),
        ({"existingImage": ONE}, {"sourceHash": "a", "sourceDirectory": "a"}, ["existingImage"]),
        ({"sourceHash": "a"}, {"sourceHash": "b"}, ["sourceHash"]),
        (
            {"sourceHash": "a", "sourceFiles": {"a.py": "1", 'odd"].py': "1"}},
            {"sourceHash": "b", "sourceFiles": {"a.py": "2", 'odd"].py': "2"}},
            ["sourceFiles"],
        ),
        (
            {"sourceHash": "a", "sourceFiles": {f"{one:02}.py": "1" for one in range(30)}},
            {"sourceHash": "b", "sourceFiles": {f"{one:02}.py": "2" for one in range(30)}},
            [f'sourceFiles["{one:02}.py"]' for one in range(20)],
        ),
        (
            {"sourceHash": "a", "sourceFiles": {"a.py": "1"}, "sourceDirectory": "a"},
            {"sourceHash": "b", "sourceFiles": {"a.py": "1"}, "sourceDirectory": "b"},
            ["sourceDirectory"],
        ),
        # states of 0.2 have all digits of a model's hash
        ({"modelHashes": {"m:1": "c" * 64}}, {"modelHashes": {"m:1": "c" * 12}}, []),
        ({"modelHashes": {"m:1": "c" * 64}}, {"modelHashes": {"m:1": "d" * 12}}, ['modelHashes["m:1"]']),
    ],
    ids=[
        "another",
        "by its full name",
        "passed over",
        "from a built one",
        "to a built one",
        "built",
        "odd names",
        "many files",
        "another folder of the same files",
        "a model as before",
        "another model",
    ],
)
def test_differences_of_an_image_that_exists(
    tools: Tools, old: dict[str, Any], new: dict[str, Any], paths: list[str]
) -> None:
    shared = {"loginServer": "r:1", "repository": "a", "entryScript": "score.py"}

    changes = ServiceImage(tools).diff({**shared, **old}, {}, {**shared, **new})

    assert [*changes.detail] == paths
    assert ("nothing by itself" in changes.effect) == bool(paths)


def test_what_differs_is_named_as_people_call_it(tools: Tools) -> None:
    old = {"sourceHash": "a", "sourceFiles": {"a.py": "1", "b.py": "1"}, "modelHashes": {"m:1": "c" * 64}, "port": 1}
    new = {"sourceHash": "b", "sourceFiles": {"a.py": "2", "c.py": "1"}, "modelHashes": {"m:1": "d" * 12}, "port": 2}
    resource = ServiceImage(tools)

    assert resource.named_changes(old, new) == ["port", "source: ~ a.py, - b.py, + c.py", "models: ~ m:1"]
    assert resource.named_changes({"sourceHash": "a"}, {"sourceHash": "b"}) == ["source"]
    assert resource.named_changes(old, {**old, "modelHashes": {"m:1": "c" * 12}}) == []
