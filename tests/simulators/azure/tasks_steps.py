"""What a run is to do: a quick build as it is, or the build and push steps of a task file. Pure.

Source: bicep types of RegistryTasks 2025-03-01-preview; ACR Tasks YAML reference (``build``, ``push``).
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from .http import ArmError


@dataclass(frozen=True)
class Step:
    """One step: perhaps a build, then perhaps some pushes."""

    name: str
    build: Mapping[str, Any] | None = None
    push: list[str] = field(default_factory=list)


def docker_steps(body: Mapping[str, Any], login_server: str, number: str) -> list[Step]:
    """Return the steps of a DockerBuildRequest."""
    if not body.get("dockerFilePath"):
        raise ArmError(400, "InvalidRunRequest", "dockerFilePath is required.")
    names = [image_name(_filled(name, login_server, number), login_server) for name in body.get("imageNames") or []]
    build = {
        "names": names,
        "dockerfile": body["dockerFilePath"],
        "target": body.get("target"),
        "no_cache": bool(body.get("noCache")),
        "arguments": {one["name"]: one["value"] for one in body.get("arguments") or []},
        "platform": _platform(body.get("platform") or {}),
    }
    steps = [Step("build", build)]
    return [*steps, Step("push", push=names)] if names and body.get("isPushEnabled", True) else steps


def encoded_steps(content: str, body: Mapping[str, Any], login_server: str, number: str) -> list[Step]:
    """Return the steps of a task file; only build and push are known."""
    try:
        document = YAML(typ="safe", pure=True).load(_filled(content, login_server, number))
    except YAMLError as error:
        raise ArmError(400, "InvalidTaskFile", f"The task file is no YAML: {error}") from error
    steps = []
    for place, each in enumerate((document or {}).get("steps") or []):
        name = str(each.get("id") or f"acb_step_{place}")
        if "build" in each:
            steps.append(Step(name, _built(str(each["build"]), body, login_server)))
        elif "push" in each:
            steps.append(Step(name, push=[image_name(image, login_server) for image in each["push"]]))
        else:
            raise ArmError(
                400, "InvalidTaskFile", f"The step {name} is neither build nor push; others are not emulated."
            )
    if not steps:
        raise ArmError(400, "InvalidTaskFile", "The task file has no steps.")
    return steps


def image_name(name: str, login_server: str) -> str:
    """Return a name with registry and tag."""
    first = name.partition("/")[0]
    named = name if "/" in name and ("." in first or ":" in first or first == "localhost") else f"{login_server}/{name}"
    return named if ":" in named.rpartition("/")[2] else f"{named}:latest"


def _built(line: str, body: Mapping[str, Any], login_server: str) -> dict[str, Any]:
    """Read the options of a build step, which are those of ``docker build``."""
    words = iter(shlex.split(line))
    build: dict[str, Any] = {"names": [], "dockerfile": "Dockerfile", "arguments": {}}
    build["platform"] = _platform(body.get("platform") or {})
    for word in words:
        if word in {"-t", "--tag"}:
            build["names"].append(image_name(next(words), login_server))
        elif word in {"-f", "--file"}:
            build["dockerfile"] = next(words)
        elif word == "--target":
            build["target"] = next(words)
        elif word == "--no-cache":
            build["no_cache"] = True
        elif word == "--build-arg":
            name, _, value = next(words).partition("=")
            build["arguments"][name] = value
        elif word != ".":
            raise ArmError(400, "InvalidTaskFile", f"The build option {word} is not emulated.")
    return build


def _platform(platform: Mapping[str, Any]) -> str:
    return f"linux/{platform.get('architecture') or 'amd64'}"


def _filled(text: str, login_server: str, number: str) -> str:
    values = {"Registry": login_server, "ID": number, "RegistryName": login_server}
    for name, value in values.items():
        text = text.replace("{{.Run." + name + "}}", value)
        text = text.replace("$" + name, value) if name in {"Registry", "ID"} else text
    return text
