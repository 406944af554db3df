"""What the last words of a container mean, and what to do about them: log lines and an exit code in, one sentence out.

Pure: the same for every target. The rules are tried in order and the first that knows something speaks.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..core.module_names import conda_package

# the whole of a traceback's last line; a log line that speaks of some error in the middle explains nothing
_RAISED = re.compile(r"(?P<kind>[A-Za-z_][\w.]*(?:Error|Exception))(?:: (?P<text>.*))?")
_FRAME = re.compile(r'\s*File "(?P<path>[^"]+)", line (?P<line>\d+)')
_QUOTED = re.compile(r"'([^']+)'")
_DENIED = re.compile(r"Permission denied|Operation not permitted|Read-only file system|\b(EACCES|EPERM|EROFS)\b")
_NOT_ROOT = (
    "the service runs as a user who is not root: write below /tmp, the home or the script's folder, "
    "change owner or mode in extra_steps, or set run_as_root: true"
)
# glibc's own words (ld.so), whoever raises them: ctypes, or the import of an extension module
_LIBRARY = re.compile(r"(\S+\.so[\d.]*): cannot open shared object file")


@dataclass(frozen=True)
class _Ended:
    """What is known of a container that does not serve; ``exit_code`` None while it runs."""

    lines: Sequence[str]
    exit_code: int | None
    out_of_memory: bool
    kind: str = ""
    text: str = ""
    line: int = -1

    @property
    def raised(self) -> str:
        """Say who raised what. The server of this project ends with 3 when init() raises."""
        # the code where the log is cut; the frame where there is no code yet, as of a container that still runs
        in_init = self.exit_code == 3 or any(line.endswith(", in init") for line in self.lines)
        return f"{'init()' if in_init else 'the program'} raised {self.kind}"

    def frame(self) -> re.Match[str] | None:
        """Find the innermost ``File "...", line N`` above the exception."""
        frames = (_FRAME.match(line) for line in reversed(self.lines[: max(self.line, 0)]))
        return next((frame for frame in frames if frame), None)


def hint(lines: Sequence[str], exit_code: int | None, *, out_of_memory: bool = False) -> str:
    """Explain why a container does not serve.

    Args:
        lines: its last log lines, oldest first; more of them give better hints.
        exit_code: as the engine reports it; None if it still runs but does not answer.
        out_of_memory: the kernel ended it because of its memory limit.

    Returns:
        One sentence without a full stop, such as ``init() raised ModuleNotFoundError: joblib; add it to conda.yml``;
        empty if nothing is known. Never raises.
    """
    ended = _last_exception(lines, exit_code, out_of_memory=out_of_memory)
    return next((said for rule in _RULES if (said := rule(ended))), "")


def _last_exception(lines: Sequence[str], exit_code: int | None, *, out_of_memory: bool) -> _Ended:
    # from the end: of chained exceptions Python prints the cause first, and the last one is what nobody caught
    for number in range(len(lines) - 1, -1, -1):
        if found := _RAISED.fullmatch(lines[number].rstrip()):
            kind, text = found["kind"].rpartition(".")[2], (found["text"] or "").strip()
            return _Ended(lines, exit_code, out_of_memory, kind, text, number)
    return _Ended(lines, exit_code, out_of_memory)


def _no_python(ended: _Ended) -> str:
    # dash's words, and bash's; 127 is POSIX's code of a command that is not found
    if not any(line.rstrip().endswith("exec: python: not found") for line in ended.lines[-5:]):
        return ""
    return (
        "the image has no program called python; name the image's own one by packages.interpreter_path of its "
        "environment, such as python3, or give it a conda file"
    )


def _memory(ended: _Ended) -> str:
    # 128 + SIGKILL; where nobody tells why it was killed the code is all there is
    if ended.out_of_memory or ended.exit_code == 137:
        return "it was killed, most likely for lack of memory; raise memory_gb"
    return f"{ended.raised}; raise memory_gb" if ended.kind == "MemoryError" else ""


def _missing_module(ended: _Ended) -> str:
    named = _QUOTED.search(ended.text)
    if ended.kind != "ModuleNotFoundError" or not named:
        return ""
    module = named[1]
    top, dot, _ = module.partition(".")
    # most packages are called as their module; a wrong name here is a solver's error that says so
    package = conda_package(top)
    if dot:  # Python names a dotted module only when its parent could be imported
        return f"{ended.raised}: {module}; this version of {package} does not have it, pin the right one in conda.yml"
    return f"{ended.raised}: {module}; add {'it' if package == module else package} to conda.yml"


def _import(ended: _Ended) -> str:
    if ended.kind == "OSError" and "Read-only file system" in ended.text:
        return (
            f"{ended.raised}: {ended.text}; with read_only_root only /tmp, /var/tmp, /run and the home can be written"
        )
    if not ended.kind.endswith("ImportError") and ended.kind != "OSError":
        return ""
    # before the versions: a library of the system is in no conda package that could be pinned
    if library := _LIBRARY.search(ended.text):
        return f"{ended.raised}: {library[1]} is not in the image; install its apt package in extra_steps"
    return f"{ended.raised}: {ended.text}; check the versions in conda.yml" if ended.kind == "ImportError" else ""


def _file(ended: _Ended) -> str:
    path = _QUOTED.search(ended.text)
    seen = f"{ended.raised}: {path[1] if path else ended.text}"
    if ended.kind == "FileNotFoundError":
        return f'{seen}; models are in the folder os.environ["AZUREML_MODEL_DIR"]'
    # the usual reason: bases that run as another user than the one who owns the folder
    if ended.kind == "PermissionError":
        return f"{seen}; {_NOT_ROOT}"
    return ""


def _not_root(ended: _Ended) -> str:
    """Find the kernel's words for a right that is missing, which programs repeat in many forms."""
    said = next((line for line in reversed(ended.lines) if _DENIED.search(line)), "")
    return f"{said.strip()}; {_NOT_ROOT}" if said and ended.exit_code not in {None, 0} else ""


