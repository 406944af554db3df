"""``aciml lock`` as a program, on a project with a channel in a folder."""

from __future__ import annotations

import io
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from aciml.cli.sections import environment_of
from aciml.cli.stack import project_folder
from aciml.core.errors import UserError
from aciml.core.image import OCI_MANIFEST, Image, sha256_digest
from aciml.images.plan.base import find_base
from aciml.images.plan.lock import LockError
from aciml.images.tools import Tools
from aciml.model.environment import read_environment
from aciml.registry.client import RegistryClient
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.cli.project import configure, make_program
from tests.heard import Heard
from tests.program import aciml
from tests.simulators.channel import Package, make_channel, python_package
from tests.simulators.registry import RegistrySimulator

CONFIG = """\
config:
  aciml:target: memory
  scoring:environment:
    base_image: HOST/base:1
    glibc: "2.36"
    packages:
      conda_file: env/conda.yml
      server_requirements: false
      virtual_packages: {__cuda: "12.4"}
"""


@pytest.fixture(scope="module")
def registry() -> Iterator[RegistrySimulator]:
    with RegistrySimulator() as registry:
        put_base(registry, "one")
        yield registry


def put_base(registry: RegistrySimulator, word: str) -> str:
    """Let the tag mean an image of this word; return its digest."""
    image = Image(settings={"Env": [f"WORD={word}"]})
    config = image.config()
    with RegistryClient(registry.host) as client:
        client.upload_blob("base", sha256_digest(config), len(config), lambda: io.BytesIO(config))
        client.put_manifest("base", "1", image.manifest(), OCI_MANIFEST)
    return image.digest


@pytest.fixture
def folder(tmp_path: Path, registry: RegistrySimulator) -> Path:
    """A project, and the mirrors file of this machine."""
    put_base(registry, "one")
    channel = make_channel(tmp_path / "channel", [python_package(), Package("tool"), Package("old")])
    project = tmp_path / "project"
    (project / "env").mkdir(parents=True)
    (project / "stacks").mkdir()
    (project / "Pulumi.yaml").write_text("name: scoring\nruntime: python\nstackConfigDir: stacks\n")
    (project / "stacks/Pulumi.local.yaml").write_text(CONFIG.replace("HOST", registry.host))
    (project / "env/conda.yml").write_text("dependencies:\n- python\n- tool\n- old\n")
    (tmp_path / "mirrors.toml").write_text(f'[channels]\nconda-forge = "{channel.as_uri()}"\n')
    return project


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    home = folder.parent
    while not (home / "mirrors.toml").exists():
        home = home.parent
    own = {"ACIML_CACHE": str(home / "cache"), "ACIML_MIRRORS": str(home / "mirrors.toml")}
    return aciml(*words, folder=folder, environ=os.environ | own)


def test_it_writes_the_lock_beside_conda_yml_and_says_what_came(folder: Path, registry: RegistrySimulator) -> None:
    done = run(folder / "env", "lock")  # anywhere below Pulumi.yaml

    assert (done.returncode, done.stderr) == (0, "")
    path = folder / "env/conda.lock"
    assert done.stdout.splitlines() == [
        "+ old 1.0 0",
        "+ python 3.11.2 h0_cpython",
        "+ tool 1.0 0",
        f"+ base {registry.host}/base:1 {put_base(registry, 'one')[:19]}",
        f"wrote {path}: 3 conda packages, 0 pip packages",
    ]
    assert "__cuda=12.4=0" in path.read_text()
    assert str(folder.parent) not in path.read_text()
    assert path.stat().st_mode & 0o044


def test_it_says_what_changed_and_check_says_what_is_wrong(folder: Path) -> None:
    run(folder, "lock")
    good = run(folder, "lock", "--check")
    same = run(folder, "lock")
    (folder / "env/conda.yml").write_text("dependencies:\n- python\n- tool>1\n")
    before = (folder / "env/conda.lock").read_bytes()
    bad = run(folder, "lock", "--check")
    after = (folder / "env/conda.lock").read_bytes()
    make_channel(folder.parent / "channel", [Package("tool", "1.5")])
    changed = run(folder, "lock")

    assert (good.returncode, good.stdout) == (0, f"{folder}/env/conda.lock is good\n")
    assert same.stdout == f"{folder}/env/conda.lock is as it was\n"
    assert (bad.returncode, after) == (1, before)
    assert "tool>1 is not satisfied by 1.0 0 of conda-forge\n" in bad.stdout
    assert "old is locked, but nothing asks for it\n" in bad.stdout
    assert changed.stdout.splitlines()[:2] == ["- old 1.0 0", "~ tool 1.0 0 => 1.5 0"]


