"""What is sent to the engine: a Dockerfile of our making, and a tar with the files it copies."""

from __future__ import annotations

import gzip
import io
import json
import re
import tarfile
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import IO

from ..core.context import FileEntry
from ..core.errors import UserError
from ..core.image import Layer, sha256_digest
from ..core.layer import FOLDER_TIME
from ..core.steps import Step

DOCKERFILE = "aciml.Dockerfile"
IGNORE = ".dockerignore"
_FOLDER = "/run/aciml"
_PEM = f"{_FOLDER}/ca.pem"
TRUST: Mapping[str, str] = {
    "APT_CONFIG": f"{_FOLDER}/apt.conf",
    "CURL_CA_BUNDLE": _PEM,
    "GIT_SSL_CAINFO": _PEM,
    "NODE_EXTRA_CA_CERTS": _PEM,
    "PIP_CERT": _PEM,
    "REQUESTS_CA_BUNDLE": _PEM,
    "SSL_CERT_FILE": _PEM,
    "WGETRC": f"{_FOLDER}/wgetrc",
}
"""Build arguments that make the usual programs trust the bundle; as arguments they are in no image's environment."""

_SHELL = ("/bin/sh", "-c")
_ONLY_HEREDOC = re.compile(r"<<(-?)[\"']?([A-Za-z_][A-Za-z0-9_.-]*)[\"']?")
_OPTIONS = re.compile(r"(?:--\S+\s+)*")
_IN_MEMORY = 16 << 20  # bytes of a context that need no temporary file


def trust_context(base: str, bundle: Path) -> IO[bytes]:
    """Return the build of the one layer that holds the certificate bundle and is taken out again at the end.

    Raises:
        UserError: the bundle cannot be read.
    """
    files = {f"aciml/{name}": content for name, content in _trust_files(bundle).items()}
    return _packed({DOCKERFILE: f"FROM {base}\nCOPY aciml/ {_FOLDER}/\n".encode(), **files}, ())


def trust_layer(bundle: Path) -> tuple[Layer, bytes]:
    """Return the same layer made without an engine, and its blob.

    Raises:
        UserError: the bundle cannot be read.
    """
    folder = _FOLDER.lstrip("/")
    with _packed({f"{folder}/{name}": content for name, content in _trust_files(bundle).items()}, ()) as tar:
        plain = tar.read()
    # a time in the header would make another digest each second
    blob = gzip.compress(plain, mtime=0)
    return Layer(sha256_digest(plain), sha256_digest(blob), len(blob)), blob


def _trust_files(bundle: Path) -> dict[str, bytes]:
    try:
        pem = bundle.read_bytes()
    except OSError as error:
        advice = "mend caBundle, or SSL_CERT_FILE"
        raise UserError(f"the certificate bundle {bundle} cannot be read: {error.strerror}", advice) from error
    return {
        "ca.pem": pem,
        "apt.conf": f'Acquire::https::CAInfo "{_PEM}";\n'.encode(),
        "wgetrc": f"ca_certificate = {_PEM}\n".encode(),
    }


def steps_context(
    below: str, steps: Sequence[Step], context: Iterable[FileEntry], arguments: Iterable[str]
) -> IO[bytes]:
    """Return the build of the steps on top of an image.

    Args:
        below: reference of the image.
        steps: in order.
        context: the files that they use.
        arguments: names of build arguments that all steps shall see.

    Raises:
        UserError: a file cannot be read.
    """
    files, entries = {DOCKERFILE: text_of(write_dockerfile(below, steps, arguments))}, list(context)
    if all(entry.path != IGNORE for entry in entries):
        # "COPY . /there" must not take our own files along: the engine removes what they name before it copies
        files[IGNORE] = f"{DOCKERFILE}\n{IGNORE}\n".encode()
    return _packed(files, entries)


def stages_context(lines: Iterable[str], context: Iterable[FileEntry]) -> IO[bytes]:
    """Return the build of a whole Dockerfile, see ``write_stages``.

    Raises:
        UserError: a file cannot be read.
    """
    entries = [entry for entry in context if entry.path != IGNORE]
    ignored = f"{DOCKERFILE}\n{IGNORE}\n".encode()  # what the user's file names is not in the context any more
    return _packed({DOCKERFILE: text_of(lines), IGNORE: ignored}, entries)