def _syntax(ended: _Ended) -> str:
    if ended.kind not in {"SyntaxError", "IndentationError", "TabError"}:
        return ""
    frame = ended.frame()
    # the file's name alone: its folder is one of the image, the user has it elsewhere
    where = f"{frame['path'].rpartition('/')[2]}:{frame['line']}: " if frame else ""
    return f"{where}{ended.kind}: {ended.text}; mend that line"


def _pickle(ended: _Ended) -> str:
    # pickle looks classes up by name, so one that has moved since is an AttributeError and not an UnpicklingError
    unpickled = "Can't get attribute" in ended.text or "pickle" in ended.text.lower()
    if ended.kind in {"AttributeError", "UnpicklingError", "ValueError"} and unpickled:
        return f"{ended.raised}: {ended.text}; the model was saved with other versions, pin those in conda.yml"
    return ""


def _any_exception(ended: _Ended) -> str:
    return f"{ended.raised}{': ' if ended.text else ''}{ended.text}" if ended.kind else ""


_CODES = {
    # 126 and 127 are the shell's (POSIX, "Exit Status for
    # Commands"), above 128 is 128 + the signal: 4 SIGILL, 11 SIGSEGV
    0: "the program ended by itself; the image's command has to stay in the foreground",
    126: "the image's command could not be executed; check its mode and its platform (linux/amd64)",
    127: "the image's command was not found; check the entry command and PATH",
    132: "the processor does not know an instruction; use packages built for this machine",
    139: "native code crashed; look for one library installed by both conda and pip",
}


def _code(ended: _Ended) -> str:
    if ended.exit_code is None:
        return "it runs but does not answer; it must listen on 0.0.0.0, and a slow init() needs more startup_timeout"
    return _CODES.get(ended.exit_code, "")


_RULES: tuple[Callable[[_Ended], str], ...] = (
    # a kill says more than any words before it; the code alone says least, so it comes last
    _memory, _no_python, _missing_module, _import, _file, _syntax, _pickle, _any_exception, _not_root, _code,
)  # fmt: skip
