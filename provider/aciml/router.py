"""Reads the provider's configuration, picks the targets, routes each type token to its resource."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from .core.errors import Finding, UserError
from .core.ownership import Urn
from .enginelog import EngineLog, RowProgress
from .model.config import FIELDS, SECRETS
from .model.judge import OUTPUTS, TABLES
from .model.shape import shown_findings
from .properties import Secret, Values, is_unknown, reveal
from .resources.catalog import resource_types
from .resources.protocol import Changes, Checked, Existing, InitFailed, Resource
from .secrecy import Secrecy, kept, newly_secret
from .settings import Settings
from .speech import Speech, SpokenLog
from .stack_file import config_in, with_secrets
from .targets.choice import choose_targets, config_findings, in_program_words, is_declared
from .targets.protocol import Action

Answer = TypeVar("Answer")


class Router:
    """One provider for all resources of the package; it implements ``servicer.Life`` in worker threads."""

    def __init__(self, log: EngineLog) -> None:
        """Serve with lines going to ``log``; nothing is opened before ``configure``."""
        self.speech = Speech(Path.cwd())
        self.secrecy = Secrecy()
        self._log = SpokenLog(log, self.speech, self.secrecy)
        # more than there are cores: resources wait for registries and clouds far longer than they compute
        self._workers = ThreadPoolExecutor(max_workers=16, thread_name_prefix="resource")
        self._resources: dict[str, Resource] = {}
        # by urn: what diff found that a change costs; to be told in the row of the change, which comes next
        self._effects: dict[str, str] = {}
        self._config: Values = {}

    async def check_config(self, urn: str, new: Values) -> list[Finding]:
        """Name everything that is wrong in the provider's configuration at once."""
        # a declared provider has its secrets marked by the program, the engine's own by its file
        self._learn(new if is_declared(urn) else _encrypted(urn, new))
        later = frozenset(key for key, value in new.items() if is_unknown(value))
        config = {key: str(value) for key, value in reveal(new).items()}
        # what is wrong with the whole and what with one value are told together
        findings = await self._run(lambda: [*shown_findings(new, FIELDS), *config_findings(config, later)])
        if is_declared(urn):
            findings = [in_program_words(finding) for finding in findings]
        return [self.secrecy.finding(finding) for finding in findings]

    async def configure(self, config: Values) -> None:
        """Build the resources over the chosen targets."""
        self._learn(config)
        # the engine tells `check_config` no secrets (its provider_plugin.go), so they are judged here too
        if shown := shown_findings(config, FIELDS):
            raise UserError("; ".join(finding.why for finding in shown))
        # config is text: Pulumi has no other kind for a provider
        plain = {key: str(value) for key, value in reveal(config).items()}
        settings = Settings.read().with_ca_bundle(plain.get("caBundle", ""))
        settings, told = await self._run(settings.with_usable_cache)
        if told:
            RowProgress(self._log, "").warn(told)
        self._resources = resource_types(choose_targets(plain, settings), settings)

    def learn_component(self, token: str, name: str, inputs: Values) -> None:
        """Know that a component is made here, for a program in another language."""
        self.speech.remember(token, name)
        self.secrecy.learn(inputs)

    def cancel(self) -> None:
        """Let every checkpoint raise."""
        # read by every checkpoint of every resource: work ends where it can be taken up again
        self._log.cancelled.set()

    def words(self, urn: str, text: str) -> str:
        """Return a message about a resource in the words of who declared it."""
        return self.secrecy.text(self.speech.text(urn, text))

    def without_secrets(self, text: str) -> str:
        """Return a text that has none of the secrets that were met."""
        return self.secrecy.text(text)

    async def life_check(self, urn: str, old: Values | None, new: Values) -> Checked:
        """Judge inputs; what was given as a secret stays one."""
        self.secrecy.learn(old, new)
        # each call has a row of its own, to which its lines are said
        checked = await self._run(lambda: self._resource(urn).check(old, new, RowProgress(self._log, urn)))
        self.secrecy.learn(checked.inputs)
        findings = [self.secrecy.finding(self.speech.finding(urn, finding)) for finding in checked.findings]
        # an input that was given as a secret stays one in the state, whoever made it
        return replace(checked, inputs=self._secret(urn, checked.inputs, new), findings=findings)

    async def life_diff(self, urn: str, old: Values, state: Values, new: Values) -> Changes:
        """Compare inputs; what is kept in clear and is a secret now has to be kept anew."""
        self.secrecy.learn(old, state, new)
        changes = await self._run(lambda: self._resource(urn).diff(old, state, new))
        # told later, in the row of the change; a diff has no row
        self._effects[urn] = changes.effect
        # the engine keeps the outputs of a resource that it leaves as it is: in clear, as they were
        bared: dict[str, Action] = dict.fromkeys(newly_secret(new, old, state), "update")
        return replace(changes, detail={**bared, **changes.detail})

    async def life_create(self, urn: str, inputs: Values, *, preview: bool, seconds: float) -> Existing:
        """Make a resource."""
        self.secrecy.learn(inputs)
        progress = RowProgress(self._log, urn, seconds, strict=not preview and _is_image(urn))
        self._tell_effect(urn, progress, preview=preview)
        work = self._resource(urn).create
        made = await self._kept(urn, lambda: work(inputs, progress, preview=preview), inputs)
        return replace(made, state=self._secret(urn, made.state, inputs))

    async def life_update(self, urn: str, old: Existing, inputs: Values, *, preview: bool, seconds: float) -> Values:
        """Change a resource."""
        self.secrecy.learn(old.state, old.inputs, inputs)
        progress = RowProgress(self._log, urn, seconds, strict=not preview and _is_image(urn))
        self._tell_effect(urn, progress, preview=preview)
        work = self._resource(urn).update
        state = await self._kept(urn, lambda: work(old, inputs, progress, preview=preview), inputs, old.inputs)
        return self._secret(urn, state, inputs)

    async def life_read(self, urn: str, known: Existing) -> Existing | None:
        """Look at a resource."""
        self.secrecy.learn(known.state, known.inputs)
        seen = await self._run(lambda: self._resource(urn).read(known, RowProgress(self._log, urn)))
        # what is gone has nothing to be hidden
        return self._as_secret(urn, seen, known.inputs, known.state) if seen else None

    async def life_delete(self, urn: str, known: Existing, *, seconds: float) -> None:
        """Remove a resource."""
        self.secrecy.learn(known.state, known.inputs)
        progress = RowProgress(self._log, urn, seconds)
        return await self._run(lambda: self._resource(urn).delete(known, progress))

    def _tell_effect(self, urn: str, progress: RowProgress, *, preview: bool) -> None:
        """Say in a preview what a change costs; diff itself cannot, since a refresh asks it the other way round."""
        effect = self._effects.pop(urn, "")
        if preview and effect:
            progress.note(f"what it costs: {effect}")

    def _learn(self, config: Values) -> None:
        """Know the secrets of the provider's configuration, also those that a variable or a file gave."""
        self._config = {key: Secret(value) if key in SECRETS else value for key, value in config.items()}
        self.secrecy.learn(self._config)

    def _as_secret(self, urn: str, seen: Existing, *known: Values) -> Existing:
        return Existing(seen.id, self._secret(urn, seen.state, *known), self._secret(urn, seen.inputs, *known))

    def _secret(self, urn: str, values: Values, *known: Values) -> Values:
        """Return values that are as secret as what they come from; the region of the configuration may be in them."""
        # outputs as well: a key that a service was given comes back in them
        tables = (TABLES.get(_token(urn), {}), OUTPUTS.get(_token(urn), {}))
        others = [name for table in tables for name, field in table.items() if field.shown]
        return kept(values, *known, {"": self._config}, read_by_others=others)

    async def _kept(self, urn: str, work: Callable[[], Answer], *known: Values) -> Answer:
        """Do work that may leave something which is not ready: what is kept of that is as secret as the rest."""
        try:
            return await self._run(work)
        except InitFailed as error:
            # what was made is kept even if it is not ready, and as secret as the rest
            error.existing = self._as_secret(urn, error.existing, *known)
            raise

    async def _run(self, work: Callable[[], Answer]) -> Answer:
        # gRPC is served by one thread: work of minutes in it would silence cancel, too
        return await asyncio.get_running_loop().run_in_executor(self._workers, work)

    def _resource(self, urn: str) -> Resource:
        # the type is what a resource is by, and not its name
        token = _token(urn)
        if token not in self._resources:
            raise UserError(f"aciml has no resource type {token}", f"it has {', '.join(sorted(self._resources))}")
        return self._resources[token]


def _encrypted(urn: str, given: Values) -> Values:
    """Return the configuration of the engine's own provider with what the stack's file does not have in clear hidden.

    The engine says here of no value that it is a secret, and messages repeat what is wrong.
    """
    # by the stack's file, in which it is said of each value whether it is encrypted
    config = config_in(Path.cwd(), Urn.parse(urn).stack)
    if not config:  # there is no such file, and all of it would be hidden
        return given
    clear = {key: config.get(f"aciml:{key}") for key in given}
    return {key: value if key in _OWN else with_secrets(value, clear[key]) for key, value in given.items()}


def _token(urn: str) -> str:
    return urn.split("::")[2].rpartition("$")[2]


def _is_image(urn: str) -> bool:
    """Tell whether the work may end at any checkpoint: nothing has to be put back then."""
    # layers that were pushed are found again; a group that is half replaced has to be brought into order first
    return _token(urn).startswith("aciml:image:")


_OWN = ("version", "pluginDownloadURL")
"""What the engine adds to the configuration itself."""
