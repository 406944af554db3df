"""Variables that come in a file, as an orchestrator mounts secrets."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aciml_server.front import given
from aciml_server.settings import Settings


def test_what_is_in_the_file_counts_as_if_it_were_in_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "variables"
    file.write_text(json.dumps({"ACIML_PRIMARY_KEY": "key", "PASSWORD": "secret", "BOTH": "file"}))
    env = {given.NAME: str(file), "BOTH": "environment"}

    given.take(env)
    settings = Settings.take(env)

    assert settings.keys == (b"key",)
    # neither the key nor the file's name: workers inherit what is left
    assert env == {"PASSWORD": "secret", "BOTH": "file"}


def test_without_a_file_nothing_changes() -> None:
    env = {"A": "1"}

    given.take(env)

    assert env == {"A": "1"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        ("PASSWORD=secret", "is no JSON"),
        ('["secret"]', "must be like"),
        ('{"PASSWORD": 7}', "must be like"),
    ],
)
def test_a_file_that_is_none_ends_the_start_without_telling_what_is_in_it(
    tmp_path: Path, content: str | None, said: str
) -> None:
    file = tmp_path / "variables"
    if content is not None:
        file.write_text(content)

    with pytest.raises(ValueError, match=said) as refused:
        given.take({given.NAME: str(file)})

    assert "secret" not in str(refused.value)
