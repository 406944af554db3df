"""What BuildKit asks for and what it tells, without an engine; the bytes of messages are those of a real one."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aciml.core.context import FileEntry
from aciml.docker.buildkit_trace import Trace
from aciml.docker.protobuf import bytes_of, decode, encode, number_of, text_of
from aciml.docker.session import Text, send

STAT, REQUEST, DATA, FIN, ERROR = range(5)


@given(st.dictionaries(st.integers(1, 2**20), st.integers(1, 2**63) | st.binary(min_size=1)))
def test_what_is_encoded_is_decoded(fields: dict[int, int | bytes]) -> None:
    assert decode(encode(fields)) == {number: [value] for number, value in fields.items()}


@given(st.binary(max_size=40))
def test_rubbish_is_refused_or_read_and_ends(content: bytes) -> None:
    with suppress(ValueError):
        decode(content)


@pytest.mark.parametrize("cut", [b"\x0a\x05abc", b"\x80", b"\x0b", b"\x08" + b"\xff" * 11 + b"\x01"])
def test_a_message_that_is_cut_or_of_another_kind_is_refused(cut: bytes) -> None:
    with pytest.raises(ValueError, match=r"ends within|unknown kind|longer than"):
        decode(cut)


def entry(folder: Path, path: str, content: bytes = b"x", link: str = "", *, executable: bool = False) -> FileEntry:
    if not link:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return FileEntry(path, folder / path, executable, len(content), link)


class Receiver:
    """The other side: takes the list of what there is, then asks for content."""

    def __init__(self, *wanted: int) -> None:
        self._wanted = wanted

    def __iter__(self) -> Iterator[bytes]:
        yield from (encode({1: REQUEST, 3: number}) for number in self._wanted)
        yield encode({1: FIN})


def test_files_are_offered_with_their_folders_in_the_order_of_the_parts_of_their_paths(tmp_path: Path) -> None:
    entries: list[FileEntry | Text] = [
        entry(tmp_path, "a-b"),
        entry(tmp_path, "a/c/run.sh", executable=True),
        FileEntry("a/link", tmp_path / "a/link", executable=False, size=0, link="c/run.sh"),
        Text("z", b"text"),
    ]

    packets = [decode(packet) for packet in send(entries, iter(Receiver()))]

    stats = [decode(bytes_of(packet, 2)) for packet in packets if number_of(packet, 1) == STAT]
    assert [text_of(stat, 1) for stat in stats] == ["a", "a/c", "a/c/run.sh", "a/link", "a-b", "z", ""]
    assert [oct(number_of(stat, 2) & 0o777) for stat in stats[:4]] == ["0o755", "0o755", "0o755", "0o777"]
    assert number_of(stats[0], 2) >> 31 == 1
    assert number_of(stats[3], 2) >> 27 == 1
    assert text_of(stats[3], 7) == "c/run.sh"
    assert len({number_of(stat, 6) for stat in stats[:-1]}) == 1
    assert number_of(packets[-1], 1) == FIN


def test_content_comes_in_pieces_and_ends_with_an_empty_one(tmp_path: Path) -> None:
    content = bytes(range(256)) * 300
    packets = [decode(one) for one in send([entry(tmp_path, "d/f", content)], iter(Receiver(1)))]

    pieces = [bytes_of(packet, 4) for packet in packets if number_of(packet, 1) == DATA]
    assert b"".join(pieces) == content
    assert len(pieces) > 2
    assert pieces[-1] == b""


def test_a_file_that_went_away_meanwhile_is_named(tmp_path: Path) -> None:
    gone = entry(tmp_path, "gone")
    gone.source.unlink()

    *_, last = (decode(packet) for packet in send([gone], iter(Receiver(0))))

    assert number_of(last, 1) == ERROR
    assert bytes_of(last, 4) == b"gone changed or cannot be read: No such file or directory"


def aux(vertexes: list[dict[int, int | bytes | str]], logs: list[dict[int, int | bytes | str]]) -> str:
    parts = [encode({1: encode(one)}) for one in vertexes] + [encode({3: encode(one)}) for one in logs]
    return base64.b64encode(b"".join(parts)).decode()


NOW = encode({1: 1})


def test_a_trace_becomes_the_lines_that_the_docker_program_would_print() -> None:
    trace = Trace()
    run: dict[int, int | bytes | str] = {1: "sha256:a", 3: "[2/3] RUN x", 5: NOW}
    other: dict[int, int | bytes | str] = {1: "sha256:b", 3: "[3/3] RUN y", 5: NOW}

    said = [
        *trace.lines(aux([{**run, 5: b""}], [])),
        *trace.lines(aux([run, other], [{1: "sha256:a", 4: b"one\n10%\r100%\nlast w"}])),
        *trace.lines(aux([run], [{1: "sha256:a", 4: b"ords"}])),
        *trace.lines(aux([{**run, 6: NOW, 7: "exit code: 3\n more"}, {**other, 6: NOW, 7: "context canceled"}], [])),
    ]

    assert said == [
        "#1 [2/3] RUN x",
        "#2 [3/3] RUN y",
        "#1 0.0 one",
        "#1 0.0 100%",
        "#1 0.0 last words",
        "#1 ERROR: exit code: 3 more",
        "#2 CANCELED",
    ]


def test_a_message_of_docker_20_10_is_read() -> None:
    message = (
        "Gl4KR3NoYTI1Njo2ODkxYmJkNzA2YzZlNWQzZjYwMjg4MWNkNDE1MDcwZDJlZjA4NzE3MDExOGE1M2VjZmU3NDA5NzMzYWMzYTRm"
        "EgwIjqWo2AYQtKGoygMYASIDaGkK"
    )

    (log,) = decode(base64.b64decode(message))[3]

    assert isinstance(log, bytes)
    assert bytes_of(decode(log), 4) == b"hi\n"
