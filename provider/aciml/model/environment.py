"""What is declared of ``aciml:image:Environment``: a value as people write it, and what ``check`` fills in.

``read_environment`` is the one door from properties to values. A text that is not known yet is ``NOT_KNOWN`` where it
stands in a list or map, so that the others keep their places; what is wholly unknown is ``unsure``.
"""

import json
import re
import typing
from collections.abc import Mapping
from dataclasses import field, replace
from typing import Annotated, Any, Self

from ..core.lean import lean
from ..core.limits import Limits
from ..core.lint_rules import RULES
from ..core.place import Place
from ..core.reference import repository_fault
from ..properties import UNKNOWN, Values, is_unknown, reveal
from .declared import SPREAD, Declared, parts_of, read, table_of
from .shape import REFERENCE, Field
from .unknowns import encoded, seen_of

_LABELS = "the labels of the image"
_HISTORY = "the history of the image"
_LOCK = "the lock file"
_LOG = "the log of the build"
_PACKAGE = re.compile(r"(?:[^\s:\[]+::)?([A-Za-z0-9][A-Za-z0-9._-]*)(?![\w:/#\\])")
"""Begins a line that asks for a package, with the channel in front of it that conda knows."""
_ENTRY = "the entry point of the image"


@lean(frozen=True)
class Beside:
    """Marks an input that is no difference by itself.

    Where a file lies does not matter: what is in it does, and ``check`` fills that in. The others are this machine's
    affair, or say who may ask.
    """


BESIDE = Beside()


@lean(frozen=True, kw_only=True)
class Base(Declared):
    """What the environment stands on: an image, or a Dockerfile that makes one."""

    base_image: Annotated[
        str | None,
        Field("image to build on, such as debian:bookworm-slim; or a Dockerfile, below", shown=_LABELS),
    ] = None
    base_username: Annotated[
        str | None, Field("account at the base's registry; Docker's own config is read without it"), BESIDE
    ] = None
    # a new password is no other image, and no reason to build (pulumi-docker #952)
    base_password: Annotated[str | None, Field("its password", secret=True), BESIDE] = field(default=None, repr=False)
    # not on by itself: a tag that is asked anew each time is a difference that nobody made (docker-build, pull: true)
    refresh_base: Annotated[
        bool, Field("look again what the base's tag means now; else it is looked up once"), BESIDE
    ] = False
    glibc: Annotated[
        # what follows from it are packages, and those are shown
        str | None, Field("glibc version of the base image; found in the image if not given", shown=_LABELS), BESIDE
    ] = None
    dockerfile: Annotated[str | None, Field("Dockerfile that makes the base, instead of baseImage"), BESIDE] = None
    dockerfile_text: Annotated[str | None, Field("text of that Dockerfile", shown=_HISTORY), BESIDE] = None
    build_context: Annotated[str | None, Field("folder that the Dockerfile copies from"), BESIDE] = None
    build_target: Annotated[
        str | None, Field("stage of the Dockerfile that is the base; the last one without it", shown=_LOG)
    ] = None
    # Docker, "Build variables": they stay in the history of the image; buildSecrets are for what must not
    build_args: Annotated[Mapping[str, str] | None, Field("build arguments of the Dockerfile", shown=_HISTORY)] = None
    # a secret that is rotated must not build again (docker-build #678)
    build_secrets: Annotated[
        Mapping[str, str] | None,
        Field("secrets of the Dockerfile's RUN --mount=type=secret, by id", secret=True),
        BESIDE,
    ] = field(default=None, repr=False)

    @property
    def has_dockerfile(self) -> bool:
        """Whether a Dockerfile is given."""
        return bool(self.dockerfile or self.dockerfile_text)

    @property
    def dockerfile_property(self) -> str:
        """Property that gives the Dockerfile: where a finding about it belongs."""
        return self.at("dockerfile" if self.dockerfile else "dockerfile_text")

    @property
    def is_account_unsure(self) -> bool:
        """Whether who asks the base's registry is not known yet."""
        return self.is_unsure("base_username", "base_password")


