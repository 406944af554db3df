"""Container apps by plain requests."""

from __future__ import annotations

import copy
from typing import Any

import requests

from tests.azure.raw import Json, Raw, until

VERSION = "2026-07-01"
ENVIRONMENTS, APPS = "Microsoft.App/managedEnvironments", "Microsoft.App/containerApps"


class AppsRaw(Raw):
    """Calls to Microsoft.App; the environment is ``env``, the app ``app`` where nothing else is said."""

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> requests.Response:
        """Ask once, in the version that the SDK speaks."""
        return self.call(method, path, body, VERSION, **query)

    def app(self, *more: str, name: str = "app") -> str:
        """Return the path of an app, or of something below it."""
        return "/".join([self.emulator.world.resource_id(self.emulator.resource_group, APPS, name), *more])

    def environment(self, *more: str, name: str = "env") -> str:
        """Return the path of an environment, or of something below it."""
        return "/".join([self.emulator.world.resource_id(self.emulator.resource_group, ENVIRONMENTS, name), *more])

    def end(self, answer: requests.Response) -> Json:
        """Return the last word of what an answer began: a status, or what ``Location`` gives with its status code."""
        if "Azure-AsyncOperation" in answer.headers:
            return self.wait(answer)
        where = answer.headers["Location"]

        def look() -> Json:
            seen = self.call("GET", where)
            return (
                {}
                if seen.status_code == 202
                else {"code": seen.status_code, "body": seen.json() if seen.text else None}
            )

        return until(look, where)

    def make_environment(self, name: str = "env", **properties: Any) -> str:
        """Make an environment and return its id."""
        path = self.environment(name=name)
        answer = self.ask("PUT", path, {"location": "westeurope", "properties": properties})
        assert answer.status_code in {200, 201}, answer.text
        assert self.end(answer)["status"] == "Succeeded"
        return path

    def up(self, body: Json, name: str = "app") -> Json:
        """Bring an app up and return how it is; fails unless all went well."""
        answer = self.ask("PUT", self.app(name=name), body)
        assert answer.status_code in {200, 201}, answer.text
        if answer.status_code == 201:
            said = self.end(answer)
            assert said["status"] == "Succeeded", said
        return self.seen(name)

    def change(self, patch: Json, name: str = "app") -> Json:
        """Patch an app and return how it is; fails unless all went well."""
        answer = self.ask("PATCH", self.app(name=name), patch)
        assert answer.status_code in {200, 202}, answer.text
        if answer.status_code == 202:
            said = self.end(answer)
            assert said["code"] == 200, said
        return self.seen(name)

    def seen(self, name: str = "app") -> Json:
        """Return how an app is."""
        answer = self.ask("GET", self.app(name=name))
        assert answer.status_code == 200, answer.text
        found: Json = answer.json()
        return found

    def revisions(self, name: str = "app") -> dict[str, Json]:
        """Return the properties of all revisions by name."""
        answer = self.ask("GET", self.app("revisions", name=name))
        assert answer.status_code == 200, answer.text
        return {each["name"]: each["properties"] for each in answer.json()["value"]}


def app_body(environment: str, image: str = "aciml-test:serves", suffix: str = "", **configuration: Any) -> Json:
    """Return a small app with ingress; ``template_`` names go into the template, ``top_`` to the top."""
    made: Json = {
        "location": "westeurope",
        "properties": {
            "environmentId": environment,
            "configuration": {
                "activeRevisionsMode": "Multiple",
                "ingress": {"external": True, "targetPort": 5001},
            },
            "template": {
                "containers": [{"name": "main", "image": image, "resources": {"cpu": 0.5, "memory": "1Gi"}}],
                "scale": {"minReplicas": 1, "maxReplicas": 3},
            },
        },
    }
    if suffix:
        made["properties"]["template"]["revisionSuffix"] = suffix
    for name, value in configuration.items():
        kind, _, rest = name.partition("_")
        places = {
            "template": made["properties"]["template"], "top": made, "properties": made["properties"],
            "ingress": made["properties"]["configuration"]["ingress"],
            "container": made["properties"]["template"]["containers"][0],
        }  # fmt: skip
        place, key = (places[kind], rest) if kind in places and rest else (made["properties"]["configuration"], name)
        if value is None:
            place.pop(key, None)
        else:
            place[key] = copy.deepcopy(value)
    return made
