"""What an image's history says of its layers, and what differs between two."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from aciml.core.anatomy import Change, PackageIn, changes_between, exchange_between, is_ours, parts_of
from aciml.core.compose import Model, environment_image, service_image
from aciml.core.image import Image, Layer
from aciml.core.labels import BASE_DIGEST, BASE_NAME


def layer(name: str, size: int = 10) -> Layer:
    return Layer(f"sha256:diff-{name}", f"sha256:{name}", size)


def environment(*packages: str, base: str = "base", digest: str = "sha256:1") -> Image:
    """Return an image as an environment's is composed: each package a layer, ``conda a 1`` or ``pip b 2, c 3``."""
    below = Image((layer(base),), history=({"created_by": "/bin/sh -c #(nop) ADD file:1 in / "},))
    conda = tuple(layer(text) for text in packages if text.startswith("conda"))
    pip = tuple(layer(text) for text in packages if not text.startswith("conda"))
    told = {one.digest: one.digest.removeprefix("sha256:") for one in (*conda, *pip)}
    made = environment_image(below, conda, pip, layer("entry"), created="2026-01-01T00:00:00Z", variables={}, told=told)
    return made.with_labels({BASE_NAME: "docker.io/library/debian:12", BASE_DIGEST: digest})


def test_each_layer_says_what_it_is_and_which_packages_are_in_it() -> None:
    below = environment("conda python 3.11.2", "conda joblib 1.4.2, zlib 1.3", "server orjson 3", "pip idna 3.10")
    model = Model("iris", "2")
    layers = tuple(map(layer, ("user", "server", "iris", "app")))
    image = service_image(below, layers, source="src", entry="s.py", models=(model,))

    parts = parts_of(image)

    assert [(part.kind, part.title) for part in parts] == [
        ("base", "ADD file:1 in /"),
        ("conda", "python 3.11.2"),
        ("conda", "joblib and 1 more"),
        ("server", "orjson 3"),
        ("pip", "idna 3.10"),
        ("application", "entry point"),
        ("application", "user of the service"),
        ("application", "scoring server"),
        ("models", "model iris 2"),
        ("application", "source src"),
    ]
    assert parts[2].packages == (PackageIn("joblib", "1.4.2"), PackageIn("zlib", "1.3"))
    assert is_ours(image)


def test_what_the_server_needs_beside_an_images_own_python_is_packages_too() -> None:
    image = environment("server httptools 0.9.0, orjson 3.13.0 for Python 3.11.2")

    assert parts_of(image)[1].kind == "server"
    assert parts_of(image)[1].packages == (PackageIn("httptools", "0.9.0"), PackageIn("orjson", "3.13.0"))


def test_an_image_of_others_has_the_words_of_its_builder() -> None:
    said = ["/bin/sh -c #(nop) ADD file:ab in /", "RUN /bin/sh -c apt-get update # buildkit", "", "conda python 3.11"]
    entries: list[dict[str, object]] = [{"created_by": text} for text in said]
    history = (*entries, {"created_by": "CMD x", "empty_layer": True})
    image = Image(tuple(layer(str(number)) for number in range(4)), history=history)

    assert not is_ours(image)
    assert {part.kind for part in parts_of(image)} == {"other"}
    assert [part.title for part in parts_of(image)] == [
        "ADD file:ab in /",
        "RUN /bin/sh -c apt-get update",
        "a layer of which nothing is told",
        "conda python 3.11",
    ]


def test_an_image_without_history_still_has_its_layers() -> None:
    assert [part.title for part in parts_of(Image((layer("a"),)))] == ["a layer of which nothing is told"]


def test_packages_that_come_change_and_go_are_named_and_the_base_too() -> None:
    before = environment("conda numpy 1.26.4", "conda old 1", "pip idna 3.9")
    after = environment("conda numpy 2.1.3", "conda fresh 0.1", "pip idna 3.9", base="other", digest="sha256:2")

    name = "docker.io/library/debian:12"
    assert changes_between(before, after) == [
        Change("base", name, f"{name}@sha256:1", f"{name}@sha256:2"),
        Change("conda", "fresh", "", "0.1"),
        Change("conda", "numpy", "1.26.4", "2.1.3"),
        Change("conda", "old", "1", ""),
    ]
    assert changes_between(after, after) == []


def test_a_package_that_moves_from_conda_to_pip_goes_there_and_comes_here() -> None:
    found = changes_between(environment("conda numpy 1"), environment("pip numpy 2"))

    assert [(one.kind, one.old, one.new) for one in found] == [("conda", "1", ""), ("pip", "", "2")]


def test_bytes_are_counted_by_layer_once() -> None:
    before = Image((layer("a", 5), layer("b", 7)))
    after = Image((layer("b", 7), layer("c", 100), layer("c", 100)))

    found = exchange_between(before, after)
    assert (found.shared, found.new, found.gone) == (7, 100, 5)


@given(st.lists(st.text(max_size=40), max_size=6))
def test_whatever_a_history_says_every_layer_is_there_once(said: list[str]) -> None:
    image = Image(tuple(layer(str(number)) for number in range(len(said))))
    image = replace(image, history=tuple({"created_by": text} for text in said))

    parts = parts_of(image)
    assert [part.layer for part in parts] == list(image.layers)
    assert all(part.title for part in parts)
