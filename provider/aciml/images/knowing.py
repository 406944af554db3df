"""An environment and what its registry knows of it: asked if this machine knows too little, told after a push."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from ..blobs.compress import compression_of
from ..conda.lock import CondaLock, LockLine
from ..conda.memory import Memory
from ..conda.pack import VERSION, layers_if_known, plan_layers
from ..conda.records import RecordCache
from ..core.errors import AcimlError, Cancelled
from ..core.image import Layer
from ..core.layer import WRITER
from ..core.progress import Progress
from ..pip.install import known_pip_layer, layer_key
from ..pip.resolve import PipPackage, bare_package
from ..registry.limits import HASTY
from .environment import Recipe
from .published import Facts, SharedCatalog, name_of, publish, read_facts
from .pushing import Place
from .server_needs import in_layers
from .told import recall_told
from .workshop import Workshop

Values = Mapping[str, Any]


def knowing(shop: Workshop, inputs: Values, place: Place) -> Workshop:
    """Return a workshop that knows at least what the place's repository knows; the same one if it knows all.

    Records of packages that are new here are kept, since each is of a file that the lock names by its sha256.
    """
    if _knows_all(shop, inputs):
        return shop
    about = f"{place.login_server}/{place.repository} {_name(inputs)}"
    if about not in shop.learnt:  # asked once per command
        shop.learnt[about] = read_facts(shop.client(place.login_server), place.repository, _name(inputs))
    facts = shop.learnt[about]
    if facts is None:
        return shop
    RecordCache(shop.settings).put(_packages(facts, inputs))
    present = frozenset(layer.digest for layer in facts.layers.values())
    return shop.knowing(SharedCatalog(shop.catalog, facts), present)


def answers(shop: Workshop, place: Place) -> bool:
    """Tell whether the registry is there: one that is made by the same update is not, and nobody waits for it."""
    try:
        with shop.glance(place.login_server, HASTY) as client:
            client.ping()
    except Cancelled:
        raise
    except AcimlError:
        return False
    return True


def tell(shop: Workshop, recipe: Recipe, place: Place, created: str, progress: Progress) -> None:
    """Keep beside a pushed image what is known of it, so that another machine makes nothing again."""
    name = _name({**recipe.inputs, "compression": recipe.compression})
    facts = facts_of(shop, recipe)
    if told := recall_told(shop, place, recipe.base.digest):  # else the next ones would not hear it
        facts = facts.joined(Facts({}, {("glibc", recipe.base.digest): told}))
    publish(shop.client(place.login_server), place.repository, name, created, facts, progress)


def facts_of(shop: Workshop, recipe: Recipe) -> Facts:
    """Return all that a machine has to know to name the image of a recipe without making it."""
    catalog, by = shop.catalog, compression_of(recipe.compression)
    texts = {(space, recipe.base.digest): catalog.get_fact(space, recipe.base.digest) for space in ("base", "glibc")}
    layers: dict[str, Layer | None] = {}
    records: dict[str, str] = {}
    if recipe.conda:
        memory = Memory(recipe.conda, catalog)
        renames = memory.renames() or {}
        layers = {plan.key: catalog.layer(plan.key) for plan in plan_layers(recipe.conda, renames, by)}
        texts |= {name: catalog.get_fact(*name) for name in memory.names_of_paths()}
        scripts = [("conda-scripts", package.sha256) for package in recipe.conda.packages]
        texts |= {name: catalog.get_fact(*name) for name in scripts}
        texts["conda-renames", memory.key] = json.dumps(renames, sort_keys=True)
        records = {package.sha256: package.record_json for package in recipe.conda.packages}
    if recipe.pip:
        minor = ".".join(recipe.conda.python_version.split(".")[:2]) if recipe.conda else ""
        layers |= {
            layer_key(part, minor, by): known_pip_layer(part, minor, catalog, by) for part in in_layers(recipe.pip)
        }
    made = {key: layer for key, layer in layers.items() if layer}
    sizes = [("unpacked", layer.diff_id) for layer in made.values()]
    texts |= {name: catalog.get_fact(*name) for name in sizes}
    return Facts(
        made,
        {name: text for name, text in texts.items() if text is not None},
        records,
    )


def is_layer_at_hand(shop: Workshop, lock: CondaLock, wheels: Iterable[PipPackage], compression: str) -> bool:
    """Tell whether the layer of these wheels is at hand, so that nobody needs to know where to get them."""
    minor = ".".join(lock.python_version.split(".")[:2])
    by = compression_of(compression)
    layers = [known_pip_layer(part, minor, shop.catalog, by) for part in in_layers(tuple(wheels))]
    return all(one and (one.digest in shop.present or shop.store.has(one.digest, one.size)) for one in layers)


def _name(inputs: Values) -> str:
    by = compression_of(str(inputs.get("compression", "")))
    base = str(inputs.get("baseDigest") or inputs.get("baseKey", ""))
    return name_of(map(str, inputs.get("lock") or []), base, (WRITER, VERSION, by.key))


def _knows_all(shop: Workshop, inputs: Values) -> bool:
    """Tell whether base, packages and layers are known here."""
    base = str(inputs.get("baseDigest", ""))
    if base and shop.catalog.get_fact("base", base) is None:
        return False
    lines = [str(line) for line in inputs.get("lock") or []]
    cache, by = RecordCache(shop.settings), compression_of(str(inputs.get("compression", "")))
    found = [cache.get(LockLine.parse(line)) for line in lines if not line.startswith("pip/")]
    lock = CondaLock.of([package for package in found if package])
    if len(lock.packages) < len(found) or layers_if_known(lock, shop.catalog, by) is None:
        return False
    wheels = tuple(bare_package(line) for line in lines if line.startswith("pip/"))
    minor = ".".join(lock.python_version.split(".")[:2])
    return all(known_pip_layer(part, minor, shop.catalog, by) for part in in_layers(wheels))


def _packages(facts: Facts, inputs: Values) -> Iterable[Any]:
    from ..conda.lock import LockedPackage

    lines = [LockLine.parse(str(line)) for line in inputs.get("lock") or [] if not str(line).startswith("pip/")]
    for line in lines:
        if text := facts.records.get(line.sha256):
            record = json.loads(text) | {"fn": line.file_name, "subdir": line.subdir}
            stem = f"{record.get('name')}-{record.get('version')}-{record.get('build')}."
            if line.file_name.startswith(stem):  # else it is the record of something else
                yield LockedPackage.of_record(record, line.channel)
