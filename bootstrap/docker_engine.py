"""The Docker Engine: one that answers, one that is started, or one that is installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import docker

from aciml.core.errors import OutageError
from aciml.docker.engine import connect

from . import apt
from .cache import cache_folder
from .say import Missing, phase, say

START_SECONDS = 60
BY_HAND = "sudo apt-get install -y docker.io && sudo usermod -aG docker $USER (or start Docker Desktop or Podman)"


def ensure_engine() -> docker.DockerClient:
    """Return a client of an engine that answers; the caller closes it.

    Raises:
        Missing: there is none, and this is not root on Debian or Ubuntu.
    """
    try:
        return connect()
    except OutageError as error:
        # who names an engine wants that one, and one that refuses us is there: a second dockerd would help neither
        if os.environ.get("DOCKER_HOST") or "permission denied" in str(error):
            raise Missing(error.message, error.advice) from error
        if os.geteuid() != 0 or not (shutil.which("dockerd") or apt.can_install()):
            raise Missing(error.message, BY_HAND) from error
    if shutil.which("dockerd") is None:
        with phase("Docker is missing: installing docker.io"):
            apt.install("docker.io", "iptables")
    return _started()


def _started() -> docker.DockerClient:
    log = cache_folder() / "dockerd.log"
    deadline = time.monotonic() + START_SECONDS
    if engine := _answering():  # the package may have started it
        return engine
    # sd_booted(3): this folder says that systemd runs the machine
    if Path("/run/systemd/system").is_dir():
        say("Docker does not run: starting its service")
        subprocess.run(["systemctl", "start", "docker"], check=False)
    else:
        say(f"Docker does not run: starting dockerd, its log is {log}")
        with log.open("ab") as output:
            # A session of its own: it outlives this run, and ctrl-C in the terminal does not reach it.
            quiet = subprocess.DEVNULL
            subprocess.Popen(["dockerd"], stdin=quiet, stdout=output, stderr=output, start_new_session=True)
    while time.monotonic() < deadline:
        if engine := _answering():
            return engine
        time.sleep(0.2)
    raise Missing(f"the Docker Engine was started and does not answer after {START_SECONDS} s", f"tail {log}")


def _answering() -> docker.DockerClient | None:
    try:
        return connect()
    except OutageError:
        return None
