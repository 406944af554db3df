"""The image ``registry:2`` and the base image, pulled or made here, do what the project needs of them."""

from __future__ import annotations

import time
from urllib.error import URLError
from urllib.request import urlopen

import docker
import pytest

from aciml.settings import Settings
from bootstrap.registry_image import ensure_registry_image

pytestmark = pytest.mark.docker


def answer(url: str) -> int:
    deadline = time.monotonic() + 30
    while True:
        try:
            with urlopen(url, timeout=5) as found:
                return int(found.status)
        except (URLError, OSError):
            if time.monotonic() > deadline:
                raise


def test_the_registry_serves_and_obeys_its_variables(engine: docker.DockerClient) -> None:
    ensure_registry_image(engine)
    container = engine.containers.run(
        "registry:2", detach=True, ports={"5001/tcp": ("127.0.0.1", 0)}, environment={"REGISTRY_HTTP_ADDR": ":5001"}
    )
    try:
        container.reload()
        published = container.ports["5001/tcp"]
        assert published
        assert answer(f"http://127.0.0.1:{published[0]['HostPort']}/v2/") == 200
    finally:
        container.remove(force=True, v=True)


def test_apt_of_the_stand_in_base_image_knows_where_to_look(engine: docker.DockerClient) -> None:
    mirror = Settings.read().registries.get("docker.io", "")
    if not mirror.startswith("http://127.0.0.1:"):
        pytest.skip("Docker Hub answers, so there is no stand-in")
    image = f"{mirror.removeprefix('http://')}/library/debian:bookworm-slim"
    said = engine.containers.run(
        image, ["sh", "-c", ". /etc/os-release; echo $VERSION_CODENAME; apt-get --print-uris update"], remove=True
    )

    assert said.decode().startswith("bookworm\n")
    assert "dists/bookworm" in said.decode()
