"""The lock file of an environment: when it counts, what is said when it may not, that nothing is asked beside it."""

from __future__ import annotations

import base64
import functools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from aciml.conda.install import stage
from aciml.conda.lockfile import conda_records
from aciml.core.errors import Finding, OutageError, UserError
from aciml.core.progress import Silent
from aciml.images.plan.lock import LockError, lock_path, lock_text, see_that_lock_is_there, solve_anew
from aciml.images.plan.packages import PackagesError, pin_packages
from aciml.images.plan.recipe import recipe_of
from aciml.images.plan.sources import read_sources
from aciml.images.tools import Tools
from aciml.model.environment import Environment, Packages, read_environment
from aciml.model.unknowns import encoded
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.heard import Heard
from tests.pip.index import Index, serve
from tests.pip.projects import commit, make_project
from tests.pip.wheels import make_wheel
from tests.simulators.channel import Package, make_channel, python_package
from tests.simulators.ending_server import serving

CONDA = "dependencies:\n- python=3.11.*\n- tool>=1,<2\n"
PIP = "- pip\n- pip:\n  - --index-url {index}/simple\n  - six>=1\n  - ./mine-1.0-py3-none-any.whl\n"
BASE = {
    "baseImage": "debian",
    "baseDigest": f"sha256:{'0' * 64}",
    "stepsKey": "",
    "glibc": "2.36",
    "serverRequirements": False,
}


@dataclass
class Project:
    """A folder with a conda.yml, and the machine it is on."""

    folder: Path
    settings: Settings
    heard: Heard = field(default_factory=Heard)
    shops: list[Tools] = field(default_factory=list)

    def write(self, text: str, name: str = "conda.yml") -> None:
        (self.folder / name).write_text(text)

    def elsewhere(self, cache: Path, **changes: Any) -> Project:
        """Return the project on another machine."""
        return replace(self, settings=replace(self.settings, cache=cache, **changes), heard=Heard())

    def shop(self) -> Tools:
        self.shops.append(Tools.of(MemoryTarget(), self.settings))
        return self.shops[-1]

    def inputs(self, **more: object) -> dict[str, Any]:
        files = (
            {}
            if more.keys() & {"requirementsFile", "explicitFile", "condaText"}
            else {"condaFile": f"{self.folder}/conda.yml"}
        )
        return {**BASE, **files, **more}

    def declared(self, **more: object) -> Environment:
        return read_environment(self.inputs(**more))

    def findings(self, **more: object) -> tuple[Finding, ...]:
        return read_sources(self.declared(**more)).findings

    def lock(self, **more: object) -> Path:
        """Do what ``aciml lock`` does."""
        declared, shop = self.declared(**more), self.shop()
        sources, limits, path = read_sources(declared), declared.limits, lock_path(declared.packages)
        assert path
        path.write_text(lock_text(shop, solve_anew(shop, sources, limits, self.heard), sources, limits, path, {}))
        return path

    def pin(self, old: dict[str, Any] | None = None, /, **more: object) -> dict[str, Any]:
        declared = self.declared(**more)
        sources = read_sources(declared)
        assert sources.findings == ()
        return encoded(pin_packages(self.shop(), read_environment(old or {}), declared, sources, self.heard))


@pytest.fixture
def channel(tmp_path: Path) -> Path:
    return make_channel(tmp_path / "channel", [python_package(), Package("tool"), Package("pip", noarch="python")])


@pytest.fixture
def project(channel: Path, tmp_path: Path) -> Iterator[Project]:
    (tmp_path / "project").mkdir()
    made = Project(tmp_path / "project", Settings(tmp_path / "cache", {"conda-forge": channel.as_uri()}))
    made.write(CONDA)
    yield made
    for shop in made.shops:
        shop.cache.catalog.close()


@pytest.fixture
def index(tmp_path: Path, project: Project) -> Iterator[Index]:
    (tmp_path / "wheels").mkdir()
    make_wheel(tmp_path / "wheels", "six", "1.17")
    make_wheel(project.folder, "mine")
    with serve(tmp_path / "wheels") as server:
        yield server


@pytest.fixture
def add_newer(channel: Path) -> Callable[[], None]:
    return lambda: void(make_channel(channel, [Package("tool", "1.5")]))


def void(_: object) -> None:
    """Drop a value."""


def test_a_lock_that_fits_is_used_though_the_channel_has_newer_packages(
    project: Project, add_newer: Callable[[], None], tmp_path: Path
) -> None:
    project.lock()
    add_newer()

    assert project.elsewhere(tmp_path / "two").pin()["packages"]["tool"] == "1.0 0"
    assert project.elsewhere(tmp_path / "three").pin(lockMode="frozen")["packages"]["tool"] == "1.0 0"
    assert project.elsewhere(tmp_path / "four").pin(lockMode="refresh")["packages"]["tool"] == "1.5 0"


