"""What is known of an environment's layers, as one value: gathered on this machine, or read from a registry."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...blobs.catalog import AnyCatalog
from ...blobs.compress import Written, writing_of
from ...conda.facts import KINDS, PATHS, PLACES, RENAMES
from ...conda.layer_plan import plan_layers
from ...conda.memory import Memory, places_text
from ...core.conda_lock import CondaLock
from ...core.image import Layer, canonical_json, sha256_digest
from ...core.pip_package import PipPackage
from ...core.recipe import Recipe
from ...pip.facts import WHEEL_PATHS, WHEEL_PLACES
from ...pip.layer_plan import plan_wheels
from ...pip.memory import WheelMemory
from ...pip.pack import wheel_layers_if_known
from ...pip.sizes import WHEEL_SIZE
from ..server_needs import OWN_LINES, needs_key, own_lines_key, wheel_set
from ..tools import Tools

# kinds stay when paths are left out: links are few, and decide where others' files go
_OF_PATHS = (PATHS, WHEEL_PATHS)
_NAMESPACES = (
    # no others are taken, or given: where this machine gets wheels may be a mirror (decisions/catalog-artifact.md)
    *_OF_PATHS, KINDS, PLACES, RENAMES, "conda-scripts", WHEEL_PLACES, WHEEL_SIZE, "base", "glibc", "unpacked",
    OWN_LINES,
)  # fmt: skip


@dataclass(frozen=True)
class Facts:
    """Layers by key; texts of the catalog by namespace and key; records of conda packages by sha256."""

    layers: Mapping[str, Layer] = field(default_factory=dict)
    texts: Mapping[tuple[str, str], str] = field(default_factory=dict)
    records: Mapping[str, str] = field(default_factory=dict)

    def to_json(self) -> bytes:
        """Write them; equal facts have equal bytes."""
        layers = {
            key: [layer.diff_id, layer.digest, layer.size, layer.media_type] for key, layer in self.layers.items()
        }
        texts = [[*name, text] for name, text in sorted(self.texts.items())]
        return canonical_json({"layers": layers, "texts": texts, "records": dict(self.records)})

    @classmethod
    def of_json(cls, body: bytes) -> Facts:
        """Read them; what is not of their shape is left out."""
        told = json.loads(body)
        layers = {
            str(key): Layer(str(one[0]), str(one[1]), int(one[2]), str(one[3])) for key, one in told["layers"].items()
        }
        # whoever may push can write such a record: of other namespaces none is believed
        texts = {(str(space), str(key)): str(text) for space, key, text in told["texts"] if space in _NAMESPACES}
        records = {str(name): str(text) for name, text in told["records"].items()}
        # what has a digest is held to it; a layer is asked for by its own
        sound = {name: text for name, text in texts.items() if name[0] != "base" or _is_base(name[1], text)}
        return cls(layers, sound, {name: text for name, text in records.items() if _is_record(name, text)})

    def joined(self, other: Facts) -> Facts:
        """Return both; where they differ, what is here counts."""
        return Facts({**other.layers, **self.layers}, {**other.texts, **self.texts}, {**other.records, **self.records})

    def without_paths(self) -> Facts:
        """Return what is needed for the very same packages: where their paths go is then known."""
        texts = {name: text for name, text in self.texts.items() if name[0] not in _OF_PATHS}
        return Facts(self.layers, texts, self.records)


@dataclass(frozen=True)
class SharedCatalog:
    """This machine's catalog, and behind it what a repository knows; only what is made here is written, and here."""

    own: AnyCatalog
    facts: Facts

    def layer(self, key: str) -> Layer | None:
        """Return the layer that ``key`` gave, here or elsewhere."""
        # what was made here comes first: of the other nobody has seen the bytes
        return self.own.layer(key) or self.facts.layers.get(key)

    def put_layer(self, key: str, layer: Layer) -> None:
        """Remember the layer of ``key`` on this machine."""
        self.own.put_layer(key, layer)

    def get_fact(self, namespace: str, key: str) -> str | None:
        """Return the text of a fact, found here or elsewhere."""
        found = self.own.get_fact(namespace, key)
        return self.facts.texts.get((namespace, key)) if found is None else found

    def put_fact(self, namespace: str, key: str, value: str) -> None:
        """Remember a text on this machine."""
        self.own.put_fact(namespace, key, value)


def _is_base(digest: str, text: str) -> bool:
    """Tell whether a base's manifest and config are those that the digest names."""
    try:
        told: Any = json.loads(text)
        manifest, config = str(told["manifest"]).encode(), str(told["config"]).encode()
        return sha256_digest(manifest) == digest and sha256_digest(config) == json.loads(manifest)["config"]["digest"]
    except (ValueError, LookupError, TypeError):
        return False


def _is_record(sha256: str, text: str) -> bool:
    try:
        told = json.loads(text)
        return isinstance(told, dict) and told["sha256"] == sha256
    except (ValueError, LookupError):
        return False


def facts_of(tools: Tools, recipe: Recipe) -> Facts:
    """Return all that a machine has to know to name the image of a recipe without making it."""
    catalog, by = tools.catalog, writing_of(recipe)
    texts = {(space, recipe.base.digest): catalog.get_fact(space, recipe.base.digest) for space in ("base", "glibc")}
    layers: dict[str, Layer | None] = {}
    records: dict[str, str] = {}
    if recipe.conda:
        memory = Memory(recipe.conda, catalog)
        places = memory.places()
        layers = {plan.key: catalog.layer(plan.key) for plan in plan_layers(recipe.conda, memory.told(), by)}
        texts |= {name: catalog.get_fact(*name) for name in memory.names_of_paths()}
        scripts = [("conda-scripts", package.sha256) for package in recipe.conda.packages]
        texts |= {name: catalog.get_fact(*name) for name in scripts}
        texts[RENAMES, memory.key] = catalog.get_fact(RENAMES, memory.key)
        texts[PLACES, memory.key] = None if places is None else places_text(places)
        records = {package.sha256: package.record_json for package in recipe.conda.packages}
    if recipe.pip:
        wheels = wheel_set(recipe.pip, recipe.conda)
        known = WheelMemory(wheels, catalog)
        if (settled := known.places()) is not None:
            layers |= {plan.key: catalog.layer(plan.key) for plan in plan_wheels(wheels, settled, by)}
        names = [*known.names(), *((WHEEL_SIZE, package.sha256) for package in recipe.pip)]
        texts |= {name: catalog.get_fact(*name) for name in names}
    if recipe.own and recipe.own.wheels:
        own = recipe.own
        layers[needs_key(own, by)] = catalog.layer(needs_key(own, by))
        sizes_of = ((WHEEL_SIZE, package.sha256) for package in own.wheels)
        names = [(OWN_LINES, own_lines_key(recipe, own)), *sizes_of]
        texts |= {name: catalog.get_fact(*name) for name in names}
    made = {key: layer for key, layer in layers.items() if layer}
    sizes = [("unpacked", layer.diff_id) for layer in made.values()]
    texts |= {name: catalog.get_fact(*name) for name in sizes}
    return Facts(
        made,
        {name: text for name, text in texts.items() if text is not None},
        records,
    )


def has_pip_layers(tools: Tools, lock: CondaLock, wheels: Iterable[PipPackage], said: Written) -> bool:
    """Tell whether the layers of these wheels are made: then nobody needs to know where to get them."""
    by = writing_of(said)
    layers = wheel_layers_if_known(wheel_set(tuple(wheels), lock), tools.catalog, by)
    if layers is None:
        return False
    return all(one.digest in tools.present or tools.store.has(one.digest, one.size) for one in layers)
