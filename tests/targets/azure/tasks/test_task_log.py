"""Source and log of a run, by links that nobody may see."""

from __future__ import annotations

import contextlib
import gzip
import io
import itertools
import logging
from collections.abc import Callable, Iterator

import pytest

from aciml.core.errors import Cancelled, OutageError, UserError
from aciml.core.progress import Silent
from aciml.targets.azure.tasks.blob_link import LARGEST, BlobLink, LinkRefusedError
from aciml.targets.azure.tasks.builder import packed
from aciml.targets.azure.tasks.log import TaskLog
from tests.heard import Heard
from tests.targets.azure.storage import SIGNATURE, Storage, running_storage


@pytest.fixture
def storage() -> Iterator[Storage]:
    with running_storage() as running:
        yield running


@pytest.fixture
def open_link(storage: Storage) -> Iterator[Callable[[], BlobLink]]:
    with contextlib.ExitStack() as opened:
        yield lambda: opened.enter_context(BlobLink(storage.url, None, wait=lambda _: None))


@pytest.fixture
def link(open_link: Callable[[], BlobLink]) -> BlobLink:
    return open_link()


def test_the_source_is_packed_to_the_same_bytes_each_time() -> None:
    tar = bytes(range(256)) * 9000

    def made() -> bytes:
        with packed(io.BytesIO(tar), Silent()) as (archive, size):
            content = archive.read()
        assert len(content) == size
        return content

    assert made() == made()
    assert gzip.decompress(made()) == tar


def test_an_upload_is_one_block_blob_and_says_how_far_it_is(storage: Storage, link: BlobLink) -> None:
    listener, content = Heard(), bytes(3_000_000)

    link.upload(io.BytesIO(content), len(content), "uploading the steps", listener)

    assert storage.blob == content
    assert storage.heard == ["PUT"]
    assert storage.uploads[0]["x-ms-blob-type"] == "BlockBlob"
    assert listener.lines[-1] == "uploading the steps: 100 % of 3.0 MB"


@pytest.mark.parametrize("status", [429, 500, 503])
def test_an_upload_that_fails_for_now_is_sent_again_from_its_beginning(
    storage: Storage, link: BlobLink, status: int
) -> None:
    storage.answers = [status]

    link.upload(io.BytesIO(b"context"), 7, "uploading the steps", Silent())

    assert storage.blob == b"context"


def test_ctrl_c_ends_an_upload(storage: Storage, link: BlobLink) -> None:
    content = bytes(30_000_000)
    with pytest.raises(Cancelled):
        link.upload(io.BytesIO(content), len(content), "uploading", Heard("uploading: 5 %"))

    assert storage.blob is None


def test_a_source_larger_than_one_request_is_refused_before_it_is_sent(storage: Storage, link: BlobLink) -> None:
    with pytest.raises(
        UserError, match=r"more than the 5000 MiB that 127.0.0.1 takes; name what the steps do not need"
    ):
        link.upload(io.BytesIO(b""), LARGEST + 1, "uploading the steps", Silent())

    assert storage.heard == []


@pytest.mark.parametrize("statuses", [[403], [400], [503] * 4])
def test_no_message_and_no_log_line_has_the_signature(
    storage: Storage, link: BlobLink, statuses: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    storage.answers = list(statuses)
    with caplog.at_level(logging.DEBUG), pytest.raises(OutageError) as caught:
        link.upload(io.BytesIO(b"context"), 7, "uploading the steps", Silent())

    assert str(caught.value).startswith(f"uploading the steps: 127.0.0.1 answered {statuses[0]}")
    assert caught.value.__cause__ is caught.value.__context__ is None
    assert "sig=..." in caplog.text
    assert SIGNATURE not in caplog.text + str(caught.value) + repr(link)


def test_a_storage_that_is_not_there_is_named_without_the_signature() -> None:
    with running_storage() as gone:
        url = gone.url
    with (
        BlobLink(url, None, wait=lambda _: None) as dead,
        pytest.raises(OutageError, match=r"127.0.0.1 cannot") as caught,
    ):
        dead.facts()

    assert SIGNATURE not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None


def test_a_log_is_first_not_there_then_grows_by_whole_lines_until_it_is_complete(
    storage: Storage, open_link: Callable[[], BlobLink]
) -> None:
    log = TaskLog(open_link)
    assert log.read() == []

    storage.grow("Step 1/2 : FROM base\r\nStep 2")
    assert log.read() == ["Step 1/2 : FROM base"]
    assert log.read() == []

    storage.grow("/2 : RUN true\r\nno end")
    storage.metadata["Complete"] = "successful"
    assert not log.complete
    assert log.read() == ["Step 2/2 : RUN true", "no end"]
    assert log.complete


def test_a_character_cut_in_two_by_the_end_of_a_range_is_read_whole(
    storage: Storage, open_link: Callable[[], BlobLink]
) -> None:
    log = TaskLog(open_link)
    storage.blob = "grün\n".encode()[:3]
    assert log.read() == []

    storage.blob = "grün\n".encode()
    assert log.read() == ["grün"]


def test_a_long_log_is_read_in_ranges(storage: Storage, open_link: Callable[[], BlobLink]) -> None:
    log, line = TaskLog(open_link), "x" * 99
    storage.grow(f"{line}\r\n" * 30_000)

    assert log.read() == [line] * 30_000
    assert storage.heard.count("GET") == 3


def test_a_link_that_ran_out_is_replaced_once(storage: Storage, open_link: Callable[[], BlobLink]) -> None:
    links = itertools.count()
    log = TaskLog(lambda: (next(links), open_link())[1])
    storage.grow("one\n")
    assert log.read() == ["one"]

    storage.answers = [403]
    storage.grow("two\n")
    assert log.read() == ["two"]
    assert next(links) == 2

    storage.answers = [403, 403]
    with pytest.raises(LinkRefusedError, match=r"looking at a log: 127.0.0.1 answered 403 Emulated"):
        log.read()
