"""What is declared of ``aciml:image:Service``, and what every pushed image tells of itself."""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated

from ..core.errors import Finding, UserError
from ..core.lean import lean
from ..core.place import Place
from ..core.reference import Reference, repository_fault
from ..properties import UNKNOWN, Values
from .declared import Declared, read, table_of, wires_of
from .shape import REFERENCE, Field
from .unknowns import encoded, seen_of

_FILES = "the names of the image's files"


@lean(frozen=True, kw_only=True)
class Service(Declared):
    """A service's image: the scoring source, models and server on top of an environment; or one that exists.

    With ``existing_image`` nothing is built and all else but the place is passed over: ``login_server``,
    ``environment_image`` and ``source_directory`` may be None then, and in nothing else that was judged.
    """

    login_server: Annotated[str, Field("registry to push to", shown=REFERENCE)] = None  # type: ignore[assignment]
    repository: Annotated[str, Field("repository in that registry", shown=REFERENCE, fault=repository_fault)]
    # a tag would move below the service, and a cloud does not pull the same tag again (azure-cli #14625)
    environment_image: Annotated[str, Field("image of the environment, with its digest", shown=REFERENCE)] = None  # type: ignore[assignment]
    source_directory: Annotated[str, Field("folder with the scoring script and what it imports")] = None  # type: ignore[assignment]
    existing_image: Annotated[
        str | None,
        Field("image to run instead of one that is built: host/repository@sha256:..., or sha256:...", shown=REFERENCE),
    ] = None
    entry_script: Annotated[str, Field("the scoring script, relative to sourceDirectory", shown=_FILES)]
    models: Annotated[
        Mapping[str, str] | None, Field("file or folder of each model, by name or name:version", shown=_FILES)
    ] = None
    scripts: Annotated[
        Mapping[str, str] | None, Field("more scoring scripts by name, for /score/<name>", shown=_FILES)
    ] = None
    run_as_root: Annotated[
        bool | None, Field("run as root, for scripts that need it; else as a user that may write in its own folders")
    ] = None
    source_hash: Annotated[str | None, Field("hash of the scoring source", filled=True)] = None
    # for people, who know files and no hash of all; large trees by folder (``plan/named_files.py``)
    source_files: Annotated[
        Mapping[str, str] | None, Field("hash of each file of the scoring source, shortened", filled=True)
    ] = None
    model_hashes: Annotated[Mapping[str, str] | None, Field("hash of each model", filled=True)] = None
    server_hash: Annotated[str | None, Field("hash of the scoring server", filled=True)] = None
    # for people who read a preview; whether there is a difference
    # at all is for server_hash to say (decisions/labels.md)
    server: Annotated[str | None, Field("version of the scoring server", filled=True)] = None

    @property
    def place(self) -> Place | None:
        """Where the image goes; None if that is not known yet."""
        return Place(self.login_server, self.repository) if self.login_server and self.repository else None

    @property
    def existing(self) -> Reference | None:
        """The image that exists and is to run; None if one is built, or that is not known yet."""
        if self.existing_image is None:
            return None
        if not _DIGEST.fullmatch(self.existing_image):
            return Reference.parse(self.existing_image)
        place = self.place
        # with the tag that a push gives: a registry may clean away what has none
        return (
            Reference(place.login_server, place.repository, self.existing_image[7:19], self.existing_image)
            if (place)
            else None
        )


@lean(frozen=True, kw_only=True)
class PushedImage(Declared):
    """What is known of an image once it is in its registry."""

    image: Annotated[str | None, Field("host/repository:tag@digest", shown=REFERENCE)] = None
    digest: Annotated[str | None, Field("digest of the manifest", shown=REFERENCE)] = None
    layers: Annotated[int | None, Field("number of layers")] = None
    size: Annotated[int | None, Field("compressed bytes of all layers")] = None


FIELDS = table_of(Service)
(ENVIRONMENT_IMAGE,) = wires_of(Service, "environment_image")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_NEEDED = ("login_server", "environment_image", "source_directory")
_INSTEAD = "or give existingImage, an image that is there already"


def service_findings(service: Service) -> Iterator[Finding]:
    """Judge whether there is something to build, or an image that exists and can be told from all others."""
    if service.is_unsure("existing_image"):
        return
    said = service.existing_image
    if said is None:
        for name in _NEEDED:
            if not service.knows(name) and not service.is_unsure(name):
                yield service.finding(
                    name, f"{service.at(name)} is missing: {FIELDS[service.at(name)].doc}; {_INSTEAD}"
                )
    elif _DIGEST.fullmatch(said):
        if not service.knows("login_server") and not service.is_unsure("login_server"):
            why = f"{service.at('login_server')} is missing: a digest alone does not say which registry has the image"
            yield service.finding("login_server", f"{why}; give it, or write host/repository@sha256:...")
    elif not _is_pinned(said):
        advice = "write host/repository@sha256:..., or the digest alone; `aciml rollback --list` shows those there are"
        yield service.finding(
            "existing_image", f'"{said}" does not say which image for good: it needs a digest; {advice}'
        )


def _is_pinned(text: str) -> bool:
    try:
        found = Reference.parse(text)
    except UserError:
        return False
    return bool(found.registry and found.repository and _DIGEST.fullmatch(found.digest))


OUTPUTS = table_of(PushedImage)


def read_service(values: Values) -> Service:
    """Return what is known of a service's properties; a path in a map that is not known yet is ``NOT_KNOWN`` there."""
    seen = seen_of(values)
    return read(Service, {**seen.values, **dict.fromkeys(seen.unknown, UNKNOWN)})


def made_of(service: Service) -> Values:
    """Return the properties that an import needs to know: no path of this machine, no host."""
    said = encoded(service)
    return {
        wire: said[wire]
        for wire in ("entryScript", "scripts", "sourceHash", "modelHashes", "serverHash")
        if wire in said
    }
