"""What goes from the cache when it is too big, and what does not: with real processes."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aciml.blobs.presence import Presence, living, sweep
from aciml.blobs.prune import KINDS, OURS, Entry, Wish, choose, prune, read_entries, remove_damaged
from aciml.blobs.store import BlobStore

_PROGRAM = Path(__file__).with_name("presence_program.py")
_BUILD = """
import random, sys
from pathlib import Path
from aciml.blobs.prune import Wish, prune
from aciml.blobs.store import BlobStore
cache, seed = Path(sys.argv[1]), int(sys.argv[2])
store, chosen = BlobStore(cache / "blobs"), random.Random(seed)
mine = set()
for number in range(60):
    mine.add(store.put(chosen.randbytes(5000)))
    shared = b"shared %d" % chosen.randrange(40) * 500
    mine.add(store.put(shared))
    if number % 5 == 0:
        prune(cache, Wish(50_000))
for digest in mine:
    with store.open(digest) as blob:
        assert store.put(blob.read()) == digest
"""


class Other:
    """Another process that uses the cache."""

    def __init__(self, cache: Path) -> None:
        command = [sys.executable, str(_PROGRAM), str(cache)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environ()
        )
        self.token = self._heard()

    def ask(self, line: str) -> str:
        """Send a line and return the answer."""
        assert self.process.stdin
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        return self._heard()

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def _heard(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


def environ() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def start(cache: Path) -> Iterator[Callable[[], Other]]:
    started: list[Other] = []

    def make() -> Other:
        started.append(Other(cache))
        return started[-1]

    yield make
    for other in started:
        other.kill()


def fill(cache: Path, count: int, size: int = 1000) -> list[str]:
    """Put blobs of one size there; each was used an hour after the one before, all of them yesterday."""
    store = BlobStore(cache / "blobs")
    digests = [store.put(random.Random(number).randbytes(size)) for number in range(count)]
    for number, digest in enumerate(digests):
        age(store.path(digest), 86400 + (count - number) * 3600)
    return digests


def age(path: Path, seconds: float) -> None:
    facts = path.stat()
    os.utime(path, (facts.st_atime, facts.st_mtime - seconds))


def there(cache: Path, digests: list[str]) -> list[bool]:
    store = BlobStore(cache / "blobs")
    return [store.path(digest).exists() for digest in digests]


def test_the_least_recently_used_goes_first(cache: Path) -> None:
    digests = fill(cache, 5)
    age(BlobStore(cache / "blobs").path(digests[3]), 1e6)

    done = prune(cache, Wish(3000))

    assert there(cache, digests) == [False, True, True, False, True]
    assert (done.entries, done.size, done.left) == (2, 2000, 3000)


def test_what_this_process_used_stays_however_little_room_there_is(cache: Path) -> None:
    digests = fill(cache, 4)
    store = BlobStore(cache / "blobs")
    assert store.has(digests[1])

    done = prune(cache, Wish(0))

    assert there(cache, digests) == [False, True, False, False]
    assert done.busy == 1000


def test_a_clean_up_that_needs_nothing_itself_can_take_everything(cache: Path) -> None:
    digests = fill(cache, 3)
    presence = Presence.of(cache)

    prune(cache, Wish(everything=True), mine=presence.token)

    assert there(cache, digests) == [False, False, False]


def test_what_another_process_used_stays_until_it_ends(cache: Path, start: Callable[[], Other]) -> None:
    digests = fill(cache, 3)
    other = start()
    assert other.ask(f"use {digests[0]}") == "True"

    prune(cache, Wish(0))
    assert there(cache, digests) == [True, False, False]

    other.kill()
    age(BlobStore(cache / "blobs").path(digests[0]), 3600)
    prune(cache, Wish(0))
    assert there(cache, digests) == [False, False, False]


def test_a_process_that_came_later_protects_only_what_it_used(cache: Path, start: Callable[[], Other]) -> None:
    digests = fill(cache, 3)
    start()

    prune(cache, Wish(1000))

    assert there(cache, digests) == [False, False, True]


def test_a_blob_that_went_is_not_said_to_be_there(cache: Path, start: Callable[[], Other]) -> None:
    digests = fill(cache, 1)
    other = start()
    prune(cache, Wish(0))

    assert other.ask(f"use {digests[0]}") == "False"


def test_the_dead_are_forgotten_and_what_they_left_is_swept(cache: Path, start: Callable[[], Other]) -> None:
    one, two = start(), start()
    assert one.ask("write half a blob") == "writing"
    assert two.ask("write another half") == "writing"
    assert {one.token, two.token} <= living(cache).keys()
    one.kill()

    sweep(cache)

    left = [path.name for path in (cache / "blobs/sha256").iterdir()]
    assert [name.partition(".")[0] for name in left] == [""]
    assert all(two.token in name for name in left)
    assert one.token not in living(cache)
    assert [path.name for path in (cache / "processes").iterdir() if path.name == one.token] == []


def test_staging_folders_of_the_dead_are_swept_whoever_has_their_number_now(cache: Path) -> None:
    presence = Presence.of(cache)
    mine = presence.new_folder(cache / "staging")
    stale = cache / "staging" / f"{os.getpid()}-0123456789ab.rest"
    (stale / "deep").mkdir(parents=True)

    sweep(cache)

    assert sorted((cache / "staging").iterdir()) == [mine]


def test_ages_are_obeyed(cache: Path) -> None:
    digests = fill(cache, 3)
    age(BlobStore(cache / "blobs").path(digests[0]), 86400 * 40)

    prune(cache, Wish(age=86400 * 30))

    assert there(cache, digests) == [False, True, True]


def test_packages_and_wheels_go_whole_and_small_things_stay(cache: Path) -> None:
    for folder in ("pkgs/old-1-0/info", "pkgs/new-1-0/info", f"wheels/{'0' * 64}", "records", "repodata"):
        (cache / folder).mkdir(parents=True)
        (cache / folder / f"{'0' * 64}.json").write_bytes(bytes(1000))
    for name in ("old-1-0", "new-1-0"):
        (cache / f"pkgs/{name}.lock").write_text("")
    (cache / "pkgs/.cache.lock").write_text("")
    for entry in read_entries(cache):
        age(entry.path, 86400 if "new" in entry.path.name else 864000)

    presence = Presence.of(cache)
    prune(cache, Wish(3000), mine=presence.token)

    assert sorted(path.name for path in (cache / "pkgs").iterdir()) == [".cache.lock", "new-1-0", "new-1-0.lock"]
    assert not list((cache / "wheels").iterdir())
    assert [(entry.kind, entry.size) for entry in read_entries(cache) if entry.kind not in OURS] == [
        ("records", 1000),
        ("channel data", 1000),
    ]
    assert not list((cache / "staging").iterdir())


def test_what_a_stranger_has_in_the_folder_stays(cache: Path) -> None:
    """ACIML_CACHE is a folder that somebody uses for other things, too: a home, or where conda is installed."""
    theirs = [
        "wheels/mine-1-py3-none-any.whl", "wheels/project/a.whl", "records/jazz.json", "records/1999/a.txt",
        "blobs/sha256/notes", "blobs/other", "staging/www/index.html", "staging/1-2/x", "thesis.txt",
        "pkgs/urls.txt", "pkgs/numpy-1-0/info/index.json", "pkgs/.trash/x", "pkgs/numpy-1-0.lock",
        "pkgs/gone-1-0.lock",
    ]  # fmt: skip
    for one in theirs:
        (cache / one).parent.mkdir(parents=True, exist_ok=True)
        (cache / one).write_text("mine")
    for path in cache.rglob("*"):
        age(path, 1e7)
    (ours,) = fill(cache, 1)

    done = prune(cache, Wish(everything=True))

    assert (done.entries, there(cache, [ours])) == (1, [False])
    assert [one for one in theirs if not (cache / one).exists()] == []


def test_files_of_libraries_stay_while_anybody_is_at_work(cache: Path, start: Callable[[], Other]) -> None:
    (cache / "repodata").mkdir(parents=True)
    (cache / "repodata/one.json").write_text("{}")
    age(cache / "repodata/one.json", 1e6)
    other = start()
    prune(cache, Wish(everything=True))
    assert (cache / "repodata/one.json").exists()

    other.kill()
    presence = Presence.of(cache)
    prune(cache, Wish(everything=True), mine=presence.token)
    assert not (cache / "repodata/one.json").exists()


def test_several_processes_build_and_prune_at_once(cache: Path) -> None:
    """Each keeps what it used, though all together have far more than is allowed."""
    command = [sys.executable, "-c", _BUILD, str(cache)]
    running = [
        subprocess.Popen([*command, str(seed)], env=environ(), stderr=subprocess.PIPE, text=True) for seed in range(3)
    ]
    said = [process.communicate()[1] for process in running]

    assert [process.returncode for process in running] == [0, 0, 0], said
    prune(cache, Wish(50_000))
    assert sum(entry.size for entry in read_entries(cache)) <= 50_000
    assert not list((cache / "staging").iterdir())


def test_an_empty_cache_is_fine(cache: Path) -> None:
    assert prune(cache, Wish(0)).entries == 0
    remove_damaged(cache, cache / "blobs/sha256/none")
    assert read_entries(cache) == []
    assert living(cache).keys() <= {Presence.of(cache).token}


entries = st.lists(
    st.builds(
        Entry,
        st.sampled_from(sorted(KINDS)),
        st.integers(0, 10**6).map(lambda number: Path(str(number))),
        st.integers(0, 1000),
        st.floats(0, 1000),
    ),
    max_size=30,
    unique_by=lambda entry: entry.path,
)


@given(entries, st.none() | st.integers(0, 20_000), st.none() | st.floats(0, 1000), st.lists(st.floats(0, 1000)))
@settings(deadline=None)
def test_a_choice_takes_enough_and_nothing_that_is_needed(
    found: list[Entry], size: int | None, older: float | None, others: list[float]
) -> None:
    found.sort(key=lambda entry: entry.used)
    gone = choose(found, Wish(size, older), others, 1000)

    assert all(entry.used < began for entry in gone for began in others)
    left = [entry for entry in found if entry not in gone]
    removable = [e for e in left if e.kind in OURS and all(e.used < began for began in others)]
    if size is not None:
        assert sum(entry.size for entry in left) <= size or not removable
    for entry in gone:
        if older is None or 1000 - entry.used <= older:  # it went for its size: none that was older could stay
            assert all(other.used >= entry.used for other in removable)
