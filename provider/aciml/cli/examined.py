"""What ``aciml doctor`` looks at on this machine and in the network; each look asks one thing and says what to do."""

from __future__ import annotations

import email.utils
import os
import re
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from .. import __version__
from ..core.errors import AcimlError
from ..core.health import Line, State
from ..settings import Settings

if TYPE_CHECKING:
    from docker import DockerClient

OLDEST_PULUMI = (3, 257, 0)
"""The oldest that is promised, see README."""
_ROOM = 5_000_000_000
"""Bytes that a build of a few big packages may need beside the cache."""
_SKEW = 300.0
"""Seconds that logins allow a clock to be wrong (RFC 7519, 4.1.4: "usually no more than a few minutes")."""
_TIMEOUT = (4.0, 6.0)
"""Seconds to connect, and to the first byte."""


Look = Callable[[], list[Line]]


@dataclass(frozen=True)
class Subject:
    """What is looked at: the machine, and what the images of a stack are made of."""

    settings: Settings
    channels: tuple[str, ...] = ("conda-forge",)
    registries: tuple[str, ...] = ("docker.io",)
    needs_docker: bool = True
    plugin_folder: str = ""
    """Where Pulumi.yaml says that the plugin is, if it does."""


def python() -> list[Line]:
    """Say which Python runs this; pip installs the package on none that is too old (``requires-python``)."""
    version = ".".join(map(str, sys.version_info[:3]))
    return [Line("Python", State.OK, f"{version} ({sys.executable})")]


def aciml() -> list[Line]:
    """Say which version this is, and where it lies."""
    return [Line("aciml", State.OK, f"{__version__} ({Path(__file__).resolve().parents[1]})")]


def plugin(subject: Subject) -> list[Line]:
    """Look for the plugin where the engine looks: what Pulumi.yaml names, else on PATH."""
    # the name by which the engine looks for a plugin (Pulumi, "pulumi-resource-NAME" on PATH)
    name = "pulumi-resource-aciml"
    if subject.plugin_folder:
        # PulumiPlugin.yaml makes a folder one that the engine can start
        there = Path(subject.plugin_folder, "PulumiPlugin.yaml").is_file()
        advice = "" if there else "mend plugins.providers in Pulumi.yaml"
        return [Line("plugin", State.OK if there else State.BROKEN, subject.plugin_folder, advice)]
    found = shutil.which(name)
    if found is None:
        advice = f"activate the environment that has aciml: . {Path(sys.prefix, 'bin', 'activate')}"
        return [Line("plugin", State.BROKEN, f"{name} is not on PATH", advice)]
    # another one would be another version than the program's, and than this command's
    if Path(found).parent.resolve() != Path(sys.executable).parent.resolve() and not _is_ours(Path(found)):
        return [Line("plugin", State.WARNING, f"{found} is of another environment than {sys.executable}", "use one")]
    return [Line("plugin", State.OK, found)]


def _is_ours(path: Path) -> bool:
    """Tell whether a script of pip's begins with our own Python."""
    # pip writes the interpreter into the first line, or into a launcher behind it on Windows
    with path.open("rb") as file:
        return sys.executable.encode() in file.read(4096)


def pulumi() -> list[Line]:
    """Look at the CLI and at its login."""
    where = shutil.which("pulumi")
    if where is None:
        return [Line("Pulumi", State.BROKEN, "is not on PATH", "install it: https://www.pulumi.com/docs/install/")]
    found = _output([where, "version"])
    if found is None:
        return [Line("Pulumi", State.BROKEN, f"{where} does not answer", "install it again")]
    # the numbers alone: v3.150.0-dev says the same
    numbers, oldest = tuple(map(int, re.findall(r"\d+", found)[:3])), ".".join(map(str, OLDEST_PULUMI))
    if numbers and numbers < OLDEST_PULUMI:
        return [Line("Pulumi", State.BROKEN, f"{found} ({where})", f"use {oldest} or newer")]
    lines = [Line("Pulumi", State.OK, f"{found} ({where})")]
    if not numbers:
        # one that was built by hand prints an empty line, or a word
        said = f'says "{found}" as its version' if found else "does not say which version it is"
        lines = [Line("Pulumi", State.WARNING, f"{where} {said}", f"make sure that it is {oldest} or newer")]
    # apart from the version: a CLI without a login works for all that needs no state
    user = _output([where, "whoami", "--non-interactive"])
    advice = "" if user else "pulumi login, or set PULUMI_BACKEND_URL and PULUMI_ACCESS_TOKEN"
    lines.append(Line("Pulumi login", State.OK if user else State.WARNING, user or "there is none", advice))
    return lines


