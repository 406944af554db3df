"""Who gets which path when packages are installed into one folder, and where paths go that lead through a link; pure.

The rule is what an install in place makes, one package after the other, without what it loses:

- **A path that two bring** is the later one's. What becomes of the other's file is the caller's affair: conda packages
  keep it under another name, wheels drop it.
- **A folder that is a link** in another package (``lib64 -> lib`` and ``lib64/x``): what is below the link lies below
  its target, as the kernel would put it (POSIX 1003.1-2017, 4.13 "Pathname Resolution"). A layer with ``lib64/`` as a
  folder would hide the link of a lower layer (OCI image-spec 1.1, layer.md), so entries have to be at their real paths.
  Here the order does not matter: where conda had the folder first it would remove it with all files, and none is lost.
- **A folder that is a file** in another package, or a link with paths below it that leads to a file, out of the
  install or round in circles: nobody can install that, so it is refused with path and packages.

Nothing here knows of conda or pip: a claimant is anything that brings paths.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

Kind = Literal["file", "folder", "link"]

_HOPS = 40  # links on one path, as Linux has it (path_resolution(7), MAXSYMLINKS): more of them are a circle
_ROUNDS = 8  # in which links move links; what has not come to rest then goes in circles
_FILE_AS_FOLDER = "a file in one package, a folder in another"
_NAMED = 5  # paths that a note names; more of them are counted


@dataclass(frozen=True, slots=True)
class Claim:
    """One path that a package brings: relative, ``/`` between its parts; ``target`` is the text of a link."""

    path: str
    kind: Kind = "file"
    target: str = ""


@dataclass(frozen=True)
class Claimant:
    """A package and the paths that it brings, each path once; ``name`` is nobody else's.

    Folders need to be claimed only if they are to be there while empty.
    """

    name: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Overlap:
    """A real path that several claimants bring: who got it, and who yields, in the order of the install."""

    path: str
    winner: str
    losers: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """A path at which claimants cannot be installed together, and why; ``packages`` are sorted."""

    path: str
    packages: tuple[str, ...]
    why: str

    def __str__(self) -> str:
        """Write it for people."""
        return f"{self.path}: {self.why} ({', '.join(self.packages)})"


@dataclass(frozen=True)
class Moves:
    """What befalls the paths of one claimant: ``folders`` and ``yields`` as in ``Places``."""

    folders: Mapping[str, str] = field(default_factory=dict)
    yields: Mapping[str, str] = field(default_factory=dict)

    def place(self, path: str) -> str | None:
        """Return where a path really is; None if another claimant has it there."""
        return None if path in self.yields else self.real(path)

    def real(self, path: str) -> str:
        """Return the path after its folder's links, whoever has it."""
        folder, slash, last = path.rpartition("/")
        real = self.folders.get(folder, folder)
        return f"{real}{slash}{last}" if real else last


@dataclass(frozen=True)
class Places:
    """Where the paths of each claimant go. All mappings are by name of a claimant, and lack those that nothing befalls.

    ``folders``: by folder as claimed, the folder it really is, where that is another one. Together with ``yields`` this
    is all that the files of one claimant depend on besides itself.

    ``yields``: by path as claimed, the claimant that has it instead (itself if it brings the path twice, by two names).

    ``overlaps`` and ``refusals`` are sorted by path. If there are refusals, nothing else is to be relied on.
    """

    folders: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    yields: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    overlaps: tuple[Overlap, ...] = ()
    refusals: tuple[Refusal, ...] = ()

    def of(self, name: str) -> Moves:
        """Return what befalls the paths of one claimant."""
        return Moves(self.folders.get(name, {}), self.yields.get(name, {}))

    def moved(self) -> set[str]:
        """Return the claimants of which not every path is where it was claimed."""
        return {*self.folders, *self.yields}

    def place(self, name: str, path: str) -> str | None:
        """Return where a path of a claimant really is; None if another one has it there."""
        return self.of(name).place(path)


def settle(claimants: Sequence[Claimant], prefix: str = "") -> Places:
    """Decide for all paths.

    Args:
        claimants: in the order of the install; of two that bring one path the later one gets it. The order of the
            claims of one does not matter.
        prefix: absolute path of the folder they are installed to: an absolute link below it leads inside.

    Returns:
        The same for the same claimants in the same order; of claimants that meet nobody it says nothing.
    """
    if not do_meet(claimants):
        return Places()  # as nearly always
    folders = set[str]()
    for one in claimants:
        for claim in one.claims:
            _add_folders(claim, folders)
    links: dict[str, str] = {}
    for _ in range(_ROUNDS):
        round_ = _Round(claimants, links, prefix)
        found = round_.links()
        # a link is followed only where something lies below it: all others are files to us
        if found == links or (not links and folders.isdisjoint(found)):
            return round_.places()
        links = found
    where = sorted(round_.moved_links())
    names = {name for path in where for name in round_.holders(path)}
    return Places(refusals=(Refusal(where[0], tuple(sorted(names)), "links go in circles"),))


