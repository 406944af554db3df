"""A preview as Markdown for a pull request: what matters first, long differences folded, never above a limit.

What was said by a user's file or by another provider is quoted as code: no text of a preview becomes markup, a link or
a mention.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.golden.table import FAILED, SUBJECT
from .golden import GoldenCheck
from .preview import SECRET, UNKNOWN, Change, Preview, Told, type_in

# what the review shows is for people who write the program, so by its words and not by tokens
KINDS = {
    "aciml:registry:ContainerRegistry": "registry",
    "aciml:image:Environment": "image of the environment",
    "aciml:image:Service": "image of the service",
    "aciml:compute:ContainerGroup": "service",
}
_WORDS = {"create": "create", "update": "update", "replace": "replace", "delete": "delete", "import": "import"}
_ORDER = ("replace", "delete", "update", "create", "import")
"""What a reviewer has to see comes first."""
_COST, _SIZE = "what it costs: ", "size of the image: "
# a plugin says these in its live lines: the number of bytes is what a reviewer asks for
_UPLOAD = re.compile(r"\d (?:[MK]B )?(?:to upload|of packages)|layers? to make|^nothing to upload")
_NOISE = ("lock", "dependencies", "asked", "sourceHash", "stepsKey", "baseKey", "packages", "pipPackages", "goldenHash")
"""Inputs that tables of their own show, or hashes."""
_VALUE = 60
"""Characters of a value that are shown in a table."""
_FOLD = 12
"""Rows of a table above which it is folded."""
_ROWS = (200, 60, 20, 5)
"""Rows of each table that are tried, until the whole is below the limit."""
_TEXT = 20
"""Characters of a message that are shown, for each row that is tried."""
_ENDS = 200
"""Bytes that are kept free for what ends a block."""
# what turns the order of letters, so that a line reads as another one, and what a terminal would obey
_HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_CUT = "\n\n… cut here: the preview is longer than a comment may be.\n"


@dataclass(frozen=True)
class Package:
    """A package that differs: versions before and after, empty if it was not there; who brings it."""

    name: str
    before: str
    after: str
    by: str


def marker_of(stack: str) -> str:
    """Return the hidden line by which the comment of a stack is found again."""
    # "--" would end an HTML comment
    return f"<!-- aciml comment {re.sub(r'-{2,}|[<>]', '-', stack)} -->"


def comment_of(
    preview: Preview, limit: int, *, stack: str = "", report: str = "", golden: Sequence[GoldenCheck] = ()
) -> str:
    """Return the comment, which begins with its marker.

    Args:
        preview: as it was read.
        limit: bytes of UTF-8 at most.
        stack: name that is shown; that of the preview without it.
        report: link to a report; none if empty.
        golden: checks of golden predictions.
    """
    text = ""
    # fewer rows in each table, until it is short enough: the head of everything is worth more than all of one
    for rows in _ROWS:
        text = _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", _written(preview, stack or preview.stack, report, golden, rows))
        if len(text.encode()) <= limit:
            return text
    return _cut(text, limit)


def _cut(text: str, limit: int) -> str:
    """Cut a text after a line, and end what is open there: a block of code, and what is folded."""
    # the limit counts bytes; half a letter at the cut is dropped
    kept = text.encode()[: limit - len(_CUT.encode()) - _ENDS].decode(errors="ignore").rpartition("\n")[0]
    fence = ""
    for line in kept.splitlines():
        if run := re.match(r"`{3,}", line):
            # a longer fence has shorter ones in it as text (CommonMark, "Fenced code blocks")
            fence = run[0] if not fence else "" if line == fence else fence
    ends = [fence, "\n</details>" if kept.count("<details>") > kept.count("</details>\n") else ""]
    return "\n".join([kept, *(one for one in ends if one)]) + _CUT


def _written(preview: Preview, stack: str, report: str, golden: Sequence[GoldenCheck], rows: int) -> str:
    # what may lose something first, then by name, so that two comments of one preview are equal
    ours = sorted((one for one in preview.changes if one.is_ours), key=_rank)
    # our components have nothing of their own: each is told by its children
    others = [one for one in preview.changes if not one.is_ours and not one.token.startswith("aciml:index:")]
    parts = [
        marker_of(stack),
        _heading(preview, stack),
        *_errors(preview, rows),
        *(_checked(one, rows) for one in golden),
        *_resources(preview, ours, rows),
        *_others(others, rows),
        *_images(preview, ours),
        *_packages(ours, rows),
        *_golden_told(preview, rows),
        *_warnings(preview, rows),
        *_differences(ours, rows),
        *([f"[Report of the images]({_link(report)})"] if report else []),
    ]
    return "\n\n".join(parts) + "\n"


def _rank(change: Change) -> tuple[int, str]:
    return (_ORDER.index(change.op) if change.op in _ORDER else len(_ORDER), change.name)


def _heading(preview: Preview, stack: str) -> str:
    name = f"### Preview of {_code(stack)}" if stack else "### Preview"
    if preview.errors:
        return f"{name}: failed"
    # in the order of Pulumi's own summary a replacement would stand behind twenty creations
    counts = {op: sum(one.op == op for one in preview.changes) for op in dict.fromkeys(c.op for c in preview.changes)}
    ordered = sorted(counts, key=lambda op: _ORDER.index(op) if op in _ORDER else len(_ORDER))
    told = [f"**{counts[op]} to {_WORDS.get(op, op)}**" if op in ("replace", "delete") else
            f"{counts[op]} to {_WORDS.get(op, op)}" for op in ordered]  # fmt: skip
    if not told:
        return f"{name}: no changes"
    return f"{name}: {', '.join(told)}, {preview.same} unchanged"


def _errors(preview: Preview, rows: int) -> Iterator[str]:
    if preview.errors:
        yield "**The preview failed:** nothing is known of what comes after the first of these.\n\n" + _quoted(
            preview.errors, rows
        )


def _checked(check: GoldenCheck, rows: int) -> str:
    """Say how many answers differ, and show them, the worst first."""
    answers = _count(check.requests, "golden answer")
    if not check.total:
        return f"**Golden predictions**: {answers} of {_code(check.new)} as in {_code(check.old)}"
    head = f"Golden predictions: {check.differing} of {answers} of {_code(check.new)} differ from {_code(check.old)}"
    lines = ["| request | path | old | new | off by |", "| --- | --- | --- | --- | --- |"]
    # two digits tell enough of a share; below a hundredth of a percent only its size in tens matters
    for one in check.rows[:rows]:
        off = "" if one.relative is None else f"{one.relative:.2%}" if one.relative >= 1e-4 else f"{one.relative:.1e}"
        # the file of checks has a table of limited rows and the number of all
        lines.append(f"| {' | '.join(map(_code, (one.request, one.path, one.old, one.new)))} | {off} |")
    if (more := check.total - min(len(check.rows), rows)) > 0:
        lines.append(f"| and {more} more | | | | |")
    return _folded(head, "\n".join(lines), long=len(check.rows) > _FOLD)


def _warnings(preview: Preview, rows: int) -> Iterator[str]:
    found = [one for one in preview.told if one.severity == "warning" and not _is_golden(one)]
    if found:
        yield _folded(f"{_count(len(found), 'warning')}", _quoted(found, rows), long=len(found) > _FOLD)


def _golden_told(preview: Preview, rows: int) -> Iterator[str]:
    """Say what is known of golden predictions, of all resources together; an error is among the errors as well."""
    found = [one for one in preview.told if _is_golden(one)]
    if found:
        count = sum(one.severity in ("warning", "error") for one in found)
        head = f"{SUBJECT}: {_count(count, 'finding')}" if count else SUBJECT
        yield _folded(head, _quoted(found, rows), long=len(found) > _FOLD)


def _is_golden(told: Told) -> bool:
    # a service that fails is named first, and what it failed comes after
    return told.text.startswith(SUBJECT) or FAILED in told.text


def _quoted(told: Sequence[Told], rows: int) -> str:
    # the shorter the tables have to be, the shorter the messages: they are cut by one rule
    most = rows * _TEXT
    texts = [one.text if len(one.text) <= most else f"{one.text[:most]}… ({len(one.text)} characters)" for one in told]
    lines = [f"{name_in(one.urn)}: {text}" if one.urn else text for one, text in zip(told[:rows], texts, strict=False)]
    more = [f"and {len(told) - rows} more"] if len(told) > rows else []
    return _block("\n".join([*lines, *more]), "text")


def name_in(urn: str) -> str:
    """Return the name of an urn's resource."""
    return urn.split("::", 3)[-1]


