"""Files that a volume would take for one are named before they are lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as some

from aciml.conda.volume import look_alikes, refuse_lost_files, taken_for_one
from aciml.core.errors import UserError

TERMS = ["share/terminfo/E/Eterm", "share/terminfo/e/eterm", "share/terminfo/x/xterm"]


def test_paths_that_differ_only_by_case_or_accents_are_found() -> None:
    assert look_alikes(TERMS) == [("share/terminfo/E/Eterm", "share/terminfo/e/eterm")]
    assert look_alikes(["caf\u00e9", "cafe\u0301", "CAFE\u0301", "cafe"]) == [("CAFE\u0301", "cafe\u0301", "caf\u00e9")]
    assert look_alikes(["Straße", "STRASSE", "\u212a", "k"]) == [("STRASSE", "Straße"), ("k", "\u212a")]
    assert look_alikes(["a/b", "a/b", "a/c"]) == []


@given(some.sets(some.text("aAbBäÄ/", min_size=1, max_size=4)))
def test_without_look_alikes_all_names_stay_different_in_lower_case(paths: set[str]) -> None:
    groups = look_alikes(sorted(paths))
    grouped = {path for group in groups for path in group}

    assert grouped <= paths
    assert len({path.lower() for path in paths - grouped}) == len(paths - grouped)
    assert groups == look_alikes(sorted(paths, reverse=True))


@pytest.mark.skipif(sys.platform != "linux", reason="volumes of other systems may take two names for one")
def test_a_volume_that_tells_them_apart_holds_them_all(tmp_path: Path) -> None:
    assert taken_for_one(look_alikes(TERMS), tmp_path) == []
    refuse_lost_files({"ncurses": TERMS}, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_volume_that_does_not_is_refused_with_names_packages_and_a_way_out(tmp_path: Path) -> None:
    paths = {"ncurses": TERMS, "one": ["share/A"], "two": ["share/a"], "fine": ["share/b"]}

    with pytest.raises(UserError) as caught:
        refuse_lost_files(paths, tmp_path, lambda groups, _: groups)
    message = "does not tell names by case, so files of ncurses, one, two are lost: "
    assert message + "share/A and share/a, share/terminfo/E/Eterm and share/terminfo/e/eterm" in caught.value.message
    assert "set ACIML_CACHE to a folder on a case-sensitive volume" in caught.value.advice


def test_of_many_lost_files_three_pairs_are_shown(tmp_path: Path) -> None:
    paths = {"p": [name for letter in "abcde" for name in (letter, letter.upper())]}

    with pytest.raises(UserError, match="A and a, B and b, C and c and 2 more"):
        refuse_lost_files(paths, tmp_path, lambda groups, _: groups)