def test_the_base_of_the_lock_is_that_of_check_until_somebody_locks_again(
    folder: Path, registry: RegistrySimulator, tmp_path: Path
) -> None:
    before = put_base(registry, "one")
    run(folder, "lock")
    after = put_base(registry, "two")  # the tag moves after the review

    def found(cache: str, **more: object) -> tuple[str | None, list[str]]:
        heard, values = Heard(), environment_of("local", project_folder(folder))
        shop = Tools.of(MemoryTarget(), Settings(tmp_path / cache))
        return find_base(shop, read_environment({}), read_environment({**values, **more}), heard).digest, heard.notes

    # each with a cache of its own, as on another machine
    assert found("a") == (before, [])
    assert found("b", lockMode="frozen", refreshBase=True)[0] == before
    digest, told = found("c", lockMode="refresh")
    assert digest == after
    assert f"the base {registry.host}/base:1 is {after} now; aciml lock writes it down" in told[-1]
    assert run(folder, "lock", "--check").returncode == 0  # a newer image does not make it bad

    again = run(folder, "lock")

    assert f"~ base {registry.host}/base:1 {before[:19]} => {after[:19]}\n" in again.stdout
    assert found("d")[0] == after


def test_a_lock_of_another_base_is_out_of_date_and_refused_where_it_has_to_fit(
    folder: Path, registry: RegistrySimulator, tmp_path: Path
) -> None:
    run(folder, "lock")
    path = folder / "stacks/Pulumi.local.yaml"
    path.write_text(path.read_text().replace("/base:1", "/base:2"))

    done = run(folder, "lock", "--check")

    assert done.returncode == 1
    assert f"the base image {registry.host}/base:2 is not locked\n" in done.stdout
    values = {**environment_of("local", project_folder(folder)), "lockMode": "frozen"}
    shop = Tools.of(MemoryTarget(), Settings(tmp_path / "x"))
    with pytest.raises(LockError, match="base:2 is not locked; write it again: aciml lock"):
        find_base(shop, read_environment({}), read_environment(values), Heard())


def test_a_locked_base_that_its_registry_let_go_is_told_as_such(
    folder: Path, registry: RegistrySimulator, tmp_path: Path
) -> None:
    run(folder, "lock")
    lock = folder / "env/conda.lock"
    lock.write_text(lock.read_text().replace(put_base(registry, "one"), f"sha256:{64 * 'a'}"))
    values = environment_of("local", project_folder(folder))
    shop = Tools.of(MemoryTarget(), Settings(tmp_path / "x"))

    with pytest.raises(LockError, match=r"conda\.lock has sha256:a+ for .*/base:1, which cannot be had: "):
        find_base(shop, read_environment({}), read_environment(values), Heard())


ALONE = CONFIG.replace("conda_file: env/conda.yml", "lock_file: env/base.lock")


def test_an_environment_without_packages_locks_its_base(folder: Path, registry: RegistrySimulator) -> None:
    (folder / "stacks/Pulumi.local.yaml").write_text(ALONE.replace("HOST", registry.host))
    none = run(folder, "lock", "--check")
    written = run(folder, "lock")
    good = run(folder, "lock", "--check")
    first = put_base(registry, "one")
    second = put_base(registry, "two")
    again = run(folder, "lock")

    assert (none.returncode, none.stdout) == (1, f"{folder}/env/base.lock does not exist; write it: aciml lock\n")
    assert f"+ base {registry.host}/base:1 {first[:19]}" in written.stdout
    assert (good.returncode, good.stdout) == (0, f"{folder}/env/base.lock is good\n")
    assert f"~ base {registry.host}/base:1 {first[:19]} => {second[:19]}" in again.stdout


