"""The emulated registry service, held to what Azure's own clients, Docker and our client expect of it."""

from __future__ import annotations

import functools
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
import requests
from azure.containerregistry import ContainerRegistryClient
from azure.core.exceptions import HttpResponseError, ResourceNotFoundError

from aciml.core.credentials import Credentials
from aciml.core.image import OCI_MANIFEST, sha256_digest
from aciml.registry.client import RegistryClient
from aciml.registry.errors import RegistryError
from tests.azure.conftest import Account
from tests.simulators.azure.generic import assign
from tests.simulators.azure.registries_fronts import KIND, Fronts
from tests.simulators.azure.tokens import TOKEN_USER
from tests.simulators.containers import REPOSITORY, make_image, missing_engine

if TYPE_CHECKING:
    from pathlib import Path

    from azure.mgmt.containerregistry import ContainerRegistryManagementClient

    from tests.simulators.azure.emulator import Emulator

pytestmark = pytest.mark.registry
GROUP = "emulated"
CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()
PLAIN: dict[str, Any] = {"enforce_https": False}


@pytest.fixture
def fronts(emulator: Emulator) -> Fronts:
    found = emulator.world.parts["fronts"]
    assert isinstance(found, Fronts)
    return found


@pytest.fixture
def data(emulator: Emulator, login_server: str) -> Iterator[ContainerRegistryClient]:
    with ContainerRegistryClient(f"http://{login_server}", Account(emulator), retry_total=0) as client:
        yield client


@pytest.fixture
def ours(fronts: Fronts, login_server: str) -> Iterator[RegistryClient]:
    account = Credentials(TOKEN_USER, fronts.password(login_server))
    with RegistryClient(login_server, account, wait=lambda _: None) as client:
        yield client


def push(client: RegistryClient, repository: str, tag: str, layer: bytes = b"a layer") -> str:
    """Push an image of one layer and return its digest."""
    blobs = [CONFIG, layer]
    for blob in blobs:
        client.upload_blob(repository, sha256_digest(blob), len(blob), functools.partial(io.BytesIO, blob))
    named = [{"digest": sha256_digest(blob), "size": len(blob)} for blob in blobs]
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **named[0]},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", **named[1]}],
    }
    return client.put_manifest(repository, tag, json.dumps(manifest).encode(), OCI_MANIFEST)


def token(login_server: str, account: tuple[str, str] | None, *scopes: str) -> requests.Response:
    query = [("service", login_server), *(("scope", scope) for scope in scopes)]
    return requests.get(f"http://{login_server}/oauth2/token", query, auth=account, timeout=20)


def shown_state(registries: ContainerRegistryManagementClient) -> str:
    return str(registries.registries.get(GROUP, "images").as_dict()["properties"]["provisioningState"])


def ask(login_server: str, path: str, bearer: str = "", method: str = "GET") -> requests.Response:
    headers = {"Accept": OCI_MANIFEST, **({"Authorization": f"Bearer {bearer}"} if bearer else {})}
    return requests.request(method, f"http://{login_server}{path}", headers=headers, timeout=20)


def test_a_registry_is_made_shown_changed_listed_and_removed(
    emulator: Emulator, registries: ContainerRegistryManagementClient, make_registry: Callable[..., Any]
) -> None:
    made = make_registry(sku="Basic")
    assert made.properties.provisioning_state == "Succeeded"
    assert made.properties.login_server.startswith("127.0.0.1:")
    changed = registries.registries.begin_update(GROUP, "images", {"tags": {"a": "b"}, "sku": {"name": "Premium"}})
    assert (changed.result().sku.name, changed.result().tags) == ("Premium", {"a": "b"})
    assert [one.name for one in registries.registries.list()] == ["images"]
    assert [one.name for one in registries.registries.list_by_resource_group(GROUP)] == ["images"]
    sizes = registries.registries.list_usages(GROUP, "images").value or []
    assert [one.limit for one in sizes if one.name == "Size"] == [500 << 30]

    registries.registries.begin_delete(GROUP, "images").result()
    registries.registries.begin_delete(GROUP, "images").result()
    with pytest.raises(ResourceNotFoundError):
        registries.registries.get(GROUP, "images")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("fresh", None),
        ("images", "AlreadyExists"),
        ("IMAGES", "AlreadyExists"),
        ("abc", "Invalid"),
        ("a-b-c", "Invalid"),
    ],
)
def test_names_are_judged(
    emulator: Emulator,
    registries: ContainerRegistryManagementClient,
    make_registry: Callable[..., Any],
    name: str,
    reason: str | None,
) -> None:
    make_registry("images")
    body: Any = {"name": name, "type": KIND}
    seen = registries.registries.check_name_availability(body)
    assert (seen.name_available, seen.reason) == (reason is None, reason)
    if reason == "Invalid":
        emulator.violations.clear()  # the published pattern forbids to ask for such a name


