"""Envoy's container: one a service, on its network, published on 127.0.0.1; its files change while it runs."""

from __future__ import annotations

import io
import tarfile
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ....core.errors import OutageError
from ....core.progress import Progress
from ...protocol import Certificate
from ...smoke import ask
from ..engine import DOOR, IMAGE, KEPT, KIND, STOP_SECONDS, LocalEngine, docker_answers
from ..gate import last_lines
from ..ports import HOST, PortTaken
from .envoy import (
    BOOTSTRAP,
    CLUSTERS,
    FOLDER,
    KEEPER,
    LISTENERS,
    PORT,
    REVISIONS_PATH,
    ROUTES,
    SIDE,
    SIDE_PORT,
    START,
    Door,
    bootstrap,
    certificate_files,
    read_door,
    start_of,
    version_of,
)
from .stats import Counts, counters_of, counts_of

if TYPE_CHECKING:
    from docker.models.containers import Container
    from docker.types import LogConfig

BEFORE = "-before"
"""Ends the name of the one whose place another one takes."""

SETTINGS = "door.json"
BY_PATH = "envoy"
"""How the program of a container's own image is started: PATH finds it."""
_SHELL = "/bin/sh"
_USER = 65534  # nobody: Envoy needs no right, and no file but its own
_TAKES_SECONDS = 60.0  # it takes them in 30 ms; a machine that is busy with other things may let it wait
_LOOK_SECONDS = 0.05
_ACCEPTED = {
    CLUSTERS: "cluster_manager.cds",
    LISTENERS: "listener_manager.lds",
    ROUTES: "http.service.rds.service",
    SIDE: "http.side.rds.side",
}
"""Where Envoy counts what it takes of each file."""
_REFUSALS = r"^(cluster_manager|listener_manager|http)\..*update_(rejected|failure)$"
# Docker's words by its versions and by the kernel's: no code tells this cause
_PORT_WORDS = ("port is already allocated", "address already in use", "ports are not available")


def door_name(app: str) -> str:
    """Return the name of a service's Envoy; no service of one container has it, since their names have no dot."""
    # a dot, which no name of a container of ours can have: the two kinds never meet
    return f"aciml-{app}.door"


@dataclass(frozen=True)
class Files:
    """What is in Envoy's folder, by name."""

    content: Mapping[str, bytes]

    def door(self) -> Door:
        """Return what it is told: revisions and weights as they are in its own files."""
        return read_door(
            self.content.get(SETTINGS, b""), self.content.get(CLUSTERS, b""), self.content.get(ROUTES, b"")
        )

    @property
    def complete(self) -> bool:
        """Tell whether Envoy could be started with them."""
        # Envoy ends at once without it, and a container gets all of its first files by one call
        return BOOTSTRAP in self.content

    def has(self, name: str, content: bytes) -> bool:
        """Tell whether a file is there and says the same."""
        return self.content.get(name) == content


