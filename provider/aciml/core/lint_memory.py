"""What earlier steps of a stage have done, as far as later ones depend on it."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field

from .lint_bases import Base
from .lint_rules import words_of

_SOMEWHERE = "/?"
"""The base's own WORKDIR, which nobody knows here."""
_PROVIDES = {
    "build-essential": "make gcc g++", "python3-pip": "pip pip3 python3", "python-is-python3": "python python3",
    "software-properties-common": "add-apt-repository python3", "gnupg": "gpg", "gnupg2": "gpg", "gnupg1": "gpg",
    "procps": "ps", "iputils-ping": "ping", "openssh-client": "ssh", "openssh-server": "ssh", "nodejs": "node npm",
    "npm": "npm node", "locales": "locale-gen", "xz-utils": "xz", "gettext-base": "envsubst", "gettext": "envsubst",
    "py3-pip": "pip pip3 python3", "build-base": "make gcc g++", "py-pip": "pip", "openssh": "ssh", "r-base": "Rscript",
    "lsb-release": "lsb_release", "default-jdk": "java", "default-jre": "java", "golang": "go", "golang-go": "go",
    "shadow": "useradd groupadd usermod", "vim-tiny": "vim", "alpine-sdk": "make gcc g++ git", "cargo": "cargo rustc",
}  # fmt: skip
_PROJECTS = ("pyproject.toml", "setup.py", "setup.cfg")
_THEMSELVES = words_of(
    "python python3 pip pip3 npm conda mamba micromamba apt apt-get apt-mark apk yum dnf curl wget git tar poetry uv"
    " sed mkdir rm cp mv ln chmod chown useradd groupadd adduser unzip"
)


@dataclass
class Memory:
    """``lists``: package lists are there, are not, or None: nobody knows. The rest is what the names say.

    ``answered``: tools were told to assume yes. ``shell``: a shell reads RUN. ``dialect``: its grammar, empty if nobody
    knows. ``replaced``: programs that the user brought along or defined. ``absent``: programs that are certainly not
    there. ``user``: who runs the steps, empty for root. ``sealed``: nothing was done whose effects are not known.
    ``installed``: packages came, and with them others that nobody has named.
    """

    base: Base = field(default_factory=Base)
    lists: bool | None = None
    answered: bool = False
    shell: bool = True
    login: bool = False
    """Whether SHELL reads the files of its user, where conda writes itself."""
    dialect: str = ""
    replaced: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    user: str = ""
    quiet: bool = False
    """Whether debconf was told to ask nothing (DEBIAN_FRONTEND)."""
    licensed: bool = False
    """Whether Microsoft's licence was taken (ACCEPT_EULA)."""
    sealed: bool = False
    installed: bool = False
    folder: str = _SOMEWHERE
    said_folder: bool = False
    brought: set[str] = field(default_factory=set)
    """Paths that COPY and ADD made; what ends in ``/`` may be anything below."""
    any_file: bool = False
    """Whether a step may have made files of any name."""
    folders: set[str] = field(default_factory=set)
    """Folders that mkdir and WORKDIR made, and those above them, by their absolute paths."""
    any_folder: bool = False
    """Whether a step has made folders whose names nobody knows here."""

    @classmethod
    def on(cls, base: Base) -> Memory:
        """Begin on an image."""
        return cls(
            base=base,
            lists=False if base.bare else None,
            dialect=base.shell,
            absent=set(base.lacks),
            user=base.user,
            sealed=bool(base.family),
        )

    def hear(self, text: str) -> None:
        """Take notice of settings, wherever in a step they stand."""
        self.quiet = self.quiet or "noninteractive" in text
        self.licensed = self.licensed or "ACCEPT_EULA" in text

    def forget(self) -> None:
        """Something was done that may have brought anything."""
        self.lists, self.any_file, self.sealed = None, True, False
        self.absent.clear()

    def install(self, packages: Iterable[str | None]) -> None:
        """Programs came with packages; one whose name is not known may be any."""
        self.installed = True
        for package in packages:
            if package is None:
                self.absent.clear()
                return
            name = package.partition("=")[0].partition(":")[0]
            known = set(_PROVIDES.get(name, name).split()) | {name.partition("-")[0]}
            self.absent -= known | {name, "python3"} if name.startswith(("python3", "py3")) else known | {name}
            # what a package of that name brings is the program that is known, with its commands and options
            self.replaced |= known - _THEMSELVES
            if name.startswith(("texlive", "ubuntu-", "task-", "ros-", "nodejs")):
                self.absent.clear()

    def path(self, name: str) -> str:
        """Return the absolute path of a name in a step."""
        return posixpath.normpath(posixpath.join(self.folder, name))

    def may_have(self, name: str) -> bool:
        """Tell whether a file of that name may be there, by what the steps have done."""
        path = self.path(name)
        return self.any_file or any(
            path == made or (made.endswith("/") and (path + "/").startswith(made)) for made in self.brought
        )

    def may_have_project(self, name: str) -> bool:
        """Tell whether a folder may have a project that pip can install, by what the steps have copied."""
        path = self.path(name)
        inside = f"{path.rstrip('/')}/"
        # of a folder that was copied as a whole nobody knows what is in it
        return self.any_file or any(
            inside.startswith(made) if made.endswith("/") else made in {f"{inside}{file}" for file in _PROJECTS}
            for made in self.brought
        )

    def make(self, names: Iterable[str | None], *, moved: bool) -> None:
        """Remember folders that were made; ``moved``: a relative one is in a folder that nobody knows here."""
        for name in names:
            if name is None or "$" in name or (moved and not name.startswith("/")):
                self.any_folder = True
            else:
                made = self.path(name)
                while made not in self.folders and made != "/":
                    self.folders.add(made)
                    made = posixpath.dirname(made)

    def has_folder(self, path: str) -> bool:
        """Tell whether a folder of that absolute path may be there, by what the steps have made and copied."""
        inside = f"{path.rstrip('/')}/"
        copied = any(inside.startswith(one) if one.endswith("/") else one.startswith(inside) for one in self.brought)
        return self.any_file or self.any_folder or path in self.folders or copied
