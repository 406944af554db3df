"""What is certainly wrong with extra steps, told before anything is built.

A false alarm is worse than a miss: what is not certain passes, and the engine judges it.
"""

from __future__ import annotations

import difflib
import hashlib
import re
import shlex
from collections.abc import Iterator, Sequence

from .context import context_sources, matching, split_copy
from .errors import Finding
from .image import canonical_json
from .steps import Step

WRITER = 1
"""Version of how steps become an image; a new value builds all of them again."""

INSTRUCTIONS = frozenset(
    re.findall(
        r"\w+",
        """
    ADD ARG CMD COPY ENTRYPOINT ENV EXPOSE FROM HEALTHCHECK LABEL MAINTAINER ONBUILD RUN SHELL STOPSIGNAL USER VOLUME
    WORKDIR""",
    )
)
_REFUSED = {
    "FROM": "the steps run on top of the base image; name another one with baseImage",
    "CMD": "the scoring server is what the container runs; remove the step",
    "ENTRYPOINT": "the scoring server is what the container runs; remove the step",
    "ONBUILD": "it would never run, since no image is built from this one by a Dockerfile; write the step itself",
}
_BUILDKIT = {
    ("RUN", "mount"): "copy files with COPY instead",
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
}
_APT = frozenset(
    re.findall(
        r"[a-z-]+",
        """
    update upgrade install reinstall remove purge source build-dep satisfy dist-upgrade full-upgrade dselect-upgrade
    check download changelog indextargets clean autoclean distclean auto-clean dist-clean autoremove autopurge
    auto-remove list search show showsrc policy depends rdepends edit-sources moo markauto unmarkauto madison help
    hold unhold""",
    )
)
_APT_OPTIONS_WITH_VALUE = frozenset({"-o", "--option", "-c", "--config-file", "-t", "--target-release", "-a", "-P"})
_BEFORE_A_COMMAND = frozenset({"sudo", "then", "do", "else", "elif", "if", "while", "until", "!", "{", "exec", "time"})


def lint_steps(
    steps: Sequence[Step], *, context_files: frozenset[str] | None, context_folder: str = "the context folder"
) -> list[Finding]:
    """Judge all steps at once.

    Args:
        steps: from ``parse_steps``.
        context_files: relative paths in the context after ``.dockerignore``; None if no context folder is given.
        context_folder: how the user calls the folder.
    """
    return [
        Finding(step.where, f"{step.label}: {why}")
        for step in steps
        for why in _faults(step, context_files, context_folder)
    ]


def steps_key(base_digest: str, steps: Sequence[Step], context_hash: str) -> str:
    """Return the key (SHA-256, hex) of the image that the steps make of a base.

    ``context_hash`` is empty when no step reads the context.
    """
    facts = {"base": base_digest, "steps": [step.text for step in steps], "context": context_hash, "writer": WRITER}
    return hashlib.sha256(canonical_json(facts)).hexdigest()


def _faults(step: Step, files: frozenset[str] | None, folder: str) -> Iterator[str]:
    word = step.text.split(maxsplit=1)[0]
    if step.instruction not in INSTRUCTIONS:
        yield f'unknown instruction "{word}"; {_suggest_instruction(step.instruction)}'
    elif step.instruction in _REFUSED:
        yield f"{step.instruction} is not allowed here: {_REFUSED[step.instruction]}"
    elif not step.arguments:
        yield f"{step.instruction} stands alone; write what it shall do"
    else:
        yield from _buildkit_faults(step)
        yield from _context_faults(step, files, folder)
        if step.instruction == "RUN" and not step.heredoc:
            yield from _apt_faults(step)


def _suggest_instruction(word: str) -> str:
    close = difflib.get_close_matches(word, sorted(INSTRUCTIONS - _REFUSED.keys()), n=1, cutoff=0.6)
    return f"did you mean {close[0]}?" if close else "a step begins with RUN, COPY, ENV or another Dockerfile word"


def _buildkit_faults(step: Step) -> Iterator[str]:
    """Options and heredocs that the classic builder does not know."""
    for option in re.findall(r"--([A-Za-z-]+)(?=[=\s])", _options(step.arguments)):
        if advice := _BUILDKIT.get((step.instruction, option)):
            yield f"{step.instruction} --{option} needs BuildKit, which does not run the steps; {advice}"
    if not step.heredoc:
        return
    if step.instruction != "RUN":
        yield f"{step.instruction} with a heredoc needs BuildKit; put the text in a file of the context folder"
    elif step.arguments.partition("\n")[2].startswith("#!") and step.arguments.startswith("<<"):
        yield "a heredoc with an interpreter line needs BuildKit; COPY the script from the context folder and run it"


def _options(arguments: str) -> str:
    found = re.match(r"(?:--\S+\s+)+", arguments)
    return found[0] if found else ""


def _context_faults(step: Step, files: frozenset[str] | None, folder: str) -> Iterator[str]:
    if step.instruction in {"COPY", "ADD"} and not step.heredoc and len(split_copy(step.arguments)[1]) < 2:
        yield f"{step.instruction} needs a source and a target"
    sources = context_sources(step)
    if sources is None:
        return
    if files is None:
        yield f"{step.instruction} reads files, but there is no context folder; name it with stepsContext"
        return
    for source in sources.leaving:
        yield f'{step.instruction} "{source}" leaves the context; put the file inside {folder}'
    for source in sources.paths:
        if source != "." and not matching(source, files):
            hint = _suggest_file(source, files)
            yield f'{step.instruction}: no file "{source}" in {folder} (after .dockerignore){hint}'


def _suggest_file(source: str, files: frozenset[str]) -> str:
    close = difflib.get_close_matches(source, sorted(files), n=1, cutoff=0.7)
    return f"; did you mean {close[0]}?" if close else ""


def _apt_faults(step: Step) -> Iterator[str]:
    for command in _simple_commands(step.arguments):
        verb = _apt_verb(command)
        if verb and verb not in _APT and (close := difflib.get_close_matches(verb, sorted(_APT), n=1, cutoff=0.75)):
            yield f'{command[0]} has no command "{verb}"; did you mean {close[0]}?'


def _simple_commands(script: str) -> list[list[str]]:
    """Split a shell line at ``&&``, ``;`` and the like; nothing if it is not plain enough to be sure."""
    if script.startswith("[") or any(sign in script for sign in "`$<#\"'\\()"):
        return []
    commands: list[list[str]] = [[]]
    for word in shlex.split(re.sub(r"(&&|\|\||[;|&])", r" \1 ", script)):
        if word in {"&&", "||", ";", "|", "&"}:
            commands.append([])
        elif commands[-1] or (word not in _BEFORE_A_COMMAND and not re.match(r"\w+=", word)):
            commands[-1].append(word)
    return commands


def _apt_verb(command: list[str]) -> str:
    """Return the first word of an apt or apt-get command that is no option, if it looks like a verb."""
    if not command or command[0] not in {"apt-get", "apt"}:
        return ""
    words = iter(command[1:])
    for word in words:
        if word in _APT_OPTIONS_WITH_VALUE:
            next(words, "")
        elif not word.startswith("-"):
            return word if re.fullmatch(r"[a-z-]+", word) else ""
    return ""
