"""How often and how long a registry is asked again: one budget for a host, told in one line."""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.client import BadStatusLine, RemoteDisconnected

import pytest
import requests
from urllib3.exceptions import ProtocolError

from aciml.core.errors import AcimlError, Cancelled
from aciml.core.image import sha256_digest
from aciml.core.pace import Pace
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.registry.base import copy_image
from aciml.registry.client import RegistryClient
from aciml.registry.errors import RegistryError, answered, unreachable
from aciml.registry.limits import ClientLimits
from aciml.registry.pace import Effort
from aciml.registry.push import push_image
from aciml.registry.referrers import Artifact, attach
from tests.heard import Heard
from tests.registry.images import Shelf, noise
from tests.simulators.registry import FaultName, RegistrySimulator

SMALL = ClientLimits(whole=400_000, chunk=100_000, block=16_384)


@pytest.fixture
def client(simulator: RegistrySimulator) -> Iterator[RegistryClient]:
    with RegistryClient(simulator.host, wait=lambda _: None, limits=SMALL) as made:
        yield made


def upload(client: RegistryClient, content: bytes, mount_from: str = "") -> str:
    digest = sha256_digest(content)
    return client.upload_blob("app", digest, len(content), lambda: io.BytesIO(content), mount_from=mount_from)


def failing(**facts: float) -> RegistryError:
    return RegistryError("the host fails", temporary=True, **facts)  # type: ignore[arg-type]


def count(simulator: RegistrySimulator, start: str) -> int:
    return sum(line.startswith(start) for line in simulator.requests())


@pytest.mark.parametrize("on", ["HEAD", "POST", "PUT"])
@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_requests_of_an_upload_share_its_tries(
    client: RegistryClient, simulator: RegistrySimulator, on: str, size: int
) -> None:
    simulator.fail("server-error", on, times=99)

    with pytest.raises(RegistryError, match=r"\(5 tries, 8 s\)"):
        upload(client, noise("a", size))

    # one more if the bytes came through as a chunk meanwhile: what came forward is tried anew
    assert count(simulator, on) in ((5, 6) if on == "PUT" else (5,))


def test_one_chunk_has_no_more_tries_than_another_request(client: RegistryClient, simulator: RegistrySimulator) -> None:
    content = noise("a", 1_000_000)
    simulator.fail("server-error", "PATCH", times=99)

    with pytest.raises(RegistryError, match="5 tries"):
        upload(client, content)

    assert count(simulator, "PATCH") == 5


def test_bytes_that_are_sent_once_more_are_no_step_forward(
    client: RegistryClient, simulator: RegistrySimulator
) -> None:
    """The last request of an upload fails; the next attempt sends its bytes again, in chunks that all arrive."""
    simulator.fail("server-error", "PUT", times=99)

    with pytest.raises(RegistryError, match=r"\(5 tries, 8 s\)"):
        upload(client, noise("a", 1000))

    assert count(simulator, "PUT") == 5


def test_time_without_an_answer_is_counted_too() -> None:
    effort, limits = Effort(), ClientLimits(budget=180)

    assert [effort.failed(failing(waited=60), limits) for _ in range(2)] == [0.5, 1.0]
    with pytest.raises(RegistryError, match=r"\(3 tries, 182 s\)"):
        effort.failed(failing(waited=60), limits)


def test_too_many_requests_without_a_pause_is_asked_once_a_second_at_most() -> None:
    effort = Effort()

    assert [effort.failed(failing(status=429), ClientLimits()) for _ in range(4)] == [1, 2, 4, 8]


def test_an_error_that_was_tried_to_the_end_is_not_tried_by_another_host() -> None:
    error = failing().after(5, 8)

    with pytest.raises(RegistryError, match=r"the host fails \(5 tries, 8 s\)$"):
        Effort().failed(error, ClientLimits())


class Time:
    """A clock that goes on only while somebody waits."""

    def __init__(self) -> None:
        self.now = 0.0
        self.then: Callable[[], None] | None = None

    def __call__(self) -> float:
        return self.now

    def wait(self, seconds: float) -> None:
        action, self.then = self.then, None
        if action:
            action()
        self.now += seconds


def in_thread(action: Callable[[], object]) -> None:
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()


