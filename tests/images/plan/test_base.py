"""Pinning the base image."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from aciml.core.image import OCI_INDEX, OCI_MANIFEST, Image, sha256_digest
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.images.plan.base import find_base
from aciml.images.remote.base import BaseImages
from aciml.images.tools import Tools
from aciml.model.environment import read_environment
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.simulators.registry import RegistrySimulator


@pytest.mark.parametrize("pinned", ["tag", "index", "manifest"])
def test_a_base_is_pinned_to_one_platforms_manifest_however_it_is_named(tmp_path: Path, pinned: str) -> None:
    image = Image(settings={"Env": ["A=1"]})
    platform = {"os": "linux", "architecture": "amd64"}
    body = image.manifest()
    entry = {"mediaType": OCI_MANIFEST, "digest": image.digest, "size": len(body), "platform": platform}
    index = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}).encode()
    with RegistrySimulator() as registry:
        shop = Tools.of(MemoryTarget(), Settings(tmp_path))
        client = shop.client(registry.host)
        config = image.config()
        client.upload_blob("base", sha256_digest(config), len(config), lambda: io.BytesIO(config))
        client.put_manifest("base", image.digest, body, OCI_MANIFEST)
        client.put_manifest("base", "one", index, OCI_INDEX)
        name = {"tag": ":one", "index": f"@{sha256_digest(index)}", "manifest": f"@{image.digest}"}[pinned]
        reference = f"{registry.host}/base{name}"

        found = find_base(
            shop, read_environment({}), read_environment({"baseImage": reference, "glibc": "2.36"}), Silent()
        )

        assert found.digest == image.digest
        assert BaseImages(shop).image(Reference.parse(reference).at(image.digest)) == image
