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
from tests.registry.images import Listener

pytestmark = [pytest.mark.docker, pytest.mark.registry]


def test_steps_run_in_order_on_top_of_the_base_and_keep_their_settings(kitchen: Kitchen) -> None:
    image = kitchen.build(
        ["RUN echo one > /order", "RUN echo two >> /order", "ENV GREETING=hello", "WORKDIR /work", "LABEL team=ml"]
    )

    assert kitchen.run(image, "cat", "/order") == "one\ntwo\n"
    assert image.env()["GREETING"] == "hello"
    assert image.settings["WorkingDir"] == "/work"
    assert image.settings["Labels"] == {"team": "ml"}


def test_the_image_says_nothing_of_the_builder(kitchen: Kitchen) -> None:
    image = kitchen.build(["RUN echo secret-free > /file"])

    assert b"secret-free" not in image.config()
    below = pull_image(kitchen.client, Reference(kitchen.host, kitchen.repository, digest=kitchen.digest)).image
    own = {"created": below.created, "created_by": f"aciml: build {kitchen.keys[-1][:12]}"}
    assert image.history == (*below.history, own)
    assert b"container_config" not in image.config()
    assert set(image.settings) <= {"Cmd", "Env", "WorkingDir", "Entrypoint"}


def test_what_was_built_is_found_by_its_key_and_the_raw_image_is_gone(kitchen: Kitchen) -> None:
    assert find_built(kitchen.client, kitchen.repository, "0" * 64) is None
    image = kitchen.build(["RUN echo found > /file"])

    assert find_built(kitchen.client, kitchen.repository, kitchen.keys[-1]) == image
    assert not [tag for tag in kitchen.client.tags(kitchen.repository) if tag.startswith("raw-")]


def test_copied_files_keep_their_executable_bit_and_nothing_else_of_this_machine(
    kitchen: Kitchen, tmp_path: Path
) -> None:
    (tmp_path / "etc" / "deep").mkdir(parents=True)
    (tmp_path / "etc" / "deep" / "my.cnf").write_text("cache=on\n")
    (tmp_path / "etc" / "deep" / "my.cnf").chmod(0o600)
    (tmp_path / "tool.sh").write_text("#!/bin/sh\necho works\n")
    (tmp_path / "tool.sh").chmod(0o700)
    (tmp_path / "link").symlink_to("tool.sh")

    image = kitchen.build(["COPY etc /opt/etc", "COPY tool.sh link /opt/"], context=tmp_path)

    assert kitchen.run(image, "/opt/tool.sh") == "works\n"
    listed = kitchen.run(image, "stat", "-c", "%a %u %g %Y %n", "/opt/etc/deep/my.cnf", "/opt/etc/deep", "/opt/tool.sh")
    assert listed.splitlines() == [
        "644 0 0 946684800 /opt/etc/deep/my.cnf",
        "755 0 0 946684800 /opt/etc/deep",
        "755 0 0 946684800 /opt/tool.sh",
    ]


def test_what_a_copied_link_leads_to_is_sent_to_the_builder(kitchen: Kitchen, tmp_path: Path) -> None:
    (tmp_path / "etc" / "deep").mkdir(parents=True)
    (tmp_path / "etc" / "deep" / "my.cnf").write_text("cache=on\n")
    (tmp_path / "link").symlink_to("etc/deep/my.cnf")
    (tmp_path / "linked").symlink_to("etc")

    image = kitchen.build(["COPY link /a", "COPY linked /b", "COPY linked/deep /c/"], context=tmp_path)

    assert kitchen.run(image, "cat", "/a", "/b/deep/my.cnf", "/c/my.cnf") == "cache=on\n" * 3


def test_heredocs_work_though_the_classic_builder_does_not_know_them(kitchen: Kitchen) -> None:
    image = kitchen.build(
        ["RUN <<EOF\necho one > /a\necho two > /b\nEOF", 'RUN cat <<"END" > /c && cat /a >> /c', "costs $5", "END"]
    )

    assert kitchen.run(image, "cat", "/a", "/b", "/c") == "one\ntwo\ncosts $5\none\n"


def test_a_failing_step_is_named_with_its_line_exit_code_and_last_words(kitchen: Kitchen) -> None:
    with pytest.raises(UserError) as caught:
        kitchen.build(["RUN true", "ENV A=1", "RUN echo last words && ls /no-such-folder && exit 7"])

    message = str(caught.value)
    assert message.startswith("step 3 of 3 failed with exit code 2: RUN echo last words")
    assert "    last words\n" in message
    assert "/no-such-folder" in message


