"""The bill of materials names every package of the lock, by the names that scanners know."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

import pytest

from aciml.core.conda_lock import CondaLock, LockedPackage
from aciml.core.image import Image
from aciml.core.pip_package import PipPackage
from aciml.core.progress import Silent
from aciml.core.recipe import Recipe
from aciml.core.reference import Reference
from aciml.images.export.sbom import bill_of_materials, settle_bill
from aciml.registry.client import RegistryClient
from aciml.registry.push import push_image
from aciml.registry.referrers import attached
from tests.heard import Heard
from tests.registry.images import Shelf, writes
from tests.simulators.registry import RegistrySimulator

BASE = Reference.parse("debian:bookworm-slim").at("sha256:" + "b" * 64)
NUMPY = LockedPackage.of_record(
    {
        "name": "numpy",
        "version": "1.26.4",
        "build": "py311h1_0",
        "subdir": "linux-64",
        "fn": "numpy-1.26.4-py311h1_0.conda",
        "sha256": "1" * 64,
        "depends": ["python >=3.11,<3.12.0a0", "libblas>=3"],
        "license": "BSD-3-Clause",
        "timestamp": 1_700_000_000_000,
    },
    "conda-forge",
)
PYTHON = LockedPackage.of_record(
    {
        "name": "python",
        "version": "3.11.9",
        "build": "h0_cpython",
        "subdir": "linux-64",
        "fn": "python-3.11.9-h0_cpython.tar.bz2",
        "sha256": "2" * 64,
        "license": "Python Software Foundation, whatever that is",
    },
    "conda-forge",
)
LOCK = CondaLock.of([PYTHON, NUMPY])
PIP = (PipPackage("requests", "2.32.3", "requests-2.32.3-py3-none-any.whl", "3" * 64, "http://somewhere/secret"),)
RECIPE = Recipe(BASE, steps_key="key-of-steps", conda=LOCK, pip=PIP)
IMAGE = Image(created=LOCK.created)


def bill(recipe: Recipe = RECIPE) -> Any:
    return json.loads(bill_of_materials(recipe, IMAGE, "azureml/environment"))


def test_every_package_is_named_as_scanners_name_it() -> None:
    found = {component["purl"] for component in bill()["components"]}

    assert found == {
        "pkg:conda/numpy@1.26.4?build=py311h1_0&channel=conda-forge&subdir=linux-64&type=conda",
        "pkg:conda/python@3.11.9?build=h0_cpython&channel=conda-forge&subdir=linux-64&type=tar.bz2",
        "pkg:pypi/requests@2.32.3",
        f"pkg:oci/debian@{BASE.digest}?repository_url=docker.io/library/debian&tag=bookworm-slim",
    }


def test_hashes_licences_and_needs_are_those_of_the_records() -> None:
    found = bill()
    numpy, python = (next(c for c in found["components"] if c["name"] == name) for name in ("numpy", "python"))
    needs = {entry["ref"]: entry.get("dependsOn", []) for entry in found["dependencies"]}

    assert numpy["hashes"] == [{"alg": "SHA-256", "content": "1" * 64}]
    assert numpy["licenses"] == [{"license": {"id": "BSD-3-Clause"}}]
    assert python["licenses"] == [{"license": {"name": "Python Software Foundation, whatever that is"}}]
    assert needs[numpy["bom-ref"]] == [python["bom-ref"]]


def test_neither_clock_nor_order_nor_address_reaches_the_bill(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = bill_of_materials(RECIPE, IMAGE, "azureml/environment")
    monkeypatch.setattr(time, "time", lambda: 4e9)
    elsewhere = tuple(replace(package, url="http://elsewhere") for package in PIP)
    again = replace(RECIPE, conda=CondaLock(LOCK.packages[::-1]), pip=elsewhere)

    assert bill_of_materials(again, IMAGE, "azureml/environment") == expected
    assert b"somewhere" not in expected
    assert bill()["metadata"]["timestamp"] == "2023-11-14T22:13:20+00:00"


def test_the_document_is_valid() -> None:
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    document = bill_of_materials(RECIPE, IMAGE, "azureml/environment").decode()

    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(document) is None


def test_the_steps_are_said_to_be_outside_the_lock() -> None:
    assert bill()["metadata"]["properties"] == [{"name": "aciml:steps", "value": "key-of-steps"}]
    assert "properties" not in bill(replace(RECIPE, steps_key=""))["metadata"]


def test_an_environment_without_packages_has_a_bill_of_its_base() -> None:
    assert [component["version"] for component in bill(Recipe(BASE))["components"]] == [BASE.digest]


def test_the_bill_is_attached_once_and_goes_when_it_is_not_wanted() -> None:
    shelf = Shelf()
    image = shelf.image([b"layer"])
    with RegistrySimulator() as registry, RegistryClient(registry.host) as client:
        push_image(client, "env", "1", image, shelf, mount_from={}, progress=Silent())
        settle_bill(client, "env", RECIPE, image, Silent(), wanted=True)
        before = len(registry.requests())
        settle_bill(client, "env", RECIPE, image, Silent(), wanted=True)

        assert writes(registry.requests()[before:]) == []
        assert len(attached(client, "env", image.digest)) == 1
        settle_bill(client, "env", RECIPE, image, Silent(), wanted=False)
        assert attached(client, "env", image.digest) == []


def test_a_registry_that_takes_images_only_is_a_warning() -> None:
    shelf, listener = Shelf(), Heard()
    image = shelf.image([b"layer"])
    with RegistrySimulator() as registry, RegistryClient(registry.host, wait=lambda _: None) as client:
        push_image(client, "env", "1", image, shelf, mount_from={}, progress=Silent())
        registry.fail("method-not-allowed", "PUT .*/manifests/", times=9)
        settle_bill(client, "env", RECIPE, image, listener, wanted=True)

    assert "sbom: false" in listener.warnings[0]
