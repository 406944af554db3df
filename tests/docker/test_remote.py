"""Steps run by a builder elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aciml.core.builder import BuilderRefused
from aciml.core.errors import Cancelled, UserError
from aciml.core.image import Image
from aciml.core.lint import steps_key
from aciml.core.progress import Progress, Silent
from aciml.core.steps import parse_steps
from aciml.docker.context import context_hash, walk
from aciml.docker.finish import find_built
from aciml.docker.remote import build_remotely
from tests.docker.conftest import Kitchen
from tests.docker.elsewhere import Elsewhere
from tests.heard import Heard

pytestmark = [pytest.mark.docker, pytest.mark.registry]


class Errand:
    """Sends steps to the builder, for the repository of the kitchen."""

    def __init__(self, kitchen: Kitchen) -> None:
        self.kitchen, self.builder = kitchen, Elsewhere(kitchen.engine)
        self.keys: list[str] = []

    def build(
        self,
        lines: list[str],
        *,
        context: Path | None = None,
        ca_bundle: Path | None = None,
        progress: Progress | None = None,
    ) -> Image:
        steps = parse_steps(lines, "steps")
        entries = walk(context) if context else []
        self.keys.append(steps_key(f"{self.kitchen.digest}-{id(steps)}", steps, context_hash(steps, entries)))
        return build_remotely(
            self.builder,
            base=f"{self.kitchen.host}/{self.kitchen.repository}@{self.kitchen.digest}",
            steps=steps,
            context=entries,
            ca_bundle=ca_bundle,
            client=self.kitchen.client,
            repository=f"{self.kitchen.host}/{self.kitchen.repository}",
            key=self.keys[-1],
            progress=progress or Silent(),
        )

    def passing_tags(self) -> list[str]:
        return [tag for tag in self.kitchen.client.tags(self.kitchen.repository) if tag.startswith(("raw-", "trust-"))]


@pytest.fixture
def errand(kitchen: Kitchen) -> Iterator[Errand]:
    made = Errand(kitchen)
    yield made
    assert made.passing_tags() == []


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\nof nobody\n-----END CERTIFICATE-----\n")
    return path


def test_the_image_is_found_by_its_key_and_is_that_of_the_docker_path(errand: Errand) -> None:
    lines = ["ENV GREETING=hello", "WORKDIR /work", "LABEL team=ml", 'CMD ["serve"]']

    image = errand.build(lines)

    assert find_built(errand.kitchen.client, errand.kitchen.repository, errand.keys[-1]) == image
    assert image.settings == errand.kitchen.build(lines).settings
    assert not any("LABEL" in str(entry) for entry in image.history)


def test_steps_trust_the_bundle_and_the_image_has_no_trace_of_it(errand: Errand, bundle: Path) -> None:
    image = errand.build(
        ['RUN grep -q "of nobody" "$SSL_CERT_FILE" && echo "$PIP_CERT" > /seen', "RUN touch /run/mine"],
        ca_bundle=bundle,
    )

    seen = errand.kitchen.run(image, "sh", "-c", "cat /seen; ls -d /run/mine /run/aciml; env; true")
    assert seen.splitlines()[:2] == ["/run/aciml/ca.pem", "/run/mine"]
    assert "/run/aciml" not in "".join(seen.splitlines()[1:])
    assert b"run/aciml" not in image.config()
    assert image.layers[:-2] == errand.build(["ENV A=1"]).layers


def test_copying_all_of_the_context_takes_nothing_of_ours_along(errand: Errand, bundle: Path, tmp_path: Path) -> None:
    folder = tmp_path / "context"
    folder.mkdir()
    (folder / "mine.txt").write_text("mine")

    image = errand.build(["COPY . /there"], context=folder, ca_bundle=bundle)

    assert errand.kitchen.run(image, "ls", "-A", "/there").split() == ["mine.txt"]


def test_a_failing_step_is_named_with_its_exit_code_and_last_words(errand: Errand, bundle: Path) -> None:
    with pytest.raises(UserError) as caught:
        errand.build(["ENV A=1", "RUN echo last words && exit 7"], ca_bundle=bundle)

    message = str(caught.value)
    assert message.startswith("step 2 of 2 failed with exit code 7: RUN echo last words && exit 7\n    last words\n")
    assert "Container failed" not in message


def test_words_like_those_of_a_failure_do_not_end_a_build_that_goes_on(errand: Errand) -> None:
    image = errand.build(['RUN echo "it returned a non-zero code: 1"', "ENV ON=1"])

    assert image.env()["ON"] == "1"


def test_live_lines_name_the_step_and_its_last_output(errand: Errand) -> None:
    listener = Heard()

    errand.build(["ENV B=2", "RUN echo working hard"], progress=listener)

    assert "2026/11/21 07:00:00 Launching container with name: build" in listener.lines
    assert "step 2 of 2: RUN echo working hard: working hard" in listener.lines


def test_a_failure_that_no_line_explains_says_which_step_ran(errand: Errand) -> None:
    class OutOfTime(Elsewhere):
        def build(self, *_: object, hear: Callable[[str], None], **__: object) -> None:
            for line in ("Step 1/3 : FROM base", "Step 2/3 : RUN true", "Step 3/3 : RUN sleep 9999"):
                hear(line)
            raise UserError("ACR run ca1 was stopped after 300 s", "allow more")

    errand.builder = OutOfTime(errand.kitchen.engine)
    with pytest.raises(UserError, match="step 2 of 2: RUN sleep 9999: ACR run ca1 was stopped after 300 s; allow more"):
        errand.build(["RUN true", "RUN sleep 9999"])


def test_a_refusal_leaves_nothing_behind(errand: Errand, bundle: Path) -> None:
    errand.builder.refusal = "not for you"

    with pytest.raises(BuilderRefused, match="not for you"):
        errand.build(["RUN true"], ca_bundle=bundle)


def test_ctrl_c_leaves_nothing_behind(errand: Errand, bundle: Path) -> None:
    with pytest.raises(Cancelled):
        errand.build(["RUN echo begun && sleep 3600"], ca_bundle=bundle, progress=Heard(": begun"))
