"""Bringing a service to its spec: a revision beside those that there are, its proof, its share, and what goes then."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from ....core.errors import AcimlError, OutageError, UserError
from ....core.ownership import Claim, Owner
from ....core.phases import Phases
from ....core.progress import Progress
from ....core.reference import Reference
from ...canary import Probes, serving, walk
from ...golden import Proof, rules_of
from ...protocol import HEALTH_PATH, GroupFacts, GroupFailed, GroupSpec
from ...smoke import knock, run_smoke
from ..engine import DOOR, NEXT, docker_answers
from ..gate import Failure
from ..handover import handing_over, holder_of
from ..ports import HOST, PortTaken, free_port, require_free_port
from ..pull import ensure_image
from ..sandbox import Runner, runner_of
from ..swap import TRIES, take_name
from .app import KEPT_RETIRED, NETWORK, Apps, There, network_of
from .cluster import look
from .door import BEFORE, Entrance, Files, door_name, fill, make_entrance, stop
from .envoy import Door
from .envoy_image import ensure_envoy
from .revisions import SwarmRevisions, update
from .takeover import is_current, take_over
from .template import FILES, REVISION, SECRETS_FOLDER, Made, Probe, Secret, Template, name_of, secret_files

if TYPE_CHECKING:
    from docker.models.containers import Container

_KEEP_ALIVE = 75.0  # seconds: the server's own default
_LOOK_SECONDS = 0.1
# as long as a machine that is busy with other starts may need for the last hop
_ANSWERS_SECONDS = 60.0


def bring(apps: Apps, spec: GroupSpec, claim: Claim, progress: Progress) -> GroupFacts:
    """Bring a service to ``spec``, whatever there is of it.

    Raises:
        GroupFailed: the new revision does not answer; what served before still does.
        PortTaken: before anything is changed.
        Stranger: something of that name is not covered by ``claim``.
        UserError: no swarm can be on this engine.
    """
    with apps.lock(f'service "{spec.name}"', progress):
        there = apps.look(spec.name, claim)
        # looked at again: what an interrupted run has left was part of the first look
        if apps.settle(spec.name):
            there = apps.look(spec.name, claim)
        # an owner of before, by another clone or another name of the stack, is taken over with what it made
        heir = claim.heir(next((seen for labels in there.labels if (seen := Owner.read(labels))), None))
        known = replace(claim, remembered=heir.mark)
        return _Bringing(apps, replace(spec, known_as=heir.mark), known, progress).run(there)


@dataclass(frozen=True)
class _Bringing:
    """One run, which holds the lock of its service."""

    apps: Apps
    spec: GroupSpec
    claim: Claim
    progress: Progress

    @property
    def revisions(self) -> SwarmRevisions:
        """The revisions of the service."""
        return SwarmRevisions(self.apps, self.spec.name, self.claim, self.spec.declared.keys)

    def run(self, there: There) -> GroupFacts:
        """Do it."""
        phases = Phases(time.monotonic)
        # under its old name, as one container or as a service: renaming makes another resource
        holder = holder_of(self.apps.client, self.spec.port, self.spec.name, DOOR, self.claim)
        # the predecessor has the wanted port until its successor has answered on another one
        port = 0 if holder else self._port(there)
        # before anything is made: an image that cannot be had changes nothing
        with phases.timed("pull"):
            ensure_image(
                self.apps.client, self.spec.image, self.apps.settings.registries, self.progress, self.apps.login
            )
            envoy = ensure_envoy(self.apps.client, self.apps.settings, self.progress)
        with phases.timed("start"):
            facts = self._guarded(there, port, envoy, holder)
        if line := phases.line():
            self.progress.note(line)
        return facts

    def _port(self, there: There) -> int:
        """Settle the port: the one asked for has to be free, the one of before is kept if it can be had."""
        # a stopped one has its port, too: it is in what it was made with
        kept = there.entrance.port if there.entrance else 0
        port = self.spec.port or kept
        # 0 lets a free one be picked; ours is bound by our own Envoy and not free to anybody
        if not port or (there.entrance and there.entrance.running and port == kept):
            return port
        try:
            require_free_port(self.apps.client, port)
        except PortTaken:
            if self.spec.port or there.serving:
                raise
            return 0  # it never served there
        return port

    def _guarded(self, there: There, port: int, envoy: str, holder: Container | None) -> GroupFacts:
        name = name_of(self.spec)
        try:
            return self._bring(there, port, envoy, holder)
        # it has been told and tidied already
        except GroupFailed:
            raise
        except BaseException:  # also ctrl-C: what was made for this run alone goes, what served before is untouched
            with suppress(AcimlError):
                if not there.exists:
                    self.apps.remove(self.apps.look(self.spec.name, self.claim), self.progress)
                # a revision that was there before this run is no leftover of it
                # one that clients are sent to by now is no leftover, whatever ended this run
                elif there.named(name) is None and not self._weight(name):
                    self._forget(name)
            raise

    def _weight(self, name: str) -> int:
        return self.apps.look(self.spec.name, self.claim).routing.weights.get(name, 0)

    def _forget(self, name: str) -> None:
        """Remove a revision that nobody is sent to."""
        revisions = self.revisions
        if self.apps.look(self.spec.name, self.claim).entrance is not None:
            revisions.change(lambda door: door.without(name), self.progress)
        self.apps.services.remove(name)

    def _bring(self, there: There, port: int, envoy: str, holder: Container | None) -> GroupFacts:
        template = self._template()
        made = self._revision(there, template)
        self._entrance(there, made, port, envoy)
        if failure := self._prove(there, made):
            # before it moves any share: up to here nothing has changed for callers
            raise self._failed(there, made, failure)
        self._shift(made)
        self._answers(made)
        if holder is not None:
            # last, when the new way in has answered as well
            self._succeed(holder, envoy)
        self._tidy(made)
        facts = self.apps.facts(self.apps.look(self.spec.name, self.claim))
        if facts is None:
            raise OutageError(f'service "{self.spec.name}" is gone again', "run the same command again")
        return facts

    def _template(self) -> Template:
        spec, apps = self.spec, self.apps
        network = apps.swarm.network(network_of(spec.name), apps.labels(spec, NETWORK), self.progress)
        labels = apps.labels(spec, REVISION)
        secrets = tuple(
            apps.services.secret(spec.name, file, content, labels, self.claim)
            for file, content in secret_files(spec).items()
        )
        with docker_answers(f"look at image {spec.image}"):
            # what the image says of its health check: a service of the swarm is given one in its own words
            config = apps.client.images.get(spec.image).attrs.get("Config") or {}
        scale = spec.declared.runs.scale
        return Template(
            spec,
            # Swarm runs a number of replicas: the least that was declared
            max(1, scale.least) if scale else 1,
            network,
            Probe.of(config, spec.declared.environment()),
            runner_of(apps.engine, spec.image),
            secrets,
            look(apps.client).log_driver,
            labels,
        )

    def _revision(self, there: There, template: Template) -> Made:
        """Return the revision of the template, made if there is none; and let the others know its secrets."""
        services, found = self.apps.services, there.named(template.name)
        for other in there.revisions:
            # a key that was taken back must not open a warm one; if that does not come up, it goes on as it was
            if other.name != template.name and not other.failed:
                with suppress(UserError):
                    self._renew(other, template.secrets)
        if found is None:
            # not among ours, so it has no label of this service: somebody has made one of that name by hand
            if (theirs := services.find(template.name)) is not None:
                self.apps.require_own(theirs, self.claim)
            self.progress.say(f"starting revision {template.name}")
            # logins are by registry, and each node pulls for itself
            registry = Reference.parse(self.spec.image).registry
            return services.create(template.to_json(), registry, self.apps.login)
        # by name, which has the content's hash in it: secrets of a swarm cannot be changed, nor read
        if found.failed or {one.name for one in template.secrets} != found.secrets:
            self.progress.say(f"starting the replicas of {found.name} anew")
            self._renewed(found, template)
        elif found.replicas != template.replicas:
            self.progress.say(f"{found.name}: {template.replicas} replicas instead of {found.replicas}")
            services.scale(found.name, template.replicas)
        # read again: an update has changed it
        return services.find(found.name) or found

    def _renewed(self, found: Made, template: Template) -> None:
        """Let the revision of the template run with the secrets of now, whatever became of it before."""
        try:
            self._renew(found, template.secrets)
        except UserError as error:
            # what is shown is what serves now, which is still the old one
            facts = self.apps.facts(self.apps.look(self.spec.name, self.claim))
            raise GroupFailed(f'service "{self.spec.name}": {error.message}', facts, error.advice) from error
        # only with its secrets is it woken, or replicas would start by old ones
        if found.failed or found.replicas != template.replicas:
            self.revisions.wake(found.name, template.replicas)

    def _renew(self, other: Made, secrets: tuple[Secret, ...]) -> None:
        """Give a revision the secrets of now, one replica after the other.

        Raises:
            UserError: its replicas do not come up with them; those of before go on.
        """
        # equal names, equal contents: nothing has to restart
        if {one.name for one in secrets} == other.secrets:
            return
        told = {one.file: one for one in secrets}
        owner = self._runner

        def change(document: dict[str, Any]) -> None:
            container = document["TaskTemplate"]["ContainerSpec"]
            # the paths of before go, and only these: variables of the user may look like them
            named = {f"{variable}={SECRETS_FOLDER}/{file}" for file, variable in FILES.items()}
            kept = [one for one in container.get("Env") or () if one not in named]
            container["Env"] = sorted([*kept, *(f"{FILES[file]}={SECRETS_FOLDER}/{file}" for file in told)])
            container["Secrets"] = [one.to_json(owner()) for one in told.values()]

        update(self.apps.services, other.name, change, self.progress)

    def _runner(self) -> Runner:
        return runner_of(self.apps.engine, self.spec.image)

    def _entrance(self, there: There, made: Made, port: int, envoy: str) -> None:
        """Let Envoy be there, with this revision among those that it knows, and without a share for it."""
        door = self._door(there, made.name)
        old = there.entrance
        if old is None:
            # without one nobody is served: it can be made with all of it
            self._open(door, port, envoy)
            return
        # a port, a network or an image is fixed when a container is made; only the program can be taken over
        if not self._fits(old, port) or not self._is_current(old, there, envoy):
            self._replace(old, door, port, envoy)
            return
        if not old.running:
            # by the files that it has: what is new comes behind it, in an order without a gap
            old.start()
            old.wait(self.progress, there.files)
        # by the door's own lock, since somebody may set weights by hand meanwhile
        self.revisions.change(
            lambda now: door.but(routing=now.routing, revisions=door.with_all(now.revisions).revisions),
            self.progress,
            self.spec.certificate,
        )

    def _door(self, there: There, name: str) -> Door:
        certificate, spec = self.spec.certificate, self.spec
        # Envoy is to know no revision without replicas: it would look for their names over and over
        running = [one.name for one in there.revisions if one.replicas]
        known = there.files.door()
        # by the variable that the server reads: a connection must not be closed by it while Envoy takes it for open
        said = spec.declared.environment().get("ACIML_KEEP_ALIVE")
        # those that Envoy knows first, in its own order: the same door again is no change to its files
        names = tuple(dict.fromkeys((*(one for one in known.revisions if one in running), *running, name)))
        routing = known.routing
        # a revision that somebody removed by hand: a share that leads nowhere would be answered 503
        for gone in [one for one in routing.weights if one not in names]:
            routing = routing.without(gone)
        found = Door(
            names,
            routing,
            # 0: no limit by Envoy, the server has its own
            timeout=float(spec.declared.runs.replica_timeout or 0),
            keep_alive=float(said or _KEEP_ALIVE),
            certificate=certificate.fingerprint if certificate else "",
            authorities=bool(certificate and certificate.authorities),
            labels={label: named for label, named in known.labels.items() if named in names},
            log=spec.declared.server.access_log is not False,
        )
        traffic = spec.declared.runs.traffic
        # as in the cloud: a first revision serves, and nobody looks for it by another name
        return found.labelled(traffic.named, name) if traffic and there.serving else found

    def _is_current(self, old: Entrance, there: There, envoy: str) -> bool:
        """Tell whether the Envoy is the one that would be started today, or is so now."""
        if is_current(old, there.files, envoy):
            return True
        return old.running and take_over(old, there.files, envoy, self.apps.client, self.progress)

    def _fits(self, old: Entrance, port: int) -> bool:
        # a container that was never started is in no network yet, and so fits
        networks = old.container.attrs["NetworkSettings"].get("Networks") or {}
        found = self.apps.swarm.find(network_of(self.spec.name))
        # of a swarm that was left and made anew: the network has its name, and is another one
        ids = {str(one.get("NetworkID") or "") for one in networks.values()} - {""}
        return old.port == (port or old.port) and (not ids or (found or ("",))[0] in ids)

    def _succeed(self, holder: Container, envoy: str) -> None:
        """Take the port of what this resource was before, when the new service has answered on another one."""
        with handing_over(holder, self.spec.port, self.progress):
            entrance = self.revisions.entrance()
            self._replace(entrance, entrance.files().door(), self.spec.port, envoy)

    def _make(self, name: str, door: Door, port: int, envoy: str) -> tuple[Container, Files]:
        labels = self.apps.labels(self.spec, DOOR)
        # of a run that was killed between making and starting it
        self.apps.drop(name, self.spec.name)
        container = make_entrance(
            self.apps.engine, name, image=envoy, network=network_of(self.spec.name), port=port, labels=labels
        )
        return container, fill(container, door, self.spec.certificate)

    def _open(self, door: Door, port: int, envoy: str) -> None:
        # a port that was asked for is tried once: another one would not be what was asked
        for left in reversed(range(1 if port else TRIES)):
            container, filled = self._make(door_name(self.spec.name), door, port or free_port(), envoy)
            try:
                Entrance(container).start()
                break
            except PortTaken:  # ports are fixed when a container is made
                self.apps.engine.remove(container)
                if not left:
                    raise
        Entrance(container).wait(self.progress, filled)

    def _replace(self, old: Entrance, door: Door, port: int, envoy: str) -> None:
        """Put another Envoy in its place: its port or its program are fixed when it is made."""
        name = door_name(self.spec.name)
        new, filled = self._make(name + NEXT, door, port or old.port, envoy)
        # from here to the start of the new one nobody is served: some tenths of a second
        stop(old.container)
        # neither runs now, and so each can have another name: one that runs in an overlay cannot
        take_name(old.container, name + BEFORE)
        take_name(new, name)
        try:
            Entrance(new).start()
            Entrance(new).wait(self.progress, filled)
        except BaseException:  # also ctrl-C
            # the old one is put back before anything else: callers wait
            self.apps.settle(self.spec.name, keep=False)
            raise
        self.apps.engine.remove(old.container)

    def _prove(self, there: There, made: Made) -> Failure | None:
        """Wait until all replicas answer, then send the smoke test."""
        # of one that serves a replica may end now and then: Docker starts another one
        fails = not there.routing.weights.get(made.name)
        revisions, spec = self.revisions, self.spec
        # customTimeouts of the resource bound the wait as well
        failure = revisions.prove(made, spec.patience(self.progress.timeout), self.progress, fails=fails)
        # without a smoke test the health path is the proof
        if failure or spec.smoke_test is None:
            return failure
        wrong = self._smoke(revisions.address(made.name))
        return Failure(made.name, wrong, None, False, revisions.lines(made)) if wrong else None

    def _smoke(self, url: str) -> str:
        """Send the smoke test, if there is one, and tell what came if it was not as wanted."""
        spec = self.spec
        wrong = run_smoke(url, spec.smoke_test, spec.declared.keys.shown) if spec.smoke_test else ""
        return f"failed its smoke test: {wrong}" if wrong else ""

    def _failed(self, there: There, made: Made, failure: Failure) -> GroupFailed:
        """Let a revision that failed run no more; one that serves already goes on as it is."""
        # its words may have secrets in them, since a script may print what it was given
        told = failure.describe(f'service "{self.spec.name}"', self.spec.declared.secure_environment().values())
        serving = there.serving
        # with a share it has callers: to end it would be to end the service
        if not there.routing.weights.get(made.name):
            self._give_up(made, failure)
        facts = self.apps.facts(self.apps.look(self.spec.name, self.claim))
        if serving is not None and serving.name != made.name and facts:
            told += f"\nrevision {serving.name} goes on, {facts.state} at {facts.address}"
        return GroupFailed(told, facts)

    def _give_up(self, made: Made, failure: Failure) -> None:
        """Let a revision that nobody is sent to run no more, and remember why."""
        self.apps.services.mark_failed(made, failure, self.spec.declared.secure_environment().values())
        self.revisions.change(lambda door: door.without(made.name), self.progress)

    def _shift(self, made: Made) -> None:
        """Walk the new revision to its share: all of it at once, if nothing is said of steps."""
        revisions, spec = self.revisions, self.spec
        # asked once: the walk asks again by itself
        known = revisions.list()
        weights = {one.name: one.weight for one in known if one.weight}
        probes = Probes(
            # looked at when it is asked for: the walk takes as long as its steps
            lambda: self.apps.facts(self.apps.look(spec.name, self.claim)),
            self._smoke,
            # over the side port, where no certificate is shown: Envoy alone speaks TLS
            Proof(replace(spec, certificate=None), self.progress).of,
            rules_of(spec.declared.runs.traffic, spec.golden),
        )
        old = serving(known, made.name)
        try:
            walk(revisions, made.name, old, spec.declared.runs.traffic, probes, self.progress)
        except GroupFailed as failed:
            if not weights:
                # nobody was served before: there is no other one to go back to, and this one shall not be
                failure = Failure(made.name, failed.message.partition(": ")[2], None, False, revisions.lines(made))
                self._give_up(made, failure)
                raise GroupFailed(
                    failed.message, self.apps.facts(self.apps.look(spec.name, self.claim)), failed.advice
                ) from failed
            raise

    def _answers(self, made: Made) -> None:
        """Make sure that the way in answers as well, by the certificate that it was given."""
        entrance, end = self.revisions.entrance(), time.monotonic() + _ANSWERS_SECONDS
        scheme = "https" if self.spec.certificate else "http"
        url = f"{scheme}://{HOST}:{entrance.port}{HEALTH_PATH}"
        # by the certificate itself, whatever its name: it is asked by 127.0.0.1
        while not (answer := knock(url, self.spec.certificate)).serves:
            if time.monotonic() > end:
                facts = self.apps.facts(self.apps.look(self.spec.name, self.claim))
                # what is wrong lies between Envoy and the caller: certificate, port, or Envoy itself
                told = f'service "{self.spec.name}": revision {made.name} answers, and {url} does not: {answer}'
                raise GroupFailed(told, facts)
            self.progress.checkpoint()
            time.sleep(_LOOK_SECONDS)

    def _tidy(self, made: Made) -> None:
        """Forget what is older than the few revisions that may be activated again, and the secrets of nobody."""
        there = self.apps.look(self.spec.name, self.claim)
        retired = [one for one in there.revisions if not one.replicas and one.name != made.name]
        # the newest come first in the list
        for one in retired[KEPT_RETIRED:]:
            self._forget(one.name)
        # read again: what was forgotten uses no secret any more
        left = self.apps.services.of(self.spec.name)
        self.apps.services.prune_secrets(self.spec.name, frozenset(name for one in left for name in one.secrets))
