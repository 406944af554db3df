"""What the container of a service may do, and how much of the machine's processes and disk it may take."""

from typing import Annotated

from ..core.lean import lean
from . import cost
from .declared import Declared
from .shape import Field

PROCESSES, LOG_SIZE_MB, LOG_FILES = 4096, 10, 3
"""What holds if nothing is said: processes and threads, MiB of a log file, log files."""


@lean(frozen=True, kw_only=True)
class Sandbox(Declared):
    """Rights and limits of the container, beside cores and memory.

    The defaults are not filled in: a service that was made before they came is no difference until something changes.
    """

    run_as_root: Annotated[
        bool | None,
        Field(
            "run as root, with the rights that the engine gives it, for scripts that need it",
            default=False,
            cost=cost.OURS,
        ),
    ] = None
    read_only_root: Annotated[
        bool | None,
        Field(
            "write nothing but below /tmp, /var/tmp, /run and the home, which are in memory and count as such",
            default=False,
            cost=cost.OURS,
        ),
    ] = None
    max_processes: Annotated[
        int | None,
        Field("most processes and threads of the container", least=16, default=PROCESSES, cost=cost.OURS),
    ] = None
    log_size_mb: Annotated[
        int | None,
        Field("size from which a log file is put away", least=1, unit="MiB", default=LOG_SIZE_MB, cost=cost.OURS),
    ] = None
    log_files: Annotated[
        int | None,
        Field("log files that are kept, the one being written included", least=1, default=LOG_FILES, cost=cost.OURS),
    ] = None

    @property
    def processes(self) -> int:
        """Return the most processes, with the default."""
        return int(self.max_processes or PROCESSES)

    @property
    def log(self) -> tuple[int, int]:
        """Return MiB of a log file, and how many files, with the defaults."""
        return int(self.log_size_mb or LOG_SIZE_MB), int(self.log_files or LOG_FILES)
