"""Several package indexes: the order in which they are asked, and packages that are on more than one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from aciml.core.errors import OutageError, UserError
from aciml.pip.indexes import BEST, DEFAULT, FIRST, REFUSE, ask_indexes, indexes_of, order_note
from aciml.pip.resolve import resolve
from aciml.settings import Settings
from tests.heard import Heard
from tests.pip.index import Index, serve
from tests.pip.wheels import make_wheel

VARIABLES = ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL")


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "ours"
    folder.mkdir()
    make_wheel(folder, "secret", "1.0")
    with serve(folder) as index:
        index.account = "me:pass"
        yield index


@pytest.fixture
def public(tmp_path: Path) -> Iterator[Index]:
    folder = tmp_path / "public"
    folder.mkdir()
    make_wheel(folder, "secret", "99.0")
    make_wheel(folder, "leaf")
    with serve(folder) as index:
        yield index


@pytest.fixture
def lines(ours: Index, public: Index, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A pip section with a private index beside a public one, whose account is a variable."""
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ACCOUNT", "me:pass")
    private = ours.url.replace("http://", "http://${ACCOUNT}@")
    return [f"--index-url {public.url}/simple", f"--extra-index-url {private}/simple", "secret", "leaf"]


def asked(lines: list[str], strategy: str, folder: Path, places: Sequence[str] = ()) -> tuple[dict[str, str], Heard]:
    heard, settings = Heard(), Settings(folder / "cache")
    found = resolve(
        tuple(lines),
        conda={},
        python_version="3.11",
        glibc="2.36",
        folder=folder,
        settings=settings,
        progress=heard,
        index_strategy=BEST if strategy == BEST else FIRST,
        places=places,
    )
    ask_indexes(lines, found, strategy, settings, heard)
    return {package.name: package.version for package in found}, heard


def test_the_first_index_that_has_a_name_counts_and_what_is_on_two_is_told(
    lines: list[str], ours: Index, public: Index, tmp_path: Path
) -> None:
    found, heard = asked(lines, FIRST, tmp_path)

    assert found == {"leaf": "1.0", "secret": "1.0"}
    order = f"indexes in the order in which they are asked: {ours.url}/simple, {public.url}/simple"
    assert heard.notes == [f"{order}; a package comes from the first that has its name"]
    taken = f"secret is taken from {ours.url}/simple, and is on {public.url}/simple, too"
    assert heard.warnings == [f"1 package is on several indexes: {taken} (indexStrategy)"]


def test_the_best_version_of_all_is_taken_when_that_is_asked_for(lines: list[str], tmp_path: Path) -> None:
    found, heard = asked(lines, BEST, tmp_path)

    assert found == {"leaf": "1.0", "secret": "99.0"}
    assert "the best version of all is taken" in heard.notes[0]
    assert "secret is on " in heard.warnings[0]


def test_a_package_on_two_indexes_is_refused_when_that_is_asked_for(lines: list[str], tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"1 package is on several indexes: secret is on \S+ and \S+; take it from one"):
        asked(lines, REFUSE, tmp_path)
    assert asked([*lines[:2], "leaf"], REFUSE, tmp_path)[0] == {"leaf": "1.0"}


def test_one_index_is_asked_for_nothing_more(public: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)
    _, heard = asked([f"--index-url {public.url}/simple", "leaf"], FIRST, tmp_path)

    assert (heard.notes, heard.warnings) == ([], [])
    assert len([path for path in public.asked if path == "/simple/leaf/"]) == 1


@pytest.mark.parametrize(
    ("lines", "environ", "urls"),
    [
        ([], {}, [DEFAULT]),
        (["--index-url https://a/simple/"], {}, ["https://a/simple"]),
        (["-i https://a", "--extra-index-url=https://b", "--extra-index-url https://c"], {}, ["b", "c", "a"]),
        (["--index-url https://a"], {"UV_INDEX_URL": "https://b"}, ["b"]),
        (
            ["--index-url https://a"],
            {"UV_INDEX": "n=https://b https://c", "UV_EXTRA_INDEX_URL": "https://d"},
            list("bcda"),
        ),
        (["--no-index", "--extra-index-url https://a"], {}, []),
        (["--index-url https://u:${P}@a", "--extra-index-url https://a"], {"P": "x"}, ["a"]),
    ],
)
def test_indexes_are_read_in_the_order_of_uv(lines: list[str], environ: dict[str, str], urls: list[str]) -> None:
    found = [index.url for index in indexes_of(lines, environ)]

    assert found == [url if "://" in url else f"https://{url}" for url in urls]
    assert not [url for url in found if "@" in url]


def test_the_order_is_said_only_of_several() -> None:
    assert not order_note(indexes_of([], {}), FIRST)


@pytest.mark.parametrize("line", ["leaf", "leaf==1.0"])
def test_a_web_page_in_the_place_of_an_index_is_not_blamed_on_the_lines(
    public: Index, tmp_path: Path, line: str
) -> None:
    public.portal = b'<html><form action="/login"><a href="/terms">terms</a></form></html>'

    with pytest.raises(OutageError) as raised:
        asked([f"--index-url {public.url}/simple", line], FIRST, tmp_path)

    assert str(raised.value).startswith(
        f"{public.url}/simple is no package index: it answers with a web page to any name"
    )
    assert "as to leaf" in str(raised.value)


def test_an_index_without_the_package_is_still_one_and_its_line_is_named(public: Index, tmp_path: Path) -> None:
    lines = [f"--index-url {public.url}/simple", "leaf", "nobody-has-this"]
    with pytest.raises(UserError, match=r'^conda\.yml:3: pip: "nobody-has-this": no index has a package'):
        asked(lines, FIRST, tmp_path, [f"conda.yml:{number}" for number in (1, 2, 3)])


def test_an_index_that_answers_to_any_name_is_one_if_it_has_files(
    public: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some private ones answer an empty list where others answer 404."""
    own = public.page
    monkeypatch.setattr(public, "page", lambda name: own(name) if name == "leaf" else b"<html>href</html>")

    with pytest.raises(UserError, match=r"there is no such version; there are 1\.0"):
        asked([f"--index-url {public.url}/simple", "leaf==9.9"], FIRST, tmp_path)
