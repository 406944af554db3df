"""What never enters an image, what is a secret by name or content, and what an ignore file lets in."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from aciml.core.unwanted import allowed, secret_in_content, secret_in_name, unwanted

BODY = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\n"


@pytest.mark.parametrize(
    ("name", "beside", "what"),
    [
        (".git", (), "version control"),
        (".hg", (), "version control"),
        (".svn", (), "version control"),
        ("__pycache__", (), "a cache"),
        (".ipynb_checkpoints", (), "a cache"),
        (".DS_Store", (), "a cache"),
        ("score.pyc", ("score.py",), "a cache"),
        ("score.pyc", (), ""),
        (".pulumi", (), "Pulumi's"),
        (".state", (), "Pulumi's"),
        ("Pulumi.yaml", (), "Pulumi's"),
        ("Pulumi.my-stack.yaml", (), "Pulumi's"),
        ("Pulumi.dev.json", (), "Pulumi's"),
        ("Pulumi.py", (), ""),
        ("MyPulumi.yaml", (), ""),
        (".gitignore", (), ""),
        ("git", (), ""),
        ("node_modules", (), ""),
    ],
)
def test_what_never_enters(name: str, beside: tuple[str, ...], what: str) -> None:
    assert unwanted(name, beside) == what


@pytest.mark.parametrize(
    "path",
    [
        ".env", "conf/.env.production", ".envrc", ".netrc", "home/.pypirc", ".git-credentials", ".aws/credentials",
        "x/.aws/credentials", ".azure/msal_token_cache.json", ".docker/config.json", ".kube/config", "tls/server.pfx",
        "server.p12", "azureauth.json",
    ],
)  # fmt: skip
def test_a_secret_by_name(path: str) -> None:
    assert secret_in_name(path)


@pytest.mark.parametrize(
    "path",
    [
        ".env.example",
        ".env.sample",
        "env",
        "environment.py",
        "config.json",
        "credentials.py",
        "aws/config",
        "a.pem",
        "k.key",
    ],
)
def test_what_is_no_secret_by_name(path: str) -> None:
    assert secret_in_name(path) == ""


@pytest.mark.parametrize(
    "text",
    [
        f"-----BEGIN PRIVATE KEY-----\n{BODY}",
        f"-----BEGIN RSA PRIVATE KEY-----\r\nProc-Type: 4,ENCRYPTED\r\nDEK-Info: AES,0\r\n\r\n{BODY}",
        f"-----BEGIN ENCRYPTED PRIVATE KEY-----\n{BODY}",
        f"-----BEGIN OPENSSH PRIVATE KEY-----\n{BODY}",
        f"-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 1\n\n{BODY}",
        f"-----BEGIN CERTIFICATE-----\n{BODY}-----END CERTIFICATE-----\n-----BEGIN EC PRIVATE KEY-----\n{BODY}",
        f'{{"type": "service_account", "private_key": "-----BEGIN PRIVATE KEY-----\\n{BODY.strip()}\\n"}}',
        f'KEY = """\n    -----BEGIN PRIVATE KEY-----\n    {BODY}"""',
        "PuTTY-User-Key-File-3: ssh-ed25519\n",
    ],
)
def test_a_private_key_by_its_content(text: str) -> None:
    assert secret_in_content("notes.txt", text.encode()) == "a private key"


@pytest.mark.parametrize(
    ("path", "text", "what"),
    [
        ("pip.conf", "[global]\nindex-url = https://me:open@host/simple", "credentials of a package index"),
        ("pip.conf", "[global]\nindex-url = https://host/simple", ""),
        ("pip.conf", "[global]\nindex-url = https://me:${TOKEN}@host/simple", ""),
        ("deploymentconfig.json", '{"keys": {"primaryKey": "abc"}}', "keys of a service"),
        ("deploymentconfig.json", '{"keys": {"primaryKey": null, "secondaryKey": "#{key}#"}}', ""),
        ("inferenceconfig.json", '{"baseImageRegistry": {"password": "abc"}}', "credentials of a registry"),
        ("azureml_environment.json", '{"password": null}', ""),
        (".npmrc", "//npm.example/:_authToken=npm_abcdef", "credentials of a package index"),
        (".npmrc", "//npm.example/:_authToken=${NPM_TOKEN}", ""),
        (
            "adc.json",
            '{"type": "authorized_user", "refresh_token": "1//0abcdefghijklmnopq"}',
            "credentials of an account",
        ),
        ("keys.py", 'if line.startswith("-----BEGIN PRIVATE KEY-----"):\n    return parse(line)\n', ""),
        ("cert.pem", f"-----BEGIN CERTIFICATE-----\n{BODY}", ""),
        ("key.pub", f"-----BEGIN PUBLIC KEY-----\n{BODY}", ""),
        ("data.json", '{"type": "x", "tokens": 3}', ""),
    ],
)
def test_other_secrets_by_their_content(path: str, text: str, what: str) -> None:
    assert secret_in_content(path, text.encode()) == what


def test_real_keys_of_all_kinds_are_known(tmp_path: Path) -> None:
    made = (
        "genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out rsa",
        "genpkey -algorithm ed25519 -out ed",
        "ecparam -name prime256v1 -genkey -out ec",
        "req -x509 -key rsa -out cert -days 1 -subj /CN=x",
        "pkcs12 -export -inkey rsa -in cert -out store -passout pass:open",
        "pkey -in rsa -aes256 -passout pass:open -out locked",
        "pkey -in rsa -traditional -out old",
    )
    for words in made:
        subprocess.run(["openssl", *words.split()], cwd=tmp_path, check=True, capture_output=True)
    said = {path.name: secret_in_content(path.name, path.read_bytes()) for path in tmp_path.iterdir()}

    assert said.pop("cert") == ""
    assert said.pop("store") == "a certificate with its private key"
    assert set(said.values()) == {"a private key"}


@pytest.mark.parametrize(
    ("text", "as_git", "path", "is_allowed"),
    [
        ("!.env", True, ".env", True),
        ("!.env", True, "deep/.env", True),
        ("!.env", False, ".env", True),
        ("!.env", False, "deep/.env", False),
        ("*\n!keys/server.pem", True, "keys/server.pem", True),
        ("!/keys/server.pem", True, "keys/server.pem", True),
        ("!*.pem", True, "keys/server.pem", True),
        ("*\n!keys/", True, "keys/server.pem", False),
        ("*\n!keys/**", True, "keys/server.pem", False),
        ("*\n!*", True, ".env", False),
        ("!**/*", False, ".env", False),
        (".env", True, ".env", False),
        ("# !.env", True, ".env", False),
    ],
)
def test_only_a_name_lets_a_secret_in(text: str, as_git: bool, path: str, is_allowed: bool) -> None:  # noqa: FBT001
    assert allowed(text, as_git=as_git)(path) is is_allowed
