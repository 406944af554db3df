"""Who gets which path: by rows, and against a file system that installs one package after the other."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from aciml.core.claims import Claim, Claimant, Overlap, apart, do_meet, overlap_note, settle


def bring(name: str, *paths: str) -> Claimant:
    """Return a claimant: ``a/b`` is a file, ``a/b/`` a folder, ``a -> b`` a link."""
    claims = []
    for path in paths:
        link, arrow, target = path.partition(" -> ")
        kind = "link" if arrow else "folder" if path.endswith("/") else "file"
        claims.append(Claim(link.rstrip("/"), kind, target))  # type: ignore[arg-type]  # one of the three
    return Claimant(name, tuple(claims))


def placed(*claimants: Claimant, prefix: str = "") -> dict[str, list[str | None]]:
    places = settle(claimants, prefix)
    assert not places.refusals
    return {one.name: [places.place(one.name, claim.path) for claim in one.claims] for one in claimants}


A = bring("a", "lib/a", "lib64 -> lib")


def test_packages_that_do_not_meet_are_left_alone() -> None:
    places = settle([bring("a", "lib/a", "lib64 -> lib"), bring("b", "lib/b", "share/")])

    assert (places.folders, places.yields, places.overlaps, places.refusals) == ({}, {}, (), ())


def test_of_two_that_bring_a_path_the_later_gets_it() -> None:
    places = settle([bring("a", "x"), bring("b", "x"), bring("c", "x -> y")])

    assert places.yields == {"a": {"x": "c"}, "b": {"x": "c"}}
    assert places.overlaps == (Overlap("x", "c", ("a", "b")),)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_what_is_below_a_link_lies_below_its_target_whoever_comes_first(order: tuple[int, int]) -> None:
    both = (A, bring("b", "lib/b", "lib64/b", "lib64/sub/c", "lib64/empty/"))
    places = settle([both[number] for number in order])

    assert places.folders == {"b": {"lib64": "lib", "lib64/empty": "lib/empty", "lib64/sub": "lib/sub"}}
    assert places.place("b", "lib64/b") == "lib/b"  # and yields to nobody: ``lib/b`` is its own, see below


@pytest.mark.parametrize(
    ("claimants", "expected"),
    [
        pytest.param([A, bring("b", "lib64/a")], {"a": [None, "lib64"], "b": ["lib/a"]}, id="through a link"),
        pytest.param([bring("b", "lib64/a"), A], {"a": ["lib/a", "lib64"], "b": [None]}, id="before it"),
        pytest.param(
            [bring("a", "x -> y", "y -> z"), bring("b", "x/f")], {"a": ["x", "y"], "b": ["z/f"]}, id="link to link"
        ),
        pytest.param(
            [bring("a", "x -> y"), bring("b", "x -> z"), bring("c", "x/f")],
            {"a": [None], "b": ["x"], "c": ["z/f"]},
            id="the later link leads",
        ),
        pytest.param(
            [bring("a", "l -> real"), bring("b", "l/m -> ../deep"), bring("c", "l/m/f")],
            {"a": ["l"], "b": ["real/m"], "c": ["deep/f"]},
            id="a link below a link leads from where it really is",
        ),
        pytest.param([bring("a", "d/x -> ../e/./g"), bring("b", "d/x/f")], {"a": ["d/x"], "b": ["e/g/f"]}, id="dots"),
        pytest.param(
            [bring("a", "x -> /p/y"), bring("b", "x/f")], {"a": ["x"], "b": ["y/f"]}, id="absolute, in the prefix"
        ),
        pytest.param([bring("a", "x -> ."), bring("b", "x/f")], {"a": ["x"], "b": ["f"]}, id="to the root"),
        pytest.param([bring("a", "x", "y -> x"), bring("b", "y -> z", "y/f")], {"a": ["x", None], "b": ["y", "z/f"]}),
    ],
)
def test_paths_that_meet(claimants: list[Claimant], expected: dict[str, list[str | None]]) -> None:
    assert placed(*claimants, prefix="/p") == expected


@pytest.mark.parametrize(
    ("claimants", "path", "packages"),
    [
        ([bring("a", "x"), bring("b", "x/y")], "x", ("a", "b")),
        ([bring("b", "x/y/z"), bring("a", "x")], "x", ("a", "b")),
        ([bring("a", "x"), bring("b", "x/")], "x", ("a", "b")),
        ([bring("a", "x -> ../out"), bring("b", "x/y")], "x", ("a", "b")),
        ([bring("a", "x -> /usr/lib"), bring("b", "x/y")], "x", ("a", "b")),
        ([bring("a", "x -> /pp"), bring("b", "x/y")], "x", ("a", "b")),
        ([bring("a", "x -> x"), bring("b", "x/y")], "x", ("a", "b")),
        ([bring("a", "x -> y"), bring("b", "y -> x"), bring("c", "x/f")], "x", ("a", "c")),
        ([bring("a", "x -> f"), bring("b", "f"), bring("c", "x/y")], "f", ("b", "c")),
        ([bring("a", "x -> y"), bring("b", "x"), bring("c", "x/y")], "x", ("a", "b", "c")),
    ],
)
def test_what_nobody_can_install_is_refused(claimants: list[Claimant], path: str, packages: tuple[str, ...]) -> None:
    refused = settle(claimants, "/p").refusals

    assert [(one.path, one.packages) for one in refused] == [(path, packages)]
    assert str(refused[0]).startswith(f"{path}: a ")


def test_those_that_meet_are_put_apart() -> None:
    claimants = [A, bring("b", "lib64/b"), bring("c", "lib/c"), bring("d", "lib64/d", "lib/c"), bring("e", "lib64/")]

    assert apart(claimants) == [("a", "c"), ("b", "d", "e")]
    assert do_meet(claimants)
    assert not do_meet(claimants[1:3])


def test_a_note_names_a_few_and_counts_the_rest() -> None:
    overlaps = [Overlap(f"bin/{number}", "b", ("a",)) for number in range(7)]

    assert overlap_note([]) == ""
    assert overlap_note(overlaps[:1]) == "1 path is in several packages: bin/0 (b has it, a yields)"
    assert overlap_note(overlaps).startswith("7 paths are in several packages: bin/0 (b has it, a yields), bin/1 (")
    assert overlap_note(overlaps).endswith("bin/4 (b has it, a yields) and 2 more")


NAMES = st.sampled_from(["a", "b", "c"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map("/".join)
TARGETS = st.lists(st.sampled_from(["a", "b", "c", "..", "."]), min_size=1, max_size=2).map("/".join)
CLAIMS = st.one_of(
    st.builds(Claim, PATHS),
    st.builds(Claim, PATHS, st.just("folder")),
    st.builds(Claim, PATHS, st.just("link"), TARGETS),
)


def _fits_one_folder(claims: list[Claim]) -> bool:
    """Say whether one package can bring these: what it was unpacked to had a folder, a link or a file, each once."""
    paths = {claim.path for claim in claims if claim.kind != "folder"}
    above = {claim.path.rsplit("/", depth)[0] for claim in claims for depth in (1, 2) if claim.path.count("/") >= depth}
    above |= {claim.path for claim in claims if claim.kind == "folder"}
    return paths.isdisjoint(above)


SETS = st.lists(
    st.lists(CLAIMS, min_size=1, max_size=4, unique_by=lambda claim: claim.path).filter(_fits_one_folder),
    min_size=1,
    max_size=4,
).map(lambda sets: [Claimant(f"p{number}", tuple(claims)) for number, claims in enumerate(sets)])


@settings(max_examples=300)
@given(SETS)
@example([bring("p0", "a -> b"), bring("p1", "b -> c"), bring("p2", "a/a")])
def test_a_file_system_has_each_file_where_it_was_said(claimants: list[Claimant]) -> None:
    """Links first, then each file opened by the path that its package claims: the kernel says where that is."""
    places = settle(claimants)
    if places.refusals:
        return
    with tempfile.TemporaryDirectory() as home:
        root = Path(home, "root")
        root.mkdir()
        # at the real paths, as a layer has them
        expected: dict[str, str] = {}
        for one in claimants:
            for claim in one.claims:
                if claim.kind == "folder":
                    (root / places.folders.get(one.name, {}).get(claim.path, claim.path)).mkdir(
                        parents=True, exist_ok=True
                    )
                elif (real := places.place(one.name, claim.path)) is not None:
                    assert real not in expected
                    expected[real] = one.name
                    (root / real).parent.mkdir(parents=True, exist_ok=True)
                    if claim.kind == "link":
                        (root / real).symlink_to(claim.target)
                    else:
                        (root / real).write_text(f"{one.name} {claim.path}")
        for one in claimants:
            for claim in one.claims:
                if claim.kind == "file" and places.place(one.name, claim.path) is not None:
                    assert (root / claim.path).read_text() == f"{one.name} {claim.path}"
                if claim.kind == "link" and places.place(one.name, claim.path) is not None:
                    assert (root / claim.path).readlink() == Path(claim.target)
                if claim.kind == "folder":
                    assert (root / claim.path).is_dir()


@settings(max_examples=200)
@given(SETS)
def test_groups_are_whole_and_nobody_meets_in_one(claimants: list[Claimant]) -> None:
    groups = apart(claimants)
    by_name = {one.name: one for one in claimants}

    assert sorted(name for group in groups for name in group) == sorted(by_name)
    assert not any(do_meet([by_name[name] for name in group]) for group in groups)
    assert do_meet(claimants) or (len(groups) == 1 and settle(claimants) == settle(claimants[::-1]))
