"""Files that cannot be solved: which lines are at fault, what there is, and what to write."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aciml.conda.unsolved import fewest
from aciml.core.condafile import parse_conda_file
from aciml.core.errors import UserError
from aciml.core.limits import Limits
from tests.conda.conftest import Bench
from tests.simulators.channel import Package, make_channel

PYTHONS = [Package("python", version) for version in ("3.6.15", "3.11.9", "3.12.4")]
PACKAGES = [
    *PYTHONS,
    Package("pandas", "1.1.5", "py36", depends=("python >=3.6,<3.7",)),
    Package("pandas", "2.2.2", "py311", depends=("python >=3.11,<3.12",)),
    Package("pandas", "2.2.3", "py312", depends=("python >=3.12,<3.13",)),
    Package("scikit-learn", "1.5.0", depends=("numpy >=1.20",)),
    Package("numpy", "1.26.4", "py311_0"),
    Package("numpy", "2.1.3", "py311_0"),
    Package("old-tool", depends=("numpy <2",)),
    Package("new-tool", depends=("numpy >=2",)),
    Package("gpu-tool", depends=("__cuda >=12",)),
    Package("win-tool", depends=("__win",)),
    Package("top", depends=("middle >=2",)),
    Package("middle", "2.0", depends=("low >=3",)),
    Package("low", "3.0"),
    Package("low", "1.0"),
    Package("broken", depends=("nowhere >=1",)),
    Package("behind", depends=("low >=4",)),
]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    channel = make_channel(tmp_path_factory.mktemp("unsolved") / "channel", PACKAGES)
    # a platform that nobody asks of in a solve
    other = make_channel(tmp_path_factory.mktemp("windows") / "channel", [Package("winthing")]) / "linux-64"
    (channel / "win-64").mkdir()
    repodata = (other / "repodata.json").read_text().replace('"linux-64"', '"win-64"')
    (channel / "win-64/repodata.json").write_text(repodata)
    return channel


Tell = Callable[..., str]


@pytest.fixture
def tell(new_bench: Callable[[str], Bench], made: Path) -> Tell:
    bench = new_bench("one")
    bench.use(made)

    def told(*lines: str, limits: Limits | None = None) -> str:
        text = "dependencies:\n" + "".join(f"- {line}\n" for line in lines)
        with pytest.raises(UserError) as caught:
            bench.solve(parse_conda_file(text, "conda.yml"), limits=limits or Limits("2.31"))
        assert str(made) not in str(caught.value)
        return str(caught.value)

    return told


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("scikit-lern", 'conda.yml:3: "scikit-lern" is in no channel: conda-forge; did you mean "scikit-learn"?'),
        (
            "zzzz",
            'conda.yml:3: "zzzz" is in no channel: conda-forge; if it is a package of PyPI, put it below "- pip:"',
        ),
        (
            "winthing",
            'conda.yml:3: "winthing" is there for Windows alone, and images are for linux-64; remove the line',
        ),
        ("vs2015_runtime", 'conda.yml:3: "vs2015_runtime" is there for Windows alone'),
        ("numpy=9.9", 'conda.yml:3: "numpy=9.9": there is no such version; there are 2.1.3, 1.26.4'),
        ("numpy=2.1.3=py39_0", 'conda.yml:3: "numpy=2.1.3=py39_0": there is no such build of it; there are py311_0'),
        ("gpu-tool", 'virtual_packages: {__cuda: "12.4"}'),
        ("win-tool", "a package is for Windows alone; images are for linux-64"),
    ],
)
def test_a_line_that_nothing_meets_is_named_with_what_there_is(tell: Tell, line: str, expected: str) -> None:
    assert expected in tell("python=3.11", line)


def test_all_lines_that_nothing_meets_are_told_at_once(tell: Tell) -> None:
    told = tell("python=2.7", "numpy=9.9", "scikit-lern", "pandas")

    assert [int(line) for line in re.findall(r"conda\.yml:(\d+)", told)] == [2, 3, 4]


def test_the_cause_of_a_conflict_is_named_and_lines_beside_it_are_not(tell: Tell) -> None:
    told = tell("numpy", "python=3.6", "scikit-learn", "pandas>=2", "old-tool")

    assert "these 2 lines cannot be met together" in told
    assert '    conda.yml:3: "python=3.6" (without it: 3.12.4)' in told
    assert '    conda.yml:5: "pandas>=2" (without it: ' not in told  # nothing else asks for pandas
    assert '    conda.yml:5: "pandas>=2"' in told
    assert "old-tool" not in told


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["top", "low=1"], 'low >=3, which "low=1" of conda.yml:3 does not allow'),
        (["python=3.11", "pandas=2.2.3"], 'python >=3.12,<3.13, which "python=3.11" of conda.yml:2 does not allow'),
        (["broken"], "nowhere >=1, and nowhere is in no channel"),
        (["behind"], "low >=4, and there are 3.0, 1.0"),
    ],
)
def test_what_stands_in_the_way_far_below_is_named_with_its_line(tell: Tell, lines: list[str], expected: str) -> None:
    told = tell(*lines)

    assert expected in told
    assert "no candidates" not in told


def test_two_conflicts_are_both_told(tell: Tell) -> None:
    told = tell("python=3.6", "pandas>=2", "old-tool", "new-tool")

    assert {int(line) for line in re.findall(r"conda\.yml:(\d+)", told)} == {2, 3, 4, 5}


def test_what_is_newer_than_the_cutoff_is_told_as_that(tell: Tell) -> None:
    assert "newer than exclude_newer (2020-01-01)" in tell("numpy", limits=Limits("2.31", exclude_newer="2020-01-01"))


def test_a_package_that_its_channel_has_not_is_told_as_that(
    new_bench: Callable[[str], Bench], tmp_path: Path, made: Path
) -> None:
    first = make_channel(tmp_path / "first", [Package("numpy", "1.0")])
    bench = new_bench("two")
    bench.settings = replace(bench.settings, channels={"first": first.as_uri(), "conda-forge": made.as_uri()})
    file = parse_conda_file("channels: [first, conda-forge]\ndependencies:\n- first::numpy>=2\n", "c.yml")

    with pytest.raises(UserError, match=r'c\.yml:3: "first::numpy>=2" is not in channel first; another channel'):
        bench.solve(file)


@given(some.sets(some.integers(0, 15), min_size=1, max_size=16), some.sets(some.integers(0, 15), min_size=1))
def test_the_fewest_lines_are_those_without_which_it_can_be_met(given_lines: set[int], fault: set[int]) -> None:
    lines = [str(one) for one in sorted(given_lines | fault)]

    found = fewest([], lines, lambda some_lines: {str(one) for one in fault} <= set(some_lines))

    assert set(found) == {str(one) for one in fault}
