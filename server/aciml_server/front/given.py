"""Variables that come in a file: who starts a container may keep keys out of its configuration, which many can see.

An orchestrator mounts such a file in memory, for the service's user alone (Docker: "Manage sensitive data with Docker
secrets"). What is in it counts as if it were in the environment; a variable that is in both is the file's.
"""

from __future__ import annotations

import json
from typing import Any, MutableMapping

NAME = "ACIML_VARIABLES_FILE"


def take(env: MutableMapping[str, str]) -> None:
    """Put the file's variables into the environment, and take out the one that names the file.

    Raises:
        ValueError: the file cannot be read, or is no JSON object of texts; a service that should have keys does not
            start without.
    """
    # taken out, so that workers do not read it again: they must not get the keys, which the front keeps to itself
    path = env.pop(NAME, "")
    if path:
        env.update(read(path))


def read(path: str) -> "dict[str, str]":
    """Return what a file says: a JSON object, text by the name of a variable."""
    try:
        with open(path, encoding="utf-8") as stream:
            found: Any = json.load(stream)
    except OSError as error:
        raise ValueError("the variables in %s cannot be read: %s" % (path, error.strerror)) from None
    except ValueError:  # not with its own words, which quote what is in the file
        raise ValueError("%s is no JSON" % path) from None
    if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
        raise ValueError('%s must be like {"NAME": "text", ...}' % path)
    return found
