"""Pin an environment as far as it is known: what depends on an input that is not known yet waits for it, and no more.

What is known decides even if something else is not. Where an unknown word has few values, each is tried: what they
agree on is known.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...core.errors import OutageError, UserError
from ...core.progress import Progress
from ...core.unknown import NOT_KNOWN
from ...model.environment import FILES, Environment, Packages, Pins
from ...model.unknowns import gaps
from ..tools import Tools
from .base import find_base
from .own_python import pin_own
from .packages import dependencies, pin_packages
from .sources import Sources, with_server

OF_BASE = (
    "base_image",
    "base_username",
    "base_password",
    "refresh_base",
    "dockerfile",
    "dockerfile_text",
    "build_context",
    "build_target",
    "build_args",
)
"""Fields of ``Base`` that its pin depends on; of a secret of the build only the id counts, which is in the text."""

_PACKAGES = ("packages", "pip_packages", "lock")
_WAITING = Pins(unsure=frozenset(_PACKAGES))


def pin(tools: Tools, before: Environment, now: Environment, sources: Sources, progress: Progress) -> Environment:
    """Return the environment with its pins and the C library of its base; what waits for an input is ``unsure``.

    Raises:
        UserError: base or packages cannot be had; ``where`` is the property.
        OutageError: a registry, channel or index does not answer.
    """
    now = _with_base(tools, before, now, progress)
    now = now.but(pins=_with_steps(now.pins, sources))
    found = _packages(tools, before, now, sources, progress)
    pins = now.pins.but(
        dependencies=found.dependencies,
        packages=found.packages,
        pip_packages=found.pip_packages,
        lock=found.lock,
        unsure=now.pins.unsure | found.unsure,
    )
    return pin_own(tools, before, now.but(pins=pins), sources, progress)


def _with_base(tools: Tools, before: Environment, now: Environment, progress: Progress) -> Environment:
    base, pins = now.base, now.pins
    try:
        found = find_base(tools, before, now, progress)
        base = base if found.glibc is None else base.but(glibc=found.glibc)
        pins = pins.but(base_digest=found.digest, base_key=found.key, base_images=found.images)
    except OutageError:
        if not now.steps.is_unsure("ca_bundle"):  # with it there may be an answer
            raise
    if any(gaps(now.base, *OF_BASE)) or now.steps.is_unsure("ca_bundle"):
        of_image = bool(now.base.base_image) or now.base.is_unsure("base_image")
        names = ("base_digest",) if of_image else ("base_images", "base_key")
        waiting = {name for name in names if getattr(pins, name) is None}
        pins = pins.but(unsure=pins.unsure | waiting)
        if now.packages.are_wanted and base.glibc is None:
            base = base.but(unsure=base.unsure | {"glibc"})
    return now.but(base=base, pins=pins)


def _with_steps(pins: Pins, sources: Sources) -> Pins:
    if not sources.steps and sources.steps_known:
        return pins.but(steps_key="")
    if sources.steps_known and pins.base:
        return pins.but(steps_key=sources.steps_key(pins.base))
    return pins.but(unsure=pins.unsure | {"steps_key"})


def _packages(tools: Tools, before: Environment, now: Environment, sources: Sources, progress: Progress) -> Pins:
    if now.packages.is_unsure(*FILES):
        return _WAITING.but(unsure=_WAITING.unsure | {"dependencies"})
    if sources.conda is None:
        return Pins()

    def answer(asked: Packages, read: Sources) -> Pins:
        if _waits_for_limits(now.but(packages=asked)):
            return _WAITING.but(dependencies=dependencies(read))
        return pin_packages(tools, before, now.but(packages=asked), read, progress)

    try:
        return _agreed(list(_each_way(now.packages, sources, answer)))
    except OutageError:
        if not now.steps.is_unsure("ca_bundle"):
            raise
        # the bundle may be what an answer needs, so that silence says nothing yet
        return _WAITING.but(dependencies=dependencies(sources))


def _waits_for_limits(now: Environment) -> bool:
    """Tell whether what bounds the packages is not known: the base's C library, a time, the file of a lock."""
    asked, virtual = now.packages, now.packages.virtual_packages or {}
    by_lock = asked.is_unsure("lock_file") and asked.lock_mode != "refresh"
    # a virtual __glibc takes its place, so nobody waits for the base then
    by_glibc = now.base.is_unsure("glibc") and "__glibc" not in virtual
    return (
        asked.is_unsure("exclude_newer", "index_strategy")
        or any(gaps(asked, "virtual_packages"))
        or by_lock
        or by_glibc
    )


def _each_way(asked: Packages, sources: Sources, answer: Callable[[Packages, Sources], Pins]) -> Iterator[Pins]:
    """Give the answers for all that an unknown word may say; with none that can be had, raise what the first one lacks.

    A lock that is frozen answers like ``auto``, or not at all.
    """
    modes = ("auto", "refresh") if asked.is_unsure("lock_mode") else (asked.lock_mode,)
    needs = (True, False) if asked.is_unsure("server_requirements") else (asked.server_requirements,)
    ways = [(mode, wanted) for mode in modes for wanted in needs]
    failed: list[UserError] = []
    for mode, wanted in ways:
        try:
            yield answer(replace(asked, lock_mode=mode), with_server(sources, wanted=wanted))
        except UserError as error:
            failed.append(error)
    if len(failed) == len(ways):
        raise failed[0]
    if failed:
        yield Pins()  # which agrees with none of the others


def _agreed(answers: Sequence[Pins]) -> Pins:
    """Return what several answers have in common, maps entry by entry; where they differ nothing is known."""
    first, *others = answers
    if not others:
        return first
    common = {
        name: _common([NOT_KNOWN if name in one.unsure else getattr(one, name) for one in answers])
        for name in ("dependencies", *_PACKAGES)
    }
    unsure = frozenset(name for name, value in common.items() if value == NOT_KNOWN)
    return Pins(unsure=unsure).but(**{name: value for name, value in common.items() if name not in unsure})


def _common(values: Sequence[Any]) -> Any:
    if all(value == values[0] for value in values):
        return values[0]
    # entry by entry: a preview then still shows the packages that come either way
    if all(isinstance(value, Mapping) for value in values):
        names = {name: None for value in values for name in value}
        return {name: _common([value.get(name) for value in values]) for name in names}
    return NOT_KNOWN
