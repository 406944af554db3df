"""Layers of many gigabytes, without a disk: bytes are made while they are read, and only counted where they arrive."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest

from aciml.core.image import OCI_MANIFEST, sha256_digest
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.registry.base import copy_image
from aciml.registry.client import RegistryClient
from aciml.registry.limits import MIB, ClientLimits
from tests.registry.images import Shelf, noise, writes
from tests.simulators.bottomless import BottomlessRegistry, Endless, Script
from tests.simulators.registry import RegistrySimulator

GB = 1_000_000_000
DIGEST = "sha256:" + "ab" * 32
SMALL = ClientLimits(whole=4 * MIB, chunk=MIB)


def send(
    registry: BottomlessRegistry, size: int, limits: ClientLimits, *, seconds_a_read: float = 0.0
) -> list[Endless]:
    """Upload ``size`` bytes and return the sources that were opened; each block takes time on the registry's clock."""
    opened: list[Endless] = []

    class Slow(Endless):
        def read(self, size: int, /) -> bytes:
            registry.now += seconds_a_read
            return super().read(size)

    def source() -> Endless:
        opened.append(Slow(size))
        return opened[-1]

    def wait(seconds: float) -> None:
        registry.now += seconds

    with RegistryClient(registry.host, wait=wait, clock=lambda: registry.now, limits=limits) as client:
        assert client.upload_blob("app", DIGEST, size, source) == "uploaded"
    assert registry.wrong == []
    assert registry.blobs == {DIGEST: size}
    return opened


def test_ten_gigabytes_survive_a_cut_a_full_registry_a_lost_session_and_many_ended_tokens() -> None:
    script = Script(cut=frozenset({5}), status={9: 429, 12: 416, 20: 503})
    with BottomlessRegistry(script, token_life=300) as registry:
        opened = send(registry, 10 * GB, ClientLimits(), seconds_a_read=0.5)

    chunks = -(-10 * GB // (64 * MIB))
    before_the_loss = 12  # asked for, until the session was lost
    assert len(opened) == 2  # the second time after the 416
    assert registry.asked["POST"] == 2
    assert registry.asked["PATCH"] <= chunks + before_the_loss + 2
    assert registry.asked["PUT"] == 1
    assert len(registry.tokens) > 5  # 10 GB in 5000 s, tokens live 300 s
    assert registry.refused <= 1  # the first question of all; from then on tokens are renewed by the clock
    assert registry.received < 10.8 * GB


def test_a_layer_of_a_gigabyte_is_three_requests_in_all() -> None:
    with BottomlessRegistry() as registry:
        send(registry, 1 << 30, ClientLimits())

        assert dict(registry.asked) == {"HEAD": 1, "POST": 1, "PUT": 1}


def test_a_layer_above_the_limit_goes_in_chunks_and_its_end_is_its_own_request() -> None:
    with BottomlessRegistry() as registry:
        send(registry, 4 * MIB + 1, SMALL)

        assert dict(registry.asked) == {"HEAD": 1, "POST": 1, "PATCH": 5, "PUT": 1}


def test_chunks_are_as_large_as_the_registry_asks_for() -> None:
    with BottomlessRegistry(minimum=3 * MIB) as registry:
        send(registry, 10 * MIB, SMALL)

        assert registry.asked["PATCH"] == 4


def test_a_token_that_ends_while_a_layer_is_sent_is_renewed_before_it_is_refused() -> None:
    with BottomlessRegistry(token_life=100) as registry:
        send(registry, 40 * MIB, SMALL, seconds_a_read=10.0)

    assert registry.refused == 1  # nobody knew that a token is needed
    assert len(registry.tokens) >= 4


@pytest.fixture
def simulator() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as registry:
        yield registry


def fake_base(simulator: RegistrySimulator, repository: str, layers: int, size: int) -> Reference:
    """Put an image into the simulator whose manifest says gigabytes; of its blobs only the names are there."""
    store = simulator.repository(repository)
    digests = [f"sha256:{hashlib.sha256(str(number).encode()).hexdigest()}" for number in range(layers)]
    config = json.dumps(
        {"architecture": "amd64", "os": "linux", "config": {}, "rootfs": {"type": "layers", "diff_ids": digests}}
    ).encode()
    entries = [
        {"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest, "size": size}
        for digest in digests
    ]
    described = {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": sha256_digest(config)}
    manifest = json.dumps(
        {"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": described | {"size": len(config)}, "layers": entries}
    ).encode()
    store.blobs |= dict.fromkeys(digests, b"not opened") | {sha256_digest(config): config}
    store.manifests[sha256_digest(manifest)] = (manifest, OCI_MANIFEST)
    return Reference(simulator.host, repository, digest=sha256_digest(manifest))


def test_a_base_of_20_gb_in_the_same_registry_costs_no_byte_of_its_layers(simulator: RegistrySimulator) -> None:
    base = fake_base(simulator, "bases/huge", 40, GB // 2)

    with RegistryClient(simulator.host) as source, RegistryClient(simulator.host) as target:
        copied = copy_image(source, base, target, "app", progress=Silent())

    assert copied == base.digest
    assert not [line for line in simulator.requests() if line.startswith("GET") and "/blobs/sha256:" in line][1:]
    assert simulator.received < 100_000  # bytes of bodies: the manifest alone
    assert len(writes(simulator.requests())) == 42  # mounts, and the manifest


def test_a_mount_that_is_refused_to_the_account_is_followed_by_a_copy(simulator: RegistrySimulator) -> None:
    content = noise("shared", 5000)
    simulator.repository("bases/one").blobs[sha256_digest(content)] = content
    simulator.fail("forbidden", "POST")
    shelf = Shelf()
    layer = shelf.layer(content)

    with RegistryClient(simulator.host) as client:
        sent = client.upload_blob("app", layer.digest, 5000, lambda: shelf.open(layer.digest), mount_from="bases/one")

    assert sent == "uploaded"
    assert simulator.repository("app").blobs[layer.digest] == content