def test_a_name_of_another_resource_group_is_taken(
    emulator: Emulator, registries: ContainerRegistryManagementClient, make_registry: Callable[..., Any]
) -> None:
    make_registry("images")
    emulator.groups.make("other")
    body: Any = {"location": "westeurope", "sku": {"name": "Basic"}, "properties": {}}
    with pytest.raises(HttpResponseError, match="AlreadyInUse") as caught:
        registries.registries.begin_create("other", "Images", body)
    assert caught.value.status_code == 409


PREMIUM = [
    ("DisablingPublicNetworkAccessNotSupported", {"publicNetworkAccess": "Disabled"}),
    ("NetworkRuleSetNotSupported", {"networkRuleSet": {"defaultAction": "Deny", "ipRules": []}}),
    ("NetworkRuleSetNotSupported", {"networkRuleSet": {"defaultAction": "Allow", "ipRules": [{"value": "10.0.0.1"}]}}),
    ("DataEndpointNotSupported", {"dataEndpointEnabled": True}),
    ("RetentionPolicyNotSupported", {"policies": {"retentionPolicy": {"days": 3, "status": "enabled"}}}),
    ("DisablingExportNotSupported", {"policies": {"exportPolicy": {"status": "disabled"}}}),
]


@pytest.mark.parametrize(("code", "properties"), PREMIUM)
def test_what_only_premium_has_is_refused_elsewhere_and_stands_in_the_way_of_a_downgrade(
    registries: ContainerRegistryManagementClient,
    make_registry: Callable[..., Any],
    code: str,
    properties: dict[str, Any],
) -> None:
    with pytest.raises(HttpResponseError, match=f"{code}|DisablingPublic") as caught:
        make_registry(sku="Standard", **properties)
    assert caught.value.status_code == 400
    closed = {"publicNetworkAccess": "Disabled"} if "Export" in code else {}
    assert make_registry(sku="Premium", **{**closed, **properties}).sku.name == "Premium"
    with pytest.raises(HttpResponseError, match=f"{code}|DisablingPublic"):
        registries.registries.begin_update(GROUP, "images", {"sku": {"name": "Basic"}})


def test_anonymous_pull_needs_standard_and_zones_never_change(
    registries: ContainerRegistryManagementClient, make_registry: Callable[..., Any]
) -> None:
    with pytest.raises(HttpResponseError, match="AnonymousPullNotSupported"):
        make_registry(sku="Basic", anonymousPullEnabled=True)
    make_registry(sku="Standard", anonymousPullEnabled=True)
    with pytest.raises(HttpResponseError, match="ZoneRedundancyCannotBeUpdated"):
        make_registry(sku="Standard", zoneRedundancy="Enabled")


def test_a_put_takes_back_what_it_does_not_name(make_registry: Callable[..., Any]) -> None:
    make_registry(sku="Premium", adminUserEnabled=True, dataEndpointEnabled=True)
    seen = make_registry(sku="Premium").properties
    assert (seen.admin_user_enabled, seen.data_endpoint_enabled) == (False, False)


def test_passwords_are_told_on_demand_only_and_changed_one_by_one(
    emulator: Emulator,
    registries: ContainerRegistryManagementClient,
    make_registry: Callable[..., Any],
    login_server: str,
) -> None:
    def known() -> dict[str, str]:
        found = registries.registries.list_credentials(GROUP, "images")
        return {str(getattr(one.name, "value", one.name)): str(one.value) for one in found.passwords or []}

    before = known()
    shown = json.dumps(emulator.world.need(emulator.world.resource_id(GROUP, KIND, "images")))
    assert not any(password in shown for password in before.values())
    assert token(login_server, ("images", before["password2"])).status_code == 200
    registries.registries.regenerate_credential(GROUP, "images", {"name": "password2"})
    assert known()["password"] == before["password"]
    assert token(login_server, ("images", before["password2"])).status_code == 401
    make_registry(sku="Premium")
    assert token(login_server, ("images", before["password"])).status_code == 401
    with pytest.raises(HttpResponseError, match="admin user is disabled"):
        known()


