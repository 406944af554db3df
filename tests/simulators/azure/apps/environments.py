"""Managed environments with their storages and certificates."""

from __future__ import annotations

import base64
import contextlib
import copy
import datetime as dt
import re
import time
import uuid
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from ..http import ArmError, Request, Response, Router
from ..labels import loopback
from ..registries_identity import identity_of
from ..world import World
from .certificate import certificate_of
from .kinds import ALL_ENVIRONMENTS, ENVIRONMENT, ONE_ENVIRONMENT, Json, shown_location, without_provider
from .life import Apps
from .merge import merged, without_nulls
from .names import default_domain
from .rules import need
from .usages import check_count, too_many
from .view import check_location

_NAME = re.compile(r"(?=.{1,60}$)[a-zA-Z]([-a-zA-Z0-9]*[a-zA-Z0-9])?")
_DESTINATIONS = {"log-analytics", "azure-monitor", "none"}
_PROFILE_TYPES = re.compile(r"Consumption|Flex|D(4|8|16|32)|E(4|8|16|32)|NC(24|48|96)-A100|Consumption-GPU-.+")
_INGRESS_RANGES = {
    "requestIdleTimeout": (4, 30),
    "headerCountLimit": (1, 1000),
    "terminationGracePeriodSeconds": (0, 3600),
}
"""Minutes, headers, seconds."""
_FIXED = ("vnetConfiguration", "zoneRedundant", "infrastructureResourceGroup")
_READ_ONLY = (
    "provisioningState", "deploymentErrors", "defaultDomain", "staticIp", "eventStreamEndpoint",
    "privateEndpointConnections",
)  # fmt: skip


_RECORD_SECONDS = 30.0


def install(router: Router, world: World, apps: Apps) -> None:
    """Answer for environments."""
    service = _Environments(world, apps)
    router.add("GET", "/subscriptions/{subscription}/providers/Microsoft.App/managedEnvironments", service.list_)
    router.add("GET", ALL_ENVIRONMENTS, service.list_)
    for method, handler in (
        ("GET", service.get), ("PUT", service.put), ("PATCH", service.patch), ("DELETE", service.delete),
    ):  # fmt: skip
        router.add(method, ONE_ENVIRONMENT, handler)
    router.add("POST", f"{ONE_ENVIRONMENT}/getAuthtoken", service.token)
    router.add("POST", f"{ONE_ENVIRONMENT}/checkNameAvailability", service.is_free)
    router.add("GET", f"{ONE_ENVIRONMENT}/workloadProfileStates", service.profiles)
    kinds = {
        "storages": _Storages(world),
        "certificates": _Certificates(world),
        "managedCertificates": _ManagedCertificates(world, apps),
    }
    for kind, children in kinds.items():
        router.add("GET", f"{ONE_ENVIRONMENT}/{kind}", children.list_)
        one = f"{ONE_ENVIRONMENT}/{kind}/{{child}}"
        router.add("GET", one, children.get)
        router.add("PUT", one, children.put)
        router.add("DELETE", one, children.delete)


