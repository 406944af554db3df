"""Registries that fail, and what the client makes of it."""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler

import pytest

from aciml.core.credentials import Credentials
from aciml.core.errors import Cancelled, OutageError
from aciml.core.image import sha256_digest
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.registry.base import copy_image
from aciml.registry.client import RegistryClient
from aciml.registry.errors import RegistryError
from aciml.registry.limits import ClientLimits
from aciml.registry.push import push_image
from tests.heard import Heard
from tests.registry.images import Shelf, noise
from tests.simulators.ending_server import serving
from tests.simulators.registry import FaultName, RegistrySimulator

SMALL = ClientLimits(whole=400_000, chunk=100_000, block=16_384)


class Waits(list[float]):
    """A clock that only adds up."""

    def __call__(self, seconds: float) -> None:
        self.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


@pytest.fixture
def client(simulator: RegistrySimulator, waits: Waits) -> Iterator[RegistryClient]:
    with RegistryClient(simulator.host, wait=waits, limits=SMALL) as made:
        yield made


def upload(client: RegistryClient, content: bytes, what: str = "layer 3 of 5", *, seekable: bool = True) -> str:
    source = io.BytesIO if seekable else OneWay
    return client.upload_blob("app", sha256_digest(content), len(content), lambda: source(content), what=what)


class OneWay(io.BytesIO):
    def seekable(self) -> bool:
        return False


def methods(simulator: RegistrySimulator) -> list[str]:
    return [line.partition(" ")[0] for line in simulator.requests()]


@pytest.mark.parametrize("name", ["server-error", "too-many-requests", "lost-answer"])
@pytest.mark.parametrize("on", ["HEAD", "GET", "POST", "PUT .*/manifests/", "PUT .*/uploads/"])
def test_a_passing_failure_is_not_seen_by_the_user(
    client: RegistryClient, simulator: RegistrySimulator, name: FaultName, on: str
) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 1000)])
    simulator.fail(name, on, times=2)

    push_image(client, "app", "1", image, shelf, mount_from={}, progress=Silent())

    found = client.manifest("app", "1")
    assert found is not None
    assert found.digest == image.digest


def test_the_pause_a_registry_asks_for_is_kept(
    client: RegistryClient, simulator: RegistrySimulator, waits: Waits
) -> None:
    simulator.fail("too-many-requests", "GET", retry_after=7)

    client.ping()

    assert sum(waits) == 7


def test_a_pause_of_an_hour_is_not_kept_but_reported(client: RegistryClient, simulator: RegistrySimulator) -> None:
    simulator.fail("too-many-requests", "GET", retry_after=3600)

    with pytest.raises(RegistryError, match="answered 429: TOOMANYREQUESTS") as caught:
        client.ping()

    assert caught.value.temporary
    assert caught.value.retry_after == 3600


def test_a_pause_can_be_cancelled(client: RegistryClient, simulator: RegistrySimulator, waits: Waits) -> None:
    simulator.fail("too-many-requests", "POST", retry_after=7)
    content = noise("a", 100)

    with pytest.raises(Cancelled):
        client.upload_blob(
            "app", sha256_digest(content), 100, lambda: io.BytesIO(content), progress=Heard("trying again in 7 s")
        )
    assert waits == []


def test_a_failure_that_stays_is_reported_after_five_tries(
    client: RegistryClient, simulator: RegistrySimulator, waits: Waits
) -> None:
    simulator.fail("server-error", "GET", times=99)

    with pytest.raises(RegistryError, match="answered 500") as caught:
        client.manifest("app", "1")

    assert caught.value.status == 500
    assert len(simulator.requests()) == 5
    assert sum(waits) == 0.5 + 1 + 2 + 4


def test_a_body_that_is_cut_goes_on_in_chunks(client: RegistryClient, simulator: RegistrySimulator) -> None:
    content = noise("cut", 350_000)
    simulator.fail("cut", "PUT", after=200_000)

    assert upload(client, content) == "uploaded"

    assert simulator.repository("app").blobs[sha256_digest(content)] == content
    asked = ["HEAD", "POST", "PUT", "DELETE", "HEAD", "POST", "PATCH", "PATCH", "PATCH", "PATCH", "PUT"]
    assert methods(simulator) == asked


def test_a_chunk_that_is_cut_goes_on_where_it_broke(client: RegistryClient, simulator: RegistrySimulator) -> None:
    content = noise("cut", 1_000_000)
    simulator.fail("server-error", "PATCH")
    simulator.fail("cut", "PATCH", times=3, after=65_536)

    assert upload(client, content) == "uploaded"

    assert simulator.repository("app").blobs[sha256_digest(content)] == content
    assert simulator.received < 1_100_000  # not from the start


