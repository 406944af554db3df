"""What belongs to this machine and not to the stack: cache folder, mirrors, certificate bundle.

None of it enters a key, a layer, a diff or the state: two machines with other mirrors make equal images.
"""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, field, replace
from pathlib import Path

from platformdirs import user_cache_path

from .core.errors import UserError

ATTESTATIONS = ("disabled", "warn", "require")


@dataclass(frozen=True)
class Settings:
    """Machine settings.

    ``channels`` maps a conda channel's name (``conda-forge``) or URL to the URL of a mirror (http, https or file);
    ``registries`` maps an image registry's host (``docker.io``) to the base URL of a mirror (``http://127.0.0.1:5055``);
    ``wheels`` maps the beginning of the URLs that everyone knows wheels by to that of a mirror's, for lock files.
    ``attestations`` is what a conda package without a valid one gets: ``disabled`` (nothing), ``warn``, ``require``.
    """

    cache: Path
    channels: dict[str, str] = field(default_factory=dict)
    registries: dict[str, str] = field(default_factory=dict)
    ca_bundle: Path | None = None
    wheels: dict[str, str] = field(default_factory=dict)
    attestations: str = "disabled"

    @classmethod
    def read(cls, environ: dict[str, str] | None = None) -> Settings:
        """Read ``ACIML_CACHE`` (folder), ``ACIML_MIRRORS`` (TOML file), ``ACIML_ATTESTATIONS``, ``SSL_CERT_FILE``.

        Without ``ACIML_MIRRORS`` the file ``mirrors.toml`` in the cache folder is read if it is there.

        Raises:
            UserError: the mirrors file is missing or not TOML with the tables ``channels``, ``registries``, ``wheels``;
                or there is no such policy.
        """
        env = dict(os.environ) if environ is None else environ
        cache = Path(env.get("ACIML_CACHE") or user_cache_path("aciml")).expanduser()
        named = env.get("ACIML_MIRRORS")
        path = Path(named) if named else cache / "mirrors.toml"
        bundle = env.get("SSL_CERT_FILE")
        policy = env.get("ACIML_ATTESTATIONS") or "disabled"
        if policy not in ATTESTATIONS:
            raise UserError(f'ACIML_ATTESTATIONS is "{policy}"', f"write one of {', '.join(ATTESTATIONS)}")
        if not named and not path.exists():
            return cls(cache, ca_bundle=Path(bundle) if bundle else None, attestations=policy)
        try:
            tables = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise UserError(f"mirrors file {path}: {error}", "mend it, or unset ACIML_MIRRORS") from error
        return cls(
            cache,
            {str(name): str(url) for name, url in tables.get("channels", {}).items()},
            {str(name): str(url).rstrip("/") for name, url in tables.get("registries", {}).items()},
            Path(bundle) if bundle else None,
            {str(url): str(mirror) for url, mirror in tables.get("wheels", {}).items()},
            policy,
        )

    def with_ca_bundle(self, path: str) -> Settings:
        """Return the settings with another certificate bundle; an empty path keeps the one there is."""
        return replace(self, ca_bundle=Path(path).expanduser()) if path else self