def do_meet(claimants: Iterable[Claimant]) -> bool:
    """Tell whether something has to be decided: one path twice, or a file or link that is a folder elsewhere."""
    several = list(claimants)
    paths = [claim.path for one in several for claim in one.claims if claim.kind != "folder"]
    return len(set(paths)) < len(paths) or bool(nested(several))


def nested(claimants: Iterable[Claimant]) -> set[str]:
    """Return the paths of files and links that are folders, too: only with these does it matter which are links."""
    paths, folders = set[str](), set[str]()
    for one in claimants:
        for claim in one.claims:
            if claim.kind != "folder":
                paths.add(claim.path)
            _add_folders(claim, folders)
    return paths & folders


def apart(claimants: Sequence[Claimant]) -> list[tuple[str, ...]]:
    """Divide them into groups in which nobody meets another; few groups, in the order given."""
    groups: list[tuple[list[str], set[str], set[str]]] = []
    for one in claimants:
        paths = {claim.path for claim in one.claims if claim.kind != "folder"}
        folders = set[str]()
        for claim in one.claims:
            _add_folders(claim, folders)
        # the first group that fits, and not the best one: each group costs a run of rattler, a perfect packing much
        # more
        for names, taken, above in groups:
            # three ways to meet: one path twice, our folder where they have a file or link, our file where they have a
            # folder
            if taken.isdisjoint(paths) and taken.isdisjoint(folders) and above.isdisjoint(paths):
                names.append(one.name)
                taken.update(paths)
                above.update(folders)
                break
        else:
            groups.append(([one.name], set(paths), set(folders)))
    return [tuple(names) for names, *_ in groups]


def overlap_note(overlaps: Sequence[Overlap]) -> str:
    """Say in one bounded line who got which path; empty without overlaps."""
    if not overlaps:
        return ""
    said = [f"{one.path} ({one.winner} has it, {', '.join(one.losers)} yields)" for one in overlaps[:_NAMED]]
    more = f" and {len(overlaps) - _NAMED} more" if len(overlaps) > _NAMED else ""
    count = "1 path is" if len(overlaps) == 1 else f"{len(overlaps)} paths are"
    return f"{count} in several packages: {', '.join(said)}{more}"


def file_as_folder(path: str, claimants: Iterable[Claimant]) -> Refusal:
    """Return the refusal of a path that some claimants bring, and below which others have something."""
    names = {
        one.name
        for one in claimants
        if any(claim.path == path or f"{_folder_of(claim)}/".startswith(f"{path}/") for claim in one.claims)
    }
    return Refusal(path, tuple(sorted(names)), _FILE_AS_FOLDER)


def refusal_note(refusals: Sequence[Refusal]) -> str:
    """Say in one bounded line what is refused; empty without refusals."""
    more = f"; and {len(refusals) - _NAMED} more" if len(refusals) > _NAMED else ""
    return "; ".join(map(str, refusals[:_NAMED])) + more


def _folder_of(claim: Claim) -> str:
    return claim.path if claim.kind == "folder" else claim.path.rpartition("/")[0]


def _add_folders(claim: Claim, into: set[str]) -> None:
    folder = _folder_of(claim)
    while folder and folder not in into:  # those above one that is known are known
        into.add(folder)
        folder = folder.rpartition("/")[0]


class _LeadsOut(Exception):  # no error of anybody yet: it becomes a refusal, with the names
    pass


