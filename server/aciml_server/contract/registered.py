"""``Model.get_model_path`` of ``azureml.core.model``, which scripts of v1 find their models with.

Source: azureml-core 1.61, Model.get_model_path: ``azureml-models/<name>/<version>/`` with one entry, then ``./<name>``.
"""

from __future__ import annotations

import os
from typing import Any, List, Optional


class Model:
    """The one function of v1's class that works without a workspace."""

    @staticmethod
    def get_model_path(
        model_name: str,
        version: Optional[int] = None,
        _workspace: Any = None,
    ) -> str:
        """Return where a model's file or folder is.

        Args:
            model_name: as it was registered, or as the service names it.
            version: the newest that is there without it.

        Raises:
            FileNotFoundError: there is no such model; the message names those that are there.
        """
        root = os.path.join(os.environ.get("AML_APP_ROOT") or "/var/azureml-app", "azureml-models")
        folder = os.path.join(root, model_name)
        chosen = str(version) if version is not None else _newest(folder)
        entries = _names(os.path.join(folder, chosen)) if chosen else []
        if len(entries) == 1:
            return os.path.join(folder, chosen, entries[0])
        if entries:
            raise FileNotFoundError("model %s has %d files and no folder for them" % (model_name, len(entries)))
        # on a developer's machine one folder has the models as they are, without names and versions
        places = ["", os.environ.get("AZUREML_MODEL_DIR", "")] if version is None else []
        for place in places:
            for entry in _names(place or "."):
                if model_name in (entry, os.path.splitext(entry)[0]):
                    return os.path.join(place, entry)
        what = model_name if version is None else "%s in version %s" % (model_name, version)
        there = ", ".join(_names(root)) or "none"
        raise FileNotFoundError("there is no model %s in this image; models of the service are: %s" % (what, there))


def _newest(folder: str) -> str:
    # versions are numbers in v1; here they may be any word, and words come before numbers
    versions = sorted(_names(folder), key=lambda one: (one.isdigit(), int(one) if one.isdigit() else 0, one))
    return versions[-1] if versions else ""


def _names(folder: str) -> List[str]:
    return sorted(os.listdir(folder)) if os.path.isdir(folder) else []
