"""A preview as a comment: all that a reviewer has to see is in it, and nothing that he must not."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.core.errors import UserError
from aciml.review.markdown import comment_of, marker_of
from aciml.review.posting import GITHUB_LIMIT
from aciml.review.preview import read_preview
from tests.review.previews import ENVIRONMENT, GAP, GROUP, PACKAGES, REPLACED, URN, digest, event_log, step

TOLD = {
    GROUP: GAP,
    ENVIRONMENT: "size of the image: 77 MB -> about 72 MB",
}


def written(text: str, limit: int = GITHUB_LIMIT, *, stack: str = "", report: str = "") -> str:
    return comment_of(read_preview(text, "preview.json"), limit, stack=stack, report=report)


@pytest.mark.parametrize("form", [digest, event_log], ids=["digest", "event log"])
def test_a_comment_says_packages_base_size_and_why_something_is_replaced(form: type) -> None:
    text = written(form(PACKAGES, REPLACED, told=TOLD))

    assert text.startswith(
        "<!-- aciml comment scoring/prod -->\n\n### Preview of `scoring/prod`: **1 to replace**, 1 to"
    )
    assert "| `numpy` | `1.26.4` | `2.1.3` | conda |" in text
    assert "| `six` | `1 b0` | `1 b1` | conda |" in text  # the build is all that differs
    assert "| `packaging` |  | `26.4` | pip |" in text
    assert "| `tabulate` | `0.9.0` | removed | pip |" in text
    assert f"`debian:12@sha256:{'a' * 64}` → `debian:12@sha256:{'b' * 64}`" in text
    assert "size of `environment-image`: 77 MB → about 72 MB" in text
    (row,) = [line for line in text.splitlines() if line.startswith("| **replace**")]
    assert "because of `cpuCores`" in row
    assert "`cpuCores` `1` → `2`" in row
    assert "a gap of a minute or two; a new IP address" in row
    assert "1" * 64 not in text  # the lock
    assert "noise" not in text
    assert "50 of 118" not in text


def test_no_secret_is_shown_and_what_is_not_known_is_called_so() -> None:
    key = "open-sesame-4711"
    plain = step("update", GROUP, {"primaryKey": key}, {"primaryKey": key + "2"}, primaryKey="update")

    assert "ciphertext" not in written(digest(REPLACED))
    assert "+ image: [unknown]" in written(digest(REPLACED))
    assert "[secret]" in written(digest(REPLACED)).replace("\\", "")
    assert key not in written(digest(plain))  # as a state of before may have it


def test_the_three_steps_of_a_replacement_are_one() -> None:
    steps = [{**REPLACED, "op": op} for op in ("create-replacement", "replace", "delete-replaced")]

    assert written(event_log(*steps)).count("| **replace**") == 1


def test_resources_of_others_are_summed_up_without_their_values() -> None:
    buckets = [step("create", f"{URN}aws:s3/bucket:Bucket::b{n}", None, {"name": "their-value"}) for n in range(40)]
    gone = step("delete", f"{URN}random:index/randomId:RandomId::r", {"x": "their-value"})

    text = written(digest(*buckets, gone))

    assert "41 resources of other providers" in text
    assert "- 40 to create: `aws:s3/bucket:Bucket`" in text
    assert "- 1 to delete: `random:index/randomId:RandomId`" in text
    assert "their-value" not in text


def test_components_and_the_stack_are_no_rows() -> None:
    component = step("create", f"{URN}aciml:index:Registry::aciml", None, {})
    stack = step("create", f"{URN}pulumi:pulumi:Stack::scoring-prod", None, {})

    assert "| create" not in written(digest(component, stack))


def test_warnings_of_lint_and_a_link_to_the_report_are_in_it() -> None:
    text = written(digest(PACKAGES, warning="extraSteps[1]: curl without -f"), report="https://ci.example/1?a=(b c)")

    assert "**1 warning**" in text
    assert "extraSteps[1]: curl without -f" in text
    assert "[Report of the images](https://ci.example/1?a=%28b%20c%29)" in text


def test_a_failed_preview_says_its_errors() -> None:
    text = written(digest(error="packages.conda_file: no environment satisfies the conda file"))

    assert ": failed" in text.splitlines()[2] or "failed" in text
    assert "packages.conda_file: no environment satisfies" in text


def test_nothing_to_do_is_said_in_one_line() -> None:
    same = step("same", GROUP, {}, {})

    assert written(digest(same, same=8)).splitlines()[2:] == ["### Preview of `scoring/prod`: no changes"]
    assert "no changes" in written('{"changeSummary": {}}', stack="prod")


HOSTILE = st.text(st.sampled_from("`|<>!-*_[]()@#~\\\n\r\"'& abc\0é😀"), max_size=30)


@settings(max_examples=150, deadline=None)
@given(name=HOSTILE, value=HOSTILE, told=HOSTILE)
def test_what_a_user_wrote_is_never_markup(name: str, value: str, told: str) -> None:
    path = 'environmentVariables["A"]'
    change = step("update", f"{GROUP}{name}", {}, {"environmentVariables": {"A": value}}, **{path: "add"})

    text = written(digest(change, told={f"{GROUP}{name}": f"what it costs: {told}"}, warning=told))

    assert len(re.findall(r"<!--", text.partition("\n")[0])) == 1
    outside = _without_code(text)
    assert "<!--" not in outside
    assert "<script" not in outside
    assert "@abc" not in outside
    rows = [line for line in text.splitlines() if line.startswith("| update")]
    assert [len(re.findall(r"(?<!\\)\|", row)) for row in rows] == [5]


def _without_code(text: str) -> str:
    fenced = re.sub(r"^(`{3,})\w*\n.*?\n\1$", "", text.partition("\n")[2], flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", fenced)


@pytest.mark.parametrize("limit", [2_000, GITHUB_LIMIT])
def test_a_long_preview_is_folded_and_stays_below_the_limit(limit: int) -> None:
    names = [f"package-{n}" for n in range(3000)]
    many = step(
        "update",
        ENVIRONMENT,
        {"packages": dict.fromkeys(names, "1.0 b")},
        {"packages": dict.fromkeys(names, "2.0 b")},
        **{f'packages["{name}"]': "update" for name in names},
    )
    groups = [{**REPLACED, "urn": f"{GROUP}{n}"} for n in range(300)]

    text = written(digest(many, *groups, warning="é" * 70_000), limit)

    assert len(text.encode()) <= limit
    assert text.startswith(marker_of("scoring/prod"))
    if limit > 10_000:
        assert "<details><summary>3000 packages of <code>environment-image</code></summary>" in text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        (" \n", "is empty"),
        (digest(PACKAGES)[:500], "ends in the middle"),
        ('{"steps": [}', "line 1, column"),
        ("error: no stack selected", "is no whole JSON"),
        ("[1, 2]", "no preview"),
        ('{"a": 1}', "no preview"),
        (event_log(PACKAGES)[:-30], "cut off"),
    ],
)
def test_what_is_no_preview_is_refused_with_the_reason(text: str, said: str) -> None:
    with pytest.raises(UserError, match=re.escape(said)):
        read_preview(text, "preview.json")


def test_what_the_cli_says_before_the_json_is_passed_over() -> None:
    text = "warning: A new version of Pulumi is available.\n" + digest(PACKAGES)

    assert len(read_preview(text, "x").changes) == 1


def test_the_marker_cannot_end_the_comment_that_hides_it() -> None:
    assert marker_of("a-->b<!--c") == "<!-- aciml comment a--b-!-c -->"
    assert marker_of("scoring/prod") == "<!-- aciml comment scoring/prod -->"


def test_no_place_of_a_machine_is_in_it_and_an_error_is_said_once() -> None:
    told = [
        ("warning", "warning: using pulumi-resource-aciml from $PATH at /opt/runner/7/pulumi-resource-aciml"),
        ("warning", "using pulumi-resource-aciml from $PATH at C:\\agent\\pulumi-resource-aciml.exe"),
        (
            "error",
            (
                "Program failed:\nTraceback (most recent call last):\n"
                '  File "/home/runner/work/app/app/__main__.py", line 3, in <module>\n    1 / 0\n'
                '  File "/opt/venv/lib/python3.11/site-packages/pulumi/output.py", line 9, in f\n'
                '  File "D:\\a\\1\\s\\helper.py", line 1, in g\nZeroDivisionError: division by zero'
            ),
        ),
        ("error", "an unhandled error occurred: program exited with non-zero exit code: 1"),
        ("error", "Resource monitor has terminated, shutting down"),
    ]
    diagnostics = [{"severity": severity, "message": f"{text}\n"} for severity, text in told]

    text = written(json.dumps({"steps": [], "diagnostics": diagnostics}))

    assert 'File "__main__.py", line 3' in text
    assert 'File "pulumi/output.py", line 9' in text
    assert 'File "helper.py", line 1' in text
    assert "ZeroDivisionError: division by zero" in text
    for word in ("/opt", "/home", "D:", "C:", "$PATH", "warning", "unhandled error", "Resource monitor"):
        assert word not in text
    alone = json.dumps({"steps": [], "diagnostics": [diagnostics[3]]})
    assert "unhandled error" in written(alone)  # all that is known


def test_files_and_models_are_named_and_their_hashes_are_among_all_differences_alone() -> None:
    before = {
        "sourceFiles": {"score.py": "a" * 12, "old.py": "b" * 12},
        "modelHashes": {"m:1": "c" * 64, "k:1": "9" * 64},
    }
    after = {
        "sourceFiles": {"score.py": "d" * 12, 'odd "] name.py': "e" * 12},
        "modelHashes": {"m:1": "c" * 12, "k:1": "8" * 12, "n:2": "f" * 12},
    }
    image = f"{URN}aciml:index:ScoringService$aciml:image:Service::svc-image"
    whole = {"sourceFiles": "update", 'modelHashes["k:1"]': "update", 'modelHashes["n:2"]': "add"}

    text = written(digest(step("update", image, before, after, **whole)))

    (row,) = [line for line in text.splitlines() if line.startswith("| update")]
    assert '`+odd "] name.py`, `-old.py`, `score.py`; model `k:1`, model `+n:2`' in row
    assert "f" * 12 not in row
    assert '- sourceFiles["old.py"]: bbbbbbbbbbbb' in text
    assert "{'" not in text


def test_golden_predictions_have_a_part_of_their_own() -> None:
    said = [
        {"urn": GROUP, "severity": "info", "message": "golden predictions: 12 requests of golden.json"},
        {"urn": GROUP, "severity": "warning", "message": "golden predictions: two of 12 differ"},
        {"urn": GROUP, "severity": "warning", "message": "something else"},
    ]

    text = written(json.dumps({"steps": [], "diagnostics": said}))

    golden, _, warnings = text.partition("**1 warning**")
    assert "**golden predictions: 1 finding**" in golden
    assert "diabetes-group: golden predictions: 12 requests of golden.json" in golden
    assert "golden" not in warnings
    assert "something else" in warnings


def test_an_event_log_counts_what_is_unchanged_as_the_cli_does() -> None:
    log = event_log(step("same", f"{URN}pulumi:pulumi:Stack::scoring-prod", {}, {}), PACKAGES)
    log += json.dumps({"summaryEvent": {"resourceChanges": {"same": 5, "update": 1}}}) + "\n"

    assert "1 to update, 5 unchanged" in written(log)


def test_what_is_cut_ends_what_is_open_and_a_long_message_is_shortened() -> None:
    many = {f"V{number}": "`" * 4 + "x" * 300 for number in range(90)}
    paths = {f'environmentVariables["{name}"]': "delete" for name in many}
    change = step("update", GROUP, {"environmentVariables": many}, {"environmentVariables": {}}, **paths)

    cut = written(digest(change, warning="w" * 90_000), 2_500)

    assert len(cut.encode()) <= 2_500
    fences = [line for line in cut.splitlines() if re.match("`{3,}", line)]
    assert len(fences) % 2 == 0
    assert cut.count("<details>") == cut.count("</details>")
    assert "(90000 characters)" in cut


@pytest.mark.parametrize("text", ['{"steps": 1}', '{"steps": [], "diagnostics": [1]}', '{"resourcePreEvent": 3}'])
def test_json_of_another_shape_is_no_preview(text: str) -> None:
    with pytest.raises(UserError, match="no preview"):
        read_preview(text, "preview.json")
