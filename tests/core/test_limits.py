"""Virtual packages and the time that counts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from aciml.core.limits import Limits, limits_findings


def test_what_the_user_says_is_added_and_wins() -> None:
    limits = Limits("2.36", {"__cuda": "12.4", "__linux": "6.1", "__archspec": "zen3"})

    assert limits.facts() == {
        "__archspec": ("1", "zen3"),
        "__cuda": ("12.4", "0"),
        "__glibc": ("2.36", "0"),
        "__linux": ("6.1", "0"),
        "__unix": ("0", "0"),
    }


@pytest.mark.parametrize(
    ("text", "hour"), [("2026-03-31", 0), ("2026-03-31T12:00:00Z", 12), ("2026-03-31T12:00:00+02:00", 10)]
)
def test_a_time_is_one_in_utc(text: str, hour: int) -> None:
    assert limits_findings({}, text) == []
    assert Limits("2.36", exclude_newer=text).cutoff() == datetime(2026, 3, 31, hour, tzinfo=UTC)


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "2026", "20260331", "12:00"])
def test_what_is_no_time_is_refused(text: str) -> None:
    (finding,) = limits_findings({}, text)

    assert finding.where == "excludeNewer"
    assert text in finding.why


@pytest.mark.parametrize(("name", "version"), [("cuda", "12"), ("__cuda", "new"), ("__cuda", "")])
def test_what_is_no_virtual_package_is_refused(name: str, version: str) -> None:
    (finding,) = limits_findings({name: version}, "")

    assert finding.where == f"virtualPackages.{name}"