def _output(words: list[str]) -> str | None:
    """Return the first line that a program prints; None if it does not run, or fails."""
    try:
        # 10 s: the CLI asks for a newer version of itself before it answers
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=10.0)
    except (OSError, subprocess.SubprocessError):
        return None
    return next(iter(done.stdout.strip().splitlines()), "")


# by the plugin's own function, so that contexts, DOCKER_HOST and Podman's socket are found alike
def docker(subject: Subject) -> list[Line]:
    """Look for an engine as a build does."""
    from ..docker.engine import connect
    from ..docker.podman import is_podman

    try:
        engine = connect(patience=4.0)
    except AcimlError as error:
        # without steps and with the target azure nobody needs an engine
        state = State.BROKEN if subject.needs_docker else State.WARNING
        advice = error.advice if subject.needs_docker else "extra steps run in the cloud without it"
        return [Line("Docker", state, error.message, advice)]
    with closing(engine):
        podman = is_podman(engine)
        lines = [Line("Podman" if podman else "Docker", State.OK, f"{engine.version().get('Version', '')} answers")]
        return [*lines, *_doors(engine, wanted=subject.settings.door and not podman)]


def _doors(engine: DockerClient, *, wanted: bool) -> list[Line]:
    """Name the doors of services here: people find containers in `docker ps` that no program of theirs declares."""
    from ..targets.local.observed import doors_of

    found = doors_of(engine)
    down = [one for one in found if one.state != "Running"]
    # a door that is down keeps all requests away, and the service behind it may be well
    lines = [
        Line("door", State.WARNING, f"{one.name} is {one.detail}: its service is not reached", "pulumi up starts it")
        for one in down
    ]
    if up := [one.name for one in found if one not in down]:
        services = "a service" if len(up) == 1 else f"{len(up)} services"
        lines.append(Line("doors", State.OK, f"in front of {services}: {', '.join(up)}"))
    # a fact and no fault: who has switched doors off knows of the gap
    if not found and not wanted:
        lines.append(Line("doors", State.OK, "none are made here: an update of a service has a gap of a second or two"))
    return lines


def cache(settings: Settings) -> list[Line]:
    """Look whether the cache can be written to, and how much room its disk has."""
    folder = settings.cache
    try:
        # a folder that is not there yet is made, as a build would make it
        folder.mkdir(parents=True, exist_ok=True)
        # by writing: rights, quotas and read-only mounts are all of one answer
        with tempfile.NamedTemporaryFile(dir=folder):
            pass
        free = shutil.disk_usage(folder).free
    except OSError as error:
        return [Line("cache", State.BROKEN, f"{folder}: {error.strerror}", "name another folder by ACIML_CACHE")]
    # a cache that may grow without a limit is decided by the user, and told
    limit = "no limit" if settings.cache_size is None else f"limit {settings.cache_size / 1e9:.0f} GB"
    found = f"{folder} can be written to, {limit}; {free / 1e9:.1f} GB of the disk are free"
    if free < _ROOM:
        return [Line("cache", State.WARNING, found, "aciml cache prune, or name another disk by ACIML_CACHE")]
    return [Line("cache", State.OK, found)]


def bundle(settings: Settings) -> list[Line]:
    """Look whether the certificates that are to be trusted can be read."""
    if settings.ca_bundle is None:
        return [Line("CA bundle", State.OK, "none is named; those of the system count")]
    try:
        # a bare context, or the system's own authorities would be counted along
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cafile=str(settings.ca_bundle))
    except OSError as error:
        advice = "mend SSL_CERT_FILE, or aciml:caBundle"
        return [Line("CA bundle", State.BROKEN, f"{settings.ca_bundle}: {error.strerror or error}", advice)]
    return [Line("CA bundle", State.OK, f"{settings.ca_bundle}: {len(context.get_ca_certs())} authorities")]


