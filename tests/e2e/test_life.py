"""One stack from its first `up` to `destroy`, with the real CLI, Docker and registry. The tests run in this order.

A first build with an empty cache: ``tests/bootstrap/test_up.py``. In the emulated cloud: ``test_azure_changes.py``.
"""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from pulumi.runtime import proto

from aciml.review.markdown import comment_of
from aciml.review.posting import GITHUB_LIMIT
from aciml.review.preview import read_preview
from tests.e2e.project import SCORE, CheckedResult, Project
from tests.simulators.engine import plain, running_plugin, struct

pytestmark = [pytest.mark.e2e, pytest.mark.docker]

KEYS = ("primaryKey", "secondaryKey")


def kinds(steps: list[dict[str, Any]]) -> dict[str, str]:
    """Return what a preview plans, by the last word of the type."""
    return {step["urn"].split("::")[2].rpartition(":")[2]: step["op"] for step in steps}


def detail(steps: list[dict[str, Any]], kind: str) -> set[str]:
    """Return the paths that a preview names for a resource."""
    found = [step for step in steps if step["urn"].split("::")[2].endswith(f":{kind}")]
    return {path for step in found for path in step.get("detailedDiff") or {}}


def test_the_first_up_ends_with_a_service_that_answers(project: Project) -> None:
    said = project.up().check_ok()

    assert project.ask() == {"sum": 6.5}
    assert "of 2: " in said.text  # the steps; a line that lasts too short a time is not shown
    image = project.outputs()["image"]
    assert image.startswith("127.0.0.1:")
    assert "@sha256:" in image


def test_a_request_without_the_key_is_refused(project: Project) -> None:
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(project.outputs()["scoring_uri"], b"[1]", timeout=30)


def test_a_request_that_needs_more_memory_than_there_is_is_the_only_one_lost(project: Project) -> None:
    outputs, before = project.outputs(), project.container()
    answers: Counter[int] = Counter()
    said = ""

    def load(_: int) -> None:
        while not said or answers[200] < 100:
            answers[post(outputs, b"[1]")[0]] += 1

    with ThreadPoolExecutor(4) as pool:
        others = pool.map(load, range(4))
        status, text = post(outputs, b"[]")
        said = text or "nothing"
        list(others)

    after = project.container()
    assert (status, set(answers)) == (502, {200})
    assert "out of memory" in said
    assert "1024 MiB" in said
    assert before is not None
    assert after is not None
    assert after["State"]["StartedAt"] == before["State"]["StartedAt"]


