"""The page of the first five minutes says what the program does: files, commands, and the answer."""

from __future__ import annotations

import json
import re
from pathlib import Path

from aciml import cli
from tests.docs.pages import PAGES, blocks_of

START = PAGES / "start.md"


def test_the_files_that_the_page_lists_are_those_that_are_written(tmp_path: Path) -> None:
    assert cli.main(["new", str(tmp_path / "scoring")]) == 0

    written = {path.relative_to(tmp_path / "scoring").as_posix() for path in (tmp_path / "scoring").rglob("*.*")}
    table = START.read_text(encoding="utf-8").partition("## 2.")[2].partition("## 3.")[0]
    listed = set(re.findall(r"`([\w./]+\.\w+)`", table.partition("| --- |")[2]))
    told = {name for name in listed if (tmp_path / "scoring" / name).is_file()}
    assert written - told == {".gitignore"}

    # the commands and the answer of the project's own page, word for word
    page = (tmp_path / "scoring/README.md").read_text(encoding="utf-8")
    commands = "".join(block.text for block in blocks_of("sh") if block.page == START)
    for line in page.partition("```sh\n")[2].partition("```")[0].splitlines():
        said = line.partition("  #")[0].strip()
        assert said in commands or said == "pip install -r requirements.txt", said
    answer = next(block for block in blocks_of("json") if block.page == START)
    promised = re.search(r"The answer is `(.*)`", page)
    assert promised
    assert json.loads(answer.text) == json.loads(promised[1])
