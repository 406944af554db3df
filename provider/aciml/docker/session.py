"""A session of BuildKit: the engine asks this process for files, secrets and accounts while it builds.

The engine is the client of gRPC here, over the connection that it was asked to keep open (``POST /session``).
Source: moby/buildkit ``session/`` (filesync, secrets, auth), tonistiigi/fsutil ``send.go`` (how files are offered).
"""

from __future__ import annotations

import io
import shutil
import socket
import tempfile
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..core.context import FileEntry
from ..core.credentials import Credentials
from ..core.errors import OutageError
from ..core.layer import FOLDER_TIME
from .protobuf import Value, decode, encode, number_of, text_of

if TYPE_CHECKING:
    import docker
    import grpc

_DIFF_COPY = "/moby.filesync.v1.FileSync/DiffCopy"
_SECRET = "/moby.buildkit.secrets.v1.Secrets/GetSecret"
_ACCOUNT = "/moby.filesync.v1.Auth/Credentials"
_HEALTH = "/grpc.health.v1.Health/Check"
_SERVING = encode({1: 1})
# fsutil's types/wire.proto, PacketType
_STAT, _REQUEST, _DATA, _FIN, _ERROR = 0, 1, 2, 3, 4
# the bits of Go's os.FileMode, which is what goes over the line
_FOLDER, _LINK = 1 << 31, 1 << 27
_CHUNK = 32 << 10  # bytes; what fsutil itself sends at once
_THREADS = 16  # the engine keeps one busy for each folder that it looks at, and asks for secrets beside them
_READ = 64 << 10
_JOIN_SECONDS = 5.0
_NANO = 1_000_000_000
# BuildKit keeps what it was sent under this key, so that the next build of an unchanged file sends no byte
_SHARED_KEY = "aciml"


@dataclass(frozen=True)
class Text:
    """A file that is in no folder of this machine."""

    path: str
    content: bytes


@dataclass(frozen=True)
class Offer:
    """What the engine may ask for: files by the name of their folder, secrets by id, accounts by host."""

    folders: Mapping[str, Sequence[FileEntry | Text]]
    secrets: Mapping[str, str]
    account: Callable[[str], Credentials]


@contextmanager
def open_session(engine: docker.DockerClient, offer: Offer) -> Iterator[str]:
    """Answer the engine's questions for a while; gives the id that a build has to name.

    Raises:
        OutageError: the engine does not take the session.
    """
    ident = uuid.uuid4().hex
    with _serving(offer) as address, _joined(_upgraded(engine, ident), address):
        yield ident


class _Line:
    """Both directions of the connection that the engine has taken over."""

    def __init__(self, engine: docker.DockerClient, response: Any) -> None:
        # what came right behind the answer's head may be in this reader already, and the socket does not have it again
        self._reader = response.raw._fp.fp  # noqa: SLF001  # as the package itself finds it
        # the package's own way to what it speaks over: a socket, TLS, a named pipe of Windows, ssh
        raw = engine.api._get_raw_response_socket(response)  # type: ignore[attr-defined]  # noqa: SLF001
        self._socket = getattr(raw, "_sock", raw)
        self._response = response

    def read(self) -> bytes:
        """Return what there is; empty at the end."""
        return bytes(self._reader.read1(_READ))

    def write(self, content: bytes) -> None:
        """Send all of it."""
        self._socket.sendall(content)

    def close(self) -> None:
        """End both directions, also a read that waits."""
        with suppress(OSError, AttributeError):
            self._socket.shutdown(socket.SHUT_RDWR)

    def free(self) -> None:
        """Give the connection back to the system; nobody reads from it any more."""
        for part in (self._reader, self._response, self._socket):
            with suppress(OSError, ValueError):
                part.close()


def _upgraded(engine: docker.DockerClient, ident: str) -> _Line:
    import requests
    from docker.errors import DockerException
    from urllib3 import HTTPHeaderDict

    api = engine.api
    url = f"{api.base_url}/v{api.api_version}/session"
    asked = api.prepare_request(requests.Request("POST", url))
    # requests keeps one header of a name; what goes down to urllib3 may have several lines, which the engine counts
    lines = HTTPHeaderDict(asked.headers)
    lines["X-Docker-Expose-Session-Uuid"] = ident
    lines["X-Docker-Expose-Session-Name"] = "aciml"
    lines["X-Docker-Expose-Session-Sharedkey"] = _SHARED_KEY
    lines["Connection"], lines["Upgrade"] = "Upgrade", "h2c"
    for method in (_DIFF_COPY, _SECRET, _ACCOUNT, _HEALTH):
        lines.add("X-Docker-Expose-Session-Grpc-Method", method)
    asked.headers = lines  # type: ignore[assignment]
    try:
        return _Line(engine, api.send(asked, stream=True))
    except (requests.RequestException, DockerException, OSError, AttributeError) as error:
        message = f"the Docker Engine does not let BuildKit ask for files: {error}"
        raise OutageError(message, "see that nothing between here and the engine refuses upgrades") from error


