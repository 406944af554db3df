"""Logging in: who is asked for what, how often, and what never leaves."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Iterator

import pytest

from aciml.core.credentials import Credentials
from aciml.core.progress import Silent
from aciml.registry.auth import Challenge
from aciml.registry.client import RegistryClient
from aciml.registry.errors import RegistryError
from aciml.registry.jwt import life
from aciml.registry.push import push_image
from tests.registry.images import Shelf, noise
from tests.simulators.registry import RegistrySimulator

CI = Credentials("ci", "s3cret")
NOBODY = "00000000-0000-0000-0000-000000000000"


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def guarded() -> Iterator[RegistrySimulator]:
    with RegistrySimulator(accounts={"ci": "s3cret"}) as registry:
        yield registry


@pytest.fixture
def client(guarded: RegistrySimulator, clock: Clock) -> Iterator[RegistryClient]:
    with RegistryClient(guarded.host, CI, clock=clock, wait=lambda _: None) as made:
        yield made


def token_requests(registry: RegistrySimulator) -> int:
    return registry.requests().count("GET /token")


def test_one_token_serves_all_requests_of_a_scope(client: RegistryClient, guarded: RegistrySimulator) -> None:
    shelf = Shelf()
    image = shelf.image(noise(str(number), 1000) for number in range(8))

    push_image(client, "app", "1", image, shelf, mount_from={}, progress=Silent())

    assert sorted(guarded.tokens.values()) == [["repository:app:pull"], ["repository:app:pull,push"]]


def test_a_mount_asks_for_both_repositories(client: RegistryClient, guarded: RegistrySimulator) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 1000)])
    push_image(client, "old", "1", image, shelf, mount_from={}, progress=Silent())

    mounts = {image.layers[0].digest: "old"}
    pushed = push_image(client, "new", "1", image, shelf, mount_from=mounts, progress=Silent())

    assert pushed.mounted == 1
    assert ["repository:new:pull,push", "repository:old:pull"] in guarded.tokens.values()


def test_a_token_is_renewed_before_it_ends(client: RegistryClient, guarded: RegistrySimulator, clock: Clock) -> None:
    client.has_blob("app", "1")
    clock.now += 269
    client.has_blob("app", "1")
    assert token_requests(guarded) == 1

    clock.now += 2  # 29 seconds are left of 300
    client.has_blob("app", "1")

    assert token_requests(guarded) == 2


@pytest.mark.parametrize("on", ["PUT .*/uploads/", "POST", "PUT .*/manifests/"])
def test_a_token_that_ends_too_early_is_replaced(client: RegistryClient, guarded: RegistrySimulator, on: str) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 1000)])
    guarded.fail("unauthorized", on)

    push_image(client, "app", "1", image, shelf, mount_from={}, progress=Silent())

    assert client.head_manifest("app", "1") == image.digest


def test_basic_login_asks_once_without_and_then_with() -> None:
    with (
        RegistrySimulator(accounts={"ci": "s3cret"}, scheme="basic") as registry,
        RegistryClient(registry.host, CI) as client,
    ):
        client.ping()
        client.ping()

        assert registry.requests() == ["GET /v2/"] * 3


@pytest.mark.parametrize("scheme", ["basic", "bearer"])
@pytest.mark.parametrize("credentials", [Credentials(), Credentials("ci", "wr0ng")])
def test_a_wrong_account_is_one_sentence(scheme: str, credentials: Credentials) -> None:
    registry = RegistrySimulator(accounts={"ci": "s3cret"}, scheme="basic" if scheme == "basic" else "bearer")
    with registry, RegistryClient(registry.host, credentials) as client, pytest.raises(RegistryError) as caught:
        client.ping()

    who = 'the account "ci"' if credentials.username else "anonymous access"
    assert f"{registry.host} refused {who} for " in str(caught.value)
    assert "wr0ng" not in str(caught.value)
    assert not caught.value.temporary


def test_a_token_server_that_fails_for_a_moment_is_asked_again(
    client: RegistryClient, guarded: RegistrySimulator
) -> None:
    guarded.fail("server-error", "/token")

    client.ping()


def test_no_password_goes_to_a_token_server_in_the_clear() -> None:
    registry = RegistrySimulator(accounts={"ci": "s3cret"})
    registry.realm = "http://tokens.example.com/token"
    with registry, RegistryClient(registry.host, CI) as client, pytest.raises(RegistryError, match="is not https"):
        client.ping()


def test_a_netrc_file_is_not_looked_at(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path_factory.mktemp("home")
    (home / ".netrc").write_text("machine 127.0.0.1 login ci password s3cret\n")
    (home / ".netrc").chmod(0o600)
    monkeypatch.setenv("HOME", str(home))
    with (
        RegistrySimulator(accounts={"ci": "s3cret"}, scheme="basic") as registry,
        RegistryClient(registry.host) as client,
        pytest.raises(RegistryError, match="anonymous"),
    ):
        client.ping()


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Challenge("", {})),
        ("Basic realm=plain", Challenge("basic", {"realm": "plain"})),
        (
            'Bearer realm="https://a/token",service="s",scope="repository:x:pull,push"',
            Challenge("bearer", {"realm": "https://a/token", "service": "s", "scope": "repository:x:pull,push"}),
        ),
    ],
)
def test_challenges_are_read(header: str, expected: Challenge) -> None:
    assert Challenge.parse(header) == expected


class Identity:
    """Gives out one identity token after another: the next when told to forget the last."""

    def __init__(self) -> None:
        self.number, self.asked = 1, 0

    def __call__(self) -> str:
        self.asked += 1
        return f"identity-{self.number}"

    def forget(self, refused: str) -> None:
        self.number += refused == f"identity-{self.number}"


@pytest.fixture
def identity(guarded: RegistrySimulator) -> Identity:
    guarded.identities.add("identity-1")
    return Identity()


@pytest.fixture
def known(guarded: RegistrySimulator, clock: Clock, identity: Identity) -> Iterator[RegistryClient]:
    credentials = Credentials(NOBODY, "ran out long ago", identity)
    with RegistryClient(guarded.host, credentials, clock=clock, wait=lambda _: None) as made:
        yield made


def exchanges(registry: RegistrySimulator) -> int:
    return registry.requests().count("POST /token")


def test_an_identity_token_is_exchanged_once_a_scope(known: RegistryClient, guarded: RegistrySimulator) -> None:
    shelf = Shelf()
    image = shelf.image(noise(str(number), 1000) for number in range(8))

    push_image(known, "app", "1", image, shelf, mount_from={}, progress=Silent())

    assert known.head_manifest("app", "1") == image.digest
    assert sorted(guarded.tokens.values()) == [["repository:app:pull"], ["repository:app:pull,push"]]
    assert (exchanges(guarded), token_requests(guarded)) == (2, 0)


def test_a_mount_by_identity_asks_for_both_repositories_in_one_token(
    known: RegistryClient, guarded: RegistrySimulator
) -> None:
    shelf = Shelf()
    image = shelf.image([noise("a", 1000)])
    push_image(known, "old", "1", image, shelf, mount_from={}, progress=Silent())

    pushed = push_image(known, "new", "1", image, shelf, mount_from={image.layers[0].digest: "old"}, progress=Silent())

    assert pushed.mounted == 1
    assert ["repository:new:pull,push", "repository:old:pull"] in guarded.tokens.values()


def test_the_token_itself_tells_when_it_ends(known: RegistryClient, guarded: RegistrySimulator, clock: Clock) -> None:
    known.has_blob("app", "1")
    clock.now += 269
    known.has_blob("app", "1")
    assert exchanges(guarded) == 1

    clock.now += 2

    known.has_blob("app", "1")
    assert exchanges(guarded) == 2


def test_many_threads_share_one_exchange(known: RegistryClient, guarded: RegistrySimulator) -> None:
    known.ping()  # learns the challenge
    before = exchanges(guarded)
    threads = [threading.Thread(target=known.has_blob, args=("app", "1")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert exchanges(guarded) == before + 1


def test_an_identity_token_that_is_refused_is_replaced_once(
    known: RegistryClient, guarded: RegistrySimulator, identity: Identity
) -> None:
    guarded.identities = {"identity-2"}

    known.ping()

    assert (exchanges(guarded), identity.number) == (2, 2)


def test_an_access_token_that_is_refused_is_replaced(known: RegistryClient, guarded: RegistrySimulator) -> None:
    known.has_blob("app", "1")
    guarded.tokens.clear()

    assert not known.has_blob("app", "1")
    assert exchanges(guarded) == 2


def test_an_identity_without_rights_is_one_sentence_without_its_token(
    known: RegistryClient, guarded: RegistrySimulator
) -> None:
    guarded.identities = set()

    with pytest.raises(RegistryError) as caught:
        known.has_blob("app", "1")

    said = f"{guarded.host} refused this identity for a token for repository:app:pull (401: UNAUTHORIZED)"
    assert caught.value.message == said
    assert "role" in caught.value.advice
    assert "identity-" not in str(caught.value)
    assert exchanges(guarded) == 2


def test_a_registry_that_knows_only_passwords_gets_the_identity_token_of_now(identity: Identity) -> None:
    with (
        RegistrySimulator(accounts={NOBODY: "identity-1"}, scheme="basic") as registry,
        RegistryClient(registry.host, Credentials(NOBODY, "ran out long ago", identity)) as client,
    ):
        client.ping()


def _token(**claims: object) -> str:
    middle = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    return f"e30.{middle}.c2ln"


@pytest.mark.parametrize(
    ("token", "expected"),
    [
        (_token(iat=5000, exp=5300), 300.0),
        (_token(nbf=5000, exp=5300), 300.0),
        (_token(exp=1100), 100.0),
        (_token(), None),
        (_token(exp="soon"), None),
        ("no token", None),
        ("a.b.c", None),
        ("a.W10.c", None),
    ],
)
def test_the_life_of_a_token_is_read_from_it(token: str, expected: float | None) -> None:
    assert life(token, now=1000.0) == expected
