"""What is certainly wrong is told; what may be right passes."""

from __future__ import annotations

import pytest

from aciml.core.lint import lint_steps, steps_key
from aciml.core.steps import parse_steps

FILES = frozenset({"my.cnf", "configs/a.ini", "configs/b.ini", "data/model file.bin"})


WRONG = {
    "a misspelt instruction gets a suggestion": (
        ["RUN true", "ENV A=1", "RUNN apt-get update"],
        'extraSteps[2]: step 3, column 1: unknown instruction "RUNN"; did you mean RUN? [instruction-unknown]',
    ),
    "a word that is like none says how steps begin": (
        ["apt-get install gcc"],
        (
            'extraSteps[0]: step 1, column 1: unknown instruction "apt-get"; a step begins with RUN, COPY, ENV'
            " or another Dockerfile word [instruction-unknown]"
        ),
    ),
    "CMD would break the server": (
        ['CMD ["sh"]'],
        (
            "extraSteps[0]: step 1, column 1: CMD is not allowed here: the scoring server is what the container runs;"
            " remove the step [server-command]"
        ),
    ),
    "a missing file is named with the place": (
        ["COPY ./my.cfg /etc/"],
        (
            'extraSteps[0]: step 1, column 8: COPY: no file "my.cfg" in ctx (after .dockerignore); did you mean my.cnf?'
            " [copy-missing]"
        ),
    ),
    "a continued line of its own entry": (
        ["RUN apt-get update \\", "  && DEBIAN_FRONTEND=noninteractive apt-get isntall -y gcc"],
        'extraSteps[1]: step 1, column 45: apt-get has no command "isntall"; did you mean install? [apt-command]',
    ),
    "a line of an entry of many": (
        ["RUN true\n\n  RUN apt-get update \\\n  && apt-get isntall gcc"],
        (
            'extraSteps[0]: step 2, line 4, column 14: apt-get has no command "isntall"; did you mean install?'
            " [apt-command]"
        ),
    ),
}

RIGHT = [
    "RUN echo apt-get instll",
    'RUN echo "a && apt-get instll b"',
    "RUN apt-get $VERB gcc",
    "RUN apt-get moo",
    "RUN apt-get -t bookworm-backports install -y gcc",
    "RUN apt-get --yes install gcc",
    "RUN which apt-get instll || true",
    'RUN echo "<<EOF is text"',
    "RUN echo $((1<<2))",
    "run true",
    "Env A=1",
    "COPY --chown=1000:1000 my.cnf /etc/",
    "COPY --from=debian:bookworm /etc/passwd /x",
    'COPY ["data/model file.bin", "/data/"]',
    'COPY "data/model file.bin" /data/',
    "COPY data/model\\ file.bin /data/",
    "COPY /my.cnf /etc/",
    "COPY ./ /all",
    "COPY . .",
    "COPY configs /etc/configs",
    "COPY configs/ /etc/configs/",
    "COPY configs/*.ini /etc/",
    "COPY c?nfigs /etc/",
    "COPY configs/../my.cnf /etc/",
    "COPY conf[i]gs/[ab].ini /etc/",
    "COPY $FILE /etc/",
    "COPY my.cnf \\\n   /etc/",
    "ADD https://example.org/a.tar.gz /opt/",
    "ADD git@example.org:a/b.git /opt/",
    "HEALTHCHECK NONE",
    'HEALTHCHECK --interval=5s CMD ["true"]',
    'SHELL ["/bin/bash", "-c"]',
    "MAINTAINER me",
    "LABEL a=--mount=x",
    "RUN my-tool --mount=x",
    "# only a comment",
    "",
]


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_told(name: str) -> None:
    lines, expected = WRONG[name]
    found = lint_steps(parse_steps(lines, "steps"), context_files=FILES, context_folder="ctx")

    assert [f"{finding.where}: {finding.why}" for finding in found] == [expected]


@pytest.mark.parametrize("line", RIGHT)
def test_what_may_be_right_passes(line: str) -> None:
    assert lint_steps(parse_steps([line], "steps"), context_files=FILES) == []


def test_all_faults_are_told_at_once() -> None:
    found = lint_steps(parse_steps(["FROM x", "RUNN y", "COPY nothing /"], "steps"), context_files=FILES)

    assert [finding.where for finding in found] == ["extraSteps[0]", "extraSteps[1]", "extraSteps[2]"]


def test_copy_without_a_context_folder_says_how_to_name_one() -> None:
    (found,) = lint_steps(parse_steps(["COPY a /a"], "steps"), context_files=None)

    assert found.why.startswith("step 1, column 6: COPY reads files, but there is no context folder; name it with")


def test_a_fault_in_a_file_has_its_line() -> None:
    (found,) = lint_steps(parse_steps("# first\n\nRUN true\nRNU false\n", "steps.txt"), context_files=None)

    assert (found.where, found.why) == (
        "extraSteps",
        'steps.txt:4:1: step 2: unknown instruction "RNU"; did you mean RUN? [instruction-unknown]',
    )


def test_the_place_in_the_list_counts_comments_and_continuations() -> None:
    found = lint_steps(parse_steps(["# why", "RUN a \\", "  b", "RUNN c"], "steps"), context_files=None)

    assert [(finding.where, finding.why[:6]) for finding in found] == [("extraSteps[3]", "step 2")]


def test_the_key_depends_on_base_steps_order_and_context_but_not_on_comments() -> None:
    steps = parse_steps(["RUN a", "RUN b"], "steps")
    key = steps_key("sha256:1", steps, "")

    assert key == steps_key("sha256:1", parse_steps("# hi\nRUN a\n\nRUN b\n", "file"), "")
    assert len({key, steps_key("sha256:2", steps, ""), steps_key("sha256:1", steps[::-1], "")}) == 3
    assert key != steps_key("sha256:1", steps, "abc")


def test_a_key_is_pinned() -> None:
    """A new value builds the steps of every environment again: raise ``WRITER`` with a reason."""
    key = steps_key("sha256:1", parse_steps(["RUN a"], "steps"), "")
    assert key == "d624f8d2d4f4485384fa20763bacb264c8e5c6878523e82106654b3c72439fa1"


def test_a_step_of_a_file_is_called_by_its_line() -> None:
    first, second = parse_steps("# why\nRUN true \\\n  && true\n\nRUN false\n", "steps.txt")

    assert (first.label, second.label) == ("steps.txt:2: step 1", "steps.txt:5: step 2")
