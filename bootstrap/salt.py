"""Keep the salt that Pulumi writes into a stack's config out of the files that git knows.

The salt belongs to the passphrase of this checkout. Pulumi keeps it in the state as well and finds it there again, as
``machine.environment`` asks of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from .cache import PROJECT, write_whole
from .machine import STATE

CONFIG = PROJECT / "stacks/Pulumi.local.yaml"
SALT = "encryptionsalt"


@contextmanager
def salt_taken_out(env: Mapping[str, str], config: Path = CONFIG) -> Iterator[None]:
    """After the block, take the salt out of the file of the stack ``local``; what else was changed there stays.

    ``pulumi stack rm`` removes the file with the stack; it is put back, as it belongs to the project.
    With a backend of the user's own nothing is done: a team shares the salt of its passphrase by that file.
    """
    ours = env.get("PULUMI_BACKEND_URL") == STATE.as_uri()
    before = config.read_text(encoding="utf-8") if ours and config.exists() else ""
    try:
        # also after a run that failed or was stopped: the CLI writes the salt when it begins
        yield
    finally:
        if ours and not config.exists() and before:
            write_whole(config, _without_salt(before))
        elif ours and config.exists():
            take_salt_out(config, before)


def take_salt_out(config: Path, before: str) -> None:
    """Remove the salt; a file that says what it said before gets its old text again, as the CLI lays files out anew."""
    after = config.read_text(encoding="utf-8")
    plain = _without_salt(before if _values(before) == _values(after) else after)
    if plain != after:
        write_whole(config, plain)


def _without_salt(text: str) -> str:
    return "".join(line for line in text.splitlines(keepends=True) if not line.startswith(f"{SALT}:"))


def _values(text: str) -> dict[str, Any] | None:
    """Return what the file says, but for the salt; None if it is no mapping."""
    try:
        found = YAML(typ="safe", pure=True).load(text)
    except YAMLError:
        return None
    return {key: value for key, value in found.items() if key != SALT} if isinstance(found, dict) else None
