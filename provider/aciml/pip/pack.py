"""From wheels to layers: plan them, take those that are known, fetch and pack the rest."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from ..blobs.catalog import AnyCatalog, all_layers
from ..blobs.compress import GZIP, Compression
from ..blobs.finished import is_at_hand, keep_layer
from ..blobs.packers import Packers
from ..blobs.store import BlobStore, file_digest, write_layer
from ..core.claims import Claimant, Places
from ..core.errors import OutageError, UserError
from ..core.image import Layer
from ..core.layer import Entry
from ..core.phases import Timed, untimed
from ..core.pip_package import PipPackage
from ..core.progress import Progress
from ..settings import Settings
from .fetch import WheelGoneError, fetch
from .known import forget
from .layer_plan import WheelPlan, claimant_of, plan_wheels
from .member import WheelError
from .memory import WheelMemory
from .sizes import keep_size
from .wheel import ROOT, Wheel, open_wheel, refused
from .wheel_set import WheelSet


def wheel_layers_if_known(wheels: WheelSet, catalog: AnyCatalog, by: Compression = GZIP) -> list[Layer] | None:
    """Return the layers of wheels if each was made before; a look into the catalog and nothing else."""
    # who gets which path decides on what is in a layer, so it is asked before the layers are
    places = WheelMemory(wheels, catalog).places()
    if places is None:
        return None
    return all_layers(catalog, [plan.key for plan in plan_wheels(wheels, places, by)])


def build_wheel_layers(
    wheels: WheelSet,
    *,
    store: BlobStore,
    catalog: AnyCatalog,
    settings: Settings,
    progress: Progress,
    conda: Callable[[], Iterable[Claimant]] = tuple,
    known_blob: Callable[[str], bool] | None = None,
    by: Compression = GZIP,
    ready: Callable[[Layer], None] = lambda _: None,
    timed: Timed = untimed,
) -> list[Layer]:
    """Return the layers of wheels, lowest first; only what is not known is fetched and packed.

    Args:
        wheels: what to pack.
        store: where blobs are kept.
        catalog: what was made before; each finished layer is written to it at once, so a stopped build goes on.
        settings: for the cache and the certificate bundle.
        progress: told what happens, asked whether to stop.
        conda: returns what the conda packages bring; asked only if who gets which path is not decided yet.
        known_blob: tells whether a blob is already where it is going, by digest; then it is not made again.
        by: how layers are compressed.
        ready: told of each layer that is in the store, as soon as it is; from several threads.
        timed: counts how long it takes to fetch, and to pack.

    Raises:
        OutageError: a wheel cannot be fetched; if it is not where it was, the index is asked anew the next time.
        UserError: a wheel is broken, or cannot be installed beside the others.
    """
    build = _Build(wheels, store, catalog, settings, progress, known_blob or (lambda _: False), by, ready, timed)
    return build.layers(conda)


@dataclass(frozen=True)
class _Build:
    wheels: WheelSet
    store: BlobStore
    catalog: AnyCatalog
    settings: Settings
    progress: Progress
    known_blob: Callable[[str], bool]
    by: Compression
    ready: Callable[[Layer], None]
    timed: Timed = untimed

    def layers(self, conda: Callable[[], Iterable[Claimant]]) -> list[Layer]:
        memory = WheelMemory(self.wheels, self.catalog)
        places = memory.places()
        # a wheel has to be opened once to know its paths: its RECORD may be wrong, the zip is not
        if places is None:
            self._read_paths(memory)
            places = memory.decide(conda())
        plans = plan_wheels(self.wheels, places, self.by)
        missing = [plan for plan in plans if not self._is_at_hand(plan)]
        if missing:
            # what killed runs left half written goes before more is written
            self.store.sweep()
            self._pack(missing, places)
        return [layer for plan in plans if (layer := self.catalog.layer(plan.key))]

    def _is_at_hand(self, plan: WheelPlan) -> bool:
        return is_at_hand(plan.key, self.catalog, self.store, self.known_blob)

    def _read_paths(self, memory: WheelMemory) -> None:
        """Find out what the wheels bring; of one that was read before it is known."""
        unread = memory.without_paths()
        for package, path in zip(unread, self._fetched(unread), strict=True):
            self.progress.checkpoint()
            try:
                with open_wheel(path, self.wheels.library) as wheel:
                    memory.keep_paths(package, wheel)
            except UserError:
                # a fault of this file here, or of the wheel everywhere? its hash tells
                _insist_on_pinned(package, path)
                raise

    def _fetched(self, packages: Sequence[PipPackage]) -> list[Path]:
        try:
            with self.timed("fetch wheels"):
                files = fetch(tuple(packages), settings=self.settings, progress=self.progress)
        # an index may have taken the wheel away: the pins lead to the same address for ever
        except WheelGoneError:
            forget(self.catalog, self.wheels.packages)
            raise
        for package, path in zip(packages, files, strict=True):
            # an index may say none, and then there is nothing to compare
            size = path.stat().st_size
            if package.size and size != package.size:
                # what it is divided by has to be the same on every machine, so the file itself counts
                keep_size(self.catalog, package.sha256, size)
                why = f"{package.file_name} has {size} bytes, and was said to have {package.size}"
                raise OutageError(why, "run the same command again: the file's own size is remembered")
        return files

    def _pack(self, missing: Sequence[WheelPlan], places: Places) -> None:
        packages = [package for plan in missing for package in plan.packages]
        # by hash: two packages may have files of one name
        paths = dict(zip([one.sha256 for one in packages], self._fetched(packages), strict=True))

        def pack(plan: WheelPlan, _: Path) -> None:
            self._pack_one(plan, [paths[package.sha256] for package in plan.packages], places)

        # side by side: each compressor holds a core for itself
        with Packers[WheelPlan](pack) as packers:
            packers.put(missing, Path(), keep=True)

    def _pack_one(self, plan: WheelPlan, paths: Sequence[Path], places: Places) -> None:
        self.progress.checkpoint()
        try:
            with self.timed("pack wheels"), ExitStack() as opened:
                wheels = [
                    opened.enter_context(open_wheel(path, self.wheels.library, slim=self.by.slim)) for path in paths
                ]
                pairs = zip(plan.packages, wheels, strict=True)
                # a path that two of them keep has one content
                entries = {entry.path: entry for package, wheel in pairs for entry in _placed(package, wheel, places)}
                layer = write_layer(entries.values(), self.store, self.progress, f"layer {plan.name}", self.by)
        except WheelError as error:  # it is found out only when it is read
            for package, path in zip(plan.packages, paths, strict=True):
                # a damaged file is told as that, and goes; only then the wheel is to blame
                _insist_on_pinned(package, path)
            raise refused(error.wheel, str(error)) from error
        keep_layer(plan.key, layer, [wheel.saved for wheel in wheels], self.catalog, self.ready)


def _insist_on_pinned(package: PipPackage, path: Path) -> None:
    """Let a wheel go that is damaged on this machine and nowhere else.

    Raises:
        OutageError: it was damaged.
    """
    if file_digest(path) != package.sha256:
        path.unlink(missing_ok=True)
        why = f"the kept file of {package.file_name} was damaged, and has been removed"
        raise OutageError(why, "run the same command again: it is fetched anew")


def _placed(package: PipPackage, wheel: Wheel, places: Places) -> Iterator[Entry]:
    """Return the files of a wheel where they are in the image, without those that it has lost to others."""
    name = claimant_of(package)
    folders = places.folders.get(name, {})
    # a folder of data may be moved as a whole, a file is decided on by itself
    for entry in wheel.entries:
        is_folder = entry.kind == "dir"
        path = folders.get(entry.path, entry.path) if is_folder else places.place(name, entry.path)
        # none: another package has won this path, which was told when it was decided
        if path is not None:
            yield replace(entry, path=f"{ROOT}/{path}")
