"""The provider: which target resources are made on, and who asks for them."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pulumi

from aciml.model.config import SECRETS

from .args.declared import arguments_of, subject
from .args.places import wrong_names_of
from .args.reading import Problem
from .interrupt import end_quietly_when_interrupted
from .judged import ArgumentsError


# no `memory`: it is for tests, and a program would be told by its type checker that it may be used
class Target(StrEnum):
    """Where things are made."""

    LOCAL = "local"
    """The Docker Engine of this machine."""
    AZURE = "azure"
    """Azure Container Registry and Azure Container Instances."""


class Auth(StrEnum):
    """How to log in to Azure."""

    DEFAULT = "default"
    """The chain of azure-identity: environment, workload identity, managed identity, Azure CLI, ..."""
    SERVICE_PRINCIPAL = "service_principal"
    """An application with a secret or a certificate."""
    MANAGED_IDENTITY = "managed_identity"
    """The machine's own identity."""
    WORKLOAD_IDENTITY = "workload_identity"
    """The OIDC token of a pipeline or a Kubernetes pod."""
    CLI = "cli"
    """``az login``."""


@subject
class ProviderArgs:
    """Configuration of the provider, as ``aciml:<key>`` in a stack config; the environment says what it does not."""

    target: pulumi.Input[Target] | None = None
    """Where things are made; local if not said."""
    registry_target: pulumi.Input[Target] | None = None
    """Where registries are, if not where services run: azure, for services on this machine."""
    subscription_id: pulumi.Input[str] | None = None
    """Azure subscription, a UUID; AZURE_SUBSCRIPTION_ID if not said."""
    tenant_id: pulumi.Input[str] | None = None
    """Azure tenant, a UUID or a domain; AZURE_TENANT_ID if not said."""
    resource_group: pulumi.Input[str] | None = None
    """Resource group of all that says no other; AZURE_RESOURCE_GROUP if not said."""
    create_resource_group: pulumi.Input[bool] | None = None
    """Make the resource group if it does not exist; false if not said."""
    location: pulumi.Input[str] | None = None
    """Azure region, such as ``westeurope``; AZURE_LOCATION if not said."""
    cloud: pulumi.Input[str] | None = None
    """Azure cloud: public, usgovernment, china or one's own by its endpoints; public if not said."""
    resource_manager_endpoint: pulumi.Input[str] | None = None
    """URL of Azure Resource Manager, for a cloud of one's own."""
    authority_host: pulumi.Input[str] | None = None
    """URL that logins go to, for a cloud of one's own."""
    registry_suffix: pulumi.Input[str] | None = None
    """Domain of registries, for a cloud of one's own."""
    instance_suffix: pulumi.Input[str] | None = None
    """Domain of container groups, for a cloud of one's own."""
    instance_api_version: pulumi.Input[str] | None = None
    """Version of the API that container groups are asked by, for a cloud that has another one."""
    registry_api_version: pulumi.Input[str] | None = None
    """Version of the API that registries are asked by, for a cloud that has another one."""
    app_api_version: pulumi.Input[str] | None = None
    """Version of the API that container apps are asked by, for a cloud that has another one."""
    auth: pulumi.Input[Auth] | None = None
    """How to log in; default if not said."""
    client_id: pulumi.Input[str] | None = None
    """Application or identity to log in as; AZURE_CLIENT_ID if not said."""
    client_secret: pulumi.Input[str] | None = None
    """Its secret; AZURE_CLIENT_SECRET if not said."""
    client_certificate_path: pulumi.Input[str] | None = None
    """Its certificate, a PEM or PFX file; AZURE_CLIENT_CERTIFICATE_PATH if not said."""
    certificate_password: pulumi.Input[str] | None = None
    """Password of that file, a secret."""
    oidc_token: pulumi.Input[str] | None = None
    """OIDC token of a pipeline, a secret; found on GitHub and Kubernetes if not said."""
    oidc_token_file_path: pulumi.Input[str] | None = None
    """File with that token; AZURE_FEDERATED_TOKEN_FILE if not said."""
    ca_bundle: pulumi.Input[str] | None = None
    """PEM file of certificates that everything outside the images trusts; SSL_CERT_FILE if not said."""


# one for all: it is frozen
_AS_THE_STACK_SAYS = ProviderArgs()


class Provider(pulumi.ProviderResource):
    """A provider of one's own, so that one program can speak to two targets.

    Hand it to a component by ``ResourceOptions(provider=...)``, ``providers=[...]`` or ``providers={"aciml": ...}``;
    what a component of your own declares gets the provider of that component.
    """

    def __init__(
        self, name: str, args: ProviderArgs = _AS_THE_STACK_SAYS, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        """Declare the provider.

        What ``args`` does not say is not taken from the stack config: a target that is not said is the local one. The
        environment (``AZURE_SUBSCRIPTION_ID``, ...) completes it as it completes a stack config.

        Raises:
            ArgumentsError: a name is wrong; the plugin judges the values.
        """
        # names alone: values may come from the environment too, which only the plugin reads
        if problems := [Problem(where, why) for where, why in wrong_names_of(args)]:
            raise ArgumentsError("Provider", name, problems)
        end_quietly_when_interrupted()
        super().__init__("aciml", name, _config(args), opts)


def _config(args: ProviderArgs) -> Mapping[str, Any]:
    """Return the configuration as the plugin has it: texts, what is secret as a secret."""
    found: dict[str, Any] = {}
    for argument in arguments_of(ProviderArgs):
        if (value := getattr(args, argument.name)) is not None:
            text = _text(value)
            found[argument.wire] = pulumi.Output.secret(text) if argument.wire in SECRETS else text
    return found


def _text(value: Any) -> Any:
    if isinstance(value, pulumi.Output):
        return value.apply(_text)
    if isinstance(value, bool):
        # all of a provider's configuration is text, and this is how the CLI writes a boolean there
        return "true" if value else "false"
    return None if value is None else str(value)
