"""Explicit files: each package file by its URL."""

from __future__ import annotations

import pytest

from aciml.core.condafile import CondaFileError
from aciml.core.explicit import parse_explicit_file

MD5 = "0123456789abcdef" * 2


def test_each_url_becomes_an_exact_spec() -> None:
    text = f"# platform: linux-64\n@EXPLICIT\nhttps://c.invalid/forge/linux-64/python-3.11.2-h0_cpython.conda#{MD5}\n"

    file = parse_explicit_file(f"{text}https://c.invalid/forge/noarch/Six-1.17-py_0.tar.bz2\n", "list.txt")

    assert file.channels == ("https://c.invalid/forge",)
    assert file.specs == (
        f'https://c.invalid/forge::python[build="h0_cpython",md5="{MD5}",subdir="linux-64",version="==3.11.2"]',
        'https://c.invalid/forge::six[build="py_0",subdir="noarch",version="==1.17"]',
    )
    assert file.exact
    assert file.has_python


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://c.invalid/noarch/a-1-0.conda\n", "list.txt:1: @EXPLICIT is missing"),
        ("@EXPLICIT\n", "list.txt:1: no package is listed"),
        ("@EXPLICIT\nnumpy=1\n", 'list.txt:2: "numpy=1" is not the URL of a conda package'),
        ("@EXPLICIT\nhttps://c.invalid/osx-64/a-1-0.conda\n", "list.txt:2: a is for osx-64"),
        ("@EXPLICIT\nhttps://me:hush@c.invalid/noarch/a-1-0.conda\n", "list.txt:2: the URL has a password"),
        ("@EXPLICIT\nhttps://c.invalid/t/hush/f/noarch/a-1-0.conda\n", "list.txt:2: the URL has a password"),
        (
            "@EXPLICIT\nhttps://c.invalid/noarch/a-1-0.conda\nhttps://c.invalid/noarch/a-2-0.conda\n",
            'list.txt:3: "a" is listed twice',
        ),
    ],
)
def test_a_fault_names_its_line(text: str, expected: str) -> None:
    with pytest.raises(CondaFileError) as caught:
        parse_explicit_file(text, "list.txt")

    whys = [finding.why for finding in caught.value.findings]
    assert any(why.startswith(expected) for why in whys), whys
    assert not any("hush" in why for why in whys)
    assert {finding.where for finding in caught.value.findings} == {"explicitFile"}
