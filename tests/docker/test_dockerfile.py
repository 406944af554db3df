"""What the engine gets to read, and how its words are told."""

from __future__ import annotations

import pytest

from aciml.core.errors import OutageError, UserError
from aciml.core.image import Image, Layer
from aciml.core.steps import parse_steps
from aciml.docker.dockerfile import write_dockerfile
from aciml.docker.finish import RawBuild, clean_image
from aciml.docker.transcript import Transcript

STEPS = parse_steps(["RUN apt-get install gcc", "ENV A=1"], "steps")


def test_arguments_come_before_the_steps() -> None:
    assert write_dockerfile("base", STEPS, ["X", "Y"]) == [
        "FROM base",
        "ARG X",
        "ARG Y",
        "RUN apt-get install gcc",
        "ENV A=1",
    ]


def test_a_heredoc_goes_to_the_shell_that_the_steps_chose() -> None:
    steps = parse_steps(['SHELL ["/bin/bash", "-ec"]', "RUN <<-EOF\n\techo 1\nEOF"], "steps")

    assert write_dockerfile("base", steps)[2] == 'RUN ["/bin/bash", "-ec", "echo 1"]'


def test_a_heredoc_of_a_program_keeps_its_form() -> None:
    steps = parse_steps(["RUN cat <<EOF > /x\nhello\nEOF"], "steps")

    assert write_dockerfile("base", steps)[1] == r'RUN ["/bin/sh", "-c", "cat <<EOF > /x\nhello\nEOF"]'


def test_a_heredoc_behind_options_keeps_them_for_the_builder() -> None:
    steps = parse_steps(["RUN --mount=type=cache,target=/c <<EOF\necho 1\nEOF"], "steps")

    assert write_dockerfile("base", steps)[1] == 'RUN --mount=type=cache,target=/c ["/bin/sh", "-c", "echo 1"]'


def test_a_heredoc_that_names_its_interpreter_is_left_to_buildkit() -> None:
    text = "RUN <<EOF\n#!/usr/bin/env python3\nprint(1)\nEOF"

    assert write_dockerfile("base", parse_steps([text], "steps"))[1] == text


@pytest.mark.parametrize("word", ["Step", "STEP"], ids=["Docker's way", "Podman's way"])
def test_the_builders_numbers_become_the_users(word: str) -> None:
    transcript = Transcript(STEPS, 3)
    transcript.hear({"stream": f"{word} 4/5: RUN apt-get install gcc\n"})

    assert transcript.hear({"stream": "Reading package"}) == ""
    assert transcript.hear({"stream": " lists\n"}) == "step 1 of 2: RUN apt-get install gcc: Reading package lists"


def test_a_hint_follows_what_was_seen() -> None:
    transcript = Transcript(STEPS, 1)
    transcript.hear({"stream": "Step 2/3 : RUN apt-get install gcc\n"})
    transcript.hear({"stream": "Do you want to continue? [Y/n] Abort.\n"})

    with pytest.raises(UserError, match="add -y"):
        transcript.hear({"error": "The command '/bin/sh -c x' returned a non-zero code: 1", "errorDetail": {"code": 1}})


def layers(*names: str) -> tuple[Layer, ...]:
    return tuple(Layer(name, f"blob-{name}", 1) for name in names)


def test_hidden_and_empty_layers_are_left_out_and_the_base_keeps_its_own_blobs() -> None:
    empty = "sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
    pushed = Image(layers("b", "ca", "s1", empty, "s2"), {"Env": ["A=1"], "Image": "x", "Hostname": "h", "Labels": {}})
    base = Image((Layer("b", "other-blob", 2),), created="2024-01-01T00:00:00Z")

    clean = clean_image(pushed, base, RawBuild(("b",), ("ca",), ("b", "ca", "s1", empty, "s2")))

    assert clean.layers == (*base.layers, *layers("s1", "s2"))
    assert clean.settings == {"Env": ["A=1"]}
    assert clean.created == "2024-01-01T00:00:00Z"


def test_an_image_with_other_layers_than_were_built_is_refused() -> None:
    with pytest.raises(OutageError, match="not the 2"):
        clean_image(Image(layers("b", "x")), Image(layers("b")), RawBuild(("b",), ("ca",), ("b", "ca")))
