"""Logging in by azure-identity at an emulated authority: every way, its failures, and the memory of tokens."""

from __future__ import annotations

import datetime as dt
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from azure.core.credentials import AccessTokenInfo
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from aciml.core.errors import AcimlError, UserError
from aciml.settings import Settings
from aciml.targets.azure.arm.errors import AzureError
from aciml.targets.azure.arm.login import CachedCredential
from aciml.targets.azure.arm.session import AzureSession
from aciml.targets.azure.config import AzureConfig
from tests.simulators.azure.emulator import Emulator
from tests.simulators.azure.identity import IDENTITY_SECRET
from tests.targets.azure.answering import Answering, answering

OTHER = "11111111-2222-3333-4444-555555555555"
Login = Callable[..., str]


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No login of this machine takes part; nobody answers for managed identities."""
    for name in ("AZURE_TENANT_ID", "AZURE_CLIENT_ID", "AZURE_CLIENT_SECRET", "AZURE_FEDERATED_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("AZURE_POD_IDENTITY_AUTHORITY_HOST", "http://127.0.0.1:1")


@pytest.fixture
def login(emulator: Emulator, tmp_path: Path) -> Iterator[Login]:
    """Log in with changed config, and return the token for Resource Manager."""
    opened = []

    def log_in(environ: dict[str, str] | None = None, /, **config: str) -> str:
        session = AzureSession(AzureConfig.read(emulator.config(**config), environ or {}), Settings(tmp_path))
        opened.append(session)
        return session.token(session.config.cloud.scope)

    yield log_in
    for session in opened:
        session.close()


@pytest.fixture
def pipeline() -> Iterator[Answering]:
    with answering() as world:
        yield world


def audience(emulator: Emulator, token: str) -> str:
    return str(emulator.authority.claims(token, (emulator.endpoint,))["aud"])


def program(folder: Path, name: str, script: str) -> None:
    path = folder / "bin" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def certificate(folder: Path) -> tuple[Path, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "aciml")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now)
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path = folder / "certificate.pem"
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return path, key.public_key()


def test_a_service_principal_logs_in_with_its_secret(emulator: Emulator, login: Login) -> None:
    assert audience(emulator, login()) == emulator.endpoint


def test_a_service_principal_logs_in_with_a_certificate(emulator: Emulator, login: Login, tmp_path: Path) -> None:
    path, public = certificate(tmp_path)
    emulator.authority.certificates.append(public)

    assert audience(emulator, login(clientSecret="", clientCertificatePath=str(path))) == emulator.endpoint


def test_a_secret_of_the_environment_is_enough(emulator: Emulator, login: Login) -> None:
    environ = {"ARM_CLIENT_ID": emulator.client_id, "ARM_CLIENT_SECRET": emulator.client_secret}

    assert audience(emulator, login(environ, clientId="", clientSecret="", auth="")) == emulator.endpoint


def test_a_workload_identity_takes_its_token_from_config(emulator: Emulator, login: Login) -> None:
    token = login(auth="workload_identity", clientSecret="", oidcToken="federated-token")

    assert audience(emulator, token) == emulator.endpoint


def test_a_workload_identity_reads_its_token_file_each_time(
    emulator: Emulator, azure_config: AzureConfig, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text("federated-token\n")
    changes = {"auth": "workload_identity", "clientSecret": "", "oidcTokenFilePath": str(file)}
    session = AzureSession(AzureConfig.read(emulator.config(**changes), {}), Settings(tmp_path))
    session.token(azure_config.cloud.scope)

    file.write_text("old")
    with pytest.raises(UserError, match="AADSTS70021"):
        session.token(azure_config.cloud.registry_scope)
    session.close()


def test_a_github_job_asks_for_a_fresh_token(emulator: Emulator, login: Login, pipeline: Answering) -> None:
    pipeline.answers["GET /job"] = (200, {"value": "federated-token"}, {})
    environ = {
        "ACTIONS_ID_TOKEN_REQUEST_URL": f"{pipeline.base}/job?api-version=2",
        "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "ticket",
    }

    assert audience(emulator, login(environ, auth="", clientSecret="")) == emulator.endpoint
    assert pipeline.seen == ["GET /job?api-version=2&audience=api%3A%2F%2FAzureADTokenExchange"]
    assert pipeline.headers[0]["Authorization"] == "Bearer ticket"


def test_a_managed_identity_logs_in_on_its_host(
    emulator: Emulator, login: Login, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{emulator.endpoint}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", IDENTITY_SECRET)

    assert audience(emulator, login(auth="managed_identity", clientId="")) == emulator.endpoint


def test_the_azure_cli_is_asked_for_the_tenants_token(login: Login, emulator: Emulator, tmp_path: Path) -> None:
    answer = f'{{"accessToken": "from-az", "expires_on": {int(time.time()) + 3600}}}'
    program(tmp_path, "az", f"echo \"$@\" > {tmp_path}/asked\necho '{answer}'")

    assert login(auth="cli") == "from-az"
    asked = (tmp_path / "asked").read_text()
    assert f"--resource {emulator.endpoint}" in asked
    assert f"--tenant {emulator.tenant}" in asked


def test_the_default_finds_the_azure_cli(login: Login, tmp_path: Path) -> None:
    answer = f'{{"accessToken": "from-az", "expires_on": {int(time.time()) + 3600}}}'
    program(tmp_path, "az", f"echo '{answer}'")

    assert login(auth="", clientId="", clientSecret="") == "from-az"


def test_the_default_asks_for_a_token_of_the_tenant_that_is_said(
    login: Login, emulator: Emulator, tmp_path: Path
) -> None:
    """Who is logged in to several tenants has one that `az` takes by itself: that of the subscription used last."""
    answer = f'{{"accessToken": "of-\'"$tenant"\'", "expires_on": {int(time.time()) + 3600}}}'
    find = 'while [ $# -gt 0 ]; do [ "$1" = --tenant ] && tenant=$2; shift; done'
    program(tmp_path, "az", f"tenant=first\n{find}\necho '{answer}'")

    assert login(auth="", clientId="", clientSecret="") == f"of-{emulator.tenant}"
    assert login(auth="", clientId="", clientSecret="", tenantId="") == "of-first"


PRINCIPAL = "application {client} of tenant {tenant} could not log in with "
REFUSALS: list[tuple[str, dict[str, str], str, str]] = [
    (
        "wrong secret",
        {"clientSecret": "hidden"},
        PRINCIPAL + "its client secret: AADSTS7000215, Invalid client secret provided for app '{client}'",
        "set aciml:clientSecret or AZURE_CLIENT_SECRET to the secret's value (not its id)",
    ),
    (
        "unknown application",
        {"clientId": OTHER},
        (
            f"application {OTHER} of tenant {{tenant}} could not log in with its client secret: AADSTS700016, "
            f"Application "
            f"with identifier '{OTHER}' was not found in the directory '{{tenant}}'"
        ),
        "check aciml:clientId and aciml:tenantId",
    ),
    (
        "unknown tenant",
        {"tenantId": OTHER},
        (
            f"application {{client}} of tenant {OTHER} could not log in with its client secret (Unable to get "
            f"authority "
            f"configuration for {{endpoint}}/{OTHER})"
        ),
        "check clientId, tenantId and the proof",
    ),
    (
        "no certificate in the file",
        {"clientSecret": "", "clientCertificatePath": "{file}"},
        PRINCIPAL + "its certificate {file} (Failed to deserialize certificate in PEM or PKCS12 format)",
        "check clientId, tenantId and the proof",
    ),
    (
        "federated token not known",
        {"auth": "workload_identity", "oidcToken": "hidden"},
        PRINCIPAL + "the federated token of aciml:oidcToken: AADSTS70021, No matching federated identity record found "
        "for presented assertion",
        "add a federated credential with this pipeline's issuer and subject to the application",
    ),
    (
        "federated token file empty",
        {"auth": "workload_identity", "oidcTokenFilePath": "{empty}"},
        "the federated token file {empty} is empty",
        "check what writes it",
    ),
    (
        "no managed identity",
        {"auth": "managed_identity", "clientId": ""},
        "no login by managed identity (none here)",
        "run this on a host in Azure that has one, or set aciml:auth",
    ),
    (
        "no CLI",
        {"auth": "cli"},
        "the Azure CLI gave no token (not installed)",
        "install it and run `az login`",
    ),
    (
        "nothing at all",
        {"auth": "", "clientId": "", "clientSecret": ""},
        (
            "no login to Azure; tried environment variables (not set), workload identity (not set), managed "
            "identity (none "
            "here), Azure CLI (not installed), PowerShell (not installed), Azure Developer CLI (not installed)"
        ),
        "run `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET (or aciml:auth and its keys)",
    ),
]


@pytest.mark.parametrize(("config", "message", "advice"), [r[1:] for r in REFUSALS], ids=[r[0] for r in REFUSALS])
def test_a_login_that_fails_names_what_was_tried(
    login: Login, emulator: Emulator, tmp_path: Path, config: dict[str, str], message: str, advice: str
) -> None:
    (tmp_path / "file.pem").write_text("no certificate")
    (tmp_path / "empty").touch()
    facts = {
        "client": emulator.client_id,
        "tenant": emulator.tenant,
        "endpoint": emulator.endpoint,
        "file": str(tmp_path / "file.pem"),
        "empty": str(tmp_path / "empty"),
    }

    with pytest.raises(UserError) as caught:
        login(**{key: value.format(**facts) for key, value in config.items()})

    assert (caught.value.message, caught.value.advice) == (message.format(**facts), advice)
    assert "hidden" not in str(caught.value)


def test_a_cli_that_is_not_logged_in_says_so(login: Login, tmp_path: Path) -> None:
    program(tmp_path, "az", "echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1")

    with pytest.raises(UserError, match=r"the Azure CLI gave no token \(not logged in\)"):
        login(auth="cli")


def test_a_job_without_the_permission_is_told_which_one(login: Login, pipeline: Answering) -> None:
    pipeline.answers["GET /job"] = (403, "no", {})
    environ = {"ACTIONS_ID_TOKEN_REQUEST_URL": f"{pipeline.base}/job", "ACTIONS_ID_TOKEN_REQUEST_TOKEN": "ticket"}

    with pytest.raises(UserError) as caught:
        login(environ, auth="workload_identity", clientSecret="")

    assert caught.value.message == "the pipeline gave no federated token: its service answered 403"
    assert "id-token: write" in caught.value.advice


UNREACHABLE = [
    ({"authorityHost": "https://127.0.0.1:1"}, "ConnectionError", "no connection to 127.0.0.1:1"),
    ({"authorityHost": "https://login.invalid"}, "DnsError", "the name of login.invalid cannot be resolved"),
    ({"caBundle": ""}, "CertificateError", "is not trusted (unable to get local issuer certificate)"),
]


@pytest.mark.parametrize(("config", "code", "seen"), UNREACHABLE, ids=[row[1] for row in UNREACHABLE])
def test_an_authority_that_does_not_answer_is_an_outage(
    login: Login, config: dict[str, str], code: str, seen: str
) -> None:
    with pytest.raises(AzureError) as caught:
        login(**config)

    assert caught.value.code == code
    assert seen in caught.value.message
    assert caught.value.message.startswith("logging in at https://")


class Source:
    """Counts what is fetched; a token lives ``life`` seconds from ``clock`` on."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.life = 3600
        self.fetched: list[tuple[str, ...]] = []
        self.opened = 0
        self._lock = threading.Lock()

    def clock(self) -> float:
        return self.now

    def open(self) -> Source:
        self.opened += 1
        return self

    def get_token_info(self, *scopes: str, options: dict[str, Any]) -> AccessTokenInfo:
        with self._lock:
            self.fetched.append(scopes)
            return AccessTokenInfo(f"token-{len(self.fetched)}", int(self.now + self.life))


