"""What is published about Microsoft.App is held to, on both sides."""

from __future__ import annotations

import copy
import json
from functools import cache
from typing import Any

import pytest

from tests.azure.apps import VERSION, app_body
from tests.simulators.azure.conformance import Conformance
from tests.simulators.azure.conformance import missing_reason as missing_specs
from tests.simulators.azure.conformance_apps import app_operations
from tests.simulators.azure.conformance_schemas import Documents
from tests.simulators.azure.http import Request, Response

GROUP = "/subscriptions/s/resourceGroups/g/providers/Microsoft.App"
APP, ENVIRONMENT = f"{GROUP}/containerApps/app", f"{GROUP}/managedEnvironments/env"
BODY = app_body(ENVIRONMENT)
SEEN = {"id": APP, "name": "app", "type": "Microsoft.App/containerApps", **BODY}
POLLED = {"Location": "https://x/results/1", "Retry-After": "15"}


@pytest.fixture(autouse=True)
def _there_are_specifications() -> None:
    if reason := missing_specs() or (not _conformance()._arm and "none") or _lacks_apps():
        pytest.skip(reason)


@cache
def _conformance() -> Conformance:
    return Conformance.load()


@cache
def _lacks_apps() -> str:
    from tests.simulators.azure.conformance import SPECS

    return "" if app_operations(Documents(SPECS)) else "nothing is published about Microsoft.App"


def found(
    method: str,
    path: str,
    sent: Any = None,
    status: int = 200,
    answer: Any = None,
    headers: dict[str, str] | None = None,
) -> list[str]:
    body = b"" if sent is None else json.dumps(sent).encode()
    request = Request(method, path, {"api-version": VERSION}, {}, body, "https://127.0.0.1")
    return _conformance().check(request, Response(status, answer, headers or {}))


def app(*path: str, to: Any) -> Any:
    """Return a body with another value below its properties."""
    return changed(BODY, "properties", *path, to=to)


def changed(value: Any, *path: str, to: Any) -> Any:
    made = copy.deepcopy(value)
    inner = made
    for part in path[:-1]:
        inner = inner.setdefault(part, {})
    inner[path[-1]] = to
    return made


def test_what_is_right_is_let_through() -> None:
    assert found("PUT", APP, BODY, 201, SEEN) == []
    assert found("PATCH", APP, {"tags": {"a": None}, "properties": {"template": None}}, 202, None, POLLED) == []
    assert found("DELETE", APP, None, 202, None, POLLED) == []
    assert (
        found("GET", APP, None, 200, changed(SEEN, "properties", "configuration", "ingress", "transport", to="Auto"))
        == []
    )
    assert found("POST", f"{APP}/revisions/app--one/activate") == []


TOLD = changed(SEEN, "properties", "configuration", "secrets", to=[{"name": "a", "value": "b"}])


@pytest.mark.parametrize(
    ("why", "call"),
    [
        ("is read-only", ("PUT", APP, app("latestRevisionName", to="x"), 201, SEEN)),
        ("unexpected", ("PUT", APP, app("template", "replicas", to=2), 201, SEEN)),
        ("is not of type 'string'", ("PUT", APP, changed(BODY, "location", to=1), 201, SEEN)),
        ("'location' is a required property", ("PUT", APP, {"properties": {}}, 201, SEEN)),
        ("does not match", ("PUT", APP, app("configuration", "activeRevisionsMode", to="Labels"), 201, SEEN)),
        ("None is not of type", ("PUT", APP, app("template", "scale", "minReplicas", to=None), 201, SEEN)),
        ("is never returned", ("GET", APP, None, 200, TOLD)),
        ("status 204 is not declared", ("PUT", APP, BODY, 204, None)),
        ("names neither", ("PATCH", APP, {"tags": {}}, 202, None)),
        ("there is a body, and none is declared", ("POST", f"{APP}/revisions/app--one/activate", None, 200, {"a": 1})),
        ("no such operation", ("POST", f"{APP}/explode")),
    ],
)
def test_what_is_wrong_is_told(why: str, call: tuple[Any, ...]) -> None:
    assert any(why in line for line in found(*call)), found(*call)
