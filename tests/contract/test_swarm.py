"""Replicas, revisions and shares on Docker Swarm: what the list of promises for all targets does not know."""

from __future__ import annotations

import http.client
import json
import os
import ssl
import threading
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import OutageError
from aciml.core.progress import Silent
from aciml.model.keys import Keys
from aciml.model.rollout import SmokeTest
from aciml.model.scale import Scale
from aciml.model.traffic import CanaryStep, Traffic
from aciml.settings import Settings
from aciml.targets.local.swarm import door, takeover
from aciml.targets.local.swarm.door import door_name
from aciml.targets.local.swarm.revisions import SwarmRevisions
from aciml.targets.local.swarm.services import COPY_SHARES, SHARES
from aciml.targets.local.target import LocalTarget
from aciml.targets.observed import LogWish
from aciml.targets.protocol import Certificate, GroupFacts, GroupFailed, GroupSpec, ServiceTarget
from aciml.targets.revisions import NoSuchRevision, WrongWeights
from tests.contract.compared import nothing_is_compared_where_nothing_is_copied
from tests.contract.swarm_world import SwarmWorld
from tests.contract.test_target import group_spec as quick_spec
from tests.heard import Heard
from tests.simulators.certificates import self_signed

pytestmark = pytest.mark.docker


def group_spec(world: SwarmWorld, behaviour: str = "serves") -> GroupSpec:
    """Return what the contract wants, with more time: replicas of a tenth of a core start beside other tests."""
    return quick_spec(world, behaviour).but(startup_timeout=300)


def made(world: SwarmWorld, spec: GroupSpec) -> GroupFacts:
    return world.target.service.create(spec, Silent())


def revisions_of(world: SwarmWorld, facts: GroupFacts) -> SwarmRevisions:
    found = world.target.service.revisions(facts.id, group_spec(world))
    assert isinstance(found, SwarmRevisions)
    return found


def answers(facts: GroupFacts, count: int) -> Counter[str]:
    """Ask so many times over one connection, and count what came."""
    connection = http.client.HTTPConnection(facts.address, timeout=30)
    came: Counter[str] = Counter()
    for _ in range(count):
        connection.request("GET", "/")
        came[connection.getresponse().read().decode().strip()] += 1
    connection.close()
    return came


@contextmanager
def clients(facts: GroupFacts) -> Iterator[Counter[str]]:
    """Let two clients ask all the time, one over a connection of its own for each request; count what they meet."""
    came: Counter[str] = Counter()
    over, lock = threading.Event(), threading.Lock()

    def ask(*, kept: bool) -> None:
        connection = http.client.HTTPConnection(facts.address, timeout=30)
        while not over.wait(0.01):
            try:
                connection.request("GET", "/")
                answer = connection.getresponse()
                said = answer.read().decode().strip() if answer.status == 200 else str(answer.status)
            except (OSError, http.client.HTTPException) as error:
                said = f"{type(error).__name__}: {error}"
                connection.close()
            with lock:
                came[said] += 1
            if not kept:
                connection.close()
        connection.close()

    with ThreadPoolExecutor(2) as pool:
        work = [pool.submit(ask, kept=kept) for kept in (True, False)]
        try:
            yield came
        finally:
            over.set()
    for one in work:
        one.result()


def test_a_label_leads_to_the_newest_and_shares_move_under_requests_and_none_is_lost(swarm: SwarmWorld) -> None:
    facts = made(swarm, group_spec(swarm))
    (old,) = revisions_of(swarm, facts).list()
    held = spec_with(swarm, Traffic(hold=True, label="next"), "serves-too")
    swarm.target.service.update(facts.id, group_spec(swarm), held, Silent())
    a_label_reaches_the_newest_revision_by_host_and_by_path(swarm, facts)
    with clients(facts) as came:
        swarm.target.service.update(facts.id, held, group_spec(swarm, "serves-too"), Silent())
        revisions = revisions_of(swarm, facts)
        new = revisions.list()[0]
        revisions.weigh({old.name: 100}, Silent())
        back = answers(facts, 20)
        revisions.weigh({old.name: 70, new.name: 30}, Silent())
        mixed = answers(facts, 200)

    assert set(came) == {"one", "two"}, came
    assert back == {"one": 20}
    # of 200 with a chance of 30 %: 60, and 15 to 105 but once in 10^12 runs
    assert 15 < mixed["two"] < 105
    assert {one.name: one.weight for one in revisions.list()} == {old.name: 70, new.name: 30}
    with pytest.raises(WrongWeights, match="gets 30 %"):
        revisions.retire(new.name, Silent())
    with pytest.raises(WrongWeights, match="sum up to 90"):
        revisions.weigh({old.name: 90}, Silent())
    with pytest.raises(NoSuchRevision, match="nobody"):
        revisions.weigh({"nobody": 100}, Silent())
    revisions.weigh({new.name: 100}, Silent())
    each_revision_is_reached_and_counted_by_itself_and_copies_reach_nobody(swarm, facts)


