"""Image references are read as Docker reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.errors import UserError
from aciml.core.reference import Reference

_word = st.from_regex(r"[a-z0-9]{1,8}", fullmatch=True)
_component = st.builds("{}{}{}".format, _word, st.sampled_from([".", "_", "__", "-", "---"]), _word) | _word
_path = st.lists(_component, min_size=1, max_size=4).map("/".join)
_port = st.integers(1, 65535).map(str)
_host = (
    st.just("localhost")
    | st.builds("{}.{}".format, _word, _word)
    | st.builds("{}:{}".format, _word, _port)
    | st.builds("[::1]:{}".format, _port)
)
_tag = st.just("") | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}", fullmatch=True)
_digest = st.just("") | st.from_regex(r"[0-9a-f]{64}", fullmatch=True).map("sha256:{}".format)


@given(_host, _path, _tag, _digest)
def test_what_is_written_is_read_again(host: str, path: str, tag: str, digest: str) -> None:
    reference = Reference(host, path, tag or ("" if digest else "latest"), digest)

    assert Reference.parse(str(reference)) == reference


@given(st.text(max_size=40))
def test_any_text_is_a_reference_or_a_user_error(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except UserError:
        return
    assert Reference.parse(str(reference)) == reference


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("ubuntu", "docker.io/library/ubuntu:latest"),
        ("ubuntu:22.04", "docker.io/library/ubuntu:22.04"),
        ("team/app", "docker.io/team/app:latest"),
        ("docker.io/ubuntu", "docker.io/library/ubuntu:latest"),
        ("localhost/app", "localhost/app:latest"),
        ("127.0.0.1:5000/app:1", "127.0.0.1:5000/app:1"),
        ("example.azurecr.io/a/b@sha256:" + "a" * 64, "example.azurecr.io/a/b@sha256:" + "a" * 64),
    ],
)
def test_a_short_name_means_what_docker_means_by_it(text: str, full: str) -> None:
    assert str(Reference.parse(text)) == full


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("", "repository name"),
        ("Team/App", "repository name"),
        ("app:", "tag"),
        ("app:a b", "tag"),
        ("app@", "digest"),
        ("app@sha256:12", "digest"),
        (":5000/app", "registry"),
        ("a.b:port/app", "registry"),
        ("user@example.com/app", "digest"),
        ("user:password@example.com/app", "digest"),
    ],
)
def test_a_wrong_reference_names_the_part_that_is_wrong(text: str, wrong: str) -> None:
    with pytest.raises(UserError, match=f"is not a {wrong}"):
        Reference.parse(text)


def test_a_digest_is_asked_for_before_a_tag() -> None:
    digest = "sha256:" + "0" * 64

    assert Reference("a.b", "c", "1").manifest == "1"
    assert Reference("a.b", "c", "1").at(digest).manifest == digest
