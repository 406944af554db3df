"""Files that are given where a conda.yml should be: what they are, and which input takes them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

_REQUIREMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[^\]]*\])?\s*([=<>!~]=|[<>]|;|@|$)|-(r|e|c|i|f|-[a-z])")
_KEY = re.compile(r"""(?m)^["']?([A-Za-z][\w-]*)["']?\s*:(?=\s|$)""")


def what_it_is(text: str) -> str:
    """Return what a text is, and what to do with it; empty if it is not known to be anything else than a conda.yml.

    Args:
        text: content of the file.
    """
    keys = set(_KEY.findall(text))
    return next((said for said, is_one in _KINDS if is_one(text, keys)), "")


def foreign_to_pip(text: str) -> str:
    """Return what a text is that was given for a requirements file; empty if it may be one.

    Args:
        text: content of the file.
    """
    keys = set(_KEY.findall(text))
    if "dependencies" in keys:
        return "it is a conda.yml; give it as conda_file"
    return next((said for said, is_one in _KINDS[:-1] if is_one(text, keys)), "")


def _is_requirements(text: str, keys: set[str]) -> bool:
    rows = [row.strip() for row in text.splitlines() if row.strip() and not row.lstrip().startswith("#")]
    return bool(rows) and not keys and all(_REQUIREMENT.match(row) for row in rows)


def _is_conda_list(text: str, keys: set[str]) -> bool:
    rows = [row.strip() for row in text.splitlines() if row.strip() and not row.lstrip().startswith("#")]
    # with its heading, or by itself if all lines are of this kind and some have a build, which pip has not
    pinned = [row for row in rows if re.fullmatch(r"[A-Za-z0-9_][\w.-]*=\d[\w.!+-]*(=[\w.]+)?", row)]
    headed = "conda create --name <env> --file" in text
    return (
        bool(rows) and not keys and len(pinned) * 2 >= len(rows)
        if headed
        else bool(pinned) and pinned == rows and any(row.count("=") > 1 for row in rows)
    )


def _begins_table(names: Iterable[str]) -> Callable[[str, set[str]], bool]:
    pattern = re.compile(rf"(?m)^\[+\s*(?:{'|'.join(map(re.escape, names))})\b")
    return lambda text, _: pattern.search(text) is not None


_KINDS: tuple[tuple[str, Callable[[str, set[str]], bool]], ...] = (
    ("it is an explicit file; give it as explicit_file", lambda text, _: "@EXPLICIT" in text),
    (
        (
            "it is a lock file of conda-lock; render it (conda-lock render --kind explicit) and give that as"
            " explicit_file, or give the environment file it was made of"
        ),
        lambda _, keys: {"metadata", "package"} <= keys,
    ),
    (
        (
            "it is a list of conda's packages (conda list --export); export a conda.yml (conda env export"
            " --from-history) and give it as conda_file"
        ),
        _is_conda_list,
    ),
    (
        "it is a lock file of rattler or pixi; give it as lock_file, and the environment file as conda_file",
        lambda _, keys: {"environments", "packages"} <= keys,
    ),
    (
        "it is a recipe of conda-build; list what is needed to run in a conda.yml",
        lambda _, keys: {"package", "requirements"} <= keys,
    ),
    (
        "it is a pixi.toml; export it (pixi project export conda-environment)",
        _begins_table(("workspace", "project]\nchannels", "pypi-dependencies")),
    ),
    (
        "it is a pyproject.toml; export its requirements (uv export) and give them as requirements_file",
        _begins_table(("project", "build-system", "tool")),
    ),
    (
        "it is a lock file of Poetry; export its requirements (poetry export) and give them as requirements_file",
        lambda text, _: re.search(r"(?m)^\[\[package\]\]$", text) is not None and "lock-version" in text,
    ),
    (
        "it is a lock file of uv; export its requirements (uv export) and give them as requirements_file",
        _begins_table(("package]]\nname",)),
    ),
    (
        "it is a file of Docker Compose; give the packages of a service as conda_file or requirements_file",
        lambda text, keys: "services" in keys and re.search(r"(?m)^\s+(?:image|build):", text) is not None,
    ),
    (
        "it is a Pipfile; export its requirements (pipenv requirements) and give them as requirements_file",
        _begins_table(("packages", "dev-packages")),
    ),
    ("it is a Dockerfile; give it as dockerfile", lambda text, _: re.search(r"(?m)^FROM \S+", text) is not None),
    (
        "it is a requirements file; give it as requirements_file",
        _is_requirements,
    ),
)
"""In this order: the more special first."""
