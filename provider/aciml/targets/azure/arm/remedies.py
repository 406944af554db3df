"""The table of error codes: why each happens and what to do about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil


@dataclass(frozen=True)
class Remedy:
    """``cause`` may be empty when the service's words tell it; both are clauses without a full stop."""

    cause: str
    advice: str


_CREDENTIAL = "set exactly one of username or identity for each registry credential"
_IDENTITY = "give the group a user-assigned identity that has AcrPull on the registry (pullIdentity)"
_PROVIDER = "register it once: az provider register --wait --namespace {provider}"
_RULES = "the change needs a new group; keep the old value, or let it be replaced"

# Sources: Microsoft's articles on Container Instances ("Troubleshoot common issues", "fails to pull ACR images using
# managed identity", "remains in a transitioning state") and "Troubleshoot common Azure deployment errors".
REMEDIES: Mapping[str, Remedy] = {
    "InvalidContainerGroupUpdate": Remedy("this property cannot change in place", _RULES),
    "ContainerGroupTransitioning": Remedy(
        "another operation on this group is not done", "wait about a minute and run the same command again"
    ),
    "InaccessibleImage": Remedy(
        "the image does not exist, or the group may not pull it",
        "check the reference, and that the pull identity has AcrPull (or the admin account is on and its password new)",
    ),
    # seen of index.docker.io: waiting helps now, another registry helps for good
    "RegistryErrorResponse": Remedy(
        "the image's registry refused or throttled the pull", "try again later, or copy the image to your own registry"
    ),
    "ContainerGroupQuotaReached": Remedy(
        "the subscription's quota in this region is used up",
        "delete groups, ask for fewer cores, take another location, or have the quota raised",
    ),
    # of the region, with 409; with 500 and above it is ARM's own fault, see `remedy`
    "ServiceUnavailable": Remedy(
        "this region has no capacity for this size now",
        "take fewer cores or less memory, another location, or try again later",
    ),
    "DnsNameLabelAlreadyTaken": Remedy(
        "somebody has this label in this region", "choose another dnsNameLabel, or a scope that allows the same name"
    ),
    # texts about the service have both names for it
    "DnsNameLabelNotAvailable": Remedy(
        "somebody has this label in this region", "choose another dnsNameLabel, or a scope that allows the same name"
    ),
    "InvalidImageRegistryCredentialType": Remedy("", _CREDENTIAL),
    "AmbiguousImageResitryCredentialType": Remedy("", _CREDENTIAL),  # spelled like this by the service
    # in case it is ever mended
    "AmbiguousImageRegistryCredentialType": Remedy("", _CREDENTIAL),
    "InvalidImageRegistryIdentity": Remedy("a system-assigned identity cannot pull", _IDENTITY),
    "OsVersionNotSupported": Remedy("", "use a Linux image for amd64"),
    "ImageOsTypeNotMatchContainerGroup": Remedy("", "use a Linux image for amd64"),
    "SubnetDelegationMissing": Remedy("", "delegate the subnet to Microsoft.ContainerInstance/containerGroups"),
    "TasksOperationsNotAllowed": Remedy(
        "this subscription may not run ACR Tasks (trial and student ones may not)", "set builder to docker"
    ),
    "NameNotAvailable": Remedy("registry names are unique in all of Azure", "choose another name"),
    "AlreadyInUse": Remedy("the name is taken", "choose another name"),
    "AuthorizationFailed": Remedy(
        "this account lacks the right", "have an owner assign a role that has it, such as Contributor, and log in again"
    ),
    "LinkedAuthorizationFailed": Remedy(
        "this account lacks a right on a resource that is used", "have an owner assign a role there"
    ),
    "InvalidAuthenticationToken": Remedy("the login is not valid here", "log in again, and check tenant and cloud"),
    "InvalidAuthenticationTokenTenant": Remedy(
        "the login belongs to another tenant than the subscription",
        "set aciml:tenantId to {tenant}; if you are not logged in there yet, run `az login --tenant {id}`",
    ),
    "ExpiredAuthenticationToken": Remedy("the login ran out", "log in again; is the clock right?"),
    "AuthenticationFailed": Remedy("the login is not valid here", "log in again, and check tenant and cloud"),
    "ResourceGroupNotFound": Remedy(
        "", "create it, set aciml:createResourceGroup true, or correct aciml:resourceGroup"
    ),
    "ResourceGroupBeingDeleted": Remedy("", "wait until it is gone, or take another aciml:resourceGroup"),
    "SubscriptionNotFound": Remedy(
        "it does not exist, or this account cannot see it", "check aciml:subscriptionId, aciml:tenantId and aciml:cloud"
    ),
    "InvalidSubscriptionId": Remedy("", "check aciml:subscriptionId"),
    "SubscriptionIsOverQuotaForSku": Remedy("", "have the quota raised, or take another location"),
    "ReadOnlyDisabledSubscription": Remedy("the subscription is disabled", "pay or reactivate it in the portal"),
    "MissingSubscriptionRegistration": Remedy("", _PROVIDER),
    "NoRegisteredProviderFound": Remedy(
        "this cloud or region does not have this api-version, or not this service",
        "set aciml:instanceApiVersion, aciml:registryApiVersion or aciml:appApiVersion to a listed one, "
        "or take another location",
    ),
    "LocationNotAvailableForResourceType": Remedy("", "take one of the locations that the message lists"),
    "InvalidLocation": Remedy("", "set aciml:location to a region that has the service"),
    "LocationRequired": Remedy("", "set aciml:location"),
    "InvalidResourceLocation": Remedy(
        "a resource of this name exists in another location", "keep its location, or take another name"
    ),
    "InvalidResourceGroupLocation": Remedy(
        "the resource group exists in another location", "set aciml:createResourceGroup false, or take another group"
    ),
    "RequestDisallowedByPolicy": Remedy(
        "a policy of your organisation forbids this", "change what the policy names, or ask its owner for an exemption"
    ),
    "RequestDisallowedByAzure": Remedy("", "take another location"),
    "ScopeLocked": Remedy(
        "a lock protects the resource", "remove the lock (az lock list), or leave the resource alone"
    ),
    "TooManyRequests": Remedy("Azure throttles this subscription", "wait {wait} and run the same command again"),
    "SubscriptionRequestsThrottled": Remedy("Azure throttles this subscription", "wait {wait} and go on"),
    # Container Apps; refusals and what helped: azure-container-apps, issues 175, 701, 868, 1778
    "ContainerAppOperationError": Remedy(
        "the revision was not ready in time",
        "look at its log (aciml logs): port, probe, a crash at the start, or no cores left in the environment",
    ),
    "ContainerAppOperationInProgress": Remedy(
        "another operation on this app is not done", "wait about a minute and run the same command again"
    ),
    "ContainerAppLockConflict": Remedy(
        "another operation on this app is not done", "wait about a minute and run the same command again"
    ),
    "ManagedEnvironmentNotProvisioned": Remedy(
        "the environment has failed, or is not done", "look at it (az containerapp env show), or name another one"
    ),
    "ManagedEnvironmentNotFound": Remedy("", "correct containerApp.environment, or leave it out to have one made"),
    "ManagedEnvironmentOperationInProgress": Remedy(
        "another operation on the environment is not done", "wait some minutes and run the same command again"
    ),
    "MaxNumberOfRegionalEnvironmentsInSubExceeded": Remedy(
        "the subscription has as many environments in this region as it may",
        "name one that exists by containerApp.environment, take another location, or have the quota raised",
    ),
    "MaxNumberOfGlobalEnvironmentsInSubExceeded": Remedy(
        "the subscription has as many environments as it may",
        "name one that exists by containerApp.environment, or have the quota raised",
    ),
    "ContainerAppInvalidResourceTotal": Remedy(
        "cores and GiB of a replica go in pairs", "write twice as many GiB as cores, in steps of 0.25 cores"
    ),
    "WorkloadProfileNotFound": Remedy(
        "the environment has no such profile", "correct containerApp.workloadProfile, or give the environment one"
    ),
    # the same code for a suffix that exists; its words tell
    "InvalidParameterValueInContainerTemplate": Remedy(
        "the image does not exist, or the app may not pull it",
        "check the reference, and that the pull identity has AcrPull (or the admin account is on)",
    ),
    "WebhookInvalidParameterValue": Remedy(
        "the image does not exist, or the app may not pull it",
        "check the reference, and that the pull identity has AcrPull (or the admin account is on)",
    ),
    "ContainerAppSecretInvalid": Remedy(
        "a secret is empty, or a revision that is kept needs one that goes", "give it a value, or retire that revision"
    ),
    "ContainerAppSecretRefNotFound": Remedy("", "run the same command again, which sends all secrets"),
    "ContainerAppInvalidTraffic": Remedy(
        "weights do not sum up, or name a revision that does not run", "look at `aciml revisions`"
    ),
    # the TXT record that shows whose a host name is (Microsoft, "Custom domain names and certificates")
    "InvalidCustomHostNameValidation": Remedy(
        "nothing shows yet that the host name of containerApp.customDomain is yours",
        "make a TXT record asuid.<host name> with the text of `az containerapp show --query "
        "properties.customDomainVerificationId`, and a CNAME to the app's own host name",
    ),
    "ContainerAppInvalidRevisionName": Remedy("", "give the service a shorter name"),
    "CertificateNotFound": Remedy("", "upload the certificate to the environment, or correct containerApp.certificate"),
    # the wrapper of many codes: what is inside counts, see `known`
    "Conflict": Remedy("", "another operation may be under way; wait and run the same command again"),
}