class _Environments:
    def __init__(self, world: World, apps: Apps) -> None:
        self._world, self._apps = world, apps

    def list_(self, request: Request, group: str = "", **_: str) -> Response:
        return Response(200, {"value": [_shown(each) for each in self._world.of_kind(ENVIRONMENT, group)]})

    def get(self, request: Request, **_: str) -> Response:
        seen = _shown(self._world.need(request.path))
        if self._world.faults.take(self._world.line, "environment-waiting"):
            seen["properties"]["provisioningState"] = "Waiting"
        return Response(200, seen)

    def put(self, request: Request, name: str, **_: str) -> Response:
        body = without_nulls(request.json())
        need(isinstance(body, dict), "InvalidRequestContent", "The request content was invalid.")
        with self._world.lock:
            self._check_idle(request.path, name)
            old = self._world.get(request.path)
            self._check(name, body, old)
            if old is None:
                if self._world.faults.take(self._world.line, "quota"):
                    raise too_many(self._world, body["location"], 1)
                check_count(self._world, body["location"])
            resource = self._keep(request.path, name, body, old)
            broken = self._world.faults.take(self._world.line, "environment-failed", "capacity") is not None
            headers = self._apps.polls.by_status(
                request.path, lambda: self._finish(request.path, broken=broken), lambda _: self._fail(request.path, "")
            )
            return Response(200 if old else 201, _shown(resource), headers)

    def patch(self, request: Request, name: str, **_: str) -> Response:
        old = self._world.need(request.path)
        with self._world.lock:
            self._check_idle(request.path, name)
            body = merged(self._world.secrets[request.path.lower()], request.json() or {})
            self._check(name, body, old)
            self._keep(request.path, name, body, old)
            headers = self._apps.polls.by_result(
                request.path,
                lambda: self._finish(request.path, broken=False),
                lambda _: self._fail(request.path, ""),
                lambda: _shown(self._world.need(request.path)),
            )
        return Response(202, None, headers)

    def delete(self, request: Request, name: str, **_: str) -> Response:
        found = self._world.get(request.path)
        if found is None:
            return Response(204)
        with self._world.lock:
            self._check_idle(request.path, name, may_interrupt=True)
            inside = [each.name for each in self._apps.inside(request.path)]
            text = f"Cannot delete managed environment '{name}' because it has container apps: {', '.join(inside)}."
            if inside:
                raise ArmError(409, "ManagedEnvironmentInUse", text)
            found["properties"]["provisioningState"] = "ScheduledForDelete"
            headers = self._apps.polls.by_result(
                request.path, lambda: self._erase(request.path), lambda _: self._fail(request.path, ""), lambda: None
            )
        return Response(202, None, headers)

    def token(self, request: Request, name: str, **_: str) -> Response:
        found = self._world.need(request.path.rpartition("/")[0])
        expires = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
        token = self._world.parts["authority"].issue(f"{self._world.base}/stream", subject=found["id"])
        properties = {"token": token, "expires": expires.isoformat()}
        keys = ("id", "name", "type", "location")
        return Response(200, {**{key: found[key] for key in keys}, "properties": properties})

    def is_free(self, request: Request, name: str, **_: str) -> Response:
        environment = request.path.rpartition("/")[0]
        asked = request.json() or {}
        folder = {"microsoft.app/managedenvironments/certificates": "certificates"}.get(str(asked.get("type")).lower())
        taken = folder is not None and self._world.get(f"{environment}/{folder}/{asked.get('name')}") is not None
        said = {"reason": "AlreadyExists", "message": f"'{asked.get('name')}' is taken."} if taken else {}
        return Response(200, {"nameAvailable": not taken, **said})

    def profiles(self, request: Request, **_: str) -> Response:
        environment = self._world.need(request.path.rpartition("/")[0])
        value = [
            {
                "id": f"{request.path}/{each['name']}", "name": each["name"],
                "type": "Microsoft.App/managedEnvironments/workloadProfileStates",
                "properties": {"minimumCount": each.get("minimumCount", 0), "maximumCount": each.get("maximumCount", 0),
                               "currentCount": each.get("minimumCount", 0)},
            }
            for each in environment["properties"].get("workloadProfiles") or []
        ]  # fmt: skip
        return Response(200, {"value": value})

    def _check(self, name: str, body: Json, old: Json | None) -> None:
        text = f"Invalid managed environment name '{name}'."
        need(_NAME.fullmatch(name), "ManagedEnvironmentInvalidName", text)
        need(body.get("location"), "LocationRequired", "The location property is required for this definition.")
        properties = body.setdefault("properties", {})
        network = properties.get("vnetConfiguration") or {}
        text = "A zone redundant environment needs vnetConfiguration.infrastructureSubnetId."
        need(
            not properties.get("zoneRedundant") or network.get("infrastructureSubnetId"),
            "ZoneRedundantNeedsSubnet",
            text,
        )
        text = "An internal environment needs vnetConfiguration.infrastructureSubnetId."
        need(not network.get("internal") or network.get("infrastructureSubnetId"), "InternalNeedsSubnet", text)
        if subnet := network.get("infrastructureSubnetId"):
            need(self._world.get(subnet), "SubnetNotFound", f"The subnet '{subnet}' was not found.")
        self._check_logs(properties)
        _check_profiles(properties)
        _check_ingress(properties)
        identity_of(self._world, body.get("identity"), None)
        if old is None:
            return
        check_location(name, old["location"], body["location"])
        before = self._world.secrets[old["id"].lower()]["properties"]
        for field in _FIXED:
            text = f"The property '{field}' of managed environment '{name}' cannot be changed."
            need(_said(before, field) == _said(properties, field), "ManagedEnvironmentPropertyCannotBeChanged", text)

    def _check_logs(self, properties: Json) -> None:
        logs = properties.get("appLogsConfiguration") or {}
        destination = str(logs.get("destination") or "none")
        text = f"The destination '{destination}' of appLogsConfiguration is invalid."
        need(destination in _DESTINATIONS, "InvalidAppLogsDestination", text)
        analytics = logs.get("logAnalyticsConfiguration") or {}
        text = "log-analytics needs logAnalyticsConfiguration with customerId and sharedKey."
        full = analytics.get("customerId") and analytics.get("sharedKey")
        need(destination != "log-analytics" or full, "InvalidLogAnalyticsConfiguration", text)

    def _keep(self, resource_id: str, name: str, body: Json, old: Json | None) -> Json:
        kept = {key: value for key, value in body.items() if key not in {"id", "name", "type", "systemData"}}
        kept["properties"] = {key: value for key, value in kept["properties"].items() if key not in _READ_ONLY}
        properties = copy.deepcopy(kept["properties"])
        properties.setdefault("zoneRedundant", False)
        if analytics := (properties.get("appLogsConfiguration") or {}).get("logAnalyticsConfiguration"):
            analytics.pop("sharedKey", None)
        known = (old or {}).get("properties") or {}
        mark = self._apps.groups.mark
        properties |= {
            "provisioningState": "Waiting" if old is None else "InfrastructureSetupInProgress",
            "defaultDomain": known.get("defaultDomain") or default_domain(resource_id, body["location"], mark),
            "staticIp": known.get("staticIp") or loopback(f"{mark}/{resource_id.lower()}"),
            "eventStreamEndpoint": f"{self._world.base}/stream{without_provider(resource_id)}/eventstream",
        }
        resource = {
            "id": resource_id, "name": name, "type": ENVIRONMENT, "location": body["location"],
            "tags": dict(kept.get("tags") or {}), "properties": properties,
        }  # fmt: skip
        if identity := identity_of(self._world, body.get("identity"), old):
            resource["identity"] = identity
        self._world.put(resource_id, resource, kept)
        return resource

    def _finish(self, resource_id: str, *, broken: bool) -> None:
        if broken:
            text = "ErrorCode: AKSCapacityHeavyUsage, Message: AKS is experiencing heavy usage in this region."
            self._fail(resource_id, text)
            raise ArmError(409, "ManagedEnvironmentProvisioningFailed", text)
        if found := self._world.get(resource_id):
            found["properties"]["provisioningState"] = "Succeeded"
            found["properties"].pop("deploymentErrors", None)

    def _fail(self, resource_id: str, errors: str) -> None:
        if found := self._world.get(resource_id):
            found["properties"]["provisioningState"] = "Failed"
            if errors:
                found["properties"]["deploymentErrors"] = errors

    def _erase(self, resource_id: str) -> None:
        for key in [key for key in self._world.resources if key.startswith(f"{resource_id}/".lower())]:
            self._world.remove(key)
        self._world.remove(resource_id)

    def _check_idle(self, resource_id: str, name: str, *, may_interrupt: bool = False) -> None:
        running = self._world.operations.running(resource_id)
        if may_interrupt and running and all(each.stuck for each in running):
            for each in running:
                each.end("Canceled", {"code": "Canceled", "message": "The managed environment was deleted."})
            running = []
        if running or self._world.faults.take(self._world.line, "transitioning"):
            text = f"Cannot modify a managed environment '{name}' because there is an operation in progress."
            raise ArmError(409, "ManagedEnvironmentOperationInProgress", text)


