"""In whose words a resource is spoken of: those of the component that declared it, in its user's spelling."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from .core.errors import Finding
from .enginelog import EngineLog
from .secrecy import Secrecy

_SUFFIXES = ("-registry", "-image", "-group")
"""What components add to their names for their children."""


class Speech:
    """Messages about resources.

    A resource that a program declared by itself has the plugin's words. A component's child has the component's
    (``server.limits.scoring_timeout_ms``), in Python's spelling unless the program is in another language.
    """

    def __init__(self, program: Path | None = None) -> None:
        """Know of no component that the plugin made.

        Args:
            program: folder of the program. In another language than Python no component can be made but by the plugin,
                though by another process of it if the component's children have a provider of their own.
        """
        self._made_here: set[tuple[str, str]] = set()
        self._program = program

    @functools.cached_property
    def _is_python(self) -> bool:
        return self._program is None or is_python_program(self._program)

    def remember(self, token: str, name: str) -> None:
        """Know that the plugin itself makes this component, so that its user's program is not Python."""
        self._made_here.add((token, name))

    def finding(self, urn: str, finding: Finding) -> Finding:
        """Return a finding with path and message in the user's words.

        The path of a component's argument goes into the message: the engine writes the value that the resource has at
        a finding's path, and there it has none.
        """
        from pulumi_aciml.args.places import place
        from pulumi_aciml.args.reading import Problem

        if (found := self._speaker(urn)) is None:
            return finding
        cls, spelling = found
        return Finding("", str(Problem(place(cls, finding.where, spelling), self.text(urn, finding.why))))

    def text(self, urn: str, text: str) -> str:
        """Return a message in the user's words."""
        from pulumi_aciml.args.places import in_words

        found = self._speaker(urn)
        return text if found is None else in_words(found[0], text, found[1])

    def _speaker(self, urn: str) -> tuple[type[Any], Any] | None:
        """Return the class of arguments that the user wrote, and the spelling."""
        from pulumi_aciml.args.places import CAMEL, SNAKE

        from .construct import COMPONENTS

        parts = urn.split("::")
        kinds = parts[2].split("$") if len(parts) > 3 else []
        if len(kinds) < 2 or kinds[-2] not in COMPONENTS:
            return None
        names = [parts[3].removesuffix(suffix) for suffix in _SUFFIXES if parts[3].endswith(suffix)]
        here = any((kinds[-2], name) in self._made_here for name in names)
        return COMPONENTS[kinds[-2]][1], CAMEL if here or not self._is_python else SNAKE


class SpokenLog(EngineLog):
    """The engine's log, with each line in the words of who declared the resource that it is about, and no secret."""

    def __init__(self, log: EngineLog, speech: Speech, secrecy: Secrecy) -> None:
        """Speak to ``log``."""
        super().__init__("")
        self.cancelled = log.cancelled
        self._log, self._speech, self._secrecy = log, speech, secrecy

    def send(self, urn: str, severity: int, text: str, *, ephemeral: bool = False) -> None:
        """Send one line."""
        self._log.send(urn, severity, self._secrecy.text(self._speech.text(urn, text)), ephemeral=ephemeral)


def is_python_program(folder: Path) -> bool:
    """Tell whether the project that a folder belongs to is written in Python; True if no project says otherwise.

    The engine starts its plugins in the folder of the program, which is that of Pulumi.yaml or lies below it.
    """
    for one in (folder, *folder.parents):
        for path in (one / name for name in ("Pulumi.yaml", "Pulumi.yml", "Pulumi.json")):
            if path.is_file():
                return _runtime_of(path) == "python"
    return True


def _runtime_of(path: Path) -> str:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        runtime = YAML(typ="safe").load(path)["runtime"]
        return str(runtime["name"] if isinstance(runtime, dict) else runtime)
    except (YAMLError, OSError, KeyError, TypeError):
        return "python"  # the engine has read it, so this is no project file of its own kind
