"""The time of one step, without an engine."""

from __future__ import annotations

import pytest

from aciml.core.steps import parse_steps
from aciml.docker.step_clock import STEP_SECONDS, StepClock, StepOverdue
from aciml.docker.transcript import Transcript
from tests.heard import Heard


@pytest.mark.parametrize(("allowed", "limit"), [(0.0, STEP_SECONDS), (60.0, STEP_SECONDS), (36000.0, 36000.0)])
def test_a_step_that_does_not_end_is_ended_and_named(allowed: float, limit: float) -> None:
    now, transcript = [0.0], Transcript(parse_steps(["RUN one", "RUN read answer"], "steps"), 1)
    clock = StepClock(Heard(timeout=allowed), transcript, lambda: now[0])
    now[0] = 10 * limit
    clock.checkpoint()  # no step of the user runs yet
    transcript.hear({"stream": "Step 2/3 : RUN one\n"})
    clock.checkpoint()
    now[0] += limit - 1
    clock.checkpoint()
    transcript.hear({"stream": "Step 3/3 : RUN read answer\n"})
    clock.checkpoint()
    now[0] += limit
    clock.checkpoint()
    now[0] += 1

    with pytest.raises(StepOverdue, match=rf"not done after {limit / 3600:g} hours: RUN read answer; see that it asks"):
        clock.checkpoint()