@lean(frozen=True, kw_only=True)
class Steps(Declared):
    """Dockerfile lines on top of the base, and who runs them."""

    extra_steps: Annotated[
        # stepsKey is the difference: a comment, or a file in another folder, is no other image
        tuple[str, ...] | None, Field("Dockerfile lines to run on the base, in order", shown=_HISTORY), BESIDE
    ] = None
    extra_steps_file: Annotated[str | None, Field("file of Dockerfile lines, instead of extraSteps"), BESIDE] = None
    steps_context: Annotated[str | None, Field("folder that COPY and ADD copy from"), BESIDE] = None
    # the same steps are the same image, whoever ran them (decisions/acr-tasks.md)
    builder: Annotated[
        str,
        Field(
            "who runs extraSteps: auto (Docker, else the target), docker, or acr (ACR Tasks)",
            words=("auto", "docker", "acr"),
            blank=True,
        ),
        BESIDE,
    ] = "auto"
    lint_off: Annotated[
        tuple[str, ...],
        Field(
            "ids of lint rules that are switched off; their errors stop, warnings and remarks are told in the log",
            words=tuple(RULES),
        ),
        BESIDE,
    ] = ()
    # its layer is left out of the image that stays (decisions/extra-steps.md), so another bundle is the same image
    ca_bundle: Annotated[
        str | None, Field("PEM file of certificates that building trusts; it is not put in the image"), BESIDE
    ] = None


@lean(frozen=True, kw_only=True)
class Packages(Declared):
    """What conda and pip bring, and what bounds it."""

    conda_file: Annotated[str | None, Field("conda.yml of the environment"), BESIDE] = None
    # what has no file of its own: a part of v1's inferenceconfig.json (decisions/v1-files.md)
    conda_text: Annotated[str | None, Field("text of a conda.yml, instead of a file", shown=_LOCK), BESIDE] = None
    # v1's interpreterPath, which counted with userManagedDependencies alone: no file of packages is that
    interpreter_path: Annotated[
        str | None,
        Field(
            "Python of the image itself that serves, where no file of packages is given; found in the image without it",
            shown=_ENTRY,
        ),
    ] = None
    # for which Python says .python-version beside it; without one the newest that it allows (decisions/lock-file.md)
    requirements_file: Annotated[str | None, Field("requirements.txt, instead of a conda.yml"), BESIDE] = None
    explicit_file: Annotated[str | None, Field("@EXPLICIT list of package URLs, instead of a conda.yml"), BESIDE] = None
    # only `aciml lock` writes it: `up` would change a file that a person commits (decisions/lock-file.md)
    lock_file: Annotated[
        str | None, Field("lock file; the conda.yml's name with .lock beside it without it"), BESIDE
    ] = None
    # frozen is for pipelines; at a desk a lock that no longer fits is a warning, and packages are solved anew
    lock_mode: Annotated[
        str,
        Field(
            "auto (use the lock file where it fits), frozen (it has to fit), or refresh (pass over it)",
            words=("auto", "frozen", "refresh"),
            blank=True,
        ),
        BESIDE,
    ] = "auto"
    exclude_newer: Annotated[
        # beside, like all that bounds a solution: the packages that come of it are the difference
        str | None, Field("packages newer than this time (RFC 3339) do not exist", shown=_LOCK), BESIDE
    ] = None
    index_strategy: Annotated[
        str,
        Field(
            "of several package indexes: first-index (a package comes from the first that has its name), "
            "unsafe-best-match (the best version of all), or refuse (no package may be on two)",
            words=("first-index", "unsafe-best-match", "refuse"),
            blank=True,
        ),
        BESIDE,
    ] = "first-index"
    virtual_packages: Annotated[
        Mapping[str, str] | None, Field("virtual packages and versions, such as __cuda: 12.4", shown=_LOCK), BESIDE
    ] = None
    server_requirements: Annotated[
        bool, Field("bring what the scoring server needs, if conda does not; true if not said"), BESIDE
    ] = True
    # not ignored by itself: rattler runs no script, and what is missing then shows when the service runs (pixi #1573)
    post_link: Annotated[
        str,
        Field(
            "post-link scripts of packages: fail, step (run them in a build), or ignore",
            words=("fail", "step", "ignore"),
        ),
    ] = "fail"

    @property
    def files(self) -> dict[str, str]:
        """What says which packages are asked for, given and known, by field: paths, or a text; one at most is right."""
        named = {name: getattr(self, name) for name in FILES}
        return {name: path for name, path in named.items() if path}

    @property
    def file_property(self) -> str:
        """Property that gives the file of packages: where a finding about them belongs."""
        return self.at(next(iter(self.files), FILES[0]))

    @property
    def are_wanted(self) -> bool:
        """Whether a file of packages is given, known or not."""
        return bool(self.files) or self.is_unsure(*FILES)


