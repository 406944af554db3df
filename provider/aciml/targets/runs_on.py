"""One place with two kinds of services: container groups, and container apps with revisions and replicas."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from ..core.errors import Finding, UserError
from ..core.progress import Progress
from ..model.group import Group
from .observed import LogLine, LogWish, Observed
from .protocol import Action, GroupFacts, GroupSpec, ServiceTarget
from .revisions import Revisions

_APP, _GROUP = "moves from a container group to a container app", "moves from a container app to a container group"
_NEW = "a new address, made and proven before the old one goes"
TO_APP, TO_GROUP = f"{_APP}: {_NEW}", f"{_GROUP}: {_NEW}"


def kept_port(port: int) -> str:
    """Say what becomes of a fixed port of this machine when another service takes the place of one."""
    return f"made and proven beside the old one, then port {port} goes over with a gap of a second or two"


class RunsOn:
    """Satisfies ``ServiceTarget``: asks the kind that a declaration names, or that an id belongs to."""

    def __init__(
        self,
        groups: ServiceTarget,
        apps: Callable[[], ServiceTarget] | None,
        is_app: Callable[[str], bool],
        refusal: str = "",
        *,
        hands_over: bool = False,
    ) -> None:
        """Hold both kinds of one place.

        Args:
            groups: container groups.
            apps: opens container apps at the first call that is about one, because what they need is imported then;
                None where there are none.
            is_app: tells of an id of state, or of an import, whether it is that of a container app.
            refusal: why there are none; the end of a finding.
            hands_over: whether a service that moves takes its fixed port along.
        """
        self._hands_over = hands_over
        self._groups, self._open, self._is_app, self._refusal = groups, apps, is_app, refusal
        self._opened: ServiceTarget | None = None

    @property
    def apps(self) -> ServiceTarget:
        """The container apps.

        Raises:
            UserError: there are none in this place.
        """
        if self._open is None:
            raise UserError(self._refusal, "write runsOn: container_group")
        # made twice by two threads is made once too often, and no more: both reach the same place
        self._opened = self._opened or self._open()
        return self._opened

    @property
    def name(self) -> str:
        """The word in the stack config."""
        return self._groups.name

    def defaults(self, runs_on: str = "") -> Group:
        """Return what holds for the kind that is declared."""
        # where there are none the groups' do: check says in one sentence that there are none
        kind = self.apps if runs_on == "container_app" and self._open else self._groups
        return kind.defaults(runs_on)

    def default_name(self, urn: str) -> str:
        """Return one name for both kinds: a service that moves keeps it."""
        return self._groups.default_name(urn)

    def judge(self, old: Group | None, new: Group, progress: Progress) -> list[Finding]:
        """Ask the kind that is declared; what it was before as another kind says nothing of it."""
        if new.runs.is_unsure("runs_on"):
            # not known yet, or a word that was refused already: the limits of the other kind would only mislead
            return []
        if new.is_app and self._open is None:
            return [new.runs.finding("runs_on", self._refusal)]
        before = old if old is not None and old.is_app == new.is_app else None
        return self._kind(new).judge(before, new, progress)

    def changes(self, old: GroupSpec, new: GroupSpec) -> dict[str, Action]:
        """Name what differs; a service that moves to the other kind is another resource, whatever else differs."""
        if old.declared.is_app != new.declared.is_app:
            return {"runs_on": "replace"}
        return self._kind(new.declared).changes(old, new)

    def effect(self, changed: Mapping[str, Action], new: Group) -> str:
        """Say what a change costs."""
        if "runs_on" in changed:
            if new.runs.is_unsure("runs_on"):
                return f"may move to the other kind of service, which is not known yet: {_NEW}"
            if self._hands_over and new.port and "port" not in changed:
                return f"{_APP if new.is_app else _GROUP}: {kept_port(new.port)}"
            return TO_APP if new.is_app else TO_GROUP
        return self._kind(new).effect(changed, new)

    def create(self, spec: GroupSpec, progress: Progress) -> GroupFacts:
        """Make the service of its kind."""
        return self._kind(spec.declared).create(spec, progress)

    def update(self, group_id: str, old: GroupSpec, new: GroupSpec, progress: Progress) -> GroupFacts:
        """Bring a service from one spec to the other, both of one kind."""
        return self._kind(new.declared).update(group_id, old, new, progress)

    def read(self, group_id: str, known: GroupSpec | None = None) -> GroupFacts | None:
        """Look at the service that has this id."""
        return self._of(group_id).read(group_id, known)

    def find(self, declared: Group) -> GroupFacts | None:
        """Look at the service of its kind that a declaration names."""
        return self._kind(declared).find(declared)

    def delete(self, group_id: str, progress: Progress, known_as: str = "", known: GroupSpec | None = None) -> None:
        """Remove the service that has this id."""
        self._of(group_id).delete(group_id, progress, known_as, known)

    def observe(self, group_id: str, known: GroupSpec) -> Observed | None:
        """Look at the containers of the service that has this id."""
        return self._of(group_id).observe(group_id, known)

    def log(self, group_id: str, known: GroupSpec, wish: LogWish, progress: Progress) -> Iterator[LogLine]:
        """Give lines of a container's log."""
        return self._of(group_id).log(group_id, known, wish, progress)

    def revisions(self, group_id: str, known: GroupSpec) -> Revisions | None:
        """Return the revisions of the service that has this id, if its kind has some."""
        return self._of(group_id).revisions(group_id, known)

    @property
    def has_labels(self) -> bool:
        """Tell it of the groups: apps have none."""
        return self._groups.has_labels

    @property
    def starts_as_root(self) -> bool:
        """Tell it of the groups: an image is built before anybody knows which kind runs it."""
        return self._groups.starts_as_root

    def largest_image(self) -> int:
        """Tell it of the groups, which take more; what apps do not take they judge themselves."""
        return self._groups.largest_image()

    def _kind(self, declared: Group) -> ServiceTarget:
        return self.apps if declared.is_app else self._groups

    def _of(self, group_id: str) -> ServiceTarget:
        return self.apps if self._is_app(group_id) else self._groups
