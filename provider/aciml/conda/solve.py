"""From wishes to packages: rattler's solver for linux-64, whatever machine this is."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from ..core.conda_lock import CondaLock, LockedPackage, LockLine
from ..core.condafile import CondaFile
from ..core.condaspec import channel_of
from ..core.errors import OutageError, UserError
from ..core.limits import Limits
from ..core.progress import Progress
from ..settings import Settings
from .channels import canonical_url, channel_name, channel_url, redacted
from .client import channel_client
from .records import RecordCache
from .run import run
from .unsolved import Question, unsolved

if TYPE_CHECKING:
    from rattler import Gateway, RepoDataRecord
    from rattler.platform.subdir import SubdirLiteral
    from rattler.virtual_package import GenericVirtualPackage

    Found = dict[str, list[tuple[RepoDataRecord, LockedPackage]]]

# images are for linux-64, whatever machine solves
PLATFORMS: tuple[SubdirLiteral, ...] = ("linux-64", "noarch")


def solve(
    file: CondaFile, *, glibc: str = "", settings: Settings, progress: Progress, limits: Limits | None = None
) -> CondaLock:
    """Find the packages of an environment.

    Args:
        file: what is wished for.
        glibc: version of the C library in the base image, such as ``2.31``; short for ``Limits(glibc)``.
        settings: mirrors, certificates and where repodata is cached.
        progress: told what happens, asked whether to stop.
        limits: C library, virtual packages, and the time that counts.

    Raises:
        UserError: no set of packages satisfies the file; the solver's reason is in the message.
        OutageError: a channel does not answer.
    """
    from rattler.exceptions import SolverError

    within = limits or Limits(glibc)
    # before anything is asked: a channel without an address ends it here
    urls = _sources(file, settings)
    progress.say(f"solving {len(file.specs)} packages from {', '.join(urls)}")
    asked = _Asked(urls, within, settings, progress)
    with _explained(urls):
        try:
            records = asked.solved(file.specs)
        except SolverError as error:
            progress.say("looking for the lines that cannot be met")
            raise unsolved(file, asked.said(error), within, list(urls), asked.questions()) from error
    lock = CondaLock.of([_locked(record, urls) for record in records])
    # so that the update after this preview asks no channel
    RecordCache(settings).put(lock.packages)
    return lock


class _Asked:
    """The channels of a file, asked with one gateway: it remembers what it has read."""

    def __init__(self, urls: dict[str, str], limits: Limits, settings: Settings, progress: Progress) -> None:
        self._names, self._urls = list(urls), list(urls.values())
        self._limits, self._settings, self._progress = limits, settings, progress
        # one a solve: what it has read of repodata would otherwise be kept for the plugin's life
        self._gateway = _gateway(settings)

    def solved(self, specs: Sequence[str]) -> list[RepoDataRecord]:
        from rattler import ChannelPriority, MatchSpec, solve

        return run(
            lambda: solve(
                list(self._urls),
                # not strict: `python=3.8.*` is what conda takes; what is wrong was found when the file was read
                [MatchSpec(_placed(spec, self._settings)) for spec in specs],
                gateway=self._gateway,
                platforms=list(PLATFORMS),
                virtual_packages=_virtual_packages(self._limits),
                # a package is of the first channel that has it at all (conda, "Managing channels")
                channel_priority=ChannelPriority.Strict,
                exclude_newer=self._limits.cutoff(),
            ),
            self._settings,
            self._progress,
        )

    def said(self, error: Exception) -> str:
        """Return the solver's reason, with channels by their names: where they are on this machine concerns nobody."""
        text = str(error)
        # names as the user wrote them, in the solver's own sentences
        for name, url in zip(self._names, self._urls, strict=True):
            text = text.replace(f"{url}/", name).replace(url, name)
        return text

    def questions(self) -> Question:
        from rattler.exceptions import FetchRepoDataError, GatewayError, SolverError

        def solve(specs: Sequence[str]) -> dict[str, str] | str:
            try:
                # "no" is an answer here: the search for the line in the way asks again and again
                return {record.name.normalized: str(record.version) for record in self.solved(specs)}
            except SolverError as error:
                return self.said(error)

        def names() -> list[str]:
            found = run(lambda: self._gateway.names(self._urls, list(PLATFORMS)), self._settings, self._progress)
            return [name.normalized for name in found]

        # packages of other systems are looked for, to say that this one lacks them
        def elsewhere(names: Sequence[str], platforms: Sequence[str]) -> dict[str, list[RepoDataRecord]]:
            try:
                return self._records(names, cast("Sequence[SubdirLiteral]", platforms))
            except (GatewayError, FetchRepoDataError):
                return {}  # a mirror may have nothing but what is needed here

        def records(names: Sequence[str]) -> dict[str, list[RepoDataRecord]]:
            return self._records(names, PLATFORMS)

        return Question(solve, records, names, elsewhere, lambda name: channel_url(name, self._settings))

    def _records(self, names: Sequence[str], platforms: Sequence[SubdirLiteral]) -> dict[str, list[RepoDataRecord]]:
        answers = run(
            # by name: to read all of conda-forge takes many times as long
            lambda: self._gateway.query(self._urls, list(platforms), list(names), recursive=False),
            self._settings,
            self._progress,
        )
        found: dict[str, list[RepoDataRecord]] = {}
        for record in (record for answer in answers for record in answer):
            found.setdefault(record.name.normalized, []).append(record)
        return found


