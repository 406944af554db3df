"""Install packages into a staging folder with the final prefix written into them; no script of theirs is run."""

from __future__ import annotations

import hashlib
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..blobs.presence import Presence, sweep
from ..blobs.room import full_disk, is_full
from ..core.conda_lock import LockedPackage
from ..core.errors import OutageError
from ..core.layer import PREFIX
from ..core.progress import Progress
from ..settings import Settings
from .channels import redacted
from .client import attestation_policy, channel_client
from .records import rattler_records
from .run import run

if TYPE_CHECKING:
    from rattler import RepoDataRecord

_SHOWN = 4  # lines of rattler's reason


def stage(
    packages: Iterable[LockedPackage],
    folder: Path,
    settings: Settings,
    progress: Progress,
    *,
    pkgs: Path | None = None,
) -> None:
    """Fetch what is not on this machine and link the packages into ``folder``, as if it were the prefix.

    Args:
        packages: all or some of a lock; noarch Python packages need ``python`` among them.
        folder: empty, on the file system of ``settings.cache``, so that files are hard links and not copies.
        settings: mirrors and where packages are kept (``pkgs`` in the cache folder).
        progress: told what happens, asked whether to stop.
        pkgs: another package cache.

    Raises:
        OutageError: a package cannot be fetched, or is not what the lock says.
    """
    from rattler import install
    from rattler.exceptions import ExtractError, InstallerError, IoError, LinkError, TransactionError
    from rattler.platform import Subdir

    from .reporter import Reporter

    chosen, unpacked = list(packages), pkgs or settings.cache / "pkgs"
    records = rattler_records(chosen, settings)
    keep(chosen, settings)
    _verify(run(lambda: _not_kept(records, unpacked), settings, progress))
    try:
        run(
            lambda: install(
                records,
                folder,
                cache_dir=unpacked,
                installed_packages=[],
                # of the image, whatever this machine is
                platform=Subdir("linux-64"),
                # programs of the packages do not run on this machine: in the image they are a step, if the user says so
                execute_link_scripts=False,
                reporter=Reporter(progress, len(chosen)),  # type: ignore[abstract]  # rattler's own bodies are empty on purpose
                # files name the prefix that they were built for: the image's takes its place, not this folder's
                alternative_target_prefix=PREFIX,
                client=channel_client(),
                attestation_policy=attestation_policy(settings),
            ),
            settings,
            progress,
        )
    except (InstallerError, LinkError, TransactionError, ExtractError, IoError) as error:
        if other := _other_bytes(str(error)):
            raise other from error
        if is_full(error):
            # unpacked, packages have several times the size of their archives; that is the least
            raise full_disk(settings.cache, sum(package.size for package in chosen)) from error
        if other := _damaged(str(error), records, settings):
            raise other from error
        reason = " ".join(row.strip() for row in redacted(str(error)).splitlines()[:_SHOWN])
        advice = f"check the network and the free space of {settings.cache}, then run the same command again; "
        advice += "aciml cache check finds packages that were damaged there"
        raise OutageError(f"conda packages cannot be installed: {reason}", advice) from error


# rattler's words (rattler_package_streaming, ExtractError::HashMismatch)
_MISMATCH = re.compile(
    r"hash mismatch when extracting (\S+) to .*?: expected ([0-9a-f]{64}), got ([0-9a-f]{64})", re.DOTALL
)


def _other_bytes(said: str) -> OutageError | None:
    """Name the package that came with other bytes than the lock says: that one is wrong, and no other."""
    found = _MISMATCH.search(said)
    if not found:
        return None
    message = f"{redacted(found[1])} gave other bytes than were locked: sha256 {found[2]} expected, {found[3]} got"
    return OutageError(message, _OTHER_BYTES)


# what does not fit is found while it comes, by zip, zstd or tar, each of which has words of its own for it
_TORN = re.compile(
    r"failed to fetch (\S+)\s.*?(?:an io error occurred|checksum|corrupt|invalid)", re.DOTALL | re.IGNORECASE
)


def _damaged(said: str, records: Iterable[RepoDataRecord], settings: Settings) -> OutageError | None:
    """Name a package that could not be unpacked, if what its URL gives is another file than was locked."""
    found = _TORN.search(said)
    record = next((one for one in records if found and one.file_name == found[1]), None)
    if record is None:
        return None
    wanted = (record.sha256 or b"").hex()
    got = _sha256_at(record.url, settings)
    if got in ("", wanted):
        return None  # it does not come, or came well this time: what rattler said is all that is known
    message = f"{redacted(record.url)} gave other bytes than were locked: sha256 {wanted} expected, {got} got"
    return OutageError(message, _OTHER_BYTES)


def _sha256_at(url: str, settings: Settings) -> str:
    """Return the sha256 of what is at a URL; empty if that cannot be read."""
    # here: HTTP is slow to load, and only a package that came damaged is looked at once more
    import requests

    verify: bool | str = str(settings.ca_bundle) if settings.ca_bundle else True
    found = hashlib.sha256()
    try:
        with requests.get(url, stream=True, timeout=_PATIENCE, verify=verify) as answer:
            answer.raise_for_status()
            for block in answer.iter_content(1 << 20):
                found.update(block)
    except (requests.RequestException, OSError):
        return ""
    return found.hexdigest()


_PATIENCE = 15.0  # seconds without a byte
_OTHER_BYTES = (
    "run the same command again; if it stays so, repair the mirror, or lock anew if the channel changed the file"
)


def keep(packages: Iterable[LockedPackage], settings: Settings) -> None:
    """Tell that this process needs what the package cache has of these packages."""
    presence = Presence.of(settings.cache)
    for package in packages:
        presence.use(settings.cache / "pkgs" / f"{package.name}-{package.version}-{package.build}")


async def _not_kept(records: list[RepoDataRecord], unpacked: Path) -> list[RepoDataRecord]:
    """Return the packages of channels in a folder that are not in the package cache yet."""
    from rattler import PackageCache

    local = [record for record in records if record.url.startswith("file://")]
    if not local:
        return []
    known = await PackageCache(unpacked).index()
    # the others were compared when they came
    return [record for record in local if not known.contains_record(record)]


def _verify(records: list[RepoDataRecord]) -> None:
    """Compare files with the lock: rattler does so only for what it downloads."""
    for record in records:
        path = Path(url2pathname(urlsplit(record.url).path))
        if not path.exists():
            continue  # rattler says it better
        with path.open("rb") as file:
            # rattler 0.28 compares what it downloads, and nothing else (decisions/conda-layers.md)
            found = hashlib.file_digest(file, "sha256").digest()
        if found != record.sha256:
            wanted = f"sha256 {(record.sha256 or b'').hex()} expected, {found.hex()} got"
            raise OutageError(f"{record.url} is not the file that the lock names: {wanted}", "repair the mirror")


@contextmanager
def staging_folder(settings: Settings) -> Iterator[Path]:
    """Give an empty folder beside the package cache, removed at the end; those of killed processes go, too."""
    presence = Presence.of(settings.cache)
    # a killed process removes nothing; whoever comes next does (decisions/clean-up.md)
    sweep(settings.cache)
    folder = presence.new_folder(settings.cache / "staging")
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
