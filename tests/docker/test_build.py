"""Real builds on a real engine, pushed to a real registry."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aciml.core.errors import Cancelled, OutageError, UserError
from aciml.core.image import Layer
from aciml.core.reference import Reference
from aciml.docker.build import cache_name, find_built, local_name
from aciml.docker.stream import messages
from aciml.docker.transcript import Transcript
from aciml.images.build.push import with_those_of_engine
from aciml.registry.pull import pull_image
from aciml.registry.push import Pushed
from tests.docker.conftest import Kitchen
from tests.heard import Heard

pytestmark = [pytest.mark.docker, pytest.mark.registry]


def test_steps_run_in_order_on_top_of_the_base_and_the_image_says_nothing_of_the_builder(kitchen: Kitchen) -> None:
    assert find_built(kitchen.client, kitchen.repository, "0" * 64) is None
    listener = Heard()
    lines = ["RUN echo one > /order", "RUN <<EOF\necho two >> /order\necho working hard\nEOF"]
    # a heredoc, which the classic builder does not know, may be quoted
    lines += ['RUN cat <<"END" > /said && cat /order >> /said', "costs $5", "END"]
    image = kitchen.build([*lines, "ENV GREETING=hello", "WORKDIR /work", "LABEL team=ml"], progress=listener)

    assert kitchen.run(image, "cat", "/order", "/said") == "one\ntwo\ncosts $5\none\ntwo\n"
    assert image.env()["GREETING"] == "hello"
    assert image.settings["WorkingDir"] == "/work"
    assert image.settings["Labels"] == {"team": "ml"}
    # live lines name the step and its last output
    assert "step 1 of 6: RUN echo one > /order" in listener.lines
    assert any(line.startswith("step 2 of 6: RUN <<EOF") and line.endswith(": working hard") for line in listener.lines)
    # the image says nothing of the builder
    assert b"working hard" not in image.config()
    below = pull_image(kitchen.client, Reference(kitchen.host, kitchen.repository, digest=kitchen.digest)).image
    own = {"created": below.created, "created_by": f"aciml: build {kitchen.keys[-1][:12]}"}
    assert image.history == (*below.history, *[own] * (len(image.layers) - len(below.layers)))
    assert b"container_config" not in image.config()
    assert set(image.settings) <= {"Cmd", "Env", "WorkingDir", "Entrypoint", "Labels"}
    # it is found by its key, and the raw one is gone
    assert find_built(kitchen.client, kitchen.repository, kitchen.keys[-1]) == image
    assert not [tag for tag in kitchen.client.tags(kitchen.repository) if tag.startswith("raw-")]


def test_copied_files_keep_their_executable_bit_and_nothing_else_of_this_machine(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    (tmp_path / "etc" / "deep").mkdir(parents=True)
    (tmp_path / "etc" / "deep" / "my.cnf").write_text("cache=on\n")
    (tmp_path / "etc" / "deep" / "my.cnf").chmod(0o600)
    (tmp_path / "tool.sh").write_text("#!/bin/sh\ncat /a /b/deep/my.cnf /c/my.cnf\n")
    (tmp_path / "tool.sh").chmod(0o700)
    (tmp_path / "link").symlink_to("tool.sh")
    # what a link leads to is sent to the builder
    (tmp_path / "file").symlink_to("etc/deep/my.cnf")
    (tmp_path / "linked").symlink_to("etc")

    image = kitchen.build(
        ["COPY etc /opt/etc", "COPY tool.sh link /opt/", "COPY file /a", "COPY linked /b", "COPY linked/deep /c/"],
        context=tmp_path,
    )

    words = "stat -c '%a %u %g %Y %n' /opt/etc/deep/my.cnf /opt/etc/deep /opt/tool.sh"
    assert kitchen.run(image, "sh", "-c", f"/opt/tool.sh && {words}").splitlines() == [
        *["cache=on"] * 3,
        "644 0 0 946684800 /opt/etc/deep/my.cnf",
        "755 0 0 946684800 /opt/etc/deep",
        "755 0 0 946684800 /opt/tool.sh",
    ]


def test_a_failing_step_is_named_with_its_line_exit_code_and_last_words(kitchen: Kitchen) -> None:
    with pytest.raises(UserError) as caught:
        kitchen.build(["RUN true", "ENV A=1", "RUN echo last words && ls /no-such-folder && exit 7"])

    message = str(caught.value)
    assert message.startswith("step 3 of 3 failed with exit code 2: RUN echo last words")
    assert "    last words\n" in message
    assert "/no-such-folder" in message


def test_a_failing_step_keeps_its_number_when_a_bundle_adds_instructions(kitchen: Kitchen, bundle: Path) -> None:
    with pytest.raises(UserError, match="step 2 of 2 failed with exit code 9: RUN exit 9"):
        kitchen.build(["ENV A=1", "RUN exit 9"], ca_bundle=bundle)


def test_an_unknown_base_is_a_clear_error(kitchen: Kitchen) -> None:
    with pytest.raises(UserError, match="Docker finds no base image"):
        kitchen.build(["RUN true"], base=f"{kitchen.host}/{kitchen.repository}@sha256:{'0' * 64}")


def test_ctrl_c_in_a_silent_step_ends_its_container_and_the_next_build_works(
    kitchen: Kitchen, containers: Callable[[str], list[str]]
) -> None:
    with pytest.raises(Cancelled):
        kitchen.build(["RUN echo begun && sleep 3600"], progress=Heard(": begun"))

    assert containers("sleep 3600") == []
    assert kitchen.build(["ENV AGAIN=1"]).env()["AGAIN"] == "1"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    path = tmp_path / "bundle.pem"
    path.write_text("-----BEGIN CERTIFICATE-----\nof nobody\n-----END CERTIFICATE-----\n")
    return path


def test_steps_trust_the_bundle_and_the_image_has_no_trace_of_it(kitchen: Kitchen, bundle: Path) -> None:
    image = kitchen.build(
        [
            'RUN grep -q "of nobody" "$SSL_CERT_FILE" && echo "$PIP_CERT" > /seen',
            "RUN apt-config dump | grep CAInfo >> /seen",
            "RUN touch /run/mine /etc/apt/apt.conf.d/mine",
        ],
        ca_bundle=bundle,
    )

    seen = kitchen.run(
        image, "sh", "-c", "cat /seen; ls -d /run/mine /run/aciml /etc/apt/apt.conf.d/*aciml*; env; true"
    )
    assert seen.splitlines()[:3] == ["/run/aciml/ca.pem", 'Acquire::https::CAInfo "/run/aciml/ca.pem";', "/run/mine"]
    assert "/run/aciml" not in "".join(seen.splitlines()[2:])
    assert b"run/aciml" not in image.config()


def test_with_and_without_a_bundle_the_layers_of_the_base_are_the_bases_own(kitchen: Kitchen, bundle: Path) -> None:
    plain = kitchen.build(["ENV C=3"])
    trusting = kitchen.build(["ENV C=3"], ca_bundle=bundle)

    assert plain == trusting
    assert kitchen.client.manifest(kitchen.repository, kitchen.digest)


@pytest.mark.parametrize("trusting", [False, True])
def test_ctrl_c_in_the_push_runs_no_step_again(
    kitchen: Kitchen, bundle: Path, monkeypatch: pytest.MonkeyPatch, *, trusting: bool
) -> None:
    steps = [f"RUN head -c 16 /dev/urandom > /random{trusting}", "ENV A=1"]
    heard = list[str]()
    hear = Transcript.hear

    def listen(self: Transcript, said: Any) -> Any:
        heard.append(str(said))
        return hear(self, said)

    monkeypatch.setattr(Transcript, "hear", listen)
    with pytest.raises(Cancelled):
        kitchen.build(steps, ca_bundle=bundle if trusting else None, progress=Heard("pushing the steps"))
    assert any("Running in" in line for line in heard)
    heard.clear()

    kitchen.build(steps, ca_bundle=bundle if trusting else None)

    assert [line for line in heard if "Running in" in line] == []


def test_a_second_build_of_the_same_steps_runs_none_again_and_only_layers_that_were_sent_are_told(
    kitchen: Kitchen,
) -> None:
    first, more = list[Layer](), list[Layer]()
    one = kitchen.build(["RUN head -c 900000 /dev/urandom > /a"], sent=first)
    two = kitchen.build(["RUN head -c 900000 /dev/urandom > /a", "RUN head -c 16 /dev/urandom > /b"], sent=more)

    assert two.layers[: len(one.layers)] == one.layers  # of random bytes
    assert first == [one.layers[-1]]
    assert first[0].size > 800_000
    assert more == [two.layers[-1]]
    pushed = with_those_of_engine(Pushed("sha256:1", 1, 100, 0, 3), [*first, *first])
    assert (pushed.uploaded, pushed.uploaded_bytes, pushed.present) == (2, 100 + first[0].size, 2)


def test_a_build_whose_cached_image_somebody_removed_meanwhile_is_run_again(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []

    def losing(*args: Any, **options: Any) -> Any:
        calls.append(options["params"]["t"])
        if len(calls) == 1:  # what the engine said when two runs had the same step and one of them was done
            lost = "failed to export image: failed to set parent sha256:bd0c: unknown parent image ID sha256:bd0c"
            return iter([{"stream": "Step 2/3 : RUN echo again > /file\n"}, {"error": lost}])
        return messages(*args, **options)

    monkeypatch.setattr("aciml.docker.build.messages", closable(losing))
    image = kitchen.build(["RUN echo again > /file", "ENV MORE=1"])

    assert image.env()["MORE"] == "1"
    assert len(calls) == 2


@pytest.mark.parametrize(
    "why",
    [
        "failed to export image: No such image: sha256:bd0c",
        'unable to find image "sha256:bd0c"',
        "failed to get digest sha256:bd0c: open /docker/imagedb/content/sha256/bd0c: no such file or directory",
    ],
)
def test_images_that_are_removed_again_and_again_are_an_outage_and_no_fault_of_the_step(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    lost = [{"error": why}]
    monkeypatch.setattr("aciml.docker.build.messages", closable(lambda *_, **__: iter(lost)))

    with pytest.raises(OutageError, match="somebody removes images of Docker while the steps run"):
        kitchen.build(["RUN echo never > /file"])


def closable(source: Callable[..., Any]) -> Callable[..., Any]:
    """Make a generator of what a function gives, as ``messages`` is one."""

    def given(*args: Any, **options: Any) -> Any:
        yield from source(*args, **options)

    return given


def test_what_another_run_has_named_is_not_removed_with_the_cache_of_an_older_build(kitchen: Kitchen) -> None:
    kitchen.build(["ENV SHARED=1"])
    cached = kitchen.engine.images.get(cache_name(kitchen.repository))
    with local_name(kitchen.engine, "aciml-steps:another-run") as name:
        cached.tag(*name.split(":"))
        kitchen.build(["ENV NEWER=1"])

        assert kitchen.engine.images.get(name).id == cached.id
