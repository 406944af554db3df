"""An environment's recipe: read from the user's files, judged, and pinned."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.condafile import CondaFile
from ..core.errors import Finding, UserError
from ..core.lint import lint_steps, steps_key
from ..core.steps import Step, parse_steps
from .packages import read_packages
from .server_needs import server_needs

if TYPE_CHECKING:
    from ..docker.context import FileEntry


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

    def steps_key(self, base_digest: str) -> str:
        """Name what the steps make of this base; empty without steps."""
        return steps_key(base_digest, self.steps, self.context_hash) if self.steps else ""


def read_sources(values: Mapping[str, object]) -> Sources:
    """Read the files that the inputs name; all that is wrong is in ``findings``, nothing is raised."""
    findings: list[Finding] = []
    conda, home = read_packages(values, findings)
    steps = _steps(values, findings)
    folder = str(values.get("stepsContext", ""))
    context, digest = _context(folder, steps, findings)
    listed = values.get("lintOff")
    off = [str(name) for name in listed] if isinstance(listed, list) else []
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
    server = server_needs() if conda and values.get("serverRequirements") is not False else ()
    return Sources(conda, steps, context, digest, tuple(findings), home, server)


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


def _context(folder: str, steps: tuple[Step, ...], findings: list[Finding]) -> tuple[tuple[FileEntry, ...], str]:
    if not folder:
        return (), ""
    if not Path(folder).is_dir():
        why = f"{folder} is not a folder; paths are relative to the folder of Pulumi.yaml"
        findings.append(Finding("stepsContext", why))
        return (), ""
    from ..docker.context import context_hash, walk

    try:
        entries = tuple(walk(Path(folder)))
        return entries, context_hash(steps, entries)
    except UserError as error:
        findings.append(Finding("stepsContext", str(error)))
        return (), ""


def _placed(finding: Finding, values: Mapping[str, object]) -> Finding:
    """Put a finding about a step where the user wrote the steps."""
    return Finding("extraStepsFile", finding.why) if values.get("extraStepsFile") else finding
