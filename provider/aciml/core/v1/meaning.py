"""What files of v1 mean as arguments of the components; all that is wrong, and what became of each key."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from ..errors import Finding
from .deployment import read_deployment
from .desk import Desk, Given, Look, posix
from .environment import Inside, read_scaffold, take_environment
from .keys import ENVIRONMENT, INFERENCE
from .reading import Outcome, Said
from .script import Asks, asks_of

_COPIES = re.compile(r"^\s*(?:COPY|ADD)\s", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True)
class Source:
    """A file of v1: its name as the user wrote it, and its text."""

    name: str
    text: str = field(repr=False)


@dataclass(frozen=True)
class Meaning:
    """Arguments of environment and service, and all that there is to tell."""

    environment: tuple[Given, ...]
    service: tuple[Given, ...]
    outcomes: tuple[Outcome, ...]
    findings: tuple[Finding, ...]
    script: PurePath | None = None
    """The entry script."""
    is_alone: bool = False
    """Whether v1 sent the script alone, without the folder that it is in."""
    asks: Asks = field(default_factory=Asks)
    compute: str = ""
    """Compute type of the deployment: aci or local."""


def meaning_of(
    look: Look,
    roots: tuple[PurePath, ...],
    inference: Source,
    deployment: Source | None = None,
    scaffold: PurePath | None = None,
) -> Meaning:
    """Return what files of v1 mean; nothing is raised.

    Args:
        look: sees the files that they name.
        roots: folders that paths are relative to, in order: where v1's command ran, then the folder of the file.
        inference: the inference config.
        deployment: the deployment config; None reads the other alone.
        scaffold: folder of an environment that was saved, or its file.
    """
    desk = Desk(look, roots)
    script = _Inference(desk)
    script.read(inference, scaffold)
    compute = read_deployment(desk, deployment.text, deployment.name) if deployment is not None else ""
    return Meaning(
        tuple(desk.environment),
        tuple(desk.service),
        tuple(desk.reading.outcomes),
        tuple(desk.reading.findings),
        script.path,
        script.source is None,
        script.asks,
        compute,
    )


class _Inference:
    """The inference config: where the script is, and which environment it has."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.source: PurePath | None = None
        self.path: PurePath | None = None
        self.asks = Asks()

    @property
    def homes(self) -> tuple[PurePath, ...]:
        """Folders that files are relative to: with a source directory it alone, as in v1."""
        return self.desk.roots if self.source is None else (self.source,)

    def read(self, file: Source, scaffold: PurePath | None) -> None:
        root = self.desk.reading.tree(file.text, file.name)
        said = self.desk.reading.said(root, INFERENCE, file.name) if root else {}
        self._source(said)
        if root:
            self._script(said, file.name)
        inside = self._environment(said, file.name, scaffold)
        if inside is not None:
            take_environment(self.desk, inside)
        self._steps(said)
        self.desk.take(self.desk.service, said, "description")

    def _source(self, said: Mapping[str, Said]) -> None:
        if (given := said.get("sourceDirectory")) is None:
            return
        places = [root / posix(given.text) for root in self.desk.roots]
        found = next((place for place in places if self.desk.look.is_folder(place)), None)
        if found is None:
            tried = self.desk.tried(given.text, self.desk.roots)
            self.desk.reading.fault(given.where, given.key.path, f"{tried} is no folder")
        # gone on with as if it were there, so that the rest is judged in the same run
        self.source = found or places[0]
        self.desk.service.append(Given("source_directory", self.source, given.where, given.key.path))

    def _script(self, said: Mapping[str, Said], file: str) -> None:
        if (given := said.get("entryScript")) is None:
            # of one that is there and is no text it was told already
            if not self.desk.reading.has_fault("entryScript"):
                why = "it is missing; name the script with init() and run()"
                self.desk.reading.fault(f"{file}:1", "entryScript", why)
            return
        # a source directory that is not there has been told; not each file in it as well
        if self.source is not None and not self.desk.look.is_folder(self.source):
            return
        self.path = self.desk.file(given, self.homes)
        if self.path is None:
            return
        name = posix(given.text)
        if self.source is None:
            # v1 sent the script alone, and our images have a folder
            self.desk.service.append(Given("source_directory", self.path.parent, given.where, given.key.path))
            name = self.path.name
        self.desk.service.append(Given("entry_script", name, given.where, given.key.path))
        if (text := self.desk.text(self.path, given.where, given.key.path)) is not None:
            self.asks = asks_of(text)

    def _environment(self, said: Mapping[str, Said], file: str, scaffold: PurePath | None) -> Inside | None:
        inline = said.get("environment")
        if inline is not None and scaffold is not None and _names_one(inline):
            # a name in a workspace: the saved one is that environment, as the advice below says
            inline = None
        if inline is not None and scaffold is not None:
            self.desk.reading.fault(inline.where, "environment", "another environment is given beside it; keep one")
            return None
        if inline is None and scaffold is None:
            return Inside(said, self.homes, asks=self.asks)
        for name in ("condaFile", "baseImage", "baseImageRegistry"):
            if name in said:
                # v1's CLI passed over these beside an environment, its SDK refused them
                self.desk.pass_over(said[name], "the environment says it; v1's CLI passed over it, too")
        if scaffold is not None:
            told, home = read_scaffold(self.desk, scaffold)
            return Inside(told, self.homes, "docker.", "", home, self.asks) if home is not None else None
        return self._inline(inline, file) if inline is not None else None

    def _inline(self, inline: Said, file: str) -> Inside | None:
        if not _names_one(inline):
            told = self.desk.reading.said(inline.value, ENVIRONMENT, file, "environment.")
            return Inside(told, self.homes, "docker.", "environment.", None, self.asks)
        why = (
            "it names one in a workspace, which nobody asks here: get it by `az ml environment download -n "
            f"{_asked_for(inline)} -d DIR` or Environment.save_to_directory, and give that folder beside it, "
            "as environment"
        )
        self.desk.reading.fault(inline.where, "environment", why)
        return None

    def _steps(self, said: Mapping[str, Said]) -> None:
        if (given := said.get("extraDockerfileSteps")) is None:
            return
        if given.value.is_list:
            # v1 took a list of lines or a path, by the type of the value
            lines = [str(one.data) for one in given.value.data]
            self.desk.environment.append(Given("steps.lines", lines, given.where, given.key.path))
            text = "\n".join(lines)
        else:
            found = self.desk.file(given, self.homes)
            if found is None:
                return
            self.desk.environment.append(Given("steps.file", found, given.where, given.key.path))
            text = self.desk.text(found, given.where, given.key.path) or ""
        if _COPIES.search(text):
            # v1 refused COPY, having no folder to copy from (MachineLearningNotebooks #1509); here it is the script's
            folder = self.source or (self.path.parent if self.path else self.desk.roots[0])
            self.desk.environment.append(Given("steps.context", folder, given.where, given.key.path))


def _names_one(environment: Said) -> bool:
    """Tell whether a workspace's environment is named, by a text or by name and version: what is in it is not said."""
    if not environment.value.is_map:
        return True
    said = {name for name, _, value in environment.value.pairs() if not value.says_nothing}
    # anything else says what is in it, and then the name is only its title
    return "name" in said and said <= {"name", "version", "assetId"}


def _asked_for(environment: Said) -> str:
    """Return the options of v1's CLI that name an environment."""
    if not environment.value.is_map:
        return environment.text
    said = {name: str(value.data) for name, _, value in environment.value.pairs() if not value.says_nothing}
    return said["name"] + (f" -v {said['version']}" if "version" in said else "")
