"""What belongs to this machine and not to the stack: cache folder, mirrors, certificate bundle.

None of it enters a key, a layer, a diff or the state: two machines with other mirrors make equal images.
"""

from __future__ import annotations

import ipaddress
import os
import re
import time
import tomllib
from dataclasses import field, replace
from pathlib import Path

from platformdirs import user_cache_path

from .core.errors import UserError
from .core.lean import lean
from .core.pace import Paces

ATTESTATIONS = ("disabled", "warn", "require")
CACHE_SIZE = 20_000_000_000
"""Bytes that the cache may have after a build unless the machine says otherwise: a few big environments."""

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}
_UNITS |= {"K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_UNITS |= {"KIB": 1 << 10, "MIB": 1 << 20, "GIB": 1 << 30, "TIB": 1 << 40}


@lean(frozen=True)
class Settings:
    """Machine settings.

    ``channels`` maps a conda channel's name (``conda-forge``) or URL to the URL of a mirror (http, https or file);
    ``registries`` maps an image registry's host (``docker.io``) to the base URL of a mirror (``http://127.0.0.1:5055``);
    ``wheels`` maps the beginning of the URLs that everyone knows wheels by to that of a mirror's, for lock files.
    ``attestations`` is what a conda package without a valid one gets: ``disabled`` (nothing), ``warn``, ``require``.
    ``cache_size`` is how many bytes the cache may have after a build; None if nobody minds. ``envoy_image`` is an image
    with Envoy, in place of one that is made here; ``swarm_pool`` the addresses that networks of services are to have.
    ``door`` tells whether services in a container on this machine get an Envoy in front, so that no update has a gap.
    """

    cache: Path
    channels: dict[str, str] = field(default_factory=dict)
    registries: dict[str, str] = field(default_factory=dict)
    ca_bundle: Path | None = None
    wheels: dict[str, str] = field(default_factory=dict)
    attestations: str = "disabled"
    cache_size: int | None = CACHE_SIZE
    envoy_image: str = ""
    swarm_pool: str = ""
    door: bool = False
    private_channels: dict[str, str] = field(default_factory=dict, repr=False)
    """URL of a channel by its name, with an account that variables of this machine gave; nowhere written or shown."""
    paces: Paces = field(default_factory=lambda: Paces(time.sleep, time.monotonic), repr=False, compare=False)
    """When each host may be asked again; shared by all copies of these settings, as the hosts are."""

    @classmethod
    def read(cls, environ: dict[str, str] | None = None) -> Settings:
        """Read ``ACIML_CACHE`` (folder), ``ACIML_MIRRORS`` (TOML file), ``ACIML_ATTESTATIONS``, ``SSL_CERT_FILE``.

        ``ACIML_CACHE_SIZE`` is such as ``20GB``, or ``unlimited``; ``ACIML_ENVOY_IMAGE`` an image, ``ACIML_SWARM_POOL``
        a network such as ``10.77.0.0/16``; ``ACIML_DOOR`` is ``on`` or ``off``.

        Without ``ACIML_MIRRORS`` the file ``mirrors.toml`` in the cache folder is read if it is there.

        Raises:
            UserError: the mirrors file is missing or not TOML with the tables ``channels``, ``registries``, ``wheels``;
                or there is no such policy, size, network or word for the door.
        """
        env = dict(os.environ) if environ is None else environ
        cache = Path(env.get("ACIML_CACHE") or user_cache_path("aciml")).expanduser()
        named = env.get("ACIML_MIRRORS")
        path = Path(named) if named else cache / "mirrors.toml"
        bundle = env.get("SSL_CERT_FILE")
        size = _cache_size(env.get("ACIML_CACHE_SIZE", ""))
        # set to nothing is not set, as a pipeline does with a variable that it does not have
        policy = env.get("ACIML_ATTESTATIONS") or "disabled"
        if policy not in ATTESTATIONS:
            raise UserError(f'ACIML_ATTESTATIONS is "{policy}"', f"write one of {', '.join(ATTESTATIONS)}")
        envoy, pool = env.get("ACIML_ENVOY_IMAGE", ""), _swarm_pool(env.get("ACIML_SWARM_POOL", ""))
        door = _door(env.get("ACIML_DOOR", ""))
        here = cls(cache, {}, {}, Path(bundle) if bundle else None, {}, policy, size, envoy, pool, door)
        if not named and not path.exists():
            return here
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            said = f"mirrors file {path} cannot be read: {error.strerror}"
            raise UserError(said, "name another one in ACIML_MIRRORS, or unset it") from error
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise UserError(f"mirrors file {path}: {error}", "mend it, or unset ACIML_MIRRORS") from error
        return replace(
            here,
            channels={str(name): str(url) for name, url in tables.get("channels", {}).items()},
            registries={str(name): str(url).rstrip("/") for name, url in tables.get("registries", {}).items()},
            wheels={str(url): str(mirror) for url, mirror in tables.get("wheels", {}).items()},
        )

    def with_usable_cache(self) -> tuple[Settings, str]:
        """Return settings whose cache can be written, and a warning if that is another folder than was named."""
        from .blobs.room import usable_cache

        folder, told = usable_cache(self.cache)
        return replace(self, cache=folder), told

    def with_ca_bundle(self, path: str) -> Settings:
        """Return the settings with another certificate bundle; an empty path keeps the one there is."""
        return replace(self, ca_bundle=Path(path).expanduser()) if path else self


def read_size(text: str) -> int:
    """Return the bytes that ``20GB``, ``500 MiB``, ``1.5 TB`` or ``1000`` means.

    Raises:
        ValueError: it means nothing.
    """
    found = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)", text.strip())
    if not found or found[2].upper() not in _UNITS:
        raise ValueError(text)
    return int(float(found[1]) * _UNITS[found[2].upper()])


def _cache_size(text: str) -> int | None:
    if not text:
        return CACHE_SIZE
    if text.strip().lower() in ("none", "unlimited"):
        return None
    try:
        return read_size(text)
    except ValueError as error:
        raise UserError(f'ACIML_CACHE_SIZE: "{text}" is no size', "write one such as 20GB, or unlimited") from error


def _door(text: str) -> bool:
    word = text.strip().lower() or "on"
    if word not in ("on", "off"):
        raise UserError(f'ACIML_DOOR is "{text}"', "write on or off")
    return word == "on"


def _swarm_pool(text: str) -> str:
    if not text:
        return ""
    try:
        network = ipaddress.IPv4Network(text)
    except ValueError as error:
        raise UserError(f'ACIML_SWARM_POOL: "{text}" is no network', "write one such as 10.77.0.0/16") from error
    # a service's network has 24 bits (``swarm/cluster``), and none fits into a pool that is smaller
    if network.prefixlen > 24:
        raise UserError(f"ACIML_SWARM_POOL: {text} is too small", "a service needs 256 addresses: write /24 or less")
    return text
