"""The Python of an image, found in the names of its files."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.interpreter import (
    MUSL,
    Interpreter,
    Listing,
    find_python,
    libc_of,
    merged,
    old_python,
    wants_link,
    wants_program,
)

DEBIAN = Listing(
    ("usr/bin/python3.11", "usr/bin/perl"),
    {"usr/bin/python3": "python3.11", "bin": "usr/bin", "lib": "usr/lib"},
    ("usr/lib/python3.11/os.py",),
    libc="2.36",
)
SLIM = Listing(
    ("usr/local/bin/python3.12",),
    {"usr/local/bin/python3": "python3.12", "usr/local/bin/python": "python3"},
    ("usr/local/lib/python3.12/os.py",),
    libc="2.41",
)


def said(listing: Listing, asked: str = "", **variables: str) -> tuple[str, str] | None:
    found = find_python(listing, variables, asked).chosen
    return (found.path, found.version) if found else None


def test_debians_python3_is_found_without_a_name_python() -> None:
    assert said(DEBIAN) == ("/usr/bin/python3", "3.11")
    assert find_python(DEBIAN, {}).chosen == Interpreter("/usr/bin/python3", "3.11", libc="2.36")


def test_the_first_of_path_counts_and_a_pythons_own_place_is_not_resolved() -> None:
    both = merged([DEBIAN, SLIM])
    assert said(both) == ("/usr/local/bin/python3", "3.12")
    assert said(both, PATH="/usr/bin:/usr/local/bin") == ("/usr/bin/python3", "3.11")
    assert said(both, PATH="/bin") == ("/bin/python3", "3.11")  # through the link of a folder


@pytest.mark.parametrize(
    ("listing", "variables", "expected"),
    [
        # a conda base whose PATH names it, and one whose PATH does not
        (
            Listing(("opt/miniconda/bin/python3.13",), {"opt/miniconda/bin/python": "python3.13"}),
            {"PATH": "/opt/miniconda/bin:/usr/bin"},
            ("/opt/miniconda/bin/python", "3.13"),
        ),
        (
            Listing(("opt/conda/bin/python3.10",), {"opt/conda/bin/python": "python3.10"}),
            {},
            ("/opt/conda/bin/python", "3.10"),
        ),
        # a venv: by links out of it, and by copies with the version in pyvenv.cfg
        (
            Listing(SLIM.programs, {**SLIM.links, "srv/env/bin/python": "/usr/local/bin/python3"}),
            {"PATH": "/srv/env/bin:/usr/local/bin"},
            ("/srv/env/bin/python", "3.12"),
        ),
        (
            Listing(("srv/env/bin/python",), {}, (), {"srv/env/pyvenv.cfg": "home = /x\nversion = 3.9.2\n"}),
            {"VIRTUAL_ENV": "/srv/env"},
            ("/srv/env/bin/python", "3.9"),
        ),
        (
            Listing(("deep/in/env/bin/python",), {}, (), {"deep/in/env/pyvenv.cfg": "version_info = 3.14.0.final.0\n"}),
            {},
            ("/deep/in/env/bin/python", "3.14"),
        ),
        # pyenv: what is in PATH is a script
        (
            Listing(
                ("opt/pyenv/shims/python", "opt/pyenv/versions/3.8.20/bin/python3.8"),
                {"opt/pyenv/versions/3.8.20/bin/python": "python3.8"},
                (),
                {"opt/pyenv/version": "3.8.20\n"},
            ),
            {"PATH": "/opt/pyenv/shims:/usr/bin"},
            ("/opt/pyenv/versions/3.8.20/bin/python3.8", "3.8"),
        ),
        # only the name with the version is there; and a program without one, told by its library
        (Listing(("usr/bin/python3.9", "usr/bin/python3.13")), {}, ("/usr/bin/python3.13", "3.13")),
        (
            Listing(("opt/own/bin/python3",), {}, ("opt/own/lib/python3.10/os.py",)),
            {"PATH": "/opt/own/bin"},
            ("/opt/own/bin/python3", "3.10"),
        ),
        # Python 2 is passed over
        (
            Listing(
                ("usr/bin/python2.7", "opt/conda/bin/python3.8"),
                {"usr/bin/python": "python2.7", "opt/conda/bin/python": "python3.8"},
            ),
            {},
            ("/opt/conda/bin/python", "3.8"),
        ),
    ],
)
def test_where_people_have_theirs(listing: Listing, variables: dict[str, str], expected: tuple[str, str]) -> None:
    assert said(listing, **variables) == expected


def test_what_is_asked_for_is_taken_by_path_or_by_name() -> None:
    both = merged([DEBIAN, SLIM])
    assert said(both, "/usr/bin/python3.11") == ("/usr/bin/python3.11", "3.11")
    assert said(both, "python3.11") == ("/usr/bin/python3.11", "3.11")
    assert said(both, "/usr/bin/python3.12") is None
    assert find_python(both, {"PATH": "/a:/b:relative"}, "python").looked == ("/a", "/b")


def test_whiteouts_take_away_what_lower_layers_have() -> None:
    assert said(merged([SLIM, Listing(gone=("usr/local/bin/.wh.python3.12",))])) is None
    assert said(merged([SLIM, Listing(gone=("usr/local/.wh.bin",))])) is None
    assert said(merged([SLIM, Listing(gone=("usr/local/bin/.wh..wh..opq",))])) is None
    # what the same layer brings stays, wherever the mark stands
    again = Listing(SLIM.programs, SLIM.links, gone=("usr/local/.wh.bin",))
    assert said(merged([DEBIAN, again])) == ("/usr/local/bin/python3", "3.12")
    # a file over a link, and a link over a file
    assert said(merged([SLIM, Listing(("usr/local/bin/python3",))])) == ("/usr/local/bin/python3", "3.12")
    assert said(merged([SLIM, Listing((), {"usr/local/bin/python3.12": "/gone"})])) is None


def test_links_that_lead_nowhere_or_in_a_circle_are_no_python() -> None:
    loop = Listing((), {"usr/bin/python3": "python", "usr/bin/python": "python3", "bin": "/bin"})
    assert said(loop) is None
    assert said(Listing((), {"usr/bin/python3": "/etc/alternatives/python3"})) is None
    links = {"usr/bin/python3": "/etc/alternatives/python3", "etc/alternatives/python3": "../../usr/bin/python3.9"}
    alternatives = Listing(("usr/bin/python3.9",), links)
    assert said(alternatives) == ("/usr/bin/python3", "3.9")


def test_other_kinds_are_told() -> None:
    pypy = find_python(Listing(("usr/bin/pypy3.10",), {"usr/bin/python3": "pypy3.10"}), {}).chosen
    free = find_python(Listing(("usr/bin/python3.13t",), {"usr/bin/python3": "python3.13t"}), {}).chosen
    assert (pypy and pypy.kind, free and free.free) == ("pypy", True)
    old = find_python(Listing(("usr/bin/python3.6",), {"usr/bin/python3": "python3.6"}), {}).chosen
    assert old is not None
    assert not old.is_new_enough


def test_the_c_library_is_told_by_its_files() -> None:
    assert libc_of("usr/bin/ldd", "echo 'ldd (Debian GLIBC 2.36-9+deb12u10) 2.36'") == "2.36"
    assert libc_of("lib/x86_64-linux-gnu/libc-2.31.so") == "2.31"
    assert libc_of("lib/x86_64-linux-gnu/libc.so.6", target="libc-2.31.so") == "2.31"
    assert libc_of("lib/ld-musl-x86_64.so.1") == MUSL
    assert libc_of("usr/lib/libm.so.6") == ""


def test_libraries_links_are_not_kept() -> None:
    assert not wants_link("usr/lib/x86_64-linux-gnu/libz.so.1")
    assert not wants_link("usr/share/man/man1/python3.1")
    assert wants_link("usr/bin/python3")
    assert wants_program("weird/place/python3.11")
    assert not wants_program("usr/lib/git-core/git")


_PATHS = st.lists(st.sampled_from(["usr/bin/python3", "usr/bin/python3.11", "bin", "a/b", "opt/x/bin/python"]))
_LISTINGS = st.builds(
    Listing,
    _PATHS.map(tuple),
    st.dictionaries(_PATHS.map("/".join), st.sampled_from(["python3.11", "/usr/bin", "..", "/", "a/../b"])),
    st.just(()),
    st.just({}),
    st.lists(st.sampled_from(["usr/.wh.bin", "usr/bin/.wh..wh..opq", ".wh.bin", ".wh..wh..opq"])).map(tuple),
)


@given(st.lists(_LISTINGS, max_size=4), st.sampled_from(["", "python", "/usr/bin/python3", "python3.11"]))
def test_no_image_makes_it_raise_and_what_is_found_is_a_program(layers: list[Listing], asked: str) -> None:
    files = merged(layers)
    for one in find_python(files, {"PATH": "/usr/bin:/bin"}, asked).found:
        assert one.path.startswith("/")
    assert Listing.of_json(files.to_json()) == files


@pytest.mark.parametrize(
    ("spec", "old"),
    [
        ("python=3.7", True), ("python 3.6.*", True), ("conda-forge::python==2.7.18", True), ("python<3.8", True),
        ("python>=3.6,<3.8", True), ("python~=3.7.2", True), ("python=2", True), ("python<3", True),
        ("python <=3.7", True), ("python>=3.6, <3.8", True),
        ("python", False), ("python=3", False), ("python=3.8.13", False), ("python=3.10", False),
        ("python<3.10", False),
        ("python<3.8.1", False), ("python<=3.8", False), ("python~=3.7", False), ("python>=3.6", False),
        ("python!=3.7", False), ("python>3.7", False), ("python-dateutil=2.8", False), ("pythonnet<3", False),
    ],
)  # fmt: skip
def test_a_python_that_can_only_be_too_old_is_told(spec: str, *, old: bool) -> None:
    assert bool(old_python(spec)) is old
