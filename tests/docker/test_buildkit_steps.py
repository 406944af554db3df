"""Extra steps that need BuildKit, run by the BuildKit of a real engine: nothing of it may be seen in the image."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from docker.errors import DockerException

from aciml.core.errors import Cancelled, UserError
from aciml.core.lint import lint_steps
from aciml.core.lint_forms import REMOTE_WORDS
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.core.steps import parse_steps
from aciml.docker import stream
from aciml.docker.build import cache_name
from aciml.docker.buildkit import has_buildkit
from aciml.docker.finish import find_built
from aciml.images.tools import Tools
from aciml.registry.pull import pull_image
from aciml.resources.environment import EnvironmentImage
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.docker.conftest import Kitchen
from tests.heard import Heard

pytestmark = [pytest.mark.docker, pytest.mark.registry]


@pytest.fixture(autouse=True)
def _needs_it(kitchen: Kitchen) -> None:
    if not has_buildkit(kitchen.engine):
        pytest.skip("this engine has no BuildKit")


def once() -> str:
    """Return a step that no cache has."""
    return f"ENV RUN_OF_THIS_TEST={uuid.uuid4().hex}"


def test_a_mount_a_mode_and_a_heredoc_leave_what_they_make_and_nothing_else(kitchen: Kitchen, tmp_path: Path) -> None:
    bundle = tmp_path / "ca.pem"
    bundle.write_text("-----BEGIN CERTIFICATE-----\n")
    context = tmp_path / "context"
    (context / "sub").mkdir(parents=True)
    (context / "sub-2").write_text("beside\n")
    (context / "sub/data.txt").write_text("from the context\n" * 5000)
    (context / "link").symlink_to("sub/data.txt")
    heard = Heard()
    lines = [
        once(),
        "RUN --mount=type=cache,target=/cache test -s $SSL_CERT_FILE && echo mounted > /cache/x && cp /cache/x /made",
        "COPY --chmod=750 sub/data.txt /opt/",
        "COPY . /all/",
        'RUN --mount=type=bind,source=sub,target=/in <<EOF\nwc -c < /in/data.txt > /size\necho "$HOME" >> /size\nEOF',
    ]

    image = kitchen.build(lines, context=context, ca_bundle=bundle, progress=heard)

    assert kitchen.run(image, "cat", "/made", "/size") == "mounted\n85000\n/root\n"
    assert kitchen.run(image, "stat", "-c", "%a", "/opt/data.txt") == "750\n"
    # neither our Dockerfile nor an ignore file of ours
    listed = kitchen.run(image, "find", "/all", "-mindepth", "1", "-printf", "%P:%y:%U:%m\n").split()
    wanted = ["link:l:0:777", "sub-2:f:0:644", "sub/data.txt:f:0:644", "sub:d:0:755"]
    assert sorted(listed) == wanted
    assert kitchen.run(image, "sh", "-c", "ls -A /cache /in /run/aciml 2>/dev/null; true") in {"", "/cache:\n\n/in:\n"}
    assert "SSL_CERT_FILE" not in image.env()
    assert b"buildkit" not in image.config() + image.manifest()
    assert (
        image.layers[0]
        in pull_image(kitchen.client, Reference(kitchen.host, kitchen.repository, digest=kitchen.digest)).image.layers
    )
    assert find_built(kitchen.client, kitchen.repository, kitchen.keys[-1]) == image
    assert any(line.startswith("step 2 of 5: RUN --mount=type=cache") for line in heard.lines)
    assert not any("step 0" in line for line in heard.lines)


def test_a_step_that_fails_is_named_with_its_exit_code_and_last_words(kitchen: Kitchen) -> None:
    with pytest.raises(UserError, match=r"^step 3 of 3 failed with exit code 7: RUN --mount=type=cache") as caught:
        kitchen.build([once(), "RUN echo early", "RUN --mount=type=cache,target=/c printf 'last words' && exit 7"])

    assert "\n    last words\n" in str(caught.value)
    assert "early" not in str(caught.value)


def test_what_this_engine_does_not_know_is_told_with_its_step(kitchen: Kitchen) -> None:
    with pytest.raises(UserError, match=r"^step 3 of 3 failed: .*unsupported mount|^step 3 of 3 failed: .*nosuch"):
        kitchen.build([once(), "RUN <<EOF\ntrue\ntrue\nEOF", "RUN --mount=type=nosuch,target=/c true"])


def test_ctrl_c_ends_the_step_in_the_engine(kitchen: Kitchen) -> None:
    word = f"waiting-{uuid.uuid4().hex[:8]}"

    with pytest.raises(Cancelled):
        kitchen.build([once(), f"RUN --mount=type=cache,target=/c echo {word}; sleep 600"], progress=Heard(f": {word}"))


def test_an_environment_with_such_a_step_is_checked_built_and_then_foreseen(kitchen: Kitchen, tmp_path: Path) -> None:
    values = {
        "loginServer": kitchen.host,
        "repository": "env/buildkit",
        "baseImage": f"{kitchen.host}/{kitchen.repository}:1",
        "extraSteps": [once(), "RUN --mount=type=cache,target=/c echo made > /made"],
        "serverRequirements": False,  # this base has no Python
    }
    resource = EnvironmentImage(Tools.of(MemoryTarget(tmp_path / "t.json"), Settings(tmp_path / "one")))
    try:
        checked = resource.check(None, values, Silent())
        assert checked.findings == []

        made = resource.create(checked.inputs, Silent(), preview=False)

        foreseen = resource.create(checked.inputs, Silent(), preview=True)
        assert foreseen.state["image"] == made.state["image"]
        # the target's builder has no BuildKit: said with the step, before anything is sent
        (finding,) = resource.check(None, {**values, "builder": "acr"}, Silent()).findings[:1]
        assert finding.where in {"builder", "extraSteps[1]"}
    finally:
        with contextlib.suppress(DockerException):
            kitchen.engine.images.remove(cache_name("env/buildkit"))
        # the summaries: to look at each image would fail where another process removes one meanwhile
        for found in kitchen.engine.api.images():
            for name in found.get("RepoDigests") or ():
                if name.startswith(f"{kitchen.host}/env/buildkit"):
                    kitchen.engine.images.remove(name)


def test_the_targets_builder_is_told_to_lack_it_with_the_step() -> None:
    steps = parse_steps(["RUN true", "RUN --mount=type=cache,target=/c true"], "steps")

    (found,) = lint_steps(steps, context_files=None, builder=REMOTE_WORDS)

    assert found.where == "extraSteps[1]"
    assert "RUN --mount needs BuildKit, which the target's builder does not have (builder: docker has it)" in found.why


def test_a_base_that_is_cleaned_away_before_the_build_is_brought_again(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def messages(*given: Any, **options: Any) -> Any:
        if "version" not in options["params"]:
            return stream.messages(*given, **options)
        asked.append(options["params"]["t"])
        lost = 'failed to solve: failed to do request: Head "http://x/v2/a/manifests/sha256:a": connection refused'
        return iter([{"error": lost}]) if len(asked) == 1 else stream.messages(*given, **options)

    monkeypatch.setattr("aciml.docker.buildkit.messages", closable(messages))

    image = kitchen.build([once(), "RUN --mount=type=cache,target=/c echo again > /made"])

    assert kitchen.run(image, "cat", "/made") == "again\n"
    assert len(asked) == 2


def closable(messages: Any) -> Any:
    def wrapped(*given: Any, **options: Any) -> Iterator[Any]:
        yield from messages(*given, **options)

    return wrapped
