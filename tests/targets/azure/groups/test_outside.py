"""Names outside of the groups: what of a pool is the service's, and what stays as it is."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest

from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.groups.outside import Pool

DOMAIN = "westeurope.azurecontainer.io"


class Gateway:
    """A gateway with one pool, as a session answers for it."""

    def __init__(self, *hosts: str) -> None:
        addresses = [{"ipAddress" if host[0].isdigit() else "fqdn": host} for host in hosts]
        self.puts = 0
        self.is_: dict[str, Any] = {
            "properties": {"backendAddressPools": [{"name": "p", "properties": {"backendAddresses": addresses}}]}
        }

    def call(self, method: str, _id: str, _version: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        if method == "PUT" and body:
            self.puts, self.is_ = self.puts + 1, copy.deepcopy(body)
        return self.is_

    def hosts(self) -> list[str]:
        (pool,) = self.is_["properties"]["backendAddressPools"]
        return [next(iter(one.values())) for one in pool["properties"]["backendAddresses"]]


def pool(gateway: Gateway, label: str = "shop") -> Pool:
    return Pool(cast("AzureSession", gateway), "/gateway", "p", label)


def group(fqdn: str = "", ip: str = "") -> dict[str, Any]:
    return {"properties": {"ipAddress": {**({"fqdn": fqdn} if fqdn else {}), "ip": ip}}}


BLUE, GREEN = group(f"shop-blue.{DOMAIN}", "20.0.0.1"), group(f"shop-green.{DOMAIN}", "20.0.0.2")
THEIRS = [f"other.{DOMAIN}", "10.0.0.9", "shop-blue.elsewhere.example"]


@pytest.mark.parametrize(
    ("had", "shared"),
    [
        ([], []),
        ([f"shop-blue.{DOMAIN}"], []),
        (["20.0.0.1"], []),  # by its address
        ([f"Shop-Blue.{DOMAIN}", "20.0.0.2"], []),
        ([THEIRS[0], f"shop-blue.{DOMAIN}", *THEIRS[1:]], THEIRS),
    ],
)
def test_only_the_services_own_addresses_are_replaced(had: list[str], shared: list[str]) -> None:
    gateway = Gateway(*had)

    pointed = pool(gateway).point_to(GREEN, [BLUE])

    assert gateway.hosts() == [*shared, f"shop-green.{DOMAIN}"]
    assert list(pointed.shared) == shared
    pool(gateway).point_to(GREEN, [GREEN])
    assert gateway.puts == 1  # nothing for nothing


def test_a_group_that_somebody_deleted_leaves_no_name_in_the_pool() -> None:
    gateway = Gateway(f"shop-blue.{DOMAIN}", f"shop.{DOMAIN}")

    assert pool(gateway).point_to(GREEN).shared == ()
    assert gateway.hosts() == [f"shop-green.{DOMAIN}"]


def test_a_private_group_is_known_by_its_address() -> None:
    gateway = Gateway("10.0.0.4", "10.0.0.9")

    assert pool(gateway, "").point_to(group(ip="10.0.0.5"), [group(ip="10.0.0.4")]).shared == ("10.0.0.9",)
    assert gateway.hosts() == ["10.0.0.9", "10.0.0.5"]


def test_what_serves_is_found_beside_others() -> None:
    gateway = Gateway(*THEIRS, f"shop-green.{DOMAIN}")

    assert pool(gateway).holder({"blue": BLUE, "green": GREEN}) == "green"
    assert pool(Gateway(*THEIRS)).holder({"blue": BLUE, "green": GREEN}) is None