def proxies(environ: Mapping[str, str] = os.environ) -> list[Line]:
    """Say which proxies are used, without the passwords in them."""
    names = ("HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "NO_PROXY", "no_proxy")
    # a proxy's URL may have an account in it, and this list is pasted into reports
    said = [f"{name}={re.sub(r'//[^/@]*@', '//***@', environ[name])}" for name in names if environ.get(name)]
    return [Line("proxy", State.OK, ", ".join(said))] if said else []


def mirrors(settings: Settings) -> list[Line]:
    """Say how many mirrors this machine has; each is asked where it takes the place of something."""
    found = {"channels": settings.channels, "registries": settings.registries, "wheels": settings.wheels}
    # names without accounts: they are pasted, too
    said = [f"{what}: {', '.join(map(_bare, map(str, table)))}" for what, table in found.items() if table]
    return [Line("mirrors", State.OK, "; ".join(said) or "none")]


def channel(name: str, settings: Settings) -> list[Line]:
    """Ask a channel, or its mirror, for what every channel has.

    Raises:
        UserError: its URL speaks of a variable that is not set.
    """
    from ..conda.channels import channel_name, channel_url, with_accounts

    settings = with_accounts(settings, [name], os.environ)
    url, title = channel_url(name, settings), f"channel {channel_name(name)}"
    if url.startswith("file:"):
        # conda takes a folder for a channel if one of its platforms is there
        place = Path(urlsplit(url).path)
        there = (place / "noarch").is_dir() or (place / "linux-64").is_dir()
        advice = "" if there else "mend the mirrors file (ACIML_MIRRORS)"
        return [Line(title, State.OK if there else State.BROKEN, _bare(url), advice)]
    # compressed or not: channels have one of them at least (CEP 16 is younger than both)
    # the smallest file that each channel has
    status, why, _ = _ask(f"{url}/noarch/repodata.json.zst", settings)
    if status not in (0, 200):
        status, why, _ = _ask(f"{url}/noarch/repodata.json", settings)
    if status == 200:
        return [Line(title, State.OK, f"{_bare(url)} answers")]
    return [Line(title, State.BROKEN, f"{_bare(url)} {why}", _network_advice(status))]


def index(settings: Settings) -> list[Line]:
    """Ask each package index; a 401 is an answer, from one that wants an account."""
    from ..pip.indexes import indexes_of

    # no lines: only what the variables say, since this asks for the machine and for no project
    return [one for found in indexes_of([], os.environ) for one in _index(found.url, settings)]


def _index(url: str, settings: Settings) -> Iterator[Line]:
    status, why, _ = _ask(f"{url}/", settings)
    # 404 too: many an index has no page for its root
    if status and status < 500:
        # an index that asks who we are has answered: what the account is, the build tells
        asked = ", and asks for an account" if status in (401, 403) else ""
        yield Line("package index", State.OK, f"{_bare(url)} answers{asked}")
    else:
        yield Line("package index", State.BROKEN, f"{_bare(url)} {why}", _network_advice(status))


def registry(host: str, ask: Callable[[str], None], mirror: str = "") -> list[Line]:
    """Ask a registry whether it speaks the protocol, and takes our login."""
    at = f"{host} by its mirror {_bare(mirror)}" if mirror else host
    try:
        # by the function of who calls, which has the logins of the stack's target
        ask(host)
    except AcimlError as error:
        return [Line("registry", State.BROKEN, f"{at}: {error.message}", error.advice or _network_advice(0))]
    return [Line("registry", State.OK, f"{at} answers")]


def clock(settings: Settings, now: Callable[[], float] = time.time) -> list[Line]:
    """Compare this machine's clock with that of whoever answers: a token from the future is refused."""
    # three that are asked anyway; the first that answers is enough
    for url in ("https://pypi.org/simple/", "https://registry-1.docker.io/v2/", "https://management.azure.com/"):
        _, _, date = _ask(url, settings)
        # Date is to the second (RFC 9110, 6.6.1), which is more than enough for five minutes
        parsed = email.utils.parsedate_to_datetime(date) if date else None
        if parsed is None:
            continue
        off = now() - parsed.timestamp()
        found = f"is {abs(off):.0f} s {'ahead' if off > 0 else 'behind'} of {urlsplit(url).hostname}"
        if abs(off) > _SKEW:
            return [Line("clock", State.BROKEN, found, "set it: logins and certificates depend on it")]
        return [Line("clock", State.OK, f"agrees with {urlsplit(url).hostname}")]
    return [Line("clock", State.WARNING, "nobody answered to compare it with", "see the lines of the network")]


def _ask(url: str, settings: Settings) -> tuple[int, str, str]:
    """Return status (0: no answer), what to say of it, and the date of the answer."""
    import requests

    from ..pip.fetch import new_session

    try:
        # a GET of which nothing is read: some servers refuse a HEAD
        with new_session(settings) as session, session.get(url, stream=True, timeout=_TIMEOUT) as answer:
            # an answer with an error has a date, and that is all that the clock needs
            return answer.status_code, f"answers {answer.status_code}", answer.headers.get("Date", "")
    # before ConnectionError, of which it is a kind
    except requests.exceptions.SSLError:
        return 0, "has a certificate that is not trusted", ""
    except (requests.ConnectionError, requests.Timeout):
        return 0, "does not answer", ""
    except (requests.RequestException, ValueError) as error:
        # the text of an error has the URL in it
        return 0, f"cannot be asked: {_bare(str(error))}", ""


def _bare(url: str) -> str:
    from ..conda.channels import redacted

    return redacted(url)


def _network_advice(status: int) -> str:
    if status:
        return "look at the address, or name a mirror in mirrors.toml"
    return "look at network, proxy (HTTPS_PROXY) and CA bundle (SSL_CERT_FILE), or name a mirror in mirrors.toml"