def test_a_source_that_cannot_go_back_is_sent_anew_after_a_cut(
    client: RegistryClient, simulator: RegistrySimulator
) -> None:
    content = noise("cut", 500_000)
    simulator.fail("cut", "PATCH", after=65_536)

    assert upload(client, content, seekable=False) == "uploaded"

    assert methods(simulator).count("POST") == 2
    assert simulator.repository("app").blobs[sha256_digest(content)] == content


@pytest.mark.parametrize("on", ["PUT", "PATCH"])
def test_a_lost_upload_begins_anew(client: RegistryClient, simulator: RegistrySimulator, on: str) -> None:
    content = noise("lost", 500_000 if on == "PATCH" else 1000)
    simulator.fail("range", on)

    assert upload(client, content) == "uploaded"

    assert methods(simulator).count("POST") == 2


def test_an_upload_whose_answer_was_lost_is_found_and_not_sent_again(
    client: RegistryClient, simulator: RegistrySimulator
) -> None:
    simulator.fail("lost-answer", "PUT")

    assert upload(client, noise("a", 1000)) == "present"

    assert simulator.received == 1000


def test_a_layer_that_is_too_large_is_named_with_its_size(client: RegistryClient, simulator: RegistrySimulator) -> None:
    simulator.fail("too-large", "PUT")

    with pytest.raises(RegistryError) as caught:
        upload(client, noise("a", 399_999))

    message = "answered 413 to layer 3 of 5 (399999 bytes); raise its upload limit or split the layer"
    assert str(caught.value) == f"{simulator.host} {message}"
    assert not caught.value.temporary
    assert "secret" not in caught.value.url


def test_a_refused_account_is_named_without_its_password(simulator: RegistrySimulator) -> None:
    simulator.fail("forbidden", "POST")
    with (
        RegistryClient(simulator.host, Credentials("ci", "pa55word")) as client,
        pytest.raises(RegistryError) as caught,
    ):
        upload(client, b"x")

    refused = 'refused the account "ci" for layer 3 of 5 (1 bytes) (403: DENIED); give that account the right to push'
    assert f'{refused} to the repository "app" (in Azure the role AcrPush)' in str(caught.value)
    assert "pa55word" not in repr(vars(caught.value)) + str(caught.value)


@pytest.mark.parametrize("name", ["forbidden", "server-error", "unauthorized"])
def test_only_a_404_means_that_something_is_gone(
    client: RegistryClient, simulator: RegistrySimulator, name: FaultName
) -> None:
    simulator.fail(name, "(GET|HEAD) /v2/app", times=99)

    for ask in (client.manifest, client.head_manifest, client.has_blob):
        with pytest.raises(OutageError):
            ask("app", "1")
    with pytest.raises(OutageError):
        client.tags("app")


def test_a_registry_that_forbids_deletion_says_how_to_allow_it(
    client: RegistryClient, simulator: RegistrySimulator
) -> None:
    simulator.fail("method-not-allowed", "DELETE")

    with pytest.raises(OutageError, match="REGISTRY_STORAGE_DELETE_ENABLED=true"):
        client.delete_manifest("app", sha256_digest(b""))


def test_nobody_at_the_address_is_one_sentence(waits: Waits) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening: connections are refused
        host = f"127.0.0.1:{taken.getsockname()[1]}"
        with RegistryClient(host, wait=waits) as client, pytest.raises(OutageError) as caught:
            client.ping()

    assert str(caught.value).startswith(
        f"{host} could not be reached: Connection refused (5 tries, 8 s); check that it runs"
    )


def test_a_registry_that_goes_silent_is_not_waited_for_without_end(simulator: RegistrySimulator, waits: Waits) -> None:
    simulator.fail("slow", "GET", times=99)
    limits = ClientLimits(idle=0.05, attempts=2)
    with (
        RegistryClient(simulator.host, wait=waits, limits=limits) as client,
        pytest.raises(OutageError, match="went silent"),
    ):
        client.ping()


@pytest.mark.parametrize("name", ["wrong-digest", "cut-answer"])
def test_wrong_or_missing_bytes_are_never_handed_on(
    client: RegistryClient, simulator: RegistrySimulator, name: FaultName
) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 100_000)])
    push_image(client, "app", "1", image, shelf, mount_from={}, progress=Silent())
    simulator.fail(name, "GET", times=99)

    with pytest.raises(OutageError):
        client.read_blob("app", image.layers[0].digest)
    with pytest.raises(OutageError):
        client.manifest("app", image.digest)


@pytest.mark.parametrize("head", ["HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nDocker-Con"])
def test_an_answer_that_ends_in_its_head_says_nothing(head: str, waits: Waits) -> None:
    """``http.client`` takes it for a whole one: a blob would count as present."""

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.wfile.write(head.encode())

        def log_message(self, *_: object) -> None:
            pass

    with (
        serving(Handler) as server,
        RegistryClient(f"127.0.0.1:{server.server_port}", wait=waits) as client,
        pytest.raises(OutageError, match="closed the connection in the middle of a request"),
    ):
        client.has_blob("app", sha256_digest(b"abc"))