def write_stages(steps: Sequence[Step], *, classic: bool, syntax: str = "") -> list[str]:
    """Return a Dockerfile of several stages, an entry an instruction.

    Args:
        steps: all instructions.
        classic: write heredocs so that the classic builder reads them.
        syntax: frontend to name in the first line; empty names none.
    """
    # a parser directive counts in the first line alone (Dockerfile reference)
    lines, shell = [f"# syntax={syntax}"] if syntax else [], _SHELL
    for step in steps:
        heredoc = classic and _goes_to_shell(step)
        lines.append(_run_heredoc(step, shell) if heredoc else step.text)
        # SHELL holds up to the end of its stage
        if step.instruction in {"FROM", "SHELL"}:
            shell = tuple(json.loads(step.arguments)) if step.instruction == "SHELL" else _SHELL
    return lines


def write_dockerfile(below: str, steps: Sequence[Step], arguments: Iterable[str] = ()) -> list[str]:
    """Return the Dockerfile: FROM, one instruction for each argument, then one for each step."""
    lines, shell = [f"FROM {below}", *(f"ARG {name}" for name in arguments)], _SHELL
    for step in steps:
        lines.append(_run_heredoc(step, shell) if _goes_to_shell(step) else step.text)
        if step.instruction == "SHELL":
            shell = tuple(json.loads(step.arguments))
    return lines


def text_of(lines: Iterable[str]) -> bytes:
    """Return what is sent of ``write_dockerfile`` or ``write_stages``."""
    return ("\n".join(lines) + "\n").encode()


def _goes_to_shell(step: Step) -> bool:
    """Tell whether a heredoc is written as text for the shell: so also BuildKit before Docker 23 takes it."""
    return step.instruction == "RUN" and step.heredoc and not step.names_interpreter


def _run_heredoc(step: Step, shell: Sequence[str]) -> str:
    """Write RUN with a heredoc for the classic builder: the shell, which knows heredocs, gets all of the text."""
    options = _OPTIONS.match(step.arguments)
    flags = options[0] if options else ""
    script = step.arguments.removeprefix(flags)
    head, _, body = script.partition("\n")
    # `RUN <<EOF` with nothing else has no program to read it: its lines are the script (Dockerfile reference)
    if found := _ONLY_HEREDOC.fullmatch(head):
        script = body.rpartition("\n")[0]
        # `<<-` takes tabs away, and nothing else (POSIX, "Here-Document")
        script = re.sub(r"^\t+", "", script, flags=re.MULTILINE) if found[1] else script
    # exec form: the builder hands the text on as it is, with its line breaks
    return f"RUN {flags}{json.dumps([*shell, script])}"


def _packed(files: Mapping[str, bytes], context: Iterable[FileEntry]) -> IO[bytes]:
    """Return an open tar; owner, times and modes depend on nothing but the executable bit."""
    sink = tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY)  # noqa: SIM115  # the caller closes it
    try:
        # pax, for names that are long or not ASCII
        with tarfile.open(fileobj=sink, mode="w", format=tarfile.PAX_FORMAT) as tar:
            folders: set[str] = set()
            for entry in context:
                _add_folders(tar, entry.path, folders)
                _add_entry(tar, entry)
            # ours last: of two entries of one name a reader keeps the last
            for name, content in files.items():
                _add_folders(tar, name, folders)
                tar.addfile(_header(name, len(content)), io.BytesIO(content))
    except BaseException:
        sink.close()
        raise
    sink.seek(0)
    return sink


def _header(path: str, size: int = 0, mode: int = 0o644) -> tarfile.TarInfo:
    info = tarfile.TarInfo(path)
    info.size, info.mode, info.mtime = size, mode, FOLDER_TIME
    return info


def _add_folders(tar: tarfile.TarFile, path: str, known: set[str]) -> None:
    """Add the folders above a path."""
    # those that a tar does not have get the engine's clock and umask, and so another layer each time
    for folder in reversed(Path(path).parents[:-1]):
        name = folder.as_posix()
        if name not in known:
            known.add(name)
            info = _header(name, mode=0o755)
            info.type = tarfile.DIRTYPE
            tar.addfile(info)


def _add_entry(tar: tarfile.TarFile, entry: FileEntry) -> None:
    if entry.link:
        info = _header(entry.path, mode=0o777)
        info.type, info.linkname = tarfile.SYMTYPE, entry.link
        tar.addfile(info)
        return
    try:
        with entry.source.open("rb") as stream:
            tar.addfile(_header(entry.path, entry.size, 0o755 if entry.executable else 0o644), stream)
    except OSError as error:  # also when the file has become shorter
        raise UserError(f"{entry.source} changed or cannot be read: {error}", "run the same command again") from error
