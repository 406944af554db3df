"""Extra steps that ran before: nobody is asked to build, neither Docker nor the target."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import pytest

from aciml.core.errors import OutageError
from aciml.core.image import OCI_MANIFEST, Image, Layer, sha256_digest
from aciml.docker.finish import built_tag
from aciml.registry.client import RegistryClient
from tests.images.conftest import REPOSITORY, Machine, conda_file
from tests.simulators.registry import RegistrySimulator

STEPS = ["RUN apt-get update", "ENV MODE=steps"]


def put_built(registry: RegistrySimulator, key: str) -> None:
    """Leave what an earlier run of the steps left: an image under the tag of their key."""
    body = b"what the steps made"
    image = Image((Layer(sha256_digest(b"tar" + body), sha256_digest(body), len(body)),), {"Env": ["MODE=steps"]})
    with RegistryClient(registry.host) as client:
        for blob in (body, image.config()):
            client.upload_blob(REPOSITORY, sha256_digest(blob), len(blob), lambda blob=blob: io.BytesIO(blob))  # type: ignore[misc]
        client.put_manifest(REPOSITORY, built_tag(key), image.manifest(), OCI_MANIFEST)


def test_steps_whose_key_is_known_need_no_builder_and_other_packages_do_not_change_the_key(
    new_machine: Callable[..., Machine], registry: RegistrySimulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no-engine")
    machine = new_machine("one")
    inputs = machine.inputs(conda_file(tmp_path / "a", "python", "tool"), extraSteps=STEPS)
    put_built(registry, str(inputs["stepsKey"]))

    made = machine.up(inputs)
    more = machine.inputs(conda_file(tmp_path / "b", "python", "big"), extraSteps=STEPS)

    assert machine.preview(inputs)["digest"] == made["digest"]
    assert more["stepsKey"] == inputs["stepsKey"]
    assert machine.up(more)["digest"] != made["digest"]
    changed = machine.inputs(conda_file(tmp_path / "a", "python", "tool"), extraSteps=[*STEPS, "ENV MORE=1"])
    with pytest.raises(OutageError, match="no-engine"):  # so there was nobody who could have built
        machine.up(changed)
