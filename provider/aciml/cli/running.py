"""A service on its place: the target that manages it, and what state says it should be."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from ..core.errors import AcimlError, UserError
from ..core.reference import Reference
from ..model.registry import LOGIN_SERVER
from ..properties import is_unknown, reveal
from ..resources import keys
from ..resources.certificate import read_certificate
from ..resources.group_spec import spec_of
from ..settings import Settings
from ..targets.choice import choose_targets, config_findings
from ..targets.protocol import Certificate, GroupSpec, Targets
from ..targets.smoke import trust
from .deployed import Chosen, DeployedService
from .terminal import Terminal

if TYPE_CHECKING:
    from ..images.tools import Tools


@dataclass(frozen=True)
class RunningService:
    """A service of a stack with the target of its provider. Nothing is contacted before something is asked."""

    chosen: Chosen
    settings: Settings
    targets: Targets

    @classmethod
    def of(cls, stack: str | None, project: Path | None, word: str | None, *, secrets: bool = False) -> RunningService:
        """Find the service that a command is about, and go into its project's folder.

        Raises:
            UserError: there is no such stack or service, or its provider cannot be had with what is known here.
        """
        return cls.at(Chosen.of(stack, project, word, secrets=secrets))

    @classmethod
    def at(cls, chosen: Chosen) -> RunningService:
        """Return the service with its target.

        Raises:
            UserError: what the provider was told does not do here, such as a login by a file that is not here.
        """
        # a login by a secret: the state has it, and nobody else here does
        if chosen.service.hidden:
            chosen = chosen.with_secrets()
        chosen.enter()
        config = dict(chosen.service.config)
        # the provider's own bundle: a command speaks to the same hosts as an update
        settings = Settings.read().with_ca_bundle(config.get("caBundle", ""))
        # what is wrong in the config of a state was right where it was brought up
        if findings := config_findings(config):
            told = "; ".join(finding.why for finding in findings)
            raise UserError(f"the provider of {chosen.service.name} cannot be used here: {told}")
        return cls(chosen, settings, choose_targets(config, settings))

    @property
    def service(self) -> DeployedService:
        """What state says of it."""
        return self.chosen.service

    @property
    def id(self) -> str:
        """Id of its group on the target."""
        return self.service.group.id

    @cached_property
    def spec(self) -> GroupSpec:
        """What the last update declared; what is hidden in it is not known."""
        group = self.service.group
        # a port is kept: by its own spec another one would be free to be picked
        port = reveal(group.outputs.get("port", 0))
        known = keys.given(group.outputs)
        spec = spec_of(group.inputs, known, keep_port=0 if is_unknown(port) else int(port), owner=group.urn)
        # to know it again as ours: labels of an older release say less
        return replace(spec, known_as=group.text("owner"))

    @cached_property
    def certificate(self) -> Certificate | None:
        """Its certificate, if it speaks TLS and the files are here; a client trusts that one alone then."""
        try:
            return read_certificate(self.spec.declared.tls)
        except UserError:
            # they lie on the machine that brought it up; the system's own authorities have to do
            return None

    @cached_property
    def verify(self) -> ssl.SSLContext | None:
        """How a client verifies it: by its own certificate, else by ``aciml:caBundle``, else by the machine."""
        # a certificate of one's own is trusted alone, so that nobody else can be in the way
        if self.certificate is not None or self.settings.ca_bundle is None:
            return trust(self.certificate)
        # an ingress shows a certificate of its cloud, which a proxy that opens TLS replaces by one of its own
        return ssl.create_default_context(cafile=str(self.settings.ca_bundle))

    @property
    def base_url(self) -> str:
        """``http(s)://host:port`` by what state says; empty if nobody can call it."""
        # an output is by what was true then: `status` looks where it is now
        return self.service.group.text("scoringUri").removesuffix("/score")

    def word_for(self, image: Reference) -> str:
        """Return the shortest by which a program names an image: in the service's own repository its digest does."""
        own = self.service.image
        # without an image of ours its repository is not known
        place = (own.text(LOGIN_SERVER), own.text("repository")) if own else ()
        is_here = place == (image.registry, image.repository)
        return image.digest if is_here and image.digest else str(image)

    @cached_property
    def tools(self) -> Tools:
        """Clients of registries, by the logins of the target."""
        from ..images.tools import Tools

        return Tools.of(self.targets, self.settings)

    @cached_property
    def hasty_tools(self) -> Tools:
        """The same for what is told beside something else: nobody waits for a registry that does not answer."""
        from ..images.tools import Clients
        from ..registry.limits import HASTY

        tools = self.tools
        return replace(tools, clients=Clients(lambda host: tools.glance(host, HASTY)))


