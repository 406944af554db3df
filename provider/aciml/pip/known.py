"""What this machine's catalog remembers of wheels: where to get them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

from ..blobs.catalog import AnyCatalog
from ..core.pip_package import PipPackage
from .accounts import accounts_of, clean_url, realm_of
from .lines import read_lines
from .sizes import WHEEL_SIZE, keep_size

_FACT = "wheel"


def remember(catalog: AnyCatalog, packages: Iterable[PipPackage]) -> None:
    """Keep where the wheels are, and how big; no account is written."""
    for package in packages:
        catalog.put_fact(_FACT, package.sha256, text_of(package))
        # what a file was found to have counts more than what an index says
        if package.size and catalog.get_fact(WHEEL_SIZE, package.sha256) is None:
            keep_size(catalog, package.sha256, package.size)


def text_of(package: PipPackage) -> str:
    """Write it for the catalog: an account is asked for anew each time, and is kept nowhere."""
    told = {**asdict(package), "url": clean_url(package.url), "account": None}
    del told["size"]  # a fact of its own; versions before it read this text by its keys
    return json.dumps(told, sort_keys=True)


def forget(catalog: AnyCatalog, packages: Iterable[PipPackage]) -> None:
    """Let the index be asked anew, because a wheel is not where it was."""
    for package in packages:
        catalog.put_fact(_FACT, package.sha256, "")


def recall(
    catalog: AnyCatalog, hashes: list[str], requirements: tuple[str, ...], folder: Path
) -> tuple[PipPackage, ...] | None:
    """Return the wheels of these hashes, or nothing if one is not known here.

    Args:
        catalog: of this machine.
        hashes: sha256 of each wheel, hexadecimal.
        requirements: lines of the ``pip:`` section, for the accounts.
        folder: where conda.yml is.

    Raises:
        UserError: a file that the lines name is missing.
    """
    texts = [catalog.get_fact(_FACT, one) for one in hashes]
    if not all(texts):
        return None
    accounts = accounts_of((line.text for line in read_lines(requirements, folder)), os.environ)
    found = [PipPackage(**json.loads(str(text))) for text in texts]
    return tuple(replace(package, account=accounts.get(realm_of(package.url))) for package in found)