def test_a_machine_that_has_only_the_lock_asks_nobody(project: Project, index: Index, tmp_path: Path) -> None:
    project.write(CONDA + PIP.format(index=index.url))
    project.lock()
    expected = project.pin(lockMode="refresh")
    index.asked.clear()
    alone = project.elsewhere(tmp_path / "alone", channels={"conda-forge": (tmp_path / "gone").as_uri()})

    pinned = alone.pin()
    recipe = recipe_of(alone.shop(), alone.declared(**pinned, postLink="ignore"))

    assert pinned == expected
    assert recipe.conda
    assert recipe.conda.lines() == [line for line in pinned["lock"] if not line.startswith("pip/")]
    assert [(one.name, one.version) for one in recipe.pip] == [("mine", "1.0"), ("six", "1.17")]
    assert recipe.pip[0].url == (project.folder / "mine-1.0-py3-none-any.whl").as_uri()
    assert index.asked == []


def test_two_locks_are_equal_and_have_nothing_of_the_machine(
    project: Project, index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    index.account = "me:hush"
    monkeypatch.setenv("UV_INDEX_URL", index.url.replace("//", "//me:hush@") + "/simple")
    project.write(CONDA + "- pip\n- pip: [six, ./mine-1.0-py3-none-any.whl]\n")
    there = project.elsewhere(tmp_path / "two", wheels={"https://files.invalid": f"{index.url}/files"})

    one = there.lock().read_text()

    assert there.lock().read_text() == one
    assert "pypi: https://files.invalid/six-1.17-py3-none-any.whl\n" in one
    assert "pypi: ./mine-1.0-py3-none-any.whl\n" in one
    assert not any(trace in one for trace in ("hush", "127.0.0.1", str(tmp_path)))
    assert there.pin(lockMode="frozen")["pipPackages"] == {"mine": "1.0", "six": "1.17"}


def test_frozen_names_what_the_lock_does_not_satisfy(project: Project, index: Index) -> None:
    project.write(CONDA + PIP.format(index=index.url))
    path = project.lock()
    project.write(
        CONDA.replace("tool>=1,<2", "tool>=2\n- scipy") + PIP.format(index=index.url).replace("six>=1", "six>=2")
    )

    with pytest.raises(LockError) as caught:
        project.pin(lockMode="frozen")

    assert caught.value.where == "lockFile"
    assert str(path) in caught.value.message
    assert "tool>=2 is not satisfied by 1.0 0 of conda-forge" in caught.value.message
    assert "scipy is not in it" in caught.value.message
    assert "pip: six>=2 is not satisfied by 1.17" in caught.value.message
    assert "aciml lock" in caught.value.advice


def test_auto_solves_with_a_warning_when_the_lock_does_not_fit(project: Project, add_newer: Callable[[], None]) -> None:
    project.lock()
    before = (project.folder / "conda.lock").read_bytes()
    add_newer()
    project.write(CONDA.replace("tool>=1", "tool>1"))

    assert project.pin()["packages"]["tool"] == "1.5 0"
    assert any("tool>1,<2 is not satisfied" in line for line in project.heard.warnings)
    assert (project.folder / "conda.lock").read_bytes() == before


def test_a_missing_lock_matters_only_when_it_is_frozen_or_named(project: Project) -> None:
    assert project.pin()["packages"]["tool"] == "1.0 0"
    for more in ({"lockMode": "frozen"}, {"lockFile": f"{project.folder}/other.lock"}):
        with pytest.raises(LockError, match="does not exist; write it: aciml lock"):
            project.pin(**more)


def test_a_damaged_lock_is_told(project: Project) -> None:
    project.write("<<<<<<< HEAD\n", "conda.lock")

    with pytest.raises(LockError, match="is not a lock file"):
        project.pin()


def test_a_changed_pip_section_is_seen_though_versions_fit(project: Project, index: Index) -> None:
    project.write(CONDA + PIP.format(index=index.url))
    project.lock()
    make_wheel(project.folder, "mine", files={"mine/__init__.py": "changed = True\n"})

    with pytest.raises(LockError, match="the pip section is not the one that was locked"):
        project.pin(lockMode="frozen")


def test_a_lock_of_another_program_serves_as_well(project: Project, index: Index) -> None:
    project.write(CONDA + PIP.format(index=index.url))
    path = project.lock()
    path.write_text("".join(line for line in path.read_text().splitlines(keepends=True) if not line.startswith("#")))

    assert project.pin(lockMode="frozen")["pipPackages"] == {"mine": "1.0", "six": "1.17"}


def test_without_a_lock_last_times_packages_stay_unless_the_limits_change(
    project: Project, add_newer: Callable[[], None], tmp_path: Path
) -> None:
    old = {**project.inputs(), **project.pin()}
    add_newer()
    later = project.elsewhere(tmp_path / "later")

    assert later.pin(old)["packages"]["tool"] == "1.0 0"
    assert later.pin(old, virtualPackages={"__cuda": "12"})["packages"]["tool"] == "1.5 0"
    assert later.pin(old, lockMode="refresh")["packages"]["tool"] == "1.5 0"


def test_a_wheel_that_was_built_lies_beside_the_lock_and_needs_no_build_again(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = make_project(tmp_path / "work" / "ours", "ours")
    commit(repository)
    project.write(CONDA + f"- pip\n- pip:\n  - git+{repository.as_uri()}\n")

    project.lock()
    pinned = project.pin()
    monkeypatch.setenv("PATH", "")
    elsewhere = project.elsewhere(tmp_path / "another cache")

    assert (project.folder / "conda.wheels" / "ours-1.0-py3-none-any.whl").is_file()
    assert "./conda.wheels/ours-1.0-py3-none-any.whl" in (project.folder / "conda.lock").read_text()
    assert elsewhere.pin(lockMode="frozen") == pinned


def test_requirements_are_for_the_python_that_a_file_beside_them_says(project: Project, index: Index) -> None:
    project.write(f"--index-url {index.url}/simple\nsix\n", "requirements.txt")
    named = {"requirementsFile": f"{project.folder}/requirements.txt"}
    project.write("3.11\n", ".python-version")

    pinned = project.pin(**named)

    assert pinned["packages"] == {"python": "3.11.2 h0_cpython"}
    assert pinned["pipPackages"] == {"six": "1.17"}
    assert project.lock(**named).name == "requirements.lock"
    assert project.pin(lockMode="frozen", **named) == pinned


@pytest.mark.parametrize(
    ("tags", "python", "why"),
    [
        (("cp312-cp312", "cp311-cp311"), "3.12.2 h0_cpython", ""),
        (("py3-none",), "3.13.2 h0_cpython", ""),
        (("cp310-cp310",), "", "fast"),
    ],
)
def test_without_a_python_the_newest_is_taken_that_the_index_has_wheels_for(
    project: Project, channel: Path, index: Index, tags: tuple[str, ...], python: str, why: str
) -> None:
    make_channel(channel, [python_package("3.12"), python_package("3.13")])
    for tag in tags:
        make_wheel(index.folder, "fast", tag=f"{tag}-manylinux2014_x86_64" if tag[0] == "c" else f"{tag}-any")
    project.write(f"--index-url {index.url}/simple\nfast\n", "requirements.txt")
    named = {"requirementsFile": f"{project.folder}/requirements.txt"}

    if not why:
        pinned = project.pin(**named)

        assert pinned["packages"] == {"python": python}
        project.lock(**named)
        assert project.pin(lockMode="frozen", **named) == pinned
        return
    with pytest.raises(PackagesError) as caught:
        project.pin(**named)
    # of all Pythons that were tried, what the newest lacks
    assert "3.13" in str(caught.value) or "cp313" in str(caught.value)
    assert why in str(caught.value)


def test_a_python_that_the_user_names_is_not_changed_for_a_wheel(project: Project, channel: Path, index: Index) -> None:
    make_channel(channel, [python_package("3.13")])
    make_wheel(index.folder, "fast", tag="cp311-cp311-manylinux2014_x86_64")
    project.write(f"dependencies:\n- python>=3.11\n- pip: [--index-url {index.url}/simple, fast]\n")

    with pytest.raises(PackagesError, match="fast"):
        project.pin()


def test_an_explicit_file_serves_and_locks(project: Project) -> None:
    records = conda_records(
        solve_anew(project.shop(), read_sources(project.declared()), read_environment(BASE).limits, Silent()).conda
    )
    rows = [f"{url}#{record['md5']}" for url, record in records.items()]
    project.write("@EXPLICIT\n" + "\n".join(rows), "list.txt")
    named = {"explicitFile": f"{project.folder}/list.txt"}

    pinned = project.pin(**named)

    assert pinned["lock"] == project.pin()["lock"]
    assert project.lock(**named).name == "list.lock"
    assert project.pin(lockMode="frozen", **named) == pinned


def test_a_text_serves_as_its_file_would_and_its_lock_file_has_to_be_named(project: Project) -> None:
    named = {"condaText": CONDA}

    pinned = project.pin(**named)

    assert pinned == project.pin()
    assert lock_path(project.declared(**named).packages) is None
    project.lock()
    assert project.pin(lockMode="frozen", lockFile=f"{project.folder}/conda.lock", **named) == pinned


def test_what_is_wrong_in_a_text_is_said_of_its_property(project: Project) -> None:
    (finding,) = project.findings(condaText="dependencies:\n- numpy\n- python=3.11\nchanels: [a]\n")

    assert finding == Finding("condaText", 'condaText:4: "chanels" is not a key of conda.yml; did you mean "channels"?')
    both = {"condaFile": f"{project.folder}/conda.yml", "condaText": CONDA}
    assert [one.why for one in read_sources(read_environment({**BASE, **both})).findings] == [
        "give condaFile or condaText, not both"
    ]


def test_what_cannot_be_solved_is_said_of_the_file_that_asks(project: Project) -> None:
    project.write("scipy\n--no-index\n", "requirements.txt")
    project.write("3.11", ".python-version")

    with pytest.raises(PackagesError) as caught:
        project.pin(requirementsFile=f"{project.folder}/requirements.txt")
    assert caught.value.where == "requirementsFile"


def test_two_files_of_packages_are_one_too_many(project: Project) -> None:
    both = {"condaFile": f"{project.folder}/conda.yml", "explicitFile": "x.txt"}

    (finding,) = read_sources(read_environment({**BASE, **both})).findings

    assert finding == Finding("explicitFile", "give condaFile or explicitFile, not both")


def test_what_only_the_config_says_is_judged_with_the_files(project: Project) -> None:
    found = project.findings(lockMode="frozn", excludeNewer="soon", virtualPackages={"cuda": "12"})

    assert [finding.where for finding in found] == ["virtualPackages.cuda", "excludeNewer", "lockMode"]


@contextmanager
def guarded(folder: Path) -> Iterator[str]:
    """Serve a channel that wants ``me:hush``."""
    expected = "Basic " + base64.b64encode(b"me:hush").decode()

    class Handler(SimpleHTTPRequestHandler):
        def send_head(self) -> Any:
            if self.headers.get("Authorization") == expected:
                return super().send_head()
            self.send_response(401)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return None

        def log_message(self, *_: object) -> None:
            pass

    with serving(functools.partial(Handler, directory=str(folder))) as server:
        yield f"http://127.0.0.1:{server.server_port}"


def test_a_channels_account_comes_from_rattlers_store_and_is_written_nowhere(
    project: Project, channel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with guarded(channel) as url:
        project.settings = replace(project.settings, channels={"conda-forge": url})
        with pytest.raises(OutageError, match="401"):
            project.pin()
        store = tmp_path / "accounts.json"
        store.write_text(json.dumps({"127.0.0.1": {"BasicHTTP": {"username": "me", "password": "hush"}}}))
        monkeypatch.setenv("RATTLER_AUTH_FILE", str(store))

        path = project.lock()
        recipe = recipe_of(project.shop(), project.declared(**project.pin()))
        assert recipe.conda
        (project.settings.cache / "staging").mkdir()
        stage(recipe.conda.packages, project.settings.cache / "staging" / "x", project.settings, Silent())

    assert "hush" not in path.read_text()
    written = list((project.settings.cache / "staging").rglob("*.json"))
    assert written
    assert not any("hush" in file.read_text() for file in written)


def test_a_package_without_attestation_is_refused_where_one_is_required(project: Project) -> None:
    project.write("dependencies: [python]\n")
    lock = solve_anew(project.shop(), read_sources(project.declared()), read_environment(BASE).limits, Silent()).conda
    strict = replace(project.settings, attestations="require")
    (project.settings.cache / "staging").mkdir()

    with pytest.raises(OutageError, match="no attestations are advertised"):
        stage(lock.packages, project.settings.cache / "staging" / "x", strict, Silent())


def test_a_policy_that_does_not_exist_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match='ACIML_ATTESTATIONS is "always"; write one of disabled, warn, require'):
        Settings.read({"ACIML_CACHE": str(tmp_path), "ACIML_ATTESTATIONS": "always"})


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        (Packages(lock_mode="frozen"), "a frozen environment without packages needs a lock of its base; name the file"),
        (Packages(lock_mode="frozen", lock_file="gone.lock"), "gone.lock does not exist; write it: aciml lock"),
        (Packages(lock_file="gone.lock"), "gone.lock does not exist; write it: aciml lock"),
        (Packages(lock_mode="refresh", lock_file="gone.lock"), ""),
        (Packages(), ""),
    ],
)
def test_an_environment_without_packages_has_a_lock_where_it_says_so(asked: Packages, why: str) -> None:
    with pytest.raises(LockError, match=re.escape(why)) if why else nullcontext():
        see_that_lock_is_there(asked)
