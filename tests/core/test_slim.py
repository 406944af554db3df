"""What slim leaves out of packages, and what it never does."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core import slim
from aciml.core.layer import Entry
from aciml.core.slim import COMPILING, RULES, leave_out, rule_of

SITE = "lib/python3.11/site-packages"


@pytest.mark.parametrize(
    ("path", "rule"),
    [
        ("lib/libz.a", "static libraries"),
        (f"{SITE}/numpy/random/lib/libnpyrandom.a", "static libraries"),
        ("lib/python3.11/config-3.11-x86_64-linux-gnu/libpython3.11.a", "static libraries"),
        ("include/zlib.h", "headers"),
        (f"{SITE}/pyarrow/include/arrow/api.h", "headers"),
        ("lib/cmake/zlib/zlib.cmake", "headers"),
        ("lib/pkgconfig/zlib.pc", "headers"),
        (f"{SITE}/pandas/tests/__pycache__/test_api.cpython-311.pyc", "tests"),
        (f"{SITE}/scipy/linalg/tests/data/x.npz", "tests"),
        ("lib/python3.11/test/test_os.py", "tests of Python"),
        ("share/doc/zlib/README", "documentation"),
        ("share/man/man1/xz.1", "documentation"),
    ],
)
def test_what_no_program_loads_goes_with_a_reason(path: str, rule: str) -> None:
    found = rule_of(path)

    assert found is not None
    assert found.name == rule
    assert found.why


@pytest.mark.parametrize(
    "path",
    [
        "lib/libz.so.1",
        f"{SITE}/numpy/__init__.py",
        f"{SITE}/numpy/testing/__init__.py",  # numpy.testing is what users import
        f"{SITE}/django/test/client.py",
        f"{SITE}/tests/__init__.py",  # a package that is called tests
        f"{SITE}/tests.py",
        f"{SITE}/torch/include/torch/extension.h",  # torch.compile compiles against it
        f"{SITE}/triton/backends/nvidia/include/cuda.h",
        f"{SITE}/skimage/__init__.pyi",  # lazy_loader reads stubs when a package is imported
        f"{SITE}/numpy-1.26.4.dist-info/LICENSE.txt",
        "include/python3.11/pyconfig.h",
        "share/doc/zlib/LICENSE",
        "share/licenses/x/COPYING",
        "share/zoneinfo/UTC",
        "conda-meta/zlib-1.3-0.json",
    ],
)
def test_what_a_program_may_load_stays(path: str) -> None:
    assert rule_of(path) is None


def test_each_rule_has_a_name_of_its_own_and_a_reason() -> None:
    assert len({rule.name for rule in RULES}) == len(RULES)
    assert all(rule.why for rule in RULES)
    assert len(set(COMPILING)) == len(COMPILING)


@given(st.sampled_from(COMPILING), st.sampled_from(["x.h", "include/x.h", "lib/x.a", "y/include/x.cuh"]))
def test_a_package_that_compiles_when_it_runs_keeps_what_a_compiler_reads(name: str, path: str) -> None:
    assert rule_of(f"{SITE}/{name}/{path}") is None


@pytest.mark.parametrize(
    ("source", "folders"),
    [
        ("from scipy.special.tests.test_x import f", {"scipy/special/tests"}),
        ("import pkg.tests", {"pkg/tests"}),
        ("import pkg.tests.support as s", {"pkg/tests"}),
        ("from pkg import io, tests", {"pkg/tests"}),
        ("from .tests import helpers", {"pkg/sub/tests"}),
        ("from . import tests", {"pkg/sub/tests"}),
        ("from .. import (\n    io,\n    tests,\n)", {"pkg/tests"}),
        ("def f():\n    from ..other.tests import g", {"pkg/other/tests"}),
        ('"""\nfrom the same distribution; they differ from the tests below\n"""', set[str]()),
        ("from pkg.testing import tests_of", set[str]()),
        ("import tests", set[str]()),
        ("x = 1  # import tests", set[str]()),
    ],
)
def test_the_tests_that_code_imports_are_found(source: str, folders: set[str]) -> None:
    found = slim.tests_imported(f"{SITE}/pkg/sub/module.py", source.encode())

    assert found == {f"{SITE}/{one}" for one in folders}


def entry(path: str, text: str = "x") -> Entry:
    return Entry.of_bytes(f"root/{SITE}/{path}", text.encode())


def test_tests_that_are_imported_stay_with_what_they_import_and_the_others_go() -> None:
    every = [
        entry("pkg/__init__.py", "from pkg.a.tests import helpers"),
        entry("pkg/a/tests/helpers.py", "from pkg.b.tests.more import f"),
        entry("pkg/b/tests/more.py"),
        entry("pkg/c/tests/test_c.py", "12345"),
        entry("pkg/c/tests/data.bin", "123"),
    ]

    kept, saved = leave_out(every, "root/")

    assert [one.path for one in kept] == [one.path for one in every[:3]]
    assert saved == {"tests": 8}


def test_code_is_read_only_if_there_are_tests_to_go() -> None:
    def refuse() -> object:
        raise AssertionError

    code = Entry(f"{SITE}/pkg/__init__.py", size=5, open=refuse)  # type: ignore[arg-type]

    assert leave_out([code]) == ([code], {})


@given(st.lists(st.sampled_from(["a.py", "tests/b.py", "include/c.h", "d.a", "e.so"]), unique=True))
def test_nothing_is_lost_or_counted_twice(names: list[str]) -> None:
    every = [entry(f"pkg/{name}", name) for name in names]
    kept, saved = leave_out(every, "root/")

    assert sum(one.size for one in kept) + sum(saved.values()) == sum(one.size for one in every)
    assert leave_out(kept, "root/") == (kept, {})
