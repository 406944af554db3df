"""Settings that an image inherits from its base, and that were meant for what the base ran: reset, or spoken of."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from .image import Image

# signals that the server ends in order by; 15 and 2 are their numbers on linux (signal(7))
_GENTLE = frozenset({"", "SIGTERM", "TERM", "15", "SIGINT", "INT", "2"})
_HOME = "PYTHONHOME"
_PRELOAD = "LD_PRELOAD"


def without_inherited(image: Image, base: Image, *, python: bool) -> Image:
    """Return an image without the base's settings that would hinder what runs in it now.

    What a step or a Dockerfile says otherwise than the base stays: somebody wanted that.

    Args:
        image: stands on the base.
        base: its settings count.
        python: an environment with a Python of its own is laid over it.
    """
    reset = {name: None for name, _ in _settings(base) if image.settings.get(name) == base.settings.get(name)}
    found = image.with_settings(**reset) if reset else image
    if python and _HOME in base.env() and image.env().get(_HOME) == base.env()[_HOME]:
        variables = [f"{name}={value}" for name, value in found.env().items() if name != _HOME]
        return replace(found, settings={**found.settings, "Env": variables})
    return found


def inherited_lines(base: Image, *, python: bool) -> list[str]:
    """Say what of a base is reset, and what is kept although it may hinder."""
    said = [f"{why}; it is reset, and a step can set another" for _, why in _settings(base)]
    env = base.env()
    # python(1): it moves the standard library, and a Python of another version ends before its first line
    if python and env.get(_HOME):
        said.append(
            f"the base sets {_HOME}={env[_HOME]}, with which the environment's Python cannot start; it is reset"
        )
    # ld.so(8): it is loaded into every program, the environment's too; many set it on purpose (jemalloc, tcmalloc)
    if env.get(_PRELOAD):
        said.append(
            f"the base sets {_PRELOAD}={env[_PRELOAD]}, which is loaded into the environment's programs too; it stays: "
            f'write the step "ENV {_PRELOAD}=" if the service should run without it'
        )
    return said


def _settings(base: Image) -> Iterator[tuple[str, str]]:
    """Give the settings of a base's config that are reset, and why."""
    signal = str(base.settings.get("StopSignal") or "")
    if signal.upper() not in _GENTLE:
        yield "StopSignal", f"the base is stopped by {signal}, by which the server does not end in order"
    probe = (base.settings.get("Healthcheck") or {}).get("Test") or []
    if probe and probe != ["NONE"]:
        yield "Healthcheck", f"the base has a HEALTHCHECK of what it ran itself ({_short(' '.join(map(str, probe)))})"


def _short(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:80]}..."
