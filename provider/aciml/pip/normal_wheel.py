"""A wheel written anew, so that its bytes depend on its files alone and two machines make equal ones."""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import re
import zipfile
from pathlib import Path

_TIME = (1980, 1, 1, 0, 0, 0)  # the first that a zip file can have


def normal_wheel(made: Path) -> bytes:
    """Return the wheel's bytes as they depend on its files alone: sorted, one time, stored, and made by nobody.

    What is compressed depends on the version of zlib; what ``WHEEL`` says of its maker, on that of the backend.
    """
    with zipfile.ZipFile(made) as wheel:
        files = {
            info.filename: (wheel.read(info), info.external_attr) for info in wheel.infolist() if not info.is_dir()
        }
    record = next(name for name in files if name.endswith(".dist-info/RECORD"))
    about = record.removesuffix("RECORD") + "WHEEL"
    told = re.sub(rb"(?m)^Generator:.*$", b"Generator: aciml", files[about][0])
    files[about] = told, files[about][1]
    rows = sorted((name, *_recorded(content)) for name, (content, _) in files.items() if name != record)
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([*rows, (record, "", "")])
    files[record] = text.getvalue().encode(), 0
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as wheel:
        for name, (content, mode) in sorted(files.items()):
            info = zipfile.ZipInfo(name, _TIME)
            info.external_attr = (0o100755 if mode >> 16 & 0o100 else 0o100644) << 16
            wheel.writestr(info, content)
    return sink.getvalue()


def _recorded(content: bytes) -> tuple[str, int]:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
    return f"sha256={digest}", len(content)
