"""Lines of a pip section that name the source of a package and no wheel: a Git repository, or an archive by its URL.

Sources: pip, "VCS Support" (``git+scheme://host/path@ref#subdirectory=...&egg=...``) and "Requirements File Format";
PEP 508, "name @ url", where a blank has to stand before the semicolon of a condition.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit, urlunsplit

_EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=\s*|\s+)(?=\S*(?:git\+|://))")
_NAMED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*(?P<extras>\[[^\]]*\])?\s*@\s*(?P<url>\S+)")
_EGG = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*?)?(?P<extras>\[[^\]]*\])?")
_ARCHIVES = (".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz", ".tar")
# what GitHub and GitLab give under names without an ending
_ARCHIVE_PATHS = re.compile(r"/(?:archive/|tarball/|zipball/|tar\.gz/|zip/)")
_COMMIT = re.compile(r"[0-9a-f]{40}")
GIT_SCHEMES = ("https", "http", "ssh", "file", "git")


@dataclass(frozen=True)
class Source:
    """Where a package is made from.

    ``url`` has no ``git+``, no ref and no fragment, and may have variables as ``${TOKEN}``. ``ref`` is a branch, a tag
    or a commit; empty for the default branch and for archives. ``name`` and ``extras`` (``[a,b]``) are as written.
    """

    kind: str
    """``git`` or ``archive``."""
    url: str
    ref: str = ""
    folder: str = ""
    """Below the root of the repository or archive, where the project is; empty for the root."""
    name: str = ""
    extras: str = ""
    marker: str = ""
    sha256: str = ""
    """What the archive has to have, if the line says it."""

    @property
    def is_pinned(self) -> bool:
        """Whether it stays the same whoever asks and when: a whole commit, or an archive with its hash."""
        return bool(_COMMIT.fullmatch(self.ref) if self.kind == "git" else self.sha256)

    def requirement(self, url: str, name: str = "") -> str:
        """Return the line that asks for the wheel at ``url`` in its place; ``name`` is the wheel's."""
        condition = f" ; {self.marker}" if self.marker else ""
        return f"{self.name or name}{self.extras} @ {url}{condition}"


def source_of(text: str) -> Source | None:
    """Return what a line names as a source; None if it names a wheel, a folder or a package of an index.

    ``-e git+https://...`` counts: in an image the package itself is wanted, and no folder to edit.

    Args:
        text: the line without its comment.
    """
    line = _EDITABLE.sub("", text.strip())
    body, _, rest = re.sub(r"\s--hash[= ].*", "", line).partition(" ;")
    hashed = re.search(r"\s--hash[= ]\s*sha256:([0-9a-fA-F]{64})", line)
    named = _NAMED.fullmatch(body.strip())
    address = named["url"] if named else body.strip()
    if re.search(r"\s", address) or "://" not in address:
        return None
    parts = urlsplit(address.removeprefix("git+"))
    told = {key: values[0] for key, values in parse_qs(parts.fragment).items()}
    egg = _EGG.fullmatch(told.get("egg", ""))
    name = (named["name"] if named else "") or (egg["name"] if egg else "") or ""
    extras = (named["extras"] if named else "") or (egg["extras"] if egg else "") or ""
    folder, marker = told.get("subdirectory", "").strip("/"), rest.strip()
    bare = parts._replace(fragment="")
    if address.startswith("git+"):
        path, _, ref = parts.path.partition("@")
        url = urlunsplit(bare._replace(path=path))
        return Source("git", url, unquote(ref), folder, name, extras, marker)
    if not _is_archive(parts.path):
        return None
    digest = told.get("sha256", hashed[1] if hashed else "").lower()
    return Source("archive", urlunsplit(bare), "", folder, name, extras, marker, digest)


def source_fault(text: str) -> str:
    """Return what is wrong with a line that names version control; empty if nothing is, or it names none."""
    line = _EDITABLE.sub("", text.strip())
    found = re.search(r"(?:^|@\s*)(?P<kind>git|hg|svn|bzr)\+(?P<rest>\S*)", line)
    if not found:
        return ""
    if found["kind"] != "git":
        return f'"{text}": of version control only git is read; {AS_WHEEL}'
    why = _git_fault(found["rest"], source_of(line))
    return f'"{text}": {why}' if why else ""


def _git_fault(url: str, source: Source | None) -> str:
    example = 'write for example "git+https://host/owner/name.git@v1.0"'
    scheme, colon, _ = url.partition("://")
    if ssh := re.fullmatch(r"(?P<user>[\w-]+)@(?P<host>[\w.-]+):(?P<path>[^/\s]\S*)", url):
        return f'behind git+ comes a URL; write "git+ssh://{ssh["user"]}@{ssh["host"]}/{ssh["path"]}"'
    if not colon:
        return f"behind git+ comes a URL; {example}"
    if scheme not in GIT_SCHEMES:
        return f"git+{scheme} is not known; write git+https:// or git+ssh://"
    if source is None:
        return 'there is more than a URL; a commit follows without a blank, as @v1.0, and a condition behind " ; "'
    return "" if urlsplit(source.url).path.strip("/") else f"it names no repository; {example}"


AS_WHEEL = 'build a wheel of it ("pip wheel --no-deps"), put that beside conda.yml and name it: ./x.whl'
"""What to do instead of naming a source that is not built here."""


def _is_archive(path: str) -> bool:
    return path.endswith(_ARCHIVES) or (not path.endswith(".whl") and _ARCHIVE_PATHS.search(path) is not None)
