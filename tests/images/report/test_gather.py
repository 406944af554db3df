"""A report of images in a registry: pushed by the plugin's own code, changed, and of somebody else."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from aciml.core.errors import OutageError, UserError
from aciml.core.image import OCI_MANIFEST, Image
from aciml.core.progress import Silent
from aciml.core.reference import Reference
from aciml.images.remote.pushes import TAG
from aciml.images.report.contents import Report
from aciml.images.report.gather import report_of
from aciml.images.report.measure import bytes_by_package
from tests.images.conftest import REPOSITORY, Machine, conda_file
from tests.simulators.registry import RegistrySimulator

NewMachine = Callable[..., Machine]


def look(machine: Machine, image: str, against: str = "", *, read: bool = True) -> Report:
    return report_of(machine.shop, Reference.parse(image), against, Silent(), read=read)


def test_a_pushed_environment_is_compared_with_the_one_before(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    first = new_machine("first")
    old = first.up(first.inputs(conda_file(tmp_path / "one", "python", "big")))
    new = first.up(first.inputs(conda_file(tmp_path / "two", "python", "big", "noarchy", "clash-b"), old))

    # on another machine: all that is told comes from the registry
    report = look(new_machine("other", tmp_path / "no-channel"), new["image"])

    assert (report.digest, report.ours) == (new["digest"], True)
    assert report.size == new["size"]
    assert report.against is not None
    assert report.against.name.endswith(old["digest"])
    assert {"noarchy", "clash-b"} <= {change.name for change in report.against.changes if not change.old}
    assert all(change.name not in ("python", "big") for change in report.against.changes)
    new_bytes = sum(one.part.layer.size for one in report.layers if not one.is_in_before)
    assert report.against.bytes.new == new_bytes > 0
    assert report.against.bytes.shared == report.size - new_bytes
    (build,) = report.builds
    assert {"conda packages", "fetch and link conda packages", "pack conda layers", "solving"} <= {
        span.name for span in build.spans
    }
    assert all(0 <= span.begin <= span.end for span in build.spans)
    assert report.notes == ()


def test_packages_that_share_a_layer_have_the_bytes_of_their_files(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    machine = new_machine("first")
    # as many as it takes for two to be in one bin
    made = machine.up(
        machine.inputs(conda_file(tmp_path / "p", "python", "noarchy", "clash-a", "clash-b", "meta", "big"))
    )

    report = look(new_machine("other", tmp_path / "no-channel"), made["image"])

    for one in report.layers:
        assert sum(package.size for package in one.packages) in (0, one.part.layer.size)
    evenly = look(new_machine("third", tmp_path / "no-channel"), made["image"], read=False)
    mixed = [one for one in report.layers if len(one.packages) > 1]
    assert all(package.how == "files" for one in mixed for package in one.packages)
    assert bool(mixed) == any("divided evenly" in note for note in evenly.notes)


def test_wheels_and_conda_packages_say_which_files_are_theirs() -> None:
    import gzip
    import tarfile

    sink = io.BytesIO()
    site = "azureml-envs/aciml/lib/python3.11/site-packages"
    files = {
        "azureml-envs/aciml/conda-meta/two-words-1.0-h1_0.json": json.dumps({"files": ["bin/tool"]}).encode(),
        "azureml-envs/aciml/bin/tool": b"x" * 1000,
        "azureml-envs/aciml/bin/script": b"y" * 50,
        f"{site}/a_b/__init__.py": b"z" * 70,
        f"{site}/a_b-1.dist-info/RECORD": b'a_b/__init__.py,,\n../../../bin/script,,\n"a_b-1.dist-info/RECORD",,\n',
    }
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for name, body in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(body)
            tar.addfile(member, io.BytesIO(body))
    plain = sink.getvalue()
    # as our layers are: members of gzip one after the other
    packed = b"".join(gzip.compress(plain[at : at + 1000]) for at in range(0, len(plain), 1000))

    wanted = {"two-words": 1000 + len(files["azureml-envs/aciml/conda-meta/two-words-1.0-h1_0.json"]),
              "a-b": 70 + 50 + len(files[f"{site}/a_b-1.dist-info/RECORD"])}  # fmt: skip
    assert bytes_by_package(iter([plain])) == wanted
    assert bytes_by_package(iter([packed[:700], packed[700:]])) == wanted
    assert bytes_by_package(iter([packed[:700]])) == {}
    assert bytes_by_package(iter([b"no layer"])) == {}


def test_a_named_image_of_the_same_repository_is_the_other_side(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    machine = new_machine("first")
    one = machine.up(machine.inputs(conda_file(tmp_path / "one", "python")))
    two = machine.up(machine.inputs(conda_file(tmp_path / "two", "python", "big"), one))
    three = machine.up(machine.inputs(conda_file(tmp_path / "three", "python", "big", "noarchy"), two))

    by_tag = look(machine, three["image"], f":{one['digest'][7:19]}")
    by_digest = look(machine, three["image"], f"@{one['digest']}")

    assert by_tag.against is not None
    assert by_digest.against is not None
    assert by_tag.against.changes == by_digest.against.changes
    assert {"big", "noarchy"} <= {change.name for change in by_tag.against.changes}
    assert by_tag.looked_at == (two["digest"][7:19],)
    assert all(one.others for one in by_tag.layers if one.part.title.startswith("big"))


def test_the_first_image_has_nothing_before_it(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    machine = new_machine("first")
    made = machine.up(machine.inputs(conda_file(tmp_path / "one", "python")))

    report = look(machine, made["image"])

    assert report.against is None
    assert report.notes == ("No earlier image of this repository is known; --against compares with any other.",)


def test_an_image_that_went_is_said_to_be_gone(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    machine = new_machine("first")
    one = machine.up(machine.inputs(conda_file(tmp_path / "one", "python")))
    two = machine.up(machine.inputs(conda_file(tmp_path / "two", "python", "big"), one))
    machine.shop.client(registry.host).delete_manifest(REPOSITORY, one["digest"])

    report = look(machine, two["image"])

    assert report.against is None
    assert report.notes == (f"The image before ({one['digest']}) is not in the registry any more.",)


def test_a_record_that_somebody_damaged_costs_the_comparison_alone(
    new_machine: NewMachine, registry: RegistrySimulator, tmp_path: Path
) -> None:
    machine = new_machine("first")
    made = machine.up(machine.inputs(conda_file(tmp_path / "one", "python")))
    client = machine.shop.client(registry.host)
    (tag,) = [tag for tag in client.tags(REPOSITORY) if tag.startswith(TAG)]
    client.put_manifest(REPOSITORY, tag, b'{"layers": [{}]}', OCI_MANIFEST)

    assert look(machine, made["image"]).builds == ()


def test_an_image_of_somebody_else_is_told_as_far_as_it_goes(
    new_machine: NewMachine, registry: RegistrySimulator
) -> None:
    machine = new_machine("first")

    report = look(machine, f"{registry.host}/base:one")

    assert not report.ours
    assert "not made by aciml" in report.notes[0]
    assert [one.part.kind for one in report.layers] == ["other"]
    assert (report.against, report.builds) == (None, ())


@pytest.mark.parametrize("named", ["azureml/nothing:1", f"{REPOSITORY}:nothing"])
def test_an_image_that_is_not_there_is_one_message(
    new_machine: NewMachine, registry: RegistrySimulator, named: str
) -> None:
    with pytest.raises(UserError, match="has no image"):
        look(new_machine("first"), f"{registry.host}/{named}")


def test_a_manifest_that_is_no_image_is_one_message(new_machine: NewMachine, registry: RegistrySimulator) -> None:
    machine = new_machine("first")
    machine.shop.client(registry.host).put_manifest("base", "odd", b'{"schemaVersion": 2}', OCI_MANIFEST)

    with pytest.raises(OutageError, match="cannot be read"):
        look(machine, f"{registry.host}/base:odd")


def test_what_it_compares_with_must_be_there(new_machine: NewMachine, registry: RegistrySimulator) -> None:
    with pytest.raises(UserError, match="has no image base:gone"):
        look(new_machine("first"), f"{registry.host}/base:one", ":gone")


def test_a_history_of_lies_is_only_text(new_machine: NewMachine, registry: RegistrySimulator) -> None:
    machine = new_machine("first")
    client = machine.shop.client(registry.host)
    known = client.manifest("base", "one")
    assert known
    layers = Image.read(known.body, client.read_blob("base", json.loads(known.body)["config"]["digest"])).layers
    image = Image(layers, history=({"created_by": "aciml: conda </script><b>x 1"},))
    config = image.config()
    client.upload_blob(
        "base", json.loads(image.manifest())["config"]["digest"], len(config), lambda: io.BytesIO(config)
    )
    client.put_manifest("base", "lies", image.manifest(), OCI_MANIFEST)

    report = look(machine, f"{registry.host}/base:lies")

    assert [package.name for one in report.layers for package in one.packages] == ["</script><b>x"]