def each_revision_is_reached_and_counted_by_itself_and_copies_reach_nobody(
    swarm: SwarmWorld, facts: GroupFacts
) -> None:
    """Of two revisions that run, of which the newer one serves."""
    revisions = revisions_of(swarm, facts)
    new, old = revisions.list()
    nothing_is_compared_where_nothing_is_copied(revisions, new.name, old.name)
    before = {one.name: revisions.seen(one.name, 0).requests for one in (new, old)}

    def cores() -> set[int]:
        (made,) = [one for one in swarm.apps.look(facts.name, None).revisions if one.name == old.name]
        tasks = [task for task in swarm.apps.services.tasks(made) if task.runs]
        return {swarm.client.containers.get(one.container).attrs["HostConfig"]["CpuShares"] for one in tasks}

    revisions.mirror(new.name, old.name, 100, Silent())
    served = answers(facts, 25)
    assert cores() == {COPY_SHARES}
    revisions.mirror(new.name, old.name, 0, Silent())
    assert cores() == {SHARES}
    answers(facts, 5)

    assert served == {"two": 25}
    assert revisions.seen(new.name, 0).requests - before[new.name] == 30
    assert revisions.seen(old.name, 0).requests - before[old.name] == 25
    assert revisions.seen(old.name, 0).errors == 0
    for one, word in ((new, "two"), (old, "one")):
        host, _, path = revisions.address(one.name).removeprefix("http://").partition("/")
        connection = http.client.HTTPConnection(host, timeout=30)
        connection.request("GET", f"/{path}/")
        assert connection.getresponse().read().decode().strip() == word
        connection.close()
        # as the cloud has a host name for each revision
        connection = http.client.HTTPConnection(facts.address, timeout=30)
        connection.request("GET", "/", headers={"Host": f"{one.name}.localhost:{facts.port}"})
        assert connection.getresponse().read().decode().strip() == word
        connection.close()

    revisions.retire(old.name, Silent())
    assert [(one.name, one.state) for one in revisions.list()] == [(new.name, "Running"), (old.name, "Stopped")]
    with pytest.raises(WrongWeights, match="is retired"):
        revisions.weigh({old.name: 100}, Silent())
    revisions.activate(old.name, Silent())
    revisions.weigh({old.name: 100}, Silent())
    assert answers(facts, 3) == {"one": 3}


def with_traffic(spec: GroupSpec, **said: Any) -> GroupSpec:
    runs = replace(spec.declared.runs, traffic=Traffic(**said), scale=Scale(min_replicas=2))
    return replace(spec, declared=replace(spec.declared, runs=runs))


def replicas_that_are_asked_for_run_and_are_told_with_their_logs(
    swarm: SwarmWorld, facts: GroupFacts, spec: GroupSpec
) -> None:
    seen = swarm.target.service.observe(facts.id, spec)
    (one,) = revisions_of(swarm, facts).list()
    assert seen is not None
    assert [container.name for container in seen.containers] == [f"{one.name}.1", f"{one.name}.2"]
    assert (one.replicas, one.ready) == (2, 2)
    assert list(swarm.target.service.log(facts.id, spec, LogWish(container=f"{one.name}.2"), Silent())) == []


