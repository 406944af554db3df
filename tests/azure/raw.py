"""ARM by plain requests, for tests that look at statuses and headers."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from typing import Any, TypeVar

import requests

from tests.simulators.azure.emulator import Emulator

Json = dict[str, Any]
T = TypeVar("T")
CONTAINERS = "2023-05-01"
DEADLINE = 30  # seconds


def until(look: Callable[[], T], what: str = "it") -> T:
    """Look again and again until something true is seen."""
    deadline = time.monotonic() + DEADLINE
    while not (seen := look()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} does not come")
        time.sleep(0.02)
    return seen


class Raw:
    """Calls with a good token; ``group`` paths are those of one resource group."""

    def __init__(self, emulator: Emulator) -> None:
        self.emulator = emulator
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.verify = str(emulator.ca_bundle)
        token = emulator.authority.issue(emulator.endpoint)
        self._session.headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        """End the connections."""
        self._session.close()

    def call(
        self, method: str, path: str, body: Any = None, version: str = CONTAINERS, **query: str
    ) -> requests.Response:
        """Ask once."""
        url = path if path.startswith("https:") else f"{self.emulator.endpoint}{path}"
        parameters = {} if "api-version=" in url else {"api-version": version, **query}
        return self._session.request(method, url, json=body, params=parameters, timeout=DEADLINE)

    def path(self, name: str = "", *more: str) -> str:
        """Return the path of a container group, or of all."""
        start = self.emulator.world.resource_id(
            self.emulator.resource_group, "Microsoft.ContainerInstance/containerGroups", ""
        )
        return "/".join([f"{start}{name}".rstrip("/"), *more])

    def wait(self, answer: requests.Response) -> Json:
        """Return the last word of the operation that an answer began."""
        where = answer.headers["Azure-AsyncOperation"]
        return until(lambda: seen if (seen := self.call("GET", where).json())["status"] != "InProgress" else {}, where)

    def put(self, body: Json, name: str = "one") -> Json:
        """Bring a group up and return how it is; fails unless all went well."""
        answer = self.call("PUT", self.path(name), body)
        assert answer.status_code in {200, 201}, answer.text
        assert self.wait(answer)["status"] == "Succeeded"
        return self.get(name)

    def get(self, name: str = "one") -> Json:
        """Return how a group is."""
        answer = self.call("GET", self.path(name))
        assert answer.status_code == 200, answer.text
        seen: Json = answer.json()
        return seen

    def error(self, answer: requests.Response) -> tuple[int, str]:
        """Return status and code of an error."""
        return answer.status_code, str(answer.json()["error"]["code"])


BODY: Json = {
    "location": "westeurope",
    "properties": {
        "osType": "Linux",
        "restartPolicy": "Always",
        "containers": [
            {
                "name": "main",
                "properties": {
                    "image": "aciml-test:serves",
                    "ports": [{"port": 5001}],
                    "resources": {"requests": {"cpu": 1, "memoryInGB": 1}},
                },
            }
        ],
        "ipAddress": {"type": "Public", "ports": [{"port": 5001}]},
    },
}


def body(**changes: Any) -> Json:
    """Return a small group; names with ``container_`` go into its container, ``top_`` to the top."""
    made = copy.deepcopy(BODY)
    for name, value in changes.items():
        kind, _, rest = name.partition("_")
        places = {"container": made["properties"]["containers"][0]["properties"], "top": made}
        place, key = (places[kind], rest) if kind in places else (made["properties"], name)
        if value is None:
            place.pop(key, None)
        else:
            place[key] = value
    return made
