"""The user of a service in the files that name users, whatever these say already."""

from __future__ import annotations

import grp
import pwd
import subprocess
from pathlib import Path

import pytest

from aciml.core.account import HOME, UID, Accounts, is_root

DEBIAN = Accounts(
    "root:x:0:0:root:/root:/bin/bash\nwww-data:x:33:33:www-data:/var/www:/usr/sbin/nologin\n",
    "root:x:0:\nwww-data:x:33:\nstaff:x:50:ann,bob\n",
)


def test_the_user_is_added_once_and_all_others_stay() -> None:
    once = DEBIAN.with_service_user()

    assert once.passwd.startswith(DEBIAN.passwd)
    assert once.group.startswith(DEBIAN.group)
    assert once.passwd.removeprefix(DEBIAN.passwd) == f"aciml:x:{UID}:{UID}:runs the scoring service:{HOME}:/bin/sh\n"
    assert once.group.removeprefix(DEBIAN.group) == f"aciml:x:{UID}:\n"
    assert once.with_service_user() == once


def test_an_image_without_users_gets_root_too() -> None:
    made = Accounts().with_service_user()

    assert [line.split(":")[0] for line in made.passwd.splitlines()] == ["root", "aciml"]
    assert [line.split(":")[0] for line in made.group.splitlines()] == ["root", "aciml"]


def test_a_file_whose_last_line_has_no_end_is_not_spoilt() -> None:
    made = Accounts(DEBIAN.passwd.rstrip("\n"), DEBIAN.group.rstrip("\n")).with_service_user()

    assert made == DEBIAN.with_service_user()


def test_a_name_that_somebody_has_is_not_taken() -> None:
    taken = Accounts(DEBIAN.passwd + "aciml:x:500:500::/srv:/bin/sh\n", DEBIAN.group + "aciml:x:500:\n")
    made = taken.with_service_user()

    assert f"\naciml1:x:{UID}:{UID}:" in made.passwd
    assert f"\naciml1:x:{UID}:\n" in made.group


def test_an_id_that_the_base_has_named_keeps_its_name() -> None:
    named = Accounts(DEBIAN.passwd + f"app:x:{UID}:{UID}::/app:/bin/sh\n", DEBIAN.group + f"app:x:{UID}:\n")

    assert named.with_service_user() == named


@pytest.mark.parametrize(
    ("user", "ids"),
    [
        ("www-data", (33, 33)),
        ("www-data:staff", (33, 50)),
        ("33", (33, 33)),
        ("33:50", (33, 50)),
        ("4321", (4321, 0)),
        ("4321:8", (4321, 8)),
        ("nobody-here", None),
        ("www-data:nobody-here", None),
        ("1000680000:0", (1000680000, 0) if 1000680000 <= 8**7 - 1 else None),
    ],
)
def test_ids_are_those_that_an_engine_takes(user: str, ids: tuple[int, int] | None) -> None:
    assert DEBIAN.ids_of(user) == ids


@pytest.mark.parametrize(
    ("user", "root"), [("", True), ("0", True), ("root", True), ("0:0", True), ("root:staff", True), ("33", False)]
)
def test_who_is_root(user: str, *, root: bool) -> None:
    assert is_root(user) is root


def test_this_machine_reads_its_own_files_so() -> None:
    here = Accounts(Path("/etc/passwd").read_text(), Path("/etc/group").read_text())
    for one in pwd.getpwall():
        assert here.ids_of(one.pw_name) in {(other.pw_uid, other.pw_gid) for other in pwd.getpwall()}
    assert here.ids_of(f"0:{grp.getgrgid(0).gr_name}") == (0, 0)
    assert subprocess.run(["id", "-u", "root"], capture_output=True, check=True).stdout.strip() == b"0"
