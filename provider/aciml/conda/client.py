"""How channels are asked: with the accounts that rattler's login, ``RATTLER_AUTH_FILE`` or netrc have for them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..settings import Settings

if TYPE_CHECKING:
    from rattler import Client, VerificationPolicy


def channel_client() -> Client:
    """Return rattler's client with its store of accounts; an account goes to its host and is written nowhere."""
    from rattler import Client

    return Client.default_client()


def attestation_policy(settings: Settings) -> VerificationPolicy:
    """Return what rattler does with a package whose Sigstore attestation (CEP 27) is missing or wrong.

    An attestation names the channel that it was made for; on a machine with mirrors that name is not compared.
    """
    from rattler import ChannelCheck, VerificationPolicy

    check = ChannelCheck.IGNORE if settings.channels else ChannelCheck.REQUIRE
    if settings.attestations == "require":
        return VerificationPolicy.require(channel_check=check)
    if settings.attestations == "warn":
        return VerificationPolicy.warn(channel_check=check)
    return VerificationPolicy.disabled()
