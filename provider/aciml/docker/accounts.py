"""Accounts of registries that are not the target's: given for the base, or those that Docker itself uses."""

from __future__ import annotations

import json
import os
import warnings
from pathlib import Path

from ..core.credentials import Credentials
from ..core.reference import DEFAULT_REGISTRY

_HUB = "https://index.docker.io/v1/"  # what Docker's config calls Docker Hub


def docker_login(host: str) -> Credentials:
    """Return what ``docker login`` left for a host: in the config, its credential store or its credential helper.

    A store that fails counts as no login, as most base images need none; the registry's answer tells the rest.
    Source: docker/cli, "config.json", auths, credsStore and credHelpers.
    """
    folder = Path(os.environ.get("DOCKER_CONFIG") or Path.home() / ".docker")
    config = folder / "config.json"
    # most machines have none, and the package takes longer to load than all else here
    if not _has_logins(config):
        return Credentials()
    from docker.auth import load_config
    from docker.errors import DockerException

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a store that is not installed
            found = load_config(str(config)).resolve_authconfig(_HUB if host == DEFAULT_REGISTRY else host) or {}
    except (DockerException, OSError, ValueError):
        return Credentials()
    # the package has capitals in what a credential store answered, and none in what the config says
    username, password = (str(found.get(name) or found.get(name.lower()) or "") for name in ("Username", "Password"))
    identity = str(found.get("IdentityToken") or found.get("identitytoken") or "")
    if identity:
        return Credentials(username, password, lambda: identity)
    return Credentials(username, password)


def _has_logins(config: Path) -> bool:
    """Say whether it is worth loading Docker's package."""
    try:
        found = json.loads(config.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and any(found.get(name) for name in ("auths", "credsStore", "credHelpers"))