class _Children:
    """Resources below an environment, which are written at once."""

    kind = ""

    def __init__(self, world: World) -> None:
        self._world = world

    def list_(self, request: Request, **_: str) -> Response:
        self._world.need(request.path.rpartition("/")[0])
        start = f"{request.path}/".lower()
        with self._world.lock:
            found = [each for key, each in sorted(self._world.resources.items()) if key.startswith(start)]
        return Response(200, {"value": found})

    def get(self, request: Request, **_: str) -> Response:
        return Response(200, self._world.need(request.path))

    def put(self, request: Request, child: str, **_: str) -> Response:
        environment = self._world.need(request.path.rsplit("/", 2)[0])
        text = f"ManagedEnvironment '{environment['name']}' is not in a Succeeded state."
        need(environment["properties"]["provisioningState"] == "Succeeded", "ManagedEnvironmentNotProvisioned", text)
        body = without_nulls(request.json() or {})
        properties = self.made(body)
        resource = {"id": request.path, "name": child, "type": f"{ENVIRONMENT}/{self.kind}", "properties": properties}
        if self.kind.lower().endswith("certificates"):
            resource["location"] = body.get("location") or environment["location"]
            resource["tags"] = body.get("tags") or {}
        self._world.put(request.path, resource, body)
        return Response(200, resource)

    def delete(self, request: Request, **_: str) -> Response:
        return Response(200 if self._world.remove(request.path) else 204)

    def made(self, body: Json) -> Json:
        """Return the properties that GET shows; raises ``ArmError`` for a body that cannot be."""
        raise NotImplementedError


