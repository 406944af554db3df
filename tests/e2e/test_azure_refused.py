"""What Azure would refuse is said before anything is sent; what it does refuse is told with cause and advice."""

from __future__ import annotations

import copy
from collections.abc import Iterator

import pytest

from tests.e2e.azure_project import AzureProject
from tests.e2e.project import SCORE, CheckedResult

pytestmark = [pytest.mark.e2e, pytest.mark.docker]
REGISTRY, SERVICE = "scoring:registry", "scoring:service"
OTHER = SCORE.replace('"sum"', '"total"')


@pytest.fixture(autouse=True)
def restored(azure: AzureProject) -> Iterator[None]:
    """Give each test the same config, and a cloud without faults."""
    kept = copy.deepcopy(azure.config)
    azure.cloud.forget()
    yield
    azure.config = kept
    azure.cloud.forget()


def sent(azure: AzureProject) -> list[str]:
    """Return the requests that would change something; asking for a name is none."""
    return [line for line in azure.writes("/subscriptions/") if "checknameavailability" not in line]


def without_secrets(azure: AzureProject, said: CheckedResult) -> CheckedResult:
    for secret in (azure.cloud.client_secret, *kept_secrets(azure)):
        assert secret not in said.text
    return said


def kept_secrets(azure: AzureProject) -> Iterator[str]:
    """Return the values of secret variables and the passwords that the cloud was given."""
    for body in list(azure.cloud.world.secrets.values()):
        properties = body.get("properties", {}) if isinstance(body, dict) else {}
        for container in properties.get("containers", ()):
            variables = container["properties"].get("environmentVariables", ())
            yield from (one["secureValue"] for one in variables if one.get("secureValue"))
        accounts = properties.get("imageRegistryCredentials") or ()
        yield from (one["password"] for one in accounts if one.get("password"))


def test_all_findings_come_at_once(azure: AzureProject) -> None:
    azure.config[SERVICE] = {**azure.config[SERVICE], "cpu_cores": 50, "memory_gb": 500, "port": 19000}
    azure.config[REGISTRY] = {**azure.config[REGISTRY], "retention_days": 400, "anonymous_pull": True}

    said = azure.pulumi("preview").check_failed(
        "azure.retention_days needs sku Premium",
        "this registry has Basic",
        "azure.retention_days is 400; write 0 to 365",
        "azure.network.anonymous_pull needs sku Standard",
    )

    del azure.config[REGISTRY]["retention_days"], azure.config[REGISTRY]["anonymous_pull"]
    said = azure.pulumi("preview").check_failed(
        "cpu_cores is 50", "1 to 31 cores", "memory_gb is 500", "19000", "reserve"
    )
    assert "retention" not in said.text
    assert sent(azure) == []


def test_all_that_the_config_lacks_is_named_at_once(azure: AzureProject) -> None:
    for key in ("subscriptionId", "resourceGroup", "location"):
        del azure.config[f"aciml:{key}"]

    azure.pulumi("preview").check_failed(
        "aciml:subscriptionId is not set", "aciml:resourceGroup is not set", "aciml:location is not set"
    )

    assert azure.cloud.requests() == []


def test_a_wrong_secret_is_one_sentence_that_names_what_was_tried(azure: AzureProject) -> None:
    azure.config["aciml:clientSecret"] = "not-the-secret-of-anybody"

    said = azure.up()

    said.check_failed(
        f"application {azure.cloud.client_id} of tenant {azure.cloud.tenant} could not log in with its client secret",
        "set aciml:clientSecret",
    )
    assert "not-the-secret-of-anybody" not in said.text
    assert sent(azure) == []


# one that names a property in the program's words, and one about an image;
# all there are: tests/targets/azure/groups/test_life_faults.py
REFUSALS = {
    "label-taken": ["DnsNameLabelAlreadyTaken", "somebody has this label", "choose another azure.dns_name_label"],
    "image-inaccessible": ["InaccessibleImage", "the group may not pull it", "AcrPull"],
}
TRIED = "tried: region westeurope, size 1 cores, 1 GiB"


def test_a_refusal_during_up_has_cause_and_advice_and_the_next_up_converges(azure: AzureProject) -> None:
    """The first `up` of the stack."""
    azure.cloud.fault("label-taken", match="PUT /subscriptions", times=9)

    said = azure.up()

    without_secrets(azure, said).check_failed(*REFUSALS["label-taken"], TRIED)
    azure.cloud.forget()
    without_secrets(azure, azure.up().check_ok())
    assert azure.ask() == {"sum": 6.5}
    assert len(azure.running()) == 1


def test_an_update_that_is_refused_or_fails_later_leaves_the_old_one_and_the_next_up_converges(
    azure: AzureProject,
) -> None:
    """So does one that ends again and again: ``targets/azure/groups/test_life_update.py``."""
    azure.write("src/score.py", OTHER)
    azure.cloud.fault("image-inaccessible", match="PUT /subscriptions", times=9)

    refused = azure.up()

    without_secrets(azure, refused).check_failed(*REFUSALS["image-inaccessible"], TRIED)
    assert azure.ask() == {"sum": 6.5}
    azure.cloud.forget()
    azure.cloud.fault("lro-failed", match="PUT /subscriptions")

    failed = azure.up()

    words = ("ServiceUnavailable", "no capacity", "went back to sha256:", "which serves again")
    without_secrets(azure, failed).check_failed(*words)
    assert azure.ask() == {"sum": 6.5}
    azure.cloud.forget()
    azure.up().check_ok()
    assert azure.ask() == {"total": 6.5}
    assert len(azure.running()) == 1
