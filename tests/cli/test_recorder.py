"""What a program declares is told in its own order, whenever the SDK's threads send it."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from aciml.cli.declared import declared
from aciml.cli.recorder import Rows
from tests.cli.project import make_program
from tests.simulators.registry import RegistrySimulator

_SLOW = """\
import asyncio

async def slowly(name: str) -> str:
    # ends when the event loop has nothing left to do but this
    for _ in range(1_000):
        await asyncio.sleep(0)
    return name

"""


@given(
    st.lists(st.sampled_from("abcd"), max_size=12).flatmap(
        lambda names: st.tuples(st.just(names), st.permutations(names))
    )
)
def test_rows_keep_the_order_of_the_program_in_whatever_order_they_arrive(names: tuple[list[str], list[str]]) -> None:
    written, sent = names
    rows = Rows()
    for name in written:
        rows.declared("kind", name)
    for name in sent:
        rows.arrived("kind", name, inputs={"said": name})
        number, inputs = rows.asked
        assert (written[number], inputs) == (name, {"said": name})

    assert [row["name"] for row in rows.all] == [row["inputs"]["said"] for row in rows.all] == written


def test_what_nobody_declared_first_comes_last() -> None:
    rows = Rows()
    rows.declared("kind", "first")
    rows.arrived("other", "by another way", inputs={})

    assert [row["name"] for row in rows.all] == ["first", "by another way"]


def test_an_environment_whose_inputs_come_late_is_still_the_first(tmp_path: Path) -> None:
    with RegistrySimulator() as registry:
        world = make_program(tmp_path, registry.host)
        program = world.folder / "__main__.py"
        text = _SLOW + program.read_text().replace('config.require("base")', 'slowly(config.require("base"))', 1)
        second = text[text.index("environment = ") :].partition("service = ")[0]
        late = 'slowly(config.require("base"))'
        program.write_text(text + second.replace('"sklearn"', '"alone"', 1).replace(late, 'config.require("base")'))
        (world.folder.parent / "state.json").write_text(json.dumps({"version": 3, "deployment": {"resources": []}}))

        found = declared("local", world.folder)

    # the service and its group have one title
    assert list(dict.fromkeys(one.title for one in found.resources)) == ["models", "sklearn", "iris", "alone"]
    service = found.one("aciml:image:Service")
    assert service.on == "sklearn-image"
