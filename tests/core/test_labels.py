"""What images say of themselves, and what they do not."""

from __future__ import annotations

import pytest

from aciml.core.image import Image, Layer
from aciml.core.labels import Commit, environment_labels, service_labels, web_url
from aciml.core.reference import Reference

DIGEST = "sha256:" + "a" * 64
BASE = Reference.parse("debian:bookworm-slim").at(DIGEST)
UBUNTUS = {"org.opencontainers.image.version": "22.04", "org.opencontainers.image.ref.name": "ubuntu", "team": "base"}
IN_FULL = {
    "org.opencontainers.image.base.name": "docker.io/library/debian:bookworm-slim",
    "org.opencontainers.image.base.digest": DIGEST,
    "org.opencontainers.image.created": "2024-01-01T00:00:00Z",
}
COMMIT = Commit("c" * 40, "2026-02-03T04:05:06Z", "https://host/x/y")


def image(**labels: str) -> Image:
    return Image((Layer("sha256:b", "sha256:bb", 1),), created="2024-01-01T00:00:00Z").with_labels(labels)


@pytest.mark.parametrize(
    ("remote", "url"),
    [
        ("https://host/x/y.git", "https://host/x/y"),
        ("https://host:8443/x/y", "https://host:8443/x/y"),
        ("http://host/x/y/", "http://host/x/y"),
        ("git@host:x/y.git", "https://host/x/y"),
        ("host.example:x/y.git", "https://host.example/x/y"),
        ("git@host:/x/y.git", "https://host/x/y"),
        ("ssh://git@host:2222/x/y.git", "https://host/x/y"),
        ("git+ssh://git@host/x/y", "https://host/x/y"),
        ("git://host/x/y.git", "git://host/x/y"),
        ("https://me:hidden@host/x/y.git\n", "https://host/x/y"),
        ("https://hidden@host/x/y.git", "https://host/x/y"),
        ("https://host/x/y.git?token=hidden", ""),
        ("https://me:hid@den@host/x/y", ""),
        ("https://me:hid/den@host/x/y", ""),
        ("https://me:1/hidden@host/x/y", ""),
        ("ftp://me:hidden@host/x", ""),
        ("me:hidden@host:x/y", ""),
        ("/srv/git/x.git", ""),
        ("../x", ""),
        ("file:///srv/git/x.git", ""),
        (r"C:\src\x", ""),
        ("C:/src/x", ""),
        ("alias:x/y", ""),
        ("", ""),
    ],
)
def test_a_remote_becomes_the_place_that_people_find_without_what_is_private(remote: str, url: str) -> None:
    assert web_url(remote) == url


def test_an_environment_says_what_it_stands_on() -> None:
    assert environment_labels(image(), BASE, {}) == IN_FULL


def test_what_the_base_says_of_itself_is_not_said_of_the_environment() -> None:
    labels = environment_labels(image(**UBUNTUS, mine="1"), BASE, UBUNTUS)

    assert labels == {**IN_FULL, "team": "base", "mine": "1"}


def test_what_a_step_of_the_user_says_stays() -> None:
    said = {**UBUNTUS, "org.opencontainers.image.version": "7", "org.opencontainers.image.vendor": "we"}
    labels = environment_labels(image(**said), BASE, UBUNTUS)

    assert labels["org.opencontainers.image.version"] == "7"
    assert labels["org.opencontainers.image.vendor"] == "we"


def test_an_environment_on_nothing_names_no_base() -> None:
    assert environment_labels(image(), Reference("", "scratch"), {}).keys() == {"org.opencontainers.image.created"}


def test_a_service_says_what_commit_it_is_of() -> None:
    labels = service_labels(image(**IN_FULL), {}, COMMIT, title="iris", tool="1.2.3")

    assert labels == {
        "org.opencontainers.image.revision": "c" * 40,
        "org.opencontainers.image.created": "2026-02-03T04:05:06Z",
        "org.opencontainers.image.source": "https://host/x/y",
        "org.opencontainers.image.title": "iris",
        "io.aciml.version": "1.2.3",
    }


def test_without_a_commit_a_service_says_what_its_environment_says() -> None:
    assert service_labels(image(**IN_FULL), {"baseImage": "x"}, None, title="iris", tool="1.2.3") == {}


def test_an_environment_that_says_nothing_is_asked_what_it_was_made_of() -> None:
    labels = service_labels(
        image(), {"baseImage": "debian:bookworm-slim", "baseDigest": DIGEST}, None, title="iris", tool="1.2.3"
    )

    assert labels == {name: text for name, text in IN_FULL.items() if ".base." in name}