def test_a_pause_that_a_host_asked_one_thread_for_is_kept_by_all() -> None:
    time, entered = Time(), list[float]()
    pace = Pace(time.wait, time)

    def other() -> None:
        pace.enter(lambda: None)
        entered.append(time.now)

    time.then = lambda: in_thread(other)
    pace.hold(30, lambda: None)

    assert entered == [30]


def test_after_a_pause_one_asks_a_second_until_one_is_answered() -> None:
    time, entered = Time(), list[float]()
    pace = Pace(time.wait, time)
    pace.hold(5, lambda: None)

    def other() -> None:
        pace.enter(lambda: None)
        entered.append(time.now)

    mark = pace.enter(lambda: None)
    in_thread(other)
    in_thread(other)
    assert entered == [6, 7]
    pace.good(mark)
    in_thread(other)
    in_thread(other)
    assert entered[2:] == [7, 7]


def test_an_answer_that_was_on_its_way_does_not_end_a_pause() -> None:
    time = Time()
    pace = Pace(time.wait, time)
    mark = pace.enter(lambda: None)
    pace.hold(1, lambda: None)
    pace.enter(lambda: None)

    pace.good(mark)

    in_thread(lambda: pace.enter(lambda: None))
    assert time.now == 2


def test_retries_are_told_in_one_line(client: RegistryClient, simulator: RegistrySimulator) -> None:
    simulator.fail("too-many-requests", "GET", times=2, retry_after=6)
    simulator.fail("server-error", "HEAD")

    client.ping()
    client.has_blob("app", sha256_digest(b""))

    assert client.take_retries() == "3 retries, 12 s"
    assert client.take_retries() == ""


@pytest.mark.parametrize("seconds", [0, 30])
def test_a_pause_may_be_a_date(seconds: int) -> None:
    response = requests.Response()
    response.status_code, response._content = 503, b""  # there is no other way to make one
    response.headers["Retry-After"] = format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)

    assert seconds - 5 <= answered("host", response, "it", "").retry_after <= seconds


def test_a_write_that_stalls_is_silence_and_no_closed_connection() -> None:
    from urllib3.exceptions import ProtocolError

    stalled = requests.ConnectionError(ProtocolError("Connection aborted.", TimeoutError("timed out")))
    broken = requests.ConnectionError(ProtocolError("Connection aborted.", BrokenPipeError(32, "Broken pipe")))

    assert "went silent" in unreachable("host", "https://host", stalled, 60).message
    assert unreachable("host", "https://host", stalled, 60).waited == 60
    assert "closed the connection" in unreachable("host", "https://host", broken, 60).message
    assert unreachable("host", "https://host", broken, 60).waited == 0


@pytest.mark.parametrize("name", ["forbidden", "bad-request", "method-not-allowed", "not-implemented"])
def test_a_mount_that_is_refused_is_an_upload(
    client: RegistryClient, simulator: RegistrySimulator, name: FaultName
) -> None:
    simulator.fail(name, "POST")

    assert upload(client, noise("a", 1000), "elsewhere") == "uploaded"

    assert count(simulator, "POST") == 2


@pytest.mark.parametrize("named", [True, False])
def test_blobs_that_a_registry_lacks_after_all_are_sent_in_the_same_run(
    client: RegistryClient, simulator: RegistrySimulator, *, named: bool
) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 1000), noise("b", 1000)])
    push_image(client, "app", "1", image, shelf, mount_from={}, progress=Silent())
    lost = image.layers[1].digest
    repository = simulator.repository("app")
    repository.manifests.clear()
    repository.tags.clear()
    del repository.blobs[lost]
    simulator.believed.add(lost)
    simulator.names_unknown = named

    pushed = push_image(client, "app", "2", image, shelf, mount_from={}, progress=Silent())

    assert lost in repository.blobs
    assert pushed.uploaded == (1 if named else 3)
    assert client.head_manifest("app", "2") == image.digest


