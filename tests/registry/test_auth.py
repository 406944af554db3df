"""Logging in: who is asked for what, how often, and what never leaves."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from aciml.core.progress import Silent
from aciml.registry.auth import Challenge
from aciml.registry.client import RegistryClient
from aciml.registry.errors import RegistryError
from aciml.registry.push import push_image
from aciml.targets.protocol import Credentials
from tests.registry.images import Shelf, noise
from tests.simulators.registry import RegistrySimulator

CI = Credentials("ci", "s3cret")


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
