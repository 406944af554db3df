"""What somebody changes of an environment behind the program's back: a refresh sees it, the next update mends it.

Without Docker: the emulated cloud takes each replica for one that runs, and nobody is asked.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import UserError
from aciml.core.progress import Silent
from aciml.targets.azure.apps import gate
from aciml.targets.azure.apps.certificate import to_arm
from aciml.targets.azure.apps.change import app_changes
from aciml.targets.azure.apps.environment import environment_site
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.azure.arm.patience import Clock
from aciml.targets.protocol import Certificate, GroupFailed, GroupSpec
from aciml.targets.smoke import Answer
from tests.heard import Heard
from tests.simulators.azure.emulator import Emulator
from tests.simulators.certificates import self_signed
from tests.targets.azure.apps.app_life import AppLife, living_apps

WORKSPACE = "0a1b2c3d-0000-4000-8000-000000000001"
LOGS = {"logAnalytics": {"workspaceId": WORKSPACE, "workspaceKey": "a2V5LW9mLWxvZ3M="}}
PROFILES = {"workloadProfiles": [{"name": "big", "type": "D4", "minimumCount": 1, "maximumCount": 2}]}


@pytest.fixture
def life(emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppLife]:
    emulator.containers = False
    # on paper nobody listens
    monkeypatch.setattr(gate, "ask", lambda *_: Answer(200))
    with living_apps(emulator, {"serves": f"registry.example/iris@sha256:{'a' * 64}"}, tmp_path) as here:
        yield here


def home_of(life: AppLife) -> dict[str, Any]:
    """Return the environment, as the cloud keeps it."""
    (found,) = [one for id_, one in life.emulator.world.resources.items() if id_.endswith("/aciml-westeurope")]
    properties: dict[str, Any] = found["properties"]
    return properties


CHANGED: list[tuple[str, dict[str, Any], dict[str, Any], dict[str, Any]]] = [
    ("its logs go nowhere", LOGS, {"appLogsConfiguration": {"destination": "none"}}, {"log_analytics": None}),
    (
        "its logs go elsewhere",
        LOGS,
        {
            "appLogsConfiguration": {
                "destination": "log-analytics",
                "logAnalyticsConfiguration": {"customerId": "another"},
            }
        },
        {"log_analytics": "another"},
    ),
    (
        "a profile has fewer machines",
        {"containerApp": PROFILES},
        {
            "workloadProfiles": [
                {"name": "Consumption", "workloadProfileType": "Consumption"},
                {"name": "big", "workloadProfileType": "D4", "minimumCount": 0, "maximumCount": 1},
            ]
        },
        {"container_app": [("big", 0, 1)]},
    ),
    (
        "a profile is gone",
        {"containerApp": PROFILES},
        {"workloadProfiles": [{"name": "Consumption", "workloadProfileType": "Consumption"}]},
        {"container_app": []},
    ),
    (
        "its ingress waits less",
        {"containerApp": PROFILES, "replicaTimeout": 900},
        {"ingressConfiguration": {"workloadProfileName": "big", "requestIdleTimeout": 5}},
        {"replica_timeout": 300},
    ),
]


@pytest.mark.parametrize(("said", "changed", "seen"), [row[1:] for row in CHANGED], ids=[row[0] for row in CHANGED])
def test_a_change_by_hand_is_seen_and_the_next_update_puts_it_right(
    life: AppLife, said: dict[str, Any], changed: dict[str, Any], seen: dict[str, Any]
) -> None:
    facts, spec = life.create(**said), life.spec(**said)
    wanted = {name: home_of(life)[name] for name in changed}
    assert life.apps.read(facts.id, spec) == facts
    home_of(life).update(changed)

    found = life.apps.read(facts.id, spec)

    assert found is not None
    assert found.drift is not None
    assert list(found.drift.names) == list(seen)
    now = found.drift.now
    logs, app = now.log_analytics, now.runs.container_app
    is_ = {
        "log_analytics": logs.workspace_id if logs else None,
        "container_app": [(one.name, one.minimum_count, one.maximum_count) for one in app.workload_profiles]
        if app
        else [],
        "replica_timeout": now.runs.replica_timeout,
    }
    assert {name: is_[name] for name in seen} == seen
    again = life.update(facts, spec, spec)
    assert {name: home_of(life)[name] for name in changed} == wanted
    assert life.apps.read(facts.id, spec) == again


def test_what_others_add_to_it_is_theirs(life: AppLife) -> None:
    facts, spec = life.create(containerApp=PROFILES), life.spec(containerApp=PROFILES)
    there = home_of(life)["workloadProfiles"]
    home_of(life)["workloadProfiles"] = [*there, {"name": "theirs", "workloadProfileType": "E4"}]

    assert life.apps.read(facts.id, spec) == facts


def test_zones_that_it_has_not_any_more_are_seen_and_another_environment_is_asked_for(life: AppLife) -> None:
    net = "Microsoft.Network/virtualNetworks"
    subnet = f"{life.emulator.world.resource_id(life.emulator.resource_group, net, 'net')}/subnets/apps"
    life.emulator.world.put(subnet, {"id": subnet, "name": "apps", "type": f"{net}/subnets", "properties": {}})
    said: dict[str, Any] = {
        "subnetId": subnet,
        "containerApp": {"zoneRedundant": True, "internal": True},
    }
    facts, spec = life.create(**said), life.spec(**said)
    home_of(life)["zoneRedundant"] = False

    found = life.apps.read(facts.id, spec)

    assert found is not None
    assert found.drift is not None
    assert found.drift.names == ("container_app",)
    with pytest.raises(UserError, match="it is not zone redundant; name another environment"):
        life.update(facts, spec, spec)


def test_one_that_is_gone_with_its_apps_is_made_again_with_them(life: AppLife) -> None:
    facts, spec = life.create(), life.spec()
    # an environment cannot be deleted while apps are in it: its resource group can
    life.apps.delete(facts.id, Silent(), facts.owner)
    assert life.homes() == []

    assert life.apps.read(facts.id, spec) is None
    life.update(facts, spec, spec)
    assert life.homes() == ["aciml-westeurope"]


# the certificate of a host name of one's own


def certified(life: AppLife, certificate: Certificate | None, **said: Any) -> GroupSpec:
    """Return a spec with the files of a certificate, as check fills it in."""
    files = {"sslEnabled": True, "sslCertPemFile": "chain.pem", "sslKeyPemFile": "key.pem"}
    words: dict[str, Any] = {**files, "certificateHash": certificate.fingerprint} if certificate else {}
    spec = life.spec(**words, containerApp={"customDomain": "score.example.com"} if certificate else {}, **said)
    return replace(spec, certificate=certificate)


def uploaded(life: AppLife) -> list[str]:
    return [id_.rpartition("/")[2] for id_ in life.emulator.world.resources if "/certificates/" in id_]


def made_certificate(life: AppLife) -> Certificate:
    # read at once: the next one has the same names
    chain, key = (path.read_bytes() for path in self_signed(life.folder, "score.example.com"))
    return Certificate(chain, key)


def test_files_of_a_certificate_are_uploaded_and_renewed_and_go_with_the_app(life: AppLife) -> None:
    first, second = made_certificate(life), made_certificate(life)
    old, new = certified(life, first), certified(life, second)
    facts = life.apps.create(old, Silent())

    assert facts.address.partition(":")[0] == "score.example.com"
    assert uploaded(life) == [f"{life.name}-{first.fingerprint[:12]}"]
    (domain,) = life.seen()["properties"]["configuration"]["ingress"]["customDomains"]
    assert domain["certificateId"].endswith(f"/certificates/{life.name}-{first.fingerprint[:12]}")
    assert life.apps.read(facts.id, old) == facts

    assert app_changes(old, new, life.session.config) == {"certificate_hash": "update"}
    before = set(life.revisions())
    life.update(facts, old, new)
    assert uploaded(life) == [f"{life.name}-{second.fingerprint[:12]}"]
    assert set(life.revisions()) == before
    life.emulator.forget()
    life.update(facts, new, new)
    assert life.counts("PUT", "PATCH", "DELETE", of="microsoft.app") == 0

    plain = certified(life, None)
    life.update(facts, new, plain)
    assert uploaded(life) == []
    life.update(facts, plain, old)
    life.apps.delete(facts.id, Silent(), facts.owner)
    assert uploaded(life) == []


def test_the_key_is_in_no_answer_and_no_error(life: AppLife) -> None:
    broken = Certificate(made_certificate(life).chain, b"text-of-a-key")

    with pytest.raises(AzureError) as caught:
        life.apps.create(certified(life, broken), Silent())

    assert "uploading the certificate" in str(caught.value)
    assert "text-of-a-key" not in str(caught.value)
    assert life.homes() == ["aciml-westeurope"]
    assert uploaded(life) == []


def test_someone_elses_certificate_is_seen_at_a_refresh(life: AppLife) -> None:
    spec = certified(life, made_certificate(life))
    facts = life.apps.create(spec, Silent())
    other = certified(life, made_certificate(life))
    life.apps.calls.put_certificate(
        environment_site(spec.declared, life.session.config),
        "theirs",
        to_arm(other.certificate or made_certificate(life), "westeurope"),
    )
    site, home = life.apps.site(spec), environment_site(spec.declared, life.session.config).id
    domain = {
        "name": "score.example.com",
        "bindingType": "SniEnabled",
        "certificateId": f"{home}/certificates/theirs",
    }
    body = {"properties": {"configuration": {"ingress": {"customDomains": [domain]}}}}
    life.apps.calls.patch(site, body, Silent(), Clock(0), "changing it by hand")

    found = life.apps.read(facts.id, spec)

    assert found is not None
    assert found.drift is not None
    assert found.drift.names == ("container_app",)


# the one that Azure makes


def managed(life: AppLife, proof: str, domain: str = "score.example.com") -> GroupSpec:
    return life.spec(containerApp={"customDomain": domain, "managedCertificate": proof})


def made_by_azure(life: AppLife) -> list[str]:
    return [id_.rpartition("/")[2] for id_ in life.emulator.world.resources if "/managedcertificates/" in id_]


def binding(life: AppLife) -> list[tuple[str, str]]:
    domains = life.seen()["properties"]["configuration"]["ingress"]["customDomains"]
    return [(one["bindingType"], str(one.get("certificateId") or "").rpartition("/")[2]) for one in domains]


@pytest.mark.parametrize("proof", ["CNAME", "HTTP"])
def test_a_certificate_is_made_when_the_app_has_the_host_name_and_goes_with_it(life: AppLife, proof: str) -> None:
    spec = managed(life, proof)
    facts = life.apps.create(spec, Silent())

    (name,) = made_by_azure(life)
    assert binding(life) == [("SniEnabled", name)]
    assert facts.address.partition(":")[0] == "score.example.com"
    found = life.apps.read(facts.id, spec)
    assert found == facts
    life.emulator.forget()
    life.update(facts, spec, spec)
    assert life.counts("PUT", "PATCH", "DELETE", of="microsoft.app") == 0

    # nothing of one can be changed: another host name is another one, and the old one goes
    other = managed(life, proof, "other.example.com")
    assert app_changes(spec, other, life.session.config) == {"container_app": "update"}
    life.update(facts, spec, other)
    (second,) = made_by_azure(life)
    assert second != name
    assert binding(life) == [("SniEnabled", second)]

    plain = life.spec()
    life.update(facts, other, plain)
    assert (made_by_azure(life), binding(life)) == ([], [])
    life.update(facts, plain, spec)
    life.apps.delete(facts.id, Silent(), facts.owner)
    assert made_by_azure(life) == []


def test_the_text_of_a_record_is_told_while_it_is_waited_for(life: AppLife) -> None:
    hearer = Heard()
    records: dict[str, str] = life.emulator.world.parts.setdefault("records", {})

    class Owner(Heard):
        """Puts the record into DNS as soon as it is told."""

        def note(self, text: str) -> None:
            hearer.note(text)
            if "_dnsauth" in text:
                records["TXT _dnsauth.score.example.com"] = text.rpartition(" ")[2]

    life.apps.create(managed(life, "TXT"), Owner())

    assert any("give _dnsauth.score.example.com a TXT record" in note for note in hearer.notes)
    assert binding(life) == [("SniEnabled", made_by_azure(life)[0])]


def test_a_host_name_that_is_not_ours_leaves_the_app_that_serves_and_the_next_run_tries_again(life: AppLife) -> None:
    spec = managed(life, "CNAME")
    life.emulator.fault("certificate-refused")

    with pytest.raises(GroupFailed) as caught:
        life.apps.create(spec, Silent())

    assert "the certificate of score.example.com could not be made" in caught.value.message
    host = life.seen()["properties"]["configuration"]["ingress"]["fqdn"]
    assert f"let score.example.com lead to {host} (a CNAME record)" in caught.value.advice
    assert binding(life) == [("Disabled", "")]
    facts = caught.value.facts
    assert facts is not None
    seen = life.apps.read(facts.id, spec)
    assert seen is not None
    assert seen.drift is not None
    assert seen.drift.names == ("container_app",)

    life.update(facts, spec, spec)
    assert binding(life) == [("SniEnabled", made_by_azure(life)[0])]


def test_the_certificate_of_before_is_shown_until_the_new_one_is_made(life: AppLife) -> None:
    mine = certified(life, made_certificate(life))
    facts = life.apps.create(mine, Silent())
    spec = managed(life, "CNAME")
    life.emulator.fault("certificate-refused")

    with pytest.raises(GroupFailed):
        life.update(facts, mine, spec)
    assert binding(life) == [("SniEnabled", uploaded(life)[0])]

    life.update(facts, mine, spec)
    assert (binding(life), uploaded(life)) == ([("SniEnabled", made_by_azure(life)[0])], [])
