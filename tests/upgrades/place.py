"""A stack in a folder of its own beside all that it speaks to: a registry, a channel, and a cloud for the Azure target.

What differs from run to run and from machine to machine, hosts with their ports, is a name in braces in what is kept.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import shutil
import socket
import sys
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from tests.e2e.kept_state import into_the_vault, kept_encryption
from tests.e2e.project import ROOT, CheckedResult, lives_shortly, run_pulumi, run_up
from tests.e2e.python import quick_python
from tests.simulators.azure.emulator import Emulator, running_emulator
from tests.simulators.azure.registries import fronts_of
from tests.simulators.channel import Package, PackedFile, hard_packages, make_channel, python_package
from tests.simulators.registry import RegistrySimulator
from tests.simulators.vault import vault

HERE = Path(__file__).resolve().parent
FIXTURES = HERE / "fixtures"
STACKS = ("memory", "azure", "local")
STACK, PROJECT = "kept", "upgrades"
PASSPHRASE = "a passphrase for states that are kept"
"""Of the secrets in every state: they were made up for it, and open nothing."""

_IDS = {
    "subscription": "11111111-1111-4111-8111-111111111111",
    "tenant": "22222222-2222-4222-8222-222222222222",
    "client_id": "33333333-3333-4333-8333-333333333333",
    "client_secret": "44444444-4444-4444-8444-444444444444",
    "object_id": "55555555-5555-4555-8555-555555555555",
}


NAMED, PORTS = "keptlocal", ("61001", "61002")
"""What stands in kept data for the name and the ports of a stack in a Docker Engine, which others use as well."""


def releases() -> list[str]:
    """Return the releases whose states are kept, the oldest first."""
    return sorted((path.name for path in FIXTURES.iterdir()), key=lambda name: [int(part) for part in name.split(".")])


def kept_stacks() -> list[tuple[str, str]]:
    """Return each release with each of its stacks."""
    return [(release, stack) for release in releases() for stack in STACKS if (FIXTURES / release / stack).is_dir()]


class Place:
    """``checkout`` is the tree whose plugin and components run: this one, or that of an older release."""

    def __init__(self, stack: str, folder: Path, registry: RegistrySimulator, cloud: Emulator | None) -> None:
        self.stack, self.folder, self.registry, self.cloud = stack, folder, registry, cloud
        self.checkout = ROOT
        self.name, self.ports = f"k{uuid.uuid4().hex[:8]}", (str(free_port()), str(free_port()))
        shutil.copytree(HERE / "project", folder, dirs_exist_ok=True)
        write_certificate(folder)
        channel = make_channel(folder / "channel", _packages(stack))
        self.mirrors = folder / "mirrors.toml"
        self.mirrors.write_text(f'[channels]\n"conda-forge" = "{channel.as_uri()}"\n')
        (folder / "state").mkdir()
        if cloud is not None:
            (folder / "authorities.pem").write_text(cloud.ca_bundle.read_text())

    @property
    def config(self) -> dict[str, str]:
        """The provider's configuration; what it names by path lies in the project's folder."""
        return self.cloud.config(caBundle="authorities.pem") if self.cloud else {"target": self.stack}

    def begin(self, program: Path) -> None:
        """Write the project around a program, and make its stack."""
        self._write(program)
        self.pulumi("stack", "init", STACK).check_ok()

    def resume(self, program: Path, deployment: dict[str, Any]) -> None:
        """Write the project around a program, and its stack with a state that was exported.

        That is what ``pulumi stack init`` and ``pulumi stack import`` leave on disk.
        """
        self._write(program)
        encryption = into_the_vault(deployment, PASSPHRASE)
        (self.folder / f"Pulumi.{STACK}.yaml").write_text("\n".join(encryption) + "\n")
        self.state.parent.mkdir(parents=True)
        (self.folder / "state/.pulumi/meta.yaml").write_text("version: 1\n")  # states lie below their project's name
        checkpoint = {"stack": f"organization/{PROJECT}/{STACK}", "latest": deployment}
        self.state.write_text(json.dumps({"version": 3, "checkpoint": checkpoint}))

    def _write(self, program: Path) -> None:
        plugin = {"name": "aciml", "path": str(self.checkout / "provider")}
        project = {"name": PROJECT, "runtime": "python", "plugins": {"providers": [plugin]}}
        (self.folder / "Pulumi.yaml").write_text(json.dumps(project))
        shutil.copy(program, self.folder / "__main__.py")

    def environ(self) -> dict[str, str]:
        """Return the environment of CLI calls, of the program and of the plugin."""
        venv = str(Path(sys.executable).parent)
        path = f"{self.checkout / '.venv/packages'}{os.pathsep}{self.checkout}"
        # a warm Python has this tree's modules, not those of an older release
        folders = [str(quick_python(path)), venv] if self.checkout == ROOT else [venv]
        ours = {name: value for name, value in os.environ.items() if not name.startswith(("AZURE_", "ARM_", "PULUMI_"))}
        return {
            **ours,
            "PYTHONPATH": path,
            "PATH": os.pathsep.join([*folders, os.environ["PATH"]]),
            "PULUMI_BACKEND_URL": f"file://{self.folder / 'state'}",
            "PULUMI_CONFIG_PASSPHRASE": PASSPHRASE,
            "PULUMI_SKIP_UPDATE_CHECK": "1",
            "PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION": "1",
            "ACIML_CACHE": str(self.folder / "cache"),
            "ACIML_MIRRORS": str(self.mirrors),
            "REGISTRY": self.registry.host,
            "BASE": f"{self.registry.host}/team/base:1",
            "SUBSCRIPTION": _IDS["subscription"],
            "NAME": self.name,
            **lives_shortly(),
            **vault().environ,
        }

    def pulumi(self, *args: str, **changes: str) -> CheckedResult:
        """Run the CLI and return what it said; ``changes`` are variables of the environment."""
        path = self.folder / f"Pulumi.{STACK}.yaml"
        config = json.dumps({f"aciml:{key}": value for key, value in self.config.items()})
        if args[0] != "stack":
            path.write_text("\n".join([*kept_encryption(path), f"config: {config}"]) + "\n")
        words = args if args[:2] == ("stack", "init") else (*args, "--stack", STACK)
        return run_pulumi(words, self.folder, {**self.environ(), **changes})

    def up(self, *args: str, **changes: str) -> CheckedResult:
        """Run ``pulumi up`` without a question; its ``steps`` tell what became of each resource."""
        return run_up((*args, "--stack", STACK), self.folder, {**self.environ(), **changes})

    @property
    def state(self) -> Path:
        """Return the file of the stack's state."""
        return self.folder / "state/.pulumi/stacks" / PROJECT / f"{STACK}.json"

    def hosts(self) -> dict[str, str]:
        """Return what is written instead of each host, by host."""
        found = {self.registry.host: "{registry}"}
        if self.cloud is not None:
            models = fronts_of(self.cloud.world).of("keptmodels").host
            found |= {self.cloud.endpoint: "{cloud}", models: "{models}", f"{network()}.": "{net}."}
            found[self.cloud.world.parts["groups"].labels.address("kept-public..westeurope")] = "{label}"
        if self.stack == "local":
            found |= {self.name: NAMED, **dict(zip(self.ports, PORTS, strict=True))}
        return found


