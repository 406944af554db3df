import sys, http.client, collections, time
sys.path[:0] = ["/work/wt/ops", "/work/wt/ops/provider", "/work/wt/ops/.venv/packages"]
from dataclasses import replace
from pathlib import Path
import docker
from aciml.core.credentials import Credentials
from aciml.core.progress import Silent
from aciml.docker.engine import connect
from aciml.settings import Settings
from aciml.targets.local.target import LocalTarget
from aciml.model.scale import Scale
from tests.simulators import containers
from tests.targets.specs import spec
client, other = docker.from_env(), docker.DockerClient(f"unix://{sys.argv[1]}")
containers.make_images(client)
refs = {}
for tag in ("serves", "serves-too"):
    name = "10.99.7.1:5000/probe"
    client.images.get(f"{containers.REPOSITORY}:{tag}").tag(name, tag)
    out = client.images.push(name, tag, auth_config={"username": "me", "password": "secret-of-ops"})
    digest = [w for l in out.splitlines() for w in [l] if "sha256" in l][-1].split("digest: ")[1].split(" ")[0].split('"')[0]
    refs[tag] = f"{name}:{tag}@{digest}"
print(refs)
class Elsewhere:
    def credentials(self, host): return Credentials("me", "secret-of-ops")
class P(Silent):
    def say(self, t): pass
    def warn(self, t): print("WARN", t)
    def note(self, t): print("NOTE", t)
target = LocalTarget(connect, Settings.read(), elsewhere=Elsewhere())
def wanted(tag):
    s = spec("iris-two", refs[tag], owner="urn:pulumi:a::b::c::d", runsOn="container_app", cpuCores=0.1, memoryGb=0.1, port=0, startupTimeout=100)
    return replace(s, declared=replace(s.declared, runs=replace(s.declared.runs, scale=Scale(min_replicas=4))))
t=time.time()
print("judge", target.service.judge(None, wanted("serves").declared, P()))
facts = target.service.create(wanted("serves"), P())
print("made", facts.address, time.time()-t)
def where():
    out = collections.Counter()
    for task in client.api.tasks(filters={"desired-state": "running"}): out[(task["NodeID"][:4], task["Status"]["State"])] += 1
    return dict(out)
print(where())
print("second node images", [i.attrs["RepoDigests"] for i in other.images.list()])
import threading
seen, over = collections.Counter(), threading.Event()
def call():
    host, port = facts.address.split(":")
    while not over.wait(0.01):
        c = http.client.HTTPConnection(host, int(port), timeout=30)
        try:
            c.request("GET", "/"); a = c.getresponse(); seen[a.read().decode().strip() if a.status == 200 else a.status] += 1
        except OSError as e: seen[repr(e)] += 1
        c.close()
th = threading.Thread(target=call); th.start()
facts2 = target.service.update(facts.id, wanted("serves"), wanted("serves-too"), P())
revs = target.service.revisions(facts.id, wanted("serves-too"))
for one in revs.list(): print(one.name, one.weight, one.ready, one.replicas)
for one in revs.replicas(revs.list()[0].name): print(one.name, one.state, one.restarts)
obs = target.service.observe(facts.id, wanted("serves-too")); print(len(obs.containers))
from aciml.targets.observed import LogWish
# the second node is drained: its replicas move
node = [n for n in client.api.nodes() if n["Spec"]["Role"] == "worker"][0]
client.api.update_node(node["ID"], node["Version"]["Index"], {**node["Spec"], "Availability": "drain"})
end = time.time() + 40
while time.time() < end and not all(n != node["ID"][:4] for n, _ in where()): time.sleep(0.5)
time.sleep(5)
print("after drain", where(), time.time()-end+40)
over.set(); th.join()
print("clients", dict(seen))
target.service.delete(facts.id, P(), facts.owner)
print("left", [s["Spec"]["Name"] for s in client.api.services()], client.api.inspect_swarm()["ID"][:6])
