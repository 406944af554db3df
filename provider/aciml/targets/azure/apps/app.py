"""A container app in ARM's JSON: the request that makes it, and the way back to a declaration.

The request is always the full model. What stands in ``template`` makes a revision whenever it differs; all else is of
the app as a whole and makes none. Source: Microsoft, "Revisions in Azure Container Apps"; the definitions of
Microsoft.App 2026-01-01.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ....model.access import Account
from ....model.container import InitContainer
from ....model.container_app import CONSUMPTION, TIMEOUT, ContainerApp
from ....model.group import Group
from ....model.place import Place
from ....model.runs_on import APP, RunsOn
from ....model.size import Size
from ...image_told import image_variable
from ...protocol import GroupSpec
from ...revisions import revision_name
from ..groups import account, identity, tags, variable
from ..groups.members import Json, given
from ..groups.place import Surroundings, location_of
from ..region import plain_location
from . import certificate, environment, ingress, probe, registry, scale, traffic, volume
from .secret import Secrets

KEPT_INACTIVE = 20
"""Revisions that stay known when they run no more. The service's 100 keep as many secrets alive."""
GRACE = 60
"""Seconds that a replica has to finish what it has; the server drains, and a request may take 240 s by the ingress."""


@dataclass(frozen=True)
class Where:
    """An app's id, and that of its environment; ``around`` says region and subscription where a spec does not."""

    app_id: str
    environment_id: str
    around: Surroundings


