"""What replicas at home cost and bring: ``python bench/scale.py`` (Docker with a swarm, Pulumi's CLI, two cores, wrk).

One image of the scoring server runs as a container group without a door, which is the bare server on a port of its own,
and as a container app behind Envoy; both ask for a key, without which no server tells what it has answered. All take
turns in every round, forth and back, and what counts are ratios inside a round, by their medians; lost requests are
counted by the clients. A sums ten floats, B is a small neural network in numpy. Beside each rate stands how busy the
whole machine was (1: all of its cores), because client, Envoy and replicas share them; what two bare servers reach
together is the most that two replicas can. ``--parts`` runs some of it; all takes some nine minutes.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from http.client import HTTPConnection
from pathlib import Path
from types import MappingProxyType
from typing import Any, cast

_ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_ROOT), str(_ROOT / "provider")]

from aciml.core.progress import Silent  # noqa: E402  # found through the line above
from aciml.docker.engine import connect  # noqa: E402
from aciml.model.scale import Scale  # noqa: E402
from aciml.model.traffic import CanaryStep, Gate, Traffic  # noqa: E402
from aciml.settings import Settings  # noqa: E402
from aciml.targets.local.target import LocalTarget  # noqa: E402
from aciml.targets.protocol import GroupFacts, GroupSpec, ServiceTarget  # noqa: E402
from aciml.targets.revisions import Revisions  # noqa: E402
from bench.goals import SCALE  # noqa: E402
from bench.load import put_load  # noqa: E402
from bench.peers import MODEL  # noqa: E402
from bench.serving import WORKLOADS  # noqa: E402
from tests.e2e.project import Project  # noqa: E402
from tests.targets.specs import spec  # noqa: E402

_SCORE = (
    "import json\n"
    + MODEL
    + """

def init():
    b(list(range(32)))


def run(raw_data):
    values = json.loads(raw_data)
    # ten floats are A
    return sum(values) if len(values) == 10 else b(values)