class _Storages(_Children):
    kind = "storages"

    def made(self, body: Json) -> Json:
        properties = copy.deepcopy(body.get("properties") or {})
        kinds = [kind for kind in ("azureFile", "nfsAzureFile") if properties.get(kind)]
        need(len(kinds) == 1, "ManagedEnvironmentStorageInvalid", "A storage needs one of azureFile and nfsAzureFile.")
        share = properties[kinds[0]]
        need(share.get("shareName"), "ManagedEnvironmentStorageInvalid", "A storage needs a shareName.")
        if kinds == ["azureFile"]:
            text = "An Azure Files storage needs accountName and accountKey."
            need(share.get("accountName") and share.get("accountKey"), "ManagedEnvironmentStorageInvalid", text)
        mode = share.get("accessMode")
        need(
            mode in {"ReadOnly", "ReadWrite"},
            "ManagedEnvironmentStorageInvalid",
            f"The accessMode '{mode}' is invalid.",
        )
        share.pop("accountKey", None)
        return dict(properties)


class _Certificates(_Children):
    kind = "certificates"

    def made(self, body: Json) -> Json:
        properties = body.get("properties") or {}
        text = "A certificate needs a value, base64 of a PFX or a PEM with its private key."
        need(properties.get("value"), "CertificateValueRequired", text)
        found = certificate_of(properties["value"], properties.get("password") or "")
        now = dt.datetime.now(dt.UTC)
        names: list[str] = []
        with contextlib.suppress(x509.ExtensionNotFound):
            extension = found.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            names = extension.value.get_values_for_type(x509.DNSName)
        return {
            "provisioningState": "Succeeded",
            "subjectName": found.subject.rfc4514_string(),
            "subjectAlternativeNames": names,
            "issuer": found.issuer.rfc4514_string(),
            "issueDate": found.not_valid_before_utc.isoformat(),
            "expirationDate": found.not_valid_after_utc.isoformat(),
            "thumbprint": found.fingerprint(hashes.SHA1()).hex().upper(),
            "valid": found.not_valid_before_utc <= now <= found.not_valid_after_utc,
            "publicKeyHash": uuid.uuid5(uuid.NAMESPACE_OID, found.fingerprint(hashes.SHA256()).hex()).hex,
        }


