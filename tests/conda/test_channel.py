"""A whole environment from the channel of this machine: file for file what an install in place would be."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import rattler

from aciml.conda.records import rattler_records
from aciml.core.condafile import parse_conda_file
from aciml.core.errors import AcimlError
from aciml.settings import Settings
from tests.conda.conftest import Bench
from tests.conda.test_layers import real_prefix, tree_of_folder, tree_of_layers

__all__ = ["real_prefix"]  # a fixture
pytestmark = pytest.mark.channel
WISH = "dependencies: [python=3.11, numpy, scikit-learn, joblib, pip, setuptools]\n"


@pytest.fixture
def machine(new_bench: Callable[[str], Bench]) -> Bench:
    """Return empty caches with the channels of this machine."""
    bench = new_bench("machine")
    bench.settings = replace(Settings.read(), cache=bench.settings.cache)
    if not bench.settings.channels:
        pytest.skip("no mirror of a conda channel is configured on this machine")
    return bench


def test_a_real_environment_is_what_an_install_in_place_would_be(machine: Bench, real_prefix: Path) -> None:
    try:
        lock = machine.solve(parse_conda_file(WISH, "conda.yml"), glibc="2.36")
    except AcimlError as error:
        pytest.skip(f"the channel cannot be used: {error}")
    found = tree_of_layers(machine.build(lock), machine.store)
    asyncio.run(
        rattler.install(
            rattler_records(lock.packages, machine.settings),
            real_prefix,
            cache_dir=machine.settings.cache / "pkgs",
            platform=rattler.platform.Subdir("linux-64"),
            show_progress=False,
        )
    )
    expected = tree_of_folder(real_prefix)
    own = {path for path in expected if path.startswith("conda-meta/")} | {"CACHEDIR.TAG"}

    assert found.keys() - own == expected.keys() - own
    assert not [path for path in found.keys() - own if found[path] != expected[path]]
