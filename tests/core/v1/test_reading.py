"""What is wrong in v1's files is told, all at once, by line and key; what they say twice or wrongly opens nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given as drawn
from hypothesis import strategies as st

from aciml.core.v1.keys import DEPLOYMENT, ENVIRONMENT, INFERENCE, Fate, Key, Kind

from .files import CONDA, given, read, saved, whys

ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
WORDS = sorted({key.name for key in (*INFERENCE, *ENVIRONMENT, *DEPLOYMENT)})
LIKE_V1 = st.dictionaries(
    st.sampled_from(WORDS), st.dictionaries(st.sampled_from(WORDS), ANY_JSON, max_size=5) | ANY_JSON, max_size=8
)


@pytest.mark.parametrize(
    ("inference", "told"),
    [
        ({"entryscript": "x"}, "ic.json:5: entryscript: unknown key; did you mean entryScript?"),
        ({"condafile": "x"}, "ic.json:5: condafile: unknown key; did you mean condaFile?"),
        ({"authEnabled": True}, "ic.json:5: authEnabled: unknown key; authEnabled belongs into the deployment config"),
        ({"baseDockerfile": "x"}, "unknown key; "),
        ({"entryScript": None}, "ic.json:1: entryScript: it is missing; name the script with init() and run()"),
        ({"entryScript": "other.py"}, "ic.json:2: entryScript: src/other.py does not exist"),
        ({"entryScript": ["score.py"]}, "ic.json:2: entryScript: it must be a text"),
        ({"sourceDirectory": "nowhere"}, "ic.json:3: sourceDirectory: nowhere is no folder"),
        ({"condaFile": "env.yml"}, "ic.json:4: condaFile: src/env.yml does not exist"),
        ({"enableGpu": "False"}, "ic.json:5: enableGpu: it must be true or false, without quotes"),
        ({"enableGpu": True}, "ic.json:5: enableGpu: Container Instances have no GPUs any more"),
        ({"baseImage": "#{image}#"}, "ic.json:5: baseImage: it is a placeholder that nobody filled in"),
        ({"extraDockerfileSteps": {"a": 1}}, "it must be the path of a file of Dockerfile lines, or a list"),
        ({"extraDockerfileSteps": ["RUN a", 1]}, "it must be the path of a file of Dockerfile lines, or a list"),
        ({"extraDockerfileSteps": "steps"}, "ic.json:5: extraDockerfileSteps: src/steps does not exist"),
        (
            {"extraDockerfileSteps": ["RUN a"], "extraDockerFileSteps": ["RUN b"]},
            "ic.json:8: extraDockerFileSteps: it is given twice, first in line 5; keep one",
        ),
        ({"baseImageRegistry": {"usename": "u"}}, "ic.json:6: baseImageRegistry.usename: unknown key; did you mean"),
        ({"baseImage": "a", "baseImageRegistry": {"username": "u"}}, "username and password, or none of them"),
        ({"environment": "sklearn"}, "az ml environment download -n sklearn"),
        ({"environment": {"docker": {"base_image": "x"}}}, "docker.base_image: unknown key; did you mean baseImage?"),
        ({"environment": {"docker": {"platform": {"os": "Windows"}}}}, "docker.platform.os: images are made for Linux"),
        ({"environment": {"docker": {"buildContext": {"location": "x"}}}}, "name its folder in dockerfile.context"),
        ({"environment": {"spark": {"packages": [{"group": "g"}]}}}, "environment.spark.packages: there is no Spark"),
        ({"environment": {"r": {"rVersion": "3.5"}}}, "environment.r: a script in R is not served"),
        ({"environment": {"python": {"userManagedDependencies": True}}}, "no image is named; give docker.baseImage"),
        (
            {"environment": {"docker": {"baseImage": "a", "baseDockerfile": "FROM a\nRUN b"}}},
            "environment.docker.baseImage: there is a base Dockerfile, too",
        ),
    ],
)  # fmt: skip
def test_a_fault_of_the_inference_config_is_told_with_its_line(inference: dict[str, Any], told: str) -> None:
    said = whys(read(inference))

    assert any(told in one for one in said), said


@pytest.mark.parametrize(
    ("environment", "asked"),
    [
        ("AzureML-Minimal", "-n AzureML-Minimal -d DIR"),
        ({"name": "AzureML-Minimal", "version": "1"}, "-n AzureML-Minimal -v 1 -d DIR"),
        ({"name": "mine", "version": None, "docker": None}, "-n mine -d DIR"),
    ],
)
def test_an_environment_of_a_workspace_is_no_empty_one(environment: Any, asked: str) -> None:
    named = {"environment": environment, "condaFile": None}
    (said,) = whys(read(named))

    assert said.startswith("ic.json:5: environment: it names one in a workspace")
    assert asked in said
    # the one that was saved is meant, if it is there
    assert given(read(named, files=saved("plain"), scaffold="env"))


def test_packages_that_are_said_twice_in_a_saved_environment_are_no_guess() -> None:
    inline = {"name": "e", "python": {"condaDependencies": {"dependencies": ["python=3.9"]}}}
    files = {"env/azureml_environment.json": json.dumps(inline), "env/conda_dependencies.yml": CONDA}
    (said,) = whys(read({"condaFile": None}, files=files, scaffold="env"))

    assert "python.condaDependencies: conda_dependencies.yml beside it says it, too; keep one" in said


@pytest.mark.parametrize(
    ("deployment", "told"),
    [
        ({"computeType": None}, "dc.json:1: computeType: it is missing; write aci or local"),
        ({"computeType": "AKS"}, 'dc.json:2: computeType: "AKS": Kubernetes is no target here: write computeType aci'),
        ({"computeType": "aksendpoint"}, "azure.rollout blue_green"),
        ({"computeType": "iot"}, "deployment manifest"),
        ({"computeType": "acii"}, "v1 knew no such type; write aci or local"),
        ({"containerResourceRequirements": {"cpu": "1"}}, "cpu: it must be a number, without quotes"),
        ({"containerResourceRequirements": {"cpu": 0}}, "cpu: it must be greater than 0"),
        ({"containerResourceRequirements": {"memory": 1}}, "memory: unknown key; did you mean memoryInGB?"),
        ({"cpu": 1}, "did you mean containerResourceRequirements.cpu?"),
        ({"cpu_cores": 1}, "cpu_cores: unknown key; write containerResourceRequirements.cpu"),
        ({"encryptionProperties": {"keyName": "k"}}, "encryptionProperties: unknown key; write vaultBaseUrl"),
        ({"vnetConfiguration": {"vnetName": "v"}}, "vnetConfiguration: unknown key; write vnetName and subnetName"),
        ({"gpuCores": 1}, "gpuCores: Container Instances have no GPUs any more"),
        ({"sslEnabled": True, "sslCertificate": "src/score.py"}, "dc.json:3: sslKey: it is missing"),
        ({"sslCertificate": "src/score.py"}, "sslEnabled is not given: the service would speak plain HTTP"),
        ({"vnetName": "v"}, "vnetName: subnetName is missing"),
        ({"keyName": "k", "keyVersion": "1"}, "keyName: vaultBaseUrl is missing"),
        ({"tags": ["a"]}, "tags: it must be an object of texts"),
        ({"computeType": "local", "port": 70000}, "port: it must be a whole number from 0 to 65535"),
    ],
)
def test_a_fault_of_the_deployment_config_is_told_with_its_line(deployment: dict[str, Any], told: str) -> None:
    said = whys(read(None, deployment))

    assert any(told in one for one in said), said


@pytest.mark.parametrize(
    "deployment",
    [
        {"authEnable": True},
        {"AuthEnabled": True},
        {"auth_enabled": True},
        {"authEnabled": "true"},
        {"authEnabled": "#{auth}#"},
        {"authEnabled": 1},
        {"authEnabled": [True]},
        {"keys": {"primaryKey": "k"}},
        {"keys": "k"},
        {"keys": {"primarykey": "k"}, "authEnabled": True},
        {"primaryKey": "k"},
        {"authEnabled": True, "keys": {"primaryKey": "#{key}#"}},
        {"authEnabled": True, "keys": {"primaryKey": "__KEY__"}},
        {"authEnabled": True, "keys": {"primaryKey": "$(key)"}},
        {"tokenAuthEnabled": True},
        '{"computeType": "aci", "authEnabled": true, "authEnabled": false}',
        "computeType: aci\nauthEnabled: ja\n",
        '{"computeType": "aci", "authEnabled" true}',
    ],
)
def test_no_mistake_about_keys_leaves_a_service_open(deployment: Any) -> None:
    said = whys(read(None, deployment))

    assert said
    assert not any('"k"' in one or "#{key}#" in one for one in said), "a key is repeated"


@pytest.mark.parametrize(
    ("text", "enabled"),
    [
        ('{"computeType": "aci", "authEnabled": true}', True),
        ('{\n\t"computeType": "ACI",\n\t"authEnabled": true,\n}', True),
        ("\ufeff" + '{"computeType": "aci", "authEnabled": true}', True),
        ("computeType: aci\nauthEnabled: yes\n", True),
        ("# v1\ncomputeType: aci\nauthEnabled: On\n", True),
        ("computeType: aci\nauthEnabled: False\n", False),
    ],
)
def test_json_and_yaml_are_read_as_v1_read_them(text: str, *, enabled: bool) -> None:
    assert given(read(None, text))["auth_enabled"] is enabled


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "dc.json:1: the file is empty"),
        ("[]", "dc.json:1: the file is no object"),
        ('{\n  "computeType": "aci"\n  "location": "x"\n}', "dc.json:3: this is not JSON: Expecting ',' delimiter"),
        ("computeType: aci\n  location: x\n", "dc.json:2: this is not YAML"),
        ('{"computeType": "aci"', "this is not JSON"),
        ("{" * 1000, "dc.json:1: "),
        ('{"a": ' * 200 + "1" + "}" * 200, "nested too deeply"),
        ("a: &a [*a]\n", ""),
        ("computeType: \x00\n", "dc.json:1: this is not YAML"),
    ],
)
def test_a_text_that_is_neither_is_told_with_its_line(text: str, told: str) -> None:
    said = whys(read(None, text))

    assert any(told in one for one in said), said


def test_all_that_is_wrong_in_both_files_is_told_at_once() -> None:
    said = whys(read({"entry": 1, "enableGpu": True, "condaFile": "no.yml"}, {"computeType": "aks", "cpuu": 1}))

    assert len(said) == 5


def test_what_says_nothing_is_passed_over_without_a_word() -> None:
    nothing = {
        "extraDockerfileSteps": None, "enableGpu": False, "cudaVersion": "", "baseImage": "", "runtime": "python",
        "baseImageRegistry": {"address": None, "username": "", "password": None}, "description": " ",
    }  # fmt: skip
    meaning = read(nothing, {"keys": {"primaryKey": None, "secondaryKey": ""}, "vnetName": None, "gpuCores": 0})

    assert [one for one in meaning.outcomes if one.told] == []
    assert given(meaning).keys() == {"source_directory", "entry_script", "base_image", "packages.conda_file"}


@drawn(ANY_JSON | LIKE_V1, ANY_JSON | LIKE_V1)
def test_whatever_json_says_there_is_an_answer_and_no_traceback(first: Any, second: Any) -> None:
    read(json.dumps(first), json.dumps(second))


@drawn(st.text())
def test_whatever_text_a_file_has_there_is_an_answer(text: str) -> None:
    read(text, text)


KEYS = [("inference", key) for key in INFERENCE] + [("deployment", key) for key in DEPLOYMENT]


@drawn(st.sampled_from([None, "docker", "python", "keys", "containerResourceRequirements"]), st.text(min_size=1))
def test_an_unknown_key_is_always_told(place: str | None, word: str) -> None:
    known = set(WORDS) | {other for key in (*INFERENCE, *ENVIRONMENT, *DEPLOYMENT) for other in key.also}
    if word in known or word.encode("utf-16", "surrogatepass").decode("utf-16", "replace") != word or len(word) > 900:
        return
    section: dict[str, Any] = {word: 1} if place is None else {place: {word: 1}}
    in_environment = place in ("docker", "python")
    said = whys(read({"environment": section}) if in_environment else read(None, section))

    assert any("unknown key" in one or "this is not JSON" in one for one in said), said


@pytest.mark.parametrize(("file", "key"), KEYS, ids=lambda one: one.path if isinstance(one, Key) else one)
def test_every_key_has_a_fate_that_is_told(file: str, key: Key) -> None:
    if key.fate is Fate.USED:
        assert key.to or key.kind is Kind.SECTION
        return
    value: Any = {Kind.TRUTH: True, Kind.NUMBER: 7}.get(key.kind, "spark-py")
    content: Any = value
    for word in reversed(key.path.split(".")):
        content = {word: content}
    meaning = read(content, None) if file == "inference" else read(None, content)
    told = [one for one in meaning.outcomes if one.key == key.path]

    assert [one.fate for one in told] == [key.fate]
    assert bool(meaning.findings) is (key.fate is Fate.REFUSED)
    assert told[0].told is not key.quiet