def _resources(preview: Preview, ours: Sequence[Change], rows: int) -> Iterator[str]:
    if not ours:
        return
    lines = ["| | resource | what changes | what it costs |", "| --- | --- | --- | --- |"]
    for one in ours[:rows]:
        word = f"**{_WORDS[one.op]}**" if one.op in ("replace", "delete") else _WORDS.get(one.op, one.op)
        kind = KINDS.get(one.token, one.token)
        lines.append(f"| {word} | {_code(one.name)}, {kind} | {_what(one)} | {_costs(preview, one)} |")
    if len(ours) > rows:
        # a reader counts rows: what is left out has to be said
        lines.append(f"| | and {len(ours) - rows} more | | |")
    yield "\n".join(lines)


def _what(change: Change) -> str:
    """Say what differs of a resource in a cell: why it is replaced, files, and a few values."""
    # nothing differs in what is new or gone: its values are in the fold below
    if change.op in ("create", "delete", "import"):
        return ""
    # first: of all that differs the reader looks for what makes it a replacement
    why = f"because of {', '.join(map(_code, dict.fromkeys(change.reasons)))}" if change.op == "replace" else ""
    found = [why] if why else []
    if packages := package_changes(change):
        found.append(_count(len(packages), "package"))
    found += _named(change, "sourceFiles", "", "file") + _named(change, "modelHashes", "model ", "model")
    found += ["other golden answers"] if "goldenHash" in change.paths else []
    # inputs that name files are told by their names, and never by hashes
    told = (*_NOISE, "sourceFiles", "modelHashes", "baseDigest")
    values = [path for path in change.paths if path.partition("[")[0] not in told]
    # six fill a line of a phone; the fold has all
    found += [_value_change(change, path) for path in values[:6]]
    found += [f"and {len(values) - 6} more"] if len(values) > 6 else []
    if not found:
        # a change of something that is only a hash: its name at least
        found = [_code(name) for name in dict.fromkeys(path.partition("[")[0] for path in change.paths)]
    return "; ".join(found)


