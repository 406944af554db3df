"""An image is asked for its predictions: it runs on Docker as long as that takes, and nothing of it is left."""

from __future__ import annotations

from pathlib import Path

import pytest

from aciml.cli import main
from tests.contract.worlds import LocalWorld

pytestmark = pytest.mark.docker
REQUESTS = "requests:\n- {name: health, path: /}\n- {name: nowhere, path: /none}\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    # outside of any project: an image alone is asked, with no stack's variables
    monkeypatch.chdir(tmp_path)
    (tmp_path / "requests.yaml").write_text(REQUESTS)
    return tmp_path


def left(local: LocalWorld, image: str) -> list[str]:
    """Containers of this session's image: others may ask theirs at the same time."""
    found = local.client.containers.list(all=True, filters={"label": f"aciml.image={image}"}, ignore_removed=True)
    return [name for one in found if (name := str(one.name)).startswith("aciml-golden-")]


def test_an_image_is_recorded_and_compared_and_goes(
    local: LocalWorld, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serves, other = local.image("serves"), local.image("serves-too")

    assert main(["golden", "record", serves, "--requests", "requests.yaml", "-o", "golden.yaml"]) == 0
    assert main(["golden", "check", "golden.yaml", serves]) == 0
    capsys.readouterr()
    assert main(["golden", "check", "golden.yaml", other]) == 1

    told = capsys.readouterr().out
    assert told.startswith(f"{other}: 1 of 2 answers differ from golden.yaml; worst first:\n")
    assert '"one\\n"  "two\\n"' in told
    assert left(local, serves) + left(local, other) == []
    text = (folder / "golden.yaml").read_text()
    assert f'"image": "{serves}"' in text
    assert "status: 404" in text


def test_an_image_that_does_not_serve_says_why_and_goes(
    local: LocalWorld, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = local.image("exits")

    code = main(["golden", "record", image, "--requests", "requests.yaml"])

    assert code == 1
    assert f"{image} does not serve" in capsys.readouterr().err
    assert left(local, image) == []
    assert not (folder / "golden.yaml").exists()