@pytest.fixture
def source() -> Source:
    return Source()


@pytest.fixture
def cached(source: Source, azure_config: AzureConfig) -> CachedCredential:
    return CachedCredential(azure_config, source.open, source.clock)


def test_many_threads_cause_one_fetch_a_scope(source: Source, cached: CachedCredential) -> None:
    with ThreadPoolExecutor(16) as threads:
        tokens = list(threads.map(lambda n: cached.get_token(f"scope-{n % 2}").token, range(64)))

    assert len(set(tokens)) == len(source.fetched) == 2


def test_a_token_is_renewed_five_minutes_before_its_end(source: Source, cached: CachedCredential) -> None:
    first = cached.get_token_info("scope").token
    source.now += source.life - 300
    assert cached.get_token_info("scope").token == first

    source.now += 1
    assert cached.get_token_info("scope").token != first


def test_a_token_that_was_refused_is_forgotten_with_its_sources_memory(
    source: Source, cached: CachedCredential
) -> None:
    refused = cached.get_token_info("scope").token
    other = cached.get_token_info("other").token
    cached.forget(refused)

    assert cached.get_token_info("scope").token != refused
    assert cached.get_token_info("other").token == other
    assert source.opened == 2


def test_a_claims_challenge_is_not_answered_from_memory(source: Source, cached: CachedCredential) -> None:
    first = cached.get_token("scope").token

    assert cached.get_token("scope", claims="{}").token != first


def test_one_failure_is_not_remembered(source: Source, azure_config: AzureConfig) -> None:
    answers: list[Any] = [ValueError("not yet"), source]

    def open_source() -> Any:
        found = answers.pop(0)
        if isinstance(found, Exception):
            raise found
        return found

    cached = CachedCredential(azure_config, open_source, source.clock)
    with pytest.raises(AcimlError):
        cached.get_token("scope")

    assert cached.get_token("scope").token == "token-1"
