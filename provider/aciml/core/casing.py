"""One property, two spellings: Python's and the stack config's ``cpu_cores``, the wire's ``cpuCores``."""

from __future__ import annotations


def camel_case(name: str) -> str:
    """Return the spelling of the wire: ``cpu_cores`` becomes ``cpuCores``."""
    first, *rest = name.split("_")
    return first + "".join(word[:1].upper() + word[1:] for word in rest)


def snake_case(name: str) -> str:
    """Return Python's spelling: ``cpuCores`` becomes ``cpu_cores``."""
    return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name)
