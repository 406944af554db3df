"""``aciml report`` as a user has it: a program, a registry, a page on the disk, and one message for what is wrong."""

from __future__ import annotations

import io
import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aciml.core.compose import with_inputs
from aciml.core.image import OCI_MANIFEST, Image, Layer, sha256_digest
from aciml.registry.client import RegistryClient
from tests.program import aciml
from tests.simulators.registry import RegistrySimulator

STATE = (Path(__file__).parent / "states/two_services.json").read_text()
Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def registry() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as running:
        yield running


@pytest.fixture(scope="module")
def images(registry: RegistrySimulator) -> dict[str, Image]:
    """Two images of one repository; the second has one layer more."""
    layers = [Layer(sha256_digest(text.encode()), sha256_digest(text.encode()), len(text)) for text in ("one", "more")]
    told = {layers[0].digest: "conda numpy 1.26.4", layers[1].digest: "conda pandas 2"}
    made = {}
    with RegistryClient(registry.host) as client:
        for tag, some in (("first", layers[:1]), ("second", layers)):
            image = with_inputs(Image().append(*some, told=told), {"baseImage": "debian:12"})
            for blob in (b"one", b"more", image.config()):
                client.upload_blob("team/x", sha256_digest(blob), len(blob), lambda blob=blob: io.BytesIO(blob))  # type: ignore[misc]
            client.put_manifest("team/x", tag, image.manifest(), OCI_MANIFEST)
            made[tag] = image
    return made


@pytest.fixture
def run(tmp_path: Path) -> Run:
    def run_it(*words: str, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess[str]:
        own = {"ACIML_CACHE": str(tmp_path / "cache"), "PATH": path}
        return aciml("report", *words, folder=tmp_path, environ={**os.environ, **own})

    return run_it


def test_a_page_is_written_and_says_where(
    run: Run, registry: RegistrySimulator, images: dict[str, Image], tmp_path: Path
) -> None:
    done = run(f"{registry.host}/team/x:second", "--against", ":first", "--output", "page.html")

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "written to page.html"
    assert "1 difference, 4 bytes new, 3 bytes shared" in done.stdout
    page = (tmp_path / "page.html").read_text()
    assert "pandas" in page
    assert (tmp_path / "page.html").stat().st_mode & 0o777 == 0o644
    assert [path.name for path in tmp_path.iterdir() if path.name != "cache"] == ["page.html"]


def test_without_a_name_the_page_is_named_after_the_image(
    run: Run, registry: RegistrySimulator, images: dict[str, Image], tmp_path: Path
) -> None:
    assert run(f"{registry.host}/team/x:first").returncode == 0

    assert (tmp_path / f"x-{images['first'].tag}.html").is_file()


def test_json_has_the_facts_and_writes_no_page(
    run: Run, registry: RegistrySimulator, images: dict[str, Image], tmp_path: Path
) -> None:
    done = run(f"{registry.host}/team/x:second", "--json", "--against", f"{registry.host}/team/x:first")

    facts = json.loads(done.stdout)
    assert facts["digest"] == images["second"].digest
    assert [one["name"] for one in facts["against"]["changes"]] == ["pandas"]
    assert [one["packages"][0]["name"] for one in facts["layers"]] == ["numpy", "pandas"]
    assert not list(tmp_path.glob("*.html"))


def test_of_a_stack_the_image_that_its_state_says(
    run: Run, registry: RegistrySimulator, images: dict[str, Image], tmp_path: Path
) -> None:
    state = json.loads(STATE)
    for one in state["deployment"]["resources"]:
        for values in (one.get("inputs", {}), one.get("outputs", {})):
            if one["type"] == "aciml:compute:ContainerGroup" and "image" in values:
                named = "first" if "diabetes" in one["urn"] else "second"
                values["image"] = f"{registry.host}/team/x:{named}@{images[named].digest}"
    (tmp_path / "Pulumi.yaml").write_text("name: x\nruntime: yaml\n")
    (tmp_path / "state.json").write_text(json.dumps(state))
    pulumi = tmp_path / "bin" / "pulumi"
    pulumi.parent.mkdir()
    pulumi.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat {tmp_path}/state.json\n')
    pulumi.chmod(0o755)
    path = f"{pulumi.parent}:{os.environ['PATH']}"

    done = run("--stack", "local", "iris", "--json", path=path)
    assert json.loads(done.stdout)["digest"] == images["second"].digest
    assert json.loads(run("diabetes", "--json", path=path).stdout)["digest"] == images["first"].digest
    assert "--stack local" in (tmp_path / "asked").read_text().splitlines()[0]
    both = run(path=path)
    assert (both.returncode, both.stderr) == (
        1,
        "aciml: stack local has 2 services: diabetes, iris; name one of them\n",
    )
    none = run("--stack", "local", "irs", path=path)
    assert none.stderr == 'aciml: stack local has no service "irs"; did you mean "iris"?\n'


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ((), 1, "there is no Pulumi.yaml"),
        (("HOST/team/x:none",), 1, "has no image team/x:none"),
        (("HOST/Team/X",), 1, "is not a repository name"),
        (("HOST/team/x:second", "--against", ":none"), 1, "has no image team/x:none"),
        (("HOST/team/x:second", "--against", "@sha256:12"), 1, "is not a digest"),
        (("127.0.0.1:1/team/x:second",), 1, "127.0.0.1:1"),
        (("HOST/team/x:second", "--output", "no/such/page.html"), 1, "no/such/page.html cannot be written"),
        (("HOST/team/x:second", "--output", "."), 2, "is a directory"),
        (("HOST/team/x:second", "--agianst", "x"), 2, "No such option"),
    ],
)
def test_what_is_wrong_is_one_message(
    run: Run,
    registry: RegistrySimulator,
    images: dict[str, Image],
    tmp_path: Path,
    words: tuple[str, ...],
    code: int,
    said: str,
) -> None:
    done = run(*(word.replace("HOST", registry.host) for word in words))

    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("*.html"))


def test_an_error_is_json_where_json_is_asked_for(run: Run, registry: RegistrySimulator) -> None:
    done = run(f"{registry.host}/team/y:1", "--json")

    assert done.returncode == 1
    assert "has no image team/y:1" in json.loads(done.stdout)["error"]["message"]
