"""The scoring scripts of a service, read from its folder and judged before anything is built.

Only what a script imports from its own folder is read beside it: a folder of a thousand files costs a list of names.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ...core.imports import Brought, Import, certain_imports, judge_imports
from ...core.scoring import Bindings, Fault, Script, judge_entry, judge_function, read_script

_MOST = 200
"""Files of the source that are read for one script; what lies behind them is not judged."""

_ENDINGS = (".py", ".so", ".pyc")


@dataclass
class Source:
    """A source folder, as the server puts it on the path: files are read once, when somebody imports them."""

    folder: Path
    brought: Brought
    _read: dict[Path, Script] = field(default_factory=dict)

    def tops(self) -> frozenset[str]:
        """Return the modules that the path leads to: those of the folder, and the folder by its own name."""
        names = {_module_of(one) for one in os.scandir(self.folder)}
        # the folder above it is on the path, too (AML_APP_ROOT), as it was in v1
        return frozenset({*names, self.folder.resolve().name, "azureml-models"} - {""})

    def anywhere(self) -> frozenset[str]:
        """Return the names of modules at any depth."""
        found = set()
        for _, folders, files in os.walk(self.folder):
            folders[:] = [one for one in folders if not one.startswith((".", "__pycache__"))]
            found |= {*folders, *(name.removesuffix(".py") for name in files if name.endswith(".py"))}
        return frozenset(found)

    def script(self, path: Path) -> Script:
        """Return a file that was read."""
        if path not in self._read:
            self._read[path] = read_script(path.read_bytes(), self.brought.python)
        return self._read[path]

    def find(self, module: str) -> Path | None:
        """Return the file of a module of the folder; None if it is none, or has no file of its own."""
        path = self.folder.joinpath(*module.split("."))
        places = (path.with_name(f"{path.name}.py"), path / "__init__.py")
        return next((one for one in places if one.is_file()), None)


def judge_scripts(source: Source, entries: Mapping[str, str]) -> dict[str, list[str]]:
    """Return what is certainly wrong with scripts, each in a sentence, by the key of the script.

    Args:
        source: their folder.
        entries: path of each script below the folder, by a key of the caller's.
    """
    return {key: list(_errors(source, path)) for key, path in entries.items()}


def warn_of_scripts(source: Source, entries: Mapping[str, str]) -> list[str]:
    """Return what is likely wrong with scripts and the modules of the folder that they import, each once."""
    local, anywhere = source.tops(), source.anywhere()
    warned: dict[str, None] = {}
    for path in _reached(source, [source.folder / entry for entry in entries.values()]):
        script = source.script(path)
        if script.tree is None:
            faults = list(script.faults)
        else:
            imports = certain_imports(script.tree)
            faults = list(judge_imports(imports, script.text, local, source.brought, anywhere))
            if path in [source.folder / entry for entry in entries.values()]:
                faults += [one for one in judge_entry(Bindings.of(script), {}) if one.level != "error"]
        warned |= dict.fromkeys(fault.told(str(path)) for fault in faults)
    return list(warned)


def _errors(source: Source, entry: str) -> Iterator[str]:
    path = source.folder / entry
    script = source.script(path)
    if script.tree is None:
        yield from (fault.told(str(path)) for fault in script.faults if fault.level == "error")
        return
    bindings = Bindings.of(script)
    others = {star.module: _bindings(source, star.module) for star in bindings.stars if star.module and not star.level}
    known = {module: found for module, found in others.items() if found is not None}
    yield from (one.told(str(path)) for one in judge_entry(bindings, known) if one.level == "error")
    for name in ("init", "run", "run_batch"):
        if taken := bindings.imported.get(name):
            yield from _of_imported(source, path, name, Import(taken.module or "", taken.lineno, level=taken.level))


def _bindings(source: Source, module: str) -> Bindings | None:
    file = source.find(module)
    return Bindings.of(source.script(file)) if file else None


def _of_imported(source: Source, path: Path, name: str, one: Import) -> Iterator[str]:
    """Judge a function that comes from a module of the folder, as far as it is certain which one it is."""
    if one.level or not (file := source.find(one.module)):
        return
    script = source.script(file)
    original = _original(source.script(path), name, one)
    if script.tree is None:
        yield from (fault.told(str(file)) for fault in script.faults if fault.level == "error")
        return
    found = Bindings.of(script)
    # of a package the name may be a module below it
    if not found.has(original) and source.find(f"{one.module}.{original}") is None:
        yield Fault(one.line, f"imports {original} from {one.module}, and {file} has no {original}").told(str(path))
    elif function := found.functions.get(original):
        yield from (fault.told(str(file)) for fault in judge_function(name, function) if fault.level == "error")


def _original(script: Script, name: str, one: Import) -> str:
    """Return what a name is called where it comes from: ``from m import predict as run``."""
    taken = Bindings.of(script).imported[name]
    return next(alias.name for alias in taken.names if (alias.asname or alias.name) == name) if one.module else name


def _reached(source: Source, entries: list[Path]) -> list[Path]:
    """Return scripts and all files of the folder that they certainly import, as they are met."""
    found, left = dict[Path, None](), [path for path in entries if path.is_file()]
    while left and len(found) < _MOST:
        path = left.pop(0)
        if path in found:
            continue
        found[path] = None
        tree = source.script(path).tree
        for one in certain_imports(tree) if tree else ():
            names = [one.module, *(f"{one.module}.{name}" for name in one.names)]
            left += [file for name in names if name and not one.level and (file := source.find(name))]
    return list(found)


def _module_of(entry: os.DirEntry[str]) -> str:
    if entry.is_dir():
        return entry.name
    return entry.name.partition(".")[0] if entry.name.endswith(_ENDINGS) else ""
