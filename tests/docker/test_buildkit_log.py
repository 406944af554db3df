"""What BuildKit says, told in the user's terms; the texts are what Docker 20.10 and a newer BuildKit printed."""

from __future__ import annotations

import pytest

from aciml.core.steps import parse_steps
from aciml.docker.buildkit_log import BuildLog

TWO_STAGES = """FROM a AS one
ARG X=1
RUN echo first
RUN echo hello; \\
  exit 9
FROM a
COPY --from=one /x /x
RUN sleep 1
"""
OLD = """#4 [one 1/3] FROM docker.io/library/a
#4 CACHED
#5 [one 2/3] RUN echo first
#5 0.181 first
#5 DONE 0.2s
#6 [one 3/3] RUN echo hello;   exit 9
#6 0.347 hello
#6 ERROR: executor failed running [/bin/sh -c echo hello;   exit 9]: exit code: 9
------
 > [one 3/3] RUN echo hello;   exit 9:
0.347 hello
------
ERROR: failed to solve: executor failed running [/bin/sh -c echo hello;   exit 9]: exit code: 9
"""
NEW = """#7 [stage-1  2/3] COPY --from=one /x /x
#7 ERROR: failed to calculate checksum of ref abc: "/x": not found
#8 [one 2/3] RUN echo first
#8 0.3 first
#8 CANCELED
------
 > [stage-1  2/3] COPY --from=one /x /x:
------
aciml.Dockerfile:7
--------------------
   6 |     FROM a
   7 | >>> COPY --from=one /x /x
--------------------
ERROR: failed to solve: failed to calculate checksum of ref abc: "/x": not found
"""


def log_of(text: str, *above: str) -> BuildLog:
    steps = parse_steps(text, "Dockerfile")
    return BuildLog(steps, [*above, *(step.text for step in steps)])


def told(log: BuildLog, text: str) -> list[str]:
    return [shown for line in text.splitlines() if (shown := log.hear(line))]


def test_live_lines_name_the_users_step_and_its_last_output() -> None:
    said = told(log_of(TWO_STAGES), OLD)

    assert "step 3 of 7: RUN echo first: first" in said
    assert "step 4 of 7: RUN echo hello; exit 9: hello" in said


def test_a_failure_names_the_step_its_line_the_exit_code_and_the_last_output() -> None:
    log = log_of(TWO_STAGES)
    told(log, OLD)

    message = log.failure().message
    assert message.startswith("Dockerfile:4: step 4 of 7 failed with exit code 9: RUN echo hello;")
    assert message.endswith("\n    hello\n")


def test_a_failure_without_a_program_says_what_buildkit_says() -> None:
    log = log_of(TWO_STAGES)
    told(log, NEW)

    said = log.failure().message
    assert said.startswith('Dockerfile:7: step 6 of 7 failed: failed to calculate checksum of ref abc: "/x": not found')


def test_the_place_that_is_printed_counts_the_line_of_the_syntax() -> None:
    log = log_of("FROM a\nRUN one\nRUN two\n", "# syntax=x")
    told(log, "aciml.Dockerfile:3\n")

    assert log.failure().message.startswith("Dockerfile:2: step 2 of 3 failed")


def test_a_file_with_one_stage_has_no_names_of_stages() -> None:
    log = log_of("FROM a\nENV A=1\nWORKDIR /a\nRUN x\n")
    told(log, "#9 [3/3] RUN x\n#9 0.1 out\n#9 ERROR: process did not complete successfully: exit code: 127\n")

    assert log.failure().message.startswith("Dockerfile:4: step 4 of 4 failed with exit code 127: RUN x\n    out")


@pytest.mark.parametrize("vertex", ["[3/9] COPY a b", "[other 3/3] RUN x", "[internal] load metadata"])
def test_a_vertex_that_is_no_step_of_the_user_is_not_taken_for_one(vertex: str) -> None:
    log = log_of("FROM a\nENV A=1\nWORKDIR /a\nRUN x\n")
    told(log, f"#9 {vertex}\n#9 ERROR: no route to host\nERROR: failed to solve: no route to host\n")

    message = log.failure().message
    assert message.startswith("BuildKit failed:")
    assert "no route to host" in message
