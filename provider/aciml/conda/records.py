"""The channel's records of locked packages, kept on this machine by sha256."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from ..blobs.presence import Presence
from ..core.conda_lock import LockedPackage, LockLine
from ..settings import Settings
from .channels import channel_url

if TYPE_CHECKING:
    from rattler import RepoDataRecord


class RecordCache:
    """One JSON file per package: two processes may write the same one, since the last rename wins."""

    def __init__(self, settings: Settings) -> None:
        """Keep the records in ``settings.cache / "records"``."""
        self._cache, self._folder = settings.cache, settings.cache / "records"

    def put(self, packages: Iterable[LockedPackage]) -> None:
        """Remember the records of these packages."""
        presence = Presence.of(self._cache)
        for package in packages:
            path = self._folder / f"{package.sha256}.json"
            # the name is the content's: there is nothing to renew
            if path.exists():
                continue
            with presence.new_file(self._folder) as (file, name):
                file.write(package.record_json.encode())
                file.flush()
                name.replace(path)

    def get(self, line: LockLine) -> LockedPackage | None:
        """Return the package of a lock line, if its record is here."""
        try:
            record = json.loads((self._folder / f"{line.sha256}.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        record |= {"fn": line.file_name, "subdir": line.subdir}
        return LockedPackage.of_record(record, line.channel)


def rattler_records(packages: Iterable[LockedPackage], settings: Settings) -> list[RepoDataRecord]:
    """Return the records as rattler wants them, with the URLs to fetch the files from on this machine."""
    from rattler import Channel, RepoData

    by_channel: dict[str, dict[str, object]] = {}
    for package in packages:
        # a file name is the same in linux-64 and noarch only for two builds of one name, which no lock has
        by_channel.setdefault(package.channel, {})[package.file_name] = json.loads(package.record_json)
    found: list[RepoDataRecord] = []
    for channel, records in by_channel.items():
        # repodata keeps the two forms under two names
        old = {name: record for name, record in records.items() if name.endswith(".tar.bz2")}
        new = {name: record for name, record in records.items() if name not in old}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "repodata.json"
            content = {"info": {"subdir": "linux-64"}, "packages": old, "packages.conda": new}
            path.write_text(json.dumps(content), encoding="utf-8")
            found += RepoData.from_path(path).into_repo_data(Channel(channel_url(channel, settings)))
    return sorted(found, key=lambda record: record.name.normalized)