def replicas_are_made_fewer_and_started_anew_by_hand(swarm: SwarmWorld, facts: GroupFacts, name: str) -> None:
    revisions_of(swarm, facts).scale(name, 1, 1, Silent())
    assert revisions_of(swarm, facts).list()[0].replicas == 1
    before = swarm.incarnation(facts)
    revisions_of(swarm, facts).restart(name, Silent())
    assert swarm.incarnation(facts) != before


def test_a_canary_that_fails_its_smoke_test_goes_back_and_one_that_passes_takes_over(swarm: SwarmWorld) -> None:
    steps = (CanaryStep(percent=20, pause=0), CanaryStep(percent=100, pause=0))
    first = with_traffic(group_spec(swarm), canary=steps)
    facts = made(swarm, first)
    replicas_that_are_asked_for_run_and_are_told_with_their_logs(swarm, facts, first)
    good = with_traffic(group_spec(swarm, "serves-too"), canary=steps)
    bad = good.but(smoke_test=SmokeTest(path="/nowhere", method="GET"))
    with clients(facts) as came:
        with pytest.raises(GroupFailed, match="failed its smoke test: GET /nowhere answered 404"):
            swarm.target.service.update(facts.id, first, bad, Silent())
        assert answers(facts, 10) == {"one": 10}
        # the same content is the same revision: it is started again
        swarm.target.service.update(facts.id, first, good, Silent())
        assert answers(facts, 10) == {"two": 10}

    assert set(came) == {"one", "two"}, came
    new, old = revisions_of(swarm, facts).list()
    assert (new.weight, new.ready, old.weight, old.ready) == (100, 2, 0, 2)
    replicas_are_made_fewer_and_started_anew_by_hand(swarm, facts, new.name)


def test_secrets_are_files_alone_another_one_replaces_replicas_and_another_certificate_nothing(
    swarm: SwarmWorld, tmp_path: Path
) -> None:
    def keyed(key: str) -> GroupSpec:
        return group_spec(swarm).but(auth_enabled=True, primary_key=key, secure_environment_variables={"S": "hunter2"})

    facts = made(swarm, keyed("first-key"))
    before = swarm.incarnation(facts)
    with clients(facts) as came:
        swarm.target.service.update(facts.id, keyed("first-key"), keyed("second-key"), Silent())

    assert set(came) == {"one"}, came
    assert swarm.incarnation(facts) != before
    api: Any = swarm.client.api
    container = swarm.client.containers.get(swarm.incarnation(facts))
    told = json.dumps([api.services(), api.secrets(), api.tasks(), container.attrs])
    assert not any(word in told for word in ("first-key", "second-key", "hunter2"))
    shell = ["/bin/busybox", "sh", "-c", "cat /run/secrets/*; ls -l /run/secrets"]
    said = bytes(container.exec_run(shell).output).decode()  # type: ignore[arg-type]
    assert "second-key" in said
    assert '{"S": "hunter2"}' in said
    assert said.count("-r--------") == 2
    mine = [one["Spec"]["Name"] for one in api.secrets() if one["Spec"]["Name"].startswith(facts.name)]
    assert len(mine) == 2  # that of before is gone
    # this image has no program that shows a file, so that there are keys is all that an import sees; the program's are
    # taken to be those
    imported = swarm.target.service.read(facts.id)
    assert imported is not None
    assert imported.drift is not None
    assert imported.drift.now.keys == Keys(auth_enabled=True)
    had = keyed("second-key").but(secure_environment_variables=None, primary_key=None)
    assert "primary_key" not in swarm.target.service.changes(had, keyed("second-key"))
    envoy_shows_the_certificate_and_another_one_without_being_started_anew(swarm, facts, keyed("second-key"), tmp_path)


def dies_after(calls: int, world: SwarmWorld, work: Callable[[ServiceTarget], object]) -> bool:
    """Run it in a process that ends, as by SIGKILL, before its n-th call that changes something in Docker.

    Args:
        calls: n.
        world: whose target does it, by a client of its own: connections belong to one process.
        work: what is done.

    Returns:
        Whether it was killed; else it came to its end.
    """
    child = os.fork()
    if child == 0:
        from docker import from_env
        from docker.api import client

        send, left = client.APIClient.send, calls

        def counted(self: Any, request: Any, **options: Any) -> Any:
            nonlocal left
            if request.method != "GET":
                left -= 1
                if left < 0:
                    os._exit(9)
            return send(self, request, **options)

        client.APIClient.send = counted  # type: ignore[method-assign]
        try:
            work(LocalTarget(from_env, Settings(world.cache)).service)
        except BaseException:  # noqa: BLE001  # the process ends here
            traceback.print_exc()
            os._exit(1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 9), f"it failed with {code}"
    return code == 9