def test_a_failing_step_keeps_its_number_when_a_bundle_adds_instructions(kitchen: Kitchen, bundle: Path) -> None:
    with pytest.raises(UserError, match="step 2 of 2 failed with exit code 9: RUN exit 9"):
        kitchen.build(["RUN true", "RUN exit 9"], ca_bundle=bundle)


def test_live_lines_name_the_step_and_its_last_output(kitchen: Kitchen) -> None:
    listener = Listener()
    kitchen.build(["ENV B=2", "RUN echo working hard"], progress=listener)

    assert "step 2 of 2: RUN echo working hard: working hard" in listener.lines


def test_an_unknown_base_is_a_clear_error(kitchen: Kitchen) -> None:
    with pytest.raises(UserError, match="Docker finds no base image"):
        kitchen.build(["RUN true"], base=f"{kitchen.host}/{kitchen.repository}@sha256:{'0' * 64}")


def test_ctrl_c_in_a_silent_step_ends_its_container_and_the_next_build_works(
    kitchen: Kitchen, containers: Callable[[str], list[str]]
) -> None:
    with pytest.raises(Cancelled):
        kitchen.build(["RUN echo begun && sleep 3600"], progress=Listener(stop_at=": begun"))

    assert containers("sleep 3600") == []
    assert kitchen.run(kitchen.build(["RUN echo again > /file"]), "cat", "/file") == "again\n"


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


def test_a_second_build_of_the_same_steps_runs_none_of_them_again(kitchen: Kitchen) -> None:
    first = kitchen.build(["RUN head -c 16 /dev/urandom > /random"])
    second = kitchen.build(["RUN head -c 16 /dev/urandom > /random", "RUN true"])

    assert second.layers[: len(first.layers)] == first.layers


@pytest.mark.parametrize("trusting", [False, True])
def test_ctrl_c_in_the_push_runs_no_step_again(
    kitchen: Kitchen, bundle: Path, monkeypatch: pytest.MonkeyPatch, *, trusting: bool
) -> None:
    steps = [f"RUN head -c 16 /dev/urandom > /random{trusting}", "RUN head -c 16 /dev/urandom > /second"]
    heard = list[str]()
    hear = Transcript.hear

    def listen(self: Transcript, said: Any) -> Any:
        heard.append(str(said))
        return hear(self, said)

    monkeypatch.setattr(Transcript, "hear", listen)
    with pytest.raises(Cancelled):
        kitchen.build(steps, ca_bundle=bundle if trusting else None, progress=Listener("pushing the steps"))
    assert any("Running in" in line for line in heard)
    heard.clear()

    kitchen.build(steps, ca_bundle=bundle if trusting else None)

    assert [line for line in heard if "Running in" in line] == []


def test_layers_that_the_engine_sent_are_told_and_those_that_were_there_are_not(kitchen: Kitchen) -> None:
    first, more = list[Layer](), list[Layer]()
    one = kitchen.build(["RUN head -c 900000 /dev/urandom > /a"], sent=first)
    two = kitchen.build(["RUN head -c 900000 /dev/urandom > /a", "RUN head -c 16 /dev/urandom > /b"], sent=more)

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
    image = kitchen.build(["RUN echo again > /file", "RUN echo more >> /file"])

    assert kitchen.run(image, "cat", "/file") == "again\nmore\n"
    assert len(calls) == 2


def test_images_that_are_removed_again_and_again_are_an_outage_and_no_fault_of_the_step(
    kitchen: Kitchen, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = [{"error": "failed to export image: No such image: sha256:bd0c"}]
    monkeypatch.setattr("aciml.docker.build.messages", closable(lambda *_, **__: iter(lost)))

    with pytest.raises(OutageError, match="somebody removes images of Docker while the steps run"):
        kitchen.build(["RUN echo never > /file"])


def closable(source: Callable[..., Any]) -> Callable[..., Any]:
    """Make a generator of what a function gives, as ``messages`` is one."""

    def given(*args: Any, **options: Any) -> Any:
        yield from source(*args, **options)

    return given


def test_what_another_run_has_named_is_not_removed_with_the_cache_of_an_older_build(kitchen: Kitchen) -> None:
    kitchen.build(["RUN echo shared > /file"])
    cached = kitchen.engine.images.get(cache_name(kitchen.repository))
    with local_name(kitchen.engine, "aciml-steps:another-run") as name:
        cached.tag(*name.split(":"))
        kitchen.build(["RUN echo newer > /file"])

        assert kitchen.engine.images.get(name).id == cached.id
