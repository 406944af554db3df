"""What is known of an image by its name: its family, its shell, its user, and programs that it has not.

Sources: the Dockerfiles of Docker's official images and of the publishers named; ``command -v`` in
``debian:bookworm-slim``. An image that is not known here may have anything.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from .lint_rules import words_of
from .shell_nodes import BASH, DASH

PACKAGERS = {
    "apt-get": "debian", "apt": "debian", "dpkg": "debian", "apt-cache": "debian", "apk": "alpine", "yum": "rhel",
    "dnf": "rhel", "microdnf": "rhel", "rpm": "rhel", "tdnf": "rhel", "zypper": "suse", "pacman": "arch",
}  # fmt: skip
"""Programs that install packages, and the family of images that has them."""
INSTALLS = {"debian": "apt-get", "alpine": "apk", "rhel": "dnf"}
"""What installs in a family."""

_NEVER = words_of("conda mamba micromamba yarn pnpm poetry uv brew snap choco winget")
_NOT_BUILT = words_of("sudo node npm jq vim nano less add-apt-repository envsubst ping")
# of Debian's own images, which have neither a compiler nor what downloads
_BARE = _NOT_BUILT | words_of(
    "git wget curl python python3 pip pip3 gpg make gcc g++ cmake unzip zip xz bzip2 ps ssh locale-gen file"
    " nvcc java go cargo Rscript lsb_release systemctl"
)
_ALPINE = words_of(
    "git curl bash python python3 pip pip3 sudo node npm make gcc g++ cmake jq gpg java go cargo ssh"
    " useradd groupadd usermod"
)


@dataclass(frozen=True)
class Base:
    """Facts of an image; empty where nothing is known.

    ``shell``: grammar of ``/bin/sh``, or of the SHELL that the image sets. ``user``: who runs its steps, empty for
    root. ``lacks``: programs that are certainly not in it. ``bare``: it comes without package lists. ``asks``: packages
    whose installation asks a question there: Debian's own images have tzdata already, and Ubuntu's do not.
    """

    family: str = ""
    shell: str = ""
    user: str = ""
    lacks: frozenset[str] = frozenset()
    bare: bool = False
    asks: frozenset[str] = frozenset()


_SLIM = Base("debian", DASH, "", _BARE | _NEVER, bare=True)
# buildpack-deps has compilers, git, curl and wget
_FULL = Base("debian", DASH, "", _NOT_BUILT | _NEVER, bare=True)
_SERVER = Base("debian", DASH, "", _NEVER, bare=True)
_APK = Base("alpine", "ash", "", _ALPINE | _NEVER)
_RPM = Base("rhel", BASH)
_ZONES = frozenset({"tzdata"})
_PYTHON = words_of("python python3 pip pip3")
_NODE = words_of("node npm yarn")


def _with(base: Base, programs: frozenset[str]) -> Base:
    return replace(base, lacks=base.lacks - programs)


_KNOWN: tuple[tuple[str, Base], ...] = (
    (r"debian", _SLIM),
    (r"ubuntu", replace(_SLIM, asks=_ZONES)),
    (r"buildpack-deps|golang|rust|ruby|gcc|node|python", _FULL),
    (r"php|nginx|httpd|postgres|redis|perl|eclipse-temurin|r-base", _SERVER),
    (r"alpine", _APK),
    (r"centos|fedora|rockylinux(/rockylinux)?|almalinux(/.*)?|amazonlinux|oraclelinux", _RPM),
    (r"(redhat/)?ubi[789](-(minimal|init|micro)|/.*)?", _RPM),
    (r"continuumio/(mini|ana)conda3?|condaforge/(miniforge|mambaforge)3?", Base("debian", DASH)),
    (r"nvidia/cuda", Base("debian", DASH, asks=_ZONES)),
    (r"tensorflow/tensorflow|pytorch/pytorch", Base("debian", DASH)),
    # its SHELL is a script that begins Bash
    (r"mambaorg/micromamba", Base("debian", BASH, "$MAMBA_USER")),
    (r"jupyter/.*", Base("debian", BASH, "jovyan")),
    (r"azureml/.*inference.*", Base("debian", "", "dockeruser")),
    (r"azureml/.*ubuntu.*", Base("debian", DASH)),
    (r"bitnami/.*", Base("debian", "", "1001")),
)  # fmt: skip
_HOSTS = re.compile(
    r"^(docker\.io/|index\.docker\.io/|quay\.io/|mcr\.microsoft\.com/|nvcr\.io/|registry\.access\.redhat\.com/)"
)
_MIRRORS = re.compile(r"^((mirror/docker/)?library/)")

# mcr.microsoft.com, "Windows base images": no Linux host runs them
_WINDOWS = re.compile(
    r"(mcr\.microsoft\.com/)?(windows(/.*)?|dotnet/framework/.*|powershell:.*(nano|servercore).*)"
    r"|.*:.*(nanoserver|windowsservercore).*"
)


def is_of_windows(reference: str) -> bool:
    """Tell whether an image is known to be one of Windows."""
    return bool(_WINDOWS.fullmatch(reference.partition("@")[0]))


def base_of(reference: str) -> Base:
    """Return what is known of an image by its reference; of one with a variable in its name nothing."""
    text = _MIRRORS.sub("", _HOSTS.sub("", reference.partition("@")[0]))
    name, _, tag = text.partition(":")
    if "$" in reference.replace("${", "$").partition(":")[0]:
        return Base()
    for pattern, base in _KNOWN:
        if re.fullmatch(pattern, name):
            return _variant(name, tag, base)
    # a name that says Alpine hardly means another family
    return Base("alpine", "ash") if "alpine" in text else Base()


def _variant(name: str, tag: str, base: Base) -> Base:
    own = {"python": _PYTHON, "node": _NODE}.get(name, frozenset())
    if base.family == "debian" and "$" in tag:
        return Base()
    if "alpine" in tag:
        base = _APK
    elif re.search(r"ubi\d|centos|rocky|fedora|oracle|amazon", tag):
        base = _RPM
    elif re.search(r"windows|nanoserver|distroless", tag):
        return Base()
    elif "slim" in tag and base.bare:
        base = _SLIM
    own = own | ({name} if name in {"golang", "rust", "ruby", "php", "perl"} else frozenset())
    more = {"golang": words_of("go"), "rust": words_of("cargo"), "gcc": words_of("gcc g++ make")}.get(name, frozenset())
    return _with(base, own | more)
