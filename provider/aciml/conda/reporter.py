"""Live lines while packages are fetched and linked."""

from __future__ import annotations

from rattler.install import InstallerReporter

from ..core.progress import Progress


class Reporter(InstallerReporter):
    """Turns rattler's callbacks, which come from its own threads, into lines."""

    def __init__(self, progress: Progress, total: int) -> None:
        """Speak of ``total`` packages."""
        self._progress, self._total = progress, total
        self._names: list[str] = []
        self._fetched = self._linked = 0

    def on_populate_cache_start(self, operation: int, package_name: str) -> int:  # noqa: ARG002  # rattler's signature
        """Remember the name for the callbacks that follow."""
        self._names.append(package_name)
        return len(self._names) - 1

    def on_download_start(self, cache_entry: int) -> int:
        """Tell which package is fetched."""
        self._fetched += 1
        # "at most": rattler does not say how many are here already
        self._progress.say(f"downloading {self._names[cache_entry]}, {self._fetched} of at most {self._total}")
        return cache_entry

    def on_link_start(self, operation: int, package_name: str) -> int:
        """Tell which package is linked."""
        self._linked += 1
        self._progress.say(f"linking {package_name}, {self._linked} of {self._total}")
        return operation