@pytest.mark.parametrize("what", ["a base", "a document"])
def test_what_is_not_an_image_of_ours_is_healed_too(
    client: RegistryClient, simulator: RegistrySimulator, what: str
) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 5000)])
    push_image(client, "base", "1", image, shelf, mount_from={}, progress=Silent())
    document = b"{}"
    simulator.believed = {image.layers[0].digest, sha256_digest(document), sha256_digest(image.config())}

    if what == "a base":
        copy_image(client, Reference.parse(f"{simulator.host}/base:1"), client, "app", progress=Silent())
    else:
        attach(client, "base", image.manifest(), Artifact("text/x", document), Silent())

    assert simulator.repository("app" if what == "a base" else "base").blobs.keys() >= (
        {image.layers[0].digest} if what == "a base" else {sha256_digest(document)}
    )


def test_a_blob_that_is_lacking_and_not_here_is_the_registrys_error(
    client: RegistryClient, simulator: RegistrySimulator
) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 1000)])
    simulator.believed.add(image.layers[0].digest)

    class Empty:
        def open(self, digest: str) -> io.BytesIO:
            raise AcimlError(f"{digest} is not here")

    with pytest.raises(RegistryError, match="MANIFEST_BLOB_UNKNOWN"):
        push_image(client, "app", "1", image, Empty(), mount_from={}, progress=Silent())


def test_an_upload_that_is_given_up_is_cancelled(client: RegistryClient, simulator: RegistrySimulator) -> None:
    simulator.fail("too-large", "PUT")

    with pytest.raises(RegistryError):
        upload(client, noise("a", 1000))

    assert simulator.uploads == {}
    assert count(simulator, "DELETE") == 1


def test_an_upload_that_ctrl_c_ends_is_cancelled(client: RegistryClient, simulator: RegistrySimulator) -> None:
    content = noise("a", 3_000_000)

    with pytest.raises(Cancelled):
        client.upload_blob(
            "app", sha256_digest(content), len(content), lambda: io.BytesIO(content), progress=Heard("blob: ")
        )

    assert simulator.uploads == {}


def test_failures_that_were_under_way_at_once_are_one_round_of_the_host() -> None:
    pace = Pace(lambda _: None, lambda: 0.0)
    first, second = Effort(began=pace.rounds), Effort(began=pace.rounds)
    seen = pace.rounds
    for _ in range(4):  # four layers that are sent side by side
        pace.failed(seen)
    assert pace.rounds_since(0) == 1

    first.failed(failing(), ClientLimits())
    for _ in range(4):
        pace.failed(pace.rounds)
    second.look(pace.rounds_since(second.began), ClientLimits())  # it has not failed itself, and may try
    with pytest.raises(RegistryError, match=r"fails \(5 tries, "):
        first.look(pace.rounds_since(first.began), ClientLimits())


def test_a_work_that_comes_forward_begins_the_count_of_its_host_anew() -> None:
    pace = Pace(lambda _: None, lambda: 0.0)
    effort = Effort(tries=1, last=failing(), began=pace.rounds)
    for _ in range(5):
        pace.failed(pace.rounds)
    pace.came_forward()
    pace.failed(pace.rounds)

    effort.look(pace.rounds_since(effort.began), ClientLimits())
    assert Effort(began=pace.rounds).began == 6
    assert pace.rounds_since(pace.rounds) == 0


@pytest.mark.parametrize(
    ("status", "code", "advice"),
    [
        (400, "DIGEST_INVALID", "look for a proxy in between"),
        (400, "MANIFEST_BLOB_UNKNOWN", "it lacks blobs that it took before"),
        (307, "", "it sends uploads on to another address"),
        (415, "", "it does not take images in OCI's format"),
    ],
)
def test_the_registrys_own_word_says_more_than_its_status(status: int, code: str, advice: str) -> None:
    response = requests.Response()
    response.status_code = status
    response._content = json.dumps({"errors": [{"code": code}]} if code else {}).encode()

    assert advice in answered("r.example", response, "layer 1 of 2", "").advice


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (BadStatusLine("\x15\x03\x01"), "does not speak HTTP at that port"),
        (RemoteDisconnected("closed"), "closed the connection in the middle of a request"),
    ],
)
def test_what_is_no_http_is_no_closed_connection(error: Exception, words: str) -> None:
    told = requests.ConnectionError(ProtocolError("Connection aborted.", error))

    assert words in unreachable("r.example", "https://r.example/v2/", told).message