def post(outputs: dict[str, Any], body: bytes) -> tuple[int, str]:
    """Return the status and the text of an answer, good or not."""
    request = urllib.request.Request(
        outputs["scoring_uri"], body, {"Authorization": f"Bearer {outputs['primary_key']}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_the_image_has_the_steps_the_environment_and_its_variables(project: Project) -> None:
    image = project.outputs()["environment_image"]
    script = (
        "cat /etc/first /etc/service.conf; python -c 'import numpy, sys; print(numpy.__version__, sys.prefix)'; env"
    )
    said = project.run_in(image, script)

    assert said.splitlines()[:3] == ["first", "mode = test", "1.26.4 /azureml-envs/aciml"]
    assert "AZUREML_CONDA_ENVIRONMENT_PATH=/azureml-envs/aciml" in said
    assert "AZUREML_ENVIRONMENT_IMAGE=True" in said
    assert "CONDA_PREFIX=/azureml-envs/aciml" in said


def test_the_state_has_no_secret_in_the_clear_and_the_engine_has_none_in_labels(project: Project) -> None:
    outputs = project.outputs()
    container = project.container()

    secret = project.provider_config().get("clientSecret")
    for hidden in (outputs["primary_key"], outputs["secondary_key"], *([secret] if secret else [])):
        assert hidden not in project.state()
    assert container is not None
    assert outputs["primary_key"] not in json.dumps(container["Config"]["Labels"])


def test_each_resource_can_be_imported_by_its_id_and_then_nothing_differs(project: Project, tmp_path: Path) -> None:
    imported_by_its_id(project, tmp_path)


def imported_by_its_id(project: Project, tmp_path: Path) -> None:
    """Ask the plugin itself, as the engine does for an import."""
    resources = project.in_state()
    made = {one["type"]: one for one in resources if one.get("custom") and one["type"].startswith("aciml:")}

    with running_plugin(tmp_path, project.provider_config()) as plugin:
        for token in project.importable():
            read = plugin.stub.Read(proto.ReadRequest(id=made[token]["id"], urn=plugin.urn(token)))
            imported = plain(read.inputs)
            said = {n: v for n, v in made[token]["inputs"].items() if n not in KEYS}  # check has made those
            wanted = {**said, **({"port": imported["port"]} if "port" in imported else {})}
            assert not plugin.check(
                token, imported, imported
            ).failures  # the engine shows what it has read as the old ones
            request = proto.DiffRequest(
                id=read.id,
                urn=plugin.urn(token),
                olds=read.properties,
                old_inputs=read.inputs,
                news=struct({name: value for name, value in wanted.items() if not name.startswith("__")}),
            )
            assert list(plugin.stub.Diff(request).diffs) == []


def test_a_second_up_with_a_comment_more_in_the_conda_file_changes_nothing(project: Project) -> None:
    path = project.folder / "conda.yml"
    path.write_text("# a comment\n" + path.read_text())

    project.up("--expect-no-changes").check_ok()


def test_a_new_script_costs_a_layer_the_preview_knows_its_digest_and_golden_predictions_are_in_the_comment(
    project: Project,
) -> None:
    before = project.outputs()
    project.write("src/score.py", SCORE.replace('"sum"', '"total"'))
    project.write("golden.yaml", GOLDEN.format(name="total", value="6.5"))
    project.config["scoring:service"]["traffic"] = {"golden": "golden.yaml"}

    steps = project.preview()
    assert kinds(steps) == {"Service": "update", "ContainerGroup": "update"}
    assert detail(steps, "Service") == {'sourceFiles["score.py"]'}
    (group,) = [step for step in steps if step["urn"].split("::")[2].endswith(":ContainerGroup")]
    foreseen = group["newState"]["inputs"]["image"]

    said = project.up().check_ok()
    after = project.outputs()
    # the script alone, and the image's config: the server's files lie below it
    assert "2 layers pushed (0.0 MB)" in said.text
    assert project.ask() == {"total": 6.5}
    assert after["image"] == foreseen != before["image"]
    assert after["environment_image"] == before["environment_image"]
    assert after["scoring_uri"] == before["scoring_uri"]
    assert after["primary_key"] == before["primary_key"]
    assert "golden predictions: 1 answer: as in golden.yaml" in golden_part(said)


GOLDEN = "golden: 1\nrequests:\n- name: three\n  json: [1, 2, 3.5]\n  expect: {{json: {{{name}: {value}}}}}\n"


def golden_part(said: CheckedResult) -> str:
    """Return what the comment of a pull request has of golden predictions, made of the engine's own account."""
    assert said.log is not None
    text = comment_of(read_preview(said.log.read_text(), said.log.name), GITHUB_LIMIT)
    assert "golden predictions" in text, said.text + text
    return text[text.index("golden predictions") :].partition("</details>")[0]


def test_a_new_package_and_a_new_step_are_named_by_the_preview_and_change_the_environment(project: Project) -> None:
    path = project.folder / "conda.yml"
    path.write_text(path.read_text().replace("joblib=1.4.2", "joblib=1.5.1"))
    project.config["scoring:environment"]["extra_steps"].append("ENV MODE=steps")

    assert {'packages["joblib"]', "extraSteps[2]"} <= detail(project.preview(), "Environment")
    project.write("context/service.conf", "mode = changed\n")
    project.up().check_ok()

    assert project.ask() == {"total": 6.5}
    said = project.run_in(project.outputs()["image"], "cat /etc/service.conf; echo $MODE")
    assert said == "mode = changed\nsteps\n"


def test_more_cpu_is_given_in_place_where_that_can_be(project: Project) -> None:
    before, keys = project.container(), {name: project.outputs()[name] for name in ("primary_key", "secondary_key")}
    project.config["scoring:service"]["cpu_cores"] = 1.5

    steps = project.up().check_ok().steps()

    assert detail(steps, "ContainerGroup") == {"cpuCores"}
    assert kinds(steps)["ContainerGroup"] == "update"
    after = project.container()
    assert before is not None
    assert after is not None
    if project.changes_what_runs():
        assert after["Id"] == before["Id"]
    assert project.cores() == 1.5
    assert project.outputs().items() >= keys.items()
    assert project.ask() == {"total": 6.5}


def test_a_script_that_cannot_start_fails_with_a_hint_while_the_old_one_serves(project: Project) -> None:
    before = project.ask()
    project.write("src/score.py", "import lightgbm\n" + SCORE)

    project.up().check_failed("exited with code 3", "ModuleNotFoundError", "lightgbm", "conda.yml")

    assert project.ask() == before


def test_wrong_golden_predictions_have_their_part_in_the_comment_while_the_old_one_serves(project: Project) -> None:
    project.write("src/score.py", SCORE)
    project.write("golden.yaml", GOLDEN.format(name="sum", value="7"))

    said = project.up()

    assert said.code != 0
    assert "golden predictions: 1 finding" in golden_part(said)
    assert re.search(r"three +\$\.sum +7 +6\.5", golden_part(said))
    assert project.ask() == {"total": 6.5}


def test_of_what_is_gone_by_hand_refresh_forgets_the_container_and_nothing_of_a_registry_that_is_down(
    project: Project,
) -> None:
    del project.config["scoring:service"]["traffic"]
    before = {one["urn"] for one in project.in_state()}
    project.remove_service()

    # a registry that does not answer is an outage
    with project.registry_down():
        project.pulumi("refresh", "--yes", "--skip-preview").check_ok()

    (gone,) = before - {one["urn"] for one in project.in_state()}
    assert gone.endswith("::diabetes-group")
    done = project.up().check_ok()
    assert kinds(done.steps())["ContainerGroup"] == "create"
    assert project.ask() == {"sum": 6.5}


def test_destroy_removes_what_runs_and_keeps_the_images(project: Project) -> None:
    project.pulumi("destroy", "--yes", "--skip-preview").check_ok()

    assert project.gone()
    assert project.images_kept()