class _Round:
    """All claims at the paths that some links give them."""

    def __init__(self, claimants: Sequence[Claimant], links: Mapping[str, str], prefix: str) -> None:
        self._claimants, self._links, self._prefix = claimants, links, prefix.rstrip("/")
        self._real: dict[str, str | _LeadsOut] = {}
        self._held: dict[str, list[tuple[str, Claim]]] = {}
        self._lost: dict[tuple[str, str], set[str]] = {}
        for one in claimants:
            for claim in sorted(one.claims, key=lambda claim: claim.path):  # of one claimant the last by name wins
                self._hold(one.name, claim)

    def _hold(self, name: str, claim: Claim) -> None:
        if claim.kind == "folder":
            self._folder(name, claim.path)
            return
        folder, _, last = claim.path.rpartition("/")
        real = self._folder(name, folder)
        if real is not None:
            self._held.setdefault(f"{real}/{last}" if real else last, []).append((name, claim))

    def _folder(self, name: str, folder: str) -> str | None:
        """Return what a folder really is; None, and a note, if it leads nowhere."""
        if not folder or not self._links:
            return folder
        if folder not in self._real:
            try:
                self._real[folder] = self._follow(folder)
            except _LeadsOut as error:
                self._real[folder] = error
        real = self._real[folder]
        if isinstance(real, _LeadsOut):
            self._lost.setdefault((str(real.args[0]), str(real.args[1])), set()).add(name)
            return None
        return real

    def _follow(self, folder: str) -> str:
        real, todo, hops, through = list[str](), folder.split("/")[::-1], 0, folder
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                if not real:
                    raise _LeadsOut(through, "a link that leads out of the install, and a folder")
                real.pop()
                continue
            real.append(part)
            target = self._links.get("/".join(real))
            if target is None:
                continue
            hops, through = hops + 1, "/".join(real) if not hops else through
            if hops > _HOPS:
                raise _LeadsOut(through, "a link that goes in circles, and a folder")
            inside = self._inside(target)
            if inside is None:
                raise _LeadsOut(through, "a link that leads out of the install, and a folder")
            # a relative link starts in the folder it lies in, an absolute one at the install (POSIX 1003.1, 4.13)
            real = [] if target.startswith("/") else real[:-1]
            # the target may lead through links itself, so its parts are walked like those of the path
            todo += inside.split("/")[::-1]
        return "/".join(real)

    def _inside(self, target: str) -> str | None:
        """Return a link's text relative to its folder, or to the install if it is absolute; None if it leads out."""
        if not target.startswith("/"):
            return target
        # with the slash: /opt/conda-other is not below /opt/conda
        is_inside = bool(self._prefix) and f"{target}/".startswith(f"{self._prefix}/")
        return target[len(self._prefix) :] if is_inside else None

    def links(self) -> dict[str, str]:
        """Return target by real path of the links that nobody else's file replaces."""
        # who comes last has the path: a link that somebody's file replaces leads nowhere
        last = {path: held[-1][1] for path, held in self._held.items()}
        return {path: claim.target for path, claim in last.items() if claim.kind == "link"}

    def moved_links(self) -> set[str]:
        """Return the links that came, went or changed in this round."""
        found = self.links()
        return {path for path in found.keys() | self._links.keys() if found.get(path) != self._links.get(path)}

    def holders(self, path: str) -> list[str]:
        """Return who claims this real path."""
        return [name for name, _ in self._held.get(path, ())]

    def places(self) -> Places:
        """Return what this round has decided."""
        refusals = [*self._led_out(), *self._files_as_folders()]
        return Places(
            folders={name: moved for name, moved in self._moved().items() if moved},
            yields=self._yields(),
            overlaps=tuple(self._overlaps()),
            refusals=tuple(sorted(refusals, key=lambda refusal: (refusal.path, refusal.why))),
        )

    def _moved(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        different = {folder: real for folder, real in self._real.items() if isinstance(real, str) and real != folder}
        if not different:
            return found
        for one in self._claimants:
            own = {_folder_of(claim) for claim in one.claims}
            found[one.name] = {folder: different[folder] for folder in sorted(own & different.keys())}
        return found

    def _yields(self) -> dict[str, dict[str, str]]:
        found: dict[str, dict[str, str]] = {}
        for held in self._held.values():
            for name, claim in held[:-1]:
                found.setdefault(name, {})[claim.path] = held[-1][0]
        return {name: dict(sorted(yielded.items())) for name, yielded in sorted(found.items())}

    def _overlaps(self) -> Iterable[Overlap]:
        for path, held in sorted(self._held.items()):
            if len(held) > 1:
                losers = dict.fromkeys(name for name, _ in held[:-1])
                yield Overlap(path, held[-1][0], tuple(losers))

    def _led_out(self) -> Iterable[Refusal]:
        for (path, why), names in self._lost.items():
            owners = {name for name, claim in self._held.get(path, ()) if claim.kind == "link"}
            yield Refusal(path, tuple(sorted(names | owners)), f"{why} in another package")

    def _files_as_folders(self) -> Iterable[Refusal]:
        """Refuse what is a file, or a link that nobody follows, where others have a folder."""
        below: dict[str, set[str]] = {}
        for one in self._claimants:
            for claim in one.claims:
                folder = self._real_folder(claim)
                # up to the first folder that this claimant is known to have: those above it are known then, too
                while folder and one.name not in below.setdefault(folder, set()):
                    below[folder].add(one.name)
                    folder = folder.rpartition("/")[0]
        for path in below.keys() & self._held.keys():
            # a link that is followed is a folder to whoever has something below it
            if path not in self._links:
                names = {*self.holders(path), *below[path]}
                yield Refusal(path, tuple(sorted(names)), _FILE_AS_FOLDER)

    def _real_folder(self, claim: Claim) -> str:
        folder = _folder_of(claim)
        real = self._real.get(folder, folder)
        return real if isinstance(real, str) else ""
