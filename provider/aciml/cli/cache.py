"""``aciml cache``: what the cache of this machine holds (show), what should go (prune), whether it is whole (check)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ..blobs.presence import Presence, living
from ..blobs.prune import KINDS, Entry, Wish, choose, prune, read_entries, remove_damaged
from ..settings import Settings, read_size
from .exit_code import ExitCode
from .terminal import Terminal, json_option, say

if TYPE_CHECKING:
    from ..blobs.catalog import Catalog

_DAY = 86400.0
_SUCH = {"size": "5GB", "time": "30d or 12h"}
_AGES = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": _DAY, "w": 7 * _DAY}


class _Measure(click.ParamType[float]):
    """A size or a time as one writes it on a command line."""

    def __init__(self, name: str, read: Callable[[str], float]) -> None:
        self.name, self._read = name, read

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        try:
            return self._read(value)
        except ValueError:
            self.fail(f'"{value}" is no {self.name}; write one such as {_SUCH[self.name]}', param, ctx)


def _age(text: str) -> float:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhdw])", text.strip())
    if not found:
        raise ValueError(text)
    return float(found[1]) * _AGES[found[2]]


@click.group("cache")
def command() -> None:
    """Show, prune or check this machine's cache.

    The folder is ACIML_CACHE. After a build the cache is brought down to ACIML_CACHE_SIZE (20GB without it), least
    recently used first. What a running process may need always stays. All of it can be made again: it costs time.
    """


@command.command("show")
@json_option
def _show(*, as_json: bool) -> None:
    """Say where it is and what it holds."""
    settings = Settings.read()
    entries, others = read_entries(settings.cache), living(settings.cache)
    # by the rule of a prune itself, so that it does what is shown here
    gone = choose(entries, Wish(settings.cache_size), others.values(), datetime.now(UTC).timestamp())
    kinds = [(kind, [entry for entry in entries if entry.kind == kind]) for kind in KINDS]
    facts: dict[str, Any] = {
        "folder": str(settings.cache),
        "size": sum(entry.size for entry in entries),
        "limit": settings.cache_size,
        "kinds": {kind: _facts(found) for kind, found in kinds},
        "catalog": sum(path.stat().st_size for path in settings.cache.glob("catalog.sqlite*")),
        "processes": len(others),
        "prunable": sum(entry.size for entry in gone),
    }
    if as_json:
        say(json.dumps(facts, indent=2))
        return
    limit = "no limit" if settings.cache_size is None else f"limit {_shown(settings.cache_size)}"
    say(f"{settings.cache}: {_shown(facts['size'])} ({limit}), used by {len(others)} processes now")
    for kind, found in facts["kinds"].items():
        ages = f", used from {found['oldest'][:10]} to {found['newest'][:10]}" if found["entries"] else ""
        say(f"{kind:>13}: {found['entries']:>5} entries, {_shown(found['size'])}{ages}")
    say(f"{'catalog':>13}: {_shown(facts['catalog'])}")
    say(f"aciml cache prune would remove {_shown(facts['prunable'])}")


def _facts(entries: list[Entry]) -> dict[str, Any]:
    times = [datetime.fromtimestamp(entry.used, UTC).isoformat(timespec="seconds") for entry in entries]
    span = {"oldest": times[0], "newest": times[-1]} if times else {"oldest": None, "newest": None}
    return {"entries": len(entries), "size": sum(entry.size for entry in entries), **span}


@command.command("prune")
@click.option("--size", type=_Measure("size", read_size), help="Leave at most this, such as 5GB.")
@click.option(
    "--older", type=_Measure("time", _age), help="Remove what was not used for this time, such as 30d or 12h."
)
@click.option("--all", "everything", is_flag=True, help="Remove all that no running process may need.")
@json_option
def _prune(size: int | None, older: float | None, *, everything: bool, as_json: bool) -> None:
    """Remove what was not used for long; without options: down to ACIML_CACHE_SIZE.

    Records of packages, channel data and the catalog of layers are small; they go only with --older or --all.
    """
    settings = Settings.read()
    wish = Wish(size, older, everything)
    if wish == Wish():
        wish = Wish(settings.cache_size)
    presence = Presence.of(settings.cache)
    done = prune(settings.cache, wish, mine=presence.token, progress=Terminal())
    # not while others are at work: they go on with rows that they have read
    if everything and set(living(settings.cache)) <= {presence.token}:
        with _catalog(settings.cache) as catalog:
            catalog.forget_all()
    if as_json:
        say(json.dumps({"entries": done.entries, "freed": done.size, "left": done.left, "busy": done.busy}))
        return
    say(f"{done.entries} entries removed, {_shown(done.size)}; {_shown(done.left)} left")
    if done.busy:
        say(f"{_shown(done.busy)} may be needed by a running process")


@command.command("check")
@json_option
def _check(*, as_json: bool) -> int:
    """Hash every blob, wheel and file of a package, and remove what is damaged; it is made again when needed.

    Ends with 1 if there was something.
    """
    cache, progress = Settings.read().cache, Terminal()
    presence = Presence.of(cache)
    damaged = []
    entries = read_entries(cache)
    for number, entry in enumerate(entries, 1):
        progress.say(f"{number} of {len(entries)}: {entry.kind} {entry.path.name}")
        if not _is_whole(entry):
            remove_damaged(cache, entry.path)
            damaged.append(entry)
    with _catalog(cache) as catalog:
        catalog.verify()
    # until all is hashed: a clean-up of others leaves what is used while this process is alive (decisions/clean-up.md)
    del presence
    if as_json:
        say(json.dumps({"entries": len(entries), "damaged": [[one.kind, one.path.name] for one in damaged]}))
    else:
        for entry in damaged:
            say(f"damaged and removed: {entry.kind} {entry.path.name}")
        say(f"{len(entries)} entries hashed, {len(damaged)} damaged")
    return ExitCode.FAILED if damaged else ExitCode.DONE


def _is_whole(entry: Entry) -> bool:
    """Hash an entry; one that somebody removes meanwhile is not damaged."""
    from ..blobs.store import file_digest
    from ..conda.kept import is_whole

    try:
        if entry.kind == "blobs":
            return file_digest(entry.path) == entry.path.name
        if entry.kind == "wheels":
            wheels = [path for path in entry.path.iterdir() if not path.name.startswith(".")]
            return all(file_digest(path) == entry.path.name for path in wheels)
        if entry.kind == "records":
            return bool(json.loads(entry.path.read_text(encoding="utf-8"))["sha256"] == entry.path.stem)
        # channel data belong to the solver's library, and nothing says what is whole of them
        return entry.kind != "packages" or is_whole(entry.path) or not entry.path.exists()
    except FileNotFoundError:
        return True
    except (ValueError, LookupError, TypeError):
        return False


def _catalog(cache: Path) -> Catalog:
    # here and not above: to show the help no database is needed
    from ..blobs.catalog import Catalog

    return Catalog(cache / "catalog.sqlite")


def _shown(size: int) -> str:
    # by thousands, as the sizes that one gives: 5GB is 5 000 000 000
    return f"{size / 1e9:.1f} GB" if size >= 10**9 else f"{size / 1e6:.1f} MB"
