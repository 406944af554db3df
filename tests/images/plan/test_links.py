"""Links in sources and models: what they lead to is in the image, and what leads nowhere is named."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.blobs.catalog import Catalog
from aciml.core.compose import Model
from aciml.core.errors import UserError
from aciml.core.layer import in_order
from aciml.images.plan.contents import Tree, model_tree, source_tree, tree_hash
from aciml.images.plan.service import judge
from aciml.model.service import Service


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A folder as the Hugging Face hub keeps it: snapshots of links to blobs."""
    snapshot, blobs = tmp_path / "models--x" / "snapshots" / "abc", tmp_path / "models--x" / "blobs"
    snapshot.mkdir(parents=True)
    blobs.mkdir()
    (blobs / "111").write_text("config")
    (blobs / "222").write_text("weights")
    (snapshot / "config.json").symlink_to("../../blobs/111")
    (snapshot / "sub").mkdir()
    (snapshot / "sub" / "model.bin").symlink_to("../../../blobs/222")
    return snapshot


def shown(tree: Tree) -> dict[str, str]:
    """Return what the tree puts into the image: text of files, ``-> target`` of links."""
    found = {}
    for entry in tree.entries():
        body = f"-> {entry.target}"
        if entry.open is not None:
            with entry.open() as file:
                body = file.read().decode()
        found[entry.path.removeprefix(tree.into + "/")] = body
    in_order(tree.entries())  # a layer can be made of them
    return found


def model(path: Path) -> Tree:
    return model_tree(Model("m", "1"), path)


def test_a_snapshot_of_links_to_blobs_has_the_blobs_content(cache: Path) -> None:
    assert shown(model(cache)) == {"config.json": "config", "sub/model.bin": "weights"}


def test_a_model_that_is_a_link_is_what_it_leads_to_under_its_own_name(cache: Path, tmp_path: Path) -> None:
    (tmp_path / "link.bin").symlink_to(cache / "config.json")
    (tmp_path / "linked").symlink_to(cache)

    assert shown(model(tmp_path / "link.bin")) == {"link.bin": "config"}
    assert shown(model(tmp_path / "linked")) == {"config.json": "config", "sub/model.bin": "weights"}
    assert model(tmp_path / "linked").into.endswith("/m/1/linked")


def test_links_inside_the_folder_stay_links(tmp_path: Path) -> None:
    home = tmp_path / "src"
    (home / "lib").mkdir(parents=True)
    (home / "lib" / "a.py").write_text("a")
    (home / "lib" / "up").symlink_to("../lib/a.py")
    (home / "same").symlink_to("lib")
    (home / "self").symlink_to(".")
    (home / "absolute").symlink_to(home / "lib" / "a.py")
    (home / "around").symlink_to("../src/lib/a.py")

    assert shown(source_tree(home)) == {
        "lib/a.py": "a",
        "lib/up": "-> ../lib/a.py",
        "same": "-> lib",
        "self": "-> .",
        "absolute": "a",  # no such path in the image
        "around": "a",
    }


def test_a_link_to_a_folder_elsewhere_is_that_folder_without_what_is_ignored(tmp_path: Path) -> None:
    home, other = tmp_path / "src", tmp_path / "other"
    home.mkdir()
    (other / "deep").mkdir(parents=True)
    (other / "deep" / "x.py").write_text("x")
    (other / "deep" / "again").symlink_to("x.py")
    (other / "skip.log").write_text("log")
    (home / "pkg").symlink_to(other)
    (home / ".dockerignore").write_text("**/*.log\n.dockerignore\n")

    assert shown(source_tree(home)) == {"pkg/deep/x.py": "x", "pkg/deep/again": "x"}


@pytest.mark.parametrize(
    ("target", "why"),
    [
        ("nothing", "is a link to nothing, which does not exist"),
        ("bad", "is a link to bad, which goes in circles"),
        ("/dev/null", "is a link to /dev/null, a device, a pipe or a socket"),
        ("..", "a folder that it lies in: that has no end"),
    ],
)
def test_a_link_to_no_file_is_a_finding_that_names_it(tmp_path: Path, target: str, why: str) -> None:
    home = tmp_path / "src"
    home.mkdir()
    (home / "score.py").write_text("def init(): pass\ndef run(data): return data\n")
    (home / "bad").symlink_to(target)
    asked = Service(
        login_server="host",
        repository="r",
        environment_image="host/e",
        source_directory=str(home),
        entry_script="score.py",
        models={"m": str(home / "bad"), "n": str(home)},
    )

    found = [(one.where, one.why) for one in judge(asked)]
    where = {"sourceDirectory", 'models["m"]', 'models["n"]'} - ({'models["m"]'} if target == ".." else set())
    assert {place for place, _ in found} == where
    assert all(text.startswith(f"{home / 'bad'} is a link to") for _, text in found)
    assert all(text.endswith("; mend the link, or remove it") for _, text in found)
    assert any(why in text for _, text in found)
    with pytest.raises(UserError, match="mend the link"), Catalog(tmp_path / "catalog") as catalog:
        tree_hash([source_tree(home)], catalog)


def test_the_hash_follows_the_content_and_not_the_link(cache: Path, tmp_path: Path) -> None:
    with Catalog(tmp_path / "catalog") as catalog:
        before = tree_hash([model(cache)], catalog)
        (cache / "config.json").unlink()
        (cache / "config.json").write_text("config")  # as ``cp -L`` makes it

        assert tree_hash([model(cache)], catalog) == before
        (cache.parent.parent / "blobs" / "222").write_text("others")
        assert tree_hash([model(cache)], catalog) != before


PATHS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", ".", "out"]), min_size=1, max_size=4).map("/".join)


@settings(max_examples=200)
@given(st.dictionaries(PATHS, st.one_of(st.none(), TARGETS), max_size=6))
def test_whatever_can_be_read_here_can_be_read_in_the_image(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, str | None]
) -> None:
    home = tmp_path_factory.mktemp("any")
    root = home / "root"
    (home / "out" / "a").mkdir(parents=True)
    (home / "out" / "b").write_text("outside")
    root.mkdir()
    for path, target in rows.items():
        place = root / path
        if os.path.lexists(place) or any(os.path.lexists(p) and (p.is_symlink() or p.is_file()) for p in place.parents):
            continue
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(path) if target is None else place.symlink_to(target)
    tree = source_tree(root)
    if tree.faults:
        return  # it goes into no image
    image = home / "image"
    image.mkdir()
    for name, body in shown(tree).items():
        (image / name).parent.mkdir(parents=True, exist_ok=True)
        (image / name).symlink_to(body[3:]) if body.startswith("-> ") else (image / name).write_text(body)

    for where, _, names in os.walk(root):
        for name in names:
            here = Path(where, name)
            there = image / here.relative_to(root)
            if here.is_file():
                assert there.read_text() == here.read_text()
    assert all(one.exists() for one in image.rglob("*"))  # nothing dangles
