"""Volumes of a container group, in ARM's words, and where they appear."""

from collections.abc import Mapping
from typing import Any

import pulumi

from .declared import Texts, shape


@shape
class AzureFileArgs:
    """A share of Azure Files."""

    share_name: pulumi.Input[str]
    """Name of the share."""
    storage_account_name: pulumi.Input[str]
    """Storage account that has it."""
    storage_account_key: pulumi.Input[str] | None = None
    """Key of the account, a secret."""
    read_only: pulumi.Input[bool] | None = None
    """Nothing may be written; false if not said."""


@shape
class GitRepoArgs:
    """A clone of a public repository, made when the group starts."""

    repository: pulumi.Input[str]
    """URL to clone."""
    directory: pulumi.Input[str] | None = None
    """Folder to clone into, ``.`` for the volume itself; the repository's name if not said."""
    revision: pulumi.Input[str] | None = None
    """Commit to check out; the default branch if not said."""


@shape
class VolumeArgs:
    """A volume of one kind: ``azure_file``, ``empty_dir``, ``secret`` or ``git_repo``."""

    name: pulumi.Input[str]
    """Name that mounts know it by."""
    azure_file: pulumi.Input[AzureFileArgs] | None = None
    """A file share."""
    empty_dir: pulumi.Input[Mapping[str, Any]] | None = None
    """``{}``: an empty folder that lives as long as the group."""
    secret: Texts | None = None
    """Files by name, with their text as it is; a secret."""
    git_repo: pulumi.Input[GitRepoArgs] | None = None
    """A clone."""


@shape
class VolumeMountArgs:
    """Where a volume appears in a container."""

    name: pulumi.Input[str]
    """Name of the volume."""
    mount_path: pulumi.Input[str]
    """Folder that it appears as, such as ``/mnt/tables``."""
    read_only: pulumi.Input[bool] | None = None
    """Nothing may be written; false if not said."""
