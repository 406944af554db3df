"""What the container's environment says; read once at start."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import MutableMapping, Optional, Tuple


@dataclass(frozen=True)
class Settings:
    """Where things are. ``keys`` never appear in ``repr``; without keys everybody may call ``/score``.

    ``max_body`` is in bytes, ``patience`` (of a client that says nothing) and ``drain`` (for slow clients after
    SIGTERM) in seconds; ``port`` 0 takes a free one and logs it. With ``tls_cert`` (a PEM file) it speaks TLS.
    """

    entry_script: str
    app_root: str = "/var/azureml-app"
    source_directory: str = ""
    model_dir: str = ""
    port: int = 5001
    keys: Tuple[bytes, ...] = field(default=(), repr=False)
    max_body: int = 100 * 1024 * 1024
    patience: float = 30.0
    drain: float = 10.0
    service_name: str = "ML service"
    tls_cert: str = ""
    tls_key: str = ""

    @classmethod
    def take(cls, environ: Optional[MutableMapping[str, str]] = None) -> Settings:
        """Read the variables of the v1 contract and take the keys out of them, so that user code does not see them.

        Raises:
            ValueError: a number is none; the message names the variable.
        """
        env = os.environ if environ is None else environ
        keys = (env.pop("ACIML_PRIMARY_KEY", ""), env.pop("ACIML_SECONDARY_KEY", ""))
        return cls(
            entry_script=env.get("AZUREML_ENTRY_SCRIPT") or "main.py",
            app_root=env.get("AML_APP_ROOT") or cls.app_root,
            source_directory=env.get("AZUREML_SOURCE_DIRECTORY", ""),
            model_dir=env.get("AZUREML_MODEL_DIR", ""),
            port=int(_number(env, "ACIML_PORT", cls.port)),
            keys=tuple(key.encode("utf-8", "surrogateescape") for key in keys if key),
            max_body=int(_number(env, "ACIML_MAX_BODY", cls.max_body)),
            patience=_number(env, "ACIML_CLIENT_TIMEOUT", cls.patience),
            drain=_number(env, "ACIML_DRAIN_TIMEOUT", cls.drain),
            service_name=env.get("SERVICE_NAME") or cls.service_name,
            tls_cert=env.get("ACIML_TLS_CERT", ""),
            tls_key=env.get("ACIML_TLS_KEY", ""),
        )


def _number(env: MutableMapping[str, str], name: str, default: float) -> float:
    text = env.get(name) or str(default)
    try:
        return float(text)
    except ValueError:
        raise ValueError("%s is %r, which is not a number" % (name, text)) from None
