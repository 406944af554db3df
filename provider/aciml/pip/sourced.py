"""The lines of a pip section as uv gets them: a wheel in the place of each source that they name."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from packaging.utils import parse_wheel_filename

from .from_source import SourceWheels
from .lines import Line, expanded
from .requirement import spaced
from .source import source_of

OF_INDEX = re.compile(
    r"(?P<option>-i|--index-url|--extra-index-url|-f|--find-links|--no-index|--pre)(?:[ =]\s*(?P<value>\S+))?$"
)


def index_options(lines: Sequence[Line], folder: Path) -> tuple[str, ...]:
    """Return the section's indexes as options of ``uv build``: what a build needs comes from there, too."""
    options: list[str] = []
    for found in filter(None, (OF_INDEX.match(spaced(line.text)) for line in lines)):
        name, value = found["option"], os.path.expandvars(found["value"] or "")
        if name in ("-f", "--find-links") and "://" not in value:
            value = str(folder / value)
        if name != "--pre":
            options += [name, value] if value else [name]
    return tuple(options)


def with_wheels(requirements: Sequence[str], lines: Sequence[Line], folder: Path, sources: SourceWheels) -> list[str]:
    """Return the lines for uv, with a wheel in the place of each source; without one, files are named as they are."""
    if not any(source_of(line.text) for line in lines):
        return [spaced(text) for text in requirements]
    # where each line is, by its text: of two equal ones either
    places = {line.text: line.place for line in lines}
    made: list[str] = []
    for line in expanded(requirements, folder):
        source = source_of(line.text)
        if source is None:
            made.append(spaced(line.text))
            continue
        wheel = sources.make(source, places.get(line.text, line.place))
        made.append(source.requirement(wheel.as_uri(), str(parse_wheel_filename(wheel.name)[0])))
    return made