class _ManagedCertificates(_Children):
    """Those that the service makes itself, when its authority has found the record of the host name.

    CNAME and HTTP are believed. A TXT record is looked for in ``world.parts["records"]``, for a while.
    """

    kind = "managedCertificates"

    def __init__(self, world: World, apps: Apps) -> None:
        super().__init__(world)
        self._apps = apps

    def put(self, request: Request, child: str, **more: str) -> Response:
        text = "Properties of managed certificates cannot be updated. Please delete the current resource and retry."
        need(self._world.get(request.path) is None, "ManagedCertNoUpdate", text)
        answer = super().put(request, child, **more)
        resource = self._world.need(request.path)
        environment = request.path.rsplit("/", 2)[0]
        domain = str(resource["properties"]["subjectName"])
        names = [
            str(one["name"]).lower()
            for app in self._apps.inside(environment)
            for one in (app.ingress or {}).get("customDomains") or []
        ]
        if domain.lower() not in names:
            self._world.remove(request.path)
            text = f"Creating managed certificate requires hostname '{domain}' added as a custom hostname to an app."
            raise ArmError(400, "RequireCustomHostnameInEnvironment", text)
        headers = self._apps.polls.by_status(
            request.path, lambda: self._issue(request.path), lambda _: self._refuse(request.path)
        )
        return Response(201, answer.body, headers)

    def delete(self, request: Request, **more: str) -> Response:
        environment = request.path.rsplit("/", 2)[0]
        used = [
            app.name
            for app in self._apps.inside(environment)
            for one in (app.ingress or {}).get("customDomains") or []
            if str(one.get("certificateId") or "").lower() == request.path.lower()
        ]
        if used:
            raise ArmError(400, "CertificateInUse", f"The certificate is used by container apps: {', '.join(used)}.")
        return super().delete(request, **more)

    def made(self, body: Json) -> Json:
        properties = body.get("properties") or {}
        domain, proof = properties.get("subjectName"), properties.get("domainControlValidation")
        need(domain, "ManagedCertificateSubjectRequired", "A managed certificate needs a subjectName.")
        text = f"The domainControlValidation '{proof}' is invalid."
        need(proof in {"CNAME", "HTTP", "TXT"}, "ManagedCertificateValidationInvalid", text)
        token = {"validationToken": uuid.uuid4().hex} if proof == "TXT" else {}
        return {"provisioningState": "Pending", "subjectName": domain, "domainControlValidation": proof, **token}

    def _issue(self, resource_id: str) -> None:
        properties = self._world.need(resource_id)["properties"]
        domain = str(properties["subjectName"])
        broken = self._world.faults.take(self._world.line, "certificate-refused") is not None
        if broken or not self._is_shown(domain, properties):
            self._refuse(resource_id)
            raise ArmError(400, "DomainControlValidationFailed", properties["error"])
        chain = self._world.parts["certificates"].issue(f"managed-{uuid.uuid4().hex}.pem", [], [domain])
        # kept as an uploaded one is, and shown by nobody
        kept = self._world.secrets[resource_id.lower()]
        kept["properties"] = {**kept["properties"], "value": base64.b64encode(chain.read_bytes()).decode()}
        properties["provisioningState"] = "Succeeded"

    def _is_shown(self, domain: str, properties: Json) -> bool:
        if properties["domainControlValidation"] != "TXT":
            return True
        records: dict[str, str] = self._world.parts.setdefault("records", {})
        end = time.monotonic() + _RECORD_SECONDS
        while records.get(f"TXT _dnsauth.{domain}") != properties["validationToken"]:
            if time.monotonic() > end or self._world.closing.wait(0.02):
                return False
        return True

    def _refuse(self, resource_id: str) -> None:
        if found := self._world.get(resource_id):
            properties = found["properties"]
            properties["provisioningState"] = "Failed"
            properties["error"] = f"Domain control validation of '{properties['subjectName']}' has failed."


def _check_profiles(properties: Json) -> None:
    names = [str(each.get("name") or "") for each in properties.get("workloadProfiles") or []]
    need(len(set(names)) == len(names), "DuplicateWorkloadProfileName", "Names of workload profiles must be unique.")
    for each in properties.get("workloadProfiles") or []:
        kind = str(each.get("workloadProfileType") or "")
        text = f"The workload profile type '{kind}' is invalid."
        need(each.get("name") and _PROFILE_TYPES.fullmatch(kind), "WorkloadProfileTypeInvalid", text)
        counts = each.get("minimumCount"), each.get("maximumCount")
        if kind == "Consumption":
            text = "minimumCount and maximumCount cannot be set on a Consumption workload profile."
            need(counts == (None, None), "WorkloadProfileCountsInvalid", text)
        else:
            text = f"The workload profile '{each['name']}' needs 0 <= minimumCount <= maximumCount."
            fine = all(isinstance(one, int) for one in counts) and 0 <= counts[0] <= counts[1]
            need(fine, "WorkloadProfileCountsInvalid", text)


def _check_ingress(properties: Json) -> None:
    """Look at what the environment's ingress is told beside its defaults; it needs machines of its own for that."""
    told = properties.get("ingressConfiguration") or {}
    if not told:
        return
    kinds = {str(each["name"]): str(each["workloadProfileType"]) for each in properties.get("workloadProfiles") or []}
    profile = str(told.get("workloadProfileName") or "")
    text = f"ingressConfiguration needs the workloadProfileName of a dedicated profile, and '{profile}' is none."
    need(kinds.get(profile, "Consumption") != "Consumption", "IngressConfigurationInvalid", text)
    for field, (low, high) in _INGRESS_RANGES.items():
        value = told.get(field)
        text = f"{field} {value} of ingressConfiguration must be between {low} and {high}."
        need(value is None or low <= value <= high, "IngressConfigurationInvalid", text)


def _said(properties: Json, field: str) -> Any:
    value = properties.get(field)
    return str(value).lower() if value not in (None, False, {}, "") else ""


def _shown(resource: Json) -> Json:
    return {**copy.deepcopy(resource), "location": shown_location(resource["location"])}
