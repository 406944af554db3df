"""Lines of requirements as text: what is right, and what was meant by what is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some
from packaging.requirements import Requirement

from aciml.pip.requirement import fault_of, spaced, trap_of


@pytest.mark.parametrize(
    "line",
    [
        "six",
        "six (>=1)",
        "six==1.16.0,",
        "six===1.16.0",
        'six; python_version > "3"',
        f"six==1.16.0 --hash=sha256:{'0' * 64} --hash sha384:{'a' * 96}",
        "six[a,b]==1.16",
        "six>=1.16.0rc",
        "six>=v1.16",
        "torch==2.1.0+cpu",
        "numpy!=1.5.*",
        "six @ https://host/six-1.16.0-py2.py3-none-any.whl",
        "./six-1.16.0-py2.py3-none-any.whl",
        "-r file",
        "-rfile",
        "--requirement=file",
        "-c cons.txt",
        "--pre",
        "--index-url https://host/simple",
        "--only-binary :all:",
    ],
)
def test_what_pip_takes_is_right(line: str) -> None:
    assert fault_of(line) == ""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("six=1.16", 'did you mean "six==1.16"?'),
        ("six\u22651.16", 'did you mean "six>=1.16"?'),
        ("six version 1.16", 'did you mean "six==1.16"?'),
        ("six!1.16", 'did you mean "six!=1.16"?'),
        ("six==1.16 --hash=sha257:abc", "no hash for pip; write --hash=sha256: and 64 digits"),
        ("six==1.16 --hash=abc", "no hash for pip; write --hash=sha256: and 64 digits"),
        ("six==1.16 --hash=sha256:abc", "no sha256, which has 64 digits of hexadecimal; copy it whole"),
        ("six = 1.16", 'did you mean "six==1.16"?'),
        ("six 1.16", 'did you mean "six==1.16"?'),
        ("six:1.16", 'did you mean "six==1.16"?'),
        ("six@1.16", 'did you mean "six==1.16"?'),
        ("six=='1.16'", 'did you mean "six==1.16"?'),
        ("six==1.26.4=py39_0", 'did you mean "six==1.26.4"?'),
        ("six>=1.10 <2", 'did you mean "six>=1.10,<2"?'),
        ("numpy >= 1.26 & < 2", 'did you mean "numpy>=1.26,<2"?'),
        ("six=>1", 'did you mean "six>=1"?'),
        ("six<>1", 'did you mean "six!=1"?'),
        ("six>1.*", 'did you mean "six>1"?'),
        ("six==1.x", 'did you mean "six==1.*"?'),
        ("six~=1", 'did you mean "six~=1.0"?'),
        ("six ~> 1.2", 'did you mean "six~=1.2"?'),
        ("git@host:a/b.git", "write git+ssh://git@host/a/b.git"),
        ("-i https:/host/simple", "write https://host/simple"),
        ("--index-url host.org/simple", "write https://host.org/simple"),
        ("htps://host/a.whl", "write https://host/a.whl"),
        ("six^1.2", 'did you mean "six~=1.2"?'),
        ("six==1,16", 'did you mean "six==1.16"?'),
        ("six==1.16.", 'did you mean "six==1.16"?'),
        ("six==1.16.0#comment", 'did you mean "six==1.16.0"?'),
        ("six==latest", 'did you mean "six"?'),
        ('six=1;python_version>="3.8"', 'did you mean "six==1; python_version>="3.8""?'),
        ("scikit image", 'a name has no blanks; did you mean "scikit-image"?'),
        ("- six", "begins with two hyphens"),
        ('"six"', "is in quotes; write six"),
        ("pip install six==1", 'is a command; write "six==1"'),
        ("requirements.txt", 'write "-r requirements.txt"'),
        ("six[extra", "the brackets of the extras do not match"),
        ("six>=1.10;", "ends with a semicolon"),
        ('six ; python_versio > "3"', 'did you mean "python_version"?'),
        ("six;python_version>3", "the condition behind the semicolon is wrong"),
        ("--extra-index-ur https://h", 'did you mean "--extra-index-url"?'),
        ("--no-deps", "is an option of pip install"),
        ("-r", "has nothing behind it"),
        ("{six}", "does not start with the name of a package"),
        ("six==1.16.0 or six==1.15", "is not a requirement; write for example"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(line: str, expected: str) -> None:
    assert expected in fault_of(line)


@given(some.text(alphabet="six=<>!~^., @:;[]()'\"#*0123 -r", max_size=20))
def test_any_line_is_judged_and_what_is_proposed_is_right(line: str) -> None:
    fault = fault_of(line)

    if 'is not a requirement; did you mean "' in fault:
        assert Requirement(fault.partition('did you mean "')[2].removesuffix('"?'))


@pytest.mark.parametrize("line", ["numpy", "nupmy-tools", "six", "dask", "panda", "x @ https://h/nupmy.whl"])
def test_a_name_of_its_own_is_no_slip(line: str) -> None:
    assert trap_of(line) == ""


def test_two_letters_that_changed_places_are_told() -> None:
    assert 'did you mean "numpy>=1.2"?' in trap_of("nupmy>=1.2")


def test_a_short_option_gets_its_blank() -> None:
    assert [spaced(line) for line in ("-rfile", "-r file", "-chttps://h/c", "--pre", "six")] == [
        "-r file", "-r file", "-c https://h/c", "--pre", "six",
    ]  # fmt: skip
