"""An input that is not known yet hides nothing that is: check and preview of environments and services."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.images.tools import Tools
from aciml.properties import UNKNOWN, Secret, Unknown
from aciml.registry.client import RegistryClient
from aciml.resources.environment import EnvironmentImage
from aciml.resources.protocol import Existing
from aciml.resources.service import ServiceImage
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.heard import Heard
from tests.images.conftest import REPOSITORY, Machine, conda_file, push_base
from tests.resources.unknowns import contradictions, leaves, unknown_names, with_unknown
from tests.simulators.registry import RegistrySimulator

Values = dict[str, Any]
FILLED = ("baseDigest", "baseKey", "baseImages", "stepsKey", "dependencies", "asked", "packages", "lock", "glibc")
PACKAGES = {"packages", "pipPackages", "lock"}
BASE = {"baseDigest", "stepsKey", "glibc", *PACKAGES}
# which of what check fills waits for an input; what is not named here makes nothing unknown
WAITS: dict[str, set[str]] = {
    "baseImage": BASE,
    "baseUsername": BASE,
    "basePassword": BASE,
    "dockerfileText": {"baseKey", "baseImages", *BASE},
    "buildArgs": {"baseKey", "baseImages", *BASE},
    "buildContext": {"baseKey", "stepsKey"},
    "buildTarget": {"baseKey", "baseImages", *BASE},
    "extraSteps": {"stepsKey"},
    "stepsContext": {"stepsKey"},
    "condaFile": {"dependencies", "asked", *PACKAGES},
    "lockMode": PACKAGES,
    "excludeNewer": PACKAGES,
    "virtualPackages": PACKAGES,
    "glibc": PACKAGES,
    "serverRequirements": {"dependencies", "asked", *PACKAGES},
}


@pytest.fixture(scope="module")
def machine(channel: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """One machine for all tests: what it solved once it does not solve again."""
    with RegistrySimulator() as registry:
        with RegistryClient(registry.host) as client:
            push_base(client, "one")
            push_base(client, "two", "2")
        cache = tmp_path_factory.mktemp("unknown")
        shop = Tools.of(MemoryTarget(), Settings(cache, {"conda-forge": channel.as_uri()}))
        yield Machine(shop, registry)
        shop.cache.catalog.close()
        shop.client(registry.host).close()


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    conda_file(folder, "python", "big")
    (folder / "context").mkdir()
    (folder / "context/a.conf").write_text("a = 1\n")
    return folder


def on_image(machine: Machine, program: Path, **more: Any) -> Values:
    """Return inputs of an environment on a base image, with all that may be said of one."""
    return {
        "loginServer": machine.registry.host,
        "repository": REPOSITORY,
        "baseImage": f"{machine.registry.host}/base:one",
        "glibc": "2.31",
        "condaFile": str(program / "conda.yml"),
        "extraSteps": ["RUN true", "RUN echo b > /b", "COPY a.conf /etc/a.conf"],
        "stepsContext": str(program / "context"),
        "serverRequirements": False,
        "builder": "docker",
        "lintOff": ["sudo", "dash"],
        "lockMode": "auto",
        "excludeNewer": "2100-01-01",
        "virtualPackages": {"__cuda": "12.4", "__archspec": "x86_64_v3"},
        "postLink": "ignore",
        "previewLayers": "known",
        "compression": "gzip",
        "keepTags": 3,
        "sbom": True,
        **more,
    }


def on_dockerfile(machine: Machine, program: Path, **more: Any) -> Values:
    """Return the same on a Dockerfile, whose base is a build argument."""
    host = machine.registry.host
    lines = [f"ARG BASE={host}/base:two", "ARG OTHER=x", f"FROM {host}/base:two AS below", "RUN true"]
    lines += ["FROM ${BASE} AS top", "ARG OTHER", "COPY a.conf /etc/b.conf", "COPY --from=below /etc /x"]
    inputs = {name: value for name, value in on_image(machine, program).items() if name != "baseImage"}
    dockerfile = {
        "dockerfileText": "\n".join(lines) + "\n",
        "buildContext": str(program / "context"),
        "buildTarget": "top",
        "buildArgs": {"BASE": f"{host}/base:one", "OTHER": "y"},
        "buildSecrets": Secret({"token": "hush"}),
    }
    return {**inputs, **dockerfile, **more}


KINDS = {"a base image": on_image, "a Dockerfile": on_dockerfile}


def checked(machine: Machine, inputs: Values, old: Values | None = None) -> tuple[Values, list[tuple[str, str]]]:
    answer = machine.environment.check(old, inputs, Heard())
    return answer.inputs, [(finding.where, finding.why) for finding in answer.findings]


@dataclass(frozen=True)
class Known:
    """Inputs of which everything is known, and what check makes of them."""

    inputs: Values
    full: Values


@pytest.fixture(scope="module", params=KINDS)
def known(machine: Machine, program: Path, request: pytest.FixtureRequest) -> Known:
    inputs = KINDS[request.param](machine, program)
    full, findings = checked(machine, inputs)
    assert not findings
    return Known(inputs, full)


@settings(max_examples=40, deadline=None)
@given(data=st.data())
def test_whatever_is_unknown_check_says_nothing_wrong_and_fills_all_that_does_not_wait_for_it(
    machine: Machine, known: Known, data: st.DataObject
) -> None:
    inputs, full = known.inputs, known.full
    hidden = data.draw(st.lists(st.sampled_from(list(leaves(inputs))), min_size=1, max_size=3, unique=True))

    seen, said = checked(machine, with_unknown(inputs, *hidden))

    assert said == []
    assert list(contradictions(seen, full)) == []
    names = {str(path[0]) for path in hidden}
    waits = set().union(*(WAITS.get(name, set()) for name in names))
    assert unknown_names(seen) <= names | waits
    assert {name for name in FILLED if name in full} <= seen.keys()
    assert all(isinstance(seen[name], Secret) for name in inputs if isinstance(inputs[name], Secret))


@dataclass(frozen=True)
class Foreseen:
    """Inputs of which everything is known, and what a preview says of them."""

    inputs: Values
    expected: Values


@pytest.fixture(scope="module", params=KINDS)
def foreseen(machine: Machine, program: Path, request: pytest.FixtureRequest) -> Foreseen:
    inputs = KINDS[request.param](machine, program)
    if request.param == "a base image":  # steps and Dockerfiles have to run before
        del inputs["extraSteps"], inputs["stepsContext"]
        machine.up(checked(machine, inputs)[0])
    return Foreseen(inputs, machine.preview(checked(machine, inputs)[0]))


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_whatever_is_unknown_the_preview_shows_the_digest_of_the_update_or_says_what_it_waits_for(
    machine: Machine, foreseen: Foreseen, data: st.DataObject
) -> None:
    inputs, expected = foreseen.inputs, foreseen.expected
    hidden = data.draw(st.lists(st.sampled_from(list(leaves(inputs))), min_size=1, max_size=2, unique=True))
    seen, _ = checked(machine, with_unknown(inputs, *hidden))
    machine.heard.notes.clear()

    state = machine.preview(seen)

    assert list(contradictions(state, {**expected, "image": state["image"]})) == []
    waiting = [line for line in machine.heard.notes if "resource" in line]
    assert len(waiting) <= 1
    assert isinstance(state["digest"], Unknown) or not waiting
    if {path[0] for path in hidden} <= {"loginServer", "repository", "keepTags", "sbom", "builder"}:
        assert state["digest"] == expected["digest"]


WRONG = [
    ("extraSteps", ["RUN true", "RUNN true", "COPY a.conf /etc/"], "extraSteps[1]", "step 2"),
    ("extraSteps", ["RUN true", "RUN true", "COPY none.conf /etc/"], "extraSteps[2]", "step 3"),
    ("virtualPackages", {"cuda": "12.4", "__other": "1"}, "virtualPackages.cuda", "virtual package"),
    ("keepTags", -1, "keepTags", "-1"),
    ("compression", "zipp", "compression", "zipp"),
    ("condaFile", "none.yml", "condaFile", "does not exist"),
    ("excludeNewer", "tomorrow", "excludeNewer", "tomorrow"),
]
ABOUT = {"extraSteps": {"stepsContext", "lintOff"}}


@pytest.mark.parametrize(("name", "value", "where", "words"), WRONG, ids=lambda value: str(value)[:30])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_a_mistake_is_found_whatever_else_is_unknown(
    machine: Machine, program: Path, name: str, value: Any, where: str, words: str, data: st.DataObject
) -> None:
    inputs = on_image(machine, program, **{name: value})
    others = [path for path in leaves(inputs) if path[0] not in {name, *ABOUT.get(name, ())}]
    hidden = data.draw(st.lists(st.sampled_from(others), min_size=1, max_size=3))

    _, said = checked(machine, with_unknown(inputs, *hidden))

    assert [path for path, _ in said] == [where]
    assert words in said[0][1]


@pytest.mark.parametrize(
    ("steps", "found"),
    [
        ([UNKNOWN, "RUNN x"], {"extraSteps[1]": "step 2"}),
        (["RUNN x", UNKNOWN, "COPY none /x"], {"extraSteps[0]": "step 1", "extraSteps[2]": "step 3"}),
        (["RUN true", Secret(UNKNOWN), "# no step", "CMD x"], {"extraSteps[3]": "step 3"}),
        (["RUN true && \\", UNKNOWN, "RUNN x"], {"extraSteps[2]": "step 2"}),
        ([UNKNOWN, "  more words of that step"], {}),
        (["ENV CONDA_ALWAYS_YES=1", UNKNOWN, "RUN conda install big"], {}),
        ([UNKNOWN, "RUN conda install big"], {}),
        ([UNKNOWN, "RUN sudo true"], {}),
        (["RUN cat <<EOF", "RUNN x", UNKNOWN, "RUNN y"], {}),
        (["RUN cat <<EOF", UNKNOWN, "EOF", "RUNN y"], {"extraSteps[3]": "step 2"}),
        (["WORKDIR b", UNKNOWN, "WORKDIR c"], {}),
    ],
    ids=str,
)
def test_steps_beside_an_unknown_one_keep_their_numbers_and_what_it_may_have_done_is_not_guessed(
    machine: Machine, program: Path, steps: list[Any], found: dict[str, str]
) -> None:
    _, said = checked(machine, on_image(machine, program, extraSteps=steps))

    assert {where for where, _ in said} == found.keys()
    assert all(found[where] in why for where, why in said)


def test_an_unknown_step_leaves_the_packages_and_one_line_says_what_waits_for_it(
    machine: Machine, program: Path
) -> None:
    inputs, _ = checked(machine, on_image(machine, program, extraSteps=["RUN true", UNKNOWN]))
    machine.heard.notes.clear()

    state = machine.preview(inputs)

    assert set(state["packages"]) == {"python", "big"}
    assert unknown_names(state) == {"extraSteps", "stepsKey", "image", "digest", "layers", "size"}
    assert machine.heard.notes == [
        "+2 ~0 -0 packages; the image's digest is not known yet: extraSteps[1] comes from another resource"
    ]


def test_of_an_unknown_base_the_packages_wait_only_if_nobody_says_its_glibc(machine: Machine, program: Path) -> None:
    known = on_image(machine, program, baseImage=UNKNOWN, extraSteps=[])
    asked = {name: value for name, value in known.items() if name != "glibc"}
    virtual = {**asked, "virtualPackages": {"__glibc": "2.31"}}

    packages = [checked(machine, inputs)[0]["packages"] for inputs in (known, asked, virtual)]
    machine.heard.notes.clear()
    machine.preview(checked(machine, asked)[0])

    assert [isinstance(one, Unknown) for one in packages] == [False, True, False]
    assert machine.heard.notes == [
        "the packages and the image's digest are not known yet: baseImage comes from another resource"
    ]
    assert checked(machine, known)[0]["stepsKey"] == ""


def test_the_packages_and_the_digest_may_wait_for_different_inputs(machine: Machine, program: Path) -> None:
    waiting = on_image(machine, program, extraSteps=[UNKNOWN], excludeNewer=UNKNOWN)
    machine.heard.notes.clear()

    machine.preview(checked(machine, waiting)[0])

    (line,) = machine.heard.notes
    assert line.startswith("the packages are not known yet: excludeNewer comes from another resource; ")
    assert line.endswith("nor is the image's digest: excludeNewer and extraSteps[0] come from other resources")


def test_an_update_counts_the_packages_that_change_though_a_step_is_unknown(
    machine: Machine, program: Path, tmp_path: Path
) -> None:
    old, _ = checked(machine, on_image(machine, program, condaFile=str(conda_file(tmp_path, "python"))))
    new, _ = checked(machine, on_image(machine, program, extraSteps=["RUN true", UNKNOWN]), old)
    machine.heard.notes.clear()

    machine.environment.update(Existing("x", {}, old), new, machine.heard, preview=True)
    detail = machine.environment.diff(old, {}, new).detail

    assert machine.heard.notes[0] == "packages:\n  + big 1.0"
    assert machine.heard.notes[1].startswith("+1 ~0 -0 packages; ")
    assert detail.keys() >= {'packages["big"]', "extraSteps"}
    assert "baseDigest" not in detail


def test_the_base_of_an_unknown_account_is_not_asked_for_and_stays_what_it_was(machine: Machine, program: Path) -> None:
    account = {"baseUsername": "me", "basePassword": Secret(UNKNOWN)}
    inputs = on_image(machine, program, **account, baseImage=f"{machine.registry.host}/base:never", extraSteps=[])
    before = len(machine.registry.requests())

    seen, said = checked(machine, inputs)
    kept, _ = checked(machine, inputs, {**inputs, "baseDigest": "sha256:" + "1" * 64})

    assert said == []
    assert seen["baseDigest"] is UNKNOWN
    assert kept["baseDigest"] == "sha256:" + "1" * 64
    assert not [line for line in machine.registry.requests()[before:] if "never" in line]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Values:
    folder = tmp_path_factory.mktemp("service")
    (folder / "src").mkdir()
    for name in ("score.py", "other.py"):
        (folder / "src" / name).write_text("def run(raw_data):\n    return raw_data\n")
    for name in ("a.bin", "b.bin"):
        (folder / name).write_bytes(name.encode())
    return {
        "loginServer": "127.0.0.1:1",
        "repository": REPOSITORY,
        "environmentImage": f"127.0.0.1:1/azureml/it:1@sha256:{'0' * 64}",
        "sourceDirectory": str(folder / "src"),
        "entryScript": "score.py",
        "scripts": {"other": "other.py"},
        "models": {"a": str(folder / "a.bin"), "b:2": str(folder / "b.bin")},
    }


@pytest.fixture(scope="module")
def full(machine: Machine, served: Values) -> Values:
    """What check makes of a service of which everything is known."""
    return ServiceImage(machine.shop).check(None, served, Heard()).inputs


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_service_has_the_hash_of_all_that_is_known(
    machine: Machine, served: Values, full: Values, data: st.DataObject
) -> None:
    service, heard = ServiceImage(machine.shop), Heard()
    hidden = data.draw(st.lists(st.sampled_from(list(leaves(served))), min_size=1, max_size=3, unique=True))

    answer = service.check(None, with_unknown(served, *hidden), heard)
    state = service.create(answer.inputs, heard, preview=True).state

    assert answer.findings == []
    assert list(contradictions(answer.inputs, full)) == []
    waits = {"sourceDirectory": {"sourceHash", "sourceFiles"}, "models": {"modelHashes"}}
    names = {str(path[0]) for path in hidden}
    assert unknown_names(answer.inputs) == names.union(*(waits.get(name, set()) for name in names))
    assert state["digest"] is UNKNOWN


def test_a_service_says_once_what_its_digest_waits_for(machine: Machine, served: Values) -> None:
    service, heard = ServiceImage(machine.shop), Heard()
    one = with_unknown(served, ("models", "a"), ("environmentImage",))
    inputs = service.check(None, one, heard).inputs
    service.create(service.check(None, with_unknown(served, ("environmentImage",)), heard).inputs, heard, preview=True)
    assert heard.notes == ["the image's digest is not known yet: environmentImage comes from another resource"]

    service.create(inputs, heard, preview=True)

    assert heard.notes[1:] == [
        'the image\'s digest is not known yet: environmentImage and models["a"] come from other resources'
    ]
    assert isinstance(inputs["modelHashes"]["b:2"], str)
    assert inputs["modelHashes"]["a:1"] is UNKNOWN


def test_a_service_whose_repository_is_not_known_has_no_digest_yet(machine: Machine, served: Values) -> None:
    """The last part of its name is the title of the image."""
    service = ServiceImage(machine.shop)
    checked = service.check(None, {**served, "repository": UNKNOWN}, Heard())

    state = service.create(checked.inputs, Heard(), preview=True).state

    assert isinstance(state["digest"], Unknown)


@pytest.mark.parametrize(
    ("wrong", "hidden", "where"),
    [
        ({"models": {"a": "none.bin", "b": "x"}}, ("models", "b"), 'models["a"]'),
        ({"scripts": {"a/b": "score.py"}}, ("sourceDirectory",), 'scripts["a/b"]'),
        ({"scripts": {"one": "none.py", "two": "score.py"}}, ("scripts", "two"), 'scripts["one"]'),
        ({"sourceDirectory": "/none"}, ("models", "a"), "sourceDirectory"),
        ({"entryScript": "none.py"}, ("models",), "entryScript"),
    ],
    ids=str,
)
def test_what_is_wrong_with_a_service_is_found_beside_what_is_unknown(
    machine: Machine, served: Values, wrong: Values, hidden: tuple[str, ...], where: str
) -> None:
    values = with_unknown({**served, **wrong}, hidden)

    assert ServiceImage(machine.shop).check(None, values, Heard()).findings[0].where == where


def test_an_environment_that_waits_for_a_step_is_the_same_environment_in_the_update(
    machine: Machine, program: Path
) -> None:
    inputs = on_image(machine, program)
    seen, _ = checked(machine, with_unknown(inputs, ("extraSteps", 1)))
    update, _ = checked(machine, inputs)

    assert {name for name in FILLED if name in update and seen[name] != update[name]} == {"stepsKey"}
    assert EnvironmentImage(machine.shop).diff(update, {}, seen).detail == {"extraSteps": "update"}