class Entrance:
    """The Envoy of one service, which is there."""

    def __init__(self, container: Container) -> None:
        """Speak to ``container``."""
        self.container = container

    @property
    def port(self) -> int:
        """Port on the host where the service is."""
        return bound_port(self.container)

    @property
    def running(self) -> bool:
        """Tell whether it runs."""
        return bool(self.container.status == "running")

    @property
    def image(self) -> str:
        """The image that it was made of."""
        return str(self.container.labels.get(IMAGE) or "")

    @property
    def is_kept(self) -> bool:
        """Tell whether another Envoy can take over in it; one of an older release is its container's only process."""
        # one that was made before containers kept a shell has Envoy itself as its first process
        return bool(self.container.attrs.get("Path") == _SHELL)

    def side_url(self) -> str:
        """Return where revisions and counters are asked for.

        Raises:
            OutageError: it does not run.
        """
        # the engine picks it at each start, so that no port is kept for what people never call
        ports = self.container.attrs["NetworkSettings"].get("Ports") or {}
        # bound to a random port of 127.0.0.1, so several services stand beside one another
        for binding in ports.get(f"{SIDE_PORT}/tcp") or ():
            return f"http://{HOST}:{binding['HostPort']}"
        name = self.container.name
        raise OutageError(f'container "{name}", which is in front of the service, does not run', f"docker start {name}")

    def address(self, revision: str) -> str:
        """Return the URL that reaches one revision alone."""
        return f"{self.side_url()}{REVISIONS_PATH}/{revision}"

    def files(self) -> Files:
        """Read its folder, also while it does not run; nothing of one that a killed run has not filled."""
        from docker.errors import NotFound

        packed = io.BytesIO()
        with docker_answers(f'read the files of container "{self.container.name}"'):
            try:
                chunks, _ = self.container.get_archive(FOLDER)
            except NotFound:
                # a container that was made and never filled: a run was killed between the two
                return Files({})
            for chunk in chunks:
                packed.write(chunk)
        packed.seek(0)
        found = {}
        with tarfile.open(fileobj=packed) as tar:
            for member in tar:
                if member.isfile() and (stream := tar.extractfile(member)):
                    found[member.name.rpartition("/")[2]] = stream.read()
        return Files(found)

    def counters(self, pattern: str) -> dict[str, int | str]:
        """Return counters whose names fit a regular expression.

        Raises:
            OutageError: it does not answer.
        """
        return counters_of(self._ask(f"/stats?format=json&type=All&filter={pattern}"))

    def counts(self, revision: str) -> Counts:
        """Return what was counted of a revision since Envoy started."""
        counters = self.counters(rf"^cluster\.{revision}\.upstream_rq_(completed|5xx)$")
        # in this form a histogram has cumulative buckets, of which an earlier count can be taken off
        return counts_of(counters, self._ask(f"/stats/prometheus?filter=cluster.{revision}.upstream_rq_time"), revision)

    def ready(self, revision: str) -> int:
        """Return how many replicas of a revision Envoy finds healthy; 0 while it does not answer."""
        try:
            found = self.counters(rf"^cluster\.{revision}\.membership_healthy$")
        except OutageError:
            return 0
        return int(found.get(f"cluster.{revision}.membership_healthy") or 0)

    def active(self, revision: str) -> int:
        """Return how many requests a revision has at work."""
        found = self.counters(rf"^cluster\.{revision}\.upstream_rq_active$")
        return int(found.get(f"cluster.{revision}.upstream_rq_active") or 0)

    def start(self) -> None:
        """Start it.

        Raises:
            PortTaken: somebody else has its port.
        """
        from docker.errors import APIError

        with docker_answers(f'start container "{self.container.name}"'):
            try:
                self.container.start()
            except APIError as error:
                # what the port is taken by is asked before; between the two somebody may have been faster
                if any(word in str(error.explanation or error).lower() for word in _PORT_WORDS):
                    raise PortTaken(self.port) from error
                raise
            self.container.reload()

    def wait(self, progress: Progress, filled: Files | None = None) -> None:
        """Wait until it has taken the files that it was started with, which are ``filled`` if the caller knows them.

        Raises:
            OutageError: it does not; its last words are told.
        """
        self._accepted(_versions((filled or self.files()).content), {}, progress)

    def works_by(self, files: Files) -> bool:
        """Tell whether Envoy works by these files; False while it does not answer."""
        try:
            # an Envoy that is just starting answers nothing, and works by nothing yet
            now = self.counters("version_text$")
        except OutageError:
            return False
        # every file that has a version, since one of them alone may have been refused
        versions = _versions(files.content)
        return bool(versions) and all(now.get(f"{_ACCEPTED[one]}.version_text") == is_ for one, is_ in versions.items())

    def change(self, before: Files, after: Door, progress: Progress, certificate: Certificate | None = None) -> None:
        """Put files in place so that Envoy does as ``after`` says, in an order in which no request meets a gap."""
        known = before.door().revisions
        # old and new ones: for a moment both files have to be right whichever of them Envoy reads first
        union = after.but(revisions=tuple(dict.fromkeys((*after.revisions, *known))))
        files = after.files()
        # under a name of their own (the fingerprint): a file that changes in place could be read with the other's half
        first = {**_unwatched(before, after, certificate), CLUSTERS: union.files()[CLUSTERS]}
        # a cluster is there before a route leads to it, and goes when none leads there any more
        self._write(before, first, progress)
        self._write(before, {name: files[name] for name in (ROUTES, SIDE, LISTENERS)}, progress)
        # only if a cluster has gone: else both files are equal
        if union != after:
            self._write(Files({}), {CLUSTERS: files[CLUSTERS]}, progress)

    def put(self, before: Files, after: Door, progress: Progress, certificate: Certificate | None = None) -> None:
        """Put files in place in one go, where nobody is led to what they do not know."""
        self._write(before, {**_unwatched(before, after, certificate), **after.files()}, progress)

    def _write(self, before: Files, files: Mapping[str, bytes], progress: Progress) -> None:
        # equal files are left alone: Envoy would warm a cluster anew, and probe all its replicas
        changed = {name: content for name, content in files.items() if not before.has(name, content)}
        if versions := _versions(changed):
            rejected = self.patient_counters(_REFUSALS, progress)
            self.place(changed)
            self._accepted(versions, rejected, progress)
        else:
            self.place(changed)

    def patient_counters(self, pattern: str, progress: Progress) -> dict[str, int | str]:
        """Return counters as ``counters`` does; an Envoy that has just been started is waited for."""
        end, pause = time.monotonic() + _TAKES_SECONDS, threading.Event()
        while True:
            progress.checkpoint()
            try:
                return self.counters(pattern)
            except OutageError:
                if time.monotonic() > end:
                    raise
            pause.wait(_LOOK_SECONDS)

    def place(self, files: Mapping[str, bytes], *then: str) -> None:
        """Write files beside their places, then move them there: Envoy looks at what is moved into its folder.

        Args:
            files: their content by name.
            then: what a shell does right behind it.
        """
        if not files:
            return
        name = self.container.name
        # rename(2) is atomic: Envoy never reads half a file, and watches a folder for moves alone (Envoy, "xDS over
        # files")
        moves = " && ".join((*(f"mv -f {FOLDER}/{one}.new {FOLDER}/{one}" for one in files), *then))
        with docker_answers(f'write the files of container "{name}"'):
            # written as .new in the same folder: a rename is atomic within one file system alone
            self.container.put_archive(FOLDER, packed({f"{one}.new": text for one, text in files.items()}))
            code, said = self.container.exec_run([_SHELL, "-c", moves], user=str(_USER))
        if code:
            told = said.decode(errors="replace") if isinstance(said, bytes) else f"exit code {code}"
            raise OutageError(f'files of container "{name}" could not be put in place: {told}')

    def _accepted(self, versions: Mapping[str, str], rejected: Mapping[str, int | str], progress: Progress) -> None:
        """Wait until Envoy says that these versions are what it works by."""
        end, pause, seen = time.monotonic() + _TAKES_SECONDS, threading.Event(), ""
        while True:
            progress.checkpoint()
            try:
                # failure: it could not be read; rejected: it was read and is wrong
                now = self.counters(r"(version_text|update_rejected|update_failure|cluster_manager.warming_clusters)$")
            except OutageError as error:
                now, seen = {}, error.message
            taken = all(now.get(f"{_ACCEPTED[name]}.version_text") == version for name, version in versions.items())
            # a cluster that warms is not one yet that a route may lead to
            if now and taken and not (CLUSTERS in versions and now.get("cluster_manager.warming_clusters")):
                return
            # counters, since a file that is refused changes nothing else: Envoy goes on by the one before
            worse = [name for name in rejected if int(now.get(name) or 0) > int(rejected[name])]
            if worse or time.monotonic() > end:
                raise self.refusal(seen)
            pause.wait(_LOOK_SECONDS)

    def refusal(self, seen: str) -> OutageError:
        """Return what Envoy says of files that it does not take, or ``seen`` if it says nothing."""
        with docker_answers(f'look at container "{self.container.name}"'):
            self.container.reload()
        # what its log says of the files is in warnings and worse
        lines = [line for line in last_lines(self.container) if "][warning]" in line or "][critical]" in line][-3:]
        told = "".join(f"\n  {line}" for line in lines) or seen
        return OutageError(f'Envoy in container "{self.container.name}" does not take its new files: {told}')

    def _ask(self, path: str) -> str:
        # a busy service has a thousand counters: 16 MiB bound what one asks for
        answer = ask(f"{self.side_url()}{path}", most=1 << 24)
        if answer.status != 200:
            raise OutageError(f'Envoy in container "{self.container.name}" does not answer: {answer}')
        return answer.body.decode("utf-8", "replace")