_BY_STATUS: Mapping[int, Remedy] = {
    401: Remedy("the login is not valid here", "log in again, and check tenant and cloud"),
    403: Remedy("this account lacks the right", "have an owner assign a role that has it"),
    404: Remedy("", "check the name, aciml:resourceGroup and aciml:subscriptionId"),
    409: REMEDIES["Conflict"],
    429: REMEDIES["TooManyRequests"],
}
_OUTAGE = Remedy("Azure has a fault of its own", "run the same command again; status.azure.com tells of outages")


def known(code: str) -> bool:
    """Whether the table has the code, apart from those that say nothing (Conflict)."""
    return code in REMEDIES and code != "Conflict"


def remedy(status: int, code: str, message: str, wait: float, tried: Mapping[str, str]) -> str:
    """Return cause and advice as one clause; empty if nothing is known about the code and the status.

    Args:
        status: of HTTP.
        code: of the answer.
        message: of the answer, which may name a resource provider.
        wait: seconds that the answer asks for.
        tried: facts of the request.
    """
    found = REMEDIES.get(code) or _BY_STATUS.get(status)
    if status >= 500:  # a region that is full answers ServiceUnavailable with 409, or in an operation
        found = _OUTAGE
    # what a preview api-version has set, an older one must not send away unseen (Azure/azure-service-operator#5081)
    if hidden := re.search(r"Cannot override non-default values of (.+?) for registry", message):
        return (
            f"this api-version does not know the registry's {hidden.group(1)}, which is on: set "
            "aciml:registryApiVersion to a preview version that knows it, or turn it off"
        )
    if found is None:
        return ""
    provider = re.search(r"'(Microsoft\.\w+)'", message)
    advice = found.advice.replace("{provider}", provider.group(1) if provider else tried.get("provider", "NAME"))
    # the words of the refusal have the tenant of the subscription at the end of an address
    tenant = re.search(r"must match the tenant '[^']*?/([0-9a-fA-F-]{36})/?'", message)
    advice = advice.replace("{tenant}", tenant.group(1) if tenant else "the subscription's tenant")
    advice = advice.replace("{id}", tenant.group(1) if tenant else "ID")
    advice = advice.replace("{wait}", f"{ceil(wait / 60)} minutes" if wait > 60 else "some minutes")
    return f"{found.cause}: {advice}" if found.cause else advice
