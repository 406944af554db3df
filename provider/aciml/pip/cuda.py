"""Wheels for NVIDIA's CUDA where nobody has said that there is a GPU: gigabytes that such a machine cannot use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from ..core.pip_package import PipPackage

CPU_INDEX = "https://download.pytorch.org/whl/cpu"
"""Where wheels of PyTorch for CPUs are (PyTorch, "Start Locally")."""

_OF_CUDA = re.compile(r"nvidia-|cuda-|triton$|cupy-cuda|jax-cuda|torch$")
_TORCH = ("torch", "torchvision", "torchaudio")
_NAMED = 3  # packages that are named one by one


def cuda_warning(packages: Sequence[PipPackage], virtual: Iterable[str]) -> str:
    """Return what to say of wheels for CUDA; empty if there are none, or the user says that there is a GPU.

    Args:
        packages: the wheels, with sizes as far as they are known.
        virtual: names of virtual packages that the user gives: ``__cuda`` stands for a GPU.
    """
    runtime = [package for package in packages if re.match("nvidia-", package.name)]
    local = [package for package in packages if "+cu" in package.version]
    if "__cuda" in set(virtual) or not (runtime or local):
        return ""
    useless = [package for package in packages if _OF_CUDA.match(package.name) or package in local]
    useless.sort(key=lambda package: (-package.size, package.name))
    count = sum(package.size for package in useless)
    known = "" if all(package.size for package in useless) else "at least "
    named = ", ".join(package.name for package in useless[:_NAMED])
    more = f" and {len(useless) - _NAMED} more" if len(useless) > _NAMED else ""
    said = f"wheels for CUDA, {known}{count / 1e9:.1f} GB ({named}{more}), and no GPU is declared"
    return f'{said}; {_remedy(packages)}; with a GPU, say so: virtual_packages: {{__cuda: "12"}}'


def _remedy(packages: Sequence[PipPackage]) -> str:
    torch = [one for one in packages if one.name in _TORCH]
    if not torch:
        return "ask for a package without CUDA, such as one whose name ends with -cpu"
    wishes = ", ".join(f'"{one.name}=={one.version.partition("+")[0]}+cpu"' for one in torch)
    return f'wheels for CPUs come by these lines of the pip section: "--extra-index-url {CPU_INDEX}", {wishes}'