FILES = ("conda_file", "conda_text", "requirements_file", "explicit_file")
"""Fields of ``Packages`` that say what packages are asked for."""


@lean(frozen=True, kw_only=True)
class Layers(Declared):
    """How layers are written and shown, and which older images stay."""

    # a preview that builds is what users of docker-build complain of, where buildOnPreview is true
    preview_layers: Annotated[
        str, Field("known, or build: a preview makes missing layers in the cache", words=("known", "build")), BESIDE
    ] = "known"
    # Docker 20.10 does not take layers of zstd (decisions/compressor.md)
    compression: Annotated[str, Field("of layers: gzip, zstd or none", words=("gzip", "zstd", "none"), blank=True)] = (
        "gzip"
    )
    # not the default: who debugs in a container misses the tests of a package, and layers of teams would part
    slim: Annotated[
        bool, Field("leave out of packages what no program loads: static libraries, headers, tests, documentation")
    ] = False
    # nothing goes unless someone says so: an image that was removed and needed is one too many (decisions/clean-up.md)
    keep_tags: Annotated[
        int | None, Field("how many older images of the repository stay; all without it", least=0), BESIDE
    ] = None
    keep_days: Annotated[
        int | None, Field("how many days older images stay; forever without it", least=0, unit="days"), BESIDE
    ] = None
    # on, as with ko and apko: who is asked for a bill of materials later has it
    sbom: Annotated[bool, Field("attach a bill of materials to the image; true if not said")] = True


@lean(frozen=True, kw_only=True)
class Pins(Declared):
    """What ``check`` fills in: digests and files, so that the engine's own diff names what changes."""

    base_digest: Annotated[str | None, Field("digest of the base image", filled=True)] = None
    base_key: Annotated[
        str | None, Field("what the base's Dockerfile depends on: text, files, arguments, images", filled=True)
    ] = None
    base_images: Annotated[
        Mapping[str, str] | None, Field("digests of the images that the Dockerfile names", filled=True)
    ] = None
    steps_key: Annotated[str | None, Field("what the steps depend on: base, lines, files", filled=True)] = None
    dependencies: Annotated[Mapping[str, Any] | None, Field("what conda.yml asks for", filled=True)] = None
    # the same once more, for people: in a list what stands behind a new line would all show as changed
    asked: Annotated[
        Mapping[str, str] | None, Field("what conda.yml asks for, by the package's name", filled=True), BESIDE
    ] = None
    packages: Annotated[Mapping[str, str] | None, Field("conda packages: version and build by name", filled=True)] = (
        None
    )
    pip_packages: Annotated[Mapping[str, str] | None, Field("pip packages: version by name", filled=True)] = None
    # beside: the base, the steps and interpreterPath decide, and they are the difference
    python: Annotated[
        Mapping[str, str] | None, Field("Python of the image itself: its path and version", filled=True), BESIDE
    ] = None
    # one text on the wire, a line for each file: a preview shows the beginning of a text, and all of a list
    server_lock: Annotated[
        tuple[str, ...] | None,
        Field(
            "wheels that the server needs beside the image's own Python, with their sha256, a line each", filled=True
        ),
        BESIDE,
    ] = None
    lock: Annotated[
        tuple[str, ...] | None, Field("every package file with its sha256, a line each", filled=True), BESIDE
    ] = None

    @property
    def base(self) -> str:
        """What names the base: its digest, or the key of the Dockerfile that makes it; empty if neither is known."""
        return self.base_digest or self.base_key or ""

    def to_json(self) -> str:
        """Write them for this machine's catalog, in which they stay for minutes."""
        return json.dumps(encoded(self))

    @classmethod
    def of_json(cls, text: str) -> Self:
        """Read what ``to_json`` wrote."""
        return read(cls, json.loads(text))


@lean(frozen=True, kw_only=True)
class Environment(Declared):
    """An environment image as it is declared, pinned once ``check`` has filled ``pins``."""

    login_server: Annotated[str, Field("registry to push to", shown=REFERENCE)]
    repository: Annotated[str, Field("repository in that registry", shown=REFERENCE, fault=repository_fault)]
    base: Annotated[Base, SPREAD] = field(default_factory=Base)
    steps: Annotated[Steps, SPREAD] = field(default_factory=Steps)
    packages: Annotated[Packages, SPREAD] = field(default_factory=Packages)
    layers: Annotated[Layers, SPREAD] = field(default_factory=Layers)
    pins: Annotated[Pins, SPREAD] = field(default_factory=Pins)

    @property
    def place(self) -> Place | None:
        """Where the image goes; None if that is not known yet."""
        return Place(self.login_server, self.repository) if self.login_server and self.repository else None

    @property
    def limits(self) -> Limits:
        """What the packages may be made of; a virtual ``__glibc`` replaces that of the base image."""
        asked = self.packages
        virtual = {name: str(version) for name, version in (asked.virtual_packages or {}).items()}
        strategy = asked.index_strategy or "first-index"
        return Limits(self.base.glibc or "", virtual, asked.exclude_newer or "", strategy)


