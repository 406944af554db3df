"""What an environment brings for a script to import: pinned a moment ago, or told by its image."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aciml.conda.facts import PATHS
from aciml.core.imports import Brought
from aciml.core.progress import Silent
from aciml.images.plan.brought import brought_by
from aciml.model.environment import Environment, Packages, Pins, Steps
from aciml.pip.facts import WHEEL_PATHS
from aciml.properties import UNKNOWN
from aciml.resources.service import ServiceImage
from tests.heard import Heard
from tests.images.conftest import Machine, conda_file
from tests.images.plan.catalogs import Remembered

SHA = "a" * 64
CONDA = f"conda-forge/linux-64/numpy-1.26.4-py311_0.conda#sha256:{SHA}"
WHEEL = f"pip/tabulate-0.9.0-py3-none-any.whl#sha256:{'b' * 64}"
PINS = Pins(
    packages={"python": "3.11.9 h_0", "numpy": "1.26.4 py311_0"},
    pip_packages={"tabulate": "0.9.0"},
    lock=(CONDA, WHEEL),
)


def environment(pins: Pins = PINS, **more: object) -> Environment:
    return Environment(login_server="x", repository="y", pins=pins, **more)  # type: ignore[arg-type]


def test_names_of_packages_are_known_and_modules_where_their_files_are() -> None:
    catalog = Remembered()
    found = brought_by(catalog, environment())
    assert found == Brought(frozenset({"python", "numpy", "tabulate"}), frozenset(), False, (3, 11))

    library = "lib/python3.11/site-packages"
    catalog.put_fact(PATHS, SHA, json.dumps([f"{library}/numpy/__init__.py", "bin/f2py"]))
    catalog.put_fact(WHEEL_PATHS, f"{'b' * 64}@{library}", json.dumps({f"{library}/tabulate/__init__.py": ""}))
    found = brought_by(catalog, environment())
    assert (found.modules, found.whole) == (frozenset({"numpy", "tabulate"}), True)


def test_of_an_images_own_python_only_its_version_is_known() -> None:
    own = Pins(python={"path": "/usr/bin/python3", "version": "3.12", "libc": "2.36"}, dependencies={"server": []})
    assert brought_by(Remembered(), environment(own)) == Brought(python=(3, 12), known=False)


def test_a_folder_that_a_step_names_may_have_anything() -> None:
    steps = Steps(extra_steps=("RUN pip install --target /opt/built x", "ENV PYTHONPATH=/opt/built"))
    assert not brought_by(Remembered(), environment(steps=steps)).known
    assert brought_by(Remembered(), environment(steps=Steps(extra_steps=("RUN true",)))).known


def test_what_needs_not_be_there_does_not_end_it() -> None:
    assert brought_by(Remembered(), environment(Pins(), packages=Packages())) == Brought(known=False)


def test_a_service_is_warned_before_its_environments_image_is_known_and_after(
    new_machine: Callable[..., Machine], tmp_path: Path
) -> None:
    machine = new_machine("one")
    (tmp_path / "src").mkdir()
    (tmp_path / "src/score.py").write_text("import json\nimport sklearn\nimport cgi\n\ndef run(data): return data\n")
    service = ServiceImage(machine.shop)

    def warned(image: Any) -> list[str]:
        heard = Heard()
        given = {
            "loginServer": machine.registry.host,
            "repository": "azureml/svc",
            "environmentImage": image,
            "sourceDirectory": str(tmp_path / "src"),
            "entryScript": "score.py",
        }
        assert not service.check(None, given, heard).findings
        return [line.partition("score.py:")[2].partition(",")[0] for line in heard.warnings]

    assert warned(UNKNOWN) == []  # nothing is known of any environment
    inputs = machine.inputs(conda_file(tmp_path / "a", "python", "noarchy"))
    told = ["2: sklearn is imported"]
    assert warned(UNKNOWN) == told
    state = machine.up(inputs)
    again = new_machine("two")
    service = ServiceImage(again.shop)
    assert warned(state["image"]) == told  # by what the image says of itself


def test_a_script_is_judged_by_the_python_that_was_pinned(new_machine: Callable[..., Machine], tmp_path: Path) -> None:
    machine = new_machine("one")
    machine.inputs(conda_file(tmp_path / "a", "python", "noarchy"))
    (tmp_path / "src").mkdir()
    (tmp_path / "src/score.py").write_text("def run(data):\n    return data +\n")
    given = {"loginServer": "x", "repository": "y", "environmentImage": UNKNOWN, "entryScript": "score.py"}
    found = ServiceImage(machine.shop).check(None, {**given, "sourceDirectory": str(tmp_path / "src")}, Silent())
    (finding,) = found.findings
    assert finding.where == "entryScript"
    assert "score.py:2: invalid syntax" in finding.why
