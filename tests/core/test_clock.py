"""Certificates that a wrong clock refuses."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import requests

from aciml.core.clock import about_clock
from aciml.registry.errors import unreachable


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("certificate verify failed: certificate has expired (_ssl.c:1007)", True),
        ("certificate verify failed: certificate is not yet valid (_ssl.c:1007)", True),
        ("invalid peer certificate: certificate expired: verification time 1700000000", True),
        ("certificate verify failed: unable to get local issuer certificate", False),
        ("", False),
    ],
)
def test_a_certificate_that_is_refused_for_its_time_speaks_of_the_clock(words: str, *, told: bool) -> None:
    said = about_clock(words, datetime(2031, 2, 3, 4, 5, tzinfo=UTC))

    assert ("2031-02-03 04:05 UTC" in said) is told
    error = unreachable("host", "https://host", requests.exceptions.SSLError(words))
    assert ("clock" in error.advice) is told
    assert not error.temporary