def _named(change: Change, wire: str, before: str, what: str) -> list[str]:
    """Name the files, or models, that differ in a map from names to hashes; none if it is the same, or not known."""
    if not any(path.partition("[")[0] == wire for path in change.paths):
        return []
    old, new = change.before.get(wire) or {}, change.after.get(wire) or {}
    if not isinstance(old, Mapping) or not isinstance(new, Mapping):
        return []
    names = [name for name in sorted(old.keys() | new.keys()) if not _is_same(old.get(name), new.get(name))]
    marks = [before + _code(f"+{one}" if one not in old else f"-{one}" if one not in new else one) for one in names[:5]]
    more = f" and {_count(len(names) - 5, f'more {what}')}" if len(names) > 5 else ""
    return [", ".join(marks) + more] if marks else []


def _is_same(before: object, after: object) -> bool:
    """Compare hashes, of which states of 0.2 have all digits."""
    return before is not None and after is not None and str(before).startswith(str(after))


def _value_change(change: Change, path: str) -> str:
    before, after = value_at(change.before, path), value_at(change.after, path)
    # two digests in a cell would say nothing and take the whole width
    if _is_image(before) or _is_image(after):
        return f"{_code(path)}: another image"
    if all(one is None or isinstance(one, str | int | float | bool) for one in (before, after)):
        return f"{_code(path)} {_text(before)} → {_text(after)}"
    return _code(path)


