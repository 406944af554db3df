"""The golden file of a service: judged before anything is done, its hash an input, asked for in an update."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from aciml.core.progress import Silent
from aciml.model.group import Group
from aciml.model.rules import group_of
from aciml.properties import UNKNOWN, Values
from aciml.resources.golden import golden_findings, golden_hash, golden_of
from aciml.resources.group import ContainerGroup
from aciml.resources.protocol import Existing, InitFailed
from aciml.targets.memory import MemoryTarget
from tests.heard import Heard

FILE = """# by hand
requests:
  - name: one row
    json: {data: [[1, 2]]}
    expect: {json: {predictions: [152.1]}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "golden.yaml"
    path.write_text(FILE)
    return path


def inputs(file: Path | str | None, image: str = "serves", **traffic: Any) -> Values:
    said = {**({"golden": str(file)} if file else {}), **traffic}
    return {"name": "scoring", "image": f"host/{image}@sha256:1", "traffic": said}


def declared(values: Values) -> Group:
    return group_of(values)


def found(values: Values) -> list[tuple[str, str]]:
    return [(one.where, one.why) for one in golden_findings(declared(values))]


def test_a_file_that_is_right_has_a_hash_of_what_it_says(file: Path) -> None:
    values = inputs(file)
    before = golden_hash(declared(values))
    assert found(values) == []

    file.write_text(FILE.replace("# by hand", "recorded: {at: today}").replace("{data: [[1, 2]]}", '{"data": [[1,2]]}'))
    assert golden_hash(declared(values)) == before

    file.write_text(FILE.replace("152.1", "152.2"))
    assert golden_hash(declared(values)) != before


def test_a_file_that_a_request_names_counts(file: Path) -> None:
    values = inputs(file)
    file.write_text("requests:\n- {file: cat.png, expect: {status: 200}}\n")
    why = "cat.png cannot be read: No such file or directory; paths are relative to the folder of this file"
    assert found(values) == [("traffic.golden", f"{file}:2: {why}")]

    (file.parent / "cat.png").write_bytes(b"PNG")
    before = golden_hash(declared(values))
    (file.parent / "cat.png").write_bytes(b"PNH")

    assert found(values) == []
    assert golden_hash(declared(values)) != before


def test_what_is_wrong_is_told_at_its_property(file: Path, tmp_path: Path) -> None:
    file.write_text("requests:\n- {json: 1}\n- {jsn: 1, expect: {}}\n")
    assert found(inputs(file)) == [("traffic.golden", f'{file}:3: "jsn" is not known here; did you mean "json"?')]

    file.write_text("requests:\n- {json: 1}\n")
    unrecorded = f'{file}:2: "request 1" has no answer that it should get; `aciml golden record` writes it'
    assert found(inputs(file)) == [("traffic.golden", unrecorded)]

    gone = tmp_path / "none.yaml"
    assert found(inputs(gone))[0][1].startswith(f"{gone} cannot be read: No such file or directory; write it with")
    file.write_bytes(b"\xff\xfe")
    assert "UTF-16" in found(inputs(file))[0][1]


def test_paths_of_tolerances_are_judged(file: Path) -> None:
    values = inputs(file, tolerances=[{"path": "$.a[", "relative": 0.1}])

    assert found(values)[0][0] == "traffic.tolerances[0].path"


def test_tolerances_of_the_program_count_before_those_of_the_file(file: Path) -> None:
    file.write_text("tolerances: [{path: $.a, absolute: 5}]\n" + FILE)
    golden = golden_of(declared(inputs(file, tolerances=[{"path": "$.a", "absolute": 1}])))

    assert golden is not None
    walk = golden.rules_of(golden.requests[0]).walk().down("a")
    assert walk.tolerance.absolute == 1


def test_a_name_that_is_not_known_yet_is_not_judged() -> None:
    values = inputs(None, golden=UNKNOWN)

    assert found(values) == []
    assert golden_hash(declared(values)) == {"goldenHash": UNKNOWN}
    assert golden_hash(declared(inputs(None))) == {}


def checked(group: ContainerGroup, values: Values, old: Values | None = None) -> Values:
    result = group.check(old, values, Silent())
    assert result.findings == []
    return result.inputs


def test_an_update_is_asked_and_fails_with_the_table(file: Path) -> None:
    target = MemoryTarget()
    group = ContainerGroup(target.service)
    first = checked(group, inputs(file))
    made = group.create(first, Silent(), preview=False)
    assert len(str(first["goldenHash"])) == 64

    drifted = checked(group, inputs(file, "drifts"), first)
    with pytest.raises(InitFailed) as failed:
        group.update(Existing(made.id, made.state, first), drifted, Silent(), preview=False)

    told = str(failed.value)
    assert f'service "scoring" failed its golden predictions:\n1 of 1 answer differ from {file}; worst first:' in told
    assert "  one row  $.predictions[0]  152.1  153.1  0.66%" in told
    facts = target.service.read("aciml-scoring")
    assert facts is not None
    assert "serves" in facts.image


def test_another_content_of_the_file_is_an_update_that_restarts_nothing(file: Path) -> None:
    group = ContainerGroup(MemoryTarget().service)
    first = checked(group, inputs(file))
    made = group.create(first, Silent(), preview=False)
    file.write_text(FILE.replace("152.1", "152.2"))

    changes = group.diff(first, made.state, checked(group, inputs(file), first))

    assert dict(changes.detail) == {"goldenHash": "update"}
    assert changes.effect == "nothing restarts"


@pytest.fixture
def document() -> Iterator[str]:
    """The address of a service whose document wants rows of numbers."""
    rows = {"type": "array", "items": {"type": "array", "items": {"type": "number"}}}
    schema = {"type": "object", "required": ["data"], "properties": {"data": rows}}
    content = {"application/json": {"schema": schema}}
    text = json.dumps({"paths": {"/score": {"post": {"requestBody": {"content": content}}}}}).encode()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_requests_that_the_model_refuses_stop_the_preview_as_long_as_it_is_the_model(file: Path, document: str) -> None:
    target = MemoryTarget()
    group = ContainerGroup(target.service)
    first = checked(group, inputs(None))
    made = group.create(first, Silent(), preview=False)
    with target.world() as world:
        world.groups[made.id] = replace(world.groups[made.id], address=document)
    file.write_text(FILE.replace("[[1, 2]]", "[1, 2]"))
    why = f'{file}:3: "one row" does not fit the model that runs: $.data[0] is integer and should be array'

    told = Heard()
    same, other = (group.check(first, inputs(file, image), told).findings for image in ("serves", "other"))

    assert [(one.where, one.why) for one in same] == [("traffic.golden", why.replace("integer", "number"))]
    # of another image nobody knows the document before it runs
    assert other == []
    assert told.warnings == [f"golden predictions: {why.replace('integer', 'number')}"]
    file.write_text(FILE)
    assert group.check(first, inputs(file), told).findings == []
