"""What a user may choose of an environment's layers: judged in ``check``, handed to the recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from ..blobs.compress import compression_of
from ..core.errors import Finding, UserError
from .environment import Recipe


def judge_choices(values: Mapping[str, object]) -> list[Finding]:
    """Return what is wrong with ``compression``."""
    findings: list[Finding] = []
    try:
        compression_of(str(values.get("compression", "")))
    except UserError as error:
        findings.append(Finding("compression", str(error)))
    return findings


def with_choices(recipe: Recipe, values: Mapping[str, object]) -> Recipe:
    """Return the recipe with what the user chose."""
    return replace(recipe, compression=str(values.get("compression", "")))
