"""What an environment's packages are read from: a conda.yml, a requirements.txt, or an explicit file; one of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from ..core.condafile import DEFAULT_CHANNELS, CondaFile, CondaFileError, parse_conda_file
from ..core.errors import Finding
from ..core.explicit import parse_explicit_file
from ..core.limits import limits_findings

PACKAGE_FILES = ("condaFile", "requirementsFile", "explicitFile")
MODES = ("auto", "frozen", "refresh")
PYTHON_VERSION = ".python-version"
"""File beside a requirements.txt that says which Python it is for, as uv and pyenv read it."""

_PASSWORD = re.compile(r"://(?!\$\{)[^/@\s]+@")  # ${NAME} is no password, uv reads the variable
_VERSION = re.compile(r"\d+\.\d+(\.\d+)?")
_RELATIVE = "paths are relative to the folder of Pulumi.yaml"


def wants_packages(values: Mapping[str, object], unknown: Collection[str] = ()) -> bool:
    """Tell whether a file of packages is given, known or not."""
    return any(values.get(name) or name in unknown for name in PACKAGE_FILES)


def read_packages(values: Mapping[str, object], findings: list[Finding]) -> tuple[CondaFile | None, Path]:
    """Return what is asked for, and the folder that paths in it are relative to; what is wrong goes to ``findings``."""
    findings += limits_findings(values.get("virtualPackages"), values.get("excludeNewer"))
    mode = str(values.get("lockMode") or "auto")
    if mode not in MODES:
        findings.append(Finding("lockMode", f'"{mode}" is not a mode; write {", ".join(MODES)}'))
    given = [name for name in PACKAGE_FILES if values.get(name)]
    if len(given) > 1:
        findings.append(Finding(given[1], f"give {' or '.join(given)}, not both"))
        return None, Path()
    if not given:
        return None, Path()
    path = str(values[given[0]])
    readers: dict[str, Callable[[str, str], CondaFile]] = {
        "condaFile": parse_conda_file,
        "requirementsFile": _of_requirements,
        "explicitFile": parse_explicit_file,
    }
    return _read(given[0], path, readers[given[0]], findings), Path(path).parent


def _read(where: str, path: str, reader: Callable[[str, str], CondaFile], findings: list[Finding]) -> CondaFile | None:
    try:
        file = reader(Path(path).read_text(encoding="utf-8-sig"), path)
    except FileNotFoundError:
        findings.append(Finding(where, f"{path} does not exist; {_RELATIVE}"))
    except (OSError, UnicodeDecodeError) as error:
        findings.append(Finding(where, f"{path} cannot be read: {error}"))
    except CondaFileError as error:
        findings += error.findings
    else:
        findings += [Finding(where, _with_password(path, line)) for line in file.pip if _PASSWORD.search(line)]
        return file
    return None


def _of_requirements(text: str, path: str) -> CondaFile:
    """Return the conda file that a requirements.txt stands for: its Python, and the file itself.

    Which Python is not in a requirements.txt, and guessing one would change what is installed.
    """
    if not any(row.strip() and not row.lstrip().startswith("#") for row in text.splitlines()):
        raise CondaFileError([Finding("requirementsFile", f"{path}:1: the file is empty; list the packages")])
    beside = Path(path).with_name(PYTHON_VERSION)
    said = beside.read_text(encoding="utf-8").strip() if beside.is_file() else ""
    if not _VERSION.fullmatch(said):
        why = f'"{said}" in {beside} is not a version' if said else f"{path} does not say which Python it is for"
        advice = f'write one such as "3.11" into {beside}, or give a condaFile with python and "- -r {Path(path).name}"'
        raise CondaFileError([Finding("requirementsFile", f"{why}; {advice}")])
    return CondaFile(DEFAULT_CHANNELS, (f"python={said}",), (f"-r {Path(path).name}",))


def _with_password(path: str, line: str) -> str:
    shown = _PASSWORD.sub("://...@", line)
    return f"{path}: pip: {shown} has a password in it, which would end in the state; give it by UV_INDEX_URL or netrc"
