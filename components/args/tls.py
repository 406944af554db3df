"""TLS of a service; v1's words."""

import pulumi

from .declared import subject


@subject
class TlsArgs:
    """The certificate that a service speaks TLS with: to give it is v1's ``ssl_enabled``."""

    # v1's words side by side, though `tls` says half of them: people bring them along
    ssl_cert_pem_file: pulumi.Input[str]
    """PEM file with the certificate chain, relative to the folder of Pulumi.yaml."""
    ssl_key_pem_file: pulumi.Input[str]
    """PEM file with its private key."""
    ssl_client_ca_pem_file: pulumi.Input[str] | None = None
    """PEM file of authorities; only clients that they certify may call then."""
    ssl_cname: pulumi.Input[str] | None = None
    """Host name of the certificate, which the URLs are written with; the service's own if not said."""
