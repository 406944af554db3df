"""Small packages for tests of what few real ones do: activation, paths in files, and two owners of one file."""

from __future__ import annotations

from pathlib import Path

from .conda_package import PLACEHOLDER, CondaPackage, write_package

ACTIVATE = 'export ACIML_SAMPLE_ACTIVATED="$CONDA_PREFIX"\n'
DEACTIVATE = "unset ACIML_SAMPLE_ACTIVATED\n"


def write_samples(work: Path, channel: Path) -> None:
    """Write the packages ``aciml-activate``, ``aciml-prefix``, ``aciml-clobber-a`` and ``aciml-clobber-b``."""
    files: dict[str, dict[str, bytes]] = {
        "aciml-activate": {
            "etc/conda/activate.d/aciml.sh": ACTIVATE.encode(),
            "etc/conda/deactivate.d/aciml.sh": DEACTIVATE.encode(),
        },
        "aciml-prefix": {
            "bin/aciml-prefix": f'#!/bin/sh\necho "{PLACEHOLDER}"\n'.encode(),
            "share/aciml/prefix.bin": b"\x7f\0" + PLACEHOLDER.encode() + b"/share\0tail",
        },
        "aciml-clobber-a": {"share/aciml/clobber.txt": b"a\n", "share/aciml/a.txt": b"a\n"},
        "aciml-clobber-b": {"share/aciml/clobber.txt": b"b\n", "share/aciml/b.txt": b"b\n"},
    }
    for name, contents in files.items():
        for path, content in contents.items():
            target = work / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            target.chmod(0o755 if path.startswith("bin/") else 0o644)
        write_package(CondaPackage(name, "1.0"), work / name, channel)
