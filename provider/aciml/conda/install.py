"""Install packages into a staging folder with the final prefix written into them; no script of theirs is run."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from ..blobs.presence import Presence, sweep
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
        reason = " ".join(row.strip() for row in redacted(str(error)).splitlines()[:_SHOWN])
        advice = "check the network and the free space of the cache folder, then run the same command again; "
        advice += f"if it stays so, remove {settings.cache / 'pkgs'}"
        raise OutageError(f"conda packages cannot be installed: {reason}", advice) from error


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
            raise OutageError(f"{path} is not the file that the lock names: its sha256 differs", "repair the mirror")


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
