"""Wheels for CUDA where nobody has said that there is a GPU."""

from __future__ import annotations

from aciml.core.pip_package import PipPackage
from aciml.pip.cuda import cuda_warning


def package(name: str, version: str, size: int) -> PipPackage:
    return PipPackage(name, version, f"{name}-{version}.whl", "0" * 64, size=size)


TORCH = [
    package("torch", "2.5.1", 906_000_000),
    package("torchvision", "0.20.1", 7_000_000),
    package("nvidia-cublas-cu12", "12.4.5.8", 363_000_000),
    package("nvidia-cudnn-cu12", "9.1.0.70", 664_000_000),
    package("triton", "3.1.0", 209_000_000),
    package("numpy", "2.1.0", 16_000_000),
]


def test_the_sum_and_the_lines_for_cpus_are_said() -> None:
    assert cuda_warning(TORCH, {}) == (
        "wheels for CUDA, 2.1 GB (torch, nvidia-cudnn-cu12, nvidia-cublas-cu12 and 1 more), and no GPU is declared; "
        "wheels for CPUs come by these lines of the pip section: "
        '"--extra-index-url https://download.pytorch.org/whl/cpu", "torch==2.5.1+cpu", "torchvision==0.20.1+cpu"; '
        'with a GPU, say so: virtual_packages: {__cuda: "12"}'
    )


def test_wheels_whose_version_says_it_count_too() -> None:
    said = cuda_warning([package("torch", "2.5.1+cu124", 0)], {})

    assert said.startswith("wheels for CUDA, at least 0.0 GB (torch)")
    assert '"torch==2.5.1+cpu"' in said


def test_without_torch_there_is_another_advice() -> None:
    assert "whose name ends with -cpu" in cuda_warning([package("nvidia-nccl-cu12", "2.0", 1)], {})


def test_nothing_is_said_of_wheels_for_cpus_or_to_who_declares_a_gpu() -> None:
    assert not cuda_warning([package("torch", "2.5.1+cpu", 9), package("numpy", "2", 1)], {})
    assert not cuda_warning([package("torch", "2.5.1", 9)], {})
    assert not cuda_warning(TORCH, {"__cuda": "12.4"})
    assert not cuda_warning([], {})
