"""conda.yml: what is accepted, and every fault with its line."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as some
from rattler import MatchSpec, PackageRecord
from rattler.exceptions import InvalidMatchSpecError
from rattler.package import BuildString

from aciml.core.condafile import CondaFile, CondaFileError, parse_conda_file
from aciml.core.condaspec import check_spec, name_of, normalise

GOOD = """\
name: diabetes
channels: [conda-forge, nodefaults]
prefix: /somewhere
dependencies:
  - python=3.8.*
  - numpy >= 1.26 , < 2
  - conda-forge::Scikit-Learn 1.4.* py38_0
  - pip
  - pip:
      - joblib==1.3 ; python_version > "3"
variables:
  OMP_NUM_THREADS: 1
"""


def read(text: str) -> CondaFile:
    return parse_conda_file(text, "conda.yml")


def faults(text: str) -> list[str]:
    with pytest.raises(CondaFileError) as caught:
        read(text)
    assert {finding.where for finding in caught.value.findings} == {"condaFile"}
    return [finding.why for finding in caught.value.findings]


def test_a_file_becomes_a_value() -> None:
    assert read(GOOD) == CondaFile(
        ("conda-forge",),
        ("python=3.8.*", "numpy>=1.26,<2", "conda-forge::scikit-learn 1.4.* py38_0", "pip"),
        ('joblib==1.3 ; python_version > "3"',),
        has_python=True,
        variables={"OMP_NUM_THREADS": "1"},
    )


def test_neither_spaces_nor_order_nor_comments_change_the_fingerprint() -> None:
    one = read("channels: [c]\ndependencies: [python=3.11, 'numpy >=1.26']\n")
    two = read("# hello\nchannels:\n- c/\ndependencies:\n- numpy>=1.26 # why\n- python=3.11\n")

    assert one.fingerprint() == two.fingerprint()


def test_no_channel_means_conda_forge() -> None:
    assert read("dependencies: [python=3.11]").channels == ("conda-forge",)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "conda.yml:1: the file is empty"),
        ("# only a comment\n", "conda.yml:1: the file is empty"),
        ("- python\n", "conda.yml:1: the file is not a mapping"),
        ("name: x\n", 'conda.yml:1: there is no "dependencies:"'),
        ("dependencies: python\n", 'conda.yml:1: "dependencies" is not a list'),
        ("dependancies:\n- python\ndependencies:\n- python\n", 'conda.yml:1: "dependancies" is not a key'),
        ("dependencies:\n- python\ndependencies:\n- pip\n", 'conda.yml:3: "dependencies" is given twice'),
        ("dependencies:\n\t- python\n", "conda.yml:2: a tab indents the line"),
        ("dependencies:\n- python\n- 3\n", 'conda.yml:3: "3" in dependencies is not a text'),
        ("dependencies:\n- python\n-\n", "conda.yml:3: this entry in dependencies is empty; write a name"),
        ("dependencies:\n- python\npip:\n- x\n", 'conda.yml:3: "pip" is not a key of conda.yml; indent it'),
        (
            "dependencies:\n- python\n- pipp:\n  - x\n",
            'conda.yml:3: "pipp" is not a key of conda.yml; did you mean "pip"',
        ),
        ("dependencies:\n- python\n- pip:\n  - 3.1\n", 'conda.yml:4: "3.1" in pip is not a text'),
        (
            "dependencies:\n- python=3.1O\n",
            'conda.yml:2: "python=3.1O": "1O" in version 3.1O is no number',
        ),
        ("dependencies: [python\n", "conda.yml:1: this is not YAML: a list in brackets without an end"),
        ("dependencies: [python]\nvariables: [A]\n", 'conda.yml:2: "variables" is not a mapping'),
        ("dependencies:\n- python\n- pip:\n- requests\n", 'conda.yml:3: "pip:" has nothing below it; if requests are'),
        (
            "dependencies:\n- python\n- scipy: 1.11\n",
            'conda.yml:3: "scipy: 1.11" is a mapping; did you mean "scipy=1.11"?',
        ),
        ("dependencies:\n- python\n- x: '>=1'\n", 'conda.yml:3: "x: >=1" is a mapping; did you mean "x>=1"?'),
        ("dependencies:\n- python\n- [numpy]\n", "conda.yml:3: a list within the list"),
        ("dependencies:\n- python\n- pip: requests\n", 'conda.yml:3: "pip" is not a list; write "- requests"'),
        ("dependencies: numpy\n", 'conda.yml:1: "dependencies" is not a list; write "dependencies: [numpy]"'),
        (
            "channels: conda-forge, main\ndependencies: [python]",
            'conda.yml:1: "channels" is not a list; write "channels: [conda-forge, main]"',
        ),
        (
            "channels: ['https://u:hush@h/c']\ndependencies: [python]",
            "conda.yml:1: channel https://***@h/c has a password",
        ),
        (
            "channels: [a, 'https://h/t/hush/c']\ndependencies: [python]",
            "conda.yml:1: channel https://h/t/***/c has a pass",
        ),
        ("dependencies: " + "[" * 1000, "conda.yml:1: this is nested deeper than any conda.yml"),
        ("a:\n" + "".join("  " * level + "- \n" for level in range(2000)), "conda.yml:"),
        ("a: b: c\n", "conda.yml:1: this is not YAML: a colon and a blank within a value"),
        ("dependencies:\n  - a\n - b\n", "conda.yml:3: this is not YAML: the line is indented otherwise"),
        ("dependencies:\n- @x\n", "conda.yml:2: this is not YAML: a value begins with a sign"),
        ("%YAML\n", "conda.yml:1: this is not YAML: expected a digit"),
        ("numpy==1.2\nscipy>=1\n", "conda.yml:1: the file is not a mapping; it is a requirements file"),
        ("@EXPLICIT\nhttps://c/noarch/a-1-0.conda\n", "conda.yml:1: this is not YAML: it is an explicit file"),
        (
            "version: 1\nmetadata:\n  x: 1\npackage: []\n",
            "conda.yml:1: this is no conda.yml: it is a lock file of conda-lock",
        ),
        (
            "version: 6\nenvironments: {}\npackages: []\n",
            "conda.yml:1: this is no conda.yml: it is a lock file of rattler",
        ),
        ("[project]\nname='x'\n", "conda.yml:1: this is not YAML: it is a pyproject.toml"),
        (
            "dependencies:\n- python\n-numpy\n",
            'conda.yml:3: "-numpy" has no blank behind its dash; write "- numpy"',
        ),
        (
            "dependencies:\n- python-3.10\n",
            'conda.yml:2: "python-3.10" is no name of a package; did you mean "python=3',
        ),
        (
            "dependencies:\n- conda install -y numpy\n",
            'conda.yml:2: "conda install -y numpy" is a command; write "- numpy"',
        ),
        (
            "dependencies:\n- numpy = = 1.2\n",
            'conda.yml:2: "numpy = = 1.2" is not a version; did you mean "numpy=1.2"?',
        ),
        ("dependencies:\n- numpy@1.20\n", 'conda.yml:2: "numpy@1.20" is not a version; did you mean "numpy=1.20"?'),
        ("dependencies:\n- six\u22651.2\n", 'conda.yml:2: "six\u22651.2" is not a version; did you mean "six>=1.2"?'),
        ("dependencies:\n- ./local\n", 'conda.yml:2: "./local" is a path; build a wheel of it'),
        (
            "dependencies:\n- six -c forge\n",
            'conda.yml:2: "six -c forge" has an option of conda install; write "forge::six"',
        ),
        ("dependencies:\n- python\n - numpy\n- x\n", 'conda.yml:3: "- numpy" is indented deeper than "- python" above'),
        ('dependencies:\n- "numpy\n- x\n', "conda.yml:2: this is not YAML: a quotation mark or bracket without"),
        ("dependencies:\n- pip:\n  - six: 1.2\n", 'conda.yml:3: "six: 1.2" is a mapping; did you mean "six==1.2"?'),
        ("dependencies:\n- pip install x\n", 'conda.yml:2: "pip install x" is a command; write "- x" below "- pip:"'),
        (
            "dependencies:\n- numpy=1.20\n- conda-forge::numpy==1.21.0=py39_0\n",
            "conda.yml:3: conda-forge::numpy==1.21.0=py39_0: line 2 asks for numpy 1.20, and one image has one; keep",
        ),
        ("dependencies: [python]\nvariables: {'a-b': 1}\n", 'conda.yml:2: "a-b" is not a name'),
    ],
)
def test_a_fault_names_its_line(text: str, expected: str) -> None:
    assert any(why.startswith(expected) for why in faults(text)), faults(text)


def test_all_faults_are_told_at_once() -> None:
    assert len(faults("nam: x\nchannels: 1\ndependencies:\n- python=>3\n- numpy>1<2\n")) == 4


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("numpy=>1.26", '"numpy=>1.26" is not a version; did you mean "numpy>=1.26"?'),
        ("numpy =< 2", '"numpy =< 2" is not a version; did you mean "numpy<= 2"?'),
        ("numpy>=1.26<2", '"numpy>=1.26<2" lacks a comma; did you mean "numpy>=1.26,<2"?'),
        ("numpy >=1.26 <2", '"numpy >=1.26 <2" lacks a comma; did you mean "numpy>=1.26,<2"?'),
        ("uvicorn[standard]", "extras in brackets are pip's"),
        ("numpy[version=1", "brackets do not match"),
        ("git+https://x/y", "is a URL"),
        ("x; python_version<'3'", "written for pip"),
        ("numpy>=", '">=" is not a version'),
        ("numpy=1.O", 'did you mean "1.0"?'),
        ("numpy=1.x", 'did you mean "1.*"?'),
        ("numpy>=l.26", 'did you mean "1.26"?'),
        ("pandas=2,1", 'a comma joins conditions; did you mean "pandas=2.1"?'),
        ("pandas 2,1", 'did you mean "pandas 2.1"?'),
        ("numpy==1.26,1.27", 'write "numpy ==1.26|1.27" for either'),
        ("scipy==1.11.", 'did you mean "1.11"?'),
        ("numpy===1.2", 'write "numpy==1.2"'),
        ("scikit image", 'did you mean "scikit-image"?'),
        ("-e .", "is an editable install"),
        ("-r x.txt", 'put it below "- pip:"'),
        ("-c conda-forge", 'name the channel below "channels:"'),
        ("numpy=latest", '"numpy" alone means the newest'),
        ("numpy 1.26 1.27", 'join versions with a comma or "|"'),
        ("numpy[verion=1]", 'did you mean "version"?'),
        ("numpy[version='=>1']", 'did you mean ">=1"?'),
        ("numpy[version=>=1,<2]", "put a value with a comma or a space in quotes"),
        ("numpy>=1,,<2", "a version is missing"),
        ("a b c d", "too many words"),
        (">=1", "does not start with the name"),
    ],
)
def test_a_wrong_spec_is_told_with_what_was_meant(spec: str, expected: str) -> None:
    assert expected in check_spec(spec)


@pytest.mark.parametrize(
    "spec",
    [
        "python",
        "python=3.8.*",
        "python 3.8.*",
        "python ==3.8",
        "numpy>=1.26,<2",
        "numpy >=1.26,<2|>=3",
        "numpy=1.26.4=py311h64a7726_0",
        "numpy=1.26=*_0",
        "numpy 1.26.4 py311h64a7726_0",
        "numpy=1.26.*=py311*",
        "numpy * *_openblas",
        "libblas=*=*openblas",
        "numpy~=1.26",
        "numpy!=1.25.0",
        "conda-forge::numpy",
        "conda-forge/linux-64::numpy>1",
        "https://example.invalid/channel::numpy>1",
        "numpy[version='>=1,<2', build=py311*]",
        "numpy>1[channel=conda-forge]",
        "_libgcc_mutex=0.1=main",
        "ca-certificates",
        "r-base=4.3",
        "x=1!2.0+local",
        "openssl=1.1.1w",
        "tzdata=2024a",
        "x=1.0rc1",
        "x=1.0.post3",
        "x=0.1.dev20+g12ab",
        "jpeg=9e",
        "lammps=5.4_22Jul22.46e",
        "tool=1.0.0LTS",
        "numpy=1.26.4abc",
        "numpy>=1,2",
        "numpy[version='1.26.weird']",
        "numpy[version='>=1.26', build=py311*, build_number='>3', channel=conda-forge, subdir=linux-64]",
        "numpy==1.26.4=py311*",
        "numpy>=1.26=py311*",
        "numpy>=1.26,<2=py311*",
        "numpy (1.26)",
        "numpy (>=1.26|<1.20),!=1.25.0",
    ],
)
def test_a_valid_spec_passes_and_is_normalised_once(spec: str) -> None:
    assert check_spec(spec) == ""
    assert normalise(normalise(spec)) == normalise(spec)
    assert MatchSpec(normalise(spec)).name.normalized == name_of(spec)


def test_a_regular_expression_is_a_version() -> None:
    assert check_spec("numpy ^1\\.26.*$") == ""


@pytest.mark.parametrize(
    ("text", "level", "expected"),
    [
        (
            "dependencies:\n- python\n- pip:\n  - x\n",
            "remark",
            'conda.yml:3: there is a "pip:" section, and pip is not in',
        ),
        (
            "dependencies: [python, pip]\nplatforms: [linux-64]\n",
            "remark",
            'conda.yml:2: "platforms" is read by conda-lock',
        ),
        ("dependencies: [python]\ncategory: dev\n", "remark", 'conda.yml:2: "category" is read by conda-lock alone'),
        (
            "dependencies: [python]\nplatforms: [osx-64]\n",
            "warning",
            'conda.yml:2: "platforms" of conda-lock are osx-64',
        ),
        (
            "channels: [conda_forge]\ndependencies: [python]\n",
            "warning",
            'conda.yml:1: channel "conda_forge": did you mean',
        ),
        ("dependencies: [python, x=1.2foo]\n", "warning", 'conda.yml:1: "x=1.2foo": "2foo" is an unusual word'),
        (
            "dependencies:\n- pip\n- pip: [x]\n- pip: [y]\n",
            "warning",
            'conda.yml:4: there is a "pip:" section in line 3 too',
        ),
        (
            "dependencies:\n- python\n- pip:\n  # - x\n- requests\n",
            "remark",
            'conda.yml:3: "pip:" has nothing below it',
        ),
    ],
)
def test_what_may_surprise_is_told_and_stops_nothing(text: str, level: str, expected: str) -> None:
    (told,) = read(text).told

    assert (told.level, told.why[: len(expected)]) == (level, expected)


@pytest.mark.parametrize(
    "text",
    [
        "dependencies: [python, numpy, numpy>=1, pip, pip]\n",
        "channels: [a, a]\ndependencies: [python]\n",
        "channels: ['https://u:${T}@h/c', 'https://u@h/c', 'https://h/t/${T}/c']\ndependencies: [python]\n",
        "dependencies: [numpy]\n",
    ],
)
def test_what_conda_takes_is_taken_without_a_word(text: str) -> None:
    assert read(text).told == ()


def test_a_package_twice_is_two_conditions_and_a_channel_twice_is_one() -> None:
    file = read("channels: [a, b, a/]\ndependencies: [numpy, NumPy, numpy>=1]\n")

    assert (file.channels, file.specs) == (("a", "b"), ("numpy", "numpy>=1"))
    assert file.at("numpy>=1") == "conda.yml:2"


@given(some.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    with contextlib.suppress(CondaFileError):
        read(text)


@given(some.text(alphabet="numpy=<>!~., |[]'\"*:123", max_size=30))
def test_any_spec_is_judged_and_normalised_without_a_crash(spec: str) -> None:
    check_spec(spec)
    assert normalise(normalise(spec)) == normalise(spec)


def test_a_channel_in_brackets_is_one_before_the_name() -> None:
    assert normalise("numpy[channel=forge, version='>=1']") == normalise('forge::numpy[version=">=1"]')
    assert normalise("numpy >1 [channel=forge]") == "forge::numpy>1"


VERSIONS = some.from_regex(r"(>=|<=|==|!=|<|>|=|~=|)[0-9]{1,2}(\.[0-9]{1,2}){1,2}(\.\*)?", fullmatch=True)
BUILDS = some.from_regex(r"( \*?py3[0-9]_[0-9]|=h[0-9a-f]{4}_[0-9]|)", fullmatch=True)
RECORDS = [
    PackageRecord("numpy", version, BuildString(build), 0, "linux-64")
    for version in ("1.2", "1.26.4", "2.0", "10.10.10")
    for build in ("py31_1", "h00ff_0")
]


@given(
    some.lists(VERSIONS, min_size=1, max_size=3),
    some.sampled_from(",|"),
    BUILDS,
    some.sampled_from(["numpy ", "numpy"]),
)
def test_what_both_accept_means_the_same_to_rattler_as_it_was_written(
    versions: list[str], mark: str, build: str, start: str
) -> None:
    spec = f"numpy{start}{mark.join(versions)}{build}"
    try:
        written = MatchSpec(spec)
    except InvalidMatchSpecError:
        return
    if check_spec(spec):
        return
    kept = MatchSpec(normalise(spec))

    assert [kept.matches(record) for record in RECORDS] == [written.matches(record) for record in RECORDS]


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("numpy-1.24", 'did you mean "numpy=1.24"?'),
        ("numpy=v1.2", 'did you mean "numpy=1.2"?'),
        ("numpy=1.2-1.4", 'did you mean "numpy>=1.2,<=1.4"?'),
        ("pyhton=3.10", 'did you mean "python=3.10"?'),
        ("pnadas", 'did you mean "pandas"?'),
        ("python3.10", 'did you mean "python=3.10"?'),
        ("sklearn=1.3", 'conda\'s is called "scikit-learn"'),
        ("torch", 'conda\'s is called "pytorch"'),
        ("vs2015_runtime=14.27", "a package of Windows, and images are for linux-64"),
        ("m2w64-gcc-libs", "a package of Windows"),
    ],
)
def test_what_is_probably_another_package_is_warned_of(line: str, told: str) -> None:
    (warned,) = read(f"dependencies:\n- python\n- {line}\n").told

    assert warned.why.startswith("conda.yml:3: ")
    assert told in warned.why


@pytest.mark.parametrize(
    "text",
    [
        "channels:\n- nodefaults # as conda has it\n- conda-forge\ndependencies: [python]\n",
        "dependencies:\n- numpy=1.26\n- numpy=1.26.4\n- numpy>=1\n",
        "dependencies:\n- python-dateutil\n- r-base\n- font-ttf-dejavu\n- libopenblas\n",
    ],
)
def test_what_conda_has_words_of_its_own_for_is_no_slip(text: str) -> None:
    assert read(text).told == ()