def test_the_sdk_pushes_lists_locks_and_deletes(data: ContainerRegistryClient) -> None:
    config, size = data.upload_blob("team/app", io.BytesIO(CONFIG), **PLAIN)
    layer = bytes(range(256)) * (5 << 12)  # 5 MiB: two chunks of the SDK
    digest, length = data.upload_blob("team/app", io.BytesIO(layer), **PLAIN)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config, "size": size},
        "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": digest, "size": length}],
    }
    pushed = data.set_manifest("team/app", manifest, tag="one", **PLAIN)
    data.set_manifest("team/app", {**manifest, "annotations": {"a": "b"}}, tag="two", **PLAIN)

    assert list(data.list_repository_names(**PLAIN)) == ["team/app"]
    assert [tag.name for tag in data.list_tag_properties("team/app", results_per_page=1, **PLAIN)] == ["one", "two"]
    seen = data.get_manifest_properties("team/app", pushed, **PLAIN)
    assert (seen.digest, seen.architecture, seen.size_in_bytes) == (pushed, "amd64", size + length)
    assert b"".join(data.download_blob("team/app", digest, **PLAIN)) == layer

    data.update_tag_properties("team/app", "one", can_delete=False, **PLAIN)
    with pytest.raises(HttpResponseError, match="disallowed"):
        data.delete_tag("team/app", "one", **PLAIN)
    data.update_tag_properties("team/app", "one", can_delete=True, **PLAIN)
    data.delete_tag("team/app", "one", **PLAIN)
    untagged = [one.digest for one in data.list_manifest_properties("team/app", **PLAIN) if not one.tags]
    assert untagged == [pushed]
    data.delete_manifest("team/app", pushed, **PLAIN)
    data.delete_repository("team/app", **PLAIN)
    assert list(data.list_repository_names(**PLAIN)) == []


def test_our_client_pushes_streams_and_mounts(ours: RegistryClient, fronts: Fronts, login_server: str) -> None:
    layer = b"0123456789abcdef" * (2 << 20)  # 32 MiB
    digest = push(ours, "one/app", "v1", layer)
    assert ours.tags("one/app") == ["v1"]
    assert ours.head_manifest("one/app", "v1") == digest
    with ours.blob("one/app", sha256_digest(layer)) as stream:
        assert hashlib.sha256(b"".join(stream)).hexdigest() == hashlib.sha256(layer).hexdigest()

    fronts.forget()
    ours.upload_blob("two/app", sha256_digest(layer), len(layer), lambda: io.BytesIO(layer), mount_from="one/app")
    assert fronts.traffic().up < 1 << 16
    assert not ours.has_blob("three/app", sha256_digest(layer))
    assert ours.delete_manifest("one/app", digest)
    assert ours.manifest("one/app", "v1") is None
    assert fronts.of("images").host == login_server


def test_a_token_is_good_for_its_repository_its_actions_and_its_time_only(
    ours: RegistryClient, fronts: Fronts, login_server: str
) -> None:
    push(ours, "mine", "v1")
    push(ours, "yours", "v1")
    account = (TOKEN_USER, fronts.password(login_server))
    pull = token(login_server, account, "repository:mine:pull").json()["access_token"]

    assert ask(login_server, "/v2/mine/manifests/v1", pull, "HEAD").status_code == 200
    for path, method in (
        ("/v2/yours/manifests/v1", "GET"),
        ("/v2/mine/blobs/uploads/", "POST"),
        ("/acr/v1/mine", "GET"),
    ):
        refused = ask(login_server, path, pull, method)
        assert (refused.status_code, 'error="insufficient_scope"' in refused.headers["WWW-Authenticate"]) == (401, True)
    fronts.mint.access_life = -120
    over = token(login_server, account, "repository:mine:pull").json()["access_token"]
    assert 'error="invalid_token"' in ask(login_server, "/v2/mine/manifests/v1", over).headers["WWW-Authenticate"]


