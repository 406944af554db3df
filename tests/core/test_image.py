"""The image as a value: what it says in its config and manifest, and which digest names it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.errors import OutageError
from aciml.core.image import (
    DOCKER_LAYER,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Image,
    Layer,
    canonical_json,
    sha256_digest,
)

_digests = st.binary(max_size=8).map(sha256_digest)
_layers = st.builds(Layer, _digests, _digests, st.integers(0, 2**40))
_images = st.builds(
    Image,
    layers=st.lists(_layers, max_size=5).map(tuple),
    settings=st.dictionaries(st.sampled_from(["User", "WorkingDir", "StopSignal"]), st.text(max_size=9)),
    annotations=st.dictionaries(st.text(min_size=1, max_size=9), st.text(max_size=9), max_size=3),
)
ONE = Layer("sha256:" + "1" * 64, "sha256:" + "a" * 64, 11)
TWO = Layer("sha256:" + "2" * 64, "sha256:" + "b" * 64, 22)


@given(_images)
def test_what_is_written_is_read_again(image: Image) -> None:
    again = Image.read(image.manifest(), image.config())

    assert again == image
    assert again.digest == image.digest


def test_the_digest_of_an_image_is_pinned() -> None:
    """A new value changes every image in every registry: give the reason in decisions/."""
    image = Image((ONE, TWO), {"Env": ["A=1"], "Cmd": ["serve"]}, created="2026-01-02T03:04:05Z")

    assert image.digest == "sha256:2178f39f9ce812dab685f2b98568fe81c69210eb00e1c82d863ae90dad354688"


def test_neither_the_order_of_settings_nor_of_annotations_changes_the_digest() -> None:
    one = Image((ONE,), {"User": "a", "Cmd": ["x"]}, annotations={"k": "1", "l": "2"})
    two = Image((ONE,), {"Cmd": ["x"], "User": "a"}, annotations={"l": "2", "k": "1"})

    assert one.digest == two.digest


def test_the_order_of_layers_changes_the_digest() -> None:
    assert Image((ONE, TWO)).digest != Image((TWO, ONE)).digest


def test_appending_makes_another_image_and_keeps_the_first() -> None:
    first = Image((ONE,))

    second = first.append(TWO)

    assert (first.layers, second.layers) == ((ONE,), (ONE, TWO))
    described = json.loads(second.manifest())
    assert described["layers"] == [
        {"mediaType": OCI_LAYER, "digest": ONE.digest, "size": 11},
        {"mediaType": OCI_LAYER, "digest": TWO.digest, "size": 22},
    ]


def test_a_manifest_names_its_config_by_digest_and_size() -> None:
    image = Image((ONE,))

    described = json.loads(image.manifest())

    config = image.config()
    assert described["schemaVersion"] == 2
    assert described["mediaType"] == OCI_MANIFEST
    assert described["config"] == {"mediaType": OCI_CONFIG, "digest": sha256_digest(config), "size": len(config)}
    assert json.loads(config)["rootfs"] == {"type": "layers", "diff_ids": [ONE.diff_id]}


def test_variables_are_added_and_replaced_in_order_of_first_mention() -> None:
    image = Image(settings={"Env": ["PATH=/bin", "A=x=y"]})

    changed = image.with_env(B="2", PATH="/opt:/bin")

    assert changed.settings["Env"] == ["PATH=/opt:/bin", "A=x=y", "B=2"]
    assert image.env() == {"PATH": "/bin", "A": "x=y"}


def test_a_setting_of_none_is_removed() -> None:
    image = Image(settings={"Entrypoint": ["/sh"], "Cmd": ["a"]})

    assert image.with_settings(Entrypoint=None, Cmd=["b"]).settings == {"Cmd": ["b"]}


def test_a_docker_image_is_read_as_an_oci_image() -> None:
    entry = {"mediaType": DOCKER_LAYER, "digest": ONE.digest, "size": ONE.size}
    manifest = canonical_json({"schemaVersion": 2, "mediaType": DOCKER_MANIFEST, "config": {}, "layers": [entry]})
    config = canonical_json({"config": None, "created": None, "rootfs": {"diff_ids": [ONE.diff_id]}})

    assert Image.read(manifest, config) == Image((ONE,))


def test_a_manifest_with_the_config_of_another_image_is_refused() -> None:
    with pytest.raises(OutageError, match="manifest has 1 layers, its config 2"):
        Image.read(Image((ONE,)).manifest(), Image((ONE, TWO)).config())


def config_with(history: object, layers: tuple[Layer, ...] = (ONE,)) -> bytes:
    return canonical_json({"rootfs": {"diff_ids": [layer.diff_id for layer in layers]}, "history": history})


def test_the_history_of_a_base_stays_and_each_layer_on_top_has_an_entry_of_its_own() -> None:
    below = [{"created_by": "ADD file:1 in /"}, {"created_by": 'CMD ["sh"]', "empty_layer": True}]
    base = Image.read(Image((ONE,)).manifest(), config_with(below))

    image = replace(base, created="2026-01-02T03:04:05Z").append(TWO, told={TWO.digest: "conda numpy 2.1.3"})

    own = {"created": "2026-01-02T03:04:05Z", "created_by": "aciml: conda numpy 2.1.3"}
    assert json.loads(image.config())["history"] == [*below, own]
    assert Image.read(image.manifest(), image.config()) == image


@pytest.mark.parametrize("history", [None, [], [{"empty_layer": True}], [{"created_by": "a"}, {"created_by": "b"}]])
def test_a_history_that_does_not_fit_the_layers_is_made_to(history: object) -> None:
    base = Image.read(Image((ONE,)).manifest(), config_with(history))

    assert b"history" not in base.config()
    told = [entry["created_by"] for entry in base.append(TWO).history]
    assert told == ["aciml: of the base image", "aciml: a layer"]
