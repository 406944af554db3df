"""One table says which package brings a module; whoever else says it agrees."""

from __future__ import annotations

import re

import pytest

from aciml.core.module_names import PACKAGES, conda_package


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("PIL", "pillow"),
        ("bs4", "beautifulsoup4"),
        ("cv2", "opencv"),
        ("dateutil", "python-dateutil"),
        ("psycopg2", "psycopg2"),
        ("sklearn", "scikit-learn"),
        ("torch", "pytorch"),
        ("lightgbm", "lightgbm"),
        ("unheard_of", "unheard_of"),
    ],
)
def test_a_conda_file_calls_it_by_its_name_in_the_channel(module: str, package: str) -> None:
    assert conda_package(module) == package


def test_the_server_names_the_packages_that_lint_names() -> None:
    """It imports nothing of the provider, so it has a table of its own: of what its users meet most."""
    from aciml_server.remedies import _PACKAGES

    for module, told in _PACKAGES.items():
        top = module.partition(".")[0]
        named = {word for word in re.sub(r"\(.*?\)", "", told).split() if word != "or"}
        assert named <= {*PACKAGES[top], conda_package(top)}, module
