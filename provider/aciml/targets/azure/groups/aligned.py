"""What has to be known of a spec before it is compared with a newer one: secrets that nobody can read back.

A group that was imported, or whose drift was taken over, has none of its secrets in the old spec. They are taken to be
what the new spec says: an import must be followed by a preview without changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ....model.access import CONNECTION
from ...protocol import Certificate, GroupSpec, Settings

Json = Mapping[str, Any]
_CONNECTION = "appInsightsConnectionString"


def aligned(old: GroupSpec, new: GroupSpec) -> tuple[GroupSpec, GroupSpec]:
    """Return both specs, ready to be compared."""
    was, now = _fingerprint(old.certificate), _fingerprint(new.certificate)
    if old.certificate and new.certificate and not was:
        was = now
    settings = with_secrets_of(old.settings, new.settings)
    if CONNECTION in old.secure_environment:  # it was said in another way
        settings = {**settings, _CONNECTION: old.settings.get(_CONNECTION)}
    before = replace(old, certificate=_stand_in(old, was), settings=settings)
    return before, replace(new, certificate=_stand_in(new, now))


def with_secrets_of(settings: Settings, source: Settings) -> dict[str, Any]:
    """Fill secrets that ``settings`` lacks from ``source``, for the things that are in both."""
    found = dict(settings)
    for name, (key, secrets) in _LISTS.items():
        if settings.get(name) and source.get(name):
            found[name] = _listed(settings[name], source[name], key, secrets)
    if volumes := found.get("volumes"):
        found["volumes"] = [_volume(item, _of(source.get("volumes"), "name", item)) for item in volumes]
    known, other = settings.get("logAnalytics"), source.get("logAnalytics")
    if known and other and "workspaceKey" not in known and known.get("workspaceId") == other.get("workspaceId"):
        found["logAnalytics"] = {**other, **known}  # an answer has the id, and may have no more
    if settings.get("enableAppInsights") and source.get(_CONNECTION):
        found.setdefault(_CONNECTION, source[_CONNECTION])
    return found


_LISTS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "imageRegistryCredentials": ("server", ("password",)),
    "initContainers": ("name", ("secureEnvironmentVariables",)),
}
"""Lists of things with a name (by which key) and secrets (which ones)."""


def _listed(items: Sequence[Json], sources: Sequence[Json], key: str, secrets: tuple[str, ...]) -> list[dict[str, Any]]:
    return [_filled(item, _of(sources, key, item), secrets) for item in items]


def _of(sources: Sequence[Json] | None, key: str, item: Json) -> Json:
    wanted = str(item.get(key)).lower()
    return next((source for source in sources or () if str(source.get(key)).lower() == wanted), {})


def _filled(item: Json, source: Json, secrets: tuple[str, ...]) -> dict[str, Any]:
    """Fill texts that are not there, and in maps the values that are empty: of variables an answer has the names."""
    found = {
        name: _named(item[name], source.get(name) or {}) for name in secrets if isinstance(item.get(name), Mapping)
    }
    texts = {name: source[name] for name in secrets if isinstance(source.get(name), str)}
    return {**texts, **item, **found}


def _named(values: Json, source: Json) -> dict[str, Any]:
    return {name: value or source.get(name, value) for name, value in values.items()}


def _volume(volume: Json, source: Json) -> dict[str, Any]:
    found = dict(volume)
    if volume.get("azureFile") and source.get("azureFile"):
        found["azureFile"] = _filled(volume["azureFile"], source["azureFile"], ("storageAccountKey",))
    if "secret" in volume and not volume["secret"]:
        found["secret"] = source.get("secret") or {}
    return found


def _fingerprint(certificate: Certificate | None) -> str:
    """Return the hash of a certificate, or what stands in for a certificate (its hash, without a key)."""
    if certificate is None:
        return ""
    if not certificate.key:
        return certificate.chain.decode(errors="replace")
    return certificate.fingerprint


def _stand_in(spec: GroupSpec, fingerprint: str) -> Certificate | None:
    return (
        Certificate(fingerprint.encode(), b"", spec.certificate.authorities and b"some") if spec.certificate else None
    )