def _is_image(value: object) -> bool:
    return isinstance(value, str) and "@sha256:" in value


def _text(value: Any) -> str:
    # a secret and an unknown value are words of Pulumi's own, in brackets, which would be a link
    if value is None:
        return "nothing"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if value in (SECRET, UNKNOWN):
        return text.replace("[", "\\[")
    return _code(text if len(text) <= _VALUE else f"{text[:_VALUE]}…")


def value_at(values: Mapping[str, Any], path: str) -> Any:
    """Return what is at a path such as ``a``, ``a["b"]`` or ``a[0]``; None if nothing is. A secret hides all below."""
    found: Any = values
    for name, key, index in re.findall(r'^([^\[]+)|\["([^"]*)"\]|\[(\d+)\]', path):
        # the whole map is hidden: what is below it is, too
        if found == SECRET:
            return SECRET
        if isinstance(found, Mapping):
            found = found.get(name or key)
        elif isinstance(found, list) and index:
            found = found[int(index)] if int(index) < len(found) else None
        else:
            return None
    return found


def _costs(preview: Preview, change: Change) -> str:
    lines = preview.lines_of(change.urn)
    # a live line begins with what it is about; the reader sees that by the column
    found = [line.removeprefix(_COST) for line in lines if line.startswith(_COST)]
    found += [line.partition(", digest")[0] for line in lines if _UPLOAD.search(line)]
    if change.op == "delete" and change.token == "aciml:compute:ContainerGroup":
        found.append("the service is gone")
    return "; ".join(_plain(one) for one in found)


def _others(others: Sequence[Change], rows: int) -> Iterator[str]:
    """Sum up what other providers do, by type."""
    if not others:
        # by type and number: what it is about is the other provider's affair, and may have secrets in its names
        return
    found: dict[tuple[str, str], int] = {}
    for one in others:
        key = (one.token or type_in(one.urn), one.op)
        found[key] = found.get(key, 0) + 1
    ordered = sorted(found, key=lambda key: (_ORDER.index(key[1]) if key[1] in _ORDER else len(_ORDER), key[0]))
    told = [f"- {found[key]} to {_WORDS.get(key[1], key[1])}: {_code(key[0])}" for key in ordered[:rows]]
    more = [f"- and {len(ordered) - rows} more types"] if len(ordered) > rows else []
    head = f"{_count(len(others), 'resource')} of other providers"
    yield _folded(head, "\n".join([*told, *more]), long=len(ordered) > _FOLD)


def _images(preview: Preview, ours: Sequence[Change]) -> Iterator[str]:
    """Say base and size of each image that changes."""
    lines = []
    # base and size stand for images alone: a service has its own line above
    for one in ours:
        size = [line.removeprefix(_SIZE) for line in preview.lines_of(one.urn) if line.startswith(_SIZE)]
        # the last one said counts: a live line may have come before it with a guess
        lines += [f"- size of {_code(one.name)}: {_plain(text)}" for text in size[-1:]]
        lines += _base(one)
    if lines:
        yield "\n".join(lines)


def _base(change: Change) -> Iterator[str]:
    before, after = _bases(change.before), _bases(change.after)
    if change.op in ("update", "replace") and before and after and before != after:
        told = [", ".join(_code(f"{name}@{digest}") for name, digest in one.items()) for one in (before, after)]
        yield f"- base of {_code(change.name)}: {' → '.join(told)}"


def _bases(values: Mapping[str, Any]) -> dict[str, str]:
    # one base by reference, or the several of a Dockerfile
    if isinstance(values.get("baseImage"), str) and values.get("baseDigest"):
        return {values["baseImage"]: str(values["baseDigest"])}
    images = values.get("baseImages")
    return {str(name): str(digest) for name, digest in images.items()} if isinstance(images, Mapping) else {}


