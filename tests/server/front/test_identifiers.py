"""Ids of requests are UUIDs as RFC 9562 has them, and none comes twice."""

from __future__ import annotations

import uuid

from aciml_server.front.identifiers import new_id


def test_new_ids_are_uuids_of_version_4_in_their_usual_form() -> None:
    ids = [new_id().decode() for _ in range(2000)]

    assert len(set(ids)) == len(ids)
    read = [uuid.UUID(one) for one in ids]
    assert [str(one) for one in read] == ids
    assert {one.version for one in read} == {4}
    assert {one.variant for one in read} == {uuid.RFC_4122}
    # each of the other digits is random: all sixteen are met at every place
    free = [place for place in range(36) if ids[0][place] != "-" and place not in (14, 19)]
    assert [place for place in free if len({one[place] for one in ids}) < 16] == []
    assert {one[19] for one in ids} == set("89ab")
