"""The one place where targets are chosen by their names: one for registries, one for services."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from ..core.casing import snake_case
from ..core.errors import Finding
from ..core.health import Line
from ..core.meant import meant
from ..model.config import FIELDS, TARGETS
from ..settings import Settings
from .protocol import RegistryTarget, Targets

_UNREACHABLE: Mapping[tuple[str, str], str] = {
    ("azure", "local"): "a service in the cloud cannot pull from a registry on this machine, which listens on "
    "127.0.0.1 alone; write azure, or leave it out",
    ("azure", "memory"): "a service in the cloud cannot pull from a registry in memory; write azure, or leave it out",
    ("local", "memory"): "Docker cannot pull from a registry in memory; write local or azure, or leave it out",
}
"""Pairs of target and registry target that never work, and why. In memory nothing is pulled, so all go with it."""


def config_findings(config: Mapping[str, str], later: frozenset[str] = frozenset()) -> list[Finding]:
    """Name every key that is unknown, a target that does not exist, and what the chosen one lacks.

    Args:
        config: what is given, by key.
        later: keys whose values are not known yet; whatever ``config`` has there is taken as right.
    """
    return [finding for finding in _findings(config) if finding.where not in later]


def is_declared(urn: str) -> bool:
    """Tell a provider that a program declares from the engine's own, whose configuration is the stack's."""
    # the engine names its own `default` or `default_<version>` (Pulumi, "Default and explicit providers")
    return not urn.rpartition("::")[2].startswith("default")


def in_program_words(finding: Finding) -> Finding:
    """Return a finding as somebody who writes ``ProviderArgs`` has to read it: there is no stack config in it."""
    why = re.sub(r"\baciml:([a-z]\w*)", lambda key: snake_case(key[1]), finding.why).replace(" in the stack config", "")
    return Finding(snake_case(finding.where), why)


def _findings(config: Mapping[str, str]) -> list[Finding]:
    findings = [Finding(key, _unknown(key)) for key in config if key not in FIELDS]
    services, registries = _chosen(config)
    for key, word in {"target": services, "registryTarget": registries}.items():
        # the registries' word follows the services' when it is not said: a wrong one is told once, where it stands
        if word not in TARGETS and key in config:
            findings.append(Finding(key, f'aciml:{key} is "{word}"; write {" or ".join(TARGETS)}'))
    if why := _UNREACHABLE.get((services, registries)):
        findings.append(Finding("registryTarget", f'aciml:registryTarget is "{registries}", and {why}'))
    if "azure" in (services, registries):
        # imported where it is chosen: the plugin starts for every command, also for those of other targets
        from .azure.config import config_findings as azure_findings

        findings += azure_findings(config, os.environ)
    return findings


def _chosen(config: Mapping[str, str]) -> tuple[str, str]:
    """Return the words for services and for registries, which go where services go if nothing is said."""
    services = config.get("target", "local")
    return services, config.get("registryTarget", services)


def _unknown(key: str) -> str:
    word = meant(key, FIELDS)
    known = (name for name in FIELDS if name != "version")  # the engine sets it
    advice = f"did you mean aciml:{word}?" if word else f"known are {', '.join(known)}"
    return f'unknown key "aciml:{key}" in the stack config; {advice}'


def choose_targets(config: Mapping[str, str], settings: Settings) -> Targets:
    """Return the targets that ``config`` names; local without a word. Nothing is contacted yet."""
    services, registries = _chosen(config)
    if services == registries:
        return _targets(services, config, settings)
    # registries first: services pull by their login
    there = _targets(registries, config, settings).registry
    return Targets(there, _targets(services, config, settings, there).service)


def look_at_cloud(config: Mapping[str, str], settings: Settings) -> list[Line]:
    """Tell whether the cloud that ``config`` chooses can be worked in: login, rights and the like; nothing at home."""
    if "azure" not in _chosen(config):
        return []
    from .azure.health import look

    return look(config, settings)


def _targets(
    name: str, config: Mapping[str, str], settings: Settings, elsewhere: RegistryTarget | None = None
) -> Targets:
    """Return registries and services of one place; its services pull from ``elsewhere`` if that is given."""
    if name == "memory":
        from .memory import MemoryTarget

        return MemoryTarget(settings.cache / "memory-target.json")
    if name == "azure":
        from .azure import AzureTarget
        from .azure.config import AzureConfig

        # the environment is read at this edge alone, so that everything below can be tried with any other
        return AzureTarget(AzureConfig.read(config, os.environ), settings)
    from ..docker.engine import connect
    from .local.target import LocalTarget

    return LocalTarget(connect, settings, elsewhere=elsewhere)
