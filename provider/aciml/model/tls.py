"""TLS of a service: files on the machine that brings it up; what the group has of them is their content."""

from typing import Annotated

from ..core.lean import lean
from . import cost
from .declared import Declared
from .shape import Field

PAIR, AUTHORITIES = ("ssl_cert_pem_file", "ssl_key_pem_file"), "ssl_client_ca_pem_file"
FILES = (*PAIR, AUTHORITIES)
"""Where the certificate lies does not matter; what is in it does."""


@lean(frozen=True, kw_only=True)
class Tls(Declared):
    """Names of PEM files. ``certificate_hash`` is filled by ``check`` from what is in them."""

    ssl_enabled: Annotated[
        bool | None, Field("speak TLS with the certificate of sslCertPemFile", default=False, cost=cost.TLS)
    ] = None
    ssl_cert_pem_file: Annotated[str | None, Field("PEM file with the certificate chain", cost=cost.FILE)] = None
    ssl_key_pem_file: Annotated[str | None, Field("PEM file with its private key", cost=cost.FILE)] = None
    ssl_client_ca_pem_file: Annotated[
        str | None,
        Field("PEM file of authorities; only clients that they certify may call then", cost=cost.FILE),
    ] = None
    ssl_cname: Annotated[
        str | None,
        Field(
            "host name of the certificate, which the URLs are written with",
            shown="the URL of the service",
            cost=cost.CNAME,
        ),
    ] = None
    # so that a renewed file under the same name is a difference, and the same file elsewhere is none
    certificate_hash: Annotated[str | None, Field("sha256 of certificate and key", filled=True, cost=cost.TLS)] = None
