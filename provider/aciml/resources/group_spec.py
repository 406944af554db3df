"""From a group's inputs to the target's spec, and from what the target says to outputs."""

from __future__ import annotations

from pathlib import Path

from ..core.errors import Finding, UserError
from ..model.access import CONNECTION
from ..model.group import CLOUD
from ..model.server import SPEC_FIELDS, variables_of
from ..properties import UNKNOWN, Values, is_unknown, reveal
from ..targets.protocol import Certificate, GroupFacts, GroupSpec, SmokeTest

DEFAULTS: Values = {
    "cpuCores": 0.1,
    "memoryGb": 0.5,
    "port": 0,
    "authEnabled": False,
    "environmentVariables": {},
    "startupTimeout": 300,
}
VARIABLES = {"primaryKey": "ACIML_PRIMARY_KEY", "secondaryKey": "ACIML_SECONDARY_KEY"}
ROTATIONS = {"primaryKey": "rotatePrimaryKey", "secondaryKey": "rotateSecondaryKey"}
_FIELDS = {
    "cpuCores": "cpu",
    "memoryGb": "memory_gb",
    "environmentVariables": "environment",
    "secureEnvironmentVariables": "secure_environment",
    "primaryKey": "secure_environment",
    "secondaryKey": "secure_environment",
    "authEnabled": "secure_environment",
    "startupTimeout": "startup_timeout",
    "smokeTest": "smoke_test",
    "sslEnabled": "certificate",
    "certificateHash": "certificate",
    **SPEC_FIELDS,
}
_TELLING = ("sslCname", "enableAppInsights", "appInsightsConnectionString")
_PAIR, _AUTHORITIES = ("sslCertPemFile", "sslKeyPemFile"), "sslClientCaPemFile"
LOCAL_FILES = (*_PAIR, _AUTHORITIES)
"""Where the certificate lies does not matter; what is in it does."""


def field_of(path: str) -> str:
    """Return the spec's field, or the key of its settings, that a property path is about."""
    name = path.partition("[")[0]
    return _FIELDS.get(name, name)


def spec_of(
    inputs: Values, keys: Values, *, keep_port: int = 0, owner: str = "", certificate: Certificate | None = None
) -> GroupSpec:
    """Return what the target is asked for.

    Args:
        inputs: with nothing unknown.
        keys: both keys, or none.
        keep_port: taken when the inputs leave the port open.
        owner: urn of the resource.
        certificate: read from its files; without it the hash stands in for it, which is enough to compare.
    """
    bare = reveal({**DEFAULTS, **inputs})
    secure = {VARIABLES[name]: str(reveal(key)) for name, key in keys.items()}
    secure |= {**_texts(bare.get("secureEnvironmentVariables", {})), **variables_of(bare, secret=True)}
    if bare.get("enableAppInsights") and (connection := bare.get("appInsightsConnectionString")):
        secure[CONNECTION] = str(connection)
    if bare.get("sslEnabled") and certificate is None:
        some = b"some" if bare.get(_AUTHORITIES) else b""
        certificate = Certificate(str(bare.get("certificateHash", "")).encode(), b"", some)
    return GroupSpec(
        name=bare["name"],
        image=bare["image"],
        cpu=float(bare["cpuCores"]),
        memory_gb=float(bare["memoryGb"]),
        port=int(bare["port"]) or int(keep_port),
        environment={**_texts(bare["environmentVariables"]), **variables_of(bare, secret=False)},
        secure_environment=secure,
        startup_timeout=float(bare["startupTimeout"]),
        smoke_test=_smoke_test(bare["smokeTest"]) if "smokeTest" in bare else None,
        certificate=certificate,
        rollback=bool(bare.get("rollback", True)),
        owner=owner,
        settings={name: bare[name] for name in (*CLOUD, *ROTATIONS.values(), *_TELLING) if name in bare},
    )


def _texts(values: Values) -> dict[str, str]:
    return {str(name): str(value) for name, value in values.items()}


