"""Secrets of a container app: they are named by what they hold, and kept as long as a revision needs them.

A changed secret makes no revision and restarts nothing (Microsoft, "Manage secrets in Azure Container Apps"). So
another text is another secret: the template names it, which makes a revision, and the old one keeps its own.
"""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ..groups.members import Json

# a name has up to 253 lower-case letters, digits and hyphens; short ones are read in the portal
_LONGEST = 40
_DIGITS = 12


class Secrets:
    """Gathers the secrets of one app while its template is written; ``repr`` shows none."""

    def __init__(self, salt: str = "") -> None:
        """Name secrets for the app ``salt`` (its id); without it names are for comparisons in this process alone."""
        self._salt = salt.lower()
        self._values: dict[str, str] = {}

    def put(self, about: str, text: str) -> str:
        """Keep a secret, and return its name."""
        name = f"{_slug(about)}-{_digest(self._salt, about, text)}"
        self._values[name] = text
        return name

    def to_arm(self, others: Mapping[str, str] | None = None) -> list[dict[str, str]]:
        """Return ``secrets`` of a request, with those that older revisions need."""
        # ours last: of one name both have one text, unless somebody wrote into it by hand
        every = {**(others or {}), **self._values}
        # an empty value is refused (ContainerAppSecretInvalid); nothing is one that no environment variable has
        return [{"name": name, "value": every[name]} for name in sorted(every)]


@functools.lru_cache(maxsize=4096)
def _digest(salt: str, about: str, text: str) -> str:
    """Return digits that tell texts apart. Names are read by whoever may read the app, so guessing has to be dear."""
    said = f"{about}\0{text}".encode()
    if not salt:
        return hashlib.sha256(said).hexdigest()
    # 16 MiB and some 40 ms a guess (RFC 7914), and the app's id as salt: no table of passwords fits two apps
    return hashlib.scrypt(said, salt=salt.encode(), n=2**14, r=8, p=1, dklen=_DIGITS // 2).hex()


def _slug(about: str) -> str:
    # only to be read by people; what tells secrets apart is behind it
    text = re.sub(r"[^a-z0-9]+", "-", about.lower()).strip("-")[:_LONGEST].strip("-")
    return text or "secret"


def named_in(template: Json) -> Iterator[str]:
    """Give the names of all secrets that a template refers to."""
    for container in (*(template.get("containers") or ()), *(template.get("initContainers") or ())):
        for variable in container.get("env") or ():
            if variable.get("secretRef"):
                yield str(variable["secretRef"])
    for volume in template.get("volumes") or ():
        yield from (str(item["secretRef"]) for item in volume.get("secrets") or () if item.get("secretRef"))
    for rule in (template.get("scale") or {}).get("rules") or ():
        for kind in ("http", "tcp", "azureQueue", "custom"):
            auth = (rule.get(kind) or {}).get("auth") or ()
            yield from (str(item["secretRef"]) for item in auth if item.get("secretRef"))


def needed(values: Iterable[Mapping[str, Any]], templates: Iterable[Json]) -> dict[str, str]:
    """Return the secrets, as ``listSecrets`` gave them, that any of the templates refers to.

    A secret that a kept revision refers to cannot be taken away (azure-container-apps issues 395, 654, 660).
    """
    wanted = {name for template in templates for name in named_in(template)}
    return {
        str(one["name"]): str(one["value"]) for one in values if str(one.get("name")) in wanted and one.get("value")
    }
