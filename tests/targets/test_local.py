"""What the local target promises beyond the contract; real Docker."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aciml.core.errors import Cancelled, OutageError, UserError
from aciml.core.ownership import Stranger
from aciml.core.progress import Silent
from aciml.settings import Settings
from aciml.targets.image_told import judge_variables
from aciml.targets.local import group as local_group
from aciml.targets.local import shape as local_shape
from aciml.targets.local.engine import LocalEngine
from aciml.targets.local.ports import free_port
from aciml.targets.local.pull import PullProgress, ensure_image
from aciml.targets.local.sandbox import Sandbox
from aciml.targets.local.target import LocalTarget
from aciml.targets.protocol import Certificate, GroupFacts, GroupFailed, GroupSpec, RegistryFacts, RegistrySpec
from tests.contract.worlds import LocalWorld, Watcher
from tests.heard import Heard
from tests.simulators.containers import remove_images
from tests.targets.registries import registry, wanted_registry
from tests.targets.specs import declared
from tests.targets.specs import spec as made_spec

if TYPE_CHECKING:
    import docker


def spec_of(world: LocalWorld, behaviour: str = "serves") -> GroupSpec:
    return made_spec(f"{world.prefix}-g", world.image(behaviour), memoryGb=0.1, startupTimeout=30)


def made(world: LocalWorld) -> GroupFacts:
    return world.target.service.create(spec_of(world), Silent())


def refused(world: LocalWorld, spec: GroupSpec) -> GroupFailed:
    with pytest.raises(GroupFailed) as failed:
        world.target.service.create(spec, Silent())
    return failed.value


def restart_policy(world: LocalWorld, facts: GroupFacts) -> str:
    policy: str = world.client.api.inspect_container(facts.id)["HostConfig"]["RestartPolicy"]["Name"]
    return policy


def test_importing_the_target_does_not_import_docker() -> None:
    program = f"import sys; sys.path[:0] = {sys.path}; import aciml.targets.local; print('docker' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout == b"False\n"


def test_without_docker_every_call_says_so_and_nothing_reads_as_gone(tmp_path: Path) -> None:
    def connect() -> docker.DockerClient:
        import docker

        return docker.DockerClient(base_url=f"tcp://127.0.0.1:{free_port()}")

    target = LocalTarget(connect, Settings(tmp_path))

    for call in (lambda: target.service.read("aciml-x"), lambda: target.registry.read("aciml-registry-x")):
        with pytest.raises(OutageError, match="start Docker"):
            call()


def test_an_engine_that_was_not_there_is_looked_for_again(tmp_path: Path) -> None:
    tries: list[int] = []

    def connect() -> docker.DockerClient:
        tries.append(1)
        raise OutageError("Docker is not running", "start it")

    target = LocalTarget(connect, Settings(tmp_path))
    for _ in range(2):
        with pytest.raises(OutageError, match="Docker is not running"):
            target.service.read("aciml-x")

    assert len(tries) == 2


def test_pulling_tells_layers_and_megabytes() -> None:
    layers = PullProgress()
    events: list[dict[str, Any]] = [
        {"status": "Pulling from probe", "id": "one"},
        {"status": "Pulling fs layer", "id": "a"},
        {"status": "Pulling fs layer", "id": "b"},
        {"status": "Already exists", "id": "c"},
        {"status": "Downloading", "id": "a", "progressDetail": {"current": 10_000_000, "total": 100_000_000}},
        {"status": "Downloading", "id": "b", "progressDetail": {"current": 1, "total": 20_000_000}},
        {"status": "Pull complete", "id": "b"},
        {"status": "Digest: sha256:0"},
    ]

    said = [layers.hear(event) for event in events]

    assert said[0] == ""
    assert said[-1] == "pulling 2 of 3 layers, 30 of 120 MB"


@pytest.mark.docker
def test_an_image_that_docker_does_not_have_is_pulled_by_digest_and_again_if_it_goes_before_its_container_is_made(
    local: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = local.image("serves").rpartition("/")[0] + "/probe"
    here: list[bool] = []

    def create(*args: Any, **options: Any) -> Any:
        here.append(bool(local.client.api.images(name=repository)))
        if len(here) == 1:
            remove_images(local.client, repository)
        return local_shape.create_container(*args, **options)

    monkeypatch.setattr(local_group, "create_container", create)
    remove_images(local.client, repository)

    assert local.serves(made(local)) == "one"
    assert len(here) >= 2
    assert all(here)


@pytest.mark.docker
def test_an_image_that_the_registry_does_not_have_is_named(local: LocalWorld) -> None:
    missing = local.image("serves").partition("@")[0] + "@sha256:" + "0" * 64

    with pytest.raises((UserError, OutageError), match="0" * 64):
        local.target.service.create(spec_of(local).but(image=missing), Silent())

    assert local.leftovers() == []


@pytest.mark.docker
def test_of_one_that_ends_the_secret_is_in_neither_message_nor_label_and_docker_does_not_keep_it_running(
    local: LocalWorld,
) -> None:
    spec = spec_of(local, "exits").but(secure_environment_variables={"SECRET": "open-sesame"})

    failed = refused(local, spec)

    assert "the key is [secret]" in str(failed)
    assert failed.facts is not None
    seen = local.client.containers.get(failed.facts.id)
    assert "SECRET=open-sesame" in seen.attrs["Config"]["Env"]
    assert "open-sesame" not in json.dumps(seen.labels)
    assert restart_policy(local, failed.facts) in {"", "no"}


@pytest.mark.docker
def test_an_answer_other_than_200_is_told(local: LocalWorld) -> None:
    failed = refused(local, spec_of(local, "refuses").but(startup_timeout=0.5))

    assert "last seen: 404" in str(failed)


@pytest.mark.docker
def test_a_command_that_is_not_in_the_image_is_told(local: LocalWorld) -> None:
    failed = refused(local, spec_of(local, "lacks-its-command"))

    assert "exit code 127: the image's command was not found" in str(failed)
    assert "/bin/lost" in str(failed)


@pytest.mark.docker
def test_a_container_of_somebody_else_is_left_alone(local: LocalWorld) -> None:
    theirs = local.client.containers.create(local.image("serves"), name=f"aciml-{local.prefix}-g")
    try:
        with pytest.raises(Stranger, match="is there already and was not made by aciml, made 20"):
            made(local)
        local.target.service.delete(f"aciml-{local.prefix}-g", Silent())
        theirs.reload()
    finally:
        theirs.remove()


class AtTakeOver(Watcher):
    """Does something when the old container has been stopped and the new one is waited for."""

    def __init__(self, world: LocalWorld, facts: GroupFacts, *, cancel: bool) -> None:
        super().__init__()
        self._world, self._facts, self._cancel = world, facts, cancel

    def checkpoint(self) -> None:
        if inspect_state(self._world, self._facts.id) != "running":
            if self._cancel:
                raise Cancelled
            self._world.client.containers.get(f"{self._facts.id}-next").kill()


def inspect_state(world: LocalWorld, container: str) -> str:
    state: str = world.client.api.inspect_container(container)["State"]["Status"]
    return state


@pytest.mark.docker
def test_the_old_group_is_brought_back_when_the_take_over_goes_wrong_or_was_interrupted(local: LocalWorld) -> None:
    facts = made(local)
    wrong: tuple[tuple[bool, type[Exception]], ...] = ((False, GroupFailed), (True, Cancelled))

    for cancel, error in wrong:
        with pytest.raises(error):
            local.target.service.update(
                facts.id, spec_of(local), spec_of(local, "serves-too"), AtTakeOver(local, facts, cancel=cancel)
            )

        assert local.leftovers() == [facts.id], error
        assert local.target.service.update(facts.id, spec_of(local), spec_of(local), Silent()) == facts, error
        assert local.serves(facts) == "one", error
    what_an_interrupted_take_over_left_is_undone_by_the_next_update(local, facts)


def what_an_interrupted_take_over_left_is_undone_by_the_next_update(local: LocalWorld, facts: GroupFacts) -> None:
    old = local.client.containers.get(facts.id)
    labels = {"aciml.kind": "group", "aciml.name": facts.name}
    local.client.containers.run(local.image("serves-too"), name=f"{facts.id}-next", labels=labels, detach=True)
    old.stop(timeout=1)

    assert local.target.service.update(facts.id, spec_of(local), spec_of(local), Silent()) == facts
    assert local.leftovers() == [facts.id]


@pytest.mark.docker
def test_a_new_registry_that_exits_leaves_no_container(local: LocalWorld) -> None:
    with pytest.raises(OutageError, match="exited with code 3"):
        local.target.registry.create(wanted_registry(f"{local.prefix}-r", image=local.image("exits")), Silent())

    assert local.leftovers() == []


URN = "urn:pulumi:dev::shop::aciml:index:ScoringService$aciml:compute:ContainerGroup::iris-group"


def clone_of(world: LocalWorld) -> LocalTarget:
    """Return the target as a second clone of the project has it."""
    return LocalTarget(lambda: world.client, Settings(world.cache), workspace="elsewhere")


def of_old(world: LocalWorld, kind: str, name: str, image: str, **more: Any) -> str:
    """Make a container as the version 0.1.0 labelled it."""
    id_ = f"aciml-{'registry-' if kind == 'registry' else ''}{name}"
    labels = {"aciml.kind": kind, "aciml.name": name, "aciml.image": image}
    if kind == "group":
        labels |= {"aciml.variables": "", "aciml.certificate": ""}
    world.client.containers.run(  # type: ignore[call-overload]  # the stubs lack this policy
        image, name=id_, labels=labels, detach=True, restart_policy={"Name": "unless-stopped"}, **more
    )
    return id_


def a_group_that_serves_is_kept_running_by_docker(world: LocalWorld, facts: GroupFacts) -> None:
    assert restart_policy(world, facts) == "unless-stopped"


def its_labels_say_whose_it_is_and_hold_no_secret(world: LocalWorld, facts: GroupFacts) -> None:
    labels = world.client.containers.get(facts.id).labels
    told = {key.removeprefix("io.aciml."): value for key, value in labels.items() if key.startswith("io.aciml.")}
    assert (told["urn"], told["stack"], told["project"]) == (URN, "dev", "shop")
    assert told["mark"] == facts.owner
    assert set(told) == {"urn", "stack", "project", "workspace", "version", "mark", "image.digest"}
    assert "open-sesame" not in json.dumps(labels)


def it_says_what_image_it_is_by_label_and_to_its_server(world: LocalWorld, facts: GroupFacts) -> None:
    name, _, digest = facts.image.partition("@")
    seen = world.client.containers.get(facts.id)

    assert seen.labels["org.opencontainers.image.ref.name"] == name
    assert seen.labels["org.opencontainers.image.version"] == "1.4"
    assert seen.labels["io.aciml.image.digest"] == digest
    assert f"ACIML_IMAGE_DIGEST={digest}" in seen.attrs["Config"]["Env"]


def a_port_that_it_has_is_refused_to_others_with_its_name_and_its_owner(world: LocalWorld, facts: GroupFacts) -> None:
    with pytest.raises(UserError, match=f'container "{facts.id}"'):
        world.target.registry.create(
            wanted_registry(f"{world.prefix}-p", port=facts.port, image=world.registry_image), Silent()
        )
    with pytest.raises(UserError, match='which belongs to ContainerGroup "iris-group" of stack dev, project shop'):
        world.target.service.create(spec_of(world).but(name=f"{world.prefix}-b", port=facts.port), Silent())

    assert world.leftovers() == [facts.id]


def one_that_was_stopped_is_not_gone_and_is_started_again(
    world: LocalWorld, facts: GroupFacts, spec: GroupSpec
) -> None:
    world.client.containers.get(facts.id).stop(timeout=1)
    assert world.target.service.read(facts.id) == replace(facts, state="Stopped")

    assert world.target.service.update(facts.id, spec, spec, Silent()) == facts
    assert world.serves(facts) == "one"


def a_second_clone_with_its_name_is_refused_and_a_preview_says_so(
    world: LocalWorld, facts: GroupFacts, spec: GroupSpec
) -> None:
    clone = clone_of(world)

    with pytest.raises(Stranger, match='ContainerGroup "iris-group" of stack dev, project shop in another folder'):
        clone.service.create(spec, Silent())
    (finding,) = clone.service.judge(None, declared(name=spec.name), Heard(urn=URN))
    assert finding.where == "name"
    assert "in another folder" in finding.why
    assert world.target.service.judge(None, declared(name=spec.name), Heard(urn=URN)) == []
    clone.service.delete(facts.id, Heard(urn=URN), known_as="of-the-clone")
    assert world.serves(facts) == "one"
    assert clone.service.default_name(URN) != world.target.service.default_name(URN)


def a_variable_that_changes_or_goes_and_new_limits_make_a_new_container(
    world: LocalWorld, facts: GroupFacts, spec: GroupSpec
) -> None:
    before, container = world.incarnation(facts), world.client.containers.get(facts.id)
    host = container.attrs["HostConfig"]
    assert (host["CapDrop"], host["PidsLimit"], host["SecurityOpt"]) == (["ALL"], 4096, ["no-new-privileges"])
    here = spec.but(port=facts.port)
    fewer, limits = here.but(environment_variables={"A": "1"}), here.but(run_as_root=True, max_processes=99)
    other = here.but(environment_variables={"A": "1", "B": "3", "SERVICE_VERSION": "1.4"})
    assert [local_shape.runs_as(container, one) for one in (here, fewer, other, limits)] == [True, False, False, False]

    changed = world.target.service.update(facts.id, spec, fewer.but(run_as_root=True, max_processes=99), Silent())

    assert world.incarnation(changed) != before
    host = world.client.containers.get(changed.id).attrs["HostConfig"]
    assert (host["CapDrop"] or [], host["PidsLimit"]) == ([], 99)


def its_end_says_what_stays_and_how_it_goes(world: LocalWorld, facts: GroupFacts) -> None:
    told = Heard()

    world.target.service.delete(facts.id, told)

    (image,) = told.notes
    name = image.partition("docker image rm ")[2].partition("`")[0]
    assert name.partition("@")[2] == facts.image.partition("@")[2]
    assert world.client.images.get(name)


@pytest.mark.docker
def test_a_group_and_all_that_is_said_of_its_container(local: LocalWorld) -> None:
    variables = {"A": "1", "B": "2", "SERVICE_VERSION": "1.4"}
    said = spec_of(local).but(environment_variables=variables, secure_environment_variables={"SECRET": "open-sesame"})
    spec = replace(said, owner=URN)
    facts = local.target.service.create(spec, Silent())
    a_group_that_serves_is_kept_running_by_docker(local, facts)
    its_labels_say_whose_it_is_and_hold_no_secret(local, facts)
    it_says_what_image_it_is_by_label_and_to_its_server(local, facts)
    a_port_that_it_has_is_refused_to_others_with_its_name_and_its_owner(local, facts)
    one_that_was_stopped_is_not_gone_and_is_started_again(local, facts, spec)
    a_second_clone_with_its_name_is_refused_and_a_preview_says_so(local, facts, spec)
    a_variable_that_changes_or_goes_and_new_limits_make_a_new_container(local, facts, spec)
    its_end_says_what_stays_and_how_it_goes(local, facts)


def a_stopped_registry_is_not_gone_and_is_started_again(
    world: LocalWorld, facts: RegistryFacts, spec: RegistrySpec
) -> None:
    world.client.containers.get(facts.id).stop(timeout=1)
    assert world.target.registry.read(facts.id) == replace(facts, state="Stopped")

    assert world.target.registry.create(spec, Silent()) == facts


def one_whose_new_image_exits_goes_on_with_the_old_one(
    world: LocalWorld, facts: RegistryFacts, spec: RegistrySpec
) -> None:
    exits = wanted_registry(spec.name, image=world.image("exits"), owner=URN)
    with pytest.raises(OutageError, match="exited with code 3"):
        world.target.registry.create(exits, Silent())

    assert world.target.registry.read(facts.id) == facts
    assert world.target.registry.create(spec, Silent()) == facts
    assert world.leftovers() == [facts.id]


def a_clone_is_refused_its_name(world: LocalWorld, spec: RegistrySpec) -> None:
    with pytest.raises(Stranger, match="pulumi import aciml:registry:ContainerRegistry"):
        clone_of(world).registry.create(spec, Silent())


def the_end_of_a_registry_says_that_its_volume_stays_and_how_it_goes(world: LocalWorld, facts: RegistryFacts) -> None:
    told = Heard()

    world.target.registry.delete(facts.id, delete_data=False, progress=told)

    (volume,) = told.notes
    assert f"docker volume rm {facts.id}" in volume


def its_volume_is_refused_to_somebody_else_and_outlives_their_deletion(
    world: LocalWorld, facts: RegistryFacts, spec: RegistrySpec
) -> None:
    clone, told = clone_of(world), Heard(urn=URN)

    with pytest.raises(Stranger, match=f"docker volume rm {facts.id}"):
        clone.registry.create(spec, Silent())
    assert clone.registry.judge(None, registry(name=spec.name), told)
    clone.registry.delete(facts.id, delete_data=True, progress=told, known_as="of-the-clone")

    assert f'volume "{facts.id}" belongs to somebody else: it stays' in told.warnings
    assert world.client.volumes.get(facts.id)
    assert world.leftovers() == []


@pytest.mark.docker
def test_a_registry_goes_on_after_what_goes_wrong_and_its_volume_stays_whose_it_is(local: LocalWorld) -> None:
    spec = wanted_registry(f"{local.prefix}-r", image=local.registry_image, owner=URN)
    facts = local.target.registry.create(spec, Silent())
    a_stopped_registry_is_not_gone_and_is_started_again(local, facts, spec)
    one_whose_new_image_exits_goes_on_with_the_old_one(local, facts, spec)
    a_clone_is_refused_its_name(local, spec)
    the_end_of_a_registry_says_that_its_volume_stays_and_how_it_goes(local, facts)
    its_volume_is_refused_to_somebody_else_and_outlives_their_deletion(local, facts, spec)


@pytest.mark.docker
def test_what_an_older_version_made_goes_on_and_gets_its_labels_with_the_next_change(local: LocalWorld) -> None:
    id_ = of_old(
        local, "group", f"{local.prefix}-g", local.image("serves"), ports={"5001/tcp": ("127.0.0.1", free_port())}
    )
    spec = replace(spec_of(local), owner=URN)
    read = local.target.service.read(id_, spec)
    assert read is not None
    assert (read.state, read.owner) == ("Running", "")

    with pytest.raises(Stranger, match=r"was made by an aciml before 0\.2\.0"):
        local.target.service.create(spec, Silent())
    kept = local.target.service.update(id_, spec, spec.but(cpu_cores=0.2), Silent())
    assert (kept.cpu, kept.port) == (0.2, read.port)
    after = local.target.service.update(id_, spec, spec.but(image=local.image("serves-too")), Silent())

    assert local.serves(after) == "two"
    assert local.client.containers.get(id_).labels["io.aciml.urn"] == URN
    local.target.service.delete(id_, Heard(urn=URN), known_as=after.owner)
    assert local.leftovers() == []


@pytest.mark.docker
def test_a_registry_of_an_older_version_keeps_its_volume(local: LocalWorld) -> None:
    name, port = f"{local.prefix}-r", free_port()
    volume = f"aciml-registry-{name}"
    local.client.volumes.create(volume, labels={"aciml.kind": "registry", "aciml.name": name})
    mounts = {volume: {"bind": "/var/lib/registry", "mode": "rw"}}
    ports = {"5000/tcp": ("127.0.0.1", port)}
    id_ = of_old(local, "registry", name, local.registry_image, volumes=mounts, ports=ports)
    spec = wanted_registry(name, image=local.registry_image, owner=URN)
    known = local.target.registry.update(id_, spec, spec, Silent())
    local.store(known)

    elsewhere = replace(spec, declared=spec.declared.but(port=free_port()))
    moved = local.target.registry.update(id_, spec, elsewhere, Silent())
    assert local.holds(moved)
    local.target.registry.delete(id_, delete_data=False, progress=Heard(urn=URN), known_as=moved.owner)
    assert local.holds(local.target.registry.create(spec, Silent()))
    local.target.registry.delete(id_, delete_data=True, progress=Heard(urn=URN), known_as=moved.owner)

    assert volume not in {found.name for found in local.client.volumes.list()}


@pytest.mark.docker
def test_a_group_whose_name_is_that_of_a_candidate_is_left_when_the_other_goes(local: LocalWorld) -> None:
    facts = made(local)
    other = local.target.service.create(spec_of(local).but(name=f"{local.prefix}-g-next"), Silent())

    local.target.service.delete(facts.id, Silent())

    assert local.leftovers() == [other.id]


def test_a_preview_without_docker_says_nothing_of_strangers(tmp_path: Path) -> None:
    def connect() -> docker.DockerClient:
        raise OutageError("Docker is not running", "start it")

    target = LocalTarget(connect, Settings(tmp_path))

    assert target.service.judge(None, declared(name="iris"), Silent()) == []


@pytest.mark.docker
def test_a_container_has_the_labels_of_its_image(local: LocalWorld, tmp_path: Path) -> None:
    spec = spec_of(local)
    repository = spec.image.rpartition("/")[0] + "/labelled"
    (tmp_path / "Dockerfile").write_text(f"FROM {spec.image}\nLABEL org.opencontainers.image.revision=abc-dirty\n")
    made, _ = local.client.images.build(path=str(tmp_path), tag=f"{repository}:1", rm=True, nocache=True)
    local.client.images.push(repository, "1")
    made.reload()
    digest = next(one for one in made.attrs["RepoDigests"] if one.startswith(repository)).rpartition("@")[2]
    try:
        facts = local.target.service.create(spec.but(image=f"{repository}:1@{digest}"), Silent())
        seen = local.client.containers.get(facts.id)
        assert seen.labels["org.opencontainers.image.revision"] == "abc-dirty"
        assert seen.labels["org.opencontainers.image.ref.name"] == f"{repository}:1"
        local.target.service.delete(facts.id, Silent())
    finally:
        remove_images(local.client, repository)


@pytest.mark.docker
def test_a_container_that_was_made_before_it_was_told_its_image_goes_on(
    local: LocalWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as before:
        before.setattr(local_shape, "image_variable", lambda _: {})
        before.setattr(local_shape, "oci_labels", lambda _: {})
        facts = made(local)
    incarnation = local.incarnation(facts)

    local.target.service.update(facts.id, spec_of(local), spec_of(local), Silent())

    assert local.incarnation(facts) == incarnation


def test_a_variable_that_follows_from_the_image_is_not_the_users() -> None:
    told = {"environmentVariables": {"ACIML_IMAGE_DIGEST": "x"}, "secureEnvironmentVariables": {"A": "1"}}

    assert [(one.where, one.why) for one in judge_variables(declared(**told))] == [
        (
            'environmentVariables["ACIML_IMAGE_DIGEST"]',
            "ACIML_IMAGE_DIGEST is set by the property image; use that",
        )
    ]


@pytest.mark.docker
@pytest.mark.parametrize("read_only", [False, True])
def test_the_files_of_tls_are_the_users_alone(local: LocalWorld, *, read_only: bool) -> None:
    certificate = Certificate(b"chain", b"key", b"authorities")
    spec = made_spec(f"{local.prefix}-g", local.image("serves"), certificate=certificate, readOnlyRoot=read_only)
    engine = LocalEngine(lambda: local.client, "here")
    ensure_image(local.client, spec.image, {}, Silent())
    container = local_shape.create_container(engine, f"aciml-{local.prefix}-g", spec)
    volumes = {mount["Name"] for mount in container.attrs["Mounts"]}
    try:
        found = {}
        for path in ("cert.pem", "key.pem", "clients.pem"):
            chunks, _ = container.get_archive(f"/var/aciml/tls/{path}")
            with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
                (entry,) = tar.getmembers()
                content = tar.extractfile(entry)
                found[path] = (content.read() if content else b"", entry.mode & 0o777, entry.uid)
        assert container.attrs["HostConfig"]["ReadonlyRootfs"] is read_only
    finally:
        engine.remove(container)

    assert found == {
        "cert.pem": (b"chain", 0o400, 0),
        "key.pem": (b"key", 0o400, 0),
        "clients.pem": (b"authorities", 0o400, 0),
    }
    assert len(volumes) == read_only
    assert not volumes & {volume.name for volume in local.client.volumes.list()}


@pytest.mark.parametrize(
    ("driver", "said"), [("json-file", {"max-size": "7m", "max-file": "2"}), ("journald", None), ("", None)]
)
def test_a_log_that_is_kept_elsewhere_is_left_to_who_keeps_it(driver: str, said: dict[str, str] | None) -> None:
    class Client:
        def info(self) -> dict[str, str]:
            return {"LoggingDriver": driver}

    engine = LocalEngine(Client, "here")  # type: ignore[arg-type]  # it is asked for nothing else
    options = Sandbox.of(made_spec("iris", "image", logSizeMb=7, logFiles=2)).options(engine, None)

    assert (options["log_config"].config if "log_config" in options else None) == said
