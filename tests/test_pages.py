"""Pages that are made are as they should be, and name what there is."""

from __future__ import annotations

from pathlib import Path

from aciml.core.v1.keys import DEPLOYMENT, ENVIRONMENT, INFERENCE, Kind
from docs import v1_files
from docs.arguments import page
from pulumi_aciml.args.declared import arguments_of, leaves_of
from pulumi_aciml.scoring import ScoringServiceArgs

PAGE = Path(__file__).resolve().parents[1] / "docs" / "arguments.md"


def test_the_page_of_arguments_is_up_to_date() -> None:
    assert PAGE.read_text(encoding="utf-8") == page(), "run make pages"


def test_every_argument_of_a_service_is_on_the_page() -> None:
    words = {argument.name for argument in arguments_of(ScoringServiceArgs)}
    words |= {path[-1] for path, _ in leaves_of(ScoringServiceArgs)}
    text = page()

    assert [word for word in sorted(words) if f"| `{word}` |" not in text] == []


def test_the_page_of_v1_s_files_is_up_to_date_and_has_each_key() -> None:
    text = v1_files.PATH.read_text(encoding="utf-8")

    assert text == v1_files.page(), "run make pages"
    keys = [key for key in (*INFERENCE, *ENVIRONMENT, *DEPLOYMENT) if key.kind is not Kind.SECTION]
    assert [key.path for key in keys if f"| `{key.path}`" not in text and key.name != "$schema"] == []
