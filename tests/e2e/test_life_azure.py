"""The life of ``test_life.py`` in the emulated cloud: what the target has a part in, in the same order.

What the image alone decides is the same there. What the cloud does with changes, refreshes and outages:
``test_azure_changes.py``, ``test_azure_killed.py`` and ``tests/contract``, which asks each target the same.
"""

from __future__ import annotations

import pytest

from tests.e2e import test_life as life

pytestmark = [pytest.mark.e2e, pytest.mark.docker]


@pytest.fixture(scope="module")
def target() -> str:
    """The emulated cloud."""
    return "azure"


@pytest.fixture(scope="module")
def cold() -> bool:
    """The first `up` packs."""
    return True


test_the_first_up_ends_with_a_service_that_answers = life.test_the_first_up_ends_with_a_service_that_answers
test_a_request_without_the_key_is_refused = life.test_a_request_without_the_key_is_refused
test_a_request_that_needs_more_memory_than_there_is_is_the_only_one_lost = (
    life.test_a_request_that_needs_more_memory_than_there_is_is_the_only_one_lost
)
test_the_image_has_the_steps_the_environment_and_its_variables = (
    life.test_the_image_has_the_steps_the_environment_and_its_variables
)
test_the_state_has_no_secret_in_the_clear_and_the_engine_has_none_in_labels = (
    life.test_the_state_has_no_secret_in_the_clear_and_the_engine_has_none_in_labels
)
test_each_resource_can_be_imported_by_its_id_and_then_nothing_differs = (
    life.test_each_resource_can_be_imported_by_its_id_and_then_nothing_differs
)
test_a_script_that_cannot_start_fails_with_a_hint_while_the_old_one_serves = (
    life.test_a_script_that_cannot_start_fails_with_a_hint_while_the_old_one_serves
)
test_destroy_removes_what_runs_and_keeps_the_images = life.test_destroy_removes_what_runs_and_keeps_the_images