def test_a_role_bounds_what_an_identity_may_do(emulator: Emulator, ours: RegistryClient, login_server: str) -> None:
    push(ours, "app", "v1")
    registry = emulator.world.resource_id(GROUP, KIND, "images")
    assign(emulator.world, "reader", registry)

    def rights(subject: str) -> str:
        aad = emulator.authority.issue("https://containerregistry.azure.net", subject=subject)
        form = {"grant_type": "access_token", "service": login_server, "tenant": emulator.tenant, "access_token": aad}
        answer = requests.post(f"http://{login_server}/oauth2/exchange", form, timeout=20)
        account = (TOKEN_USER, answer.json()["refresh_token"])
        got = token(login_server, account, "repository:app:pull,push").json()["access_token"]
        pulls = ask(login_server, "/v2/app/manifests/v1", got).status_code
        pushes = ask(login_server, "/v2/app/blobs/uploads/", got, "POST").status_code
        return f"{pulls} {pushes}"

    assert rights("reader") == "200 401"
    assert rights("nobody") == "401 401"
    assert rights("") == "200 202"


def test_an_exchange_needs_the_right_audience(
    emulator: Emulator, make_registry: Callable[..., Any], login_server: str
) -> None:
    def exchanged(audience: str) -> int:
        form = {
            "grant_type": "access_token",
            "service": login_server,
            "access_token": emulator.authority.issue(audience),
        }
        return requests.post(f"http://{login_server}/oauth2/exchange", form, timeout=20).status_code

    assert exchanged("https://containerregistry.azure.net") == 200
    assert exchanged("https://management.azure.com") == 200
    assert exchanged("https://vault.azure.net") == 401
    make_registry(sku="Premium", policies={"azureADAuthenticationAsArmPolicy": {"status": "disabled"}})
    assert exchanged("https://management.azure.com") == 401


def test_anybody_pulls_but_does_not_push_when_that_is_allowed(
    ours: RegistryClient, make_registry: Callable[..., Any], login_server: str
) -> None:
    digest = push(ours, "app", "v1")
    assert token(login_server, None, "repository:app:pull").status_code == 401
    make_registry(sku="Premium", anonymousPullEnabled=True)
    with ContainerRegistryClient(f"http://{login_server}", None, retry_total=0) as nobody:
        assert nobody.get_manifest("app", "v1", **PLAIN).digest == digest
        with pytest.raises(HttpResponseError):
            nobody.upload_blob("app", io.BytesIO(b"mine"), **PLAIN)


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ({"publicNetworkAccess": "Disabled"}, 403),
        ({"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"value": "203.0.113.0/24"}]}}, 403),
        ({"networkRuleSet": {"defaultAction": "Deny", "ipRules": [{"value": "127.0.0.0/8"}]}}, 401),
    ],
)
def test_a_closed_network_is_closed(make_registry: Callable[..., Any], rules: dict[str, Any], status: int) -> None:
    login_server = make_registry(sku="Premium", **rules).properties.login_server
    assert ask(login_server, "/v2/").status_code == status


def test_a_name_keeps_its_port_and_a_deletion_takes_the_content(
    registries: ContainerRegistryManagementClient,
    make_registry: Callable[..., Any],
    ours: RegistryClient,
    login_server: str,
) -> None:
    push(ours, "app", "v1")
    registries.registries.begin_delete(GROUP, "images").result()
    with pytest.raises(requests.ConnectionError):
        ask(login_server, "/v2/")
    assert make_registry().properties.login_server == login_server
    assert ours.manifest("app", "v1") is None
    assert not ours.has_blob("app", sha256_digest(CONFIG))


def test_an_image_is_imported_from_another_registry(
    emulator: Emulator,
    registries: ContainerRegistryManagementClient,
    make_registry: Callable[..., Any],
    fronts: Fronts,
    ours: RegistryClient,
) -> None:
    digest = push(ours, "app", "v1")
    second = make_registry("second").properties.login_server
    body: Any = {
        "source": {"resourceId": emulator.world.resource_id(GROUP, KIND, "images"), "sourceImage": "app:v1"},
        "targetTags": ["copy/app:v2"],
    }
    registries.registries.begin_import_image(GROUP, "second", body).result()
    with RegistryClient(second, Credentials(TOKEN_USER, fronts.password(second))) as reader:
        assert reader.head_manifest("copy/app", "v2") == digest
        assert reader.has_blob("copy/app", sha256_digest(CONFIG))
    with pytest.raises(HttpResponseError, match="already exists"):
        registries.registries.begin_import_image(GROUP, "second", body)


