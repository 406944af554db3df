"""The rules of check and those of the emulated service, written apart, agree on random container apps."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aciml.targets.azure.apps.change import app_changes, is_revision
from tests.simulators.azure.apps.references import check_references
from tests.simulators.azure.apps.rules import check_body
from tests.simulators.azure.apps.traffic import check_traffic
from tests.simulators.azure.http import ArmError
from tests.targets.azure.apps.app_samples import IMAGE, PLACE, app, judged, request
from tests.targets.azure.groups.group_samples import PATIENT

PROFILES = [{"name": "Consumption", "workloadProfileType": "Consumption"}]
PROBE = st.fixed_dictionaries(
    {"httpGet": st.fixed_dictionaries({"port": st.integers(1, 65535), "path": st.sampled_from(["/", "/live"])})},
    optional={
        "periodSeconds": st.integers(1, 300),
        "failureThreshold": st.integers(1, 12),
        "initialDelaySeconds": st.integers(0, 70),
        "timeoutSeconds": st.integers(1, 300),
    },
)
NAMES = st.one_of(st.sampled_from(["iris", "a1", "i-r-s"]), st.from_regex(r"[a-z1-][a-z0-9-]{0,34}", fullmatch=True))
VARIABLES = st.dictionaries(
    st.one_of(st.sampled_from(["A", "A_B", "a1"]), st.sampled_from(["A-B", "A.B"])),
    st.text("ab", max_size=2),
    max_size=3,
)
APPS = st.fixed_dictionaries(
    {},
    optional={
        "name": NAMES,
        "cpuCores": st.sampled_from([0.25, 0.3, 0.5, 1, 1.75, 2, 4, 4.25]),
        "memoryGb": st.sampled_from([0.5, 1, 2, 3.5, 4, 8]),
        "environmentVariables": VARIABLES,
        "secureEnvironmentVariables": st.dictionaries(st.sampled_from(["S", "T_U"]), st.sampled_from(["", "x"])),
        "livenessProbe": PROBE,
        "readinessProbe": PROBE,
        "scale": st.fixed_dictionaries(
            {},
            optional={
                "minReplicas": st.integers(0, 1001),
                "maxReplicas": st.integers(0, 1001),
                "concurrentRequests": st.integers(1, 50),
                "coolDown": st.integers(1, 900),
            },
        ),
        "command": st.lists(st.sampled_from(["python", "-m"]), min_size=1, max_size=2),
        "replicaTimeout": st.integers(1, 240),
        "volumes": st.sampled_from([[{"name": "scratch", "emptyDir": {}}], [{"name": "files", "secret": {"a": "b"}}]]),
        "initContainers": st.sampled_from([[{"name": "fetch", "image": IMAGE}]]),
        "traffic": st.sampled_from([{"canary": [{"percent": 10}]}, {"hold": True}]),
        "tags": st.dictionaries(st.sampled_from(["a", "b"]), st.text("xy", max_size=2), max_size=2),
    },
)


def refusal(given: dict[str, Any]) -> str:
    """Return why the service refuses an app; empty if it takes it."""
    made = request(app(**given)).to_put([{"latestRevision": True, "weight": 100}])
    try:
        check_body(app(**given).name, made, PROFILES)
        check_references(_NoWorld(), made, "")  # type: ignore[arg-type]  # nothing in these apps is in a world
        check_traffic(made["properties"]["configuration"]["ingress"]["traffic"], set(), set(), single=False)
    except ArmError as error:
        return error.message
    return ""


class _NoWorld:
    def get(self, _: str) -> None:
        return None


@PATIENT
@given(APPS)
def test_what_is_not_refused_here_is_taken_there(given: dict[str, Any]) -> None:
    if not judged(given):
        assert refusal(given) == ""


@PATIENT
@given(APPS)
def test_what_is_refused_there_is_refused_here(given: dict[str, Any]) -> None:
    if refusal(given):
        assert judged(given)


@PATIENT
@given(APPS, APPS)
def test_what_makes_a_revision_is_what_changes_its_name(one: dict[str, Any], other: dict[str, Any]) -> None:
    old, new = (app(**{**said, "name": "iris"}) for said in (one, other))

    assert (request(old).revision != request(new).revision) == is_revision(old, new, PLACE)
    if not app_changes(old, new, PLACE):
        assert request(old).revision == request(new).revision
        assert request(old).to_put([]) == request(new).to_put([])