_TEXTS = ("lock", "serverLock")
"""Lists that are one text on the wire."""
_TABLE = table_of(Environment)
FIELDS = {**_TABLE, **{name: replace(_TABLE[name], kind="string") for name in _TEXTS}}
_LISTS = ("extraSteps", "lintOff")


def read_environment(values: Values) -> Environment:
    """Return what is known of an environment's properties, without secret wrappers.

    A list of steps or rules that is wholly unknown is one text that is: what copies from a context may be among them.

    Args:
        values: by names of the wire; kinds are right, ``UNKNOWN`` may be inside; more than inputs are passed over.
    """
    seen = seen_of(_with_lock_lines(values), _LISTS)
    later = {name: UNKNOWN for name in seen.unknown if name not in _LISTS}
    environment = read(Environment, {**seen.values, **later})
    unsure = {name for name, part in parts_of(Steps).items() if part.wire in _LISTS and part.wire in seen.unknown}
    steps = environment.steps
    return environment.but(steps=steps.but(unsure=steps.unsure | unsure)) if unsure else environment


def filled(environment: Environment, given: Values) -> Values:
    """Return the properties that ``check`` adds to those that are given, ``UNKNOWN`` where one waits for another.

    The glibc of the base is one of them, unless it is given: what is given may be a secret, and stays as it is.
    """
    pins = with_lock_text(encoded(environment.pins))
    if (wanted := pins.get("dependencies")) is not None:
        pins["asked"] = UNKNOWN if is_unknown(wanted) else asked_by_name(wanted)
    # where it was looked up, so that a machine without the base's layers need not look again
    pins |= {wire: value for wire, value in encoded(environment.base).items() if wire == environment.base.at("glibc")}
    return {wire: value for wire, value in pins.items() if FIELDS[wire].filled or wire not in given}


def made_of(environment: Environment) -> Values:
    """Return the properties that an import needs to know: no path, no host, nothing of this machine."""
    # a list of lines, as images say it of themselves since 0.1: another form would be another digest of each
    said = {**encoded(environment.base), **encoded(environment.pins)}
    # ``asked`` follows from the dependencies
    return {
        wire: value
        for wire, value in said.items()
        if (FIELDS[wire].filled or wire in ("baseImage", "glibc")) and wire != "asked"
    }


def with_lock_text(values: Values) -> Values:
    """Return the properties with each lock as one text, as states have it; images and states of 0.2 have lists."""
    lists = {name: values[name] for name in _TEXTS if isinstance(values.get(name), list)}
    return {**values, **{name: "\n".join(lines) for name, lines in lists.items()}}


def _with_lock_lines(values: Values) -> Values:
    texts = {name: reveal(values.get(name)) for name in _TEXTS}
    return {**values, **{name: text.splitlines() for name, text in texts.items() if isinstance(text, str)}}


def asked_by_name(dependencies: Mapping[str, Any]) -> dict[str, str]:
    """Return what a conda.yml asks for, each line by the name of its package; the same for equal ``dependencies``."""
    found: dict[str, str] = {}
    for kind, prefix in (("dependencies", ""), ("pip", "pip "), ("server", "server ")):
        for line in dependencies.get(kind) or ():
            match = _PACKAGE.match(line)
            key = f"{prefix}{match[1]}" if match else f"{prefix}{line}"
            # a package may be asked for in two lines; brackets would end the path of a property
            found[re.sub(r'[\[\]"]', "", f"{prefix}{line}") if key in found or not match else key] = line
    return found


def beside() -> frozenset[str]:
    """Return the names on the wire of the inputs that are no difference by themselves."""
    return frozenset(
        part.wire
        for section in (Base, Steps, Packages, Layers, Pins)
        for name, part in parts_of(section).items()
        if BESIDE in typing.get_type_hints(section, include_extras=True)[name].__metadata__
    )
