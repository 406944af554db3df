"""Names of repositories, judged before anything is asked or made."""

from __future__ import annotations

import pytest

from aciml.model import environment, service
from aciml.model.shape import shape_findings


@pytest.mark.parametrize("fields", [environment.FIELDS, service.FIELDS])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("Team/App", "; did you mean team/app?"),
        ("team/App_1", "; did you mean team/app_1?"),
        ("team//app", "is not a repository name; use lower case"),
        ("-app", "begin and end with a letter or digit"),
        ("app/", "begin and end with a letter or digit"),
        ("", "is not a repository name"),
        ("a" * 256, "has 256 characters; 255 are allowed"),
    ],
)
def test_a_name_that_no_registry_takes_is_refused_at_check(fields: dict[str, object], name: str, told: str) -> None:
    found = [one for one in shape_findings({"repository": name}, fields) if one.where == "repository"]  # type: ignore[arg-type]

    assert len(found) == 1
    assert found[0].why.startswith("repository ")
    assert told in found[0].why


@pytest.mark.parametrize("name", ["app", "azureml/environment", "a.b/c__d/e-f", "a" * 255])
def test_a_good_name_stays(name: str) -> None:
    assert [one for one in shape_findings({"repository": name}, environment.FIELDS) if one.where == "repository"] == []