def tell_state(running: RunningService, progress: Terminal) -> str:
    """Let the engine look at the group, so that its state has what runs; return why that failed, empty if it did not.

    The next preview then shows what `up` would change back; without it `up` would find no difference today, and undo
    the rollback silently with the next change of anything else.
    """
    progress.say("telling the state")
    try:
        # refresh alone changes no resource: what is told is what is there
        running.chosen.source.pulumi("refresh", "--yes", "--skip-preview", "--target", running.service.group.urn)
    except UserError as error:
        return f"the state does not know of it yet ({error.message}): run `pulumi refresh`"
    finally:
        progress.done()
    return ""


@dataclass(frozen=True)
class ImageFacts:
    """What an image in a registry says of itself; empty texts where it says nothing.

    ``packages`` are name to version, conda's and pip's; empty if its environment cannot be read.
    """

    reference: Reference
    created: str = ""
    revision: str = ""
    source: str = ""
    base: str = ""
    tool: str = ""
    size: int = 0
    is_service: bool = False
    packages: Mapping[str, str] | None = None

    @property
    def commit(self) -> str:
        """The commit in a few digits, and whether files were other than in it."""
        # `-dirty`: files differed from the commit that is named
        digits, _, dirty = self.revision.partition("-")
        return f"{digits[:12]}{f'-{dirty}' if dirty else ''}"


def image_facts(tools: Tools, reference: Reference, *, packages: bool = False) -> ImageFacts | None:
    """Read what an image says: its labels, and with ``packages`` what its environment has.

    Returns:
        None if the registry says that there is no such image.

    Raises:
        OutageError: it does not answer.
    """
    from ..core import labels
    from ..core.compose import inputs_of
    from ..images.remote.existing import is_service

    image = tools.load_image(reference)
    # certainly not there: an outage raises
    if image is None:
        return None
    said = image.labels()
    base = said.get(labels.BASE_NAME, "")
    if base and (digest := said.get(labels.BASE_DIGEST, "")):
        # with its digest: a tag may be another image by now
        base = f"{base}@{digest}"
    found = ImageFacts(
        reference=reference,
        created=said.get(labels.CREATED, "") or image.created,
        revision=said.get(labels.REVISION, ""),
        source=said.get(labels.SOURCE, ""),
        base=base,
        tool=said.get(labels.TOOL, ""),
        size=sum(layer.size for layer in image.layers),
        is_service=is_service(image),
    )
    below = str(inputs_of(image).get("environment", ""))
    # an environment has its packages itself; a service's image leads to it
    if not packages or not below:
        return found
    try:
        environment = tools.load_image(Reference.parse(f"{reference.registry}/{below}"))
    except AcimlError:
        # it may lie in a registry of its own, or be cleaned away: the image runs all the same
        return found
    return replace(found, packages=_packages(inputs_of(environment)) if environment else None)


def _packages(made_of: Mapping[str, object]) -> dict[str, str]:
    conda, pip = (made_of.get(key) or {} for key in ("packages", "pipPackages"))
    known = {**_texts(conda), **_texts(pip)}
    # of conda's "1.26.4 py311h9020b25_0" the build says nothing to people
    return {name: version.partition(" ")[0] for name, version in sorted(known.items())}


def _texts(table: object) -> dict[str, str]:
    return {str(name): str(text) for name, text in table.items()} if isinstance(table, Mapping) else {}
