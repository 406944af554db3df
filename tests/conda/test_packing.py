"""Waves of staging, and the threads that pack them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.conda import pack, packing
from aciml.conda.layer_plan import LayerPlan
from aciml.conda.packing import MOST_WAVES, WAVE, Packers, waves_of
from aciml.core.conda_lock import LockedPackage
from aciml.core.errors import OutageError
from tests.conda.conftest import Bench


def plan(name: str, size: int, noarch: str = "") -> LayerPlan:
    package = LockedPackage(name, "1", "0", noarch or "linux-64", "c", f"{name}-1-0.conda", "0" * 64, size)
    return LayerPlan(name, (replace(package, noarch=noarch),), name)


plans = st.lists(st.tuples(st.integers(1, 4 * WAVE), st.sampled_from(["", "python", "generic"])), max_size=60).map(
    lambda rows: [plan(f"p{number}", size, noarch) for number, (size, noarch) in enumerate(rows)]
)


@given(found=plans, others=st.booleans())
def test_each_layer_is_in_one_wave_and_python_with_all_that_needs_it(found: list[LayerPlan], *, others: bool) -> None:
    waves = waves_of([*found, plan("python", 10)], ["other"] if others else [])

    assert sorted(p.name for wave in waves for p in wave.plans) == sorted(["python", *(p.name for p in found)])
    bound = {p.name for p in found if p.packages[0].noarch == "python"} | {"python"}
    assert bound == waves[-1].names - {"other"}
    assert ("other" in waves[-1].names) is others
    assert len(waves) <= 2 * MOST_WAVES + 2


def test_a_build_without_layers_has_no_wave() -> None:
    assert waves_of([], []) == []


def test_a_folder_is_removed_after_its_last_layer_unless_it_is_to_be_kept(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    seen: list[bool] = []
    with Packers(lambda _, folder: seen.append(folder.is_dir())) as packers:
        packers.put([plan("a", 1), plan("b", 2)], one)
        packers.put([plan("c", 1)], two, keep=True)

    assert (seen, one.exists(), two.exists()) == ([True] * 3, False, True)


def test_an_error_of_a_layer_ends_the_build_and_what_waits_is_left(tmp_path: Path) -> None:
    release, begun = threading.Event(), list[str]()

    def work(layer: LayerPlan, _: Path) -> None:
        begun.append(layer.name)
        if layer.name == "bad":
            release.set()
            raise OutageError("disk full")
        release.wait(10)

    def build() -> None:
        with Packers(work) as packers:
            packers.put([plan("bad", 9)], tmp_path / "x")
            release.wait(10)
            while True:
                packers.put([], tmp_path / "y")

    with pytest.raises(OutageError, match="disk full"):
        build()
    assert begun == ["bad"]


def test_layers_made_in_many_waves_are_those_made_in_one(
    new_bench: Callable[[str], Bench], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, many = new_bench("one"), new_bench("many")
    expected = one.build(one.solve())
    staged: list[int] = []
    inner = pack._Build._stage

    def counting(build: pack._Build, *args: object, **more: object) -> object:
        staged.append(1)
        return inner(build, *args, **more)  # type: ignore[arg-type]  # handed on as they are

    monkeypatch.setattr(pack._Build, "_stage", counting)
    monkeypatch.setattr(packing, "WAVE", 1)
    monkeypatch.setattr(packing, "MOST_WAVES", 1000)

    assert many.build(many.solve()) == expected
    assert len(staged) > 3


def test_a_layer_is_told_as_soon_as_it_is_made(bench: Bench) -> None:
    told: list[str] = []
    layers = pack.build_layers(
        bench.solve(),
        store=bench.store,
        catalog=bench.catalog,
        settings=bench.settings,
        progress=bench.heard,
        ready=lambda layer: told.append(layer.digest),
    )

    assert {layer.digest for layer in layers} <= set(told)
