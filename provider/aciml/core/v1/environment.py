"""What an environment stands on and what is in it: v1's flat keys of the inference config, or an Environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath

from .desk import Desk, Given, text_of
from .keys import ENVIRONMENT, Fate
from .packages import PYTHON, CondaText, amend, text_of_conda, too_old
from .reading import Said
from .script import EXAMPLE, Asks
from .tree import Value

BASE_IMAGE = "debian:bookworm-slim"
"""Where v1 had a base of its own, with conda and MPI, which nothing here needs."""
ENVIRONMENT_FILE, CONDA_FILE, BASE_DOCKERFILE = "azureml_environment.json", "conda_dependencies.yml", "BaseDockerfile"
"""What ``Environment.save_to_directory`` and ``az ml environment scaffold`` write."""

_EXAMPLE = (EXAMPLE, "EXAMPLE_VALUE")
# v1 had one place for variables, so that secrets are among them (azure-docs #49036)
_SECRET = re.compile(
    r"passw|secret|token|credential|(?:api|access|account|storage|shared)_?key|connection_?str", re.IGNORECASE
)
_BY_PATH = {key.path: key for key in ENVIRONMENT}


@dataclass(frozen=True)
class Inside:
    """What an environment says: ``prefix`` is its path in its file, ``home`` its folder if it was saved in one.

    ``at`` is the path of its keys of the base in their table: ``docker.`` of an Environment, nothing of flat keys.
    ``homes`` are folders that paths are relative to; ``asks`` is what the script needs.
    """

    said: Mapping[str, Said]
    homes: tuple[PurePath, ...]
    at: str = ""
    prefix: str = ""
    home: PurePath | None = None
    asks: Asks = field(default_factory=Asks)

    @property
    def keep_core(self) -> bool:
        """Whether the script needs ``azureml.core``."""
        return bool(self.asks.modules)

    @property
    def is_own_python(self) -> bool:
        """Whether the image's own Python serves."""
        own = self.said.get("python.userManagedDependencies")
        return own is not None and bool(own.value.truth())


def read_scaffold(desk: Desk, place: PurePath) -> tuple[dict[str, Said], PurePath | None]:
    """Return what a saved environment says, and its folder; None, and a finding, if there is none.

    Args:
        desk: keeps what is wrong.
        place: its folder, or the file in it.
    """
    path = place / ENVIRONMENT_FILE if desk.look.is_folder(place) else place
    if not desk.look.is_file(path):
        desk.reading.fault(str(place), "environment", f"there is no {ENVIRONMENT_FILE}, which v1 saved one in")
        return {}, None
    text = desk.text(path, str(path), "environment")
    root = desk.reading.tree(text, str(path)) if text is not None else None
    return (desk.reading.said(root, ENVIRONMENT, str(path)) if root else {}), path.parent


def take_environment(desk: Desk, inside: Inside) -> None:
    """Take base, packages and variables."""
    _base(desk, inside)
    if inside.is_own_python:
        _own_python(desk, inside)
    else:
        _packages(desk, inside)
    _variables(desk, inside, inside.said.get("environmentVariables"))


def _base(desk: Desk, inside: Inside) -> None:
    image, dockerfile = inside.said.get(f"{inside.at}baseImage"), inside.said.get(f"{inside.at}baseDockerfile")
    saved = _saved(desk, inside, BASE_DOCKERFILE, "docker.baseDockerfile") if dockerfile is None else None
    if dockerfile is not None:
        _dockerfile(desk, inside, dockerfile)
    elif saved is not None:
        desk.environment.append(Given("dockerfile.file", inside.home and inside.home / BASE_DOCKERFILE, saved.where))
    made = dockerfile or saved
    if image is not None and made is not None:
        why = f"there is a base Dockerfile, too ({made.where}); v1 took one of them: keep one"
        desk.reading.fault(image.where, inside.prefix + image.key.path, why)
    elif image is not None:
        desk.environment.append(Given("base_image", _full_name(inside, image), image.where, image.key.path))
    elif made is None and not inside.is_own_python:
        desk.environment.append(Given("base_image", BASE_IMAGE))
    _account(desk, inside)


def _saved(desk: Desk, inside: Inside, name: str, key: str) -> Said | None:
    """Return a file that lies beside a saved environment, as if a key had named it."""
    path = None if inside.home is None else inside.home / name
    # so that messages about it name the file, as they would name a line of the config
    return Said(_BY_PATH[key], Value(str(path), 1), str(path)) if path is not None and desk.look.is_file(path) else None


def _full_name(inside: Inside, image: Said) -> str:
    at = f"{inside.at}baseImageRegistry"
    address = inside.said.get(f"{at}.address") or inside.said.get(at)
    host = "" if address is None or address.value.is_map else address.text
    host = re.sub(r"^https?://", "", host).strip("/")
    # people wrote the host in both places, and v1 took that
    return f"{host}/{image.text}" if host and not image.text.startswith(f"{host}/") else image.text


