"""What cannot be of replicas, revisions and traffic: one finding at check on every place, before anything is made."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aciml.core.errors import OutageError
from aciml.resources.group import ContainerGroup
from aciml.settings import Settings
from aciml.targets.azure import AzureTarget
from aciml.targets.azure.config import AzureConfig
from aciml.targets.local.target import LocalTarget
from aciml.targets.memory import MemoryTarget
from aciml.targets.protocol import ServiceTarget
from tests.contract.test_wrong_words import told
from tests.heard import Heard

if TYPE_CHECKING:
    import docker

    from tests.simulators.azure.emulator import Emulator

IMAGE = f"registry.example/iris@sha256:{'a' * 64}"
RIGHT = {"name": "iris-one", "image": IMAGE, "cpuCores": 0.5, "memoryGb": 1, "runsOn": "container_app"}
GOLDEN = 'requests:\n- {name: one, json: {"data": [[3]]}, expect: {json: {"predictions": [2.0]}}}\n'


def no_engine() -> docker.DockerClient:
    raise OutageError("Docker does not answer")


@pytest.fixture(params=["memory", "swarm", "azure"])
def services(request: pytest.FixtureRequest, tmp_path: Path) -> ServiceTarget:
    """The services of a place, none of which is asked: what is wrong by itself is known without."""
    if request.param == "memory":
        return MemoryTarget().service
    if request.param == "swarm":
        return LocalTarget(no_engine, Settings(tmp_path)).service
    cloud: Emulator = request.getfixturevalue("emulator")
    settings = Settings(tmp_path, ca_bundle=cloud.ca_bundle)
    return AzureTarget(AzureConfig.read(cloud.config(), {}), settings).service


def steps(*percents: float) -> dict[str, Any]:
    return {"traffic": {"canary": [{"percent": percent} for percent in percents]}}


WRONG: list[tuple[dict[str, Any], dict[str, str]]] = [
    (
        steps(50, 10),
        {"traffic.canary[1].percent": "10 percent comes after 50 percent, and steps only go up; write more than 50"},
    ),
    (
        steps(10, 10),
        {"traffic.canary[1].percent": "10 percent comes after 10 percent, and steps only go up; write more than 10"},
    ),
    (
        steps(100, 100),
        {
            "traffic.canary[1].percent": (
                "100 percent comes after 100 percent, and steps only go up; drop it: 100 percent is the last step"
            )
        },
    ),
    (
        steps(0, 101),
        {
            "traffic.canary[0].percent": "in traffic: in canary[0]: percent is 0; write 1 to 100",
            "traffic.canary[1].percent": "in traffic: in canary[1]: percent is 101; write 1 to 100",
        },
    ),
    (
        {"scale": {"minReplicas": 3, "maxReplicas": 2}},
        {"scale.maxReplicas": "scale.maxReplicas 2 is less than scale.minReplicas 3; write 3 or more"},
    ),
    (
        {"scale": {"minReplicas": -1, "maxReplicas": 1001}},
        {
            "scale.minReplicas": "in scale: minReplicas is -1; write 0 to 1000",
            "scale.maxReplicas": "in scale: maxReplicas is 1001; write 1 to 1000",
        },
    ),
    (
        {"traffic": {"label": "Not_One"}},
        {"traffic.label": '"Not_One" is no label: it is a part of a host name'},
    ),
    (
        {"traffic": {"hold": True, **steps(10)["traffic"]}},
        {"traffic.canary": "a revision that is held at 0 percent takes no steps; drop canary, or hold"},
    ),
    ({"traffic": {"golden": " "}}, {"traffic.golden": '" " names no file; name one, or drop golden'}),
    (
        {"traffic": {"golden": "nowhere.yaml"}},
        {"traffic.golden": "nowhere.yaml"},
    ),
    (
        {"traffic": {"tolerances": [{"path": "result", "absolute": 1}]}},
        {
            "traffic.tolerances": "tolerances are those of golden answers, and no file of them is named",
            "traffic.tolerances[0].path": '"result" is no JSON path; begin it with $',
        },
    ),
    (
        {"traffic": {"canry": [10], "gate": {"maxErrorRate": 2}}},
        {
            "traffic.canry": "in traffic: unknown property canry; did you mean canary?",
            "traffic.gate.maxErrorRate": "in traffic: in gate: maxErrorRate is 2; write 0 to 1",
        },
    ),
    ({"runsOn": "container_ap"}, {"runsOn": "did you mean container_app?"}),
]


@pytest.mark.parametrize(("wrong", "why"), WRONG, ids=", ".join)
def test_what_cannot_be_is_told_once_with_its_property(
    services: ServiceTarget, wrong: dict[str, Any], why: dict[str, str]
) -> None:
    found = told(ContainerGroup(services).check(None, {**RIGHT, **wrong}, Heard()))

    assert sorted(found) == sorted(why), found
    assert [name for name, said in why.items() if said not in found[name]] == [], found


def test_a_group_has_no_revisions_and_says_what_gives_some(services: ServiceTarget) -> None:
    said = {**RIGHT, "cpuCores": 1, "runsOn": "container_group", "scale": {"minReplicas": 2}, **steps(10)}

    found = told(ContainerGroup(services).check(None, said, Heard()))

    assert sorted(found) == ["scale", "traffic.canary"], found
    assert all("runsOn: container_app" in why for why in found.values())


def test_a_golden_file_is_held_to_the_schema_of_the_app_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = MemoryTarget()
    group, file = ContainerGroup(target.service), tmp_path / "golden.yaml"
    first = group.check(None, RIGHT, Heard()).inputs
    made = group.create(first, Heard(), preview=False)
    with target.world() as world:
        world.groups[made.id] = replace(world.groups[made.id], address="score.example", scheme="https")
    asked: list[str] = []

    def document(url: str, _: object) -> object:
        asked.append(url)
        items = {"type": "array", "items": {"type": "array", "minItems": 2}}
        body = {"type": "object", "required": ["data"], "properties": {"data": items}}
        content = {"application/json": {"schema": body}}
        return {"paths": {"/score": {"post": {"requestBody": {"content": content}}}}}

    monkeypatch.setattr("aciml.targets.golden.document_of", document)
    file.write_text(GOLDEN)
    found = told(group.check(first, {**RIGHT, "traffic": {"golden": str(file)}}, Heard()))

    assert asked == ["https://score.example"]
    assert found == {
        "traffic.golden": (
            f'{file}:2: "one" does not fit the model that runs: $.data[0] has 1 items and should have 2 at least'
        )
    }
