"""Where files of v1 are read: what they name is looked at through ``Look``, what is given and what is wrong is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath, PureWindowsPath
from typing import Any, Protocol

from ..errors import UserError
from .keys import Fate, Kind
from .reading import Reading, Said
from .tree import Value


class Unreadable(UserError):
    """A file that is there cannot be read."""


class Look(Protocol):
    """Sees files; paths are relative to where the caller is."""

    def read(self, path: PurePath) -> str:
        """Return a file's text.

        Raises:
            Unreadable: it cannot be read, or is no text.
        """

    def is_file(self, path: PurePath) -> bool:
        """Tell whether there is a file."""

    def is_folder(self, path: PurePath) -> bool:
        """Tell whether there is a folder."""


@dataclass(frozen=True)
class Given:
    """A value for an argument, by its path; ``where`` and ``key`` say which key of which file it is from.

    A ``PurePath`` in ``value`` is relative to where the caller is. ``cloud`` is what a cloud gets instead, if it does
    not take the value.
    """

    argument: str
    value: Any = field(repr=False)
    where: str = ""
    key: str = ""
    secret: bool = False
    cloud: float | None = None


@dataclass
class Desk:
    """Keeps arguments for environment and service; ``roots`` are folders that paths are relative to, in order."""

    look: Look
    roots: tuple[PurePath, ...]
    reading: Reading = field(default_factory=Reading)
    environment: list[Given] = field(default_factory=list)
    service: list[Given] = field(default_factory=list)

    def take(self, into: list[Given], said: Mapping[str, Said], name: str) -> None:
        """Take a value for the argument that its key names; that of a path is where the file is."""
        if (given := said.get(name)) is None:
            return
        argument, value = given.key.to.partition(".")[2], given.value.bare()
        if given.key.kind is Kind.PATH:
            value = self.file(given, self.roots)
        elif given.key.kind is Kind.TEXT:
            value = given.text
        elif given.key.kind is Kind.TRUTH:
            value = given.value.truth()
        elif given.key.kind is Kind.TEXTS:
            value = {key: text_of(one) for key, _, one in given.value.pairs()}
        # both configs have a description: that of the service counts
        into[:] = [one for one in into if one.argument != argument]
        into.append(Given(argument, value, given.where, given.key.path, secret=given.key.secret))

    def pass_over(self, said: Said, why: str, prefix: str = "", *, told: bool = True) -> None:
        """Say that a key which says something is not used."""
        self.reading.note(said, Fate.NOT_GIVEN, "", why, prefix=prefix, told=told)

    def file(self, given: Said, homes: tuple[PurePath, ...]) -> PurePath | None:
        """Return where a file is that a key names; None, and a finding, if it is nowhere."""
        found = self.found(given.text, homes)
        if found is None:
            why = f"{self.tried(given.text, homes)} does not exist"
            elsewhere = None if homes == self.roots else self.found(given.text, self.roots)
            hint = f"; {elsewhere} does, but v1 took it relative to sourceDirectory" if elsewhere else ""
            self.reading.fault(given.where, given.key.path, why + hint)
        return found

    def found(self, text: str, homes: tuple[PurePath, ...]) -> PurePath | None:
        """Return the first file of that path below the folders."""
        return next((home / posix(text) for home in homes if self.look.is_file(home / posix(text))), None)

    def tried(self, text: str, homes: tuple[PurePath, ...]) -> str:
        """Name the places where a path was looked for."""
        return " or ".join(dict.fromkeys(str(home / posix(text)) for home in homes))

    def text(self, path: PurePath, where: str, key: str) -> str | None:
        """Return a file's text; None, and a finding, if it cannot be read."""
        try:
            return self.look.read(path)
        except Unreadable as error:
            self.reading.fault(where, key, str(error))
            return None


def posix(text: str) -> str:
    r"""Return a path as it is written here; half of v1's users were on Windows and wrote ``.\\src``."""
    return PureWindowsPath(text).as_posix() if "\\" in text else text


def text_of(value: Value) -> str:
    """Return a scalar as the text of a variable or tag, as it is written."""
    if isinstance(value.data, bool):
        return value.plain or str(value.data).lower()
    return "" if value.data is None else value.plain or str(value.data)
