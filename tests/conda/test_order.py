"""The order of an install is rattler's."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.conda import order
from aciml.conda.order import install_order
from aciml.core.conda_lock import CondaLock, LockedPackage

NAMES = [f"p{number}" for number in range(7)]


def locked(graph: dict[str, list[str]], noarch: frozenset[str] = frozenset()) -> CondaLock:
    return CondaLock.of(
        [
            LockedPackage(
                name,
                "1.0",
                "0",
                "noarch" if name in noarch else "linux-64",
                "c",
                f"{name}-1.0-0.conda",
                "0" * 64,
                1,
                noarch="python" if name in noarch else "",
                depends=tuple(needs),
            )
            for name, needs in graph.items()
        ]
    )


def needs(names: list[str]) -> st.SearchStrategy[list[str]]:
    versions = st.sampled_from(["", " >=1", "=1.0", ">=1", " 1.0 h1_0"])
    return st.lists(st.builds(str.__add__, st.sampled_from([*names, "__glibc"]), versions), max_size=3)


WITHOUT_CIRCLES = st.fixed_dictionaries({name: needs(NAMES[:number]) for number, name in enumerate(NAMES)})
ANY = st.fixed_dictionaries({name: needs(NAMES) for name in NAMES})


@settings(max_examples=200)
@given(WITHOUT_CIRCLES)
def test_without_circles_the_walk_is_rattlers(graph: dict[str, list[str]]) -> None:
    lock = locked(graph)

    assert [package.name for package in install_order(lock)] == order._ask_rattler(lock.packages)


@given(ANY, st.frozensets(st.sampled_from(NAMES)))
def test_with_circles_rattler_is_asked(graph: dict[str, list[str]], noarch: frozenset[str]) -> None:
    lock = locked(graph, noarch)

    assert [package.name for package in install_order(lock)] == order._ask_rattler(lock.packages)


def test_packages_that_are_free_come_by_name_from_the_end() -> None:
    assert [package.name for package in install_order(locked({"a": [], "b": [], "c": ["a"]}))] == ["a", "c", "b"]
