"""The user that a service runs as: which one, and its lines in the files that name users.

Source: passwd(5), group(5); image-spec 1.1, config.md (``User`` is a name or a number, and so is its group).
"""

from __future__ import annotations

from .layer import HIGHEST_ID
from .lean import lean

NAME = "aciml"
UID = 10001
"""High enough to be nobody's in the usual bases: packages of systems take ids below 1000, people those from there."""

HOME = f"/home/{NAME}"
_SHELL = "/bin/sh"


@lean(frozen=True)
class Accounts:
    """The texts of ``/etc/passwd`` and ``/etc/group``; empty where an image has none."""

    passwd: str = ""
    group: str = ""

    def with_service_user(self) -> Accounts:
        """Return them with a line for the user that services run as; a line that is there already stays as it is.

        ``getpwuid``, ``whoami`` and what asks for a home (``Path.home()`` without ``HOME``, ssh, git) look there.
        """
        passwd = _with_root(self.passwd, "root:x:0:0:root:/root:/bin/sh\n")
        group = _with_root(self.group, "root:x:0:\n")
        if not _line_of(passwd, str(UID)):
            passwd += f"{_free(passwd)}:x:{UID}:{UID}:runs the scoring service:{HOME}:{_SHELL}\n"
        if not _line_of(group, str(UID)):
            group += f"{_free(group)}:x:{UID}:\n"
        return Accounts(passwd, group)

    def ids_of(self, user: str) -> tuple[int, int] | None:
        """Return uid and gid of an image's ``User``; None if its name is not here, or its id is too high for a tar."""
        name, _, said = user.partition(":")
        line = _line_of(self.passwd, name) or _named(self.passwd, name)
        uid = name if name.isdigit() else line[2] if line else ""
        # a user without a group has that of its line, else root's (config.md)
        gid = said or (line[3] if line else "0")
        if not gid.isdigit():
            of_group = _named(self.group, gid)
            gid = of_group[2] if of_group else ""
        known = uid.isdigit() and gid.isdigit() and max(int(uid), int(gid)) <= HIGHEST_ID
        return (int(uid), int(gid)) if known else None


def is_root(user: str) -> bool:
    """Tell whether an image's ``User`` is root; an empty one is."""
    return user.partition(":")[0] in ("", "root", "0")


def _with_root(text: str, root: str) -> str:
    """A file that has no lines at all would leave root without a name; one without an end gets that first."""
    return root if not text.strip() else text if text.endswith("\n") else text + "\n"


def _lines(text: str) -> list[list[str]]:
    return [parts for line in text.splitlines() if len(parts := line.split(":")) > 3]


def _line_of(text: str, number: str) -> list[str] | None:
    return next((parts for parts in _lines(text) if parts[2] == number), None)


def _named(text: str, name: str) -> list[str] | None:
    return next((parts for parts in _lines(text) if parts[0] == name), None)


def _free(text: str) -> str:
    """Return our name, or the next that nobody has."""
    taken = {parts[0] for parts in _lines(text)}
    return next(name for number in range(100) if (name := NAME + (str(number) if number else "")) not in taken)
