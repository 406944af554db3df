"""A registry that keeps this machine out is told before anything is made for it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from aciml.core.errors import OutageError
from aciml.core.place import Place
from aciml.images.tools import Answers, Tools
from aciml.resources.pushed import require_way_in, told_if_shut_out
from tests.heard import Heard

PLACE = Place("models.azurecr.io", "iris")
WHY = "models.azurecr.io has a firewall"


def tools(why: str, asked: list[str]) -> Tools:
    def shut_out(host: str) -> str:
        asked.append(host)
        return why

    return cast("Tools", SimpleNamespace(answers=Answers(), target=cast("Any", SimpleNamespace(shut_out=shut_out))))


def test_a_preview_warns_and_an_update_ends_and_the_registry_is_asked_once() -> None:
    asked: list[str] = []
    heard, here = Heard(), tools(WHY, asked)

    told_if_shut_out(here, PLACE, heard)
    with pytest.raises(OutageError, match=WHY):
        require_way_in(here, PLACE)

    assert heard.warnings == [f"nothing can be pushed from this machine: {WHY}"]
    assert asked == ["models.azurecr.io"]


def test_where_nothing_is_in_the_way_nothing_is_said() -> None:
    heard = Heard()

    told_if_shut_out(tools("", []), PLACE, heard)
    told_if_shut_out(tools(WHY, []), None, heard)
    require_way_in(tools("", []), PLACE)

    assert heard.warnings == []
