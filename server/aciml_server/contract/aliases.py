"""Makes the modules that v1 gives to scripts importable, whether they are installed or not.

``azureml.contrib.services.aml_request`` and ``aml_response`` (and the names they have in v1's server) are always ours,
as v1's server puts its own there: Flask's request has no place here. Their parents are the installed packages where
there are any, and so are ``azureml.core`` and
``azureml.monitoring``.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.machinery
import sys
import types
from typing import Any, Optional

_PACKAGES = ("azureml.contrib.services", "azureml_inference_server_http.api")
_MODULES = {
    "%s.aml_%s" % (package, name): "%s.%s" % (__package__, name)
    for package in _PACKAGES
    for name in ("request", "response")
}
_PARENTS = frozenset(
    ".".join(package.split(".")[:depth]) for package in _PACKAGES for depth in range(1, package.count(".") + 2)
)
# v1's scripts find their models by it; only where the real package is not installed, which has much more
_FALLBACKS = {
    **dict.fromkeys(("azureml.core", "azureml.core.model"), "%s.registered" % __package__),
    "azureml.monitoring": "%s.monitoring" % __package__,
}
_NAMES = {
    "registered": ("Model",),
    "monitoring": ("ModelDataCollector",),
    "request": ("AMLRequest", "rawhttp"),
    "response": ("AMLResponse",),
}


Spec = importlib.machinery.ModuleSpec


class _Loader(importlib.abc.Loader):
    def create_module(self, spec: Any) -> None:  # noqa: ARG002  # the usual module
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        target = _MODULES.get(module.__name__) or _FALLBACKS.get(module.__name__)
        if target is not None:
            ours = importlib.import_module(target)
            for name in _NAMES[target.rpartition(".")[2]]:
                setattr(module, name, getattr(ours, name))


class _Modules(importlib.abc.MetaPathFinder):
    """Asked before the others."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Optional[Spec]:  # noqa: ARG002
        # these are ours even if v1's package is installed: its
        # request is Flask's, and there is no Flask behind this server
        return importlib.machinery.ModuleSpec(name, _Loader()) if name in _MODULES else None


class _Parents(importlib.abc.MetaPathFinder):
    """Asked after the others."""

    def find_spec(self, name: str, path: Any, target: Any = None) -> Optional[Spec]:  # noqa: ARG002
        known = name in _PARENTS or name in _FALLBACKS
        return importlib.machinery.ModuleSpec(name, _Loader(), is_package=True) if known else None


def install() -> None:
    """Begin to answer imports of these modules."""
    # each script of a service calls this, and one finder is enough
    if not any(isinstance(finder, _Modules) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Modules())
        # last: where azureml is installed, its own packages are found before, with all that is in them
        sys.meta_path.append(_Parents())