def make_entrance(
    engine: LocalEngine,
    name: str,
    *,
    image: str,
    network: str,
    port: int,
    labels: Mapping[str, str],
    kind: str = DOOR,
) -> Container:
    """Create Envoy's container, not started and without files; ``kind`` is what its label says of it."""
    with docker_answers(f'create container "{name}"'):
        return engine.client.containers.create(
            image,
            # its own entry point is not asked for: Envoy's own images have a script there that changes users
            entrypoint=[_SHELL, "-c"],
            command=[KEEPER],
            name=name,
            labels={**labels, KIND: kind, IMAGE: image},
            network=network,
            # the loopback address alone: a laptop's neighbours on the network are no clients
            ports={f"{PORT}/tcp": (HOST, port), f"{SIDE_PORT}/tcp": (HOST, 0)},
            user=f"{_USER}:{_USER}",
            # a proxy on ports above 1024 needs no capability at all
            cap_drop=["ALL"],
            security_opt=["no-new-privileges"],
            restart_policy=KEPT,  # type: ignore[arg-type] # the stubs lack unless-stopped
            log_config=_log(engine),
        )


def _versions(files: Mapping[str, bytes]) -> dict[str, str]:
    """Return the versions of the files that Envoy looks at while it runs."""
    return {name: version_of(content) for name, content in files.items() if name in _ACCEPTED}


