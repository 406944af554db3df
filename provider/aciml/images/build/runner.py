"""As whom a service runs in its image, and the files of the image that know that user."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...core.account import HOME, UID, Accounts, is_root
from ...core.compose import Runs
from ...core.image import Image
from ...core.layer import FOLDER_TIME, ROOT, Entry
from ...core.progress import Progress
from ...core.reference import Reference
from ...model.service import Service
from ..remote.accounts import accounts_of
from ..tools import Tools


@dataclass(frozen=True)
class Runner:
    """``owner`` has uid and gid of who runs the service; ``accounts`` the files that name our own user, if it is that.

    A base or step that ends as a user who is not root is left as it is: that user owns the folder of the app then.
    """

    runs: Runs
    owner: tuple[int, int] = ROOT
    accounts: Accounts | None = None


def runner_of(tools: Tools, now: Service, environment: Image, reference: Reference, progress: Progress) -> Runner:
    """Return who runs a service in this environment.

    Raises:
        OutageError: the registry does not give the layers in which users are named.
    """
    if now.run_as_root:
        return Runner("root")
    runs: Runs = "from_root" if tools.target.starts_as_root else "user"
    said = str(environment.settings.get("User") or "")
    if not is_root(said) and (ids := Accounts().ids_of(said)) and ":" in said:
        return Runner(runs, ids)
    accounts = accounts_of(tools, environment, reference, progress)
    if is_root(said):
        return Runner(runs, (UID, UID), accounts.with_service_user())
    if ids := accounts.ids_of(said):
        return Runner(runs, ids)
    progress.warn(f'the image runs as "{said}", whom its /etc/passwd does not know: it cannot write beside its script')
    return Runner(runs)


def user_entries(accounts: Accounts) -> Iterator[Entry]:
    """Return the files of the layer that brings the user: its names, and a home of its own."""
    yield Entry.of_bytes("etc/passwd", accounts.passwd.encode(), mtime=FOLDER_TIME)
    yield Entry.of_bytes("etc/group", accounts.group.encode(), mtime=FOLDER_TIME)
    yield Entry(HOME.lstrip("/"), "dir", owner=(UID, UID))
