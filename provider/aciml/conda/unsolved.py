"""Why no environment satisfies a conda file: which lines, what there is instead, and what to write.

The solver tells one way in which it failed, and blames whatever it tried last. Here the question is asked again: what
of the file does no channel have, and if they have all of it, which lines are the fewest that cannot be met together.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ..core.condafile import CondaFile
from ..core.condaspec import channel_of, name_of
from ..core.errors import UserError
from ..core.limits import Limits
from ..core.meant import either, meant
from .channels import redacted

if TYPE_CHECKING:
    from rattler import RepoDataRecord

    Records = dict[str, list[RepoDataRecord]]

_SHOWN_VERSIONS = 5
_SHOWN_LINES = 12  # of the solver's reason
_MOST_QUESTIONS = 40  # solves; one takes a tenth of a second to some seconds, with the channels' data at hand
_OTHERS = ("win-64", "osx-arm64", "osx-64", "linux-aarch64")
_NONE = ", for which no candidates were found"
_NO_CANDIDATES = re.compile(rf"([A-Za-z0-9_][\w.-]*) [^\n]*?{_NONE}")
_VIRTUAL = re.compile(r"\b__[a-z0-9_]+")
_FOR_WINDOWS = frozenset(
    (
        "vc", "vs2015_runtime", "vc14_runtime", "ucrt", "pywin32", "wincertstore", "winpty", "m2w64-gcc-libs",
        "msys2-conda-epoch", "menuinst", "console_shortcut", "pywinpty", "win_inet_pton", "icc_rt",
    )
)  # fmt: skip
"""What ``conda env export`` writes on Windows, also where a channel for it is not asked."""


@dataclass(frozen=True)
class Question:
    """What can be asked of the channels; each may raise what the solver raises, an outage or that it is stopped."""

    solve: Callable[[Sequence[str]], dict[str, str] | str]
    """Name to version of what satisfies some specs; the solver's reason if nothing does."""
    records: Callable[[Sequence[str]], Records]
    """All that the channels have of some names, in their order."""
    names: Callable[[], Sequence[str]]
    """All names that the channels have."""
    elsewhere: Callable[[Sequence[str], Sequence[str]], Records]
    """The same as ``records``, of other platforms."""
    url_of: Callable[[str], str]
    """The URL of a channel, as records have it."""


def unsolved(file: CondaFile, reason: str, limits: Limits, channels: Sequence[str], ask: Question) -> UserError:
    """Return the error for a file that cannot be solved.

    Args:
        file: what was asked for.
        reason: what the solver said.
        limits: what packages it may choose from.
        channels: names of the channels that were searched.
        ask: answers further questions.
    """
    searched = f"(searched: {', '.join(channels)})"
    lacking = [*_not_there(file, limits, channels, ask)]
    if lacking:
        more = "\n".join(f"  {line}" for line in lacking)
        return UserError(f"no environment satisfies the conda file:\n{more}", f"mend these lines {searched}")
    told = [*_conflicts(file, ask)] or [_trimmed(reason)]
    if virtual := _virtual(reason + "\n".join(told), limits):
        return UserError("no environment satisfies the conda file:\n" + "\n".join(told), virtual)
    advice = f"loosen a version or add a channel {searched}"
    return UserError("no environment satisfies the conda file:\n" + "\n".join(told), advice)


def _not_there(file: CondaFile, limits: Limits, channels: Sequence[str], ask: Question) -> Iterator[str]:
    """Tell of each line that no channel can meet by itself."""
    names = list(dict.fromkeys(map(name_of, file.specs)))
    found = ask.records(names)
    # other platforms only for these: each is a channel's data of many megabytes
    missing = [name for name in names if not found.get(name)]
    others = ask.elsewhere(missing, _OTHERS) if missing else {}
    for spec in file.specs:
        name, place = name_of(spec), f"{file.at(spec)}: "
        if name in missing:
            yield f"{place}{_of_no_channel(name, channels, others.get(name, []), ask)}"
        elif why := _of_no_version(spec, found[name], limits, ask):
            yield f"{place}{why}"


