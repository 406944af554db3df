"""What every place promises of ``Revisions.compare``; asked by the tests of each, of two revisions that they have."""

from __future__ import annotations

import pytest

from aciml.targets.revisions import NoSuchRevision, Revisions


def nothing_is_compared_where_nothing_is_copied(revisions: Revisions, old: str, new: str) -> None:
    """Ask for answers of two revisions that run, of which neither gets copies."""
    before = revisions.list()

    assert revisions.compare(old, new) is None
    # by what stands behind `--` as well, as all that is asked of revisions
    assert revisions.compare(old.partition("--")[2], new.partition("--")[2]) is None
    for wrong in ((old, "nobody"), ("nobody", new)):
        with pytest.raises(NoSuchRevision, match='there is no revision "nobody"'):
            revisions.compare(*wrong)
    assert revisions.list() == before
