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


def ensure_machine() -> Path:
    """Make sure that Docker, the Pulumi CLI, ``registry:2``, the base image and conda-forge can be had.

    Returns:
        The folder of the Pulumi CLI.

    Raises:
        Missing: something cannot be had on this machine.
    """
    with only_one_run():
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

    A backend that the user has chosen stays, with its way of keeping secrets; so does a passphrase.
    """
    env = dict(os.environ)
    env["PATH"] = os.pathsep.join([str(VENV / "bin"), str(pulumi), env.get("PATH", os.defpath)])
    env["VIRTUAL_ENV"] = str(VENV)
    env.pop("PYTHONHOME", None)
    env.setdefault("PULUMI_SKIP_UPDATE_CHECK", "1")
    if "PULUMI_BACKEND_URL" not in env:
        state = PROJECT / ".state"
        state.mkdir(exist_ok=True)
        env["PULUMI_BACKEND_URL"] = state.as_uri()
        env.setdefault("PULUMI_HOME", str(cache_folder() / "pulumi-home"))
        if not {"PULUMI_CONFIG_PASSPHRASE", "PULUMI_CONFIG_PASSPHRASE_FILE"} & env.keys():
            env["PULUMI_CONFIG_PASSPHRASE_FILE"] = str(_passphrase())
    return env


def _passphrase() -> Path:
    """Return the file of this checkout's passphrase: made once, readable by its owner alone, never committed."""
    path = PROJECT / ".state" / "passphrase"
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(secrets.token_urlsafe(32))
        _forget_salt(PROJECT / "stacks" / "Pulumi.local.yaml")
    return path


def _forget_salt(config: Path) -> None:
    """Drop the salt that the CLI wrote for an older passphrase: with the new one it would refuse the stack."""
    lines = config.read_text(encoding="utf-8").splitlines(keepends=True)
    kept = [line for line in lines if not line.startswith("encryptionsalt:")]
    if kept != lines:
        config.write_text("".join(kept), encoding="utf-8")
