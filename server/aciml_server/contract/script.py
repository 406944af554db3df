"""Finds the script, imports it, and calls its ``init()``. Source: azureml-inference-server-http 1.5, written anew."""

from __future__ import annotations

import importlib.util
import os
import sys
import types
from typing import Any, Callable, Optional

from ..settings import Settings
from ..values import ScriptError
from . import aliases

_SHIMS = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "shims")
"""Equivalents of packages that scripts of v1 import; at the end of the path, where they hide no package of the user."""


def load(settings: Settings, entry_script: str) -> types.ModuleType:
    """Import the script, call its ``init()`` if it has one, and return the module.

    Raises:
        ScriptError: there is no such file, or no usable ``init``.
        BaseException: whatever the script or its ``init()`` raises.
    """
    aliases.install()
    if _SHIMS not in sys.path:
        sys.path.append(_SHIMS)
    source = os.path.join(settings.app_root, settings.source_directory)
    # in front, as a script's own folder is when Python starts it; each goes before the one before it
    for folder in (source, settings.app_root):
        if folder not in sys.path:
            sys.path.insert(0, folder)
    module = _import(_find(settings, source, entry_script))
    if hasattr(module, "init"):
        function(module, "init")()
    return module


def function(module: types.ModuleType, name: str) -> Callable[..., Any]:
    """Return a function of the script.

    Raises:
        ScriptError: there is none of that name.
    """
    found: Optional[Callable[..., Any]] = getattr(module, name, None)
    if not callable(found):
        raise ScriptError("%s has no function %s()" % (os.path.basename(str(module.__file__)), name))
    return found


def scored(module: types.ModuleType) -> types.ModuleType:
    """Return the module whose ``run`` counts: old SDKs put a driver before the script, which v1 goes around, too."""
    behind = getattr(module, "driver_module", None)
    return behind if isinstance(behind, types.ModuleType) and hasattr(behind, "run") else module


def _find(settings: Settings, source: str, entry_script: str) -> str:
    """Find the script: v1 gives ``<source directory>/score.py`` below the root; a name in the folder is fine too."""
    tried = [os.path.join(folder, entry_script) for folder in (settings.app_root, source)]
    for path in tried:
        if os.path.isfile(path):
            return os.path.abspath(path)
    raise ScriptError("there is no entry script %s (AZUREML_ENTRY_SCRIPT)" % " or ".join(dict.fromkeys(tried)))


def _import(path: str) -> types.ModuleType:
    name = os.path.splitext(os.path.basename(path))[0]
    if name in sys.modules:  # a script named like a module of Python's own must not replace it
        name = "aciml_entry_script_%d" % len(sys.modules)
    # by its path: a script may lie in a folder that is not on `sys.path`, and its name need be no identifier
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise ScriptError("%s is not a Python file" % path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # pickles and dataclasses look their module up by name
    spec.loader.exec_module(module)
    return module
