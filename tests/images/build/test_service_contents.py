"""What of a service's files is in its image, and what becomes of a damaged layer of them."""

from __future__ import annotations

import gzip
import tarfile
from pathlib import Path
from typing import Any

from tests.images.build.test_push import flip
from tests.images.build.test_service_labels import SCRIPT, Made, made, settings_of_nobody

__all__ = ["made", "settings_of_nobody"]


def files_of(made: Made, state: dict[str, Any]) -> dict[str, str]:
    """Return the text of all files of the service's own layers that are about iris."""
    found = {}
    store = made.machine.shop.store
    for layer in made.image(state).layers[-2:]:
        with store.open(layer.digest) as blob, gzip.open(blob) as plain, tarfile.open(fileobj=plain) as tar:
            for member in tar:
                if "iris" in member.name and (content := tar.extractfile(member) if member.isfile() else None):
                    found[member.name] = content.read().decode()
                assert not member.issym()
    return found


def snapshot(folder: Path) -> Path:
    """Make what a hub's cache has: a folder of links to files elsewhere."""
    (folder / "blobs").mkdir(parents=True)
    (folder / "blobs" / "111").write_text("weights")
    (folder / "snapshots" / "iris").mkdir(parents=True)
    (folder / "snapshots" / "iris" / "iris.bin").symlink_to("../../blobs/111")
    return folder / "snapshots" / "iris"


def test_a_model_of_links_is_in_the_image_and_a_damaged_layer_of_it_is_made_again(made: Made, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    (source / "score.py").write_text(SCRIPT)
    inputs = made.inputs(source, models={"iris": str(snapshot(tmp_path / "hub"))})
    first = made.up(inputs)

    (content,) = files_of(made, first).values()
    assert content == "weights"

    for layer in made.image(first).layers[-2:]:
        flip(made.machine.shop.store.path(layer.digest))
    made.machine.registry.repositories.pop("azureml/iris")  # all is to be sent again
    assert made.up(inputs)["digest"] == first["digest"]
    assert list(files_of(made, first).values()) == ["weights"]

    (tmp_path / "hub" / "blobs" / "111").write_text("others")
    changed = made.inputs(source, inputs, models=inputs["models"])
    assert changed["modelHashes"] != inputs["modelHashes"]
    assert list(files_of(made, made.up(changed)).values()) == ["others"]
