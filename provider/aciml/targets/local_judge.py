"""What the local target refuses, and what it only passes over."""

from __future__ import annotations

import re

from ..core.errors import Finding
from ..core.progress import Progress
from .protocol import Kind, Settings

_REGISTRY = re.compile(r"[a-z0-9][a-z0-9-]{0,48}[a-z0-9]")
_GROUP = re.compile(r"[a-z]([-a-z0-9]*[a-z0-9])?")
_KNOWN = {
    "registry": {"name", "port", "image", "deleteData"},
    "group": {
        "name", "image", "cpuCores", "memoryGb", "port", "authEnabled", "primaryKey", "secondaryKey",
        "rotatePrimaryKey", "rotateSecondaryKey", "sslEnabled", "sslCertPemFile", "sslKeyPemFile", "sslCname",
        "environmentVariables", "secureEnvironmentVariables", "startupTimeout", "smokeTest", "rollback",
        "certificateHash",
    },
}  # fmt: skip


def judge_local(kind: Kind, new: Settings, progress: Progress) -> list[Finding]:
    """Judge the name; name in one warning what has no effect on this machine."""
    if idle := sorted(new.keys() - _KNOWN[kind]):
        progress.warn(f"without effect on the local target: {', '.join(idle)}")
    name = new.get("name")
    if name is None:
        return []
    if kind == "registry" and not _REGISTRY.fullmatch(name):
        return [Finding("name", f'"{name}" is no registry name; use 2 to 50 lower-case letters, digits and -')]
    if kind == "group" and not (_GROUP.fullmatch(name) and 3 <= len(name) <= 32):
        why = f'"{name}" is no service name; use 3 to 32 lower-case letters, digits and -, a letter first'
        return [Finding("name", why)]
    return []