def _smoke_test(given: Values) -> SmokeTest:
    return SmokeTest(
        path=str(given.get("path", "/score")),
        method=str(given.get("method", "POST")),
        body=str(given.get("body", "")),
        content_type=str(given.get("contentType", "application/json")),
        status=int(given.get("expectStatus", 200)),
        json=given.get("expectJson"),
    )


def read_certificate(inputs: Values) -> Certificate | None:
    """Read certificate and key; None if TLS is not asked for.

    Raises:
        UserError: a file cannot be read.
    """
    if reveal(inputs).get("sslEnabled") is not True:
        return None
    try:
        named = [name for name in LOCAL_FILES if name in _PAIR or name in inputs]
        contents = [Path(str(reveal(inputs[name]))).expanduser().read_bytes() for name in named]
    except OSError as error:
        advice = "restore it, or name another in sslCertPemFile and sslKeyPemFile"
        raise UserError(f"{error.filename} cannot be read: {error.strerror}", advice) from error
    return Certificate(*contents)


def judge_certificate(inputs: Values) -> list[Finding]:
    """Report a certificate that is asked for and is not there, is no PEM, or is given for nothing."""
    bare = reveal(inputs)
    given = [name for name in LOCAL_FILES if name in bare]
    if bare.get("sslEnabled", False) is False:
        return [Finding(name, f"{name} is set but sslEnabled is not; set it or drop the file") for name in given]
    wanted = bare["sslEnabled"] is True  # else it is not known yet
    missing = [name for name in _PAIR if name not in bare and wanted]
    findings = [Finding(name, f"sslEnabled needs {name}; name a PEM file") for name in missing]
    if wanted and _AUTHORITIES in bare and "smokeTest" in bare:
        findings.append(
            Finding("smokeTest", f"with {_AUTHORITIES} only certified clients may call; drop the smoke test")
        )
    chain, key = b"-----BEGIN CERTIFICATE", b"PRIVATE KEY-----"
    for name, marker in zip(LOCAL_FILES, (chain, key, chain), strict=True):
        if name in bare and not is_unknown(bare[name]):
            findings += _judge_pem(name, Path(str(bare[name])).expanduser(), marker)
    return findings


def _judge_pem(name: str, path: Path, marker: bytes) -> list[Finding]:
    if not path.is_file():
        return [Finding(name, f"{path} is not a file; paths are relative to the folder of Pulumi.yaml")]
    if marker not in path.read_bytes():
        return [Finding(name, f"{path} has no {marker.decode().strip('-')}; it must be a PEM file")]
    return []


def certificate_hash(inputs: Values) -> Values:
    """Return ``certificateHash`` for inputs that were judged; nothing without TLS, unknown with unknown files."""
    if is_unknown({name: inputs.get(name) for name in ("sslEnabled", *LOCAL_FILES)}):
        return {"certificateHash": UNKNOWN}
    found = read_certificate(inputs)
    return {"certificateHash": found.fingerprint} if found else {}


def state_of(inputs: Values, keys: Values, facts: GroupFacts) -> Values:
    """Return the outputs of a group that exists."""
    tls = reveal(inputs).get("sslEnabled") is True
    host = _named(facts.address, str(reveal(inputs).get("sslCname", "")) if tls else "")
    base = f"{'https' if tls else 'http'}://{host}"
    return {
        **inputs,
        **keys,
        "image": facts.image,
        "port": facts.port,
        "state": facts.state,
        "scoringUri": f"{base}/score" if host else "",
        "swaggerUri": f"{base}/swagger.json" if host else "",
        "fqdn": facts.fqdn,
        "ip": facts.ip,
        "imageDigest": facts.image.rpartition("@")[2],
        "owner": facts.owner,
    }


def _named(address: str, cname: str) -> str:
    """Put the certificate's host name in the place of the address's host; the port stays."""
    if not cname or not address:
        return address
    _, colon, port = address.rpartition(":")
    return f"{cname}:{port}" if colon and port.isdigit() else cname
