"""The servers of all registries, the real registry behind them, and who may do what there."""

from __future__ import annotations

import contextlib
import secrets
import threading
from collections.abc import Callable, Mapping
from typing import Any

from ..registry_program import missing_reason, running_registry
from . import tokens
from .generic import ROLES
from .http import ArmError, Request, Response
from .identity import ARM_AUDIENCES, REGISTRY_AUDIENCES
from .registry_front import Front
from .registry_front_data import DataServer
from .registry_front_owner import Traffic
from .registry_front_wire import Call, Refused
from .roles import groups_of, holds, is_by_repository
from .world import World

KIND = "Microsoft.ContainerRegistry/registries"
_READS = frozenset({"pull", "metadata_read"})
_RIGHTS_BY_REPOSITORY = {
    "Container Registry Repository Reader": _READS,
    "Container Registry Repository Writer": _READS | {"push", "metadata_write"},
    "Container Registry Repository Contributor": _READS | {"push", "metadata_write", "delete"},
    "Container Registry Repository Catalog Lister": frozenset({"catalog"}),
}
"""Source: Microsoft, "Azure attribute-based access control (ABAC) for repository permissions"."""
_ACTIONS = {
    "pull": "content/read",
    "push": "content/write",
    "delete": "content/delete",
    "metadata_read": "metadata/read",
    "metadata_write": "metadata/write",
    "catalog": "catalog/read",
}
_ASSIGNMENTS = "Microsoft.Authorization/roleAssignments"
_RIGHTS = {
    "AcrPull": tokens.PULL,
    "Reader": tokens.PULL,
    "AcrPush": tokens.PUSH,
    "Contributor": tokens.ALL,
    "Owner": tokens.ALL,
}