@dataclass(frozen=True)
class Request:
    """A request: ``body`` without secrets and shares, the name of its revision, and the secrets."""

    revision: str
    template: Mapping[str, Any]
    body: Mapping[str, Any]
    secrets: Secrets = field(repr=False)

    @property
    def suffix(self) -> str:
        """What the revision's name ends with."""
        # what the service appends to the app's name with two hyphens
        return self.revision.rpartition("--")[2]

    def to_put(self, shares: traffic.Entries, others: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return the whole body.

        Args:
            shares: of the requests, by name.
            others: secrets that older revisions need.
        """
        configuration = dict(self.body["properties"]["configuration"])
        configuration["secrets"] = self.secrets.to_arm(others)
        # a share by name: an answer that is empty would give all to the latest
        configuration["ingress"] = {**configuration["ingress"], "traffic": shares}
        template = {**self.template, "revisionSuffix": self.suffix}
        properties = {**self.body["properties"], "configuration": configuration, "template": template}
        return {**self.body, "properties": properties}

    def to_patch(self, shares: traffic.Entries, others: Mapping[str, str] | None = None) -> dict[str, Any]:
        """Return what brings the app to the spec without touching a template, for a revision that is there already.

        What somebody took away has to be added as null (``patched``).
        """
        body = self.to_put(shares, others)
        properties = {name: value for name, value in body["properties"].items() if name not in _FIXED}
        return {"tags": body["tags"], "identity": body["identity"], "properties": properties}


# immutable (`x-ms-mutability` create and read), and what a second time would be refused for: a suffix that exists
_FIXED = frozenset({"template", "environmentId"})


def patched(patch: Mapping[str, Any], seen: Json) -> dict[str, Any]:
    """Return a merge patch in which tags and identities that are there and not wanted are null (RFC 7396)."""
    # in a merge patch what is left out stays: only null takes a tag or an identity away
    tags_there, identity_there = (
        seen.get("tags") or {},
        (seen.get("identity") or {}).get("userAssignedIdentities") or {},
    )
    made = {**patch, "tags": _with_nulls(patch["tags"], tags_there)}
    users = _with_nulls(patch["identity"].get("userAssignedIdentities") or {}, identity_there)
    if users:
        made["identity"] = {**patch["identity"], "userAssignedIdentities": users}
    return made


def _with_nulls(wanted: Mapping[str, Any], there: Json) -> dict[str, Any]:
    # ARM's names of tags and ids do not depend on case: null for another spelling would take away what is wanted
    # ARM takes a tag by its name whatever its case, so the other spelling is the same tag
    names = {name.lower() for name in wanted}
    return {**dict.fromkeys((name for name in there if name.lower() not in names), None), **wanted}


def to_arm(spec: GroupSpec, where: Where, pull: Account | None, *, salt: str | None = None) -> Request:
    """Return the request of a spec.

    Args:
        spec: the app.
        where: it is.
        pull: the account that the image needs; one that the spec gives for the same server wins.
        salt: of the names of secrets; None is the app's id, "" is for comparisons alone.
    """
    declared = spec.declared
    # salted by the app: equal secrets of two apps must not have equal names
    secrets = Secrets(where.app_id if salt is None else salt)
    accounts = account.all_accounts(declared, pull)
    template = _template(spec, where, secrets)
    said = certificate.with_name(declared)
    pulls = next((one.identity for one in accounts if one.identity), None)
    configuration = {
        # with Single a new revision takes all of the requests as soon as it is ready, proven or not
        "activeRevisionsMode": "Multiple",
        "registries": registry.to_arm(accounts, secrets),
        "identitySettings": registry.settings_to_arm(declared.access.identities, pulls),
        "maxInactiveRevisions": KEPT_INACTIVE,
        # without shares, which are added when their revisions are known
        "ingress": ingress.to_arm(said, where.environment_id, []),
    }
    properties = {
        "environmentId": where.environment_id,
        "configuration": configuration,
        **given(workloadProfileName=said.workload_profile if said else None),
    }
    body = {
        "location": location_of(declared, where.around),
        "tags": tags.tags_of(spec),
        "identity": identity.to_arm(declared, accounts),
        "properties": properties,
    }
    # the name has the content's hash: the same template is the same revision
    return Request(revision_name(spec.name, template), template, body, secrets)


def _template(spec: GroupSpec, where: Where, secrets: Secrets) -> dict[str, Any]:
    declared = spec.declared
    container = {
        "name": spec.name,
        "image": spec.image,
        # empty lists are left out, since they are the default and not a wish
        **given(command=list(declared.command)),
        "env": _env(_plain(spec), declared.secure_environment(), secrets, ""),
        "resources": _resources(spec.cpu, spec.memory_gb),
        "probes": probe.to_arm(declared.liveness_probe, declared.readiness_probe, port=ingress.TARGET_PORT),
        **given(volumeMounts=volume.mounts_to_arm(declared.volume_mounts)),
    }
    return {
        "containers": [container],
        **given(initContainers=[_init(one, secrets) for one in declared.init_containers]),
        "scale": scale.to_arm(declared.runs.scale),
        **given(volumes=volume.to_arm(where.app_id, declared.volumes, secrets)),
        # a request that is allowed to take so long may be at work when its replica has to go
        "terminationGracePeriodSeconds": max(GRACE, min(declared.runs.replica_timeout or 0, TIMEOUT)),
    }


def _plain(spec: GroupSpec) -> dict[str, str]:
    declared = spec.declared
    # the ingress cuts later than that: the replica itself ends what takes too long, and is free again
    if declared.runs.replica_timeout and declared.server.scoring_timeout_ms is None:
        declared = declared.but(server=declared.server.but(scoring_timeout_ms=declared.runs.replica_timeout * 1000))
    told = {variable.INSIGHTS: "true"} if declared.insights.enable_app_insights else {}
    # the port that is declared is that of the way in, and not the server's
    # behind the ingress there is one port, whatever was declared
    return {**declared.environment(), variable.PORT: str(ingress.TARGET_PORT), **image_variable(spec.image), **told}


def _env(plain: Mapping[str, str], secure: Mapping[str, str], secrets: Secrets, of: str) -> list[dict[str, str]]:
    # by name, since a container has each variable once
    every = {name: {"name": name, "value": str(value)} for name, value in plain.items()}
    for name, value in secure.items():
        # an empty secret is refused by the service; an empty text is none
        ref = {"secretRef": secrets.put(f"{of} {name}", str(value))} if value else {"value": ""}
        every[name] = {"name": name, **ref}
    return [every[name] for name in sorted(every)]


def _resources(cpu: float, memory: float) -> dict[str, Any]:
    # the types say a whole number and "250Mi": the service wants a decimal, and Gi alone (bicep-types-az issue 1924)
    return {"cpu": cpu, "memory": f"{memory:g}Gi"}


def _init(one: InitContainer, secrets: Secrets) -> dict[str, Any]:
    return {
        "name": one.name,
        # an init container has no probe, and no port
        "image": one.image,
        **given(
            command=list(one.command),
            env=_env(one.environment_variables or {}, one.secure_environment_variables or {}, secrets, one.name),
            volumeMounts=volume.mounts_to_arm(one.volume_mounts),
        ),
    }


def from_arm(seen: Json, template: Json, where: Where, known: Group | None) -> Group:
    """Return an app as it would be declared.

    Args:
        seen: a request or an answer.
        template: of the revision that is looked at.
        where: it is.
        known: what was declared: it has the texts of secrets, and the words that say the same. None for an app that
            nobody declared here.
    """
    properties: Json = seen.get("properties") or {}
    configuration: Json = properties.get("configuration") or {}
    containers = template.get("containers") or [{}]
    # by name: somebody may have put a container of their own in front of it by hand
    serving = next((one for one in containers if known and one.get("name") == known.name), containers[0])
    others = [str(one.get("image")) for one in containers if one is not serving]
    told = variable.from_arm(_variables(serving), known)
    size = serving.get("resources") or {}
    access = identity.from_arm(
        {
            "containers": [{"image": serving.get("image") or ""}],
            "imageRegistryCredentials": registry.from_arm(configuration.get("registries") or ()),
            "identity": identity.same(seen.get("identity") or {}),
            "encryption": {},
        },
        known,
    )
    return Group(
        image=" + ".join(
            [str(serving.get("image") or ""), *others]
        ),  # somebody else's container shows as another image
        size=Size(cpu_cores=_number(size.get("cpu", 0.5)), memory_gb=_gib(size.get("memory", "1Gi"))),
        keys=told.keys,
        environment_variables=told.plain,
        # a text that nobody shows is known by the hash in its secret's name
        secure_environment_variables=_texts(told.secure, serving, where, known),
        server=told.server,
        insights=told.insights,
        runs=_runs(seen, template, where, known),
        place=Place(location=plain_location(str(seen.get("location") or "")) or None),
        tagged=tags.from_arm(seen.get("tags") or {}, known),
        command=tuple(serving.get("command") or ()),
        liveness_probe=probe.from_arm(serving.get("probes") or (), probe.LIVENESS),
        readiness_probe=probe.from_arm(serving.get("probes") or (), probe.READINESS),
        volumes=tuple(
            volume.from_arm(where.app_id, one, known.volumes if known else ()) for one in template.get("volumes") or ()
        ),
        volume_mounts=volume.mounts_from_arm(serving.get("volumeMounts") or ()),
        init_containers=tuple(_init_from(one, where, known) for one in template.get("initContainers") or ()),
        access=access,
    )


def _runs(seen: Json, template: Json, where: Where, known: Group | None) -> RunsOn:
    said = certificate.with_name(known) if known else None
    properties: Json = seen.get("properties") or {}
    configuration: Json = properties.get("configuration") or {}
    # the environment that is declared may be named, or given by its id
    home = environment.id_in(seen)
    found = ingress.from_arm(configuration.get("ingress") or {}, where.environment_id, said)
    here = said or ContainerApp()
    # a word for the environment that leads to the same one stays
    same = home.lower() == where.environment_id.lower() and known is not None
    profile = str(properties.get("workloadProfileName") or "")
    # what an app without a word has; it says so in an answer, and nobody has declared it
    if not here.workload_profile and profile == CONSUMPTION:
        profile = ""
    if known and found.certificate and found.certificate == certificate.word_for(known):
        # it is that of tls, or made by Azure, and nobody has to name it
        found = found.but(certificate=None, managed_certificate=here.managed_certificate)
    app = found.but(
        environment=here.environment if same else home,
        workload_profile=profile or None,
        # those of the environment, which this is not
        zone_redundant=here.zone_redundant,
        internal=here.internal,
        workload_profiles=here.workload_profiles,
    )
    return RunsOn(
        runs_on=APP,
        scale=scale.from_arm(template.get("scale") or {}),
        # how requests are to move is nothing that ARM keeps of an app
        traffic=known.runs.traffic if known else None,
        replica_timeout=known.runs.replica_timeout if known else None,
        container_app=None if app.is_silent else app,
    )


def _variables(container: Json) -> dict[str, dict[str, str]]:
    """Return variables in the words of a container group, where a secret one has no value."""
    # a reference and a value are two ways of saying a variable, and only one of them can be read
    return {
        str(one["name"]): {} if one.get("secretRef") else {"value": str(one.get("value") or "")}
        for one in container.get("env") or ()
    }


def _texts(secure: Mapping[str, str] | None, container: Json, where: Where, known: Group | None) -> Any:
    """Return secure variables; a text that is another one than was declared is empty, because nobody shows it."""
    if secure is None or known is None:
        return secure
    # a hash is compared where a text cannot be
    refs = {str(one["name"]): str(one.get("secretRef") or "") for one in container.get("env") or ()}
    secrets = Secrets(where.app_id)
    return {
        name: text if text and refs.get(name) == secrets.put(f" {name}", text) else "" for name, text in secure.items()
    }


def _init_from(container: Json, where: Where, known: Group | None) -> InitContainer:
    name = str(container["name"])
    declared = next((one for one in known.init_containers if one.name == name), None) if known else None
    plain, secure = variable.split(
        _variables(container),
        declared.environment_variables if declared else None,
        declared.secure_environment_variables if declared else None,
    )
    refs = {str(one["name"]): str(one.get("secretRef") or "") for one in container.get("env") or ()}
    secrets = Secrets(where.app_id)
    secure = {
        key: text if text and refs[key] == secrets.put(f"{name} {key}", text) else "" for key, text in secure.items()
    }
    return InitContainer(
        name=name,
        image=str(container.get("image") or ""),
        command=tuple(container.get("command") or ()),
        environment_variables=plain or None,
        secure_environment_variables=secure or None,
        volume_mounts=volume.mounts_from_arm(container.get("volumeMounts") or ()),
    )


def _number(value: Any) -> float:
    number = float(value)
    # 1.0 cores and 1 core are the same answer
    return int(number) if number.is_integer() else number


def _gib(text: Any) -> float:
    """Return GiB; the service answers ``1Gi`` or ``1.0Gi``."""
    return _number(str(text).removesuffix("Gi") or 0)
