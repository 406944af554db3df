"""What of a user's folder does not belong into an image: what never enters, and what enters only if it is allowed.

Version control, environments, caches and Pulumi's own files are left out without a word: nobody means them. Secrets are
not left out but refused, by name or by what is in them: a script that reads one would fail where it runs.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase, translate

from .context import FileEntry, pattern

_VERSION_CONTROL = frozenset({".git", ".hg", ".svn", ".bzr", ".jj", ".sl", "CVS", "_darcs"})
# github/gitignore, Python.gitignore; of Jupyter the checkpoints
_CACHES = frozenset({
    "__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", ".tox", ".nox", ".pytype",
    ".ipynb_checkpoints", ".eggs", ".DS_Store", "Thumbs.db", "desktop.ini",
})  # fmt: skip
# `.pulumi` is the state of a backend in a folder and what the CLI keeps; `.state` is where this project has both
_PULUMI = frozenset({".pulumi", ".state"})
# pulumi, workspace/paths.go: the project, and one file a stack beside it
_PULUMI_FILE = re.compile(r"Pulumi(?:\.[^/]+)?\.(?:ya?ml|json)")
ENVIRONMENTS = {"pyvenv.cfg": "a virtual environment", "conda-meta": "a conda environment"}
"""Names that make the folder which has them an environment (PEP 405; conda, "Environments"), and what it is then."""
PARTS = frozenset({"bin", "Scripts", "lib", "lib64", "Lib", "include", "Include", "share", *ENVIRONMENTS})
"""Names that an environment brings: in a project that is one itself, the rest is the user's."""


def unwanted(name: str, beside: Iterable[str] = ()) -> str:
    """Say what a file or folder is that never enters an image; empty if it may.

    Args:
        name: its own, without the folders above.
        beside: names in the same folder.
    """
    if name in _VERSION_CONTROL:
        return "version control"
    if name in _CACHES:
        return "a cache"
    if name in _PULUMI or _PULUMI_FILE.fullmatch(name):
        return "Pulumi's"
    # a module that comes without its text is no cache
    if name.endswith((".pyc", ".pyo")) and f"{name[:-1]}" in beside:
        return "a cache"
    return ""


# what people share on purpose: it says which names there are, and no value
_SAMPLES = (".example", ".sample", ".template", ".dist", ".defaults", ".j2")
_BY_NAME: tuple[tuple[str, str], ...] = (
    (".env", "variables with secrets"),
    (".env.*", "variables with secrets"),
    (".envrc", "variables with secrets"),
    (".netrc", "passwords"),
    ("_netrc", "passwords"),
    (".pgpass", "passwords"),
    (".htpasswd", "passwords"),
    (".pypirc", "credentials of a package index"),
    (".git-credentials", "credentials of git"),
    (".dockercfg", "credentials of registries"),
    (".databrickscfg", "credentials of Databricks"),
    (".s3cfg", "credentials of S3"),
    (".boto", "credentials of a cloud"),
    (".vault-token", "a token"),
    ("azureauth.json", "credentials of Azure"),
    ("application_default_credentials.json", "credentials of Google Cloud"),
    ("kubeconfig", "credentials of Kubernetes"),
    ("*.pfx", "a certificate with its private key"),
    ("*.p12", "a certificate with its private key"),
    ("*.ppk", "a private key"),
    ("*.jks", "a key store"),
    ("*.keystore", "a key store"),
)
_BY_PATH: tuple[tuple[str, str], ...] = (
    (".aws/credentials", "credentials of AWS"),
    (".azure/*", "credentials of Azure"),
    (".docker/config.json", "credentials of registries"),
    (".kube/config", "credentials of Kubernetes"),
    (".config/gcloud/*", "credentials of Google Cloud"),
    (".config/gh/hosts.yml", "a token of GitHub"),
    (".huggingface/token", "a token of Hugging Face"),
    ("huggingface/token", "a token of Hugging Face"),
)

# all forms at once: of ten thousand files of a model hardly one has such a name
_ANY_NAME = re.compile("|".join(translate(form) for form, _ in _BY_NAME))
_ANY_PATH = re.compile("|".join(translate(form) for path, _ in _BY_PATH for form in (path, f"*/{path}")))