def relock(lines: list[str], file: CondaFile, *, settings: Settings, progress: Progress) -> CondaLock:
    """Find exactly these packages again: on this machine, else in their channels.

    Args:
        lines: from ``CondaLock.lines``.
        file: what was solved; its channels are asked for what this machine does not know.
        settings: see ``solve``.
        progress: see ``solve``.

    Raises:
        UserError: a package is no longer in its channel, or its file there has another content.
        OutageError: a channel does not answer.
    """
    cache = RecordCache(settings)
    wanted = [LockLine.parse(line) for line in lines]
    # by the sha256 of the line, so that what is here is what is meant
    # by name, build and content: a mirror may have another file under the same name
    found = {line: package for line in wanted if (package := cache.get(line))}
    missing = [line for line in wanted if line not in found]
    if missing:
        progress.say(f"asking the channels for {len(missing)} packages")
        found |= _query(missing, file, settings, progress)
        cache.put(found.values())
    return CondaLock.of([found[line] for line in wanted])


def find_packages(channels: Iterable[str], names: list[str], settings: Settings, progress: Progress) -> Found:
    """Return all that channels have of some names, by name, as rattler's records and as ours.

    Raises:
        OutageError: a channel does not answer.
    """
    # the same question as a preview's, so that both find the same
    return _asked({channel_name(name): channel_url(name, settings) for name in channels}, names, settings, progress)


def _asked(urls: dict[str, str], names: list[str], settings: Settings, progress: Progress) -> Found:
    with _explained(urls):
        answers = run(
            # not recursive: what these need is in the lock by itself
            lambda: _gateway(settings).query(list(urls.values()), list(PLATFORMS), names, recursive=False),
            settings,
            progress,
        )
    found: Found = {}
    # without a sha256 nothing could be pinned
    for record in (record for answer in answers for record in answer if record.sha256):
        found.setdefault(record.name.normalized, []).append((record, _locked(record, urls)))
    return found


def _query(
    missing: list[LockLine], file: CondaFile, settings: Settings, progress: Progress
) -> dict[LockLine, LockedPackage]:
    listed = _sources(file, settings)
    # a channel that the conda file has dropped since still has what is in the lock
    urls = {name: listed.get(name) or channel_url(name, settings) for name in {line.channel: 0 for line in missing}}
    names = sorted({line.name for line in missing})
    found = _asked(urls, names, settings, progress)
    # by content: a file of the same name may have been made again
    known = {(package.channel, package.sha256): package for some in found.values() for _, package in some}
    for line in missing:
        if (line.channel, line.sha256) not in known:
            raise UserError(
                f"{line.file_name} is in the lock, but channel {line.channel} no longer has it (sha256 {line.sha256})",
                "change a line of conda.yml so that it is solved again",
            )
    return {line: known[line.channel, line.sha256] for line in missing}


