"""Find the package files that an explicit file lists; nothing is solved, as in conda."""

from __future__ import annotations

from ..core.conda_lock import CondaLock, LockedPackage
from ..core.condafile import CondaFile
from ..core.condaspec import channel_of, name_of
from ..core.errors import UserError
from ..core.progress import Progress
from ..settings import Settings
from .channels import channel_name
from .records import RecordCache
from .solve import find_packages


def find_exact(file: CondaFile, *, settings: Settings, progress: Progress) -> CondaLock:
    """Return the packages of an explicit file.

    Args:
        file: what ``parse_explicit_file`` returned.
        settings: mirrors, certificates and caches.
        progress: told what happens, asked whether to stop.

    Raises:
        UserError: a channel does not have such a file.
        OutageError: a channel does not answer.
    """
    from rattler import MatchSpec

    progress.say(f"looking for {len(file.specs)} listed packages")
    names = sorted({name_of(spec) for spec in file.specs})
    found = find_packages(file.channels, names, settings, progress)
    chosen: list[LockedPackage] = []
    for spec in file.specs:
        channel, wanted = channel_name(channel_of(spec)), MatchSpec(spec.rpartition("::")[2])
        fitting = [
            one for record, one in found.get(name_of(spec), []) if one.channel == channel and wanted.matches(record)
        ]
        if not fitting:
            raise UserError(
                f"channel {channel} has no {wanted}", "list the environment again, or solve from a conda.yml"
            )
        # of one build in both forms conda takes .conda, too
        chosen.append(max(fitting, key=lambda package: package.file_name.endswith(".conda")))
    lock = CondaLock.of(chosen)
    RecordCache(settings).put(lock.packages)
    return lock