@contextmanager
def _joined(line: _Line, address: str) -> Iterator[None]:
    """Carry bytes between the engine and our server, for which gRPC wants a socket that it made itself."""
    with socket.socket(socket.AF_UNIX) as server:
        server.connect(address)

        def inward() -> None:
            with suppress(OSError, ValueError):
                while content := line.read():
                    server.sendall(content)
            with suppress(OSError):
                server.shutdown(socket.SHUT_WR)

        def outward() -> None:
            with suppress(OSError, ValueError):
                while content := server.recv(_READ):
                    line.write(content)

        threads = [threading.Thread(target=way, daemon=True) for way in (inward, outward)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            line.close()
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(_JOIN_SECONDS)
            line.free()


@contextmanager
def _serving(offer: Offer) -> Iterator[str]:
    """Serve the offer on a socket that nobody else on this machine can open."""
    import grpc

    folder = tempfile.mkdtemp(prefix="aciml-")  # 0700; secrets pass
    server = grpc.server(ThreadPoolExecutor(_THREADS), handlers=[_Handlers(offer)])
    address = str(Path(folder, "s"))
    try:
        server.add_insecure_port(f"unix:{address}")
        server.start()
        yield address
    finally:
        server.stop(None).wait()
        shutil.rmtree(folder, ignore_errors=True)


def _Handlers(offer: Offer) -> Any:  # noqa: N802  # a class only where grpc is loaded
    import grpc

    def diff_copy(packets: Iterator[bytes], context: grpc.ServicerContext) -> Iterator[bytes]:
        asked = {str(key): str(value) for key, value in context.invocation_metadata()}
        entries = offer.folders.get(asked.get("dir-name", ""), ())
        # the user's file of that name has been applied, and ours must not be looked for in his folder
        only = [value for key, value in context.invocation_metadata() if key == "followpaths"]
        return send(() if only == [".dockerignore"] else entries, packets)

    def secret(asked: bytes, context: grpc.ServicerContext) -> bytes:
        ident = text_of(decode(asked), 1)
        if ident not in offer.secrets:
            context.abort(grpc.StatusCode.NOT_FOUND, f"secret {ident} not found")
        return encode({1: offer.secrets[ident]})

    def account(asked: bytes, _: grpc.ServicerContext) -> bytes:
        found = offer.account(text_of(decode(asked), 1))
        return encode({1: found.username, 2: found.password})

    methods: dict[str, Any] = {
        _DIFF_COPY: grpc.stream_stream_rpc_method_handler(diff_copy),
        _SECRET: grpc.unary_unary_rpc_method_handler(secret),
        _ACCOUNT: grpc.unary_unary_rpc_method_handler(account),
        _HEALTH: grpc.unary_unary_rpc_method_handler(lambda _, __: _SERVING),
    }

    class Handlers(grpc.GenericRpcHandler):  # type: ignore[type-arg]  # generic in the stubs alone
        def service(self, details: grpc.HandlerCallDetails) -> Any:
            return methods.get(details.method)

    return Handlers()


def send(entries: Sequence[FileEntry | Text], packets: Iterator[bytes]) -> Iterator[bytes]:
    """Offer files as fsutil does: what there is, then the content of what is asked for.

    Args:
        entries: in any order.
        packets: of the receiver.
    """
    files: dict[int, FileEntry | Text] = {}
    for number, (entry, stat) in enumerate(_tree(entries)):
        if entry is not None:
            files[number] = entry
        yield encode({1: _STAT, 2: encode(stat)})
    yield encode({1: _STAT})  # no more
    for packet in packets:
        asked = decode(packet)
        kind, number = number_of(asked, 1), number_of(asked, 3)
        if kind == _REQUEST:
            try:
                with _opened(files[number]) as stream:
                    while content := stream.read(_CHUNK):
                        yield encode({1: _DATA, 3: number, 4: content})
            except OSError as error:
                # the build fails with these words, instead of "unknown"
                yield encode({1: _ERROR, 4: f"{files[number].path} changed or cannot be read: {error.strerror}"})
                return
            yield encode({1: _DATA, 3: number})
        elif kind == _FIN:
            yield encode({1: _FIN})
            return


def _tree(
    entries: Sequence[FileEntry | Text],
) -> Iterator[tuple[FileEntry | Text | None, dict[int, Value]]]:
    """Return folders, links and files as fsutil's Stat, a folder before what is in it, parts of paths in order.

    Owner, times and modes depend on nothing but the executable bit, as in the tar for the classic builder.
    """
    found: dict[str, FileEntry | Text | None] = {}
    for one in entries:
        found.update(dict.fromkeys(part.as_posix() for part in Path(one.path).parents[:-1]))
        found[one.path] = one
    # fsutil's ComparePath: a folder's own files come before those of "folder-2", though "-" is before "/"
    for path in sorted(found, key=lambda path: path.split("/")):
        entry = found[path]
        stat: dict[int, Value] = {1: path, 6: FOLDER_TIME * _NANO}
        if entry is None:
            yield None, {**stat, 2: _FOLDER | 0o755}
        elif isinstance(entry, Text):
            yield entry, {**stat, 2: 0o644, 5: len(entry.content)}
        elif entry.link:
            yield None, {**stat, 2: _LINK | 0o777, 7: entry.link}
        else:
            yield entry, {**stat, 2: 0o755 if entry.executable else 0o644, 5: entry.size}


def _opened(entry: FileEntry | Text) -> IO[bytes]:
    return io.BytesIO(entry.content) if isinstance(entry, Text) else entry.source.open("rb")
