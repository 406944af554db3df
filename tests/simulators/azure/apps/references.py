"""What one part of a body says about another, or about other resources: secrets, registries, identities, storages."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ..http import ArmError
from ..world import World
from .kinds import Json
from .rules import need
from .shape import vaults


def check_references(world: World, body: Json, environment_id: str) -> None:
    """Raises ``ArmError`` 400 for what points to nothing."""
    properties = body["properties"]
    configuration, template = properties.get("configuration") or {}, properties.get("template") or {}
    _check_secrets(world, body, configuration)
    names = {each["name"] for each in configuration.get("secrets") or []}
    for where, secret in secret_references(template):
        text = f"SecretRef '{secret}' defined for {where} not found."
        need(secret in names, "ContainerAppSecretRefNotFound", text)
    _check_registries(body, configuration, names)
    for volume in template.get("volumes") or []:
        if volume.get("storageType") in {"AzureFile", "NfsAzureFile"}:
            text = f"Storage '{volume['storageName']}' of volume '{volume['name']}' was not found in the environment."
            there = world.get(f"{environment_id}/storages/{volume['storageName']}")
            need(there, "ContainerAppStorageNotFound", text)
    _check_domains(world, configuration)


def secret_references(template: Json) -> Iterator[tuple[str, str]]:
    """Yield where a template names a secret, and its name."""
    for container in [*(template.get("containers") or []), *(template.get("initContainers") or [])]:
        for variable in container.get("env") or []:
            if variable.get("secretRef"):
                yield f"container '{container['name']}'", variable["secretRef"]
    for volume in template.get("volumes") or []:
        for item in volume.get("secrets") or []:
            yield f"volume '{volume['name']}'", str(item.get("secretRef"))
    for rule in (template.get("scale") or {}).get("rules") or []:
        for kind in ("azureQueue", "custom", "http", "tcp"):
            for auth in (rule.get(kind) or {}).get("auth") or []:
                yield f"scale rule '{rule['name']}'", str(auth.get("secretRef"))


def check_in_use(name: str, configuration: Json, templates: Iterable[tuple[str, Json]]) -> None:
    """Raises ``ArmError`` 400 if a revision that is kept needs a secret that goes."""
    names = {each["name"] for each in configuration.get("secrets") or []}
    for revision, template in templates:
        missing = sorted({secret for _, secret in secret_references(template)} - names)
        text = (
            f"Invalid Request: Container app secret(s) with name(s) '{', '.join(missing)}' are invalid: they are in "
            f"use by revision '{revision}' of '{name}' and cannot be removed."
        )
        need(not missing, "ContainerAppSecretInvalid", text)


def _check_secrets(world: World, body: Json, configuration: Json) -> None:
    secrets = configuration.get("secrets") or []
    empty = [each["name"] for each in secrets if not each.get("value") and not each.get("keyVaultUrl")]
    empty += [each["name"] for each in secrets if each.get("keyVaultUrl") and not each.get("identity")]
    text = (
        f"Invalid Request: Container app secret(s) with name(s) '{', '.join(empty)}' are invalid: value or keyVaultUrl "
        "and identity should be provided."
    )
    need(not empty, "ContainerAppSecretInvalid", text)
    for each in secrets:
        if each.get("identity"):
            _check_identity(body, each["identity"], f"secret '{each['name']}'")
            # as quoted in azure-container-apps issue 733
            text = f"Unable to get value using Managed identity {each['identity']} for secret {each['name']}"
            need(each["keyVaultUrl"] in vaults(world), "ContainerAppSecretKeyVaultUrlInvalid", text)


def _check_registries(body: Json, configuration: Json, secrets: set[str]) -> None:
    servers = set()
    for each in configuration.get("registries") or []:
        server = str(each.get("server") or "")
        need(
            server and server not in servers,
            "ContainerAppInvalidRegistry",
            f"The registry server '{server}' is empty or twice.",
        )
        servers.add(server)
        one = bool(each.get("username")) != bool(each.get("identity"))
        need(one, "ContainerAppInvalidRegistry", f"Registry '{server}' needs either a username or an identity.")
        if each.get("identity"):
            _check_identity(body, each["identity"], f"registry '{server}'")
            continue
        reference = each.get("passwordSecretRef")
        text = f"passwordSecretRef '{reference}' defined for registry server '{server}' not found."
        need(reference in secrets, "ContainerAppRegistryPasswordSecretRefNotFound", text)
    for each in configuration.get("identitySettings") or []:
        _check_identity(body, each.get("identity", ""), "identitySettings")


def _check_identity(body: Json, identity: str, where: str) -> None:
    own = body.get("identity") or {}
    listed = {one.lower() for one in own.get("userAssignedIdentities") or {}}
    if identity.lower() == "system":
        text = f"System assigned identity of {where} must be enabled on the container app."
        need("SystemAssigned" in str(own.get("type")), "ContainerAppIdentityNotAssigned", text)
        return
    text = f"The identity '{identity}' of {where} is not assigned to the container app."
    need(identity.lower() in listed, "ContainerAppIdentityNotAssigned", text)


def _check_domains(world: World, configuration: Json) -> None:
    for each in (configuration.get("ingress") or {}).get("customDomains") or []:
        needs = str(each.get("bindingType") or "SniEnabled") == "SniEnabled"
        text = f"The custom domain '{each['name']}' needs the certificateId of a certificate that exists."
        found = world.get(str(each.get("certificateId") or ""))
        if needs and found is None:
            raise ArmError(400, "CertificateNotFound", text)
        text = f"The certificate of the custom domain '{each['name']}' is not in a Succeeded state."
        ready = found is not None and found["properties"]["provisioningState"] == "Succeeded"
        need(not needs or ready, "CertificateNotReady", text)
