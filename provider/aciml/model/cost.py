"""What a change of a group's property costs in the cloud, by who says so; each source is written once.

Sources: Microsoft's page "Update containers in Azure Container Instances" (text of 2024-08-29): image, environment
variables and DNS label change in place; OS type, CPU, memory, GPU, restart policy, network profile and zone need the
group to be deleted first. terraform-provider-azurerm (container_group_resource.go, 2026-08-21), which replaces for
nearly everything. Where neither says that the service takes a change in place, the group is replaced: that always
works, while a change that is not taken would be lost without a word.
"""

from __future__ import annotations

from .shape import Cost

_UPDATABLE = "Microsoft, update page: can be updated"
_TERRAFORM = "terraform azurerm replaces; no source says that the service takes it in place"
_OURS = "what the provider does with it; the request does not have it"

IMAGE = Cost("in_place", _UPDATABLE)
VARIABLE = Cost("in_place", f"{_UPDATABLE}: an environment variable")
LABEL = Cost(
    "in_place", f"{_UPDATABLE}; own choice: from or to no label at all replaces, because its scope goes with it"
)
CONTAINER = Cost(
    "in_place",
    "own choice: part of the container's definition, with which a PUT restarts (Microsoft, update page), and not on "
    "the list of what needs deletion; terraform azurerm replaces",
)
IDENTITY = Cost("in_place", "terraform azurerm: full model by PUT, no replacement")
ACCOUNTS = Cost(
    "in_place",
    "own choice: an image of another registry, which Microsoft lets change in place, needs other accounts in the same "
    "request; terraform azurerm replaces",
)
TAGS = Cost(
    "tags",
    'terraform azurerm: "CreateOrUpdate doesn\'t support to update tags", so PATCH; that is all that PATCH updates',
)
ID = Cost("replace", "part of the resource's id")
DELETE = Cost("replace", "Microsoft, update page: delete first")
NETWORK = Cost("replace", "Microsoft, update page: network profile, delete first")
LOCATION = Cost("replace", "terraform azurerm replaces; a resource cannot move to another region")
PORTS = Cost(
    "replace", "Microsoft's text of 2018 said delete first, that of 2024 is silent; terraform azurerm replaces"
)
VOLUMES = Cost(
    "replace", 'Microsoft, update page: an update "might not work" with storage attached; terraform azurerm replaces'
)
TLS = Cost("replace", "own choice: the certificate is a secret volume (see volumes); on or off also changes the port")
LIMITS = Cost("replace", "own choice: as cpu and memory; terraform azurerm ignores the change without a word")
KEY = Cost("replace", "terraform azurerm replaces for key_vault_key_id; no other source")
KEY_IDENTITY = Cost("replace", "own choice: terraform azurerm ignores the change without a word")
SCOPE = Cost("replace", "terraform azurerm replaces since PR 29040, after a local test of the service")
CONFIDENTIAL = Cost("replace", "own choice: terraform azurerm does not have it, no other source")
RIGHTS = Cost("replace", "terraform azurerm replaces for privilege_enabled; no other source")
LOGS = Cost("replace", "azure-docs issue 65195: the service refuses the change")
OTHER = Cost("replace", _TERRAFORM)
# a PUT restarts the containers even if it says what was there (Microsoft, update page), so none is sent for these
OURS = Cost("none", _OURS)
ROTATION = Cost("none", f"{_OURS}; the key itself is an environment variable")
CNAME = Cost("none", f"{_OURS}: the outputs are written with it")
FILE = Cost("none", f"{_OURS}: certificateHash says what is in the file")
MOVED = Cost("replace", "a container group and a container app are resources of two kinds")
NOTHING = Cost("none", "v1's word; it does nothing for containers")
