"""The provider's configuration: ``aciml:<key>`` in a stack config, ``ProviderArgs`` in a program.

All values are texts, since that is what a stack config holds. Who reads one judges its form, because much of it comes
from environment variables too, which have no table.
"""

from collections.abc import Mapping
from typing import Annotated

from ..core.lean import lean
from .declared import Declared, table_of
from .shape import Cost, Field

TARGETS = ("local", "azure", "memory")
"""The last is for tests: nothing runs there."""
AUTHS = ("default", "service_principal", "managed_identity", "workload_identity", "cli")

_IDS = "the ids and addresses of all resources"
# Pulumi, implementer's guide, DiffConfig: replace only then, since it replaces all that the provider has made
_ELSEWHERE = Cost("replace", "what was made there before cannot be managed from anywhere else")


@lean(frozen=True, kw_only=True)
class Config(Declared):
    """What a provider is told. A key whose change costs ``replace`` says where things are: its resources move too."""

    target: Annotated[
        str | None, Field("where services run, and registries too", words=TARGETS, default="local", cost=_ELSEWHERE)
    ] = None
    registry_target: Annotated[
        str | None, Field("where registries are, if not where services run", words=TARGETS, cost=_ELSEWHERE)
    ] = None
    subscription_id: Annotated[str | None, Field("Azure subscription, a UUID", shown=_IDS, cost=_ELSEWHERE)] = None
    tenant_id: Annotated[str | None, Field("Azure tenant, a UUID or a domain", cost=_ELSEWHERE)] = None
    # no cost: it is a default for resources, whose own property says where each of them is
    resource_group: Annotated[str | None, Field("resource group of all that says no other", shown=_IDS)] = None
    create_resource_group: Annotated[str | None, Field("make the resource group if it does not exist")] = None
    # no cost, as of the resource group
    location: Annotated[str | None, Field("Azure region")] = None
    cloud: Annotated[str | None, Field("Azure cloud", default="public", cost=_ELSEWHERE)] = None
    resource_manager_endpoint: Annotated[
        str | None, Field("URL of Azure Resource Manager, for a cloud of one's own", cost=_ELSEWHERE)
    ] = None
    authority_host: Annotated[str | None, Field("URL that logins go to, for a cloud of one's own")] = None
    # it also bounds where tokens go: a look-alike of a registry's name gets none (decisions/azure-registry.md)
    registry_suffix: Annotated[str | None, Field("domain of registries, for a cloud of one's own", shown=_IDS)] = None
    instance_suffix: Annotated[
        str | None, Field("domain of container groups, for a cloud of one's own", shown=_IDS)
    ] = None
    # a cloud of one's own, or a sovereign one, may be years behind; what the SDK was made for is the default
    instance_api_version: Annotated[
        str | None, Field("api-version of container groups, for a cloud that lacks the usual one", default="2023-05-01")
    ] = None
    registry_api_version: Annotated[
        str | None, Field("api-version of registries, for a cloud that lacks the usual one", default="2025-11-01")
    ] = None
    app_api_version: Annotated[
        str | None, Field("api-version of container apps, for a cloud that lacks the usual one", default="2026-07-01")
    ] = None
    auth: Annotated[str | None, Field("how to log in", words=AUTHS, default="default")] = None
    client_id: Annotated[str | None, Field("application or identity to log in as")] = None
    client_secret: Annotated[str | None, Field("its secret", secret=True)] = None
    client_certificate_path: Annotated[str | None, Field("its certificate, a PEM or PFX file")] = None
    certificate_password: Annotated[str | None, Field("password of that file", secret=True)] = None
    oidc_token: Annotated[str | None, Field("OIDC token of a pipeline", secret=True)] = None
    oidc_token_file_path: Annotated[str | None, Field("file with that token")] = None
    ca_bundle: Annotated[str | None, Field("PEM file of certificates that everything outside images trusts")] = None
    # the engine puts it among a provider's inputs, so it is no unknown key
    version: Annotated[str | None, Field("version of the plugin", filled=True)] = None


FIELDS: Mapping[str, Field] = table_of(Config)
SECRETS = frozenset(name for name, field in FIELDS.items() if field.secret)
IDENTITY = tuple(name for name, field in FIELDS.items() if field.cost is not None)
"""Another value of these cannot manage what was made before."""


def moved_between(old: Mapping[str, object], new: Mapping[str, object]) -> list[str]:
    """Name the keys by which two configurations are of other places.

    Registries are where services run if nothing is said, so who writes that down moves nothing.
    """
    before, after = ({"registryTarget": one.get("target", TARGETS[0]), **one} for one in (old, new))
    return [key for key in IDENTITY if key in {*old, *new} and before.get(key) != after.get(key)]
