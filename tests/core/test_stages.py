"""Dockerfiles read into stages."""

from __future__ import annotations

import pytest

from aciml.core.stages import Dockerfile, read_dockerfile

PINS = {"debian:12": "r/base@sha256:1", "golang:1.22": "r/base@sha256:2", "tools": "r/base@sha256:3"}


def read(text: str, target: str = "", **arguments: str) -> Dockerfile:
    found, findings = read_dockerfile(text, "Dockerfile", "dockerfileText", target=target, arguments=arguments)
    assert findings == []
    assert found
    return found


def test_stages_after_the_wanted_one_do_not_count() -> None:
    text = "FROM golang:1.22 AS b\nRUN go build\nFROM debian:12 AS run\nCOPY --from=b /x /x\nFROM tools AS tests\n"

    found = read(text, "run")

    assert found.images == ("golang:1.22", "debian:12")
    assert found.base == "debian:12"
    assert read(text).images == ("golang:1.22", "debian:12", "tools")
    assert read(text, "0").base == "golang:1.22"


def test_the_base_is_found_through_stages() -> None:
    assert read("FROM debian:12 AS a\nFROM a AS b\nRUN x\nFROM B\n").base == "debian:12"
    assert read("FROM debian:12 AS a\nFROM a AS b\nRUN x\nENV A=1\nFROM B\nCOPY a b\n").most_layers == 2
    assert read("FROM debian:12 AS a\nFROM scratch\nCOPY --from=a /x /\n").base == "scratch"


@pytest.mark.parametrize(
    ("head", "image", "arguments"),
    [
        ("ARG V=12\nFROM debian:$V", "debian:12", {}),
        ("ARG V\nFROM debian:${V}", "debian:11", {"V": "11"}),
        ("ARG V=12\nFROM debian:${V}", "debian:11", {"V": "11"}),
        ("FROM debian:${V:-12}", "debian:12", {}),
        ("ARG A=deb\nARG B=${A}ian\nFROM $B:12", "debian:12", {}),
        ("FROM --platform=$TARGETPLATFORM debian:12", "debian:12", {}),
        ('ARG V="12"\nFROM debian:$V', "debian:12", {}),
    ],
)
def test_arguments_before_the_first_from_reach_it(head: str, image: str, arguments: dict[str, str]) -> None:
    assert read(head + "\n", **arguments).images == (image,)


def test_every_image_is_replaced_by_its_pin() -> None:
    text = """ARG V=12
FROM golang:1.22 AS b
RUN --mount=type=bind,from=tools,target=/t \\
    make --from=tools
FROM debian:$V
COPY --from=b --chown=1:1 /x /x
COPY --from=tools /y /y
"""
    lines = [step.text for step in read(text).pinned(PINS)]

    assert lines == [
        "ARG V=12",
        "FROM r/base@sha256:2 AS b",
        "RUN --mount=type=bind,from=r/base@sha256:3,target=/t     make --from=tools",
        "FROM r/base@sha256:1",
        "COPY --from=b --chown=1:1 /x /x",
        "COPY --from=r/base@sha256:3 /y /y",
    ]


@pytest.mark.parametrize(
    ("text", "need"),
    [
        ("FROM debian:12\nRUN --mount=type=secret,id=x cat /run/secrets/x\n", "line 2: RUN --mount"),
        ("FROM debian:12\nCOPY --chmod=755 a /a\n", "line 2: COPY --chmod"),
        ("FROM debian:12\nCOPY <<EOF /a\nx\nEOF\n", "line 2: COPY with a heredoc"),
        ("# syntax=docker/dockerfile:1\nFROM debian:12\n", "# syntax=docker/dockerfile:1"),
        ("FROM debian:12\nRUN <<EOF\nx\nEOF\nRUN echo --mount=x\nCOPY --chown=1 a b\n", ""),
    ],
)
def test_what_the_classic_builder_cannot_do_is_named(text: str, need: str) -> None:
    assert read(text).needs_buildkit == need


@pytest.mark.parametrize(
    ("text", "target", "why"),
    [
        ("RUN x\n", "", "Dockerfile:1: only ARG may stand before the first FROM"),
        ("", "", "Dockerfile has no FROM; begin it with FROM and the image to build on"),
        ("FROM debian:12 as\n", "", "Dockerfile:1: FROM is not understood; write FROM image, or FROM image AS name"),
        (
            "FROM debian:$V\n",
            "",
            "Dockerfile:1: FROM uses $V, which has no value there; write ARG V=... before the first FROM, or give it",
        ),
        ("FROM Debian:12\n", "", 'Dockerfile:1: "Debian:12": "library/Debian" is not a repository name; use lower'),
        ("FROM debian:12\nCOYP a b\n", "", 'Dockerfile:2: unknown instruction "COYP"; did you mean COPY?'),
        ("FROM debian:12\nRUN\n", "", "Dockerfile:2: RUN stands alone; write what it shall do"),
        ("FROM debian:12 AS runtime\n", "runtme", 'there is no stage "runtme"; did you mean runtime?'),
        ("FROM debian:12 AS a\nCOPY --from=b /x /\nFROM debian:12 AS b\n", "a", "Dockerfile:2: --from=b is no earlier"),
        (
            "FROM debian:12\nCOPY --from=0 /x /\n",
            "",
            "Dockerfile:2: --from=0 is no earlier stage; put that stage first",
        ),
        ("FROM --platform=linux/arm64 debian:12\n", "", "Dockerfile:1: --platform=linux/arm64 is not what the service"),
        ("# escape=^\nFROM debian:12\n", "", 'Dockerfile:1: # escape takes \\ or a backtick, not "^"'),
        ("# escape=`\nFROM mcr.microsoft.com/windows/nanoserver:1809\n", "", "Dockerfile:2: mcr.microsoft.com/windows"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, target: str, why: str) -> None:
    _, findings = read_dockerfile(text, "Dockerfile", "dockerfileText", target=target)

    assert any(finding.why.startswith(why) for finding in findings), findings


def test_all_that_is_wrong_is_told_at_once() -> None:
    _, findings = read_dockerfile("FROM debian:$A\nCOYP a b\nFROM debian:$B\n", "Dockerfile", "dockerfileText")

    assert len(findings) == 3
