"""Packages of Debian and Ubuntu whose installation asks questions that apt's -y does not answer.

Sources: debconf(7), DEBIAN_FRONTEND; Microsoft, "Install the Microsoft ODBC driver for SQL Server (Linux)" for
ACCEPT_EULA.
"""

from __future__ import annotations

from collections.abc import Iterator

from .lint_memory import Memory
from .lint_rules import Fault, warning, words_of
from .lint_tools import command_of
from .shell import Command

_ASK = words_of(
    "keyboard-configuration krb5-user postfix iptables-persistent slapd wireshark-common console-setup nslcd"
)
_EULA = words_of("msodbcsql msodbcsql17 msodbcsql18 mssql-tools mssql-tools18 ttf-mscorefonts-installer mssql-server")


def questions_of_packages(command: Command, memory: Memory) -> Iterator[Fault]:
    """Tell of packages that ask, one a command."""
    name, verb = command_of(command)
    if name not in {"apt", "apt-get"} or verb is None or verb.value != "install":
        return
    for word in command.words:
        package = (word.value or "").partition("=")[0]
        if word.at <= verb.at:
            continue
        if package in _EULA and not memory.licensed:
            why = f"{package} is installed only if its licence is accepted"
            yield warning("apt-no-yes", word.at, why, "write ACCEPT_EULA=Y before apt-get install")
            return
        if package in _ASK | memory.base.asks and not memory.quiet:
            why = f"{package} asks a question that -y does not answer, and a build may wait there for ever"
            yield warning("apt-no-yes", word.at, why, "write ENV DEBIAN_FRONTEND=noninteractive before, or ARG")
            return
