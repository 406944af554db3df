"""Make the wheel of a package that has none: of a Git repository, an archive, or a source distribution of an index.

uv runs the project's own build backend (PEP 517) in an environment of its own. What is Python alone is taken: code
for a processor would be linked against this machine's C library, and is refused (``decisions/pip-section.md``).
"""

from __future__ import annotations

import hashlib
import os
import re
import sys
import tarfile
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from packaging.utils import canonicalize_name, parse_wheel_filename

from ..blobs.catalog import Catalog
from ..blobs.presence import Presence
from ..core.account_in_url import VARIABLE
from ..core.errors import OutageError, UserError
from ..core.pip_package import PipPackage
from ..core.progress import Progress
from ..settings import Settings
from .accounts import accounts_of, clean_url, realm_of
from .fetch import download
from .git import checked_out
from .lines import without_account
from .normal_wheel import normal_wheel
from .source import Source
from .uv import last_said, no_wheel, wait_for

SOURCE_WHEELS = "source-wheel"
"""Namespace in the catalog: file name and sha256 of the wheel that was made, by the source."""

# 1980, the first time that a zip file can have; what backends put into their files (reproducible-builds.org)
_EPOCH = "315532800"
_SAID = 400  # characters of what a build said at its end
# what has to be compiled; of projects that only test or show with such files, it does not count
_COMPILED = (".c", ".cc", ".cpp", ".cxx", ".cu", ".pyx", ".rs", ".f", ".f90", ".go", ".m")
_ASIDE = re.compile(r"(?:^|/)(?:tests?|testing|docs?|examples?|benchmarks?|vendor-?docs)/")


@dataclass(frozen=True)
class SourceWheels:
    """Makes wheels, and remembers them: the same commit, or the same archive, is made once a machine."""

    settings: Settings
    progress: Progress
    index: tuple[str, ...] = ()
    """Options of uv that say where what a build needs comes from."""

    def make(self, source: Source, place: str = "") -> Path:
        """Return the wheel of what a line names, in the cache.

        Args:
            source: what the line says.
            place: ``file:line``, for messages.

        Raises:
            UserError: there is no such repository, commit or archive, it is no project, or its wheel is for no image.
            OutageError: its host does not answer.
        """
        shown = f"{'git+' if source.kind == 'git' else ''}{without_account(source.url)}"
        where = f"{place}: pip: {shown}" if place else f"pip: {shown}"
        # a commit and an archive with its hash are what they were: nobody is asked
        if source.is_pinned and (kept := self._kept(_key(source, source.ref or source.sha256))):
            return kept
        # here and not in what is shown: the text with the variable is what messages and keys have
        url = VARIABLE.sub(lambda found: os.environ.get(found["name"], found[0]), source.url)
        with tempfile.TemporaryDirectory(prefix="aciml-source-") as name:
            work = Path(name).resolve()
            if source.kind == "git":
                self.progress.say(f"fetching {shown}")
                root, mark = checked_out(url, source, work / "src", where, self.settings, self.progress)
                told, pin = f"{shown} at commit {mark[:12]}", f"@{mark}"
            else:
                archive = self._archive(url, source, where)
                root, mark = _unpacked(archive, work / "src", where), archive.parent.name
                told, pin = shown, f"#sha256={mark}"
            _require_project(root / source.folder, where, source.folder)
            key = _key(source, mark)
            wheel = self._kept(key) or self._built(root / source.folder, work, key, where)
        stays = "" if source.is_pinned else f"; it stays that for all who write {pin} behind the URL"
        self.progress.note(f"pip: {_called(wheel)} is built from {told}{stays}")
        return wheel

    def make_of_index(self, package: PipPackage) -> Path:
        """Return the wheel of a source distribution, in the cache.

        Args:
            package: its archive: file name, URL, account and sha256.

        Raises:
            UserError: it has to be compiled, or its build fails.
            OutageError: the index does not give it.
        """
        key = f"{package.sha256}#"
        if kept := self._kept(key):
            return kept
        # by its hash, which the index has told: what is built from is pinned before its code runs
        archive = download(package, settings=self.settings, progress=self.progress)
        named = f"{package.name} {package.version}"
        with tempfile.TemporaryDirectory(prefix="aciml-source-") as name:
            work = Path(name).resolve()
            root = _unpacked(archive, work / "src", f"pip: {named}")
            # before its code runs: a build that needs a compiler may take minutes, to end in a wheel that is refused
            if found := _compiled(root):
                raise no_wheel(package.name, f"version {package.version} is there as source alone, with {found}")
            wheel = self._built(root, work, key, f"pip: {named}")
        self.progress.note(f"pip: {_called(wheel)} has no wheel, and is built from {package.file_name}")
        return wheel

    def _kept(self, key: str) -> Path | None:
        """Return the wheel that was made of this source, if it is still there."""
        with Catalog(self.settings.cache / "catalog.sqlite") as catalog:
            # opened anew each time, for a moment: several threads build at once, and a build takes minutes
            text = catalog.get_fact(SOURCE_WHEELS, key)
        if not text:
            return None
        digest, _, name = text.partition(" ")
        path = self.settings.cache / "wheels" / digest / name
        return path if Presence.of(self.settings.cache).use(path.parent) and path.is_file() else None

    def _archive(self, url: str, source: Source, shown: str) -> Path:
        self.progress.say(f"fetching {clean_url(url)}")
        accounts = accounts_of([url], os.environ)
        wanted = PipPackage(source.name, "", "source", source.sha256, clean_url(url), 0, accounts.get(realm_of(url)))
        try:
            return download(wanted, settings=self.settings, progress=self.progress)
        except OutageError as error:
            raise type(error)(f"{shown}: {error.message}", error.advice) from error

    def _built(self, folder: Path, work: Path, key: str, shown: str) -> Path:
        from uv import find_uv_bin

        if os.environ.get("UV_NO_BUILD", "").lower() in ("1", "true", "yes"):
            raise UserError(f"{shown}: it has to be built, and UV_NO_BUILD forbids it", "unset that, or name a wheel")
        self.progress.say(f"building {shown.partition('pip: ')[2]}")
        bundle = {"SSL_CERT_FILE": str(self.settings.ca_bundle)} if self.settings.ca_bundle else {}
        # one time, one order of hashes, and no user's settings of other tools that a backend might read
        env = {
            **os.environ,
            **bundle,
            "SOURCE_DATE_EPOCH": _EPOCH,
            "PYTHONHASHSEED": "0",
            "UV_PYTHON_DOWNLOADS": "never",
        }
        env |= {"UV_NO_PROGRESS": "1", "NO_COLOR": "1"}
        command = [find_uv_bin(), "build", "--wheel", "--no-create-gitignore", "--out-dir", str(work / "out")]
        # by the Python of this plugin: uv would look for others, or fetch one
        command += ["--python", sys.executable, *self.index, str(folder)]
        code, said = wait_for(command, folder=folder, env=env, progress=self.progress)
        if code:
            raise _build_failed(shown, without_account(said))
        made = next((work / "out").glob("*.whl"))
        tags = parse_wheel_filename(made.name)[3]
        # PEP 425: of code for a processor the tag names the system it was linked on, which is this machine and not the
        # image
        if not any(tag.platform == "any" for tag in tags):
            why = f"{shown}: what is built of it, {made.name}, has code for this machine's processor and C library"
            raise UserError(why, f"{_IN_A_STEP}, or name a wheel that is made for the image")
        return self._keep(made, key)

    def _keep(self, made: Path, key: str) -> Path:
        # two builds of one source differ in times and order of the zip: without them they are one file, and one layer
        content = normal_wheel(made)
        digest = hashlib.sha256(content).hexdigest()
        folder = self.settings.cache / "wheels" / digest
        with Presence.of(self.settings.cache).new_file(folder) as (sink, name):
            sink.write(content)
            sink.flush()
            name.replace(folder / made.name)
        with Catalog(self.settings.cache / "catalog.sqlite") as catalog:
            catalog.put_fact(SOURCE_WHEELS, key, f"{digest} {made.name}")
        return folder / made.name


