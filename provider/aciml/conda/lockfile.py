"""A conda lock in a lock file: what is written, what is read back, and whether it is what a conda file asks for."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..core.conda_lock import CondaLock, LockedPackage
from ..core.condafile import CondaFile
from ..core.condaspec import channel_of, name_of
from ..core.errors import UserError
from ..core.limits import Limits
from ..core.lockfile import PLATFORM, LockedWheel, pip_key_in, wheel_sizes_in
from ..settings import Settings
from .channels import canonical_url, channel_name
from .records import rattler_records

if TYPE_CHECKING:
    from rattler import LockFile, MatchSpec, PackageRecord
    from rattler.repo_data.record import RepoDataRecord

_AGAIN = "write it again: aciml lock"


@dataclass(frozen=True)
class ReadLock:
    """What was read; ``pip_key`` is empty in a file that another program wrote."""

    conda: CondaLock
    wheels: tuple[LockedWheel, ...]
    pip_key: str


def conda_records(lock: CondaLock) -> dict[str, Mapping[str, Any]]:
    """Return the channel's record of each package by its canonical URL."""
    return {
        # by its channel's own address: another machine's mirror is no part of a lock
        f"{canonical_url(one.channel)}/{one.subdir}/{one.file_name}": json.loads(one.record_json)
        for one in lock.packages
    }


def channel_urls(file: CondaFile) -> tuple[str, ...]:
    """Return the canonical URLs of a file's channels, those that only a spec names behind them."""
    # a channel that one spec names is asked after those that are listed
    named = [*file.channels, *(channel for spec in file.specs if (channel := channel_of(spec)))]
    return tuple(dict.fromkeys(f"{canonical_url(name)}/" for name in named))


def virtual_lines(limits: Limits) -> tuple[str, ...]:
    """Return virtual packages as a lock file has them."""
    # as conda writes them: name=version=build
    return tuple(f"{name}={version}={build}" for name, (version, build) in limits.facts().items())


def read_lock_file(path: Path) -> ReadLock:
    """Read a lock file of this program, or of another that writes rattler's format.

    Raises:
        UserError: it cannot be read, or has no packages for linux-64.
    """
    from rattler import LockFile
    from rattler.exceptions import ParseCondaLockError

    try:
        text = path.read_text(encoding="utf-8")
        # by rattler also what we have written: what it does not accept is no lock (decisions/lock-file.md)
        file = LockFile.from_path(path)
    except (OSError, UnicodeDecodeError, ParseCondaLockError) as error:
        raise UserError(f"{path} is not a lock file: {error}", _AGAIN) from error
    return _content(file, path, pip_key_in(text), wheel_sizes_in(text))


def _content(file: LockFile, path: Path, key: str, sizes: Mapping[str, int]) -> ReadLock:
    environment = file.default_environment()
    # a lock of another program may have several environments; the default one is meant
    platform = next((one for one in file.platforms() if str(one.subdir) == PLATFORM), None)
    if environment is None or platform is None:
        found = ", ".join(one.name for one in file.platforms())
        raise UserError(f"{path} has no packages for {PLATFORM} (it has {found or 'none'})", _AGAIN)
    # an empty list is a lock without conda packages, and not a fault
    records = environment.conda_repodata_records_for_platform(platform) or []
    wheels = []
    for one in environment.pypi_packages_for_platform(platform) or []:
        # without a hash a wheel cannot be known again
        if one.hashes is None or one.hashes.sha256 is None:
            raise UserError(f"{path} has no sha256 for {one.name}", _AGAIN)
        sha256 = one.hashes.sha256.hex()
        wheels.append(LockedWheel(one.name, one.version, one.location, sha256, sizes.get(sha256, 0)))
    return ReadLock(CondaLock.of([_package(record) for record in records]), tuple(wheels), key)


def _package(record: RepoDataRecord) -> LockedPackage:
    # the URL's last two parts are platform and file
    channel = channel_name(str(record.url).rsplit("/", 2)[0])
    return LockedPackage.of_record(json.loads(record.to_json()), channel)


