"""``flask.request``, ``flask.g`` and ``flask.jsonify`` inside ``run``: v1's server was an application of Flask.

Only for scripts that take something of Flask, which then is installed: each call costs the making of a request.
"""

from __future__ import annotations

import sys
from typing import Any, Callable, Optional

from ..values import Call
from .request import AMLRequest

_USED = ("request", "jsonify", "current_app", "g", "make_response", "Response", "abort", "url_for", "send_file")


def around(root: str) -> Optional[Callable[[Call], Any]]:
    """Return what makes a context for a call; None if no module below the folder ``root`` has anything of Flask."""
    flask = sys.modules.get("flask")
    if flask is None or not _is_used(flask, root):
        return None
    app = flask.Flask("aciml")

    def context(call: Call) -> Any:
        return app.request_context(AMLRequest(call).environ)

    return context


def _is_used(flask: Any, root: str) -> bool:
    # by identity: a package that brings Flask along for itself (mlflow does) is no reason
    wanted = {id(flask), *(id(getattr(flask, name, flask)) for name in _USED)}
    for module in list(sys.modules.values()):
        if str(getattr(module, "__file__", None) or "").startswith(root) and not wanted.isdisjoint(
            id(value) for value in list(vars(module).values())
        ):
            return True
    return False
