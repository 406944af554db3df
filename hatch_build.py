"""What the build adds to the wheel: ``pulumi-plugin.json``, which needs the version that is written once, elsewhere."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class PluginFile(BuildHookInterface):  # type: ignore[type-arg]
    """Says to Pulumi which plugin the package needs.

    The language host looks beside the distribution's name (``aciml``), the SDK's analyzer of components beside the
    module of a type (``pulumi_aciml``).
    """

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002  # the target's, not ours
        """Add the file to both packages."""
        self._folder = tempfile.TemporaryDirectory()
        facts = {"resource": True, "name": "aciml", "version": self.metadata.version}
        for package in ("aciml", "pulumi_aciml"):
            path = Path(self._folder.name) / package
            path.write_text(json.dumps(facts) + "\n", encoding="utf-8")
            build_data["force_include"][str(path)] = f"{package}/pulumi-plugin.json"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:  # noqa: ARG002
        """Remove what was written."""
        self._folder.cleanup()