"""
)
_KEY = "k" * 32
_JSON = {"Content-Type": "application/json"}
_HEADERS = {**_JSON, "Authorization": f"Bearer {_KEY}"}
_CONNECTIONS = 16
_WARMUP_SECONDS = 2
SHADOW_RATE = 50
"""Requests a second beside copies."""


@dataclass
class Figures:
    """One value a round, by name."""

    rows: dict[str, list[float]] = field(default_factory=dict)

    def put(self, name: str, value: float) -> None:
        """Write a value down."""
        self.rows.setdefault(name, []).append(value)

    def middle(self, name: str) -> float:
        """Return the median."""
        return statistics.median(self.rows.get(name) or [float("nan")])


@dataclass
class Paced:
    """What clients met that ask so many times a second, whatever comes: seconds of each answer, and what was lost."""

    seconds: list[float] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """Return the 99th percentile, milliseconds."""
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000 if self.seconds else float("nan")


class Busy:
    """How busy all cores of the machine were between two looks, 0 to 1."""

    def __init__(self) -> None:
        """Look for the first time."""
        self._before = self._read()

    @staticmethod
    def _read() -> tuple[int, int]:
        # proc(5): user nice system idle iowait irq softirq steal, of all cores together
        fields = [int(word) for word in Path("/proc/stat").read_text(encoding="ascii").split("\n", 1)[0].split()[1:9]]
        return sum(fields), fields[3] + fields[4]

    def share(self) -> float:
        """Return the share since it was made."""
        (whole, idle), (whole_now, idle_now) = self._before, self._read()
        return 1 - (idle_now - idle) / max(1, whole_now - whole)


PARTS = ("beside", "twice", "shadow", "canary")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="what to measure")
    parser.add_argument("--repetitions", type=int, default=3, help="of all but the changes of revisions")
    parser.add_argument("--seconds", type=int, default=5, help="of load with 32 connections")
    # 2,000 requests of each kind: of fewer a 99th percentile is the accident of some
    parser.add_argument("--turns", type=int, default=20, help="of two seconds, of each kind, beside copies")
    parser.add_argument("--requests", type=int, default=20_000, help="while revisions change")
    parser.add_argument("--rate", type=int, default=200, help="requests a second while revisions change")
    wishes = parser.parse_args()
    figures, began = Figures(), time.monotonic()
    with scene() as (service, wanted, name):
        made: list[GroupFacts] = []
        try:
            made += [service.create(wanted(f"{name}-{kind}", app=False), Silent()) for kind in ("bare", "other")]
            made.append(service.create(wanted(f"{name}-app"), Silent()))
            measure(figures, service, wanted, made, wishes)
        finally:
            for facts in made:
                service.delete(facts.id, Silent(), facts.owner)
    goals = {figure.name: figure for figure in SCALE}
    for row in sorted(figures.rows):
        value, goal = figures.middle(row), goals.get(row)
        print(f"{row}: {value:.3f}")
        if goal:
            say(f"{row} is {value:.3f}, {goal.goal}: {'reached' if goal.met(value) else 'missed'}")
    say(f"took {time.monotonic() - began:.0f} s")


def measure(
    figures: Figures, service: ServiceTarget, wanted: Wanted, made: list[GroupFacts], wishes: argparse.Namespace
) -> None:
    """Measure the parts that are wished for."""
    group, other, app = made
    rounds = wishes.repetitions if {*wishes.parts} & {*PARTS[:3]} else 0
    for number in range(1, rounds + 1):
        say(f"round {number} of {rounds}")
        if "beside" in wishes.parts:
            beside(figures, group, app, wishes.seconds)
        if "twice" in wishes.parts:
            twice(figures, service, wanted, (group, other), app, wishes.seconds)
        if "shadow" in wishes.parts:
            shadow(figures, service, wanted, app, wishes.turns)
    if "canary" in wishes.parts:
        canary(figures, service, wanted, app, wishes.requests, wishes.rate)


def beside(figures: Figures, group: GroupFacts, app: GroupFacts, seconds: int) -> None:
    """Ask the bare server and the one behind Envoy, with 32 clients and with one, forth and back."""
    for work in "ab":
        body = json.dumps(WORKLOADS[work]).encode()
        rates: dict[str, list[float]] = {"bare": [], "envoy": []}
        alone: dict[str, list[float]] = {"bare": [], "envoy": []}
        # what else the machine does comes in spells, so each begins and ends as often as the other
        for who in ("bare", "envoy", "envoy", "bare"):
            url = f"http://{(group if who == 'bare' else app).address}/score"
            put_load(url, body, _HEADERS, 4, _WARMUP_SECONDS // 2)
            busy = Busy()
            many = put_load(url, body, _HEADERS, 32, max(1, seconds // 2))
            figures.put(f"{work}-{who}-busy", busy.share())
            one = put_load(url, body, _HEADERS, 1, 1)
            rates[who].append(many.rate)
            alone[who].append(one.p50)
            figures.put(f"{work}-lost", many.wrong + many.broken + one.wrong + one.broken)
            say(f"  {work} {who}: {many.rate:.0f}/s, p99 {many.p99:.1f} ms, alone {one.p50:.3f} ms")
        for who, seen in rates.items():
            figures.put(f"{work}-{who}-rate", statistics.mean(seen))
            figures.put(f"{work}-{who}-alone-ms", statistics.mean(alone[who]))
        figures.put(f"{work}-envoy-adds-ms", statistics.mean(alone["envoy"]) - statistics.mean(alone["bare"]))
        figures.put(f"{work}-envoy-rate-ratio", statistics.mean(rates["envoy"]) / statistics.mean(rates["bare"]))


def twice(
    figures: Figures,
    service: ServiceTarget,
    wanted: Wanted,
    bare: tuple[GroupFacts, GroupFacts],
    app: GroupFacts,
    seconds: int,
) -> None:
    """Ask one replica, then two; and one bare server, then both at once, without Envoy: that is what the cores give."""
    body = json.dumps(WORKLOADS["b"]).encode()
    one, rates = wanted(app.name), dict.fromkeys((1, 2), 0.0)
    for count in (1, 2) if len(figures.rows.get("b-two-replicas-ratio", ())) % 2 == 0 else (2, 1):
        service.update(app.id, one, scaled(one, count), Silent())
        put_load(f"http://{app.address}/score", body, _HEADERS, 4, _WARMUP_SECONDS)
        busy = Busy()
        rates[count] = put_load(f"http://{app.address}/score", body, _HEADERS, 32, seconds).rate
        figures.put(f"b-{'two' if count == 2 else 'one'}-replicas-busy", busy.share())
    urls = [f"http://{facts.address}/score" for facts in bare]
    with ProcessPoolExecutor(2) as pool:  # a generator settles its core before it has threads
        alone = put_load(urls[0], body, _HEADERS, 32, seconds).rate
        asked = [pool.submit(put_load, url, body, _HEADERS, 16, seconds) for url in urls]
        both = sum(one.result().rate for one in asked)
    say(f"  b, two replicas: {rates[2]:.0f}/s instead of {rates[1]:.0f}/s; bare {both:.0f}/s instead of {alone:.0f}/s")
    figures.put("b-two-replicas-ratio", rates[2] / rates[1])
    figures.put("b-two-bare-ratio", both / alone)
    service.update(app.id, one, one, Silent())


def shadow(figures: Figures, service: ServiceTarget, wanted: Wanted, app: GroupFacts, count: int) -> None:
    """Ask at a pace that leaves room, without copies and with a copy of each request, whose answers are compared.

    What is looked for is what a copy adds to the request that it is of, so the pace is one at which both revisions
    together keep two cores busy for a fifth of the time (B computes for 2 ms). At 200 a second it would be most of the
    time, and two models that want more cores than there are would be measured. The client waits in one blocking call,
    because an event loop of Python needs as much of a core as Envoy.
    """
    first, other = wanted(app.name), wanted(app.name, mark="shadow")
    service.update(app.id, first, held(other), Silent())
    revisions = service.revisions(app.id, first)
    assert revisions is not None
    old = serving(revisions)
    new = next(one.name for one in revisions.list() if one.name != old and one.ready)
    body, compared, lost = json.dumps(WORKLOADS["b"]).encode(), 0, 0
    met: dict[int, list[float]] = {0: [], 100: []}
    turns: dict[int, list[float]] = {0: [], 100: []}
    steady(app.address, body, 100, SHADOW_RATE)
    # what else the machine does comes in spells: turns of a second, and each kind begins as often as the other
    for percent in (0, 100, 100, 0) * count:
        revisions.mirror(old, new, percent, Silent())
        came = steady(app.address, body, SHADOW_RATE, SHADOW_RATE)
        met[percent] += came
        turns[percent].append(statistics.median(came))
        if found := revisions.compare(old, new):
            compared += len(found.pairs)
            lost += found.lost
    revisions.mirror(old, new, 0, Silent())
    with_, without = (Paced(met[percent]).p99 for percent in (100, 0))
    middle = statistics.median(a / b for a, b in zip(turns[100], turns[0], strict=True))
    say(f"  b, copies: p99 {with_:.2f} ms instead of {without:.2f} ms, {compared} answers compared, {lost} dropped")
    figures.put("b-shadow-compared", compared)
    figures.put("b-shadow-dropped", lost)
    figures.put("b-shadow-p99-ratio", with_ / without)
    figures.put("b-shadow-p50-ratio", middle)
    figures.put("b-shadow-p99-ms", with_)
    service.update(app.id, first, first, Silent())


def canary(figures: Figures, service: ServiceTarget, wanted: Wanted, app: GroupFacts, requests: int, rate: int) -> None:
    """Let revisions walk to all requests and back, again and again, until so many requests were sent."""
    over, changes = threading.Event(), 0
    body = json.dumps(WORKLOADS["b"]).encode()
    met: list[Paced] = []

    def ask() -> None:
        met.append(asyncio.run(paced(app.address, body, requests, rate)))
        over.set()

    client = threading.Thread(target=ask)
    client.start()
    before = wanted(app.name)
    while not over.is_set():
        changes += 1
        after = stepped(wanted(app.name, mark=str(changes)))
        revisions = service.revisions(app.id, after)
        assert revisions is not None
        old = serving(revisions)
        service.update(app.id, before, after, Silent())
        new = serving(revisions)
        revisions.weigh({old: 100}, Silent())  # a rollback
        revisions.weigh({new: 100}, Silent())
        before = after
        say(f"  {changes} canaries and rollbacks")
    client.join()
    (one,) = met
    say(f"  {len(one.seconds)} answers, lost: {one.lost[:3]}, p99 {one.p99:.1f} ms")
    figures.put("canary-requests", len(one.seconds) + len(one.lost))
    figures.put("canary-lost", len(one.lost))
    figures.put("canary-changes", changes)
    figures.put("canary-p99-ms", one.p99)


def serving(revisions: Revisions) -> str:
    """Return the name of the revision with the most requests."""
    return max(revisions.list(), key=lambda one: one.weight).name


Wanted = Callable[..., GroupSpec]


@contextmanager
def scene() -> Iterator[tuple[ServiceTarget, Wanted, str]]:
    """Give the services of this machine, and specs of an image of the server that was made for it."""
    name = f"bench{uuid.uuid4().hex[:6]}"
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder), name)
        for key in ("extra_steps", "steps_context"):
            del project.config["scoring:environment"][key]
        project.config["scoring:service"]["auth_enabled"] = False
        project.write("src/score.py", _SCORE)
        try:
            project.up().check_ok()
            image = project.outputs()["image"]
            # the bare server is asked at its own port: with a door, Envoy would be compared with Envoy
            target = LocalTarget(connect, replace(Settings.read(), door=False))

            def wanted(called: str, *, app: bool = True, mark: str = "") -> GroupSpec:
                # threads of numpy on two cores would be two replicas in one
                variables = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", **({"MARK": mark} if mark else {})}
                owner, kind = f"urn:pulumi:bench::scale::group::{called}", "container_app" if app else "container_group"
                keys = {"authEnabled": True, "primaryKey": _KEY, "secondaryKey": _KEY[::-1] + "2"}
                said = {"environmentVariables": variables, "runsOn": kind, "accessLog": False, **keys}
                return spec(called, image, owner=owner, cpuCores=1, memoryGb=1, **cast("Any", said))

            yield target.service, wanted, name
        finally:
            with suppress(AssertionError):
                project.pulumi("destroy", "--yes", "--skip-preview").check_ok()
            project.clean()


def scaled(of: GroupSpec, replicas: int) -> GroupSpec:
    """Return a spec with so many replicas."""
    runs = replace(of.declared.runs, scale=Scale(min_replicas=replicas))
    return replace(of, declared=replace(of.declared, runs=runs))


def held(of: GroupSpec) -> GroupSpec:
    """Return a spec whose revision stays at 0 percent."""
    runs = replace(of.declared.runs, traffic=Traffic(hold=True))
    return replace(of, declared=replace(of.declared, runs=runs))


def stepped(of: GroupSpec) -> GroupSpec:
    """Return a spec whose revision walks; two of it compute beside the load, so slowness says nothing."""
    steps = (CanaryStep(percent=10, pause=3), CanaryStep(percent=50, pause=3))
    runs = replace(of.declared.runs, traffic=Traffic(canary=steps, gate=Gate(max_p99_ratio=1000.0)))
    return replace(of, declared=replace(of.declared, runs=runs))


async def paced(
    address: str, body: bytes, count: int, rate: int, headers: Mapping[str, str] = MappingProxyType(_HEADERS)
) -> Paced:
    """Ask ``count`` times, ``rate`` times a second, over connections that are kept, and opened again when they end."""
    met, began, numbers = Paced(), time.monotonic(), iter(range(count))

    async def ask() -> None:
        host, port = address.split(":")
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        for number in numbers:
            await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))
            start = time.monotonic()
            try:
                streams = streams or await asyncio.open_connection(host, int(port))
                status, goes_on = await _exchange(*streams, body, headers)
            except (OSError, asyncio.IncompleteReadError) as error:
                met.lost.append(repr(error))
                streams = None
                continue
            if status == 200:
                met.seconds.append(time.monotonic() - start)
            else:
                met.lost.append(str(status))
            if not goes_on:
                streams[1].close()
                streams = None
        if streams:
            streams[1].close()

    await asyncio.gather(*(ask() for _ in range(_CONNECTIONS)))
    return met


def steady(address: str, body: bytes, count: int, rate: int) -> list[float]:
    """Ask ``count`` times, ``rate`` times a second, over one connection; give the seconds that each answer took."""
    host, port = address.split(":")
    connection, took, began = HTTPConnection(host, int(port), timeout=60), list[float](), time.monotonic()
    for number in range(count):
        time.sleep(max(0.0, began + number / rate - time.monotonic()))
        start = time.monotonic()
        connection.request("POST", "/score", body, _HEADERS)
        answer = connection.getresponse()
        answer.read()
        took.append(time.monotonic() - start)
        if answer.status != 200:
            raise SystemExit(f"answered {answer.status} beside copies")
    connection.close()
    return took


async def _exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, body: bytes, headers: Mapping[str, str]
) -> tuple[int, bool]:
    more = "".join(f"{name}: {value}\r\n" for name, value in {**_JSON, **headers}.items())
    head = f"POST /score HTTP/1.1\r\nHost: bench\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    writer.write(head.encode() + body)
    came = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
    length = next((int(line.partition(":")[2]) for line in came if line.startswith("content-length:")), None)
    if length is None:
        raise ConnectionError("an answer without a length")
    await reader.readexactly(length)
    # a server that is about to go says so, and every client has to listen (RFC 9112, 9.6)
    return int(came[0].split()[1]), "connection: close" not in came


def say(text: str) -> None:
    """Tell how far it is."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
