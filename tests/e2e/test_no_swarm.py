"""Engines on which no service can have replicas: a preview by the real CLI says so once, and asks for nothing else.

The engine is an HTTP server of the test that tells of itself what such engines tell; one that is asked to make
something refuses, and remembers it.
"""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest

from tests.e2e.program import Program, needs_the_cli

pytestmark = [pytest.mark.e2e, needs_the_cli]

DOCKER = {"Components": [{"Name": "Engine", "Version": "27.3.1"}], "ApiVersion": "1.47", "MinAPIVersion": "1.24"}
PODMAN = {**DOCKER, "Components": [{"Name": "Podman Engine", "Version": "5.2.2"}], "ApiVersion": "1.41"}
INFO = {
    "ID": "one",
    "OSType": "linux",
    "Architecture": "x86_64",
    "LoggingDriver": "json-file",
    "SecurityOptions": ["name=seccomp,profile=builtin"],
    "Swarm": {"LocalNodeState": "inactive"},
}
MANAGER = {"LocalNodeState": "active", "ControlAvailable": True, "Nodes": 1}
FULL = [
    {"Name": f"net{number}", "Id": str(number), "IPAM": {"Config": [{"Subnet": subnet}]}}
    for number, subnet in enumerate(("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"))
]


class Engine(BaseHTTPRequestHandler):
    """Tells what ``said`` has; ``made`` are requests that would have changed something."""

    said: ClassVar[dict[str, Any]] = {}
    made: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].rpartition("/")[2]
        found = self.said.get(path)
        self._answer(200 if found is not None else 404, found if found is not None else {"message": "not there"})

    def do_HEAD(self) -> None:
        self._answer(200, "OK")

    def do_POST(self) -> None:
        self.made.append(self.path)
        self._answer(500, {"message": "nothing is made here"})

    do_PUT = do_DELETE = do_POST  # noqa: N815 - names of the base class

    def _answer(self, status: int, body: object) -> None:
        content = json.dumps(body).encode() if self.command != "HEAD" else b""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Api-Version", self.said["version"]["ApiVersion"])
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def engine() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"tcp://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def told(version: Mapping[str, Any] = DOCKER, networks: object = (), **info: Any) -> dict[str, Any]:
    return {"version": version, "info": {**INFO, **info}, "networks": list(networks), "_ping": "OK"}  # type: ignore[call-overload]


CASES = {
    "user namespace": (
        told(SecurityOptions=["name=rootless", "name=userns"]),
        "Docker runs rootless here, in a user namespace without overlay networks; use a Docker that runs as root",
    ),
    "desktop in the wrong mode": (
        told(OSType="windows"),
        "this Docker runs Windows containers; switch Docker Desktop to Linux containers",
    ),
    "podman": (told(PODMAN), "Podman has no swarm; run Docker, or write runs_on: container_group"),
    "worker": (
        told(Swarm={"LocalNodeState": "active", "ControlAvailable": False}),
        "this Docker is a worker of a swarm, which takes no orders; use one of its managers (DOCKER_HOST)",
    ),
    "address pool": (
        told(networks=FULL, Swarm=MANAGER),
        "no address range is free for the network of a service",
    ),
}


def test_each_is_one_error_of_the_preview_with_what_to_do_and_nothing_is_asked_for(
    program: Program, engine: str
) -> None:
    program.config = {"aciml:target": "local"}
    host, _, rest = program.base.partition("/")
    repository, _, tag = rest.partition(":")
    accepted = {"Accept": "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json"}
    asked = urllib.request.Request(f"http://{host}/v2/{repository}/manifests/{tag}", headers=accepted)
    with urllib.request.urlopen(asked) as answer:
        image = f"{host}/{repository}@{answer.headers['Docker-Content-Digest']}"
    program.write(f"""
        IMAGE = {image!r}
        aciml.ScoringService(
            "svc",
            aciml.ScoringServiceArgs(
                login_server=REGISTRY, image=IMAGE, name="iris", runs_on="container_app",
                scale=aciml.ScaleArgs(min_replicas=2),
            ),
        )
    """)
    Engine.made.clear()
    for name, (said, why) in CASES.items():
        Engine.said = said

        preview = program.pulumi("preview", DOCKER_HOST=engine)

        text = " ".join(preview.check_failed().text.split())
        assert f"runs_on: {why}" in text, f"{name}\n{preview.text}"
        assert Engine.made == [], name
    assert "name a free one by the variable ACIML_SWARM_POOL" in text
