"""What is inside a registry: repositories, tags and manifests, by azure-containerregistry.

Layers go by our own client: ``upload_blob`` of azure-containerregistry 1.2.0 sends every chunk of 4 MiB twice, since it
learns by a 401 each time that it has to log in (decisions/azure-registry.md).
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ....registry.hosts import base_url, is_local
from ..arm.errors import translated
from ..arm.session import AzureSession

if TYPE_CHECKING:
    from azure.containerregistry import ContainerRegistryClient
    from azure.core.credentials import AccessToken

_PAGE = 100  # names in one answer


@dataclass(frozen=True)
class Stored:
    """One manifest in a repository; ``size`` in bytes, ``created`` as ISO 8601."""

    digest: str
    tags: tuple[str, ...]
    size: int
    created: str


class _Identity:
    """The session as a credential of azure-core: its tokens live five minutes at least."""

    def __init__(self, session: AzureSession) -> None:
        self._session = session

    def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        from azure.core.credentials import AccessToken

        # no longer than what the session promises: whoever keeps the token must not use it beyond
        return AccessToken(self._session.token(scopes[0]), int(time.time()) + 300)


class Repositories:
    """The repositories of one registry. Every call raises ``AzureError`` when the registry refuses or is silent."""

    def __init__(self, session: AzureSession, login_server: str, audience: str) -> None:
        """Contact nobody; ``audience`` is that of Entra ID which the registry takes."""
        self._session, self._login_server, self._audience = session, login_server, audience
        # the emulator's registries, like Docker's on this machine, speak plain HTTP
        self._options = {"enforce_https": False} if is_local(login_server) else {}

    def names(self) -> list[str]:
        """Return the names of all repositories."""
        with self._client("the list of repositories") as client:
            return list(client.list_repository_names(results_per_page=_PAGE, **self._options))

    def is_empty(self) -> bool:
        """Whether there is no repository at all; asks for one name only."""
        # one name is enough to know, and a registry may have thousands
        with self._client("the list of repositories") as client:
            return next(iter(client.list_repository_names(results_per_page=1, **self._options)), None) is None

    def tags(self, repository: str) -> dict[str, str]:
        """Return the tags of a repository and what digest each names."""
        with self._client(f"the tags of {repository}") as client:
            found = client.list_tag_properties(repository, results_per_page=_PAGE, **self._options)
            return {tag.name: tag.digest for tag in found}

    def manifests(self, repository: str) -> list[Stored]:
        """Return the manifests of a repository."""
        with self._client(f"the manifests of {repository}") as client:
            found = client.list_manifest_properties(repository, results_per_page=_PAGE, **self._options)
            return [
                Stored(one.digest, tuple(one.tags or ()), one.size_in_bytes or 0, one.created_on.isoformat())
                for one in found
            ]

    def delete_manifest(self, repository: str, digest: str) -> None:
        """Remove a manifest and its tags; fine if it is gone."""
        with self._client(f"the deletion of {repository}@{digest}") as client:
            client.delete_manifest(repository, digest, **self._options)

    def delete_repository(self, repository: str) -> None:
        """Remove a repository with all its images; fine if it is gone."""
        with self._client(f"the deletion of {repository}") as client:
            client.delete_repository(repository, **self._options)

    @contextmanager
    def _client(self, what: str) -> Iterator[ContainerRegistryClient]:
        from azure.containerregistry import ContainerRegistryClient

        verify: Any = str(self._session.ca_bundle) if self._session.ca_bundle else True
        with (
            translated(f"{what} of {self._login_server}"),
            ContainerRegistryClient(
                base_url(self._login_server),
                _Identity(self._session),
                audience=self._audience,
                connection_verify=verify,
            ) as client,
        ):
            yield client
