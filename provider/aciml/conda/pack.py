"""From a lock to layers: plan them, take those that are known, stage and pack the rest."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ..blobs.catalog import AnyCatalog
from ..blobs.compress import GZIP, Compression
from ..blobs.sizes import keep_unpacked
from ..blobs.store import BlobStore, write_layer
from ..core.conda_lock import CondaLock, LockedPackage
from ..core.image import Layer
from ..core.progress import Progress
from ..settings import Settings
from .contents import StagedPackage
from .install import stage, staging_folder
from .layer_plan import LayerPlan, plan_layers
from .memory import Memory, Renames
from .packing import Packers, big_first, waves_of
from .partly import stage_partly
from .unpacked import read_unpacked
from .volume import refuse_lost_files


def layers_if_known(lock: CondaLock, catalog: AnyCatalog, by: Compression = GZIP) -> list[Layer] | None:
    """Return the layers of a lock if each was made before on this machine; a look into the catalog and nothing else."""
    renames = Memory(lock, catalog).renames()
    if renames is None:
        return None
    # all or nothing: the image's digest is known only with the last of them
    found = [catalog.layer(plan.key) for plan in plan_layers(lock, renames, by)]
    layers = [layer for layer in found if layer is not None]
    return layers if len(layers) == len(found) else None


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

    Raises:
        OutageError: a package cannot be fetched.
        UserError: the volume of the cache cannot hold the packages' files.
        Cancelled: the user asked to stop.
    """
    build = _Build(lock, store, catalog, settings, progress, known_blob or (lambda _: False), by, ready)
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
    prepared: dict[tuple[Path, str], StagedPackage] = field(default_factory=dict)
    """What waits to be packed, by staging folder and package; some of it is in the package cache instead."""

    def layers(self) -> list[Layer]:
        renames = Memory(self.lock, self.catalog).renames()
        # as if nobody yielded, while that is not known: whoever does is packed again afterwards
        missing = [plan for plan in plan_layers(self.lock, renames or {}, self.by) if self._at_hand(plan) is None]
        if renames is None or missing:
            # before there is more: a killed build has left files that only waste room
            self.store.sweep()
            with staging_folder(self.settings) as home:
                renames = self._stage_and_pack(home, renames, missing)
        plans = plan_layers(self.lock, renames, self.by)
        return [layer for plan in plans if (layer := self.catalog.layer(plan.key))]

    def _at_hand(self, plan: LayerPlan) -> Layer | None:
        layer = self.catalog.layer(plan.key)
        return layer if layer and (self.store.has(layer.digest, layer.size) or self.known_blob(layer.digest)) else None

    def _stage_and_pack(self, home: Path, renames: Renames | None, missing: list[LayerPlan]) -> Renames:
        memory = Memory(self.lock, self.catalog)
        needed = {package.name for plan in missing for package in plan.packages}
        everything = {package.name for package in self.lock.packages}
        with Packers(self._pack_one) as packers:
            if renames and needed & renames.keys():  # one that yields does so only beside the one it yields to
                packers.put(missing, self._stage_whole(home / "all", everything)[0])
            elif renames is not None:
                self._pack_in_waves(home, missing, set(), packers)
            else:
                others = {package.name for package in memory.without_paths()} - needed
                packed = self._pack_in_waves(home, missing, others, packers)
                renames = self._find_renames(home / "all", packed, packers)
        return renames

    def _pack_in_waves(self, home: Path, missing: list[LayerPlan], others: set[str], packers: Packers) -> set[str]:
        """Pack as if no package yielded to another; return the keys of the layers of which that is true so far."""
        packed = self._pack_unpacked(home, missing, packers)
        missing = [plan for plan in missing if plan.key not in packed]
        for number, wave in enumerate(waves_of(missing, others)):
            folder, found = self._stage(home / str(number), set(wave.names))
            yielding = {staged.package.name for staged in found if staged.renames()}
            clear = [plan for plan in wave.plans if yielding.isdisjoint(package.name for package in plan.packages)]
            packers.put(clear, folder)
            packed |= {plan.key for plan in clear}
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
            if len(found) == len(plan.packages) and not self._meet(found.values()):
                self._keep(home, found.values())
                packers.put([plan], home, keep=True)
                packed.add(plan.key)
        return packed

    def _find_renames(self, folder: Path, packed: set[str], packers: Packers) -> Renames:
        """Find out who yields to whom, now that all paths are known, and pack the layers that this changes."""
        memory, renames = Memory(self.lock, self.catalog), Renames()
        if memory.clashing():
            folder, found = self._stage_whole(folder, {package.name for package in self.lock.packages})
            renames = {staged.package.name: moved for staged in found if (moved := staged.renames())}
        memory.keep_renames(renames)
        plans = [plan for plan in plan_layers(self.lock, renames, self.by) if plan.key not in packed]
        packers.put([plan for plan in plans if self._at_hand(plan) is None], folder)
        return renames

    def _meet(self, found: Iterable[StagedPackage]) -> bool:
        """Tell whether two packages want one path: who gets it is for rattler to say."""
        wanted = {one.package.name: one.claimed() for one in found}
        refuse_lost_files(wanted, self.settings.cache)
        return len(set().union(*wanted.values())) < sum(map(len, wanted.values()))

    def _stage(self, folder: Path, names: set[str]) -> tuple[Path, list[StagedPackage]]:
        """Stage of the packages as little as can be; return the folder and the packages."""
        found = stage_partly(self._chosen(names), folder, self.settings, self.progress)
        if found is None or self._meet(found) or any(one.is_damaged() for one in found):
            return self._stage_whole(folder.with_name(f"{folder.name}-whole"), names)
        self._keep(folder, found)
        return folder, found

    def _chosen(self, names: set[str]) -> list[LockedPackage]:
        """Return the packages, and Python if one of them is linked by its rules."""
        chosen = [package for package in self.lock.packages if package.name in names]
        if any(package.noarch == "python" for package in chosen):
            chosen = [package for package in self.lock.packages if package.name in names | {"python"}]
        return chosen

    def _stage_whole(self, folder: Path, names: set[str], *, again: bool = False) -> tuple[Path, list[StagedPackage]]:
        """Let rattler install the packages into the folder; return it and what is in it."""
        chosen = self._chosen(names)
        stage(chosen, folder, self.settings, self.progress)
        found = [StagedPackage.read(package, folder) for package in chosen]
        refuse_lost_files({staged.package.name: staged.placed() for staged in found}, folder)
        if not again and self._drop_damaged(found):  # twice: then the package says wrong sizes
            return self._stage_whole(folder.with_name(f"{folder.name}-again"), names, again=True)
        self._keep(folder, found)
        return folder, found

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
            shutil.rmtree(staged.record["extracted_package_dir"], ignore_errors=True)
        return bool(damaged)

    def _pack_one(self, plan: LayerPlan, folder: Path) -> None:
        self.progress.checkpoint()
        # taken out: what is packed need not stay in memory (decisions/layer-writer.md)
        found = [self.prepared.pop((folder, package.name)) for package in plan.packages]
        entries = (entry for staged in found for entry in staged.entries())
        layer = write_layer(entries, self.store, self.progress, f"conda layer {plan.name}", self.by)
        # at once, and not with the others: a build that is stopped goes on from here
        self.catalog.put_layer(plan.key, layer)
        keep_unpacked(self.catalog, layer)
        self.ready(layer)
