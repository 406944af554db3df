"""Whose something is, by what is written on it."""

from __future__ import annotations

import pytest

from aciml.core.ownership import Claim, Owner, Urn, stranger

URN = "urn:pulumi:dev::shop::aciml:index:Registry$aciml:registry:ContainerRegistry::a::b"
HERE = Owner(URN, "here", "0.2.0")
MADE = Owner(URN, "here", "0.2.0", HERE.first_mark())
THEIRS = Owner("urn:pulumi:prod::other::t::x", "there", "0.2.0", "1" * 16)


def test_labels_are_read_back() -> None:
    assert Owner.read({**HERE.labels(), "aciml.kind": "group"}) == MADE
    assert Owner.read({"aciml.kind": "group"}) is None
    assert Owner.read(None) is None


def test_a_urn_is_taken_apart_also_with_colons_in_the_name() -> None:
    assert Urn.parse(URN) == Urn("dev", "shop", "aciml:registry:ContainerRegistry", "a::b")
    assert str(Urn.parse(URN)) == 'ContainerRegistry "a::b" of stack dev, project shop'
    assert Urn.parse("anything") == Urn("", "", "", "anything")


@pytest.mark.parametrize(
    ("remembered", "seen", "covered"),
    [
        (None, MADE, True),
        (None, Owner(URN, "there", "0.2.0", "2" * 16), False),
        (None, THEIRS, False),
        (None, None, False),
        ("", None, True),
        ("", MADE, True),
        ("", Owner(URN, "there", "0.2.0", "2" * 16), True),
        ("", THEIRS, False),
        ("1" * 16, THEIRS, True),
        ("1" * 16, None, True),
        ("1" * 16, MADE, True),
        ("1" * 16, Owner(URN, "there", "0.2.0", "2" * 16), False),
    ],
    ids=[
        "a leftover of an interrupted creation is ours",
        "what another clone of the stack made is not",
        "what another stack made is not",
        "what an older version made may be anybody's",
        "state of an older version knows what an older version made",
        "and what has its urn",
        "also from a folder that was moved",
        "and not what another stack has made since",
        "a stack that was renamed or that imported it knows it by its mark",
        "what has no owner cannot be another's mark",
        "an update that could not write its state is known by urn and workspace",
        "what another clone has made since is not ours",
    ],
)
def test_who_may_touch_what(remembered: str | None, seen: Owner | None, covered: bool) -> None:  # noqa: FBT001
    assert Claim(HERE, remembered).covers(seen) is covered


def test_the_mark_lives_on_in_a_successor_and_the_rest_says_who_made_that() -> None:
    assert Claim(HERE, THEIRS.mark).heir(THEIRS) == Owner(URN, "here", "0.2.0", THEIRS.mark)
    assert Claim(HERE).heir(None) == MADE


def test_a_refusal_names_resource_stack_project_version_and_time() -> None:
    said = str(stranger("a volume", THEIRS, Claim(HERE), since="2026-11-27 10:00:00", remedy="go away"))

    for word in (
        '"x" of stack prod, project other',
        THEIRS.urn,
        "aciml 0.2.0",
        "made 2026-11-27 10:00:00",
        "; go away",
    ):
        assert word in said
    assert "in another folder" in str(stranger("a", Owner(URN, "there", "", "m"), Claim(HERE), remedy=""))
    assert "was not made by aciml" in str(stranger("a", None, Claim(HERE), ours=False, remedy=""))
    assert "before 0.2.0" in str(stranger("a", None, Claim(HERE), remedy=""))
