"""An index over real HTTP: passwords, faults on the way, ctrl-C."""

from __future__ import annotations

import os
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from aciml.blobs.catalog import Catalog
from aciml.core.errors import Cancelled, OutageError, UserError
from aciml.core.pace import Paces
from aciml.core.pip_package import PipPackage
from aciml.core.progress import Silent
from aciml.images.tools import Tools
from aciml.pip.accounts import accounts_of
from aciml.pip.fetch import WheelGoneError, fetch
from aciml.pip.known import recall, remember, text_of
from aciml.pip.resolve import resolve
from aciml.pip.uv import failure
from aciml.settings import Settings
from aciml.targets.memory import MemoryTarget
from tests.pip.index import Index
from tests.pip.wheels import layers_of, make_wheel, package_of, wheels_of
from tests.registry.test_strange import answering, says

Resolver = Callable[..., tuple[PipPackage, ...]]


class Stopped(Silent):
    """Cancelled once the event is set."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event

    def checkpoint(self) -> None:
        if self.event.is_set():
            raise Cancelled


def asked(*lines: str, folder: Path, progress: Silent | None = None) -> tuple[PipPackage, ...]:
    return resolve(
        lines,
        conda={},
        python_version="3.11.9",
        glibc="2.36",
        folder=folder,
        settings=Settings(folder / "cache"),
        progress=progress or Silent(),
    )


def got(packages: tuple[PipPackage, ...], folder: Path, pauses: list[float] | None = None) -> list[Path]:
    noted = [] if pauses is None else pauses
    return fetch(packages, settings=Settings(folder / "cache"), progress=Silent(), wait=noted.append)


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_INDEX", "UV_DEFAULT_INDEX", "UV_FIND_LINKS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "none"))
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")


def test_an_index_with_a_password_is_used_and_its_password_is_kept_nowhere(
    index: Path, server: Index, home: Path, tmp_path: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = make_wheel(index, "leaf")
    server.account = "me:hu/sh"
    monkeypatch.setenv("UV_INDEX_URL", server.url.replace("://", "://me:hu%2Fsh@") + "/simple")
    packages = asked("leaf", folder=home)
    remember(catalog, packages)
    recalled = recall(catalog, [packages[0].sha256], ("leaf",), home)

    assert recalled is not None
    assert got(recalled, home)[0].read_bytes() == wheel.read_bytes()
    assert "hu" not in text_of(packages[0]) + repr(packages)
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("catalog.sqlite*"))
    assert packages[0].sha256.encode() in stored
    assert b"hu%2Fsh" not in stored
    assert b"hu/sh" not in stored


def test_a_password_in_the_url_of_a_wheel_is_kept_nowhere(index: Path, server: Index, home: Path) -> None:
    wheel = make_wheel(index, "leaf")
    server.account = "me:hush"
    url = f"{server.url}/files/{wheel.name}"
    (home / "more.txt").write_text(f"leaf @ {url.replace('://', '://me:hush@')}\n")

    packages = asked("-r more.txt", folder=home)

    assert packages[0].url == url
    assert "hush" not in text_of(packages[0])
    assert got(packages, home)


def test_variables_stand_for_passwords_and_belong_to_one_realm() -> None:
    lines = ["--index-url https://${USER_NAME}:${TOKEN}@host/simple", "leaf"]
    environ = {"USER_NAME": "me", "TOKEN": "a%20b", "UV_INDEX": "my-corp=https://corp:444/x https://open/y"}
    environ |= {"UV_INDEX_MY_CORP_USERNAME": "you", "UV_INDEX_MY_CORP_PASSWORD": "c"}

    assert accounts_of(lines, environ) == {"https://host:443": ("me", "a b"), "https://corp:444": ("you", "c")}


def test_netrc_is_read(index: Path, server: Index, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wheel(index, "leaf")
    server.account = "me:hush"
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password hush\n")
    (tmp_path / "netrc").chmod(0o600)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))

    assert got(asked(f"--index-url {server.url}/simple", "leaf", folder=home), home)


def test_a_refused_account_is_told_with_what_to_do(index: Path, server: Index, home: Path) -> None:
    make_wheel(index, "leaf")
    packages = asked(f"--index-url {server.url}/simple", "leaf", folder=home)
    server.account = "me:hush"

    with pytest.raises(WheelGoneError, match=r"answered 401.*UV_INDEX_URL"):
        got(packages, home)
    with pytest.raises(UserError, match=r"401.*UV_INDEX_URL") as raised:
        asked(f"--index-url {server.url.replace('://', '://me:wrong@')}/simple", "other", folder=home)
    assert "wrong" not in str(raised.value)


def test_an_index_that_does_not_answer_is_an_outage_and_its_password_is_not_shown(home: Path) -> None:
    with pytest.raises(OutageError) as raised:
        asked("--index-url http://user:hush@127.0.0.1:9/simple", "top", folder=home)

    assert "hush" not in str(raised.value)


@pytest.mark.parametrize(("faults", "seconds"), [([503], 0.3), ([0], 0.3), ([429, 0, 502], 1 + 1 + 3)])
def test_faults_that_pass_are_waited_for(
    index: Path, server: Index, home: Path, faults: list[int], seconds: float
) -> None:
    wheel = make_wheel(index, "leaf", files={"leaf/data": "x" * 300_000})
    packages = asked(f"--index-url {server.url}/simple", "leaf", folder=home)
    server.faults = list(faults)
    pauses: list[float] = []

    assert got(packages, home, pauses)[0].read_bytes() == wheel.read_bytes()
    assert sum(pauses) == pytest.approx(seconds)


def test_all_who_ask_a_host_keep_the_pause_that_it_asked_one_for_and_it_is_told(
    index: Path, server: Index, home: Path
) -> None:
    make_wheel(index, "leaf")
    packages = asked(f"--index-url {server.url}/simple", "leaf", folder=home)
    server.faults, server.retry_after = [429], "7"
    waits: list[float] = []
    settings = replace(Settings(home / "cache"), paces=Paces(waits.append, lambda: 0.0))
    host = urlsplit(server.url).netloc

    fetch(packages, settings=settings, progress=Silent())

    assert sum(waits) == 7
    # a registry on the same host, such as that of the base, counts with it
    tools = Tools.of(MemoryTarget(), settings)
    tools.client(host)
    told: list[str] = []
    settings.paces.tell(told.append)
    assert told == [f"{host}: 1 retry, 7 s"]
    settings.paces.tell(told.append)
    assert len(told) == 1


def test_a_host_that_asks_for_an_hour_is_not_waited_for(index: Path, server: Index, home: Path) -> None:
    make_wheel(index, "leaf")
    packages = asked(f"--index-url {server.url}/simple", "leaf", folder=home)
    server.faults, server.retry_after = [503], "3600"

    with pytest.raises(OutageError, match=r"does not give leaf\S+: it answered 503 and asks to wait 3600 s"):
        got(packages, home)


def test_faults_that_stay_are_one_outage(index: Path, server: Index, home: Path) -> None:
    make_wheel(index, "leaf")
    packages = asked(f"--index-url {server.url}/simple", "leaf", folder=home)
    server.faults = [503] * 9

    with pytest.raises(OutageError, match=r"127\.0\.0\.1 does not give leaf-1\.0\S+, asked 4 times: it answered 503"):
        got(packages, home)
    assert not [path for path in (home / "cache" / "wheels").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("place", "words"),
    [
        (
            "http://nosuch.invalid",
            "nosuch.invalid does not give a-1-py3-none-any.whl, asked 4 times: its name is not known",
        ),
        ("https://HOST", "HOST does not speak https; look at the index, which names that address"),
        (
            "http://HOST/page",
            "answered with a web page to a-1-py3-none-any.whl; look whether this network wants a login",
        ),
        ("http://HOST/circle", "does not give a-1-py3-none-any.whl: it sends every request on in a circle"),
        (
            "http://HOST/half",
            "does not give a-1-py3-none-any.whl, asked 4 times: it closed the connection in the middle",
        ),
    ],
)
def test_what_is_no_wheel_is_told_as_what_it_is(home: Path, place: str, words: str) -> None:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        if handler.path.startswith("/page"):
            says(200, b"<title>Sign in</title>", "text/html")(handler)
        elif handler.path.startswith("/circle"):
            says(302, Location=handler.path)(handler)
        else:
            says(200, b"abc", length=900)(handler)

    with answering(answer) as host:
        wheel = "a-1-py3-none-any.whl"
        expected = re.escape(words.replace("HOST", host).replace("WHEEL", wheel))
        with pytest.raises(OutageError, match=expected):
            got((PipPackage("a", "1", wheel, "0" * 64, f"{place.replace('HOST', host)}/{wheel}"),), home)


def test_a_page_without_files_is_no_reason_to_change_the_lines_alone() -> None:
    said = "Because there are no versions of a and you require a, we can conclude that they are unsatisfiable."

    assert "whether this network wants a login (a web page in the place of the index)" in failure(said).advice
    assert "login" not in failure(said.replace("of a and", "of a>9 and")).advice


def test_a_server_that_is_gone_is_one_outage(home: Path) -> None:
    package = PipPackage("a", "1", "a-1-py3-none-any.whl", "0" * 64, "http://127.0.0.1:9/a-1-py3-none-any.whl")

    with pytest.raises(OutageError, match="asked 4 times: the connection is refused; look at the network"):
        got((package,), home)


def test_other_bytes_than_pinned_are_refused(index: Path, resolver: Resolver, tmp_path: Path) -> None:
    make_wheel(index, "a")
    packages = resolver("a")
    make_wheel(index, "a", files={"a/__init__.py": "evil = True\n"})

    with pytest.raises(OutageError, match=rf"pinned: sha256 {packages[0].sha256} expected, [0-9a-f]{{64}} got"):
        got(packages, tmp_path)
    assert not list((tmp_path / "cache" / "wheels").rglob("*.whl"))


@pytest.mark.parametrize("local", [True, False])
def test_a_wheel_that_is_not_where_it_was_is_asked_for_anew_the_next_time(
    index: Path, server: Index, home: Path, catalog: Catalog, *, local: bool
) -> None:
    wheel = make_wheel(index, "leaf")
    place = f"--find-links {index}" if local else f"--index-url {server.url}/simple"
    lines = (*(("--no-index",) if local else ()), place, "leaf")
    packages = asked(*lines, folder=home)
    remember(catalog, packages)
    wheel.unlink()

    with pytest.raises(WheelGoneError, match="run the same command again"):
        layers_of(wheels_of(packages), home, catalog)
    assert recall(catalog, [packages[0].sha256], lines, home) is None


def test_uv_ends_when_the_user_stops(index: Path, server: Index, home: Path) -> None:
    make_wheel(index, "leaf")
    server.hold = threading.Event()

    with pytest.raises(Cancelled):
        asked(f"--index-url {server.url}/simple", "leaf", folder=home, progress=Stopped(server.waiting))
    assert not children()


def children() -> list[str]:
    """Return the uv processes that this one started and that still run."""
    shown = subprocess.run(["ps", "-axo", "ppid=,comm="], capture_output=True, text=True, check=True).stdout
    rows = [row.split(maxsplit=1) for row in shown.splitlines()]
    return [name for parent, name in rows if int(parent) == os.getpid() and Path(name).name == "uv"]


def kept(wheel: Path, home: Path, body: bytes) -> PipPackage:
    """Put bytes where the cache has the wheel."""
    package = package_of(wheel)
    path = home / "cache" / "wheels" / package.sha256 / wheel.name
    path.parent.mkdir(parents=True)
    path.write_bytes(body)
    return package


def test_a_kept_wheel_that_is_torn_is_fetched_again(index: Path, home: Path, catalog: Catalog) -> None:
    wheel = make_wheel(index, "leaf")
    package = kept(wheel, home, wheel.read_bytes()[:100])

    assert layers_of(wheels_of([package]), home, catalog)


def test_a_kept_wheel_that_is_damaged_is_dropped_and_fetched_the_next_time(
    index: Path, home: Path, catalog: Catalog
) -> None:
    wheel = make_wheel(index, "leaf")
    body = bytearray(wheel.read_bytes())
    body[60] ^= 1
    package = kept(wheel, home, bytes(body))

    with pytest.raises(OutageError, match=r"kept file of leaf-1\.0-py3-none-any\.whl was damaged.*fetched anew"):
        layers_of(wheels_of([package]), home, catalog)
    assert layers_of(wheels_of([package]), home, catalog)
