"""A builder elsewhere: an engine behind the protocol, whose log has ACR's lines around Docker's."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from typing import IO

import docker
from docker.errors import DockerException

from aciml.core.builder import BuilderRefused
from aciml.core.credentials import Credentials
from aciml.core.errors import UserError
from aciml.core.progress import Progress
from aciml.docker.stream import messages
from aciml.docker.transfer import push_raw


class Elsewhere:
    """Builds and pushes with an engine, and lets its log be heard as ACR Tasks does."""

    def __init__(self, engine: docker.DockerClient, refusal: str = "") -> None:
        self.engine, self.refusal = engine, refusal
        self.pushed: list[str] = []

    def build(
        self,
        context: IO[bytes],
        *,
        dockerfile: str,
        login_server: str,
        name: str,
        arguments: Mapping[str, str],
        hear: Callable[[str], None],
        progress: Progress,
    ) -> None:
        if self.refusal:
            raise BuilderRefused(self.refusal)
        repository, _, tag = f"{login_server}/{name}".rpartition(":")
        params = {"dockerfile": dockerfile, "t": f"{repository}:{tag}", "forcerm": "1"}
        params["buildargs"] = json.dumps(arguments)
        headers = {"Content-Type": "application/x-tar"}
        hear("2026/11/21 07:00:00 Launching container with name: build\r")
        stream = messages(self.engine, "/build", progress=progress, params=params, headers=headers, data=context)
        with closing(stream):
            for message in stream:
                for line in str(message.get("stream") or message.get("error") or "").splitlines():
                    hear(line + "\r")
                if "error" in message:
                    hear("2026/11/21 07:00:01 Container failed during run: build. No retries remaining.\r")
                    raise UserError("run x1 failed", "mend it")
        try:
            push_raw(self.engine, f"{repository}:{tag}", repository, tag, Credentials(), progress)
            self.pushed.append(tag)
        finally:
            with suppress(DockerException):
                self.engine.images.remove(f"{repository}:{tag}", noprune=True)
