"""What a reviewer reads of a preview, by the real CLI: files and packages by name, what each change costs, no hash."""

from __future__ import annotations

import re

import pytest

from aciml.review.markdown import comment_of
from aciml.review.posting import GITHUB_LIMIT
from aciml.review.preview import read_preview
from tests.e2e.program import SCORE, Program, needs_the_cli

pytestmark = [pytest.mark.e2e, needs_the_cli]


def three(*, svc: str = "", name: str = "svc") -> str:
    """Write a program of three components, with arguments of its service."""
    return f"""
registry = aciml.Registry("reg", aciml.RegistryArgs(name="reg"))
environment = aciml.EnvironmentImage(
    "env",
    aciml.EnvironmentImageArgs(
        login_server=REGISTRY, base_image=BASE, glibc="2.31", packages=aciml.PackagesArgs(server_requirements=False)
    ),
)
service = aciml.ScoringService(
    "svc",
    aciml.ScoringServiceArgs(
        login_server=REGISTRY, environment_image=environment.image, source_directory="src", name="{name}", {svc}
    ),
)
for name in ("location", "primary_key", "secondary_key", "scoring_uri", "fqdn", "ip", "state", "image_digest"):
    pulumi.export(name, getattr(service, name))
"""


@pytest.fixture(scope="module")
def up(lasting: Program) -> Program:
    """A stack that is up; the tests look at what a preview says of it, and change nothing that was made."""
    (lasting.folder / "src/helper.py").write_text("ONE = 1\n")
    lasting.write(three())
    lasting.up().check_ok()
    return lasting


def test_an_unchanged_preview_shows_nothing_as_unknown(up: Program) -> None:
    said = up.pulumi("preview", "--diff", "--expect-no-changes").check_ok().text

    assert "unknown" not in said


def test_a_preview_names_files_and_what_each_change_costs(up: Program) -> None:
    source = up.folder / "src"
    (source / "helper.py").unlink()
    (source / "score.py").write_text(f"{SCORE}# better\n")
    (source / "more.py").write_text("TWO = 2\n")
    up.write(three(svc="cpu_cores=2"))
    try:
        diff = up.pulumi("preview", "--diff").check_ok().text
        digest = up.pulumi("preview", "--json").check_ok().text
    finally:
        (source / "more.py").unlink()
        (source / "score.py").write_text(SCORE)
        (source / "helper.py").write_text("ONE = 1\n")

    squeezed = " ".join(diff.split())
    assert re.search(r'- helper\.py: "\w{12}" \+ more\.py ?: "\w{12}" ~ score\.py ?: "\w{12}" => "\w{12}"', squeezed)
    assert "sourceHash" not in diff
    assert "what it costs: a restart: the new container is proven beside the old one" in diff
    assert "source: - helper.py, + more.py, ~ score.py" in diff
    assert "size of the image: " in diff
    comment = comment_of(read_preview(digest, "preview.json"), GITHUB_LIMIT)
    assert "`-helper.py`, `+more.py`, `score.py`" in comment
    assert "### Preview of `scoring/here`: 2 to update" in comment


def test_a_replacement_is_shown_as_one_though_something_else_is_unknown(up: Program) -> None:
    up.write(
        three(name="other", svc='environment_variables={"A": later}').replace(
            "service = ",
            'late = aciml.Registry("late", aciml.RegistryArgs(name="late"))\nlater = late.login_server\nservice = ',
        )
    )

    steps = up.steps()

    assert steps["svc-group"]["op"] == "replace"
    assert steps["svc-group"]["replaceReasons"] == ["name"]
