"""What a line names as a source."""

from __future__ import annotations

import pytest

from aciml.pip.source import Source, source_fault, source_of

HOST = "https://host/a/b.git"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (f"git+{HOST}", Source("git", HOST)),
        (f"git+{HOST}@v1.0", Source("git", HOST, "v1.0")),
        (f"git+{HOST}@release/2#egg=b", Source("git", HOST, "release/2", name="b")),
        (f"-e git+{HOST}@v1#egg=b[x,y]&subdirectory=py", Source("git", HOST, "v1", "py", "b", "[x,y]")),
        (f"b[x] @ git+{HOST} ; python_version < '3'", Source("git", HOST, "", "", "b", "[x]", "python_version < '3'")),
        ("git+ssh://git@host/a/b.git@main", Source("git", "ssh://git@host/a/b.git", "main")),
        ("git+https://${TOKEN}@host/a/b@v1", Source("git", "https://${TOKEN}@host/a/b", "v1")),
        ("https://host/x-1.0.tar.gz", Source("archive", "https://host/x-1.0.tar.gz")),
        ("x @ https://host/a/b/archive/main.zip", Source("archive", "https://host/a/b/archive/main.zip", name="x")),
        (f"https://host/x.zip#sha256={'A' * 64}", Source("archive", "https://host/x.zip", sha256="a" * 64)),
        (f"https://host/x.zip --hash=sha256:{'b' * 64}", Source("archive", "https://host/x.zip", sha256="b" * 64)),
        ("https://host/x-1.0-py3-none-any.whl", None),
        ("./folder", None),
        ("-e ./folder", None),
        ("six==1.16", None),
        ("--index-url https://host/simple", None),
        ("-r https://host/more.txt", None),
    ],
)
def test_a_line_names_a_source(line: str, expected: Source | None) -> None:
    assert source_of(line) == expected


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("hg+https://host/x", "only git is read"),
        ("x @ svn+https://host/x", "only git is read"),
        ("git+git@host:a/b.git", "behind git+ comes a URL"),
        ("git+ftp://host/x", "git+ftp is not known"),
        (f"git+{HOST} @v1", "a commit follows without a blank"),
        ("git+https://host", "names no repository"),
        (f"git+{HOST}", ""),
        ("six", ""),
    ],
)
def test_a_slip_in_a_source_is_told(line: str, said: str) -> None:
    fault = source_fault(line)

    assert said in fault
    assert bool(fault) == bool(said)


@pytest.mark.parametrize(
    ("line", "pinned"),
    [(f"git+{HOST}@{'a' * 40}", True), (f"git+{HOST}@abc", False), (f"git+{HOST}", False), ("https://h/x.zip", False)],
)
def test_only_a_whole_commit_stays(line: str, *, pinned: bool) -> None:
    source = source_of(line)

    assert source
    assert source.is_pinned is pinned
