"""Images of container groups: may they be pulled with what the request brings, and the pull itself."""

from __future__ import annotations

from typing import Any

import requests
from docker.errors import APIError, DockerException, ImageNotFound

from .generic import may_pull
from .group_runtime_engine import Engine
from .group_runtime_processes import Programs
from .http import ArmError
from .identity import REGISTRY_AUDIENCES
from .world import World

Json = dict[str, Any]
NOBODY = "00000000-0000-0000-0000-000000000000"
_REGISTRY = "Microsoft.ContainerRegistry/registries"


class Images:
    """Checks and pulls, each with the credentials of one group.

    Of what is run without Docker, ``programs``, nothing is pulled: an image is there if its program is known.
    """

    def __init__(self, world: World, engine: Engine, programs: Programs | None = None) -> None:
        self._world, self._engine, self._programs = world, engine, programs

    def check(self, group: str, body: Json) -> None:
        """Raises ``ArmError`` 400 InaccessibleImage for an image that cannot be pulled."""
        for image in images_of(body["properties"]):
            try:
                self._look(image, self.login(image, body))
            except (DockerException, requests.RequestException, ArmError) as error:
                raise inaccessible(image, group) from error

    def pull(self, image: str, body: Json) -> str:
        """Pull an image and return the name to run it by."""
        name, tag = _split(image)
        if self._programs is not None:
            self._programs.require(image)
            return image
        if not _host(image):
            self._engine.client.images.get(image)
            return image
        run = f"{name}@{tag}" if ":" in tag else f"{name}:{tag}"
        known = _exists(self._engine, run)
        for line in self._engine.api.pull(name, tag=tag, auth_config=self.login(image, body), stream=True, decode=True):
            if "error" in line:
                raise DockerException(str(line["error"]))
        if not known:
            self._engine.images.add(run)
        return run

    def login(self, image: str, body: Json) -> dict[str, str]:
        """Return the account for an image; an empty one for what is asked for anonymously."""
        host = _host(image)
        for each in body["properties"].get("imageRegistryCredentials") or []:
            if str(each["server"]).removeprefix("https://").rstrip("/").lower() == host.lower() and host:
                if each.get("identity"):
                    principal = each.get("principal") or self._world.need(each["identity"])["properties"]["principalId"]
                    return {"username": NOBODY, "password": self._token(principal, host)}
                return {"username": each["username"], "password": each["password"]}
        return {"username": "", "password": ""}

    def _token(self, principal: str, host: str) -> str:
        """Log in to a registry as an identity: its role is looked up, its token exchanged."""
        registry = self._registry(host)
        if registry is None or not may_pull(self._world, principal, registry["id"]):
            raise ArmError(403, "AuthorizationFailed", f"The identity may not pull from '{host}'.")
        aad = self._world.parts["authority"].issue(REGISTRY_AUDIENCES[0], subject=principal)
        form = {"grant_type": "access_token", "service": host, "tenant": self._world.tenant, "access_token": aad}
        with requests.Session() as session:
            session.trust_env = False
            answer = session.post(f"http://{host}/oauth2/exchange", data=form, timeout=20)
        answer.raise_for_status()
        return str(answer.json()["refresh_token"])

    def _registry(self, host: str) -> Json | None:
        found = self._world.of_kind(_REGISTRY)
        return next(
            (each for each in found if str(each["properties"].get("loginServer", "")).lower() == host.lower()), None
        )

    def _look(self, image: str, login: dict[str, str]) -> None:
        if self._programs is not None:
            self._programs.require(image)
            return
        if not _host(image):  # a name without a host is looked for in the engine, which stands for the public registry
            self._engine.client.images.get(image)
            return
        name, tag = _split(image)
        look: Any = self._engine.api.inspect_distribution  # untyped
        look(f"{name}@{tag}" if ":" in tag else f"{name}:{tag}", auth_config=login)


def images_of(properties: Json) -> list[str]:
    """Return the images of a group, each once."""
    containers = [*(properties.get("initContainers") or []), *properties["containers"]]
    return list(dict.fromkeys(each["properties"]["image"] for each in containers))


def inaccessible(image: str, group: str) -> ArmError:
    """Return the refusal of an image."""
    text = f"The image '{image}' in container group '{group}' is not accessible."
    text += " Please check the image and registry credential."
    return ArmError(400, "InaccessibleImage", text)


def _host(image: str) -> str:
    first, slash, _ = image.partition("/")
    return first if slash and (":" in first or "." in first or first == "localhost") else ""


def _split(image: str) -> tuple[str, str]:
    """Return the name, and digest or tag."""
    name, _, digest = image.partition("@")
    head, slash, last = name.rpartition("/")
    short, _, tag = last.partition(":")
    return f"{head}{slash}{short}", digest or tag or "latest"


def _exists(engine: Engine, name: str) -> bool:
    try:
        engine.client.images.get(name)
    except (ImageNotFound, APIError):
        return False
    return True