def _packages(stack: str) -> list[Package]:
    if stack != "local":
        return [*hard_packages(), Package("pip", "25.0", depends=("python",))]
    python = python_package()
    # what runs in an engine has to answer
    answers = PackedFile((HERE / "answers").read_bytes(), 0o755)
    return [replace(python, files={**python.files, "bin/python": answers})]


def free_port() -> int:
    """Return a port that nobody has now."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def network() -> str:
    """Return the first three numbers of this process's addresses."""
    high, low = divmod(os.getpid() % 25_000, 250)
    return f"127.{100 + high}.{low}"


def kept(text: str, hosts: Mapping[str, str]) -> str:
    """Write names for hosts."""
    for host, name in hosts.items():
        text = _with(text, host, name)
    return text


def alive(text: str, hosts: Mapping[str, str]) -> str:
    """Write hosts for names."""
    for host, name in hosts.items():
        text = _with(text, name, host)
    return text


def _with(text: str, old: str, new: str) -> str:
    # five digits may be a part of a digest
    return re.sub(rf"\b{old}\b", new, text) if old.isdigit() else text.replace(old, new)


@contextmanager
def place(stack: str, folder: Path) -> Iterator[Place]:
    """Give a new place; the cloud runs no containers, and is always of one subscription, tenant and account.

    Addresses of groups are of this machine and differ by process, so that suites can run side by side.
    """
    with ExitStack() as stack_of:
        registry = stack_of.enter_context(RegistrySimulator())
        cloud = None
        if stack == "azure":
            (folder / "cloud").mkdir(parents=True)
            cloud = stack_of.enter_context(running_emulator(folder / "cloud", containers=False))
            for name, value in _IDS.items():
                setattr(cloud.world, name, value)
                if hasattr(cloud, name):
                    setattr(cloud, name, value)
            cloud.world.parts["groups"].labels._seed = network()
            cloud.reset()
        yield Place(stack, folder, registry, cloud)


def write_certificate(folder: Path) -> None:
    """Write ``chain.pem`` and ``key.pem``, the same bytes each time: their hash is in the state."""
    key = Ed25519PrivateKey.from_private_bytes(b"a key that everybody can read...")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "scoring.example")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(dt.datetime(2099, 1, 1, tzinfo=dt.UTC))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("scoring.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, None)
    )
    (folder / "chain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    (folder / "key.pem").write_bytes(key.private_bytes(pem, pkcs8, plain))


def read_json(path: Path, hosts: Mapping[str, str]) -> Any:
    """Read what is kept, with hosts in it."""
    return json.loads(alive(path.read_text(), hosts))
