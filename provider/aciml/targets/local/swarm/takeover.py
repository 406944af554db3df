"""Another Envoy in the place of one that serves, in its container: another program, or another way to start it.

A port of this machine belongs to one container, so another container would mean a gap. Two processes in one container
share its sockets, and Envoy can hand them over by itself (Envoy docs, "Hot restart").
"""

from __future__ import annotations

import hashlib
import threading
import time
from typing import TYPE_CHECKING

from ....core.progress import Progress
from ..engine import docker_answers
from .door import BY_PATH, Entrance, Files, packed
from .envoy import BOOTSTRAP, START, bootstrap, start_of
from .envoy_image import program_in

if TYPE_CHECKING:
    import docker

_PROGRAMS = "/usr/local/lib"
_EPOCH = "server.hot_restart_epoch"
_TAKES_SECONDS = 60.0  # it takes a third of a second; a machine that is busy with other things may let it wait
_LOOK_SECONDS = 0.05


def is_current(entrance: Entrance, files: Files, image: str) -> bool:
    """Tell whether the program of an image runs there, in the way that it is started today."""
    if not entrance.is_kept:  # it runs what it was made of, as it was made
        return entrance.image == image
    return files.has(START, _start(entrance, image)) and files.has(BOOTSTRAP, bootstrap())


def take_over(entrance: Entrance, files: Files, image: str, client: docker.DockerClient, progress: Progress) -> bool:
    """Let the program of an image take over from the one that runs, which hands it its sockets.

    No connection is refused or cut: the old one answers what it has, and asks each caller to connect anew.

    Args:
        entrance: where; it runs.
        files: what is in its folder.
        image: whose program.
        client: of the engine.
        progress: hears of it.

    Returns:
        False if that cannot be: the old one is of an older release, or the two do not understand one another. The old
        one serves on.

    Raises:
        OutageError: Docker does not answer, or no other one came up.
    """
    if not (entrance.is_kept and _brought(entrance, files, image, client, progress)):
        return False
    progress.say(f'another Envoy takes over in container "{entrance.container.name}"')
    new = {BOOTSTRAP: bootstrap(), START: _start(entrance, image)}
    before = {name: files.content[name] for name in new if name in files.content}
    epoch = _epoch(entrance, progress)
    # what is started after a reboot has to be what takes over now: the signal comes with the last file
    entrance.place(new, "kill -HUP 1")
    try:
        _await(entrance, epoch, progress)
    except BaseException:  # also ctrl-C
        entrance.place(before)
        raise
    return True


def _await(entrance: Entrance, epoch: int, progress: Progress) -> None:
    """Wait until there is one more, which has taken all files."""
    end, pause = time.monotonic() + _TAKES_SECONDS, threading.Event()
    while _epoch(entrance, progress) <= epoch:
        if time.monotonic() > end:
            raise entrance.refusal("no other one takes over")
        pause.wait(_LOOK_SECONDS)
    entrance.wait(progress)


def _start(entrance: Entrance, image: str) -> bytes:
    return start_of(BY_PATH if image == entrance.image else f"{_folder_of(image)}/envoy")


def _folder_of(image: str) -> str:
    return f"{_PROGRAMS}/aciml-{hashlib.sha256(image.encode()).hexdigest()[:12]}"


def _epoch(entrance: Entrance, progress: Progress) -> int:
    """Return how often another Envoy has taken over there."""
    return int(entrance.patient_counters(f"^{_EPOCH}$", progress).get(_EPOCH) or 0)


def _brought(entrance: Entrance, files: Files, image: str, client: docker.DockerClient, progress: Progress) -> bool:
    """Have the program of an image in the container; tell whether it can take over from the one that runs."""
    container, folder = entrance.container, _folder_of(image)
    if image != entrance.image:
        with program_in(client, image, progress) as program:
            if program is None:
                return False
            with docker_answers(f'write the program of container "{container.name}"'):
                container.put_archive(_PROGRAMS, packed({}, folder=folder.rpartition("/")[2]))
                container.put_archive(folder, program)
    running = files.content.get(START, b"").decode().split()
    names = {running[1] if len(running) > 1 else BY_PATH, BY_PATH if image == entrance.image else f"{folder}/envoy"}
    with docker_answers(f'look at the programs in container "{container.name}"'):
        # two of different forms of shared memory do not start beside one another
        forms = {container.exec_run([name, "--hot-restart-version"]) for name in names}
    return len(forms) == 1
