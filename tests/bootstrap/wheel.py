"""A small wheel, written by hand."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path

METADATA = """\
Metadata-Version: 2.1
Name: sample
Version: 1.0
Requires-Dist: numpy>=1.20
Requires-Dist: tzdata
Requires-Dist: colorama; sys_platform == "win32"
Requires-Dist: pytest; extra == "test"
"""
ENTRY_POINTS = "[console_scripts]\nsample-tool = sample_module:main [x]\n[other]\na = b:c\n"
FILES = {
    "sample_module.py": "def main(): ...\n",
    "sample-1.0.dist-info/METADATA": METADATA,
    "sample-1.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "sample-1.0.dist-info/entry_points.txt": ENTRY_POINTS,
}


def write_wheel(folder: Path) -> Path:
    """Write ``sample-1.0-py3-none-any.whl``."""
    path, lines = folder / "sample-1.0-py3-none-any.whl", []
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in FILES.items():
            archive.writestr(name, text)
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=").decode()
            lines.append(f"{name},sha256={digest},{len(text)}\n")
        archive.writestr("sample-1.0.dist-info/RECORD", "".join([*lines, "sample-1.0.dist-info/RECORD,,\n"]))
    return path
