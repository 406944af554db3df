"""From a lock to layers: plan them, take those that are known, stage and pack the rest."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from ..blobs.catalog import AnyCatalog, all_layers
from ..blobs.compress import GZIP, Compression
from ..blobs.finished import is_at_hand, keep_layer
from ..blobs.store import BlobStore, write_layer
from ..core.claims import Places, do_meet, overlap_note, settle
from ..core.conda_lock import CondaLock, LockedPackage
from ..core.errors import OutageError
from ..core.image import Layer
from ..core.layer import PREFIX
from ..core.phases import Timed, untimed
from ..core.progress import Progress
from ..settings import Settings
from .apart import do_unpacked_meet, stage_apart
from .contents import StagedPackage
from .install import stage, staging_folder
from .layer_plan import LayerPlan, plan_layers
from .memory import Memory, refuse
from .order import install_order
from .packing import Packers, big_first, waves_of
from .partly import stage_partly
from .unpacked import read_unpacked, unpacked_folder
from .volume import refuse_lost_files


def layers_if_known(lock: CondaLock, catalog: AnyCatalog, by: Compression = GZIP) -> list[Layer] | None:
    """Return the layers of a lock if each was made before on this machine; a look into the catalog and nothing else."""
    places = Memory(lock, catalog).told()
    if places is None:
        return None
    return all_layers(catalog, [plan.key for plan in plan_layers(lock, places, by)])


def build_layers(
    lock: CondaLock,
    *,
    store: BlobStore,
    catalog: AnyCatalog,
    settings: Settings,
    progress: Progress,
    known_blob: Callable[[str], bool] | None = None,
    by: Compression = GZIP,
    ready: Callable[[Layer], None] = lambda _: None,
    timed: Timed = untimed,
) -> list[Layer]:
    """Return the layers of a lock, lowest first; only what is not known is fetched, linked and packed.

    Args:
        lock: the packages.
        store: where blobs are kept.
        catalog: what was made before; each finished layer is written to it at once, so a stopped build goes on.
        settings: mirrors and caches.
        progress: told what happens, asked whether to stop.
        known_blob: tells whether a blob is already where it is going, by digest; then it is not made again.
        by: how layers are compressed.
        ready: told of each layer that is in the store, as soon as it is; from several threads.
        timed: counts how long it takes to fetch and link, and to pack.

    Raises:
        OutageError: a package cannot be fetched.
        UserError: two packages cannot be installed together, or the volume of the cache cannot hold their files.
        Cancelled: the user asked to stop.
    """
    build = _Build(lock, store, catalog, settings, progress, known_blob or (lambda _: False), by, ready, timed)
    return build.layers()


@dataclass(frozen=True)
class _Build:
    lock: CondaLock
    store: BlobStore
    catalog: AnyCatalog
    settings: Settings
    progress: Progress
    known_blob: Callable[[str], bool]
    by: Compression
    ready: Callable[[Layer], None]
    timed: Timed = untimed
    prepared: dict[tuple[Path, str], StagedPackage] = field(default_factory=dict)
    """What waits to be packed, by staging folder and package; some of it is in the package cache instead."""

    def layers(self) -> list[Layer]:
        memory = Memory(self.lock, self.catalog)
        places, missing = self._missing(memory.told())
        if missing:
            places, missing = self._missing(memory.places())  # what an older version knew makes no new layer
        refuse(places)
        if places is None or missing:
            # before there is more: a killed build has left files that only waste room
            self.store.sweep()
            with staging_folder(self.settings) as home, Packers(self._pack_one) as packers:
                places = self._stage_and_pack(home, places, missing, packers)
        if note := overlap_note(places.overlaps):
            self.progress.note(f"conda packages: {note}")
        plans = plan_layers(self.lock, places, self.by)
        return [layer for plan in plans if (layer := self.catalog.layer(plan.key))]

    def _missing(self, places: Places | None) -> tuple[Places | None, list[LayerPlan]]:
        """Return the places, and the layers to make: if nothing is known, as if no package met another."""
        plans = plan_layers(self.lock, places, self.by)
        return places, [plan for plan in plans if not self._is_at_hand(plan)]

    def _is_at_hand(self, plan: LayerPlan) -> bool:
        return is_at_hand(plan.key, self.catalog, self.store, self.known_blob)

    def _stage_and_pack(self, home: Path, places: Places | None, missing: list[LayerPlan], packers: Packers) -> Places:
        if places is not None:
            self._pack_in_waves(home, missing, set(), packers)
            return places
        memory = Memory(self.lock, self.catalog)
        needed = {package.name for plan in missing for package in plan.packages}
        others = {package.name for package in memory.without_paths()} - needed
        packed = self._pack_in_waves(home, missing, others, packers)
        # all paths are known now: layers are packed again of which it is not true that no package meets another
        places = memory.settle()
        refuse(places)
        again = [plan for plan in self._missing(places)[1] if plan.key not in packed]
        self._pack_in_waves(home / "again", again, set(), packers)
        return places

    def _pack_in_waves(self, home: Path, missing: list[LayerPlan], others: set[str], packers: Packers) -> set[str]:
        """Pack what is missing, and stage the others; return the keys of the layers that are being packed.

        Before places are known a layer is planned as if its packages met nobody; where it shows that they do, it waits.
        """
        packed = self._pack_unpacked(home, missing, packers)
        missing = [plan for plan in missing if plan.key not in packed]
        for number, wave in enumerate(waves_of(missing, others)):
            folder, found = self._stage(home / str(number), set(wave.names))
            packed |= self._put(wave.plans, found, folder, packers)
        return packed

    def _pack_unpacked(self, home: Path, missing: list[LayerPlan], packers: Packers) -> set[str]:
        """Begin with layers of nothing but packages that need not be staged; return the keys of these layers."""
        packed = set[str]()
        for plan in big_first(missing):
            self.progress.checkpoint()
            # where their files go, and which are made, only rattler knows
            if any(package.noarch == "python" for package in plan.packages):
                continue
            found = read_unpacked(plan.packages, self.settings)
            if len(found) == len(plan.packages):
                self._refuse_lost_files(found.values())
                self._keep(home, found.values())
                packed |= self._put([plan], found.values(), home, packers, keep=True)
        return packed

    def _put(
        self,
        plans: Iterable[LayerPlan],
        found: Iterable[StagedPackage],
        folder: Path,
        packers: Packers,
        *,
        keep: bool = False,
    ) -> set[str]:
        """Have the layers packed, without those of which it shows that packages meet; return their keys."""
        planned = list(plans)
        if any(plan.places is None for plan in planned):
            at_hand = {one.package.name: one.claimant() for one in found}
            beside = settle([at_hand[package.name] for package in self.order if package.name in at_hand], PREFIX)
            # refusals wait for the rest: a package to come may have the path in question
            moved = beside.moved() | {name for refused in beside.refusals for name in refused.packages}
            planned = [plan for plan in planned if moved.isdisjoint(package.name for package in plan.packages)]
        packers.put(planned, folder, keep=keep)
        return {plan.key for plan in planned}

    @cached_property
    def order(self) -> list[LockedPackage]:
        """The packages as they are installed one after the other."""
        return install_order(self.lock)

    def _refuse_lost_files(self, found: Iterable[StagedPackage]) -> None:
        refuse_lost_files({one.package.name: one.wanted() for one in found}, self.settings.cache)

    def _stage(self, folder: Path, names: set[str]) -> tuple[Path, list[StagedPackage]]:
        """Stage of the packages as little as can be; return the folder that may go after they are packed, and them."""
        chosen = self._chosen(names)
        # rattler links a package as soon as it has it: the two are one phase
        with self.timed("fetch and link conda packages"):
            found = self._staged(chosen, folder)
            if self._drop_damaged(found):
                folder = folder.with_name(f"{folder.name}-again")  # once: a few packages say wrong sizes
                found = self._staged(chosen, folder)
        self._refuse_lost_files(found)
        self._keep(folder, found)
        return folder, found

    def _staged(self, chosen: list[LockedPackage], folder: Path) -> list[StagedPackage]:
        """Let rattler install the packages below the folder: a part of them, whole, or each where it meets nobody."""
        folder.mkdir(parents=True)
        try:
            found = stage_partly(chosen, folder / "partly", self.settings, self.progress)
            if found is None or any(one.is_damaged() for one in found):
                stage(chosen, folder / "whole", self.settings, self.progress)
                found = [StagedPackage.read(package, folder / "whole") for package in chosen]
        except OutageError:
            if not do_unpacked_meet(chosen, self.settings):
                raise
            found = None  # rattler fails now and then where one's folder is another's file
        if found is None or any(one.was_clobbered() for one in found) or do_meet(one.claimant() for one in found):
            found = stage_apart(chosen, folder / "apart", self.settings, self.progress)
        return found

    def _chosen(self, names: set[str]) -> list[LockedPackage]:
        """Return the packages, and Python if one of them is linked by its rules."""
        chosen = [package for package in self.lock.packages if package.name in names]
        if any(package.noarch == "python" for package in chosen):
            chosen = [package for package in self.lock.packages if package.name in names | {"python"}]
        return chosen

    def _keep(self, folder: Path, found: Iterable[StagedPackage]) -> None:
        """Remember what is ready to be packed, and its paths."""
        memory = Memory(self.lock, self.catalog)
        for one in found:
            memory.keep_paths(one)
            self.prepared[folder, one.package.name] = one

    def _drop_damaged(self, found: Iterable[StagedPackage]) -> bool:
        """Remove packages from the cache that a power cut or a hand has damaged; tell whether there are any."""
        damaged = [staged for staged in found if staged.is_damaged()]
        for staged in damaged:
            self.progress.note(f"the kept files of conda package {staged.package.name} are not whole; taking it again")
            # rattler takes what is unpacked for whole, and would link the same again
            shutil.rmtree(unpacked_folder(staged.package, self.settings), ignore_errors=True)
        return bool(damaged)

    def _pack_one(self, plan: LayerPlan, folder: Path) -> None:
        self.progress.checkpoint()
        places = plan.places or Places()
        # taken out: what is packed need not stay in memory (decisions/layer-writer.md)
        ready = [self.prepared.pop((folder, package.name)) for package in plan.packages]
        found = [replace(one, moves=places.of(one.package.name), slim=self.by.slim) for one in ready]
        entries = (entry for staged in found for entry in staged.entries())
        with self.timed("pack conda layers"):
            layer = write_layer(entries, self.store, self.progress, f"conda layer {plan.name}", self.by)
        keep_layer(plan.key, layer, [one.saved for one in found], self.catalog, self.ready)