def test_a_copy_survives_a_cut_on_either_side(client: RegistryClient, simulator: RegistrySimulator) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 300_000), noise("b", 700_000)])
    with RegistrySimulator() as far, RegistryClient(far.host) as source:
        push_image(source, "base", "1", image, shelf, mount_from={}, progress=Silent())
        for layer in image.layers:
            far.fail("cut-answer", f"GET .*/blobs/{layer.digest}")
        simulator.fail("cut", "PUT", after=1000)
        copy_image(source, Reference(far.host, "base", "1"), client, "app", progress=Silent())

    assert {layer.digest for layer in image.layers} < set(simulator.repository("app").blobs)
    assert simulator.repository("app").blobs[image.layers[1].digest] == shelf.blobs[image.layers[1].digest]


def test_layers_that_were_sent_before_an_outage_are_not_sent_again(
    client: RegistryClient, simulator: RegistrySimulator
) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 1000), noise("b", 1000), noise("c", 1000)])
    simulator.fail("forbidden", "PUT .*/manifests/")
    with pytest.raises(RegistryError):
        push_image(client, "app", "1", image, shelf, mount_from={}, progress=Silent())
    shelf.opened.clear()

    pushed = push_image(client, "app", "1", image, shelf, mount_from={}, progress=Silent())

    assert (pushed.present, pushed.uploaded, shelf.opened) == (4, 0, [])


def test_a_layer_that_went_missing_under_its_manifest_is_sent_again(
    client: RegistryClient, simulator: RegistrySimulator
) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 1000), noise("b", 1000)])
    push_image(client, "app", "1", image, shelf, mount_from={}, progress=Silent())
    del simulator.repository("app").blobs[image.layers[1].digest]

    pushed = push_image(client, "app", "1", image, shelf, mount_from={}, progress=Silent())

    assert (pushed.present, pushed.uploaded) == (2, 1)


def test_a_long_list_of_tags_is_read_page_by_page() -> None:
    shelf = Shelf()
    image = shelf.image([b"x"])
    with RegistrySimulator(page=2) as simulator, RegistryClient(simulator.host) as client:
        for tag in "edcba":
            push_image(client, "app", tag, image, shelf, mount_from={}, progress=Silent())

        assert client.tags("app") == ["a", "b", "c", "d", "e"]


def test_a_mirror_is_asked_in_place_of_the_host_and_without_its_password() -> None:
    with RegistrySimulator(accounts={"mirror": "m"}, scheme="basic") as simulator:
        mirror = f"http://mirror:m@{simulator.host}/"
        with RegistryClient("docker.io", Credentials("hub", "h"), mirror=mirror) as client:
            client.ping()
            assert client.base == f"http://{simulator.host}"
        bare = RegistryClient("docker.io", Credentials("mirror", "m"), mirror=f"http://{simulator.host}")
        with bare, pytest.raises(RegistryError, match=r"docker\.io refused anonymous access"):
            bare.ping()


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("localhost:5000", "http://localhost:5000"),
        ("127.9.0.1:80", "http://127.9.0.1:80"),
        ("[::1]:5000", "http://[::1]:5000"),
        ("docker.io", "https://registry-1.docker.io"),
        ("example.azurecr.io", "https://example.azurecr.io"),
        ("localhost.example.com", "https://localhost.example.com"),
        ("10.0.0.1:5000", "https://10.0.0.1:5000"),
    ],
)
def test_only_this_machine_is_spoken_to_in_the_clear(host: str, base: str) -> None:
    with RegistryClient(host) as client:
        assert client.base == base


@pytest.mark.parametrize(
    ("says", "found"), [(True, "says that it is sha256:"), (False, "does not find it by that digest")]
)
@pytest.mark.parametrize("reference", ["1", ""])
def test_a_registry_that_has_another_manifest_than_was_sent_is_an_error(
    client: RegistryClient, simulator: RegistrySimulator, reference: str, found: str, *, says: bool
) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 10)])
    simulator.changes_manifests, simulator.says_digest = True, says

    with pytest.raises(RegistryError, match=f"with digest {image.digest} and {found}") as caught:
        push_image(client, "app", reference, image, shelf, mount_from={}, progress=Silent())
    assert "what is there is not what was sent" in str(caught.value)


def test_a_registry_that_says_no_digest_is_asked_for_it(client: RegistryClient, simulator: RegistrySimulator) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 10)])
    simulator.says_digest = False

    push_image(client, "app", "1", image, shelf, mount_from={}, progress=Silent())

    assert simulator.requests()[-1] == f"HEAD /v2/app/manifests/{image.digest}"
