"""The base of an environment, given in one of three ways: what check says, pins and keys."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aciml.core.credentials import Credentials
from aciml.core.errors import Finding
from aciml.core.image import OCI_MANIFEST, Image, Layer, sha256_digest
from aciml.core.progress import Silent
from aciml.docker.accounts import docker_login
from aciml.images.plan.base import (
    BaseError,
    FoundBase,
    find_base,
    judge_base_size,
    judge_python,
    size_warning,
    with_base_login,
)
from aciml.images.plan.dockerfile import judge_base, read_draft
from aciml.images.tools import Tools
from aciml.model.environment import read_environment
from aciml.properties import Secret, Values
from aciml.registry.client import RegistryClient
from aciml.resources.environment import EnvironmentImage
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.simulators.registry import RegistrySimulator

WHERE = {"loginServer": "r", "repository": "e"}


@pytest.fixture
def simulator() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as registry:
        yield registry


@pytest.fixture
def shop(tmp_path: Path) -> Tools:
    return Tools.of(MemoryTarget(tmp_path / "target.json"), Settings(tmp_path))


def put(client: RegistryClient, repository: str, tag: str, image: Image) -> str:
    config = image.config()
    client.upload_blob(repository, sha256_digest(config), len(config), lambda: io.BytesIO(config))
    return client.put_manifest(repository, tag, image.manifest(), OCI_MANIFEST)


def judged(values: Values) -> list[Finding]:
    declared = read_environment(values)
    return judge_base(declared.base, declared.steps.builder, declared.steps.lint_off)


def found(tools: Tools, before: Values, now: Values) -> FoundBase:
    return find_base(tools, read_environment(before), read_environment(now), Silent())


@pytest.mark.parametrize(
    ("values", "where", "why"),
    [
        ({}, "baseImage", "baseImage is missing; give it, or dockerfile, or dockerfileText"),
        (
            {"baseImage": "debian", "dockerfileText": "FROM debian"},
            "dockerfileText",
            "give baseImage or dockerfileText, not both",
        ),
        ({"baseImage": "debian", "buildTarget": "x"}, "buildTarget", "buildTarget belongs to a Dockerfile"),
        ({"baseImage": "debian", "baseUsername": "x"}, "baseUsername", "give baseUsername and basePassword together"),
        ({"dockerfile": "no/Dockerfile"}, "dockerfile", "no/Dockerfile does not exist; paths are relative"),
        ({"dockerfileText": "FROM debian\nCOPY a b"}, "dockerfileText", "Dockerfile:2: COPY reads files, but there is"),
        ({"dockerfileText": "FROM debian", "buildContext": "no"}, "buildContext", "no is not a folder"),
    ],
)
def test_a_base_is_given_in_exactly_one_way(shop: Tools, values: Values, where: str, why: str) -> None:
    findings = EnvironmentImage(shop).check(None, {**WHERE, **values}, Silent()).findings

    assert [finding.where for finding in findings] == [where]
    assert findings[0].why.startswith(why)


@pytest.mark.parametrize(
    ("text", "more", "where", "why"),
    [
        ("FROM debian\n", {"buildSecrets": {"token": "pa55word"}}, "buildSecrets", "secrets of a build need BuildKit"),
        ("FROM debian\nRUN --mount=type=cache,target=/c true\n", {}, "builder", "line 2: RUN --mount needs BuildKit"),
    ],
)
def test_what_the_targets_builder_cannot_do_is_refused_before_anything_is_sent(
    text: str, more: Values, where: str, why: str
) -> None:
    values = {**WHERE, "dockerfileText": text, **more}

    assert judged({**values, "builder": "docker"}) == []
    (finding,) = judged({**values, "builder": "acr"})
    assert finding.where == where
    assert finding.why.startswith(why)
    assert "write builder: docker" in finding.why
    assert "pa55word" not in finding.why


def test_secrets_are_read_in_check_and_stay_wrapped(shop: Tools) -> None:
    values = {**WHERE, "dockerfileText": "FROM scratch\n", "buildSecrets": Secret({"token": "pa55word"})}

    checked = EnvironmentImage(shop).check(None, values, Silent())

    assert checked.findings == []
    assert isinstance(checked.inputs["buildSecrets"], Secret)
    assert "pa55word" not in repr(checked)
    assert len(checked.inputs["baseKey"]) == 64
    rotated = {**checked.inputs, "buildSecrets": Secret({"token": "another"})}
    assert not EnvironmentImage(shop).diff(checked.inputs, checked.inputs, rotated).detail


def test_files_that_copy_does_not_find_are_named(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM debian\nCOPY here.txt gone.txt /\nCOPY ../out /\nCOPY --from=nginx y z\n"
    )
    (tmp_path / "here.txt").write_text("x")

    findings = judged({"dockerfile": str(tmp_path / "Dockerfile")})

    told = [finding.why.removeprefix(f"{tmp_path}/") for finding in findings]
    assert told == [
        'Dockerfile:2: COPY: no file "gone.txt" in the context (after .dockerignore)',
        'Dockerfile:3: COPY "../out" leaves the context',
    ]


def test_the_key_is_of_the_files_that_are_copied_the_arguments_and_the_pins(tmp_path: Path) -> None:
    (tmp_path / "used.txt").write_text("1")
    (tmp_path / "idle.txt").write_text("1")
    values: Values = {
        "dockerfileText": "# a comment\nFROM debian:12 AS a\nCOPY used.txt /\nFROM debian:11 AS b\n",
        "buildContext": str(tmp_path),
        "buildTarget": "a",
        "buildSecrets": {"token": "1"},
    }
    pins = {"debian:12": "sha256:" + "1" * 64}

    def key(**changes: object) -> str:
        draft, findings = read_draft(read_environment({**values, **changes}).base)
        assert draft
        assert not findings
        return draft.key(pins)

    first = key()
    (tmp_path / "idle.txt").write_text("2")
    text = str(values["dockerfileText"]).replace("a comment", "another").replace("debian:11", "debian:10")
    assert key(dockerfileText=text, buildSecrets={"token": "2"}) == first
    draft = read_draft(read_environment(values).base)[0]
    assert draft
    assert draft.key({"debian:12": "sha256:" + "2" * 64}) != first
    assert key(buildArgs={"A": "1"}) != first
    (tmp_path / "used.txt").write_text("2")
    assert key() != first
    assert "token" in draft.secrets
    assert "secrets" not in repr(draft)


def test_pins_stay_until_a_refresh_is_asked_for(shop: Tools, simulator: RegistrySimulator) -> None:
    with RegistryClient(simulator.host) as client:
        first = put(client, "base", "one", Image(settings={"Env": ["A=1"]}))
        values: Values = {"dockerfileText": f"FROM {simulator.host}/base:one\n"}
        before = found(shop, {}, values)
        second = put(client, "base", "one", Image(settings={"Env": ["A=2"]}))
    shop.catalog.put_fact("base-tag", f"{simulator.host}/base:one", json.dumps([0, first]))  # asked long ago
    kept = {**values, "baseImages": before.images, "baseKey": before.key}

    after = found(shop, kept, values)
    refreshed = found(shop, kept, {**values, "refreshBase": True})

    assert before.images == {f"{simulator.host}/base:one": first}
    assert after == before
    assert refreshed.images == {f"{simulator.host}/base:one": second}
    assert refreshed.key != before.key


def test_packages_on_scratch_need_to_be_told_the_glibc(shop: Tools) -> None:
    values: Values = {"dockerfileText": "FROM scratch\n", "condaFile": "conda.yml"}

    with pytest.raises(BaseError, match="stands on scratch") as caught:
        found(shop, {}, values)

    assert caught.value.where == "dockerfileText"
    assert found(shop, {}, {**values, "glibc": "2.36"}).glibc == "2.36"


def test_another_platform_is_a_finding(shop: Tools, simulator: RegistrySimulator) -> None:
    with RegistryClient(simulator.host) as client:
        put(client, "base", "arm", Image(architecture="arm64"))
    values = {"loginServer": "r", "repository": "e", "baseImage": f"{simulator.host}/base:arm"}

    findings = EnvironmentImage(shop).check(None, values, Silent()).findings

    assert [finding.where for finding in findings] == ["baseImage"]
    assert "is for linux/arm64, not linux/amd64" in findings[0].why


def test_the_account_of_the_base_is_shown_to_its_registry_alone(tmp_path: Path) -> None:
    with RegistrySimulator(accounts={"puller": "pa55word"}) as private, RegistrySimulator() as other:
        private.accounts = None
        with RegistryClient(private.host) as client:
            put(client, "base", "one", Image())
        private.accounts = {"puller": "pa55word"}
        values = {"baseImage": f"{private.host}/base:one", "baseUsername": "puller", "basePassword": "pa55word"}
        made = with_base_login(Tools.of(MemoryTarget(), Settings(tmp_path)), read_environment(values).base)

        assert made.base_client(private.host).head_manifest("base", "one")
        assert made.base_client(other.host) is made.client(other.host)
        assert made.client(private.host) is not made.base_client(private.host)


@pytest.mark.parametrize(("version", "fits"), [("3.7.12", False), ("3.8.0", True), ("3.12.1", True), ("", True)])
def test_a_python_that_the_server_does_not_run_on_is_told_with_the_reason(version: str, fits: bool) -> None:  # noqa: FBT001
    findings = judge_python(
        read_environment({"condaFile": "c", "packages": {"python": f"{version} h0"} if version else {}})
    )

    assert (findings == []) is fits
    assert fits or findings[0].why.startswith("the environment has Python 3.7.12, but the scoring server")


def test_an_image_that_is_too_large_for_the_target_is_told_with_its_size() -> None:
    layer = Layer("sha256:1", "sha256:1", 8_000_000_000)
    large = Image(layers=(layer, replace(layer, digest="sha256:2")))

    assert size_warning(Image(layers=(layer,)), 15_000_000_000) == ""
    assert size_warning(large, 0) == ""
    assert size_warning(large, 15_000_000_000).startswith("the image has 16.0 GB of layers, and what runs it starts")


def test_a_base_that_is_too_large_for_the_target_is_a_finding(shop: Tools, simulator: RegistrySimulator) -> None:
    class Narrow(MemoryTarget):
        def largest_image(self) -> int:
            return 1

    layer = Layer("sha256:" + "1" * 64, "sha256:" + "2" * 64, 2)
    simulator.repository("base").blobs[layer.digest] = b"xx"
    with RegistryClient(simulator.host) as client:
        digest = put(client, "base", "one", Image(layers=(layer,)))
    values = {"baseImage": f"{simulator.host}/base:one", "baseDigest": digest}

    assert judge_base_size(shop, read_environment(values)) == []
    found = judge_base_size(Tools.of(Narrow(), shop.settings), read_environment(values))
    assert [finding.where for finding in found] == ["baseImage"]
    unknown = {**values, "baseDigest": "sha256:" + "3" * 64, "baseImage": "127.0.0.1:1/gone"}
    assert judge_base_size(Tools.of(Narrow(), shop.settings), read_environment({**unknown, "baseDigest": ""})) == []


def helper(folder: Path, answer: str) -> None:
    program = folder / "docker-credential-test"
    program.write_text(f"#!/bin/sh\ncat >/dev/null\necho '{answer}'\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("config", "answer", "expected"),
    [
        ({}, "", Credentials()),
        ({"auths": {"r.example": {"auth": "dXNlcjpwYXNz"}}}, "", Credentials("user", "pass")),
        ({"auths": {"other.example": {"auth": "dXNlcjpwYXNz"}}}, "", Credentials()),
        (
            {"credHelpers": {"r.example": "test"}},
            '{"ServerURL": "r.example", "Username": "helped", "Secret": "s3"}',
            Credentials("helped", "s3"),
        ),
        ({"credHelpers": {"r.example": "not-installed"}}, "", Credentials()),
    ],
)
def test_dockers_own_logins_count(
    config: Values, answer: str, expected: Credentials, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "config.json").write_text(json.dumps(config))
    helper(tmp_path, answer)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")

    assert docker_login("r.example") == expected


def test_an_identity_token_of_dockers_is_one_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    login = {"auth": "MDAwMDAwMDA6", "identitytoken": "refresh"}
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"r.example": login}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

    found = docker_login("r.example")

    assert found.identity_token
    assert found.identity_token() == "refresh"