def test_what_was_killed_at_any_step_is_gone_on_with_and_removed(swarm: SwarmWorld) -> None:
    spec = group_spec(swarm).but(auth_enabled=True, primary_key="key")
    service = swarm.target.service
    other = group_spec(swarm, "serves-too").but(auth_enabled=True, primary_key="key")

    # each run begins where the one before it was killed, and comes further
    killed = [
        dies_after(calls, swarm, lambda there: there.create(spec, Silent())) for calls in (0, 1, 2, 1, 2, 4, 2, 3)
    ]
    facts = made(swarm, spec)
    assert answers(facts, 5) == {"one": 5}
    killed += [
        dies_after(calls, swarm, lambda there: there.update(facts.id, spec, other, Silent())) for calls in (1, 2, 3)
    ]
    assert sum(answers(facts, 5).values()) == 5
    service.update(facts.id, spec, other, Silent())
    assert answers(facts, 5) == {"two": 5}
    speaker = Heard(urn=spec.owner)
    killed += [
        dies_after(calls, swarm, lambda there: there.delete(facts.id, Silent(), facts.owner)) for calls in (1, 2, 3)
    ]
    service.delete(facts.id, speaker, facts.owner)

    assert sum(killed) >= 10
    assert swarm.leftovers() == []
    assert service.read(facts.id) is None


def test_two_who_bring_one_service_at_once_make_one_and_its_envoy_gives_way_and_comes_back(
    swarm: SwarmWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda _: made(swarm, group_spec(swarm)), range(2)))

    assert both[0] == both[1]
    assert len(revisions_of(swarm, both[0]).list()) == 1
    assert answers(both[0], 3) == {"one": 3}
    another_envoy_takes_over_in_its_container_and_no_request_is_lost(swarm, both[0])
    again = envoy_that_somebody_stopped_or_removed_comes_back(swarm, both[0])
    one_that_does_not_come_up_leaves_the_one_that_serves(swarm, again, monkeypatch)


def certificate(folder: Path) -> Certificate:
    folder.mkdir()
    return Certificate(*(path.read_bytes() for path in self_signed(folder, "127.0.0.1")))


def envoy_shows_the_certificate_and_another_one_without_being_started_anew(
    swarm: SwarmWorld, plain: GroupFacts, before: GroupSpec, tmp_path: Path
) -> None:
    first, second = (certificate(tmp_path / name) for name in ("one", "two"))
    spec = replace(before, certificate=first)
    facts = swarm.target.service.update(plain.id, before, spec, Silent())
    began = swarm.client.containers.get(door_name(facts.name)).attrs["State"]["StartedAt"]

    changed = swarm.target.service.update(facts.id, spec, replace(spec, certificate=second), Silent())

    assert (facts.scheme, changed.scheme) == ("https", "https")
    host, port = facts.address.split(":")
    shown = ssl.get_server_certificate((host, int(port)))
    assert ssl.PEM_cert_to_DER_cert(shown) == ssl.PEM_cert_to_DER_cert(second.chain.decode())
    assert swarm.client.containers.get(door_name(facts.name)).attrs["State"]["StartedAt"] == began
    assert b"PRIVATE KEY" not in json.dumps(swarm.client.containers.get(door_name(facts.name)).attrs).encode()


def envoy_that_somebody_stopped_or_removed_comes_back(swarm: SwarmWorld, facts: GroupFacts) -> GroupFacts:
    swarm.client.containers.get(door_name(facts.name)).stop()
    stopped = swarm.target.service.read(facts.id)
    assert stopped is not None
    assert stopped.state == "Stopped"

    assert made(swarm, group_spec(swarm, "serves-too")).state == "Running"
    assert answers(facts, 3) == {"two": 3}

    swarm.client.containers.get(door_name(facts.name)).remove(force=True)
    again = made(swarm, group_spec(swarm))
    assert answers(again, 3) == {"one": 3}
    return again


