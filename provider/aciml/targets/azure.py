"""The Azure target: it refuses every call in one sentence until it is built."""
# ruff: noqa: ARG002 - the arguments are those of the protocol; a target that refuses reads none of them

from __future__ import annotations

from typing import NoReturn

from ..core.errors import UserError
from ..core.progress import Progress
from .protocol import Action, Credentials, GroupFacts, GroupSpec, RegistryFacts, RegistrySpec


def _refuse() -> NoReturn:
    raise UserError("the Azure target is not built yet", "use `aciml:target: local`")


class AzureTarget:
    """Satisfies ``Target`` in form; every call raises ``UserError``, also the comparisons, so that preview says it."""

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return "azure"

    def create_registry(self, spec: RegistrySpec, progress: Progress) -> RegistryFacts:
        """Refuse."""
        _refuse()

    def read_registry(self, registry_id: str) -> RegistryFacts | None:
        """Refuse: None would mean that the registry is gone."""
        _refuse()

    def delete_registry(self, registry_id: str, *, delete_data: bool, progress: Progress) -> None:
        """Refuse."""
        _refuse()

    def registry_changes(self, old: RegistrySpec, new: RegistrySpec) -> dict[str, Action]:
        """Refuse."""
        _refuse()

    def credentials(self, login_server: str) -> Credentials:
        """Refuse."""
        _refuse()

    def create_group(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Refuse."""
        _refuse()

    def update_group(self, group_id: str, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Refuse."""
        _refuse()

    def read_group(self, group_id: str) -> GroupFacts | None:
        """Refuse: None would mean that the group is gone."""
        _refuse()

    def delete_group(self, group_id: str, progress: Progress) -> None:
        """Refuse."""
        _refuse()

    def group_changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Refuse."""
        _refuse()
