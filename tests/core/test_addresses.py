"""What was meant as an address."""

from __future__ import annotations

import pytest

from aciml.core.addresses import meant_address


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("https//host.org/a", "https://host.org/a"),
        ("https:/host.org/a", "https://host.org/a"),
        ("http:host.org", "http://host.org"),
        ("htps://host.org", "https://host.org"),
        ("hhtps:/host.org", "https://host.org"),
        ("https:///host.org/a", "https://host.org/a"),
        ("https://host.org/a", ""),
        ("http://127.0.0.1:80/", ""),
        ("file:///a/b", ""),
        ("ftp://host.org", ""),
        ("s3://bucket", ""),
        ("a/b", ""),
        ("https", ""),
    ],
)
def test_an_address_that_is_none_is_told_with_what_was_meant(text: str, meant: str) -> None:
    assert meant_address(text) == meant
