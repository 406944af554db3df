"""What somebody has changed by hand, and what an import sees: by value."""

from __future__ import annotations

from typing import Any

import pytest

from aciml.targets.local.sandbox import Runner
from aciml.targets.local.swarm.drift import drift, imported
from aciml.targets.local.swarm.template import KEYS, VARIABLES, Made, Probe, Secret, Template, secret_files, secret_name
from aciml.targets.protocol import GroupSpec
from tests.targets.specs import spec, told

IMAGE = "127.0.0.1:5000/iris@sha256:" + "a" * 64


def wanted(**said: Any) -> GroupSpec:
    return spec("iris", IMAGE, runsOn="container_app", **said)


def made(of: GroupSpec, replicas: int) -> Made:
    files = secret_files(of)
    secrets = tuple(Secret("id", secret_name(of.name, file, text), file) for file, text in files.items())
    template = Template(of, replicas, "net", Probe(), Runner((0, 0), "/root"), secrets)
    return Made.read({"ID": "x", "Version": {"Index": 1}, "Spec": template.to_json()})


@pytest.mark.parametrize(("least", "runs"), [(None, 1), (0, 1), (1, 1), (3, 3), (3, 0)])
def test_as_many_replicas_as_are_declared_are_no_difference(least: int | None, runs: int) -> None:
    said = wanted(scale={"minReplicas": least, "maxReplicas": 5}) if least is not None else wanted()

    assert drift(said, made(said, runs)).if_any is None


def test_replicas_that_somebody_has_added_are_one_and_the_rest_of_the_scale_stays() -> None:
    said = wanted(scale={"minReplicas": 2, "maxReplicas": 5})

    assert told(drift(said, made(said, 4))) == {"scale": {"minReplicas": 4, "maxReplicas": 5}}


def test_an_import_sees_what_the_replicas_are_given_but_what_follows_from_it() -> None:
    said = wanted(environmentVariables={"A": "1"}, drainTimeout=3)

    seen = told(imported(made(said, 2), {}))

    assert seen == {
        "runsOn": "container_app",
        "environmentVariables": {"A": "1"},
        "drainTimeout": 3,
        "scale": {"minReplicas": 2},
    }


def test_an_import_has_the_secrets_that_a_replica_shows_so_that_no_update_takes_them_away() -> None:
    keys = {"authEnabled": True, "primaryKey": "one", "secondaryKey": "two"}
    telemetry = {"enableAppInsights": True, "appInsightsConnectionString": "InstrumentationKey=1"}
    said = wanted(secureEnvironmentVariables={"PASSWORD": "p"}, **keys, **telemetry)

    assert secret_files(said).keys() == {KEYS, VARIABLES}
    seen = told(imported(made(said, 1), secret_files(said)))

    assert seen == {
        "runsOn": "container_app",
        "secureEnvironmentVariables": {"PASSWORD": "p"},
        **keys,
        **telemetry,
    }


def test_where_no_replica_can_be_asked_an_import_still_asks_for_keys() -> None:
    said = wanted(authEnabled=True, primaryKey="one", secondaryKey="two")

    assert told(imported(made(said, 1), {})) == {"runsOn": "container_app", "authEnabled": True}
    assert "authEnabled" not in told(imported(made(wanted(), 1), {}))
