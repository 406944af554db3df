"""What a user reads when Azure refuses: each code of the table, from real answers through the SDK's own exceptions."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from azure.core.pipeline.transport import RequestsTransport
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient

from aciml.targets.azure.arm.errors import AzureError, translated
from aciml.targets.azure.arm.remedies import REMEDIES
from tests.targets.azure.answering import Answering, answering


@pytest.fixture
def server() -> Iterator[Answering]:
    with answering() as world:
        yield world


def refused(server: Answering, status: int, body: Any, headers: dict[str, str] | None = None) -> AzureError:
    server.answers["GET /thing"] = (status, body, headers or {})
    with pytest.raises(AzureError) as caught, translated("creating container group g", region="eastus", size="4 cores"):
        server.send()
    return caught.value


def arm(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


TABLE = [
    (
        400,
        "InvalidContainerGroupUpdate",
        (
            "The updates on container group 'g' are invalid. If you are going to update the RestartPolicy (old "
            '"Always", '
            'new "Never") for a container group, you must delete it first and then create a new one.'
        ),
        "this property cannot change in place: the change needs a new group",
    ),
    (
        409,
        "ContainerGroupTransitioning",
        "The container group 'g' is still transitioning, please retry later.",
        "another operation on this group is not done: wait about a minute",
    ),
    (
        400,
        "InaccessibleImage",
        (
            "The image 'r.azurecr.io/i:1' in container group 'g' is not accessible. Please check the image and "
            "registry "
            "credential."
        ),
        (
            "the image does not exist, or the group may not pull it: check the reference, and that the pull "
            "identity has "
            "AcrPull"
        ),
    ),
    (
        409,
        "RegistryErrorResponse",
        "An error response is received from the docker registry 'index.docker.io'. Please retry later.",
        "refused or throttled the pull: try again later, or copy the image to your own registry",
    ),
    (
        400,
        "ContainerGroupQuotaReached",
        (
            "Resource type 'Microsoft.ContainerInstance/containerGroups' container group quota 'StandardCores' "
            "exceeded in "
            "region 'eastus'. Limit: '10', Usage: '10' Requested: '4'."
        ),
        "quota in this region is used up: delete groups, ask for fewer cores",
    ),
    (
        409,
        "ServiceUnavailable",
        "The requested resource is not available in the location 'eastus' at this moment.",
        "this region has no capacity for this size now: take fewer cores",
    ),
    (
        400,
        "DnsNameLabelAlreadyTaken",
        "The DNS name label 'l' in container group 'g' is not available. Try using a different label.",
        "somebody has this label in this region: choose another dnsNameLabel",
    ),
    (400, "DnsNameLabelNotAvailable", "The DNS name label 'l' is not available.", "choose another dnsNameLabel"),
    (400, "InvalidImageRegistryCredentialType", "Invalid credential type.", "exactly one of username or identity"),
    (400, "AmbiguousImageResitryCredentialType", "Both are set.", "exactly one of username or identity"),
    (
        400,
        "InvalidImageRegistryIdentity",
        "Not in the list.",
        "give the group a user-assigned identity that has AcrPull",
    ),
    (400, "OsVersionNotSupported", "The OS version of image 'i' is not supported.", "use a Linux image for amd64"),
    (403, "TasksOperationsNotAllowed", "ACR Tasks requests are not permitted.", "set builder to docker"),
    (409, "AlreadyInUse", "The registry DNS name r.azurecr.io is already in use.", "choose another name"),
    (
        403,
        "AuthorizationFailed",
        (
            "The client 'c' with object id 'o' does not have authorization to perform action "
            "'Microsoft.ContainerInstance/containerGroups/write' over scope '/s'."
        ),
        "this account lacks the right: have an owner assign a role that has it",
    ),
    (403, "LinkedAuthorizationFailed", "No right on the subnet.", "lacks a right on a resource that is used"),
    (401, "InvalidAuthenticationToken", "The access token is invalid.", "the login is not valid here: log in again"),
    (
        401,
        "InvalidAuthenticationTokenTenant",
        "The issuer is wrong.",
        "set aciml:tenantId to the subscription's tenant",
    ),
    (401, "ExpiredAuthenticationToken", "The access token has expired.", "the login ran out: log in again"),
    (404, "ResourceGroupNotFound", "Resource group 'x' could not be found.", "set aciml:createResourceGroup true"),
    (409, "ResourceGroupBeingDeleted", "The resource group 'x' is being deleted.", "wait until it is gone"),
    (404, "SubscriptionNotFound", "The subscription 's' could not be found.", "check aciml:subscriptionId"),
    (403, "ReadOnlyDisabledSubscription", "The subscription is disabled.", "reactivate it in the portal"),
    (
        409,
        "MissingSubscriptionRegistration",
        "The subscription is not registered to use namespace 'Microsoft.ContainerInstance'.",
        "az provider register --wait --namespace Microsoft.ContainerInstance",
    ),
    (
        400,
        "LocationNotAvailableForResourceType",
        (
            "The provided location 'mars' is not available for resource type "
            "'Microsoft.ContainerInstance/containerGroups'. "
            "List of available regions for the resource type is 'westus,eastus'."
        ),
        "take one of the locations that the message lists",
    ),
    (409, "InvalidResourceLocation", "The resource 'g' already exists in location 'westus'.", "keep its location"),
    (409, "InvalidResourceGroupLocation", "It already exists in location 'westus'.", "take another group"),
    (403, "RequestDisallowedByPolicy", "Resource 'g' was disallowed by policy 'no-public-ip'.", "a policy of your"),
    (409, "ScopeLocked", "The scope '/s' cannot perform delete operation because it is locked.", "remove the lock"),
    (429, "TooManyRequests", "The request is being throttled.", "Azure throttles this subscription: wait some minutes"),
    (500, "InternalServerError", "Encountered internal server error.", "Azure has a fault of its own: run the same"),
    (503, "ServiceUnavailable", "The service is unavailable.", "Azure has a fault of its own: run the same"),
]


@pytest.mark.parametrize(("status", "code", "message", "advice"), TABLE, ids=[f"{row[1]}-{row[0]}" for row in TABLE])
def test_each_refusal_has_the_services_words_a_cause_and_what_to_do(
    server: Answering, status: int, code: str, message: str, advice: str
) -> None:
    error = refused(server, status, arm(code, message))

    assert (error.status, error.code) == (status, code)
    assert error.message.startswith(f"creating container group g: Azure answered {code} ({status}): {message[:-1]}")
    assert error.message.endswith("(tried: region eastus, size 4 cores)")
    assert advice in error.advice


def test_the_table_has_every_code_that_azure_documents_for_groups() -> None:
    assert {row[1] for row in TABLE if row[0] != 500} <= REMEDIES.keys()


@pytest.mark.parametrize("depth", ["details", "innererror", "text"])
def test_a_code_that_is_wrapped_is_found(server: Answering, depth: str) -> None:
    inner = {"code": "ContainerGroupQuotaReached", "message": "Limit: '10', Usage: '10' Requested: '4'."}
    wrapped = {
        "details": {"code": "DeploymentFailed", "message": "See details.", "details": [inner]},
        "innererror": {"code": "BadRequest", "message": "No.", "innererror": inner},
        "text": {"code": "Conflict", "message": json.dumps({"error": inner})},
    }[depth]

    error = refused(server, 409, {"error": wrapped})

    assert error.code == "ContainerGroupQuotaReached"
    assert "Limit: '10', Usage: '10' Requested: '4'" in error.message


def test_an_unknown_code_keeps_its_words(server: Answering) -> None:
    error = refused(server, 400, arm("SomethingNew", "Moons are not aligned."))

    assert error.code == "SomethingNew"
    assert "Azure answered SomethingNew (400): Moons are not aligned" in error.message
    assert error.advice == ""


def test_an_answer_that_is_no_json_is_told_by_its_status(server: Answering) -> None:
    error = refused(server, 502, "<html>proxy</html>")

    assert (error.status, error.code) == (502, "")
    assert "Azure answered 502: Bad Gateway" in error.message
    assert "proxy" not in error.message


GONE = [
    (404, "ResourceNotFound", True),
    (404, "ResourceGroupNotFound", True),
    (404, "NotFound", True),
    (404, "SubscriptionNotFound", False),
    (404, "InvalidResourceType", False),
    (404, "InvalidAuthenticationTokenTenant", False),
    (401, "InvalidAuthenticationToken", False),
    (403, "AuthorizationFailed", False),
    (409, "ResourceNotFound", False),
    (429, "TooManyRequests", False),
    (503, "ServiceUnavailable", False),
]


@pytest.mark.parametrize(("status", "code", "gone"), GONE)
def test_only_a_404_about_the_resource_itself_means_gone(
    server: Answering, status: int, code: str, *, gone: bool
) -> None:
    assert refused(server, status, arm(code, "Words.")).gone is gone


def test_a_404_of_a_proxy_does_not_mean_gone(server: Answering) -> None:
    assert not refused(server, 404, "<html>no such page</html>").gone


@pytest.mark.parametrize(
    "body",
    [
        {"status": "Failed", "error": {"code": "ServiceUnavailable", "message": "Not available in 'eastus'."}},
        {"status": "Failed", "properties": {"error": {"code": "ServiceUnavailable", "message": "Not available."}}},
    ],
    ids=["error", "properties"],
)
def test_an_operation_that_fails_later_goes_through_the_same_table(server: Answering, body: dict[str, Any]) -> None:
    server.answers["PUT /thing"] = (201, {}, {"Azure-AsyncOperation": f"{server.base}/operation"})
    server.answers["GET /operation"] = (200, body, {})

    with pytest.raises(AzureError) as caught, translated("creating container group g", region="eastus"):
        server.begin().result()

    assert (caught.value.status, caught.value.code) == (200, "ServiceUnavailable")
    assert "Azure answered ServiceUnavailable: Not available" in caught.value.message
    assert "no capacity for this size" in caught.value.advice


def unanswered(url: str, **transport: Any) -> AzureError:
    client: ARMPipelineClient[Any, Any] = ARMPipelineClient(url, policies=[], transport=RequestsTransport(**transport))
    with client, pytest.raises(AzureError) as caught, translated("reading g"):
        client.send_request(HttpRequest("GET", f"{url}/thing?sig=secret"))
    return caught.value


def test_a_name_that_does_not_exist_is_named() -> None:
    error = unanswered("https://management.invalid")

    assert (error.status, error.code, error.gone) == (0, "DnsError", False)
    assert error.message == "reading g: the name of management.invalid cannot be resolved"
    assert "aciml:cloud" in error.advice


def test_a_port_where_nobody_listens_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    error = unanswered(f"https://127.0.0.1:{port}")

    assert error.code == "ConnectionError"
    assert error.message == f"reading g: no connection to 127.0.0.1:{port} (Connection refused)"
    assert "sig=" not in str(error)


def test_a_silent_server_is_told_as_no_answer_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        error = unanswered(f"http://127.0.0.1:{silent.getsockname()[1]}", read_timeout=0.2)

    assert error.code == "TimeoutError"
    assert "no answer" in error.message


def test_what_is_not_the_sdks_passes_untouched() -> None:
    with pytest.raises(KeyError), translated("reading g"):
        raise KeyError