def _unwatched(before: Files, after: Door, certificate: Certificate | None) -> dict[str, bytes]:
    """Return the files that Envoy does not look at by itself: it reads those of a certificate when a listener says so.

    They come before what names them, in the same go: each one is a process of the engine's, and one in the container.
    """
    files = tls_files(certificate) if certificate else {}
    return {**{name: text for name, text in files.items() if name not in before.content}, SETTINGS: after.settings()}


def fill(container: Container, door: Door, certificate: Certificate | None) -> Files:
    """Give a container that was not started yet all that Envoy begins with, and tell what that is."""
    # before the start: Envoy ends at once without its bootstrap
    files = {BOOTSTRAP: bootstrap(), START: start_of(BY_PATH), SETTINGS: door.settings(), **door.files()}
    files |= tls_files(certificate) if certificate else {}
    folder, _, name = FOLDER.rpartition("/")
    with docker_answers(f'write the files of container "{container.name}"'):
        container.put_archive(folder, packed({f"{name}/{one}": text for one, text in files.items()}, folder=name))
    return Files(files)


def stop(container: Container) -> None:
    """Stop Envoy: it takes no more connections, and ends when those that it has are idle."""
    with docker_answers(f'stop container "{container.name}"'):
        # long enough for requests at work; Docker kills what is left behind it
        container.stop(timeout=STOP_SECONDS)


def tls_files(certificate: Certificate) -> dict[str, bytes]:
    """Return the files of a certificate by the names that a listener knows them by."""
    contents = (certificate.chain, certificate.key, certificate.authorities)
    return {name: text for name, text in zip(certificate_files(certificate.fingerprint), contents, strict=True) if text}


def bound_port(container: Container) -> int:
    """Return the port of the host that Envoy was made with."""
    # of what it was made with, since a container that is stopped is bound to nothing
    bindings = (container.attrs["HostConfig"].get("PortBindings") or {}).get(f"{PORT}/tcp") or [{}]
    return int(bindings[0].get("HostPort") or 0)


def packed(files: Mapping[str, bytes], folder: str = "") -> bytes:
    """Return a tar of files that Envoy's user alone may read: one of them is a private key."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        if folder:
            # folders need the x bit to be entered
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o755, _USER, _USER
            tar.addfile(entry)
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            # by number: the names of users in an image are its own affair
            # 0400: Envoy reads them, and nobody who joins the container by another user does
            entry.size, entry.mode, entry.uid, entry.gid = len(text), 0o400, _USER, _USER
            tar.addfile(entry, io.BytesIO(text))
    return content.getvalue()


def _log(engine: LocalEngine) -> LogConfig | None:
    from docker.types import LogConfig as Config

    with docker_answers("say how it keeps logs"):
        driver = str(engine.client.info().get("LoggingDriver") or "")
    # a line for each request: without a bound it would fill the disk
    sizes = {"max-size": "10m", "max-file": "3"} if driver in {"json-file", "local"} else {}
    return Config(type=driver, config=sizes) if sizes else None