def _account(desk: Desk, inside: Inside) -> None:
    names = [f"{inside.at}baseImageRegistry.{one}" for one in ("username", "password")]
    given = [inside.said[name] for name in names if name in inside.said]
    if len(given) == 1:
        path = inside.prefix + given[0].key.path
        desk.reading.fault(given[0].where, path, "v1 wanted username and password, or none of them")
    for one in given:
        desk.take(desk.environment, inside.said, one.key.path)


def _dockerfile(desk: Desk, inside: Inside, given: Said) -> None:
    text = str(given.value.data)
    # the SDK wrote the text; people wrote a path, as the parameter took one
    # a text of one line may be a path; one of several is none
    found = desk.found(given.text, inside.homes) if "\n" not in given.text else None
    if found is not None:
        desk.environment.append(Given("dockerfile.file", found, given.where, given.key.path))
    else:
        desk.environment.append(Given("dockerfile.text", text, given.where, given.key.path))


def _own_python(desk: Desk, inside: Inside) -> None:
    if not any(one.argument in ("base_image", "dockerfile.text", "dockerfile.file") for one in desk.environment):
        own = inside.said["python.userManagedDependencies"]
        why = "the image's own Python is to serve, and no image is named; give docker.baseImage"
        desk.reading.fault(own.where, inside.prefix + own.key.path, why)
    desk.take(desk.environment, inside.said, "python.interpreterPath")
    for name in ("python.condaDependencies", "python.condaDependenciesFile"):
        if name in inside.said:
            why = "with userManagedDependencies the image's own packages serve, as in v1"
            desk.pass_over(inside.said[name], why, inside.prefix)


def _packages(desk: Desk, inside: Inside) -> None:
    key = "python.condaDependenciesFile"
    inline = inside.said.get("python.condaDependencies")
    file = inside.said.get("condaFile") or inside.said.get(key)
    saved = _saved(desk, inside, CONDA_FILE, key) if file is None else None
    if "python.interpreterPath" in inside.said:
        why = "v1 read it with userManagedDependencies alone: the environment has a Python of its own"
        desk.pass_over(inside.said["python.interpreterPath"], why, inside.prefix)
    if inline is not None and (file is not None or saved is not None):
        other = file.key.name if file is not None else f"{CONDA_FILE} beside it"
        why = f"{other} says it, too; keep one"
        desk.reading.fault(inline.where, inside.prefix + inline.key.path, why)
    elif file is not None:
        homes = inside.homes if inside.home is None else (inside.home, *inside.homes)
        _conda(desk, inside, file, desk.file(file, homes))
    elif saved is not None and inside.home is not None:
        _conda(desk, inside, saved, inside.home / CONDA_FILE)
    elif inline is not None:
        _inline(desk, inside, inline)
    else:
        # as v1 did: its own environment had Python and what its server needed
        desk.environment.append(Given("packages.conda_text", CondaText(f"dependencies:\n  - {PYTHON}\n")))


def _conda(desk: Desk, inside: Inside, given: Said, path: PurePath | None) -> None:
    text = None if path is None else desk.text(path, given.where, inside.prefix + given.key.path)
    if text is None or path is None:
        return
    amended = amend(text, keep_core=inside.keep_core)
    _note(desk, inside, given, (too_old(text),))
    # the file itself: its path in the program keeps it the one place where packages are written
    if not amended.notes:
        desk.environment.append(Given("packages.conda_file", path, given.where, given.key.path))
        return
    _note(desk, inside, given, amended.notes)
    value = CondaText(amended.text, str(path.parent))
    desk.environment.append(Given("packages.conda_text", value, given.where, given.key.path))


def _inline(desk: Desk, inside: Inside, given: Said) -> None:
    if not given.value.is_map:
        path = inside.prefix + given.key.path
        desk.reading.fault(given.where, path, "it must be an object, as a conda file is")
        return
    amended = amend(text_of_conda(given.value.bare()), keep_core=inside.keep_core)
    _note(desk, inside, given, (*amended.notes, too_old(amended.text)))
    desk.environment.append(Given("packages.conda_text", CondaText(amended.text), given.where, given.key.path))


def _note(desk: Desk, inside: Inside, given: Said, notes: tuple[str, ...]) -> None:
    for note in filter(None, notes):
        desk.reading.note(given, Fate.USED, "packages", note, prefix=inside.prefix, told=True)


def _variables(desk: Desk, inside: Inside, given: Said | None) -> None:
    if given is None:
        return
    texts = {name: text_of(value) for name, _, value in given.value.pairs()}
    # the pair as v1 wrote it: another value was set by somebody on purpose
    if _EXAMPLE in texts.items() and not inside.asks.has_example:
        del texts[EXAMPLE]
        fate = Fate.USED if texts else Fate.NOT_GIVEN
        why = f"{EXAMPLE} is left out: each new environment of v1 had it, and the script does not read it"
        desk.reading.note(given, fate, "environment_variables", why, prefix=inside.prefix)
    # one property of v1 becomes two of ours, which are judged and shown apart
    for is_secret, argument in ((False, "environment_variables"), (True, "secure_environment_variables")):
        chosen = {name: text for name, text in texts.items() if bool(_SECRET.search(name)) is is_secret}
        if chosen:
            desk.service.append(Given(argument, chosen, given.where, given.key.path, secret=is_secret))
