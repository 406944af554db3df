"""The examples that are whole programs: each copied out of the checkout, trained, brought up and asked.

They share a cache, so that Python, numpy and the server's wheels are packed once. The one without a network gets a
cache of its own, and a proxy that nobody listens on.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from uv import find_uv_bin

from bootstrap.pulumi_languages import ensure_yaml_host
from tests.e2e.kept_state import kept_outputs
from tests.e2e.project import LONG, PACKAGES, PASSPHRASE, ROOT, environ_of, path_with
from tests.e2e.python import quick_python
from tests.simulators.vault import URL

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.docker,
    pytest.mark.skipif(shutil.which("pulumi") is None, reason="the Pulumi CLI is not here"),
]

EXAMPLES = ROOT / "examples"
JSON = "application/json"
WINE = [13.2, 1.78, 2.14, 11.2, 100, 2.65, 2.76, 0.26, 1.28, 4.38, 1.05, 3.4, 1050]


@dataclass
class Example:
    """A copy of an example under a name that no other stack has, and the environment of its commands."""

    folder: Path
    name: str
    environ: dict[str, str]
    training: Path
    """A link to the folder, the same for all examples."""
    outputs: dict[str, Any] = field(default_factory=dict)

    def run(self, *command: str, **more: str) -> str:
        """Return what a program says; it has to succeed."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={**self.environ, **more},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=LONG,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}"
        return done.stdout

    def train(self) -> None:
        """Train as the README says: the script brings what it needs.

        uv keeps what a script needs by the script's path: by one path all examples have one set of packages, in which
        Python finds its own of scikit-learn compiled.
        """
        self.training.unlink(missing_ok=True)
        self.training.symlink_to(self.folder)
        self.run(find_uv_bin(), "run", "--quiet", "--script", str(self.training / "train.py"))

    def up(self, **more: str) -> None:
        """Bring it up, and read what the program exports."""
        self.run("pulumi", "stack", "init", "local", "--secrets-provider", URL)
        self.run("pulumi", "up", "--yes", "--skip-preview", "--non-interactive", **more)
        (state,) = (self.folder.parent / "state").rglob("stacks/*/local.json")
        self.outputs = kept_outputs(state, PASSPHRASE)

    def ask(self, body: bytes | object, path: str = "", content_type: str = JSON) -> tuple[int, Any]:
        """POST to the service; return status and answer, as JSON where it is."""
        headers = {"Content-Type": content_type}
        headers |= {"Authorization": f"Bearer {key}"} if (key := self.outputs.get("primary_key")) else {}
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        request = urllib.request.Request(self.outputs["scoring_uri"] + path, data, headers)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.loads(answer.read())
        except urllib.error.HTTPError as error:
            said = error.read().decode()
            return error.code, json.loads(said) if error.headers.get_content_type() == JSON else said

    def asked_as_on_its_page(self) -> Any:
        """Run the curl of the README, and return its answer."""
        found = re.search(r"^    (curl (?:.*\\\n)*.*)$", (self.folder / "README.md").read_text(), re.MULTILINE)
        assert found
        # without what curl says of its progress
        return json.loads(self.run("sh", "-c", found[1].replace("curl ", "curl -sS ", 1)))

    def promised(self) -> Any:
        """Return the answer that the README shows."""
        found = re.search(r"(?:answer is|as in)[^`]*`(\{.*?\})`", (self.folder / "README.md").read_text())
        assert found
        return json.loads(found[1])

    def clean(self) -> None:
        """Remove what the stack has in the engine: that `destroy` does so is seen where a stack's whole life is."""
        for kind, remove in (
            ("container", ["rm", "-f", "-v"]),
            ("volume", ["volume", "rm"]),
            ("network", ["network", "rm"]),
        ):
            label = f"label=io.aciml.project={self.name}"
            listed = ["docker", kind, "ls", *(["-a"] if kind == "container" else []), "-q", "-f", label]
            if found := subprocess.run(listed, capture_output=True, text=True, check=False).stdout.split():
                subprocess.run(["docker", *remove, *found], capture_output=True, check=False)


