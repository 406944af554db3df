"""importImage: copies an image with everything below it from any registry, without Docker."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping
from typing import Any

from aciml.core.credentials import Credentials
from aciml.core.errors import AcimlError
from aciml.registry.client import Manifest, RegistryClient

from .http import ArmError, Request, Response
from .registries_fronts import Fronts
from .tokens import TOKEN_USER
from .world import World


class ImageImport:
    """Answers POST importImage; the copy runs as a long-running operation."""

    def __init__(self, world: World, fronts: Fronts) -> None:
        self._world, self._fronts = world, fronts

    def answer(self, request: Request, name: str, **_: str) -> Response:
        registry_id = request.path.rpartition("/")[0]
        registry = self._world.need(registry_id)
        body = request.json() or {}
        source = body.get("source") or {}
        if not source.get("sourceImage") or bool(source.get("resourceId")) == bool(source.get("registryUri")):
            raise ArmError(400, "InvalidParameters", "A source needs sourceImage and one of resourceId, registryUri.")
        host, credentials = self._source(source)
        self._check_targets(name, body)
        own = registry["properties"]["loginServer"]

        def copy() -> None:
            try:
                with RegistryClient(host, credentials) as reader, self._client(own) as writer:
                    _copy(reader, writer, str(source["sourceImage"]), body)
            except AcimlError as error:
                raise ArmError(400, "ImportFailed", str(error)) from error

        headers = self._world.operation(registry_id, copy)
        return Response(202, None, {"Location": headers["Azure-AsyncOperation"], **headers})

    def _source(self, source: Mapping[str, Any]) -> tuple[str, Credentials]:
        if resource_id := source.get("resourceId"):
            host = str(self._world.need(resource_id)["properties"]["loginServer"])
            return host, Credentials(TOKEN_USER, self._fronts.password(host))
        given = source.get("credentials") or {}
        host = str(source["registryUri"]).removeprefix("https://").strip("/")
        return host, Credentials(given.get("username") or "", given.get("password") or "")

    def _check_targets(self, name: str, body: Mapping[str, Any]) -> None:
        index = self._fronts.of(name).index
        for target in body.get("targetTags") or []:
            repository, _, tag = target.rpartition(":")
            known = repository in index.names() and tag in index.known(repository).tags
            if known and body.get("mode", "NoForce") != "Force":
                raise ArmError(409, "Conflict", f"Tag {target} already exists in target registry.")

    def _client(self, host: str) -> RegistryClient:
        return RegistryClient(host, Credentials(TOKEN_USER, self._fronts.password(host)))


def _copy(reader: RegistryClient, writer: RegistryClient, image: str, body: Mapping[str, Any]) -> None:
    repository, reference = image.split("@", 1) if "@" in image else image.rsplit(":", 1)
    top = _need(reader, repository, reference)
    targets = [tuple(target.rsplit(":", 1)) for target in body.get("targetTags") or []]
    targets += [(target, top.digest) for target in body.get("untaggedTargetRepositories") or []]
    for target, tag in targets or [(repository, reference)]:
        _copy_below(reader, writer, repository, target, top)
        writer.put_manifest(target, tag, top.body, top.media_type)


def _copy_below(
    reader: RegistryClient, writer: RegistryClient, repository: str, target: str, manifest: Manifest
) -> None:
    """Copy what a manifest names: manifests of an index, blobs of an image."""
    document = json.loads(manifest.body)
    for child in document.get("manifests") or []:
        below = _need(reader, repository, child["digest"])
        _copy_below(reader, writer, repository, target, below)
        writer.put_manifest(target, below.digest, below.body, below.media_type)
    for blob in [*([document["config"]] if "config" in document else []), *(document.get("layers") or [])]:
        opened = functools.partial(reader.blob, repository, blob["digest"])
        writer.upload_blob(target, blob["digest"], blob["size"], opened)


def _need(reader: RegistryClient, repository: str, reference: str) -> Manifest:
    found = reader.manifest(repository, reference)
    if found is None:
        raise ArmError(400, "SourceImageNotFound", f"The image {repository}:{reference} is not in {reader.host}.")
    return found
