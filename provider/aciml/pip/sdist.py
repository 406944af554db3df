"""Which source distribution of an index stands for a package that has no wheel."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.pylock import Pylock

from ..core.errors import UserError
from ..core.pip_package import PipPackage
from .accounts import Account, clean_url, realm_of
from .from_source import SourceWheels
from .lines import Line, without_account
from .named_file import named_file, sha256_of
from .requirement import name_of_line, spaced
from .sourced import OF_INDEX
from .uv import run_uv


@dataclass(frozen=True)
class Asked:
    """What is asked of uv: the lines, versions that are pinned, its arguments, accounts of its indexes."""

    lines: Sequence[Line]
    pinned: Mapping[str, str]
    arguments: list[str]
    accounts: Mapping[str, Account]


def distribution_of(name: str, asked: Asked, work: Path, folder: Path, sources: SourceWheels) -> PipPackage | None:
    """Return the source distribution that uv would take of a package; None if there is none.

    uv reads no more than the index's page for it: without its requirements nothing of the package is run.
    """
    alone = work / "alone"
    alone.mkdir(exist_ok=True)
    wanted = [f"{name}=={asked.pinned[name]}"] if name in asked.pinned else _wanted_of(name, asked.lines)
    options = [spaced(line.text) for line in asked.lines if OF_INDEX.match(spaced(line.text))]
    (alone / "pip.in").write_text("\n".join([*options, *wanted]) + "\n", encoding="utf-8")
    arguments = [one.replace(f"{work}/pylock", f"{alone}/pylock") for one in asked.arguments]
    only = arguments.index("--only-binary")
    quiet = [*arguments[:only], *arguments[only + 2 :], "--no-deps"]
    try:
        run_uv(
            _without_constraints(quiet),
            lines=alone / "pip.in",
            folder=folder,
            settings=sources.settings,
            progress=sources.progress,
            provided=(),
        )
    except UserError:
        return None  # the first answer says more
    lock = alone / "pylock.toml"
    found = Pylock.from_dict(tomllib.loads(lock.read_text(encoding="utf-8"))).packages
    package = next((one for one in found if one.name == name), None)
    if package is None or package.sdist is None or package.version is None:
        return None
    file = named_file(package.sdist.filename, package.sdist, lock)
    url = clean_url(file.url)
    digest, account = sha256_of(file), asked.accounts.get(realm_of(url))
    return PipPackage(name, str(package.version), file.name, digest, url, file.size, account)


def _without_constraints(arguments: Sequence[str]) -> list[str]:
    """Leave out the files of constraints: one package is looked for, whatever else there is."""
    kept: list[str] = []
    rest = iter(arguments)
    for one in rest:
        if one == "--constraint":
            next(rest)
        else:
            kept.append(one)
    return kept


def _wanted_of(name: str, lines: Sequence[Line]) -> list[str]:
    """Return what the lines say of a package's versions; its name alone if only another package asks for it."""
    found = [text for line in lines if name_of_line(text := without_account(line.text)) == name]
    return [re.sub(r"\s--hash[= ].*", "", text) for text in found] or [name]
