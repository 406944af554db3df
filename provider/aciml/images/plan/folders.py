"""What is said of a user's folder before its files enter an image: secrets in it, and its size."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from ...core.context import FileEntry
from ...core.unwanted import LARGE, biggest
from ...docker.context import DOCKER, LeftOut, SecretFile, secret_files

_MOST = 20
"""Files that are named; of more the rest is counted."""
_KEYS_BELOW = 1 << 16
"""Bytes: an RSA key of 16,384 bits has 12,700 as PEM, and a chain of certificates beside it still fits."""


def secrets_told(folder: Path, files: Iterable[FileEntry], ignore_files: Sequence[str] = (DOCKER,)) -> str:
    """Name all files with secrets, and how to let one in; empty if there are none.

    Raises:
        UserError: a file cannot be read.
    """
    found = secret_files(folder, files, ignore_files)
    if not found:
        return ""
    ignore, first = ignore_files[-1], found[0].path
    advice = f"write each into {folder / ignore}: as {first} to leave it out, as !{first} to let it in"
    return f"{_named(folder, found)}; take them away, or {advice}"


def model_secrets_told(folder: Path, files: Iterable[FileEntry], ignore_files: Sequence[str]) -> str:
    """Name all files with secrets in the folder of a model, and how to let one in; empty if there are none.

    Raises:
        UserError: a file cannot be read.
    """
    # by name, and what is small by what is in it: keys are, and gigabytes of weights are not to be read for this
    found = secret_files(folder, files, ignore_files, _KEYS_BELOW)
    if not found:
        return ""
    # an ignore file leaves nothing of a model out: all of it belongs to it, as in v1
    advice = f"write each into {folder / ignore_files[-1]} to let it in, such as !{found[0].path}"
    return f"{_named(folder, found)}; take them away, or {advice}"


_SCRIPTS = (".sh", ".bash", ".py")
_MARK = b"\xef\xbb\xbf"  # U+FEFF in UTF-8, which editors on Windows begin a text with


def scripts_told(folder: Path, files: Iterable[FileEntry]) -> str:
    """Name the scripts that no kernel starts, since an editor on Windows has written them; empty if there are none.

    The kernel takes ``#!/bin/sh`` with a carriage return for a program of that name, and none behind a byte order mark
    (execve(2), "Interpreter scripts"); git makes such line ends by itself where ``core.autocrlf`` is set.
    """
    found = [(one.path, what) for one in files if (what := _written_on_windows(one))]
    if not found:
        return ""
    named = ", ".join(f"{folder / path} ({what})" for path, what in found[:_MOST])
    more = f" and {len(found) - _MOST} more" if len(found) > _MOST else ""
    return f"scripts that cannot be started: {named}{more}; save them with LF and as UTF-8 without a mark (dos2unix)"


def _written_on_windows(entry: FileEntry) -> str:
    if entry.link or not (entry.executable or entry.path.endswith(_SCRIPTS)):
        return ""
    try:
        with entry.source.open("rb") as stream:
            first = stream.readline(_FIRST)
    except OSError:
        return ""  # whoever copies it says so
    if first.startswith(_MARK + b"#!"):
        return "a byte order mark before its #!"
    return "Windows line ends" if first.startswith(b"#!") and first.endswith(b"\r\n") else ""


_FIRST = 256  # bytes; the longest first line that Linux reads (BINPRM_BUF_SIZE)


def _named(folder: Path, found: Sequence[SecretFile]) -> str:
    named = [f"{folder / one.path} ({one.what})" for one in found[:_MOST]]
    more = [f"{len(found) - _MOST} more"] if len(found) > _MOST else []
    return (
        f"files with secrets would be in the image, where all who can pull it read them: {', '.join([*named, *more])}"
    )


def size_told(what: str, folder: Path, files: Sequence[FileEntry], ignore_file: str = DOCKER) -> str:
    """Tell of a folder that is large, and where its bytes are; empty if it is not."""
    total = sum(file.size for file in files)
    if total <= LARGE:
        return ""
    most = ", ".join(f"{path} {_mega(size)}" for path, size in biggest(files))
    advice = f"write into {folder / ignore_file} what the image does not need"
    return f"{what} {folder} has {_mega(total)}, most of it in {most}; {advice}"


def left_out_told(out: Sequence[LeftOut]) -> str:
    """Name what never enters an image, for a difference that it makes; empty if there is nothing."""
    named = ", ".join(f"{one.path} ({one.what})" for one in out[:_MOST])
    more = f" and {len(out) - _MOST} more" if len(out) > _MOST else ""
    return f"left out of the image: {named}{more}" if out else ""


def _mega(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