def _locked(record: RepoDataRecord, urls: dict[str, str]) -> LockedPackage:
    """Read a record, with the channel under the name that everyone knows it by."""
    origin = channel_name(str(record.channel))
    # a mirror's URL is this machine's affair: the lock has the channel's own
    names = [name for name, url in urls.items() if origin in (channel_name(url), canonical_url(url))]
    return LockedPackage.of_record(json.loads(record.to_json()), names[0] if names else origin)


def _sources(file: CondaFile, settings: Settings) -> dict[str, str]:
    """Return name and URL of each channel, in order; those that only a spec names come last, as in conda."""
    # a channel of one spec alone comes last: it must not take over what the listed ones have
    named = [*file.channels, *(channel for spec in file.specs if (channel := channel_of(spec)))]
    return {channel_name(name): channel_url(name, settings) for name in dict.fromkeys(named)}


def _placed(spec: str, settings: Settings) -> str:
    """Return the spec with its channel, if it names one, as the URL that is used on this machine."""
    channel = channel_of(spec)
    return f"{channel_url(channel, settings)}::{spec.rpartition('::')[2]}" if channel else spec


def _gateway(settings: Settings) -> Gateway:
    from rattler import Gateway

    # conda's own format of the cache is another one, which other programs write at the same time
    return Gateway(cache_dir=settings.cache / "repodata", client=channel_client())


def _virtual_packages(limits: Limits) -> list[GenericVirtualPackage]:
    from rattler import PackageName, Version
    from rattler.package import BuildString
    from rattler.virtual_package import GenericVirtualPackage

    return [
        GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
        # what the image has below the packages: its C library, and a GPU only if that is said
        for name, (version, build) in limits.facts().items()
    ]


@contextmanager
def _explained(urls: dict[str, str]) -> Iterator[None]:
    """Turn rattler's errors into ours."""
    from rattler.exceptions import FetchRepoDataError, GatewayError, InvalidMatchSpecError

    try:
        yield
    except InvalidMatchSpecError as error:
        # found when the file was read, for all that conda itself would refuse: this is a dependency of a package
        raise UserError(f"a dependency of the conda file is not valid: {error}", "mend the line") from error
    except (GatewayError, FetchRepoDataError) as error:
        name, url = _blamed(str(error), urls)
        # a mirror is somebody's wish, and may be what is wrong
        advice = _advice_for(str(error)) + (
            ", or the mirrors file of this machine" if name in urls and url != name else ""
        )
        raise OutageError(f"channel {name} cannot be read: {_in_one_line(redacted(str(error)))}", advice) from error


def _advice_for(words: str) -> str:
    """Return what to do about a channel, by what rattler says of it."""
    status = re.search(r"HTTP status \w+ error \((\d{3}) ", words)
    code = status[1] if status else ""
    if code in ("401", "403"):
        return "give an account for it (rattler auth login, RATTLER_AUTH_FILE, or ${NAME} in its URL)"
    if code == "429" or code.startswith("5"):
        return "try again in some minutes: the channel itself is at fault, or asks for fewer requests"
    # the page of a login to a network, or of a proxy, is the usual answer that is no channel's
    if any(sign in words for sign in ("failed to decode", "failed to parse", "Unknown frame descriptor")):
        return "that is no channel's answer: check the address, and whether this network wants a login or has a proxy"
    return "check its name in conda.yml, the network and the proxy"


def _blamed(text: str, urls: dict[str, str]) -> tuple[str, str]:
    # by its address, which the message has; several channels may be asked at once
    return next(((name, url) for name, url in urls.items() if url in text), (", ".join(urls), ""))


def _in_one_line(text: str) -> str:
    return ": ".join(row.strip().removeprefix("Caused by: ") for row in text.splitlines() if row.strip())