# RFC 7468: the text after it is base64, so that code which only looks for such a line is none; in JSON its ends are \n
_PEM = re.compile(
    rb"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[rn]|[\w-]+: [^\n\\]*)*[A-Za-z0-9+/=]{24}"
)
_PUTTY = re.compile(rb"\APuTTY-User-Key-File-\d")
# RFC 7292, section 4: a PFX is a sequence with version 3, then the content type `data` (1.2.840.113549.1.7.1)
_PKCS12 = re.compile(rb"\A\x30.{1,8}\x02\x01\x03\x30.{1,8}\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x01", re.DOTALL)
_GOOGLE = re.compile(rb'"(?:refresh_token|private_key)"\s*:\s*"[^"]{16}')
_V1_PASSWORD = re.compile(rb'"password"\s*:\s*"[^"#$<{_]')
_CONFIGS: tuple[tuple[str, re.Pattern[bytes], str], ...] = (
    ("pip.conf", re.compile(rb"://[^/\s:@]+:[^/\s@$]+@"), "credentials of a package index"),
    ("pip.ini", re.compile(rb"://[^/\s:@]+:[^/\s@$]+@"), "credentials of a package index"),
    ("uv.toml", re.compile(rb"://[^/\s:@]+:[^/\s@$]+@"), "credentials of a package index"),
    (".condarc", re.compile(rb"://[^/\s:@]+:[^/\s@$]+@|/t/[^/\s$]{8,}/"), "credentials of a channel"),
    (".npmrc", re.compile(rb"_(?:authToken|auth|password)\s*=\s*[^\s$]"), "credentials of a package index"),
    # v1 took its keys and passwords in these, and sent the whole source directory
    ("deploymentconfig.json", re.compile(rb'"(?:primary|secondary)Key"\s*:\s*"[^"#$<{_]'), "keys of a service"),
    ("inferenceconfig.json", _V1_PASSWORD, "credentials of a registry"),
    ("azureml_environment.json", _V1_PASSWORD, "credentials of a registry"),
    (".yarnrc.yml", re.compile(rb"npmAuth(?:Token|Ident)\s*:\s*[^\s$]"), "credentials of a package index"),
)


def secret_in_name(path: str) -> str:
    """Say what secret a file has by its path, relative to the folder; empty if that says nothing."""
    name = posixpath.basename(path)
    if name.endswith(_SAMPLES) or not (_ANY_NAME.match(name) or _ANY_PATH.match(path)):
        return ""
    found = (what for form, what in _BY_NAME if fnmatchcase(name, form))
    below = (what for form, what in _BY_PATH if fnmatchcase(path, form) or fnmatchcase(path, f"*/{form}"))
    return next(found, "") or next(below, "")


def secret_in_content(path: str, content: bytes) -> str:
    """Say what secret the content of a file is; empty if it is none that is known by its form."""
    name = posixpath.basename(path)
    if _PEM.search(content) or _PUTTY.match(content):
        return "a private key"
    if _PKCS12.match(content):
        return "a certificate with its private key"
    if name.endswith(".json") and b'"type"' in content and _GOOGLE.search(content):
        return "credentials of an account"
    return next((what for named, form, what in _CONFIGS if name == named and form.search(content)), "")


def allowed(text: str, *, as_git: bool) -> Callable[[str], bool]:
    """Read which secrets an ignore file lets in: ``!`` and the name of the file, or its path.

    A pattern for everything in a folder names none of them. Git's pattern without a slash holds in each folder.

    Args:
        text: the ignore file.
        as_git: patterns are git's; else they are Docker's.
    """
    named = [line.strip()[1:].strip() for line in text.splitlines() if line.strip().startswith("!")]
    clean = [posixpath.normpath(one).lstrip("/") for one in named if one and not one.endswith("/")]
    forms = [(pattern(one), as_git and "/" not in one) for one in clean if set(posixpath.basename(one)) - set("*?.")]

    def is_allowed(path: str) -> bool:
        return any(form.fullmatch(posixpath.basename(path) if anywhere else path) for form, anywhere in forms)

    return is_allowed


LARGE = 300 * 1000 * 1000
"""Bytes of a folder that are told: v1 took no more (azureml-core, "snapshot folders": 300 MB)."""


def biggest(files: Iterable[FileEntry], most: int = 3) -> Iterator[tuple[str, int]]:
    """Yield the folders, and files beside them, that have most of the bytes, each with its bytes, biggest first."""
    sizes: dict[str, int] = {}
    for file in files:
        head, slash, _ = file.path.partition("/")
        sizes[head + slash] = sizes.get(head + slash, 0) + file.size
    yield from sorted(sizes.items(), key=lambda one: -one[1])[:most]