_IN_A_STEP = (
    "take it from conda, or build it in a step on a base with pip and a compiler: "
    '"RUN pip install --target /opt/built ..."'
)


def _build_failed(shown: str, said: str) -> UserError:
    lines = [line for line in said.splitlines() if line.strip() and not line.startswith("hint:")]
    # the last line of a traceback says more than uv's own last line
    errors = [line.strip() for line in lines if re.match(r"\s*(?:\w+\.)*\w*(?:Error|Exception)\b", line)]
    why = errors[-1][:_SAID] if errors else last_said("\n".join(lines))
    why = re.sub(r"\b(?:cause|error): ", "", why)
    return UserError(f"{shown}: it cannot be built: {why}", f"look at the project, or {_IN_A_STEP}")


def _key(source: Source, mark: str) -> str:
    """Name a source by its commit or hash, and by the folder in it; where it lies is no part of what it is."""
    return f"{mark}#{source.folder}"


def _require_project(folder: Path, shown: str, below: str) -> None:
    if not folder.is_dir():
        raise UserError(f"{shown}: it has no folder {below}", "mend what follows subdirectory=")
    if not any((folder / name).is_file() for name in ("pyproject.toml", "setup.py")):
        near = sorted(path.name for path in folder.iterdir() if _has_project(path))
        advice = (
            f"write #subdirectory={near[0]} behind it" if near else "name the folder that has one by #subdirectory="
        )
        raise UserError(f"{shown}: there is no pyproject.toml and no setup.py in it, so it is no package", advice)


def _has_project(folder: Path) -> bool:
    return any((folder / name).is_file() for name in ("pyproject.toml", "setup.py"))


def _compiled(root: Path) -> str:
    """Name a file that has to be compiled; empty if there is none."""
    paths = sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.suffix in _COMPILED)
    return next((path for path in paths if not _ASIDE.search(f"{path}")), "")


def _unpacked(archive: Path, into: Path, shown: str) -> Path:
    """Unpack an archive; return the one folder that is in it, as source distributions have it, or all of it."""
    into.mkdir()
    try:
        if zipfile.is_zipfile(archive):
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(into)  # noqa: S202  # zipfile lets no name lead out of the folder
        else:
            with tarfile.open(archive) as packed:
                packed.extractall(into, filter="data")
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise UserError(f"{shown}: it is no archive that can be read: {error}", "look at the URL") from error
    inside = [path for path in into.iterdir() if path.name != "pax_global_header"]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else into


def _called(wheel: Path) -> str:
    name, version, _, _ = parse_wheel_filename(wheel.name)
    return f"{canonicalize_name(name)} {version}"