def _of_no_channel(name: str, channels: Sequence[str], others: Sequence[RepoDataRecord], ask: Question) -> str:
    platforms = list(dict.fromkeys(str(record.subdir) for record in others))
    windows = name in _FOR_WINDOWS or platforms == ["win-64"]
    if platforms or windows:
        where = "Windows" if windows else either(platforms)
        return f'"{name}" is there for {where} alone, and images are for linux-64; remove the line'
    near = meant(name, ask.names(), 0.8)
    what = f'"{name}" is in no channel: {", ".join(channels)}'
    advice = f'did you mean "{near}"?' if near else 'if it is a package of PyPI, put it below "- pip:"'
    return f"{what}; {advice}"


def _of_no_version(spec: str, records: Sequence[RepoDataRecord], limits: Limits, ask: Question) -> str:
    from rattler import MatchSpec

    # without the channel: whether another channel has it is a question of its own, below
    wanted = MatchSpec(spec.rpartition("::")[2])
    matching = [record for record in records if wanted.matches(record)]
    cutoff = limits.cutoff()
    # a record without a time is never too new: some mirrors drop it
    in_time = [record for record in matching if not (cutoff and record.timestamp and record.timestamp > cutoff)]
    if matching and not in_time:
        return f'"{spec}" is there, but newer than exclude_newer ({limits.exclude_newer})'
    named = channel_of(spec)
    if named and matching and not any(str(record.channel).rstrip("/") == ask.url_of(named) for record in in_time):
        return f'"{spec}" is not in channel {named}; another channel of the file has it: remove "{named}::"'
    if matching:
        return ""
    by_version = [record for record in records if MatchSpec(_without_build(spec)).matches(record)]
    if by_version:
        builds = list(dict.fromkeys(str(record.build) for record in by_version))
        return f'"{spec}": there is no such build of it; there are {_listed(builds)}'
    # by conda's order of versions and not as texts: 1.10 is newer than 1.9
    ordered = sorted(records, key=lambda one: one.version, reverse=True)
    versions = list(dict.fromkeys(str(record.version) for record in ordered))
    return f'"{spec}": there is no such version; there are {_listed(versions)}'


def _without_build(spec: str) -> str:
    text = spec.rpartition("::")[2]
    text = re.sub(r',?\bbuild(_number)?="[^"]*"', "", text).replace("[,", "[").replace("[]", "")
    if "[" in text:
        return text
    head, *build = text.split(" ")
    if build:
        return " ".join([head, *build[:1]]) if len(build) > 1 else text
    found = re.fullmatch(r"([^=<>!~]*)(==|=)([^=,|]+)=[^=,|]+", text)
    return f"{found[1]}{found[2]}{found[3]}" if found else text


def _listed(texts: Sequence[str]) -> str:
    more = len(texts) - _SHOWN_VERSIONS
    return ", ".join(texts[:_SHOWN_VERSIONS]) + (f" and {more} more" if more > 0 else "")


def _conflicts(file: CondaFile, ask: Question) -> Iterator[str]:
    """Tell of the fewest lines that cannot be met together, and what each of them stands in the way of."""
    left, asked = list(file.specs), 0
    known: dict[tuple[str, ...], dict[str, str] | str] = {}

    def solve(specs: Sequence[str]) -> dict[str, str] | str:
        nonlocal asked
        # in the file's order, so that the same question in another order is known
        key = tuple(spec for spec in file.specs if spec in specs)
        if key not in known:
            asked += 1
            known[key] = ask.solve(key)
        return known[key]

    # a file may have several conflicts: those lines are taken out, and the rest is asked again
    while isinstance(solve(left), str) and asked < _MOST_QUESTIONS:
        core = fewest([], left, lambda specs: isinstance(solve(specs), str))
        reason = solve(core)
        yield from _told(file, core, str(reason), ask, solve)
        left = [spec for spec in left if spec not in core]
        if not left:
            return


