"""All that the project needs outside of its venv, one after the other. Runs inside the venv."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from urllib.parse import urlsplit

from rattler import Channel

from aciml.core.reference import DEFAULT_REGISTRY
from aciml.registry.hosts import base_url

from .base_image import ensure_base_image
from .cache import PROJECT, cache_folder, only_one_run
from .conda_channel import ensure_channel
from .docker_engine import ensure_engine
from .mirrors import ensure_mirror
from .pulumi_cli import ensure_pulumi
from .registry_image import ensure_registry_image
from .venv import VENV

CHANNEL = "conda-forge"
STATE = PROJECT / ".state"
FALLBACK = "PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER"
"""Lets the CLI take the salt of the passphrase from the state when the stack's config has none; see ``salt.py``."""


def ensure_machine() -> Path:
    """Make sure that Docker, the Pulumi CLI, ``registry:2``, the base image and conda-forge can be had.

    Returns:
        The folder of the Pulumi CLI.

    Raises:
        Missing: something cannot be had on this machine.
    """
    with only_one_run():
        # first, since registry and base image are made on it
        engine = ensure_engine()
        try:
            pulumi = ensure_pulumi()
            ensure_registry_image(engine)
            if not os.environ.get("ACIML_MIRRORS"):  # then the mirrors are the user's own affair
                repodata = f"{str(Channel(CHANNEL).base_url).rstrip('/')}/noarch/repodata.json.zst"
                ensure_mirror("channels", CHANNEL, repodata, lambda _: ensure_channel())

                def make(before: str) -> str:
                    port = urlsplit(before).port or 0
                    return f"http://127.0.0.1:{ensure_base_image(engine, port)}"

                ensure_mirror("registries", DEFAULT_REGISTRY, f"{base_url(DEFAULT_REGISTRY)}/v2/", make)
        finally:
            engine.close()  # type: ignore[no-untyped-call,unused-ignore]
    return pulumi


def environment(pulumi: Path) -> dict[str, str]:
    """Return the environment for Pulumi and the tests: the venv first on PATH, the state in the project.

    A backend that the user has chosen stays, with its way of keeping secrets; so does a passphrase. What ``env.sh`` of
    this checkout or another one has set was not chosen.
    """
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join([str(VENV / "bin"), str(pulumi), env.get("PATH", os.defpath)])
    env["VIRTUAL_ENV"] = str(VENV)
    # it would send the venv's Python to another standard library
    env.pop("PYTHONHOME", None)
    # the version is ours to choose (decisions/bootstrap-pulumi-cli.md), and the look waits where nothing answers
    env.setdefault("PULUMI_SKIP_UPDATE_CHECK", "1")
    if env.get("PULUMI_BACKEND_URL", "") == env.get("ACIML_BACKEND_URL", ""):
        STATE.mkdir(exist_ok=True)
        env["PULUMI_BACKEND_URL"] = STATE.as_uri()
        env.setdefault(FALLBACK, "true")
        env.setdefault("PULUMI_HOME", str(cache_folder() / "pulumi-home"))
        file = env.get("PULUMI_CONFIG_PASSPHRASE_FILE", "")
        if "PULUMI_CONFIG_PASSPHRASE" not in env and file == env.get("ACIML_PASSPHRASE_FILE", ""):
            env["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(passphrase_file())
    return env


def passphrase_file() -> Path:
    """Return the file of this checkout's passphrase: made once, readable by its owner alone, never committed."""
    path = STATE / "passphrase"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        # made with its mode: between a plain open and a chmod others could read it
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(secrets.token_urlsafe(32))
    return path