class Fronts:
    """One server a registry name, begun when the name is first used and kept until the emulator ends."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.mint = tokens.Mint(secrets.token_bytes(32))
        self.backend_host = ""
        self._data: DataServer | None = None
        self._fronts: dict[str, Front] = {}
        self._stack = contextlib.ExitStack()
        self._lock = threading.Lock()

    def of(self, name: str) -> Front:
        """Return the server of a registry name (letter case is ignored)."""
        with self._lock:
            if not self.backend_host:
                self._begin()
            key = name.lower()
            if key not in self._fronts:
                self._fronts[key] = Front(key, self)
            return self._fronts[key]

    def at(self, login_server: str) -> Front | None:
        """Return the server behind a ``host:port``, or None."""
        with self._lock:
            return next((front for front in self._fronts.values() if front.host == login_server), None)

    def traffic(self) -> Traffic:
        """Return the sum over all registries since the start or the last ``forget``."""
        with self._lock:
            each = [front.traffic for front in self._fronts.values()]
        lines = [line for one in each for line in one.lines]
        return Traffic(sum(one.up for one in each), sum(one.down for one in each), lines)

    def forget(self) -> None:
        """Count anew."""
        with self._lock:
            for front in self._fronts.values():
                front.forget()

    def reset(self) -> None:
        """Forget all content and counts; ports stay."""
        with self._lock:
            for front in self._fronts.values():
                front.clear()
                front.forget()
        self.mint.access_life = tokens.ACCESS_LIFE

    def close(self) -> None:
        """End all servers."""
        with self._lock:
            for front in self._fronts.values():
                front.close()
            self._fronts.clear()
            self._stack.close()

    def password(self, login_server: str) -> str:
        """Return a refresh token with all rights, for the emulator's own use: builds, imports."""
        return self.mint.refresh(login_server, "emulator", tokens.ALL)

    def resource(self, name: str) -> dict[str, Any] | None:
        """Return the registry of this name, in whatever resource group it is."""
        with self._world.lock:
            found = self._world.of_kind(KIND)
            return next((one for one in found if one["name"].lower() == name.lower()), None)

    def properties(self, name: str) -> dict[str, Any] | None:
        found = self.resource(name)
        return dict(found["properties"]) if found else None

    def gate(self, name: str) -> tokens.Gate:
        found = self.resource(name)
        if found is None:
            return tokens.Gate("")
        properties = found["properties"]
        known = self._world.secrets.get(found["id"].lower()) or {}
        admin = {found["name"].lower(): tuple(known.values())} if properties["adminUserEnabled"] else {}
        return tokens.Gate(
            properties["loginServer"],
            admin,
            properties["anonymousPullEnabled"],
            self._exchanger(found),
            lambda principal, repository: self._rights_in(principal, found["id"], repository),
        )

    def keeps_deleted(self, name: str) -> bool:
        return self._world.keeps_deleted(name)

    def fault(self, line: str, *names: str) -> Any:
        return self._world.faults.take(line, *names)

    def hang(self) -> None:
        released = self._world.faults.released
        while not (released.wait(0.05) or self._world.closing.is_set()):
            pass

    def latency(self) -> float:
        emulator = self._world.parts.get("emulator")
        return float(emulator.latency) if emulator else 0

    def data_url(self, backend: str, digest: str) -> str:
        assert self._data is not None
        return self._data.url(backend, digest)

    def seen(self, request: Request, response: Response) -> None:
        if emulator := self._world.parts.get("emulator"):
            emulator.observe(request, response)

    def broken(self, line: str, error: Exception) -> None:
        if emulator := self._world.parts.get("emulator"):
            emulator.violations.append(f"{line}: {type(error).__name__}: {error}")

    def _begin(self) -> None:
        if reason := missing_reason():
            raise ArmError(500, "InternalServerError", f"There is no registry to stand for ACR's storage: {reason}.")
        folder = self._world.folder / "registry"
        folder.mkdir(parents=True, exist_ok=True)
        self.backend_host = self._stack.enter_context(running_registry(folder)).host
        self._data = DataServer(self.backend_host, self.latency, self._note)
        self._stack.callback(self._data.close)

    def _note(self, name: str, call: Call, status: int, sent: int) -> None:
        if front := self._fronts.get(name):
            front.note(call, status, sent)

    def _exchanger(self, registry: Mapping[str, Any]) -> Callable[[str, str], tuple[str, frozenset[str]]]:
        policies = registry["properties"]["policies"]
        arm = policies["azureADAuthenticationAsArmPolicy"]["status"] == "enabled"
        audiences = (*REGISTRY_AUDIENCES, *((*ARM_AUDIENCES, self._world.base) if arm else ()))

        def exchange(token: str, tenant: str) -> tuple[str, frozenset[str]]:
            authority = self._world.parts["emulator"].authority
            try:
                claims = authority.claims(token, audiences)
            except ArmError as error:
                raise Refused(401, "UNAUTHORIZED", error.message) from error
            if tenant and tenant.lower() not in {self._world.tenant.lower(), "common", "organizations"}:
                raise Refused(401, "UNAUTHORIZED", f"the tenant {tenant} is not that of the token")
            return claims["oid"], self.rights(claims["oid"], registry["id"])

        return exchange

    def _rights_in(self, principal: str, registry_id: str, repository: str) -> frozenset[str] | None:
        """Return what a principal may do in a repository; None for accounts that are no principal's."""
        known = {each["properties"]["principalId"] for each in self._world.of_kind(_ASSIGNMENTS)}
        if known.isdisjoint({principal, *groups_of(self._world, principal)}):
            return None
        return self.rights(principal, registry_id, repository)

    def rights(self, principal: str, registry_id: str, repository: str | None = None) -> frozenset[str]:
        """Return what a principal may do: in a repository, or in any of them.

        The emulator's own service principal owns all; where rights are by repository, an owner has none of them.
        """
        by_repository = is_by_repository(self._world, registry_id)
        if principal == self._world.object_id and not by_repository:
            return tokens.ALL
        counts = _RIGHTS_BY_REPOSITORY if by_repository else _RIGHTS
        roles = {number: name for name, number in ROLES.items()}
        granted: frozenset[str] = frozenset()
        who = {principal, *groups_of(self._world, principal)}
        for each in self._world.of_kind(_ASSIGNMENTS):
            said = each["properties"]
            scope = f"{said['scope'].rstrip('/')}/".lower()
            if said["principalId"] in who and f"{registry_id}/".lower().startswith(scope):
                role = roles.get(said["roleDefinitionId"].rpartition("/")[2].lower(), "")
                there = {
                    right
                    for right in counts.get(role, frozenset())
                    if repository is None or holds(said.get("condition"), _ACTIONS[right], repository)
                }
                granted |= there
        return granted