def package_changes(change: Change) -> list[Package]:
    """Return the packages of an environment that differ, by name; none of one that is new, or not known yet."""
    found: list[Package] = []
    # a new environment would list all of its packages, and an unknown one none
    if change.op not in ("update", "replace"):
        return found
    for wire, by in (("packages", "conda"), ("pipPackages", "pip")):
        before, after = change.before.get(wire) or {}, change.after.get(wire) or {}
        if not isinstance(before, Mapping) or not isinstance(after, Mapping):
            continue
        for name in sorted(before.keys() | after.keys()):
            was, is_now = str(before.get(name, "")), str(after.get(name, ""))
            if was != is_now:
                short = was.partition(" ")[0], is_now.partition(" ")[0]
                # only a build number differs: then it has to be shown, or both cells would be equal
                found.append(Package(name, *(short if short[0] != short[1] else (was, is_now)), by))
    return sorted(found, key=lambda one: (one.name, one.by))


def _packages(ours: Sequence[Change], rows: int) -> Iterator[str]:
    for one in ours:
        packages = package_changes(one)
        if not packages:
            continue
        lines = ["| package | before | after | |", "| --- | --- | --- | --- |"]
        lines += [
            f"| {_code(p.name)} | {_code(p.before) if p.before else ''} | {_code(p.after) if p.after else 'removed'} "
            f"| {p.by} |"
            for p in packages[:rows]
        ]
        lines += [f"| and {len(packages) - rows} more | | | |"] if len(packages) > rows else []
        head = f"{_count(len(packages), 'package')} of {_code(one.name)}"
        yield _folded(head, "\n".join(lines), long=len(packages) > _FOLD)


def _differences(ours: Sequence[Change], rows: int) -> Iterator[str]:
    lines: list[str] = []
    for one in ours:
        # paths of hashes and pins are told in tables above
        paths = [path for path in one.paths if not path.startswith(_NOISE)]
        if one.op not in ("update", "replace") or not paths:
            continue
        lines.append(f"  {one.name}")
        for path in paths[:rows]:
            lines += _difference(path, value_at(one.before, path), value_at(one.after, path))
        lines += [f"  and {len(paths) - rows} more"] if len(paths) > rows else []
    if lines:
        yield _folded("all differences", _block("\n".join(lines), "diff"), long=True)


def _difference(path: str, before: Any, after: Any) -> Iterator[str]:
    """Give a line for each value that differs; of a map those of its entries, since the others say nothing."""
    maps = [one for one in (before, after) if isinstance(one, Mapping)]
    if maps and all(one is None or isinstance(one, Mapping) for one in (before, after)):
        old, new = before or {}, after or {}
        for key in sorted(old.keys() | new.keys()):
            if old.get(key) != new.get(key):
                yield from _difference(f'{path}["{key}"]', old.get(key), new.get(key))
        return
    if before is not None:
        yield f"- {path}: {_line(before)}"
    if after is not None:
        yield f"+ {path}: {_line(after)}"


def _line(value: Any) -> str:
    # one line each: a diff of Markdown is read by its first sign
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return text if len(text) <= 300 else f"{text[:300]}…"


def _folded(head: str, body: str, *, long: bool) -> str:
    # GitHub and Azure DevOps both need the empty lines to read Markdown inside
    return f"<details><summary>{_html(head)}</summary>\n\n{body}\n\n</details>" if long else f"**{head}**\n\n{body}"


def _html(text: str) -> str:
    return re.sub(r"`([^`]*)`", lambda found: f"<code>{_escaped(found[1])}</code>", text)


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _code(text: str) -> str:
    """Return a text as code that cannot end it, or a row of a table."""
    # what comes from a program is text and nothing else: a backtick would end the code, a bar the cell
    flat = " ".join(str(text).replace("`", "'").split())
    return f"`{flat.replace('|', chr(92) + '|')}`" if flat else ""


_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|@!~])")


def _plain(text: str) -> str:
    """Return a sentence of ours, in which a user's words may stand, without markup."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()).replace(" -> ", " → "))


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _link(url: str) -> str:
    return re.sub(r"[\s()<>]", lambda found: f"%{ord(found[0]):02X}", url)


def _block(text: str, language: str) -> str:
    """Return a block of code; its fence is longer than any in the text."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
