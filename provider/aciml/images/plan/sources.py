"""What the user wrote of an environment: its file of packages, its steps and their context; read once, judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.builder import REMOTE
from ...core.condafile import DEFAULT_CHANNELS, CondaFile, CondaFileError, parse_conda_file
from ...core.context import named_by, uses_context
from ...core.encoding import decoded
from ...core.errors import Finding, Level, UserError, errors_of
from ...core.interpreter import OLDEST_PYTHON
from ...core.lean import lean
from ...core.limits import limits_findings
from ...core.steps import Step, parse_steps
from ...model.declared import wires_of
from ...model.environment import Environment, Packages, Steps
from ...pip.lines import Line, PipLinesError, account_faults, accounts_told, doubts_told, places_of, read_lines
from ..server_needs import server_needs
from .dockerfile import left_behind
from .folders import scripts_told, secrets_told

if TYPE_CHECKING:
    from ...core.context import FileEntry


# rules that look into the folder that is copied
_ABOUT_CONTEXT = ("copy-missing", "copy-leaves", "copy-context")

MODES = ("auto", "frozen", "refresh")
NEWEST_PYTHON = f"python>={OLDEST_PYTHON}"
"""What a file without python gets: the newest that the rest allows."""
PYTHON_VERSION = ".python-version"
"""File beside a requirements.txt that says which Python it is for, as uv and pyenv read it."""
RUNTIME = "runtime.txt"
"""The same for Binder and for Heroku: ``python-3.11``. Source: repo2docker, "Configuration files", runtime.txt."""

(_REQUIREMENTS,) = wires_of(Packages, "requirements_file")
_VERSION = re.compile(r"(?:c?python-?)?(?P<version>\d+\.\d+(?:\.\d+)?)")
_RELATIVE = "paths are relative to the folder of Pulumi.yaml"


@lean(frozen=True)
class Sources:
    """What the user wrote: the parsed conda.yml and steps, with the files the steps may copy.

    ``findings`` stop what is to be done with it; ``warnings`` (and remarks) do not, and ``check`` tells them.
    ``folder`` is where conda.yml is, or what stands for it: paths in its pip section are relative to that.
    """

    conda: CondaFile | None = None
    steps: tuple[Step, ...] = ()
    context: tuple[FileEntry, ...] = ()
    context_hash: str = ""
    findings: tuple[Finding, ...] = field(default=(), compare=False)
    folder: Path = Path()
    server: tuple[str, ...] = ()
    """What the scoring server needs, as lines of a pip section; nothing if the image is not for serving."""
    warnings: tuple[Finding, ...] = field(default=(), compare=False)
    steps_known: bool = True
    """Whether all steps are known, and the folder that they copy from."""

    @property
    def used(self) -> list[FileEntry]:
        """The files of the context that steps copy."""
        from ...docker.context import select_used

        return select_used(self.steps, self.context)

    def steps_key(self, base_digest: str) -> str:
        """Name what the steps make of this base; empty without steps."""
        if not self.steps:
            return ""
        from ...core.lint import steps_key

        return steps_key(base_digest, self.steps, self.context_hash)


def read_sources(environment: Environment) -> Sources:
    """Read the files that an environment names; all that is wrong is in ``findings``, nothing is raised."""
    findings: list[Finding] = []
    asked = environment.steps
    conda, home = read_packages(environment.packages, findings)
    steps = _steps(asked, findings)
    folder = asked.steps_context or ""
    # of a step that is not known yet there is no key, and so no layer that could be known
    steps_known = all(step.is_known for step in steps) and not asked.is_unsure("extra_steps_file")
    context, digest = _context(asked, steps, findings, hashed=steps_known)
    off = list(asked.lint_off)
    if asked.is_unsure("steps_context"):  # which files are in it is not known
        # rules that may be wrong are not asked: a false alarm is worse than a miss (decisions/unknown-inputs.md)
        off += _ABOUT_CONTEXT
        steps_known = steps_known and not uses_context(steps)
    if steps:
        # here: the rules are slow to load, and most environments have no steps
        from ...core.lint import lint_steps
        from ...core.lint_forms import ANY_BUILDER, REMOTE_WORDS

        # empty: no folder is named, so nothing can be copied and no rule is asked
        names = {entry.path: entry.link for entry in context} if folder else None
        # judged where they stand, on the base that they run on: its shell and its package manager are known by its name
        judged = lint_steps(
            steps,
            context_files=names,
            context_folder=folder or "the context folder",
            base=environment.base.base_image or "",
            below=left_behind(environment.base),
            builder=REMOTE_WORDS if asked.builder == REMOTE else ANY_BUILDER,
            off=off,
        )
        findings += [placed(finding, asked) for finding in judged]
    # errors stop, warnings are told by who asks for them
    errors = errors_of(findings)
    warnings = tuple(finding for finding in findings if finding not in errors)
    read = Sources(conda, steps, context, digest, tuple(errors), home, (), warnings, steps_known)
    return with_server(read, wanted=environment.packages.server_requirements)


def with_server(sources: Sources, *, wanted: bool) -> Sources:
    """Return the same with what the scoring server needs, or without."""
    # without packages the base's own Python serves, and has to bring them (decisions/scoring-server.md)
    return replace(sources, server=server_needs() if sources.conda and wanted else ())


def _steps(asked: Steps, findings: list[Finding]) -> tuple[Step, ...]:
    path, listed = asked.extra_steps_file, asked.extra_steps
    # a list in the program and a file beside it are two truths
    if path and listed:
        findings.append(asked.finding("extra_steps_file", "give extraSteps or extraStepsFile, not both"))
    try:
        # decoded by one function, which takes a byte order mark and says what else is wrong
        if path:
            return parse_steps(decoded(Path(path).read_bytes(), path), path)
        return parse_steps(listed, asked.at("extra_steps")) if listed is not None else ()
    except FileNotFoundError:
        why = f"{path} does not exist; paths are relative to the folder of Pulumi.yaml"
        findings.append(asked.finding("extra_steps_file", why))
    except OSError as error:
        findings.append(asked.finding("extra_steps_file", f"{path} cannot be read: {error.strerror}; mend that"))
    except UserError as error:
        findings.append(asked.finding("extra_steps_file" if path else "extra_steps", str(error)))
    return ()


def _context(
    asked: Steps, steps: tuple[Step, ...], findings: list[Finding], *, hashed: bool
) -> tuple[tuple[FileEntry, ...], str]:
    folder = asked.steps_context
    if not folder:
        # no folder is no context: COPY is refused by the rules then
        return (), ""
    if not Path(folder).is_dir():
        why = f"{folder} is not a folder; paths are relative to the folder of Pulumi.yaml"
        findings.append(asked.finding("steps_context", why))
        return (), ""
    from ...docker.context import context_hash, select_used, walk

    try:
        # .dockerignore counts for all but what a step names itself
        entries = tuple(walk(Path(folder), named=named_by(steps)))
        # what no step reads is not in the image
        # told once, before a key is made of it: a secret in the context would be in the image
        if why := secrets_told(Path(folder), select_used(steps, entries)):
            findings.append(asked.finding("steps_context", why))
        if why := scripts_told(Path(folder), select_used(steps, entries)):
            findings.append(replace(asked.finding("steps_context", why), level=Level.WARNING))
        return entries, context_hash(steps, entries) if hashed else ""
    except UserError as error:
        findings.append(asked.finding("steps_context", str(error)))
        return (), ""


def placed(finding: Finding, asked: Steps) -> Finding:
    """Put a finding about a step where the user wrote the steps."""
    return replace(finding, where=asked.at("extra_steps_file")) if asked.extra_steps_file else finding


def read_packages(asked: Packages, findings: list[Finding]) -> tuple[CondaFile | None, Path]:
    """Return what is asked for, and the folder that paths in it are relative to; what is wrong goes to ``findings``."""
    # limits are judged even if no file is given: they hold for a base's wheels, too
    findings += limits_findings(asked.virtual_packages, asked.exclude_newer)
    if asked.lock_mode and asked.lock_mode not in MODES:
        findings.append(asked.finding("lock_mode", f'"{asked.lock_mode}" is not a mode; write {", ".join(MODES)}'))
    if len(asked.files) > 1:
        names = [asked.at(name) for name in asked.files]
        # of two files one would be silently left out
        findings.append(Finding(names[1], f"give {' or '.join(names)}, not both"))
        return None, Path()
    if asked.conda_text:
        return _with_python(_of_text(asked.conda_text, asked, findings), asked), Path()
    # one at most: the rest was refused above
    for name, path in asked.files.items():
        return _with_python(_read(asked.at(name), path, _READERS[name], findings), asked), Path(path).parent
    return None, Path()


def _read(where: str, path: str, reader: Callable[[str, str], CondaFile], findings: list[Finding]) -> CondaFile | None:
    try:
        file = reader(decoded(Path(path).read_bytes(), path), path)
    except FileNotFoundError:
        findings.append(Finding(where, f"{path} does not exist; {_RELATIVE}"))
    except OSError as error:
        findings.append(Finding(where, f"{path} cannot be read: {error.strerror}; mend that"))
    except CondaFileError as error:
        findings += error.findings
    except UserError as error:
        findings.append(Finding(where, str(error)))
    else:
        findings += file.told
        return file if _has_right_lines(file, where, Path(path).parent, findings) else None
    return None


def _has_right_lines(file: CondaFile, where: str, folder: Path, findings: list[Finding]) -> bool:
    """Judge the lines of the pip section and of the files that it names, before anything is looked for."""
    faults, lines = account_faults(file), list[Line]()
    try:
        lines = read_lines(file.pip, folder, places_of(file))
    except PipLinesError as error:
        faults += error.faults
    findings += [Finding(where, fault) for fault in faults]
    findings += [Finding(where, told, Level.WARNING) for told in (*accounts_told(lines, file), *doubts_told(lines))]
    return not faults


def _with_python(file: CondaFile | None, asked: Packages) -> CondaFile | None:
    # v1 put one there, too, with a line in a log; a server and wheels need one, and a tool written in C does not
    if file and not (file.has_python or file.exact) and (file.pip or asked.server_requirements):
        return replace(file, specs=(*file.specs, NEWEST_PYTHON))
    return file


def _of_text(text: str, asked: Packages, findings: list[Finding]) -> CondaFile | None:
    where = asked.at("conda_text")
    try:
        file = parse_conda_file(text, where)
    except CondaFileError as error:
        findings += [replace(finding, where=where) for finding in error.findings]
        return None
    findings += [replace(finding, where=where) for finding in file.told]
    return file if _has_right_lines(file, where, Path(), findings) else None


def _of_requirements(text: str, path: str) -> CondaFile:
    """Return the conda file that a requirements.txt stands for: its Python, if a file beside it says one, and itself.

    Without one it is a conda file without python: the newest counts that the rest allows, and the preview says which.
    """
    if not any(row.strip() and not row.lstrip().startswith("#") for row in text.splitlines()):
        raise CondaFileError([Finding(_REQUIREMENTS, f"{path}:1: the file is empty; list the packages")])
    from ...core.foreign_file import foreign_to_pip

    if what := foreign_to_pip(text):
        raise CondaFileError([Finding(_REQUIREMENTS, f"{path}:1: this is no requirements file: {what}")])
    lines = (f"-r {Path(path).name}",)
    try:
        said = _python_beside(Path(path))
    except UserError as error:
        # what is wrong with its lines is told with it, and not after it was mended
        findings = [Finding(_REQUIREMENTS, str(error))]
        _has_right_lines(
            CondaFile(DEFAULT_CHANNELS, (), lines, path=path, pip_lines=(1,)),
            _REQUIREMENTS,
            Path(path).parent,
            findings,
        )
        raise CondaFileError(findings) from error
    specs = (f"python={said}",) if said else ()
    return CondaFile(DEFAULT_CHANNELS, specs, lines, bool(said), path=path, pip_lines=(1,))


def _python_beside(path: Path) -> str:
    """Return the version of Python that a file beside a requirements.txt says; empty without such a file.

    Raises:
        UserError: what it says is no version of CPython.
    """
    for name in (PYTHON_VERSION, RUNTIME):
        beside = path.with_name(name)
        if beside.is_file():
            # pyenv takes several, the first is the one that runs
            rows = decoded(beside.read_bytes(), str(beside)).split()
            said = rows[0] if rows else ""
            if found := _VERSION.fullmatch(said):
                return found["version"]
            # a runtime.txt of another language is none of ours
            if name == PYTHON_VERSION or said.startswith("python"):
                raise UserError(f'"{said}" in {beside} is not a version', f'write one such as "3.11" into {beside}')
    return ""


def _of_explicit(text: str, path: str) -> CondaFile:
    from ...core.explicit import parse_explicit_file  # here, as what reads requirements: most environments have neither

    return parse_explicit_file(text, path)


_READERS: dict[str, Callable[[str, str], CondaFile]] = {
    "conda_file": parse_conda_file,
    "requirements_file": _of_requirements,
    "explicit_file": _of_explicit,
}
