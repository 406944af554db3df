"""The form of each instruction: options, JSON, pairs, files of the context.

Source: Dockerfile reference; the frontend's ``instructions/parse.go`` for what is refused.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from .context import context_sources, dangling, matching, split_copy
from .lint_rules import Fault, closest, fault_if, warning
from .lint_script import json_command
from .lint_words import pairs
from .steps import Step

_MOUNT = frozenset({"bind", "cache", "tmpfs", "secret", "ssh"})
FLAGS: dict[str, frozenset[str]] = {
    "RUN": frozenset({"mount", "network", "security"}),
    "COPY": frozenset({"from", "chown", "chmod", "link", "parents", "exclude"}),
    "ADD": frozenset({"chown", "chmod", "link", "keep-git-dir", "checksum", "exclude", "unpack"}),
    "FROM": frozenset({"platform"}),
    "HEALTHCHECK": frozenset({"interval", "timeout", "start-period", "start-interval", "retries"}),
}
# Docker's boolean options: --link is --link=true
_ALONE = frozenset({"link", "parents", "keep-git-dir", "unpack"})
HEREDOC, SCRIPT = "<<", "#!"
"""What of an instruction needs BuildKit beside its options: a heredoc, and one that names its interpreter."""
# each with what to write where no BuildKit is
BUILDKIT = {
    ("RUN", "mount"): "leave a cache out, copy files with COPY; a Dockerfile of the base (dockerfile) may have it",
    ("RUN", "network"): "remove the option",
    ("RUN", "security"): "remove the option",
    ("COPY", "chmod"): "the executable bit of the file in the context is kept; for other modes add RUN chmod",
    ("ADD", "chmod"): "the executable bit of the file in the context is kept; for other modes add RUN chmod",
    ("COPY", "link"): "remove the option",
    ("ADD", "link"): "remove the option",
    ("COPY", "parents"): "name the target folder in full",
    ("COPY", "exclude"): "write the pattern into .dockerignore",
    ("ADD", "exclude"): "write the pattern into .dockerignore",
    ("ADD", "checksum"): "download and check the file in a RUN step",
    ("ADD", "keep-git-dir"): "use git in a RUN step",
    ("ADD", "unpack"): "unpack in a RUN step",
    ("COPY", HEREDOC): "put the text in a file of the context folder",
    ("ADD", HEREDOC): "put the text in a file of the context folder",
    ("RUN", SCRIPT): "COPY the script from the context folder and run it",
}
# The first Docker Engine whose own frontend knows it: Dockerfile 1.4 came with BuildKit 0.10 and so with Docker 23,
# 1.6 with BuildKit 0.12 and Docker 25 (moby's release notes). What is newer an engine refuses with its own words.
_DOCKER = {
    ("COPY", "link"): 23,
    ("ADD", "link"): 23,
    ("COPY", HEREDOC): 23,
    ("ADD", HEREDOC): 23,
    ("RUN", SCRIPT): 23,
    ("ADD", "checksum"): 25,
}


@dataclass(frozen=True)
class BuilderWords:
    """What a builder does not know.

    ``without`` says who has no BuildKit, as in "which the target's builder does not have"; empty if it has. ``version``
    is that of the Docker Engine; empty if there is no such, or nobody has asked it.
    """

    without: str = ""
    version: str = ""

    def missing(self, word: str, what: str) -> str:
        """Say why an option of an instruction, or its heredoc, cannot be built; empty if it can."""
        if (word, what) not in BUILDKIT:
            return ""
        called = {HEREDOC: f"{word} with a heredoc", SCRIPT: "a heredoc with an interpreter line"}
        name = called.get(what, f"{word} --{what}")
        if self.without:
            return f"{name} needs BuildKit, {self.without}"
        since, major = _DOCKER.get((word, what), 0), self.version.partition(".")[0]
        if major.isdigit() and int(major) < since:
            return f"{name} needs Docker {since} or newer, and this engine is {self.version}"
        return ""


ANY_BUILDER = BuilderWords()
"""A builder that knows all, or of which nothing is known yet."""

REMOTE_WORDS = BuilderWords("which the target's builder does not have (builder: docker has it)")
"""The target's own builder, whose builds are the classic builder's (decisions/extra-steps.md)."""

_FLAG = re.compile(r"\s*--([A-Za-z-]+)(=(?:\"[^\"]*\"|\S)*)?(?=\s|$)")


@dataclass(frozen=True)
class Files:
    """What COPY can take: ``paths`` in the context after ``.dockerignore`` (None: there is no folder)."""

    paths: Collection[str] | None
    folder: str = "the context folder"
    setting: str = "stepsContext"


def after_flags(step: Step, text: str) -> tuple[list[tuple[str, str | None, int]], int]:
    """Return the options (name, value, offset) and where the rest begins."""
    at, flags = len(step.instruction), []
    known = FLAGS.get(step.instruction)
    while known is not None and (found := _FLAG.match(text, at)):
        value = found[2][1:] if found[2] else None
        flags.append((found[1], value, found.start(1) - 2))
        at = found.end()
    return flags, at + len(text[at:]) - len(text[at:].lstrip())


def flag_faults(step: Step, flags: list[tuple[str, str | None, int]], *, builder: BuilderWords) -> Iterator[Fault]:
    """Judge the options of an instruction."""
    word, known = step.instruction, FLAGS.get(step.instruction, frozenset())
    for name, value, at in flags:
        if name not in known:
            guess = closest(name, known, 0.6)
            advice = f"did you mean --{guess}?" if guess else f"it knows --{', --'.join(sorted(known))}"
            yield Fault("flag-unknown", at, f"{word} has no option --{name}", advice)
        elif why := builder.missing(word, name):
            yield Fault("buildkit-only", at, why, BUILDKIT[word, name])
        elif (
            name in _ALONE and value is not None and not re.fullmatch(r'"?(true|false)"?|.*\$.*', value, re.IGNORECASE)
        ):
            yield Fault("flag-value", at, f'--{name} is true or false, not "{value}"', f"write --{name}")
        elif value is None and name not in _ALONE:
            yield Fault("flag-value", at, f"--{name} needs a value", f"write --{name}=...")
        elif value and "$" not in value and (wrong := _VALUES.get(name)) and not wrong[0].fullmatch(value.strip('"')):
            yield Fault("flag-value", at, f'--{name} does not take "{value}"', wrong[1])
        elif name == "mount" and (faulty := _mount_fault(value or "")):
            yield Fault("flag-value", at, *faulty)
        elif name == "mount" and (kind := re.search(r"(?:^|,)type=([\w-]+)", value or "")) and kind[1] not in _MOUNT:
            guess = closest(kind[1], _MOUNT, 0.5)
            advice = f"did you mean {guess}?" if guess else f"write one of {', '.join(sorted(_MOUNT))}"
            yield Fault("flag-value", at, f'there is no mount of type "{kind[1]}"', advice)


_VALUES = {
    "chown": (re.compile(r"[^:]*(:[^:]*)?"), "write user:group"),
    "chmod": (
        re.compile(r"0*[0-7]{1,4}|[ugoa]*[-+=][rwxXstugo]*(,[ugoa]*[-+=][rwxXstugo]*)*"),
        "write digits of 0 to 7, such as 755",
    ),
    "checksum": (re.compile(r"sha256:[0-9a-f]{64}|[0-9a-f]{40}"), "write sha256: and 64 digits of hexadecimal"),
    "network": (re.compile(r"default|none|host"), "write default, none or host"),
    "security": (re.compile(r"insecure|sandbox"), "write insecure or sandbox"),
}
"""What options of BuildKit take, and what to write. Source: its frontend, ``instructions/parse.go``."""
_MOUNT_KEYS = frozenset({
    "type", "from", "source", "src", "target", "dst", "destination", "readonly", "ro", "readwrite", "rw", "id",
    "sharing", "required", "size", "mode", "uid", "gid", "env",
})  # fmt: skip


_MOUNT_VALUES = {
    "mode": (re.compile(r"0*[0-7]{1,4}"), "write digits of 0 to 7, such as 0400"),
    "size": (re.compile(r"(?i)\d+(\.\d+)?\s*([kmgtp]?i?b?)"), "write a number with its unit, such as 64m"),
    "sharing": (re.compile(r"shared|private|locked"), "write shared, private or locked"),
    "uid": (re.compile(r"\d+"), "write a number"),
    "gid": (re.compile(r"\d+"), "write a number"),
    "required": (re.compile(r"(?i)true|false|1|0|t|f"), "write true or false"),
}
"""Source: BuildKit's ``instructions/commands_runmount.go``; go-units' ``RAMInBytes`` for a size."""


def _mount_fault(value: str) -> tuple[str, str] | None:
    """Judge ``type=cache,target=/x``; of a type that nobody knows something is told elsewhere."""
    pairs = dict(part.partition("=")[::2] for part in value.strip('"').split(","))
    for key in pairs:
        if key and key not in _MOUNT_KEYS and "$" not in key:
            guess = closest(key, _MOUNT_KEYS, 0.6)
            return f'a mount has no "{key}"', f"did you mean {guess}?" if guess else "remove it"
    for key, (shape, advice) in _MOUNT_VALUES.items():
        given = pairs.get(key, "")
        if given and "$" not in given and not shape.fullmatch(given):
            return f'{key} of a mount does not take "{given}"', advice
    if pairs.get("type") in {"cache", "tmpfs"} and not pairs.keys() & {"target", "dst", "destination"}:
        return f"a mount of type {pairs['type']} needs a target", "write target=/path"
    return None


def form_faults(step: Step, text: str, at: int) -> Iterator[Fault]:
    """Judge JSON forms and pairs."""
    word, rest = step.instruction, text[at:]
    # the shell would look for a program of that name
    if word in FLAGS and (one := re.match(r"-(?P<name>[a-z]+)(?==)", rest)) and one["name"] in FLAGS[word]:
        yield Fault("flag-unknown", at, f"an option of {word} has two hyphens", f"write --{one['name']}")
    if word == "LABEL" and (colon := re.match(r"[\w.-]+(?P<sign>:)\s", rest)):
        why = "this colon is a part of the name"
        yield warning("instruction-form", at + colon.start("sign"), why, "write NAME=value")
    if word in {"RUN", "CMD", "ENTRYPOINT", "COPY", "ADD", "VOLUME", "SHELL"} and not step.heredoc:
        yield from _json_faults(word, text, at)
    if word == "HEALTHCHECK" and (found := re.match(r"CMD\s+(?=\[)", rest)):
        yield from _json_faults("CMD", text, at + found.end())
    elif word == "HEALTHCHECK" and not re.match(r"(?i)(NONE|CMD\s)", rest) and "$" not in rest:
        yield Fault("instruction-form", at, "HEALTHCHECK takes NONE or CMD", "write HEALTHCHECK CMD <command>")
    if word in {"ENV", "LABEL", "ARG"}:
        yield from _pair_faults(word, text, at)


def _json_faults(word: str, text: str, at: int) -> Iterator[Fault]:
    rest = text[at:]
    if word == "SHELL" and json_command(text, at) is None:
        yield Fault("exec-form", at, "SHELL takes a JSON list", 'write SHELL ["/bin/bash", "-c"]')
        return
    command = json_command(text, at) if rest.startswith("[") else None
    refused = word not in {"CMD", "ENTRYPOINT", "VOLUME"}  # those are read as plain words, and fail later
    if command is None:
        # Docker takes broken JSON for a shell's command, which then fails far from the cause;
        # but `[ -f x ] && ...` is a test of the shell, so only what looks like a list is told
        if re.match(r"\[\s*['\u2018]", rest) and re.match(r"\['|\[\s*'[^']*'\s*[,\]]\s*(['\"]|$)|\[\s*\u2018", rest):
            yield fault_if(refused, "exec-form", at, "a JSON list needs double quotes", 'write ["...", "..."]')
        elif re.match(r'\["|\[\s*"[^"]*"\s*,', rest):
            why, advice = "this JSON list is broken", 'write ["...", "..."], with all commas and quotes'
            yield fault_if(refused, "exec-form", at, why, advice)
    elif (
        word == "RUN"
        and len(command.words) == 1
        and re.search(r"\s(&&|\|\||\||install|-\w)", command.words[0].value or "")
    ):
        why = "one text in a JSON list is the name of one program"
        yield Fault("exec-form", at, why, "write each word as a text of its own, or the command without brackets")


def _pair_faults(word: str, text: str, at: int) -> Iterator[Fault]:
    rest = text[at:]
    if spaced := re.match(r"[A-Za-z_][\w.-]*(\s+=|=\s+(?=[^\s=]+$))", rest):
        why = f"no space may stand around the = of {word}"
        # NAME value is an old form of ENV and LABEL, and its value may begin with =
        refused = word == "ARG" or not spaced[1].endswith("=")
        yield fault_if(refused, "env-spaces", at + spaced.start(1), why, "write NAME=value")
        return
    # the builder replaces variables, and runs nothing (Dockerfile reference, "Environment replacement")
    if word in {"ENV", "ARG"} and (command := re.search(r"\$\((?!\()|(?<!\\)`[^`]+`", rest)) and "'" not in rest:
        why = f"{word} runs no command: {command[0][:2]} stays as it stands"
        yield warning("instruction-form", at + command.start(), why, "set the variable in the RUN that uses it")
    if word == "ARG" and (lone := re.search(r"\s(=)(\s|$)", rest)):
        yield Fault("env-spaces", at + lone.start(1), "no space may stand around the = of ARG", "write NAME=value")
        return
    # the old form `ENV NAME value`, where all that follows is the value (Dockerfile reference, "ENV")
    if word == "ARG" or ("=" not in rest.split(maxsplit=1)[0] and len(rest.split(maxsplit=1)) > 1):
        return
    if "=" not in rest.split(maxsplit=1)[0]:
        yield Fault("instruction-form", at, f"{word} needs a name and a value", f"write {word} {rest.strip()}=...")
        return
    for found in re.finditer(r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|\\.|[^\s\"'\\])+", rest, re.DOTALL):
        if "=" not in found[0] and "$" not in found[0]:
            why = f'"{found[0]}" has no ='
            yield Fault("instruction-form", at + found.start(), why, "put a value with spaces in quotes")
            return


def copy_faults(step: Step, text: str, at: int, files: Files) -> Iterator[Fault]:
    """Judge what COPY and ADD take, and where they put it."""
    if step.instruction not in {"COPY", "ADD"} or step.heredoc or text[at:].startswith("<<"):
        return
    word, (flags, words) = step.instruction, split_copy(step.arguments)
    if len(words) < 2:
        yield Fault("instruction-form", at, f"{word} needs a source and a target", f"write {word} <source> <target>")
        return
    # Dockerfile reference, "COPY": more than one source needs a target that ends in a slash
    plain = [source for source in words[:-1] if not re.search(r"[$*?\[]", source)]
    target = words[-1]
    if (
        len(plain) > 1
        and not re.search(r"[/$]|^\.\.?$", target[-1:] + ("$" if "$" in target else ""))
        and target not in {".", ".."}
    ):
        why = f"several files cannot become one file {target}"
        yield Fault("copy-target", _find(text, at, target, last=True), why, f"write {target}/")
    for source in words[:-1]:
        yield from _address_faults(word, source, _find(text, at, source))
    if "from" not in flags:
        yield from _source_faults(step, text, at, files)


def _address_faults(word: str, source: str, at: int) -> Iterator[Fault]:
    if word == "COPY" and re.match(r"(?i)https?://", source):
        yield Fault("copy-url", at, "COPY downloads nothing", "write ADD, or download in a RUN step")
    elif word == "ADD" and re.match(r"(?i)(https?:/(?!/)|https?//|htt?ps?;//|htps?://|htttps?://)", source):
        yield Fault("add-url", at, f'"{source}" is no address', "write https://...")


def _source_faults(step: Step, text: str, at: int, files: Files) -> Iterator[Fault]:
    word, sources = step.instruction, context_sources(step)
    if sources is None:
        return
    if files.paths is None:
        why = f"{word} reads files, but there is no context folder"
        yield Fault("copy-context", at, why, f"name it with {files.setting}")
        return
    for source in sources.leaving:
        why = f'{word} "{source}" leaves the context'
        yield Fault("copy-leaves", _find(text, at, source), why, f"put the file inside {files.folder}")
    for source in sources.paths:
        for why in dangling(source, files.paths):
            advice = "copy what it leads to, or have that in the context, too"
            yield Fault("copy-missing", _find(text, at, source), f"{word}: {why}", advice)
        if (
            # what was meant as an address has been told by then
            "//" not in source
            and not re.match(r"https?[:;]?/", source)
            and source not in (".", *files.paths)
            and not matching(source, files.paths)
        ):
            guess = closest(source, files.paths, 0.7)
            why = f'{word}: no file "{source}" in {files.folder} (after .dockerignore)'
            advice = f"did you mean {guess}?" if guess else "paths are relative to that folder"
            yield Fault("copy-missing", _find(text, at, source), why, advice)


def _find(text: str, at: int, word: str, *, last: bool = False) -> int:
    # a word with quotes or a continued line in it is not found: the place is then where the arguments begin
    place = text.rfind(word) if last else text.find(word, at)
    return max(place, at)


def set_names(step: Step, text: str, at: int) -> set[str]:
    """Return the variables that ENV or ARG brings."""
    if step.instruction == "ARG":
        return set(re.findall(r"(?:^|\s)([A-Za-z_]\w*)", re.sub(r"=(\"[^\"]*\"|'[^']*'|\S*)", "", text[at:])))
    return {name for name, _, _ in pairs(text, at)} if step.instruction == "ENV" else set()