def unmet(lock: CondaLock, file: CondaFile, limits: Limits, settings: Settings) -> list[str]:
    """Tell in what a lock is not what a conda file asks for, line by line; nothing if it is.

    Versions that are newer by now do not count, nor does a base image with a newer C library: a lock is good as long
    as it satisfies each spec, is complete in itself, and has nothing that nobody asks for.
    """
    # names are compared normalised: conda-forge writes them so, and people do not
    records = {record.name.normalized: record for record in rattler_records(lock.packages, settings)}
    packages = {package.name: package for package in lock.packages}
    # one fault a line: the order is that of the file
    found = [why for spec in file.specs if (why := _spec_fault(spec, records, packages))]
    found += _needs_faults(records, limits)
    # an explicit file lists all there is; nothing has to be reached from it
    # what is locked and not asked for would stay for ever
    needed = records.keys() if file.exact else _reached(file.specs, records)
    found += [f"{name} is locked, but nothing asks for it" for name in sorted(records.keys() - needed)]
    return found + _place_faults(packages.values(), file, limits)


def _spec_fault(spec: str, records: Mapping[str, PackageRecord], packages: Mapping[str, LockedPackage]) -> str:
    from rattler import MatchSpec

    name, channel = name_of(spec), channel_of(spec)
    if name not in records:
        return f"{spec} is not in it"
    package = packages[name]
    shown = f"{package.version} {package.build} of {package.channel}"
    # by its channel first: the same build of two channels is two packages
    if channel and channel_name(channel) != package.channel:
        return f"{spec} is not satisfied by {shown}"
    # without its channel, which was compared by name: these records have the URLs of this machine's mirrors
    fits = MatchSpec(spec.rpartition("::")[2]).matches(records[name])
    return "" if fits else f"{spec} is not satisfied by {shown}"


def _needs_faults(records: Mapping[str, PackageRecord], limits: Limits) -> list[str]:
    virtual = _virtual_records(limits)
    found = []
    for name, record in records.items():
        for text in record.depends:
            need = _spec_of(text)
            wanted = name_of(text)
            # a virtual package is of the machine, and no lock can have it
            other = virtual.get(wanted) or records.get(wanted)
            if other is None and wanted.startswith("__"):
                found.append(f"{name} needs {text}, which virtual_packages does not have")
            elif other is None:
                found.append(f"{name} needs {text}, which is not in it")
            # what is needed is asked of what is there, whichever wish brought it
            elif not need.matches(other):
                found.append(f"{name} needs {text}, but there is {other.version} {other.build}".rstrip())
    return found


def _spec_of(text: str) -> MatchSpec:
    from rattler import MatchSpec

    return MatchSpec(text)


def _virtual_records(limits: Limits) -> dict[str, PackageRecord]:
    from rattler import PackageRecord
    from rattler.package import BuildString

    return {
        name: PackageRecord(name, version, BuildString(build), 0, PLATFORM)
        for name, (version, build) in limits.facts().items()
    }


def _reached(specs: Iterable[str], records: Mapping[str, PackageRecord]) -> set[str]:
    waiting = [name_of(spec) for spec in specs]
    reached: set[str] = set()
    # breadth or depth makes no difference: only whether it is reached
    while waiting:
        name = waiting.pop()
        if name in records and name not in reached:
            reached.add(name)
            waiting += [name_of(need) for need in records[name].depends]
    return reached


def _place_faults(packages: Iterable[LockedPackage], file: CondaFile, limits: Limits) -> list[str]:
    channels = {channel_name(url) for url in channel_urls(file)}
    cutoff = limits.cutoff()
    found = []
    for one in packages:
        if one.channel not in channels:
            found.append(f"{one.name} is of channel {one.channel}, which is not listed")
        # the package's own time: indexed_timestamp, which rattler
        # prefers, is another one on a mirror (decisions/lock-file.md)
        if cutoff and one.timestamp > cutoff.timestamp():
            found.append(f"{one.name} {one.version} is newer than {limits.exclude_newer}")
    return found