def another_envoy_takes_over_in_its_container_and_no_request_is_lost(swarm: SwarmWorld, facts: GroupFacts) -> None:
    entrance = swarm.client.containers.get(door_name(facts.name))
    image = swarm.client.images.get(entrance.labels["aciml.image"])
    other = f"{swarm.prefix}-envoy:other"
    image.tag(other)
    try:
        target = LocalTarget(lambda: swarm.client, replace(Settings.read(), envoy_image=other))
        with clients(facts) as came:
            target.service.update(facts.id, group_spec(swarm), group_spec(swarm), Silent())
            moved = epoch(swarm, facts)
            # the program of its own image again: from one that was brought to one that was there
            swarm.target.service.update(facts.id, group_spec(swarm), group_spec(swarm, "serves-too"), Silent())

        assert set(came) == {"one", "two"}, came
        assert (moved, epoch(swarm, facts)) == (1, 2)
        assert swarm.client.containers.get(door_name(facts.name)).id == entrance.id
        # nothing differs any more
        swarm.target.service.update(facts.id, group_spec(swarm), group_spec(swarm, "serves-too"), Silent())
        assert epoch(swarm, facts) == 2
        # what is started after a reboot is what took over last
        entrance.restart(timeout=1)
        assert made(swarm, group_spec(swarm, "serves-too")).state == "Running"
        assert answers(facts, 3) == {"two": 3}
    finally:
        swarm.client.images.remove(other)


def epoch(world: SwarmWorld, facts: GroupFacts) -> int:
    """Return how often another Envoy has taken over."""
    entrance = world.apps.look(facts.name, None).entrance
    assert entrance is not None
    return int(entrance.counters("^server.hot_restart_epoch$")["server.hot_restart_epoch"])


def one_that_does_not_come_up_leaves_the_one_that_serves(
    swarm: SwarmWorld, facts: GroupFacts, monkeypatch: pytest.MonkeyPatch
) -> None:
    entrance = swarm.apps.look(facts.name, None).entrance
    assert entrance is not None
    files = entrance.files()
    monkeypatch.setattr(takeover, "bootstrap", lambda: b'{"no": "bootstrap"}')
    monkeypatch.setattr(takeover, "_TAKES_SECONDS", 1.0)
    monkeypatch.setattr(door, "_TAKES_SECONDS", 1.0)

    with clients(facts) as came, pytest.raises(OutageError):
        takeover.take_over(entrance, files, entrance.image, swarm.client, Silent())

    assert set(came) == {"one"}, came
    assert entrance.files().content == files.content


def a_label_reaches_the_newest_revision_by_host_and_by_path(swarm: SwarmWorld, facts: GroupFacts) -> None:
    """Of two revisions, of which the newer one is held at 0 percent."""
    revisions = revisions_of(swarm, facts)
    new, old = revisions.list()
    assert (new.label, new.weight, old.label, old.weight) == ("next", 0, "", 100)
    port = facts.address.rpartition(":")[2]
    assert revisions.label_address("next") == f"http://{facts.name}---next.localhost:{port}"
    connection = http.client.HTTPConnection(facts.address, timeout=30)
    connection.request("GET", "/", headers={"Host": f"{facts.name}---next.localhost:{port}"})
    assert connection.getresponse().read().strip() == b"two"
    connection.close()
    assert answers(facts, 3) == {"one": 3}
    host, _, path = revisions.address(new.name).removeprefix("http://").partition("/")
    side = http.client.HTTPConnection(host, timeout=30)
    side.request("GET", f"/{path.replace(new.name, 'next')}/")
    assert side.getresponse().read().strip() == b"two"
    side.close()
    # a word of a command finds it, too
    assert revisions.address("next") == revisions.address(new.name)


def spec_with(world: SwarmWorld, traffic: Traffic, behaviour: str) -> GroupSpec:
    spec = group_spec(world, behaviour)
    return replace(spec, declared=replace(spec.declared, runs=replace(spec.declared.runs, traffic=traffic)))
