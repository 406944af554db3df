"""What this machine knows of the files of a lock's packages, without having the packages at hand."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ..blobs.catalog import AnyCatalog
from ..core.claims import Claim, Claimant, Kind, Overlap, Places, Refusal, file_as_folder, nested, refusal_note, settle
from ..core.conda_lock import CondaLock, LockedPackage
from ..core.errors import UserError
from ..core.image import canonical_json, sha256_digest
from ..core.layer import PREFIX
from .contents import StagedPackage
from .facts import KINDS, LISTED, PATHS, PLACES, RENAMES
from .noarch import placed
from .order import install_order


@dataclass(frozen=True)
class Memory:
    """The catalog, asked about one lock."""

    lock: CondaLock
    catalog: AnyCatalog

    def places(self) -> Places | None:
        """Return where paths go that packages share, or None if that is not known before the packages are there."""
        text = self.catalog.get_fact(PLACES, self.key)
        if text is not None:
            return _read_places(text)
        # without the channel's records nobody knows who depends on whom, and so in which order they are installed
        # then the paths alone decide, and nothing has to be fetched
        is_known = all(package.record_json for package in self.lock.packages) and not self.without_paths()
        return self.settle() if is_known else None

    def told(self) -> Places | None:
        """Return the same, or what an older version knew: enough to name layers that it made, not to make others.

        Where all paths are known and that is still not enough, the older version was wrong: it did not see links.
        """
        places = self.places()
        if places is not None or all(self.paths_of(package) is not None for package in self.lock.packages):
            return places
        text = self.catalog.get_fact(RENAMES, self.key)
        if text is None:
            return None
        return Places(yields={str(name): dict.fromkeys(moved, "") for name, moved in json.loads(text).items()})

    def foreseen(self) -> Places | None:
        """Return the same, or at least what is refused for sure as packages list their paths in their channels.

        A path that is nobody's link, a file in one package and a folder in another, is refused wherever links lead.
        """
        places = self.places()
        if places is not None:
            return places
        claimants = [Claimant(package.name, self._listed(package)) for package in self.lock.packages]
        if not all(one.claims for one in claimants):
            return None
        # listed paths have no targets of links: whether such a folder is the same one nobody knows yet
        sure = nested(claimants) - {claim.path for one in claimants for claim in one.claims if claim.kind == "link"}
        return Places(refusals=tuple(file_as_folder(path, claimants) for path in sorted(sure))) if sure else None

    def settle(self) -> Places:
        """Decide where paths go, now that all are known, and remember it."""
        places = settle(self.claimants(), PREFIX)
        # by the whole lock: one package more may change who yields to whom
        self.catalog.put_fact(PLACES, self.key, places_text(places))
        return places

    def without_paths(self) -> list[LockedPackage]:
        """Return the packages whose paths this machine does not know, or not well enough."""
        unknown = [package for package in self.lock.packages if self.paths_of(package) is None]
        without_kinds = [package for package in self.lock.packages if self._kinds(package) is None]
        # versions up to 0.2 kept paths alone: that is enough unless a path of one is a folder of another
        if unknown == without_kinds or not nested(self.claimants()):
            return unknown
        return without_kinds

    def keep_paths(self, staged: StagedPackage) -> None:
        """Remember which paths a package wants."""
        claims, key = staged.claims, self._key_of(staged.package)
        kinds = {
            "links": {claim.path: claim.target for claim in claims if claim.kind == "link"},
            "folders": [claim.path for claim in claims if claim.kind == "folder"],
        }
        self.catalog.put_fact(KINDS, key, json.dumps(kinds, sort_keys=True))
        self.catalog.put_fact(PATHS, key, json.dumps([claim.path for claim in claims]))

    def names_of_paths(self) -> list[tuple[str, str]]:
        """Return namespace and key of what the catalog has of each package's paths."""
        return [(space, self._key_of(package)) for package in self.lock.packages for space in (PATHS, KINDS)]

    def claimants(self) -> list[Claimant]:
        """Return what each package brings, as far as that is known, in the order of their install."""
        return [Claimant(package.name, self._claims(package)) for package in install_order(self.lock)]

    def _claims(self, package: LockedPackage) -> tuple[Claim, ...]:
        kinds = json.loads(self._kinds(package) or "{}")
        links, folders = kinds.get("links", {}), set(kinds.get("folders", ()))
        # a catalog that was too big for its registry has kinds without paths: links are what decides about others
        paths = self.paths_of(package) or [*links, *folders]
        return tuple(
            Claim(path, "link", links[path]) if path in links else Claim(path, "folder" if path in folders else "file")
            for path in paths
        )

    def _listed(self, package: LockedPackage) -> tuple[Claim, ...]:
        if self.paths_of(package) is not None and self._kinds(package) is not None:
            return self._claims(package)
        listed: dict[str, Kind] = json.loads(self.catalog.get_fact(LISTED, package.sha256) or "{}")
        site_packages = self.lock.site_packages
        return tuple(Claim(placed(package, path, site_packages), kind) for path, kind in listed.items())

    def paths_of(self, package: LockedPackage) -> list[str] | None:
        """Return the paths that a package wants, if this machine has staged it."""
        text = self.catalog.get_fact(PATHS, self._key_of(package))
        # an empty list is an answer: a metapackage has no file
        return None if text is None else [str(path) for path in json.loads(text)]

    def _kinds(self, package: LockedPackage) -> str | None:
        return self.catalog.get_fact(KINDS, self._key_of(package))

    def _key_of(self, package: LockedPackage) -> str:
        # files of a noarch Python package lie where the environment's Python has its packages
        return f"{package.sha256}@{self.lock.site_packages}" if package.noarch == "python" else package.sha256

    @property
    def key(self) -> str:
        """Name of the lock among the facts."""
        return sha256_digest(canonical_json([self.lock.site_packages, *self.lock.lines()]))


def refusal(places: Places | None) -> UserError | None:
    """Return what is wrong with packages that cannot be installed together; None if nothing is, or nothing is known."""
    if places is None or not places.refusals:
        return None
    message = f"conda packages cannot be installed into one environment: {refusal_note(places.refusals)}"
    return UserError(message, "leave one of them out, or ask for another version of it")


def refuse(places: Places | None) -> None:
    """Raise what ``refusal`` returns, if it returns something.

    Raises:
        UserError: packages cannot be installed together.
    """
    if error := refusal(places):
        raise error


def places_text(places: Places) -> str:
    """Write places as the fact ``PLACES``."""
    return json.dumps(asdict(places), sort_keys=True)


def _read_places(text: str) -> Places:
    told = json.loads(text)
    return Places(
        told["folders"],
        told["yields"],
        tuple(Overlap(one["path"], one["winner"], tuple(one["losers"])) for one in told["overlaps"]),
        tuple(Refusal(one["path"], tuple(one["packages"]), one["why"]) for one in told["refusals"]),
    )