def fewest(
    held: list[str], given: list[str], fails: Callable[[list[str]], bool], *, just_held: bool = False
) -> list[str]:
    """Return the fewest of ``given`` that fail with ``held``.

    Source: U. Junker, "QuickXPlain: Preferred Explanations and Relaxations for Over-Constrained Problems", 2004: a few
    questions for each line that is at fault, whatever the number of all lines.
    """
    # what is held fails already, so nothing of the given is needed; asked only if the held has grown since
    if just_held and fails(held):
        return []
    if len(given) == 1:
        return given
    middle = len(given) // 2
    first, second = given[:middle], given[middle:]
    of_second = fewest(held + first, second, fails, just_held=True)
    of_first = fewest(held + of_second, first, fails, just_held=bool(of_second))
    return [*of_first, *of_second]


def _told(
    file: CondaFile,
    core: list[str],
    reason: str,
    ask: Question,
    solve: Callable[[Sequence[str]], dict[str, str] | str],
) -> Iterator[str]:
    if len(core) == 1:
        yield f'  {file.at(core[0])}: "{core[0]}" cannot be met:'
    else:
        yield f"  these {len(core)} lines cannot be met together:"
        for spec in core:
            # the fewest lines that fail: without any of them the others can be met, which shows what this one stands in
            # the way of
            rest = solve([one for one in core if one != spec])
            version = "" if isinstance(rest, str) else rest.get(name_of(spec), "")
            yield f'    {file.at(spec)}: "{spec}"' + (f" (without it: {version})" if version else "")
    yield from (f"    {row}" for row in _named(_trimmed(reason), file, core, ask).splitlines())


def _named(reason: str, file: CondaFile, core: Sequence[str], ask: Question) -> str:
    """Say for what of the solver's "no candidates" it is a line of the file, or that no channel has it at all."""
    asked = {name_of(spec): spec for spec in core}
    names = {found[1] for found in _NO_CANDIDATES.finditer(reason) if not found[1].startswith("__")}
    others = sorted(names - asked.keys())
    there = ask.records(others) if others else {}

    def told(found: re.Match[str]) -> str:
        name, what = found[1], found[0].removesuffix(_NONE)
        if name in asked:
            return f'{what}, which "{asked[name]}" of {file.at(asked[name])} does not allow'
        if name in names and not there.get(name):
            return f"{what}, and {name} is in no channel"
        newest = sorted(there.get(name, ()), key=lambda one: one.version, reverse=True)
        if versions := list(dict.fromkeys(str(one.version) for one in newest)):
            return f"{what}, and there are {_listed(versions)}"
        return found[0]

    return _NO_CANDIDATES.sub(told, reason)


def _virtual(text: str, limits: Limits) -> str:
    """Return what to do if a property of the machine is what lacks, such as a GPU."""
    known = limits.facts()
    for name in dict.fromkeys(_VIRTUAL.findall(text)):
        if name == "__cuda" and name not in known:
            return 'packages for a GPU are asked for; say which CUDA it has, by virtual_packages: {__cuda: "12.4"}'
        if name in ("__win", "__osx"):
            return f"a package is for {'Windows' if name == '__win' else 'macOS'} alone; images are for linux-64"
        if name == "__archspec":
            cpu = known[name][1] if name in known else "x86_64"
            return (
                f'images are for the CPU {cpu}; if it has more, say so: virtual_packages: {{__archspec: "x86_64_v3"}}'
            )
        if name == "__glibc":
            return f"the base image has glibc {known[name][0]}; take a newer base image, or an older version"
        if name not in known:
            return f'if the machine has it, say so by virtual_packages: {{{name}: "1"}}'
    return ""


def _trimmed(text: str) -> str:
    """Keep the first lines of the solver's tree."""
    text = redacted(text).removeprefix("Cannot solve the request because of: ")
    rows = [row.rstrip().rstrip(".") for row in text.splitlines() if row.strip()]
    return "\n".join(rows[:_SHOWN_LINES] + (["..."] if len(rows) > _SHOWN_LINES else []))
