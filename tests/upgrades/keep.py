"""``python -m tests.upgrades.keep CHECKOUT``: bring the stacks up with a release, and keep their state as data.

To be run on every release (CONTRIBUTING.md). ``CHECKOUT`` is a tree of the repository at the release, whose
``.venv/packages`` leads to its own code. Its stacks are brought up by the real CLI with the plugin and components of
that tree; the program is the one kept beside the state, or today's if the release has none yet.
"""

from __future__ import annotations

import argparse
import http.server
import json
import shutil
import ssl
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

from tests.images.world import push_base
from tests.simulators.azure import groups_life
from tests.simulators.azure.group_runtime import PaperGroup
from tests.upgrades.place import FIXTURES, HERE, STACKS, Place, kept, place
from tests.upgrades.world import dump_cloud, dump_registry

PUBLIC, INSIDE = 8080, 8443
"""Ports of the two groups of the stack on Azure; the second one speaks TLS."""
_OF_THIS_MACHINE = ("sourcePosition", "stackTrace")
"""What the engine notes beside a resource for its own messages."""


def main() -> None:
    """Keep all stacks of a release."""
    parser = argparse.ArgumentParser(prog="python -m tests.upgrades.keep", description=__doc__)
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--stack", choices=STACKS, action="append")
    given = parser.parse_args()
    checkout = given.checkout.resolve()
    for stack in given.stack or STACKS:
        keep(stack, checkout, FIXTURES / _release(checkout) / stack)


def keep(stack: str, checkout: Path, to: Path) -> None:
    """Bring a stack up, and write its program, its state, and what registry and cloud have."""
    to.mkdir(parents=True, exist_ok=True)
    if not (to / "program.py").exists():
        shutil.copy(HERE / "programs" / f"{stack}.py", to / "program.py")
    with tempfile.TemporaryDirectory() as folder, place(stack, Path(folder)) as at, _answering(at):
        at.checkout = checkout
        push_base(at.folder / "base", at.registry.host)
        at.begin(to / "program.py")
        print(at.pulumi("up", "--yes", "--skip-preview").check_ok().text)
        at.pulumi("preview", "--expect-no-changes").check_ok()
        _write(to / "state.json", json.loads(at.pulumi("stack", "export").check_ok().text), at)
        # digests are of these bytes, so that a host in them stays as it was
        (to / "registry.json").write_text(json.dumps(dump_registry(at.registry), indent=1, sort_keys=True) + "\n")
        if at.cloud is not None:
            _write(to / "world.json", dump_cloud(at.cloud), at)
        else:
            _write(to / "world.json", json.loads((at.folder / "cache/memory-target.json").read_text()), at)


def _write(path: Path, content: object, at: Place) -> None:
    text = kept(json.dumps(_portable(content), indent=1, sort_keys=True, ensure_ascii=False), at.hosts())
    assert str(at.folder) not in text, f"{path.name} names a folder of this machine"
    path.write_text(text + "\n")


def _portable(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _portable(value) for name, value in content.items() if name not in _OF_THIS_MACHINE}
    return [_portable(value) for value in content] if isinstance(content, list) else content


def _release(checkout: Path) -> str:
    lines = (checkout / "provider/aciml/__init__.py").read_text().splitlines()
    (version,) = [line.split('"')[1] for line in lines if line.startswith("__version__")]
    return ".".join(version.split(".")[:2])


class _Near(PaperGroup):
    """A group with an address of this machine, where one can answer for it: what else 10.x is here, nobody knows."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.ip = f"127.77.0.{number}"


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._answer(b"ok")

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(b'{"length": 3}')

    def _answer(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _answering(at: Place) -> Iterator[None]:
    """Answer on every loopback address as both groups would if anything ran."""
    plain, secret = (http.server.ThreadingHTTPServer(("", port), _Handler) for port in (PUBLIC, INSIDE))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(at.folder / "chain.pem", at.folder / "key.pem")
    secret.socket = context.wrap_socket(secret.socket, server_side=True)
    for server in (plain, secret):
        threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        with mock.patch.object(groups_life, "PaperGroup", _Near):
            yield
    finally:
        for server in (plain, secret):
            server.shutdown()
            server.server_close()


if __name__ == "__main__":
    main()