def test_a_lock_without_the_base_of_an_environment_without_packages_is_not_good(
    folder: Path, registry: RegistrySimulator
) -> None:
    (folder / "stacks/Pulumi.local.yaml").write_text(ALONE.replace("HOST", registry.host))
    run(folder, "lock")
    path = folder / "env/base.lock"
    path.write_text("".join(row for row in path.read_text().splitlines(True) if "base image" not in row))

    done = run(folder, "lock", "--check")

    assert done.returncode == 1
    assert f"{registry.host}/base:1 is not locked" in done.stdout


def test_check_without_a_lock_fails(folder: Path) -> None:
    done = run(folder, "lock", "--check")

    assert done.returncode == 1
    assert "conda.lock does not exist; write it: aciml lock" in done.stdout


@pytest.mark.parametrize(
    ("file", "text", "expected"),
    [
        ("env/conda.yml", "dependencies:\n- python=>3\n", 'conda.yml:2: "python=>3" is not a version; did you mean'),
        ("env/conda.yml", "dependencies:\n- python\n- scipy\n", "no environment satisfies the conda file"),
        ("stacks/Pulumi.local.yaml", CONFIG.replace("conda_file", "conda_fil"), "did you mean conda_file?"),
        ("stacks/Pulumi.local.yaml", "config: {}\n", "__main__.py does not exist"),
        ("stacks/Pulumi.local.yaml", "a: [\n", "cannot be read"),
        ("stacks/Pulumi.local.yaml", CONFIG.replace("      conda_file: env/conda.yml\n", ""), "has no packages"),
    ],
)
def test_what_is_wrong_is_one_message_and_no_traceback(folder: Path, file: str, text: str, expected: str) -> None:
    (folder / file).write_text(text)

    done = run(folder, "lock")

    assert done.returncode == 1
    assert done.stderr.startswith("aciml: ")
    assert expected in done.stderr
    assert "Traceback" not in done.stderr
    assert not (folder / "env/conda.lock").exists()


def test_a_stack_that_does_not_exist_is_told_with_those_that_do(folder: Path) -> None:
    done = run(folder, "lock", "--stack", "azure")

    assert done.returncode == 1
    assert 'there is no stack "azure"' in done.stderr
    assert "stacks are local" in done.stderr


def test_the_section_becomes_inputs_with_paths_below_the_project(folder: Path, registry: RegistrySimulator) -> None:
    values = environment_of("local", project_folder(folder / "env"))

    assert values == {
        "baseImage": f"{registry.host}/base:1",
        "glibc": "2.36",
        "condaFile": f"{folder}/env/conda.yml",
        "serverRequirements": False,
        "virtualPackages": {"__cuda": "12.4"},
        "repository": "azureml/environment",
    }


def test_outside_of_a_project_it_says_so(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"there is no Pulumi\.yaml"):
        project_folder(tmp_path)


def test_a_secret_that_pulumi_cannot_read_is_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = folder / "stacks/Pulumi.local.yaml"
    path.write_text(CONFIG + "    base_password: {secure: djE6}\n")
    monkeypatch.setenv("PATH", "")

    with pytest.raises(UserError, match="which only the Pulumi CLI opens"):
        environment_of("local", folder)


def test_a_secret_of_the_service_is_not_opened_for_the_environment(tmp_path: Path) -> None:
    with RegistrySimulator() as registry:
        world = make_program(tmp_path, registry.host)
        hidden = {"secure": "v1:nobody:opensit"}
        configure(world, base=f"{registry.host}/team/base:1", token=hidden)
        locked = world.try_to_run("lock")
        assert locked.returncode == 0, locked.stderr
        written = (world.folder / "conda.lock").read_bytes()
        program = world.folder / "__main__.py"
        text = program.read_text()
        # the word for a secret is neither a number nor what a base is called
        program.write_text(text + "config.require_int('token')\n")
        number = world.try_to_run("lock")
        program.write_text(text)
        configure(world, base=hidden)
        base = world.try_to_run("lock")

    assert (number.returncode, base.returncode) == (1, 1)
    assert b"secret" not in written
    # the pulumi of this test opens nothing: where it was asked, the command cannot go on
    assert "aciml: " in number.stderr
    assert "aciml: " in base.stderr
    assert "Traceback" not in number.stderr + base.stderr
