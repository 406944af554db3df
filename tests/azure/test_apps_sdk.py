"""Microsoft.App through the SDK's own client, with the traps that it has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from tests.azure.apps import app_body
from tests.azure.conftest import Account
from tests.simulators.azure.emulator import Emulator

if TYPE_CHECKING:
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

GROUP = "emulated"


@pytest.fixture
def client(emulator: Emulator, arm_options: dict[str, Any]) -> Iterator[ContainerAppsAPIClient]:
    pytest.importorskip("azure.mgmt.appcontainers")
    from azure.mgmt.appcontainers import ContainerAppsAPIClient

    emulator.containers = False
    with ContainerAppsAPIClient(Account(emulator), emulator.subscription, **arm_options) as made:
        yield made


@pytest.fixture
def environment(client: ContainerAppsAPIClient) -> str:
    body: Any = {"location": "westeurope", "properties": {}}
    made = client.managed_environments.begin_create_or_update(GROUP, "env", body).result()
    assert made.properties
    assert made.properties.provisioning_state == "Succeeded"
    return str(made.id)


def put(client: ContainerAppsAPIClient, body: Any) -> Any:
    return client.container_apps.begin_create_or_update(GROUP, "app", body).result()


def test_all_of_an_app_s_life_goes_through_the_client(client: ContainerAppsAPIClient, environment: str) -> None:
    secrets = [{"name": "key", "value": "hidden"}]
    made = put(client, app_body(environment, suffix="one", secrets=secrets))
    assert (made.properties.provisioning_state, made.properties.latest_ready_revision_name) == ("Succeeded", "app--one")
    apps: Any = client.container_apps
    assert [(each.name, each.value) for each in apps.list_secrets(GROUP, "app").value] == [("key", "hidden")]
    assert apps.get_auth_token(GROUP, "app").properties.token

    changed = apps.begin_update(GROUP, "app", {"tags": {"a": "b"}}).result()
    assert changed.tags == {"a": "b"}
    assert apps.begin_stop(GROUP, "app").result().properties.running_status == "Stopped"
    assert apps.begin_start(GROUP, "app").result().properties.running_status == "Running"
    revisions: Any = client.container_apps_revisions
    for verb in (revisions.deactivate_revision, revisions.activate_revision, revisions.restart_revision):
        assert verb(GROUP, "app", "app--one") is None
    assert [each.name for each in revisions.list_revisions(GROUP, "app")] == ["app--one"]
    replicas: Any = client.container_apps_revision_replicas
    found = replicas.list_replicas(GROUP, "app", "app--one").value
    assert replicas.get_replica(GROUP, "app", "app--one", found[0].name).properties.containers[0].name == "main"
    assert [each.name.value for each in client.usages.list("westeurope")] == ["ManagedEnvironmentCount"]
    environments: Any = client.managed_environments
    assert [each.name.value for each in client.managed_environment_usages.list(GROUP, "env")]
    share: Any = {"azureFile": {"accountName": "a", "accountKey": "k", "shareName": "s", "accessMode": "ReadOnly"}}
    stored = client.managed_environments_storages.create_or_update(GROUP, "env", "data", {"properties": share})
    assert stored.name == "data"

    assert apps.begin_delete(GROUP, "app").result() is None
    assert environments.begin_delete(GROUP, "env").result() is None
    assert not list(environments.list_by_resource_group(GROUP))


def test_what_was_read_can_be_sent_back_but_for_secrets(client: ContainerAppsAPIClient, environment: str) -> None:
    from azure.core.exceptions import HttpResponseError

    put(client, app_body(environment, suffix="one"))
    again = put(client, client.container_apps.get(GROUP, "app"))
    assert again.properties.latest_revision_name == "app--one"
    assert len(list(client.container_apps_revisions.list_revisions(GROUP, "app"))) == 1

    secret: Any = {"properties": {"configuration": {"secrets": [{"name": "key", "value": "x"}]}}}
    client.container_apps.begin_update(GROUP, "app", secret).result()
    with pytest.raises(HttpResponseError, match="ContainerAppSecretInvalid"):
        put(client, client.container_apps.get(GROUP, "app"))


def test_a_null_of_the_model_takes_a_property_away(client: ContainerAppsAPIClient, environment: str) -> None:
    from azure.core.serialization import NULL
    from azure.mgmt.appcontainers.models import Configuration, ContainerApp, ContainerAppProperties

    put(client, app_body(environment))
    nothing: Any = NULL
    patch = ContainerApp(
        location="westeurope", properties=ContainerAppProperties(configuration=Configuration(ingress=nothing))
    )

    changed: Any = client.container_apps.begin_update(GROUP, "app", patch).result()

    assert changed.properties.configuration.ingress is None


def test_a_failed_put_raises_unless_it_is_told_as_200(
    emulator: Emulator, client: ContainerAppsAPIClient, environment: str
) -> None:
    from azure.core.exceptions import HttpResponseError, ResourceExistsError

    emulator.fault("revision-expired")
    with pytest.raises(HttpResponseError, match="Operation expired"):
        put(client, app_body(environment, suffix="one"))

    emulator.fault("failed-as-200")
    assert put(client, app_body(environment, suffix="two")).properties.provisioning_state == "Failed"
    emulator.fault("lock-conflict")
    with pytest.raises(ResourceExistsError, match="ContainerAppLockConflict"):
        put(client, app_body(environment, suffix="three"))


def test_a_failed_patch_looks_like_success_where_the_place_of_results_says_200(
    emulator: Emulator, client: ContainerAppsAPIClient, environment: str
) -> None:
    from azure.core.exceptions import HttpResponseError

    put(client, app_body(environment, suffix="one"))
    apps: Any = client.container_apps

    def patch(suffix: str) -> Any:
        emulator.fault("revision-expired")
        return apps.begin_update(GROUP, "app", {"properties": {"template": {"revisionSuffix": suffix}}}).result()

    with pytest.raises(HttpResponseError, match="Operation expired"):
        patch("two")
    emulator.fault("location-says-200")
    told = patch("three")
    assert (told["status"], told.properties) == ("Failed", None)
    emulator.world.faults.clear()
    emulator.fault("location-says-nothing")
    assert apps.begin_update(GROUP, "app", {"tags": {"a": "b"}}).result() is None
