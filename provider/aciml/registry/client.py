"""The distribution API of one registry, in the words of the specification.

Source: OCI distribution-spec 1.1.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

import requests

from ..core.credentials import Credentials
from ..core.image import DOCKER_INDEX, DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST, sha256_digest
from ..core.pace import Pace
from ..core.progress import Progress, Silent
from .blob import BlobReader, ByteSource
from .errors import RegistryError
from .limits import ClientLimits
from .transport import Ask, Transport
from .upload import Outcome, Upload

# all four: a registry that may not answer with the kind it has says that there is no such manifest (registry:2 does)
_KINDS = {"Accept": f"{OCI_MANIFEST}, {OCI_INDEX}, {DOCKER_MANIFEST}, {DOCKER_INDEX}"}
_BEARABLE = ClientLimits()


@dataclass(frozen=True)
class Manifest:
    """A manifest or index as the registry keeps it; ``digest`` is that of ``body``."""

    body: bytes
    media_type: str
    digest: str


class RegistryClient:
    """One registry; safe to use from several threads, a context manager, closed with ``close``.

    Hosts of this machine (localhost, 127.0.0.0/8, [::1]) are asked by http, all others by https. Every call raises
    ``RegistryError``, an ``OutageError``, when the registry refuses, fails or is silent; requests that can be
    repeated have been, some times, before.
    """

    def __init__(
        self,
        host: str,
        credentials: Credentials = Credentials(),  # noqa: B008  # frozen
        *,
        ca_bundle: Path | None = None,
        mirror: str = "",
        limits: ClientLimits = _BEARABLE,
        wait: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
        pace: Pace | None = None,
    ) -> None:
        """Prepare a client; nothing is asked yet.

        Args:
            host: ``host`` or ``host:port`` as in a reference; ``docker.io`` is asked at its own address.
            credentials: account of that host. A mirror never gets it, only what stands in the mirror's URL.
            ca_bundle: PEM file with the authorities to trust.
            mirror: base URL to ask instead of the host.
            limits: sizes, times and numbers of tries.
            wait: pauses for some seconds.
            clock: seconds, for the life of tokens.
            pace: of the host, if others ask it as well; one of its own without it.
        """
        self.host = host
        self._transport = Transport(
            host, credentials, ca_bundle=ca_bundle, mirror=mirror, limits=limits, wait=wait, clock=clock, pace=pace
        )

    @property
    def base(self) -> str:
        """URL that is really asked."""
        return self._transport.base

    def take_retries(self) -> str:
        """Return ``3 retries, 14 s`` for what was tried again since the last call; empty if nothing was."""
        return self._transport.take_retries()

    def close(self) -> None:
        """Close all connections."""
        self._transport.close()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close."""
        self.close()

    def ping(self) -> None:
        """Return if a registry answers and the account is good there."""
        self._transport.send(Ask("GET", "/v2/", "the question whether it is a registry"))

    def manifest(self, repository: str, reference: str) -> Manifest | None:
        """Return the manifest of a tag or digest; None only if the registry says that there is none."""
        with self._ask_manifest("GET", repository, reference) as response:
            if response.status_code == 404:
                return None
            body = response.content
        # some add a charset
        media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
        digest = sha256_digest(body)
        # asked by its digest it has to be these bytes; asked by a tag, the header says what they are
        named = reference if ":" in reference else response.headers.get("Docker-Content-Digest", digest)
        if named != digest:
            message = f"{self.host} sent a manifest for {repository}:{reference} that is not {named}"
            raise RegistryError(message, "ask its operator, or take another mirror", url=response.url)
        return Manifest(body, media_type, digest)

    def head_manifest(self, repository: str, reference: str) -> str | None:
        """Return the digest of a tag or digest; None only if the registry says that there is none."""
        response = self._ask_manifest("HEAD", repository, reference)
        # nothing but a 404 says "gone": a refusal or an outage must not make anybody forget an image
        if response.status_code == 404:
            return None
        if digest := response.headers.get("Docker-Content-Digest"):
            return digest
        found = self.manifest(repository, reference)  # the header is a SHOULD
        return found.digest if found else None

    def blob(self, repository: str, digest: str) -> BlobReader:
        """Open a blob as a stream; close it, best by ``with``. Its digest is verified after the last byte."""
        url = f"/v2/{repository}/blobs/{digest}"
        ask = Ask("GET", url, f"blob {digest} of {repository}", _pull(repository), stream_answer=True)
        return BlobReader(self.host, digest, self._transport.send(ask))

    def read_blob(self, repository: str, digest: str) -> bytes:
        """Return a small blob, such as an image config, whole.

        Raises:
            RegistryError: besides the usual, if it is larger than ``ClientLimits.document``.
        """
        limit = self._transport.limits.document

        def read(_: int) -> bytes:
            blocks, size = [], 0
            with self.blob(repository, digest) as reader:
                for block in reader:
                    blocks.append(block)
                    size += len(block)
                    # checked while it comes: what a manifest says of the size is the word of whoever pushed it
                    if size > limit:
                        raise RegistryError(f"{self.host}: blob {digest} is larger than the {limit} bytes expected")
            return b"".join(blocks)

        # the whole of it again: the reader of a stream knows only at its end that a byte is missing
        return self._transport.retry(read, lambda error: error.temporary)

    def has_blob(self, repository: str, digest: str) -> bool:
        """Say whether the repository has the blob."""
        url = f"/v2/{repository}/blobs/{digest}"
        ask = Ask("HEAD", url, f"blob {digest} of {repository}", _pull(repository), (200, 404))
        return self._transport.send(ask).status_code == 200

    def upload_blob(
        self,
        repository: str,
        digest: str,
        size: int,
        source: Callable[[], ByteSource],
        *,
        mount_from: str = "",
        progress: Progress | None = None,
        what: str = "blob",
        known_missing: bool = False,
        anyway: bool = False,
    ) -> Outcome:
        """Bring a blob into the repository: look, mount, or send it; see ``upload.Upload``.

        Args:
            repository: where to.
            digest: of the bytes that ``source`` gives.
            size: their number.
            source: opens them; called once more for every new attempt.
            mount_from: repository of this registry that may have the blob.
            progress: gets a line for every percent, and is asked before every block whether to stop.
            what: what to call the blob there and in errors.
            known_missing: a HEAD has just said so.
            anyway: send it whatever a HEAD says.
        """
        upload = Upload(self._transport, repository, digest, size, source, progress or Silent(), what)
        return upload.run(mount_from, known_missing=known_missing, anyway=anyway)

    def put_manifest(self, repository: str, reference: str, body: bytes, media_type: str) -> str:
        """Store a manifest under a tag or its digest and return the digest.

        Raises:
            RegistryError: besides the usual, if the registry has something else than was sent: it says another digest,
                or does not find the manifest by its own.
        """
        url = f"/v2/{repository}/manifests/{reference}"
        headers, digest = {"Content-Type": media_type}, sha256_digest(body)
        what = f"manifest {repository}:{reference}"
        ask = Ask("PUT", url, what, _push(repository), (201, 202), headers=headers, body=body)
        # the header is a SHOULD (distribution-spec 1.1, "Pushing Manifests"); one that lacks it is asked
        said = self._transport.send(ask).headers.get("Docker-Content-Digest")
        if not said:
            said = self.head_manifest(repository, digest)
        if said != digest:
            found = f"says that it is {said}" if said else "does not find it by that digest"
            message = f"{self.host} took {what} with digest {digest} and {found}"
            advice = "what is there is not what was sent; ask its operator, or whoever runs a proxy before it"
            raise RegistryError(message, advice, url=self.base + url)
        return digest

    def delete_manifest(self, repository: str, digest: str) -> bool:
        """Remove a manifest and its tags; False if there is none. Many registries forbid it (405)."""
        url = f"/v2/{repository}/manifests/{digest}"
        # delete is an action of its own: a token for a push may not remove
        scope = (f"repository:{repository}:pull,push,delete",)
        ask = Ask("DELETE", url, f"deletion of {repository}@{digest}", scope, (200, 202, 404))
        return self._transport.send(ask).status_code != 404

    def tags(self, repository: str) -> list[str]:
        """Return the tags of a repository, sorted (registry:2 does not); none if it does not exist."""
        url, tags = f"/v2/{repository}/tags/list", list[str]()
        # in pages, each with a Link to the next (distribution-spec 1.1, "Listing Tags"; RFC 8288)
        while url:
            ask = Ask("GET", url, f"the list of tags of {repository}", _pull(repository), (200, 404))
            response = self._transport.send(ask)
            if response.status_code == 404:
                break
            tags += _listed(self.host, response)
            # often a path alone, so it is resolved
            link = response.links.get("next", {}).get("url", "")
            url = self._transport.resolve(response.url, link) if link else ""
        return sorted(tags)

    def referrers(self, repository: str, digest: str) -> bytes | None:
        """Return the index of what refers to a manifest; None if the registry does not know the question.

        Source: OCI distribution-spec 1.1, "Listing Referrers"; registry:2 answers 404 to it.
        """
        ask = Ask(
            "GET", f"/v2/{repository}/referrers/{digest}", f"what refers to {digest}", _pull(repository), (200, 404)
        )
        response = self._transport.send(ask)
        found = response.headers.get("Content-Type", "").partition(";")[0].strip() == OCI_INDEX
        return response.content if response.status_code == 200 and found else None

    def _ask_manifest(self, method: str, repository: str, reference: str) -> requests.Response:
        url = f"/v2/{repository}/manifests/{quote(reference, safe=':')}"
        what = f"manifest {repository}{'@' if ':' in reference else ':'}{reference}"
        return self._transport.send(Ask(method, url, what, _pull(repository), (200, 404), headers=_KINDS))


def _listed(host: str, response: requests.Response) -> list[str]:
    try:
        return [str(tag) for tag in response.json().get("tags") or []]
    except (ValueError, AttributeError, TypeError) as error:
        message = f"{host} answered to a list of tags with something else"
        raise RegistryError(message, "check that it is a registry", url=response.url) from error


def _pull(repository: str) -> tuple[str, ...]:
    return (f"repository:{repository}:pull",)


def _push(repository: str) -> tuple[str, ...]:
    return (f"repository:{repository}:pull,push",)