def test_faults_come_to_registries_by_name(emulator: Emulator, ours: RegistryClient, login_server: str) -> None:
    digest = push(ours, "app", "v1")
    emulator.fault("429", match="GET /v2/ ", retry_after=3)
    slowed = ask(login_server, "/v2/")
    assert (slowed.status_code, slowed.headers["Retry-After"]) == (429, "3")
    for name in ("500", "503", "cut", "expired-token"):
        emulator.fault(name, match="/v2/app/manifests")
        assert ours.head_manifest("app", "v1") == digest  # tries again
    emulator.fault("lost-answer", match="PUT /v2/other/manifests")
    assert push(ours, "other", "v1") == digest
    emulator.fault("forbidden", match="/v2/app/manifests")
    with pytest.raises(RegistryError, match="403"):
        ours.head_manifest("app", "v1")


def test_requests_and_bytes_are_counted(fronts: Fronts, ours: RegistryClient) -> None:
    fronts.forget()
    blob = b"x" * 1000
    ours.upload_blob("app", sha256_digest(blob), len(blob), lambda: io.BytesIO(blob))
    seen = fronts.traffic()
    assert seen.up >= 1000
    assert seen.requests == len(seen.lines)
    assert seen.lines[-1].startswith(("PUT /v2/app/blobs/uploads/", "PATCH /v2/app/blobs/uploads/"))


@pytest.mark.docker
def test_docker_logs_in_pushes_and_pulls(tmp_path: Path, fronts: Fronts, login_server: str) -> None:
    if reason := missing_engine():
        pytest.skip(reason)
    import docker

    engine = docker.from_env()
    name = f"{login_server}/docker/app"
    account = {"username": TOKEN_USER, "password": fronts.password(login_server)}
    try:
        (tmp_path / "file").write_text("content")
        make_image(engine, {"file": tmp_path / "file"}, "emulated-registry", [])
        engine.api.tag(f"{REPOSITORY}:emulated-registry", name, "v1")
        engine.images.remove(f"{REPOSITORY}:emulated-registry")
        said = engine.images.push(name, tag="v1", auth_config=account)
        assert "sha256:" in said
        engine.images.remove(f"{name}:v1")
        pulled = engine.images.pull(name, tag="v1", auth_config=account)
        assert pulled.tags == [f"{name}:v1"]
        with pytest.raises(docker.errors.APIError):
            engine.images.pull(name, tag="v1", auth_config={**account, "password": "wrong"})
    finally:
        for image in engine.images.list(name):
            engine.images.remove(str(image.id), force=True)
        engine.close()


def test_pulls_are_sent_to_a_host_that_wants_no_token(ours: RegistryClient, fronts: Fronts, login_server: str) -> None:
    push(ours, "app", "v1")
    account = (TOKEN_USER, fronts.password(login_server))
    headers = {"Authorization": f"Bearer {token(login_server, account, 'repository:app:pull').json()['access_token']}"}
    place = f"http://{login_server}/v2/app/blobs/{sha256_digest(CONFIG)}"
    sent = requests.get(place, headers=headers, allow_redirects=False, timeout=20)
    there = sent.headers["Location"]
    assert sent.status_code == 307
    assert requests.get(there, timeout=20).content == CONFIG
    assert requests.get(there, headers=headers, timeout=20).status_code == 400
    assert requests.get(there.replace("sig=", "sig=A"), timeout=20).status_code == 403
    assert requests.get(place, headers=headers, timeout=20).content == CONFIG
    assert requests.get(place[:-3] + "000", headers=headers, timeout=20).status_code == 404


def test_a_creation_that_fails_or_hangs_leaves_a_registry_that_can_be_made_again(
    emulator: Emulator, registries: ContainerRegistryManagementClient, make_registry: Callable[..., Any]
) -> None:
    emulator.fault("lro-failed", match="PUT ")
    with pytest.raises(HttpResponseError):
        make_registry()
    assert shown_state(registries) == "Failed"
    assert make_registry().properties.provisioning_state == "Succeeded"
    registries.registries.begin_delete(GROUP, "images").result()
    emulator.fault("lro-stuck", match="PUT ")
    body: Any = {"location": "westeurope", "sku": {"name": "Basic"}, "properties": {}}
    registries.registries.begin_create(GROUP, "images", body, polling=False)
    assert shown_state(registries) == "Creating"
    with pytest.raises(HttpResponseError, match="Creating"):
        make_registry()
    registries.registries.begin_delete(GROUP, "images").result()
    assert make_registry().properties.provisioning_state == "Succeeded"
