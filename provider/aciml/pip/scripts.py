"""Scripts of wheels: those that are written for entry points, and the first line of those that they bring."""

from __future__ import annotations

import re
from configparser import Error as ConfigError

from ..core.layer import PREFIX
from .member import WheelError

INTERPRETER = f"{PREFIX}/bin/python"
"""What scripts are run by: the environment's Python, whoever starts them."""

# word by word what uv writes, so that an image differs in nothing from what "uv pip install" makes
_TEMPLATE = """\
#!{interpreter}
# -*- coding: utf-8 -*-
import sys
from {module} import {name}
if __name__ == "__main__":
    if sys.argv[0].endswith("-script.pyw"):
        sys.argv[0] = sys.argv[0][:-11]
    elif sys.argv[0].endswith(".exe"):
        sys.argv[0] = sys.argv[0][:-4]
    sys.exit({call}())
"""
_PLACEHOLDER = b"#!python"  # "Binary distribution format": such a first line is to be rewritten, pythonw's too
_VERSIONED_PIP = re.compile(r"pip3\.\d+")
_NAME = re.compile(r"[^/\\\0]+")


def entry_point_scripts(text: str, python: str) -> dict[str, bytes]:
    """Return the scripts that ``entry_points.txt`` asks for, by their names.

    Args:
        text: of the file ("Entry points specification").
        python: name of the image's Python, such as ``python3.11``: pip's own scripts are named by its version.

    Raises:
        WheelError: a name would lead out of the folder of scripts, or a line is not an entry point.
    """
    from installer.utils import parse_entrypoints

    found = {}
    try:
        points = list(parse_entrypoints(text))
    except (AssertionError, ConfigError) as error:
        raise WheelError("its entry_points.txt has a line that names no function of a module") from error
    for name, module, attribute, _ in points:
        if not _NAME.fullmatch(name) or name in (".", ".."):
            raise WheelError(f"its entry point {name!r} has a name that is not one of a file")
        script = _TEMPLATE.format(
            interpreter=INTERPRETER, module=module, name=attribute.partition(".")[0], call=attribute
        )
        found[name] = script.encode()
    # pip names a script by the Python that it is for, not by the one that its wheel was made with (pip and uv do so)
    found = {name: script for name, script in found.items() if not _VERSIONED_PIP.fullmatch(name)}
    version = re.match(r"python(\d+\.\d+)", python)
    return found | ({f"pip{version[1]}": found["pip3"]} if version and "pip3" in found else {})


def is_python_script(beginning: bytes) -> bool:
    """Tell by its first bytes whether a script asks for the interpreter that is there."""
    return beginning.startswith(_PLACEHOLDER)


def with_interpreter(script: bytes) -> bytes:
    """Return the script with the image's interpreter in its first line, whose arguments go."""
    _, newline, rest = script.partition(b"\n")
    return b"#!" + INTERPRETER.encode() + newline + rest