@pytest.fixture
def example(
    request: pytest.FixtureRequest,
    tools: None,
    packed: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Example]:
    kind = str(request.param)
    name = f"{kind.partition('-')[0]}{uuid.uuid4().hex[:8]}"
    folder, state = tmp_path / kind, tmp_path / "state"
    kept = shutil.ignore_patterns("models", "mirror", "*.lock", "sample.png", "__pycache__")
    shutil.copytree(EXAMPLES / kind, folder, ignore=kept)
    for path in folder.glob("Pulumi*.yaml"):  # the project's name is in the names of all that is made
        path.write_text(
            re.sub(rf"(?m)^name: {kind}$|\b{kind}(?=:)", lambda one: one[0].replace(kind, name), path.read_text())
        )
    state.mkdir()
    places = path_with(quick_python(PACKAGES))
    if kind == "yaml-program":
        places += f"{os.pathsep}{ensure_yaml_host()}"
    training = tmp_path_factory.getbasetemp() / "training"
    made = Example(folder, name, environ_of(places, state, packed), training)
    try:
        yield made
    finally:
        made.clean()


@pytest.mark.parametrize("example", ["image-classifier"], indirect=True)
def test_a_picture_becomes_a_digit(example: Example) -> None:
    example.train()
    example.up()

    answer = example.asked_as_on_its_page()
    assert answer["digit"] == example.promised()["digit"]
    assert answer["probability"] == pytest.approx(example.promised()["probability"], abs=0.2)
    assert example.ask(b"GIF?", content_type="image/gif") == (415, "this is no picture")


@pytest.mark.parametrize("example", ["two-models"], indirect=True)
def test_two_models_answer_at_their_paths(example: Example) -> None:
    example.train()
    example.up()

    assert example.asked_as_on_its_page() == example.promised()
    assert example.ask([WINE], "/wine") == (200, {"classes": ["grower 1"]})
    assert example.ask([[1]], "/wine") == (400, {"error": "give rows of 13 numbers"})


@pytest.mark.parametrize("example", ["slim"], indirect=True)
def test_a_slim_image_is_small_and_answers(example: Example) -> None:
    example.train()
    example.up()

    answer = example.asked_as_on_its_page()
    assert answer["predictions"] == pytest.approx(example.promised()["predictions"], abs=1)
    assert example.ask({"data": [[1]]}) == (400, {"error": "send rows of 10 numbers as data"})
    facts = json.loads(example.run("aciml", "report", "--stack", "local", "--json"))
    assert facts["size"] < 40_000_000
    steps = [layer["size"] for layer in facts["layers"] if layer["kind"] in ("base", "steps")]
    assert sum(steps) < 5_000_000
    assert {build["what"] for build in facts["builds"]} == {"environment", "service"}


@pytest.mark.parametrize("example", ["yaml-program"], indirect=True)
def test_a_program_of_yaml_asks_for_a_key(example: Example) -> None:
    example.train()
    example.up()

    assert example.asked_as_on_its_page()["price"] == pytest.approx(example.promised()["price"], rel=0.001)
    example.outputs.pop("primary_key")
    assert example.ask({"rooms": 3, "area": 70})[0] == 401


@pytest.mark.parametrize("example", ["air-gapped"], indirect=True)
def test_without_a_network_the_mirror_is_enough(example: Example, tmp_path: Path) -> None:
    example.train()
    example.run("aciml", "lock", "--stack", "local")
    example.run(sys.executable, "collect.py")
    inside: Mapping[str, str] = {
        "ACIML_MIRRORS": str(example.folder / "mirror/mirrors.toml"),
        "ACIML_CACHE": str(tmp_path / "cold"),
        **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9"),  # discard: nobody listens
        "no_proxy": "127.0.0.1,localhost",
    }

    assert "0 of them fetched now" in example.run(sys.executable, "collect.py", **inside)
    example.up(**inside)

    assert example.asked_as_on_its_page() == example.promised()


@pytest.mark.parametrize("example", ["text-language"], indirect=True)
def test_a_text_is_told_its_language(example: Example) -> None:
    example.train()
    example.up()

    assert example.asked_as_on_its_page() == example.promised()
    texts = ["Guten Morgen, wie geht es Ihnen heute?", "Where is the nearest railway station?", "Gdzie jest pociąg?"]
    assert example.ask({"texts": texts}) == (200, {"languages": ["de", "en", "pl"]})
    assert example.ask({"text": "?"}) == (400, {"error": 'send {"texts": ["...", ...]}'})
