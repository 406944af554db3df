"""The one place where a target is chosen by its name."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches

from ..core.errors import Finding
from ..settings import Settings
from .protocol import Target

TARGETS = ("local", "azure", "memory")
AZURE_KEYS = (
    "subscriptionId",
    "tenantId",
    "resourceGroup",
    "createResourceGroup",
    "location",
    "cloud",
    "resourceManagerEndpoint",
    "authorityHost",
    "registrySuffix",
    "instanceSuffix",
    "auth",
    "clientId",
    "clientSecret",
    "clientCertificatePath",
    "certificatePassword",
    "oidcToken",
    "oidcTokenFilePath",
)
KEYS = ("target", *AZURE_KEYS, "caBundle", "version")
SECRET_KEYS = ("clientSecret", "certificatePassword", "oidcToken")
IDENTITY_KEYS = ("target", "subscriptionId", "tenantId", "cloud", "resourceManagerEndpoint")
"""Another value of these cannot manage what was made before."""


def config_findings(config: Mapping[str, str], later: frozenset[str] = frozenset()) -> list[Finding]:
    """Name every key that is unknown, a target that does not exist, and what the chosen one lacks.

    Args:
        config: what is given, by key.
        later: keys whose values are not known yet; whatever ``config`` has there is taken as right.
    """
    return [finding for finding in _findings(config) if finding.where not in later]


def is_declared(urn: str) -> bool:
    """Tell a provider that a program declares from the engine's own, whose configuration is the stack's."""
    return not urn.rpartition("::")[2].startswith("default")


def in_program_words(finding: Finding) -> Finding:
    """Return a finding as somebody who writes ``ProviderArgs`` has to read it: there is no stack config in it."""
    why = re.sub(r"\baciml:([a-z]\w*)", lambda key: _snake(key[1]), finding.why).replace(" in the stack config", "")
    return Finding(_snake(finding.where), why)


def _snake(key: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda letter: f"_{letter[1].lower()}", key)


def _findings(config: Mapping[str, str]) -> list[Finding]:
    findings = [Finding(key, _unknown(key)) for key in config if key not in KEYS]
    target = config.get("target", "local")
    if target not in TARGETS:
        findings.append(Finding("target", f'aciml:target is "{target}"; write {" or ".join(TARGETS)}'))
    if target == "azure":
        from .azure.config import config_findings as azure_findings

        findings += azure_findings(config, os.environ)
    return findings


def _unknown(key: str) -> str:
    close = get_close_matches(key, KEYS, 1)
    meant = f"did you mean aciml:{close[0]}?" if close else f"known are {', '.join(KEYS[:-1])}"
    return f'unknown key "aciml:{key}" in the stack config; {meant}'


def choose_target(config: Mapping[str, str], settings: Settings) -> Target:
    """Return the target that ``config["target"]`` names; local without one. Nothing is contacted yet."""
    name = config.get("target", "local")
    if name == "memory":
        from .memory import MemoryTarget

        return MemoryTarget(settings.cache / "memory-target.json")
    if name == "azure":
        from .azure import AzureTarget
        from .azure.config import AzureConfig

        return AzureTarget(AzureConfig.read(config, os.environ), settings)
    from ..docker.engine import connect
    from .local.target import LocalTarget

    return LocalTarget(connect, settings)
