"""What all ways to call ``run`` have in common."""

from __future__ import annotations

from typing import Any, Callable, Dict, Optional, Tuple, Union

from ..answers import to_json
from ..values import Answer, Call

Arguments = Tuple[Tuple[Any, ...], Dict[str, Any]]


class Mode:
    """Turns calls into arguments of ``run``. ``write`` is how results become JSON; ``schemas`` are for the front."""

    name = ""
    needs_headers = False
    schemas: Optional[Dict[str, Any]] = None
    run: Callable[..., Any]
    write: Callable[[Any], bytes] = staticmethod(to_json)

    def arguments(self, call: Call) -> Union[Answer, Arguments]:
        """Return positional and named arguments, or the answer if there can be none."""
        raise NotImplementedError

    def excuse(self, error: BaseException) -> Optional[Answer]:  # noqa: ARG002  # most modes have none
        """Return the answer if it was the client's data that made ``run`` fail before the script's own code began."""
        return None
