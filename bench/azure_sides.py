"""The two ways to push: ours, and upload_blob and set_manifest of azure-containerregistry."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from azure.containerregistry import ContainerRegistryClient
from azure.core.credentials import AccessToken

from aciml.core.image import Image
from aciml.core.progress import Silent
from aciml.registry.client import RegistryClient
from aciml.registry.push import push_image
from aciml.targets.azure.registries.login import RegistryLogin

from .azure_scene import Cloud, Traffic

TAG = "bench"


@dataclass(frozen=True)
class Push:
    """What one push took."""

    seconds: float
    traffic: Traffic


def push_ours(cloud: Cloud, image: Image, repository: str) -> Push:
    """Push as the provider does; each push logs in anew, as each ``pulumi up`` does."""

    def work() -> None:
        scopes = [cloud.session.config.cloud.registry_scope]
        login = RegistryLogin(cloud.login_server, cloud.session.token, scopes, tenant=cloud.session.config.tenant_id)
        with RegistryClient(cloud.login_server, login.credentials()) as client:
            push_image(client, repository, TAG, image, cloud.store, mount_from={}, progress=Silent())

    return _measured(cloud, work)


def push_theirs(cloud: Cloud, image: Image, repository: str, *, there: Collection[str] = ()) -> Push:
    """Push with the SDK, which never looks what is there; its caller may know, by ``there``, and leave that out."""

    def work() -> None:
        plain: dict[str, Any] = {"enforce_https": False}  # the registry of this machine speaks http
        with ContainerRegistryClient(f"http://{cloud.login_server}", _Credential(cloud), retry_total=0) as client:
            for layer in image.layers:
                if layer.digest not in there:
                    with cloud.store.open(layer.digest) as stream:
                        client.upload_blob(repository, stream, **plain)
            client.upload_blob(repository, io.BytesIO(image.config()), **plain)
            client.set_manifest(repository, json.loads(image.manifest()), tag=TAG, **plain)

    return _measured(cloud, work)


def check(cloud: Cloud, image: Image, *repositories: str) -> None:
    """Insist that all repositories have the same image in the end."""
    scopes = [cloud.session.config.cloud.registry_scope]
    login = RegistryLogin(cloud.login_server, cloud.session.token, scopes, tenant=cloud.session.config.tenant_id)
    with RegistryClient(cloud.login_server, login.credentials()) as client:
        for repository in repositories:
            found = client.manifest(repository, TAG)
            layers = [one["digest"] for one in json.loads(found.body)["layers"]] if found else []
            if layers != [layer.digest for layer in image.layers]:
                raise SystemExit(f"{repository} does not have the image")


def _measured(cloud: Cloud, work: Callable[[], None]) -> Push:
    cloud.session.token(cloud.session.config.cloud.registry_scope)  # both sides find the login of Entra ID done
    cloud.forget()
    started = time.perf_counter()
    work()
    seconds = time.perf_counter() - started
    if cloud.emulator.violations:
        raise SystemExit("\n".join(cloud.emulator.violations))
    return Push(seconds, cloud.traffic())


class _Credential:
    """The session's login, as the SDK wants it."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def get_token(self, *_: str, **__: Any) -> AccessToken:
        scope = self._cloud.session.config.cloud.registry_scope
        return AccessToken(self._cloud.session.token(scope), int(time.time()) + 3600)
