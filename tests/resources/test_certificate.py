"""Certificates of services: which files are asked for, what is wrong with them, and the hash that state keeps."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.core.errors import UserError
from aciml.model.group import Group
from aciml.model.rules import group_of
from aciml.properties import UNKNOWN, Values
from aciml.resources.certificate import certificate_findings, certificate_hash, read_certificate, stand_in

CHAIN, KEY = "-----BEGIN CERTIFICATE-----\nabc\n", "-----BEGIN PRIVATE KEY-----\ndef\n"


@pytest.fixture
def files(tmp_path: Path) -> Values:
    (tmp_path / "cert.pem").write_text(CHAIN)
    (tmp_path / "key.pem").write_text(KEY)
    return {
        "sslEnabled": True,
        "sslCertPemFile": str(tmp_path / "cert.pem"),
        "sslKeyPemFile": str(tmp_path / "key.pem"),
    }


def declared(values: Values) -> Group:
    return group_of({"image": "host/a@sha256:1", **values})


def found(values: Values) -> dict[str, str]:
    return {finding.where: finding.why for finding in certificate_findings(declared(values))}


def test_a_pair_that_is_there_is_right_and_has_a_hash(files: Values) -> None:
    read = read_certificate(declared(files).tls)

    assert found(files) == {}
    assert read is not None
    assert (read.chain, read.key, read.authorities) == (CHAIN.encode(), KEY.encode(), b"")
    assert certificate_hash(declared(files).tls) == {"certificateHash": read.fingerprint}


def test_another_content_has_another_hash_and_another_place_has_not(files: Values, tmp_path: Path) -> None:
    before = certificate_hash(declared(files).tls)
    (tmp_path / "moved.pem").write_text(CHAIN)
    moved = certificate_hash(declared({**files, "sslCertPemFile": str(tmp_path / "moved.pem")}).tls)
    (tmp_path / "cert.pem").write_text(CHAIN + "more\n")

    assert moved == before
    assert certificate_hash(declared(files).tls) != before


def test_what_is_missing_is_named_and_what_is_given_for_nothing_too(files: Values) -> None:
    assert found({"sslEnabled": True}).keys() == {"sslCertPemFile", "sslKeyPemFile"}
    assert found({**files, "sslEnabled": False}).keys() == {"sslCertPemFile", "sslKeyPemFile"}
    assert "is not a file" in found({**files, "sslKeyPemFile": "none.pem"})["sslKeyPemFile"]


def test_a_file_of_the_other_kind_is_told(files: Values) -> None:
    swapped = {**files, "sslCertPemFile": files["sslKeyPemFile"], "sslKeyPemFile": files["sslCertPemFile"]}

    assert "no BEGIN CERTIFICATE" in found(swapped)["sslCertPemFile"]
    assert "no PRIVATE KEY" in found(swapped)["sslKeyPemFile"]


def test_clients_with_certificates_leave_no_room_for_a_smoke_test(files: Values) -> None:
    both = {**files, "sslClientCaPemFile": files["sslCertPemFile"], "smokeTest": {"body": "{}"}}

    assert found(both).keys() == {"smokeTest"}


def test_what_is_not_known_is_neither_judged_nor_hashed(files: Values) -> None:
    later = {**files, "sslKeyPemFile": UNKNOWN}

    assert found(later) == {}
    assert found({**files, "sslEnabled": UNKNOWN}) == {}
    assert certificate_hash(declared(later).tls) == {"certificateHash": UNKNOWN}


def test_without_tls_nothing_is_read(files: Values) -> None:
    assert read_certificate(declared({**files, "sslEnabled": False}).tls) is None
    assert certificate_hash(declared({}).tls) == {}


def test_a_file_that_went_meanwhile_is_one_sentence(files: Values, tmp_path: Path) -> None:
    (tmp_path / "key.pem").unlink()

    with pytest.raises(UserError, match="cannot be read"):
        read_certificate(declared(files).tls)


def test_the_hash_stands_in_for_the_files_when_specs_are_compared(files: Values) -> None:
    state = {**files, "certificateHash": "abc"}

    assert stand_in(declared(state).tls) == stand_in(declared({**state, "sslCertPemFile": "elsewhere"}).tls)
    assert stand_in(declared(state).tls) != stand_in(declared({**state, "certificateHash": "def"}).tls)
    assert stand_in(declared({}).tls) is None
