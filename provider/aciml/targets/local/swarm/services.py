"""Docker's calls about the services of a swarm, their tasks and their secrets; each raises ``OutageError``."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from ....core.errors import OutageError
from ....core.ownership import Claim, Owner, stranger
from ....core.progress import Progress
from ..engine import KIND, NAME, amend, docker_answers
from ..gate import READ_LINES, Failure, last_lines
from ..pull import Login, login_headers
from .template import ENDED, REVISION, SECRETS_FOLDER, WORDS, Made, Secret, Task, file_of, secret_name

if TYPE_CHECKING:
    import docker
    from docker.models.containers import Container

Document = dict[str, Any]
SHARES, COPY_SHARES = 1024, 102
"""Shares of busy cores (Linux, cgroups, cpu.shares): what a container has if nobody says anything, and one that gets
nothing but copies. A tenth and no less: its health check runs by the same shares, and with the fewest (2) on a machine
with sixty programs at work Swarm replaced a replica, most likely because no check came to its end."""

_LOOK_SECONDS = 0.2
_BEGINS_SECONDS = 5.0
_TRIES = 10
_WORDS_LINES, _WORDS_SIZE = 60, 8000  # of a failed revision's last words: labels are for less than logs
_COULD_NOT_RUN = {"executable file not found": 127, "no such file or directory": 127, "permission denied": 126}


class Services:
    """The services of a swarm as Docker has them; the client's API version is the engine's own."""

    def __init__(self, client: docker.DockerClient) -> None:
        """Speak to the engine of ``client``, which is a manager."""
        self._client = client

    def of(self, app: str) -> list[Made]:
        """Return the revisions of a service, the newest first; none where there is no swarm."""
        from docker.errors import APIError

        filters = {"label": f"{NAME}={app}"}
        with docker_answers(f'list the revisions of service "{app}"'):
            try:
                found: Any = self._client.api.services(filters=filters)  # type: ignore[no-untyped-call]
            except APIError as error:
                # services live in a swarm alone: without one there certainly are none
                if _without_swarm(error, self._client):
                    return []
                raise
        ours = [Made.read(one) for one in found if (one["Spec"].get("Labels") or {}).get(KIND) == REVISION]
        return sorted(ours, key=lambda one: one.created, reverse=True)

    def find(self, name: str) -> Made | None:
        """Return a service by its name, whosever it is; None if there is none."""
        from docker.errors import NotFound

        with docker_answers(f'look at service "{name}"'):
            try:
                found: Any = self._client.api.inspect_service(name)  # type: ignore[no-untyped-call]
            except NotFound:
                return None
        return Made.read(found)

    def create(self, spec: Document, registry: str, login: Login) -> Made:
        """Create a service; ``login`` tells the nodes how to pull from ``registry``."""
        # a node that lacks the image pulls it by this; the raw call, since the package drops pids, takes no header of
        # its own and knows one way to log in
        headers = {**login_headers(self._client, registry, login(registry))}
        with docker_answers(f'create service "{spec["Name"]}"'):
            self._post("/services/create", spec, headers)
        found = self.find(str(spec["Name"]))
        if found is None:
            raise OutageError(f'service "{spec["Name"]}" is gone again', "run the same command again")
        return found

    def change(self, name: str, change: Callable[[Document], None], headers: Mapping[str, str] | None = None) -> Made:
        """Change the spec of a service: ``change`` gets it and writes into it.

        Docker takes a change only with the version that it was made of, so it is tried again if somebody was faster.
        """
        from docker.errors import APIError

        for left in reversed(range(_TRIES)):
            # read anew at each try: the version is what Docker compares
            made = self._require(name)
            spec = dict(made.document["Spec"])
            change(spec)
            try:
                with docker_answers(f'change service "{name}"'):
                    self._post(f"/services/{made.id}/update?version={made.version}", spec, headers or {})
            except OutageError as error:
                cause = error.__cause__
                if not isinstance(cause, APIError) or "out of sequence" not in str(cause) or not left:
                    raise
            else:
                break
        return self._require(name)

    def _require(self, name: str) -> Made:
        made = self.find(name)
        if made is None:
            raise OutageError(f'service "{name}" is gone', "run the same command again")
        return made

    def scale(self, name: str, replicas: int) -> None:
        """Let so many replicas run; does not wait."""

        def change(spec: Document) -> None:
            spec["Mode"] = {"Replicated": {"Replicas": replicas}}

        self.change(name, change)

    def remove(self, name: str) -> None:
        """Remove a service; one that is gone is fine."""
        from docker.errors import NotFound

        with docker_answers(f'remove service "{name}"'):
            try:
                self._client.api.remove_service(name)  # type: ignore[no-untyped-call]
            except NotFound:
                return

    def tasks(self, made: Made) -> list[Task]:
        """Return its tasks, the newest first; a few of those that ended are among them."""
        with docker_answers(f'list the tasks of service "{made.name}"'):
            found: Any = self._client.api.tasks(filters={"service": made.id})  # type: ignore[no-untyped-call]
        return sorted(map(Task.read, found), key=lambda one: one.created, reverse=True)

    def wait_gone(self, names: Iterable[str], progress: Progress, limit: float) -> None:
        """Wait until no container of these revisions is here; one of another node is its own affair."""
        end = time.monotonic() + limit
        for name in names:
            while time.monotonic() < end:
                with docker_answers(f'look for containers of service "{name}"'):
                    # by the label and not by the swarm: its tasks are forgotten at once, and their containers end later
                    label = f"com.docker.swarm.service.name={name}"
                    if not self._client.api.containers(all=True, filters={"label": label}):
                        break
                progress.say(f"waiting until {name} has ended")
                progress.checkpoint()
                time.sleep(_LOOK_SECONDS)

    def failure_of(self, made: Made, task: Task) -> Failure:
        """Tell why a task ended, with its last words."""
        from docker.errors import NotFound

        lines: tuple[str, ...] = ()
        killed = False
        with docker_answers(f'look at a task of service "{made.name}"'):
            try:
                container = self._client.containers.get(task.container) if task.container else None
            except NotFound:  # on another node, or cleaned up
                container = None
            if container is not None:
                killed = bool(container.attrs["State"].get("OOMKilled"))
                # of one that runs there is no whole: it would be waited for
                lines = last_lines(container, whole=container.status in ("exited", "dead"))
        name = f"{made.name}.{task.slot}"
        code = task.exit_code
        # it never ran, so there is no exit code of its own; the runtime's words stand for the two that people know
        if task.state == "rejected" or "failed to create" in task.said or "starting container failed" in task.said:
            code = next((code for words, code in _COULD_NOT_RUN.items() if words in task.said.lower()), None)
            return Failure(name, f"could not be started: {task.said}", code, killed, lines or (task.said,))
        what = f"exited with code {code}" if code is not None else f"ended: {task.said}"
        return Failure(name, what, code, killed, lines or self.words(made, 0))

    def words(self, made: Made, since: int) -> tuple[str, ...]:
        """Return the last lines of all its replicas, also of other nodes."""
        from docker.errors import APIError

        with docker_answers(f'read the log of service "{made.name}"'):
            try:
                chunks = self._client.api.service_logs(
                    made.id, stdout=True, stderr=True, tail=str(READ_LINES), since=since, follow=False
                )
                data = chunks if isinstance(chunks, bytes) else b"".join(chunks)
            except APIError:  # some log drivers keep nothing to read
                return ()
        return tuple(line.rstrip() for line in data.decode(errors="replace").splitlines())

    def mark_failed(self, made: Made, failure: Failure, secrets: Iterable[str]) -> None:
        """Run it no more, and remember why: Docker forgets a task with its replica."""
        text = "\n".join(failure.lines[-_WORDS_LINES:])
        # the longest first: one may be a part of another
        for secret in sorted(filter(None, secrets), key=len, reverse=True):
            text = text.replace(secret, "[secret]")

        def change(spec: Document) -> None:
            # in labels, since those of a service are all that stays with it
            said = {ENDED: failure.what, WORDS: text[-_WORDS_SIZE:]}
            spec["Labels"] = {**(spec.get("Labels") or {}), **said}
            spec["Mode"] = {"Replicated": {"Replicas": 0}}

        self.change(made.name, change)

    def wait_updated(self, before: Made, progress: Progress, limit: float) -> Made:
        """Wait until the update of a service is over that was begun after ``before`` was read, whichever way it ends.

        Args:
            before: the service as it was.
            progress: hears what goes on.
            limit: seconds.
        """
        began, name = time.monotonic(), before.name
        while True:
            made, waited = self._require(name), time.monotonic() - began
            # the answer to a change comes before Docker begins with it; one that changes no task never begins
            begun = made.update_started not in ("", before.update_started)
            if (begun or waited > _BEGINS_SECONDS) and made.update_state not in {"updating", "rollback_started"}:
                return made
            if waited > limit:
                raise OutageError(
                    f'the update of service "{name}" takes longer than {limit:g} seconds ({made.update_message})',
                    f"docker service ps {name}",
                )
            progress.say(f"{name}: {made.update_state or 'waiting for the update to begin'}")
            progress.checkpoint()
            time.sleep(_LOOK_SECONDS)

    def secret(self, app: str, file: str, content: bytes, labels: Mapping[str, str], claim: Claim) -> Secret:
        """Return the secret with that content, made if it is not there: one cannot be changed."""
        from docker.errors import APIError

        name = secret_name(app, file, content)
        if (found := self._secret(name)) is None:
            data = base64.b64encode(content).decode()
            # two runs may make the same one at once: 409 says that it is there now, which is what was wanted
            spec = {"Name": name, "Labels": {**labels, KIND: REVISION, NAME: app}, "Data": data}
            try:
                with docker_answers(f'create secret "{name}"'):
                    self._post("/secrets/create", spec, {})
            except OutageError as error:
                if not isinstance(error.__cause__, APIError) or error.__cause__.status_code != 409:
                    raise
            found = self._secret(name)
        if found is None:
            raise OutageError(f'secret "{name}" is gone again', "run the same command again")
        require_own(f'a secret "{name}"', found["Spec"].get("Labels") or {}, REVISION, claim)
        return Secret(str(found["ID"]), name, file)

    def weigh_cores(self, made: Made, shares: int) -> None:
        """Say what the replicas of a revision get of cores that others want too, beside the ``SHARES`` of these.

        A swarm has no word for it in its services, so it is said to each container: to those that run here. One that
        starts later has Docker's own shares, and those of another node take nothing from who runs here.
        """
        for container in self._here(made):
            if int(container.attrs["HostConfig"].get("CpuShares") or SHARES) != shares:
                amend(container, cpu_shares=shares)

    def _here(self, made: Made) -> Iterator[Container]:
        """Give the containers of the replicas that run on this node."""
        from docker.errors import NotFound

        for task in self.tasks(made):
            if task.runs and task.container:
                with docker_answers(f'look at a replica of service "{made.name}"'):
                    try:
                        found = self._client.containers.get(task.container)
                    except NotFound:  # on another node
                        continue
                yield found

    def secret_texts(self, made: Made) -> dict[str, bytes]:
        """Return what the replicas of a revision have as secrets, by file, as far as one of them runs here.

        Docker gives back no secret: whoever may start a program in a container reads it there all the same.
        """
        files = {file_of(name) for name in made.secrets} - {""}
        if not files or (container := next(self._here(made), None)) is None:
            return {}
        with docker_answers(f'read the secrets of service "{made.name}"'):
            return {file: text for file in sorted(files) if (text := _text_in(container, file)) is not None}

    def prune_secrets(self, app: str, kept: frozenset[str]) -> None:
        """Remove the secrets of a service that none of its revisions uses."""
        from docker.errors import APIError

        with docker_answers(f'list the secrets of service "{app}"'):
            try:
                found = self._client.api.secrets(filters={"label": f"{NAME}={app}"})
            except APIError as error:
                if _without_swarm(error, self._client):
                    return
                raise
        for one in found:
            labels = one["Spec"].get("Labels") or {}
            if labels.get(KIND) != REVISION or one["Spec"]["Name"] in kept:
                continue
            try:
                with docker_answers(f'remove secret "{one["Spec"]["Name"]}"'):
                    self._client.api.remove_secret(one["ID"])
            except OutageError as error:
                # in use by a task that ends just now: the next run takes it
                if "in use" not in error.message:
                    raise

    def _secret(self, name: str) -> Document | None:
        with docker_answers(f'look for secret "{name}"'):
            for one in self._client.api.secrets(filters={"name": name}):
                if one["Spec"]["Name"] == name:  # the filter takes what begins so
                    return dict(one)
        return None

    def _post(self, path: str, document: Document, headers: Mapping[str, str]) -> None:
        import requests
        from docker.errors import create_api_error_from_http_exception

        api = self._client.api
        url = f"{api.base_url}/v{api.api_version}{path}"
        with api.post(url, json=document, headers=dict(headers), timeout=api.timeout) as response:
            try:
                response.raise_for_status()
            except requests.HTTPError as error:
                create_api_error_from_http_exception(error)


def _text_in(container: Container, file: str) -> bytes | None:
    """Return a secret's text; None where the image has no program that shows it."""
    code, (said, _) = container.exec_run(["cat", f"{SECRETS_FOLDER}/{file}"], demux=True)
    return bytes(said or b"") if code == 0 else None


def require_own(what: str, labels: Mapping[str, str], kind: str, claim: Claim | None) -> None:
    """Make sure that something is ours.

    Raises:
        Stranger: it is not; its owner is named.
    """
    seen, ours = Owner.read(labels), labels.get(KIND) == kind
    if ours and (claim is None or claim.covers(seen)):
        return
    app = labels.get(NAME, "")
    remedy = "give this service another name, or remove what is there"
    if ours:
        command = f"pulumi import aciml:compute:ContainerGroup {app} swarm:{app}"
        remedy = f"give this service another name, or destroy it there, or take it over: {command}"
    raise stranger(what, seen, claim or Claim(Owner("")), ours=ours, remedy=remedy)


def _without_swarm(error: Exception, client: docker.DockerClient) -> bool:
    """Tell whether an engine refuses because it is in no swarm: 503 (Engine API, "node is not part of a swarm")."""
    status = getattr(error, "status_code", None)
    if status not in {503, 406}:
        return False
    state = (client.info().get("Swarm") or {}).get("LocalNodeState")
    return bool(state == "inactive")
