"""Locking changes a lock file beside the scoring source, and not the source."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.blobs.catalog import Catalog
from aciml.core.lockfile import LockContent, write_lock
from aciml.images.plan.contents import source_tree, tree_hash


@pytest.mark.parametrize("name", ["conda.lock", "sub/conda.lock", "environment.yml"])
def test_a_lock_of_ours_does_not_belong_to_the_source(tmp_path: Path, name: str) -> None:
    source, path = tmp_path / "source", tmp_path / "source" / name
    path.parent.mkdir(parents=True)
    (source / "score.py").write_text("")
    (source / "conda.yml").write_text("dependencies: []\n")
    (source / "uv.lock").write_text("version = 1\n")
    with Catalog(tmp_path / "cache" / "catalog.sqlite") as catalog:
        before = tree_hash([source_tree(source)], catalog)
        path.write_text(write_lock(LockContent((), (), {})))
        assert tree_hash([source_tree(source)], catalog) == before
        path.write_text("read by the script\n")
        assert tree_hash([source_tree(source)], catalog) != before

    assert {entry.path for entry in source_tree(source).files} == {"score.py", "conda.yml", "uv.lock", name}
