"""``config.json``: the settings that v1 let users put beside their script, and all others as well.

A file of that name that lies there is taken for v1's only as far as v1 documents its keys, in their spelling
(``SCORING_TIMEOUT_MS``): all else is the user's own affair, and so is a file that is no JSON object. In a file that
AZUREML_CONFIG_FILE names a key is the name of a setting, of its variable, or what v1 called it, in any case.
"""

from __future__ import annotations

import json
import os
from typing import Any, Dict, List, Mapping, Optional, Tuple

Texts = Dict[str, Tuple[str, str]]
"""By the names of settings: the key as the file has it, and its value as a variable would have it."""

_OF_V1 = frozenset(
    (
        *("AML_APP_ROOT", "AZUREML_SOURCE_DIRECTORY", "AZUREML_ENTRY_SCRIPT", "AZUREML_MODEL_DIR"),
        *("SERVICE_NAME", "SERVICE_PATH_PREFIX", "SERVICE_VERSION", "SCORING_TIMEOUT_MS", "AZUREML_LOG_LEVEL"),
        *("AML_APP_INSIGHTS_ENABLED", "AML_APP_INSIGHTS_KEY", "APP_INSIGHTS_LOG_RESPONSE_ENABLED"),
        *("AML_CORS_ORIGINS", "AZUREML_DEBUG_PORT"),
    )
)
"""Keys of v1's file that mean something here; ports and numbers of workers were none of them."""
_NOT_HERE = frozenset(
    (
        "worker_timeout",  # a limit of gunicorn's, which ended slow requests before their own limit
        "seperate_health_endpoint",  # sic; there is always one
        *("config_file", "azureml_config_file", "workspace_name", "hostname"),
        *("aml_model_dc_storage_enabled", "aml_mdc_storage_enabled", "model_dc_storage_enabled"),
    )
)
"""Keys of v1 that mean nothing here; nobody has to be warned of them."""


def take(
    env: Mapping[str, str], app_root: str, entry_script: str, known: Mapping[str, str]
) -> Tuple[str, Texts, List[str]]:
    """Return the path of the file, its settings as texts, and warnings of keys that mean nothing.

    Args:
        env: variables.
        app_root: the one that holds if no variable says another.
        entry_script: the same.
        known: the names of settings, by keys in lower case.

    Raises:
        ValueError: there is no such file, or it has no JSON object; of a named one alone.
    """
    named = env.get("AZUREML_CONFIG_FILE")
    if named:
        path = os.path.join(env.get("AML_APP_ROOT") or app_root, named)
        return (path, *read(path, known))
    path = _find(env, app_root, entry_script)
    if not path:
        return "", {}, []
    try:
        found = _load(path)
    except ValueError:
        return "", {}, []  # a script may read a file of this name in any form
    texts: Texts = {}
    for key, value in found.items():
        text = _text(value) if key in _OF_V1 else None
        if text is not None:
            texts[known[key.lower()]] = key, text
    return path, texts, []


def _find(env: Mapping[str, str], app_root: str, entry_script: str) -> str:
    """Return the path of a file that nobody names: in the app root, or beside the script."""
    root = env.get("AML_APP_ROOT") or app_root
    script = os.path.join(root, env.get("AZUREML_ENTRY_SCRIPT") or entry_script)
    # v1's order: the app root wins over the folder of the script
    for folder in (root, os.path.dirname(script)):
        path = os.path.join(folder, "config.json")
        if os.path.isfile(path):
            return path
    return ""


def read(path: str, known: Mapping[str, str]) -> Tuple[Texts, List[str]]:
    """Return settings as texts, by the names of settings, and warnings of keys that mean nothing.

    Args:
        path: of the file.
        known: the names of settings, by keys in lower case.

    Raises:
        ValueError: there is no such file, or it has no JSON object.
    """
    found = _load(path)
    texts: Texts = {}
    warnings = []
    for key, value in found.items():
        name = known.get(key.lower())
        if name:
            text = _text(value)
            if text is not None:
                texts[name] = key, text
        elif key.lower() not in _NOT_HERE:
            warnings.append("%s: %s" % (path, _unknown(key, known)))
    return texts, warnings


def _load(path: str) -> Dict[str, Any]:
    try:
        # editors of Windows begin a file with a byte order mark
        with open(path, encoding="utf-8-sig") as stream:
            found = json.load(stream)
    except OSError as error:
        raise ValueError("the settings in %s cannot be read: %s" % (path, error.strerror)) from None
    # brackets some thousands deep raise the second one
    except (ValueError, RecursionError) as error:
        raise ValueError("%s is no JSON: %s" % (path, error)) from None
    if not isinstance(found, dict):
        raise ValueError('%s must have a JSON object, such as {"SCORING_TIMEOUT_MS": 60000}' % path)  # noqa: TRY004  # of a file
    return found


def _text(value: Any) -> Optional[str]:
    """Write a value of JSON as an environment variable would have it."""
    # an empty text is as if nothing were said, like a variable that is empty
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, list):
        return ",".join(map(str, value))
    return json.dumps(value)


def _unknown(key: str, known: Mapping[str, str]) -> str:
    # only for who made a mistake: each start would pay for it
    import difflib

    close = difflib.get_close_matches(key.lower(), known, 1)
    return "%s is no setting%s" % (ascii(key), '; did you mean "%s"?' % close[0] if close else "")
