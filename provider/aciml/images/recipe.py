"""An environment's recipe: read from the user's files, judged, and pinned."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.condafile import CondaFile
from ..core.context import uses_context
from ..core.errors import Finding, UserError
from ..core.lint import lint_steps, steps_key
from ..core.steps import Step, parse_steps
from .packages import read_packages
from .server_needs import server_needs

if TYPE_CHECKING:
    from ..docker.context import FileEntry

_ABOUT_CONTEXT = ("copy-missing", "copy-leaves", "copy-context")


@dataclass(frozen=True)
class Sources:
    """What the user wrote: the parsed conda.yml and steps, with the files the steps may copy.

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
    steps_known: bool = True
    """Whether all steps are known, and the folder that they copy from."""

    def steps_key(self, base_digest: str) -> str:
        """Name what the steps make of this base; empty without steps."""
        return steps_key(base_digest, self.steps, self.context_hash) if self.steps else ""


def read_sources(values: Mapping[str, object], unknown: Collection[str] = ()) -> Sources:
    """Read the files that the inputs name; all that is wrong is in ``findings``, nothing is raised.

    Args:
        values: inputs; a text in a list or map that is not known yet is ``NOT_KNOWN``.
        unknown: names of inputs that are given, and not known yet.
    """
    findings: list[Finding] = []
    conda, home = read_packages(values, findings)
    steps = _steps(values, findings)
    folder = str(values.get("stepsContext", ""))
    steps_known = all(step.is_known for step in steps) and "extraStepsFile" not in unknown
    context, digest = _context(folder, steps, findings, hashed=steps_known)
    listed = values.get("lintOff")
    off = [str(name) for name in listed] if isinstance(listed, list) else []
    if "stepsContext" in unknown:  # which files are in it is not known
        off = [*off, *_ABOUT_CONTEXT]
        steps_known = steps_known and not uses_context(steps)
    if steps:
        names = frozenset(entry.path for entry in context) if folder else None
        judged = lint_steps(
            steps,
            context_files=names,
            context_folder=folder or "the context folder",
            base=str(values.get("baseImage") or ""),
            off=off,
        )
        findings += [_placed(finding, values) for finding in judged]
    read = Sources(conda, steps, context, digest, tuple(findings), home, (), steps_known)
    return with_server(read, wanted=values.get("serverRequirements") is not False)


def with_server(sources: Sources, *, wanted: bool) -> Sources:
    """Return the same with what the scoring server needs, or without."""
    return replace(sources, server=server_needs() if sources.conda and wanted else ())


def _steps(values: Mapping[str, object], findings: list[Finding]) -> tuple[Step, ...]:
    path, listed = str(values.get("extraStepsFile", "")), values.get("extraSteps")
    if path and listed:
        findings.append(Finding("extraStepsFile", "give extraSteps or extraStepsFile, not both"))
    try:
        if path:
            return parse_steps(Path(path).read_text(encoding="utf-8"), path)
        return parse_steps([str(line) for line in listed], "extraSteps") if isinstance(listed, list) else ()
    except FileNotFoundError:
        findings.append(
            Finding("extraStepsFile", f"{path} does not exist; paths are relative to the folder of Pulumi.yaml")
        )
    except (OSError, UnicodeDecodeError) as error:
        findings.append(Finding("extraStepsFile", f"{path} cannot be read: {error}"))
    except UserError as error:
        findings.append(Finding("extraStepsFile" if path else "extraSteps", str(error)))
    return ()


def _context(
    folder: str, steps: tuple[Step, ...], findings: list[Finding], *, hashed: bool
) -> tuple[tuple[FileEntry, ...], str]:
    if not folder:
        return (), ""
    if not Path(folder).is_dir():
        why = f"{folder} is not a folder; paths are relative to the folder of Pulumi.yaml"
        findings.append(Finding("stepsContext", why))
        return (), ""
    from ..docker.context import context_hash, walk

    try:
        entries = tuple(walk(Path(folder)))
        return entries, context_hash(steps, entries) if hashed else ""
    except UserError as error:
        findings.append(Finding("stepsContext", str(error)))
        return (), ""


def _placed(finding: Finding, values: Mapping[str, object]) -> Finding:
    """Put a finding about a step where the user wrote the steps."""
    return Finding("extraStepsFile", finding.why) if values.get("extraStepsFile") else finding
